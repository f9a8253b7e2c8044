-- What analysts and BI tools read of deals, payments and what became of them.

drop view if exists analytics.deals;
create view analytics.deals with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.lead_id,
    t.origin_event_id,
    t.package_id,
    k.name as package_name,
    t.closer_id,
    c.name as closer_name,
    t.setter_id,
    s.name as setter_name,
    t.contract_value,
    t.currency,
    t.contract_value_base,
    t.base_currency,
    t.status,
    t.deal_type,
    t.payment_type,
    t.status <> 'void' and l.is_test is distinct from true as is_counted,
    t.closed_at,
    (t.closed_at at time zone o.timezone)::date as closed_day,
    t.provider_subscription_id,
    t.voided_at,
    t.void_reason,
    t.created_at,
    t.updated_at
  from app.deals as t
  join app.organizations as o on o.id = t.organization_id
  left join app.leads as l on l.organization_id = t.organization_id and l.id = t.lead_id
  left join app.packages as k on k.organization_id = t.organization_id and k.id = t.package_id
  left join app.closers as c on c.organization_id = t.organization_id and c.id = t.closer_id
  left join app.setters as s on s.organization_id = t.organization_id and s.id = t.setter_id
 where t.deleted_at is null;
grant select on analytics.deals to authenticated, org_admin, super_admin, reader, analyst;
comment on view analytics.deals is $$One row per sale: what was agreed, who gets credit. Voided deals stay, with is_counted false; deleted ones are left out.
Deals Won counts status won by closed_day, Contracted Revenue sums contract_value_base.$$;
comment on column analytics.deals.organization_id is 'The tenant; join on it together with every id.';
comment on column analytics.deals.id is 'Identity of the row inside its organization; ordered by time of creation.';
comment on column analytics.deals.lead_id is 'Who bought; joins leads.';
comment on column analytics.deals.origin_event_id is 'The call that closed it; NULL for a sale without a call. Joins events.';
comment on column analytics.deals.package_id is 'What was sold; joins packages.';
comment on column analytics.deals.package_name is 'Name of what was sold, today; NULL: not said.';
comment on column analytics.deals.closer_id is 'Who sold it; joins closers.';
comment on column analytics.deals.closer_name is 'Name of closer_id on the roster today, so that grouping by it does not split who was renamed; NULL without one.';
comment on column analytics.deals.setter_id is 'Who booked the call that led to it; joins setters.';
comment on column analytics.deals.setter_name is 'Name of setter_id on the roster today, so that grouping by it does not split who was renamed; NULL without one.';
comment on column analytics.deals.contract_value is 'What was agreed, in major units of currency.';
comment on column analytics.deals.currency is 'ISO 4217 code of contract_value.';
comment on column analytics.deals.contract_value_base is 'contract_value in base_currency at the rate of the closing day; NULL until there is one.';
comment on column analytics.deals.base_currency is 'ISO 4217 code of the organization''s currency.';
comment on column analytics.deals.status is 'won, canceled (no more is owed) or void (never a sale).';
comment on column analytics.deals.deal_type is 'new_deal for the first sale to a lead, else upsell.';
comment on column analytics.deals.payment_type is 'pif (paid in full), payment_plan, deposit or financed.';
comment on column analytics.deals.is_counted is 'True: counts in metrics; false: void, or of an internal test lead.';
comment on column analytics.deals.closed_at is 'When it was agreed; UTC instant.';
comment on column analytics.deals.closed_day is 'Local day on which it was agreed.';
comment on column analytics.deals.provider_subscription_id is 'The subscription at the payment processor that pays it.';
comment on column analytics.deals.voided_at is 'When it was voided; UTC instant.';
comment on column analytics.deals.void_reason is 'Why it was voided, in a person''s words.';
comment on column analytics.deals.created_at is 'When the row was written here; UTC instant.';
comment on column analytics.deals.updated_at is 'When the row last changed; UTC instant.';

drop view if exists analytics.deal_installments;
create view analytics.deal_installments with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.deal_id,
    t.installment_no,
    t.due_on,
    t.amount,
    t.currency,
    t.created_at,
    t.updated_at
  from app.deal_installments as t;
grant select on analytics.deal_installments to authenticated, org_admin, super_admin, reader, analyst;
comment on view analytics.deal_installments is $$One row per part of a deal's price that is due on one day.$$;
comment on column analytics.deal_installments.organization_id is 'The tenant; join on it together with every id.';
comment on column analytics.deal_installments.id is 'Identity of the row inside its organization; ordered by time of creation.';
comment on column analytics.deal_installments.deal_id is 'Of which sale; joins deals.';
comment on column analytics.deal_installments.installment_no is 'Which part it is, counted from 1.';
comment on column analytics.deal_installments.due_on is 'Local day on which it is due.';
comment on column analytics.deal_installments.amount is 'What is due, in major units of currency.';
comment on column analytics.deal_installments.currency is 'ISO 4217 code of amount: that of the deal.';
comment on column analytics.deal_installments.created_at is 'When the row was written here; UTC instant.';
comment on column analytics.deal_installments.updated_at is 'When the row last changed; UTC instant.';

drop view if exists analytics.payments;
create view analytics.payments with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.lead_id,
    t.event_id,
    t.deal_id,
    t.installment_no,
    t.post_call_form_id,
    t.closer_id,
    c.name as closer_name,
    t.setter_id,
    s.name as setter_name,
    exists (
        select from app.payment_credits as k
         where k.organization_id = t.organization_id and k.payment_id = t.id and k.share < 1) as is_split,
    t.source_id,
    src.name as source_name,
    t.traffic_type_id,
    tt.name as traffic_type_name,
    t.package_id,
    k.name as package_name,
    t.whop_connection_id,
    t.source,
    t.provider,
    t.provider_account,
    t.provider_payment_id,
    t.provider_charge_id,
    t.status,
    t.livemode,
    t.status = 'succeeded' and t.livemode and t.superseded_by_id is null and t.claim_state is distinct from 'rejected'
        and coalesce(t.amount_base > 0, false) and l.is_test is distinct from true as is_counted,
    t.amount,
    t.currency,
    t.amount_base,
    t.base_currency,
    t.fee_amount,
    t.tax_amount,
    t.refund_amount,
    t.net_revenue,
    t.payment_date,
    (t.payment_date at time zone o.timezone)::date as payment_day,
    t.customer_email,
    t.customer_name,
    t.customer_phone,
    t.provider_customer_id,
    t.provider_subscription_id,
    t.payment_type,
    t.deal_type,
    t.description,
    t.superseded_by_id,
    t.claim_state,
    t.attribution_method,
    t.attribution_confidence,
    t.recorded_by,
    t.reason,
    t.created_at,
    t.updated_at
  from app.payments as t
  join app.organizations as o on o.id = t.organization_id
  left join app.leads as l on l.organization_id = t.organization_id and l.id = t.lead_id
  left join app.closers as c on c.organization_id = t.organization_id and c.id = t.closer_id
  left join app.setters as s on s.organization_id = t.organization_id and s.id = t.setter_id
  left join app.sources as src on src.organization_id = t.organization_id and src.id = t.source_id
  left join app.traffic_types as tt on tt.organization_id = t.organization_id and tt.id = t.traffic_type_id
  left join app.deals as d on d.organization_id = t.organization_id and d.id = t.deal_id
  left join app.packages as k on k.organization_id = t.organization_id and k.id = coalesce(t.package_id, d.package_id)
 where t.deleted_at is null;
grant select on analytics.payments to authenticated, org_admin, super_admin, reader, analyst;
comment on view analytics.payments is $$One row per payment, whatever number of deliveries told of it; claims of forms are payments with source manual.
Deleted payments are left out; failed, test-mode, superseded and rejected ones stay, with is_counted false. Cash Collected sums
amount_base of rows with is_counted by payment_day. closer_id is the largest credit alone: by closer, sum cash_credits.$$;
comment on column analytics.payments.organization_id is 'The tenant; join on it together with every id.';
comment on column analytics.payments.id is 'Identity of the row inside its organization; ordered by time of creation.';
comment on column analytics.payments.lead_id is 'Who paid; NULL: nobody on file. Joins leads.';
comment on column analytics.payments.event_id is 'The call that it is attributed to; joins events.';
comment on column analytics.payments.deal_id is 'The sale that it pays; joins deals.';
comment on column analytics.payments.installment_no is 'Which part of the deal it pays, counted from 1; joins deal_installments together with deal_id.';
comment on column analytics.payments.post_call_form_id is 'The form that claims it; NULL for all but claims. Joins post_call_forms.';
comment on column analytics.payments.closer_id is 'The closer with the largest credit; NULL: none. Joins closers. A split payment has more, see payment_credits.';
comment on column analytics.payments.closer_name is 'Name of closer_id on the roster today, so that grouping by it does not split who was renamed; NULL without one.';
comment on column analytics.payments.setter_id is 'The setter with the largest credit; NULL: none. Joins setters.';
comment on column analytics.payments.setter_name is 'Name of setter_id on the roster today, so that grouping by it does not split who was renamed; NULL without one.';
comment on column analytics.payments.is_split is 'True: several people share the credit of one role, so closer_id or setter_id tells only part of it.';
comment on column analytics.payments.source_id is 'Where the buyer came from; joins sources.';
comment on column analytics.payments.source_name is 'Name of the source today; NULL: unknown.';
comment on column analytics.payments.traffic_type_id is 'By which kind of traffic; joins traffic_types.';
comment on column analytics.payments.traffic_type_name is 'Name of the kind of traffic today; NULL: unknown.';
comment on column analytics.payments.package_id is 'What is paid, where it was told with the payment; processors tell of none, see package_name. Joins packages.';
comment on column analytics.payments.package_name is 'Name of what is paid, today: as told with the payment, else that of its deal; NULL: not said.';
comment on column analytics.payments.whop_connection_id is 'The webhook connection it came through, whatever the provider; joins data_freshness.';
comment on column analytics.payments.source is 'Who told of it: stripe, whop, import, or manual for claims and what people recorded.';
comment on column analytics.payments.provider is 'Who moved the money: stripe, whop, manual or import.';
comment on column analytics.payments.provider_account is 'Our account at the provider.';
comment on column analytics.payments.provider_payment_id is 'The payment at the provider; one row each.';
comment on column analytics.payments.provider_charge_id is 'The charge at the provider.';
comment on column analytics.payments.status is 'pending, succeeded, failed or canceled.';
comment on column analytics.payments.livemode is 'False: made in the provider''s test mode; counts nowhere.';
comment on column analytics.payments.is_counted is 'True: counts in metrics: succeeded, live, neither superseded nor rejected, converted, of no internal test lead.';
comment on column analytics.payments.amount is 'What was paid, in major units of currency.';
comment on column analytics.payments.currency is 'ISO 4217 code of amount, refund_amount and net_revenue.';
comment on column analytics.payments.amount_base is 'amount in base_currency at the rate of the payment''s day, frozen; NULL until there is one. Sum this one.';
comment on column analytics.payments.base_currency is 'ISO 4217 code of the organization''s currency.';
comment on column analytics.payments.fee_amount is 'The processor''s fee inside the amount, in base_currency; NULL: not known.';
comment on column analytics.payments.tax_amount is 'Tax inside the amount, in base_currency; NULL: not known.';
comment on column analytics.payments.refund_amount is 'Succeeded refunds and disputes less won disputes of any later day, in currency; by their own days see payment_refunds.';
comment on column analytics.payments.net_revenue is 'amount less refund_amount, in currency; restates when a refund comes.';
comment on column analytics.payments.payment_date is 'When the provider confirmed the money; UTC instant.';
comment on column analytics.payments.payment_day is 'Local day of payment_date.';
comment on column analytics.payments.customer_email is 'E-mail address that the payer gave.';
comment on column analytics.payments.customer_name is 'Name that the payer gave.';
comment on column analytics.payments.customer_phone is 'Phone number that the payer gave.';
comment on column analytics.payments.provider_customer_id is 'The payer at the provider.';
comment on column analytics.payments.provider_subscription_id is 'The subscription at the provider, if it pays one.';
comment on column analytics.payments.payment_type is 'pif (paid in full), payment_plan, deposit or financed.';
comment on column analytics.payments.deal_type is 'new_deal or upsell as told with the payment; New and Upsell Cash go by that of the deal, see cash_movements.';
comment on column analytics.payments.description is 'The provider''s or a person''s words about it.';
comment on column analytics.payments.superseded_by_id is 'The processor''s payment that proved this claim, and counts in its place; joins payments.';
comment on column analytics.payments.claim_state is 'Of a form''s claim: pending, confirmed, rejected or superseded; NULL: no claim.';
comment on column analytics.payments.attribution_method is 'How call and credit were found: reference, provider_customer, identity_deal, identity_event, claim, form, import, manual or none.';
comment on column analytics.payments.attribution_confidence is 'How sure that is: a share from 0 to 1.';
comment on column analytics.payments.recorded_by is 'The user who recorded it by hand; NULL: nobody did.';
comment on column analytics.payments.reason is 'Why it was recorded or changed, in a person''s words.';
comment on column analytics.payments.created_at is 'When the row was written here; UTC instant.';
comment on column analytics.payments.updated_at is 'When the row last changed; UTC instant.';

drop view if exists analytics.payment_refunds;
create view analytics.payment_refunds with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.payment_id,
    t.kind,
    t.status,
    t.amount,
    t.currency,
    t.amount_base,
    t.base_currency,
    t.refunded_at,
    (t.refunded_at at time zone o.timezone)::date as refunded_day,
    t.provider,
    t.provider_account,
    t.provider_refund_id,
    t.provider_payment_id,
    t.provider_charge_id,
    t.reason,
    t.recorded_by,
    t.created_at,
    t.updated_at
  from app.payment_refunds as t
  join app.organizations as o on o.id = t.organization_id;
grant select on analytics.payment_refunds to authenticated, org_admin, super_admin, reader, analyst;
comment on view analytics.payment_refunds is $$One row per refund, dispute or won dispute, each on its own day.
Metrics count those of counted payments: sum cash_movements, which has their sign.$$;
comment on column analytics.payment_refunds.organization_id is 'The tenant; join on it together with every id.';
comment on column analytics.payment_refunds.id is 'Identity of the row inside its organization; ordered by time of creation.';
comment on column analytics.payment_refunds.payment_id is 'The payment that goes back; NULL while that one has not arrived. Joins payments.';
comment on column analytics.payment_refunds.kind is 'refund or dispute (money goes), dispute_won (money returns).';
comment on column analytics.payment_refunds.status is 'pending, requires_action, succeeded, failed or canceled; only succeeded moves money.';
comment on column analytics.payment_refunds.amount is 'Always positive, in major units of currency.';
comment on column analytics.payment_refunds.currency is 'ISO 4217 code of amount: that of the payment.';
comment on column analytics.payment_refunds.amount_base is 'amount in base_currency at the rate of the payment, frozen; NULL until there is one.';
comment on column analytics.payment_refunds.base_currency is 'ISO 4217 code of the organization''s currency.';
comment on column analytics.payment_refunds.refunded_at is 'When the money moved; UTC instant.';
comment on column analytics.payment_refunds.refunded_day is 'Local day on which the money moved.';
comment on column analytics.payment_refunds.provider is 'Who moved it: stripe, whop, manual or import.';
comment on column analytics.payment_refunds.provider_account is 'Our account at the provider.';
comment on column analytics.payment_refunds.provider_refund_id is 'The refund or dispute at the provider.';
comment on column analytics.payment_refunds.provider_payment_id is 'The payment at the provider.';
comment on column analytics.payment_refunds.provider_charge_id is 'The charge at the provider.';
comment on column analytics.payment_refunds.reason is 'Why, in the provider''s or a person''s words.';
comment on column analytics.payment_refunds.recorded_by is 'The user who recorded it by hand; NULL: nobody did.';
comment on column analytics.payment_refunds.created_at is 'When the row was written here; UTC instant.';
comment on column analytics.payment_refunds.updated_at is 'When the row last changed; UTC instant.';

drop view if exists analytics.payment_credits;
create view analytics.payment_credits with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.payment_id,
    t.role,
    t.closer_id,
    t.setter_id,
    coalesce(c.name, s.name) as person_name,
    t.payee_id,
    t.share,
    t.amount_base,
    t.base_currency,
    t.created_at,
    t.updated_at
  from app.payment_credits as t
  left join app.closers as c on c.organization_id = t.organization_id and c.id = t.closer_id
  left join app.setters as s on s.organization_id = t.organization_id and s.id = t.setter_id;
grant select on analytics.payment_credits to authenticated, org_admin, super_admin, reader, analyst;
comment on view analytics.payment_credits is $$One row per person credited with a payment, in one role. Shares of a role add up to 1, amounts to the payment.
Joined to payments it repeats a payment once per person: sum amount_base of this view, never of the payment.$$;
comment on column analytics.payment_credits.organization_id is 'The tenant; join on it together with every id.';
comment on column analytics.payment_credits.id is 'Identity of the row inside its organization; ordered by time of creation.';
comment on column analytics.payment_credits.payment_id is 'What they are credited with; joins payments.';
comment on column analytics.payment_credits.role is 'As what: closer or setter.';
comment on column analytics.payment_credits.closer_id is 'Who, in the role closer; joins closers.';
comment on column analytics.payment_credits.setter_id is 'Who, in the role setter; joins setters.';
comment on column analytics.payment_credits.person_name is 'Their name on the roster today.';
comment on column analytics.payment_credits.payee_id is 'Who is paid commission for it.';
comment on column analytics.payment_credits.share is 'Their part of the payment: a share above 0, up to 1.';
comment on column analytics.payment_credits.amount_base is 'Their part in base_currency by largest remainder; NULL until the payment is converted.';
comment on column analytics.payment_credits.base_currency is 'ISO 4217 code of the organization''s currency.';
comment on column analytics.payment_credits.created_at is 'When the row was written here; UTC instant.';
comment on column analytics.payment_credits.updated_at is 'When the row last changed; UTC instant.';

drop view if exists analytics.cash_movements;
create view analytics.cash_movements with (security_invoker = true) as
select
    m.organization_id,
    m.id,
    m.payment_id,
    m.refund_id,
    m.kind,
    m.moved_at,
    m.moved_day,
    m.paid_at,
    m.paid_day,
    m.amount,
    m.currency,
    m.lead_id,
    m.event_id,
    m.deal_id,
    m.source_id,
    m.source_name,
    m.traffic_type_name,
    m.package_name,
    m.deal_type,
    m.is_from_processor
  from (
    select p.organization_id, p.id, p.id as payment_id, null::uuid as refund_id, 'payment' as kind,
           p.payment_date as moved_at, p.payment_day as moved_day, p.payment_date as paid_at, p.payment_day as paid_day,
           p.amount_base as amount, p.base_currency as currency, p.lead_id, p.event_id, p.deal_id, p.source_id, p.source_name,
           p.traffic_type_name, p.package_name, coalesce(d.deal_type, p.deal_type) as deal_type,
           p.source in ('stripe', 'whop') as is_from_processor
      from analytics.payments as p
      left join app.deals as d on d.organization_id = p.organization_id and d.id = p.deal_id
     where p.is_counted
    union all
    select p.organization_id, r.id, p.id, r.id, r.kind,
           r.refunded_at, r.refunded_day, p.payment_date, p.payment_day,
           case r.kind when 'dispute_won' then r.amount_base else -r.amount_base end, p.base_currency, p.lead_id, p.event_id,
           p.deal_id, p.source_id, p.source_name, p.traffic_type_name, p.package_name, coalesce(d.deal_type, p.deal_type),
           p.source in ('stripe', 'whop')
      from analytics.payment_refunds as r
      join analytics.payments as p on p.organization_id = r.organization_id and p.id = r.payment_id
      left join app.deals as d on d.organization_id = p.organization_id and d.id = p.deal_id
     where p.is_counted and r.status = 'succeeded' and r.amount_base is not null
  ) as m;
grant select on analytics.cash_movements to authenticated, org_admin, super_admin, reader, analyst;
comment on view analytics.cash_movements is $$One row per movement of money that counts: a payment (+), its refunds and disputes (-), won disputes (+), each on its own day.
Cash Collected sums kind payment, Refunds the others, Net Cash all by moved_day, Net Revenue all by paid_day.$$;
comment on column analytics.cash_movements.organization_id is 'The tenant; join on it together with every id.';
comment on column analytics.cash_movements.id is 'The payment''s id, or the refund''s.';
comment on column analytics.cash_movements.payment_id is 'The payment that was made, or goes back; joins payments.';
comment on column analytics.cash_movements.refund_id is 'The refund; NULL for the payment itself. Joins payment_refunds.';
comment on column analytics.cash_movements.kind is 'payment, refund, dispute or dispute_won.';
comment on column analytics.cash_movements.moved_at is 'When the money moved; UTC instant.';
comment on column analytics.cash_movements.moved_day is 'Local day on which the money moved; the day of Net Cash.';
comment on column analytics.cash_movements.paid_at is 'When the payment was made; UTC instant.';
comment on column analytics.cash_movements.paid_day is 'Local day on which the payment was made; the day of Net Revenue.';
comment on column analytics.cash_movements.amount is 'Signed: payments and won disputes add, refunds and disputes take away; in currency.';
comment on column analytics.cash_movements.currency is 'ISO 4217 code of the organization''s currency.';
comment on column analytics.cash_movements.lead_id is 'Who paid; joins leads.';
comment on column analytics.cash_movements.event_id is 'The call that it is attributed to; joins events.';
comment on column analytics.cash_movements.deal_id is 'The sale that it pays; joins deals.';
comment on column analytics.cash_movements.source_id is 'Where the buyer came from; joins sources.';
comment on column analytics.cash_movements.source_name is 'Name of the source today; NULL: unknown.';
comment on column analytics.cash_movements.traffic_type_name is 'Name of the kind of traffic today; NULL: unknown.';
comment on column analytics.cash_movements.package_name is 'Name of what is paid, today: as told with the payment, else that of its deal; NULL: not said.';
comment on column analytics.cash_movements.deal_type is 'new_deal or upsell: that of the deal, else as told with the payment. New Cash and Upsell Cash go by it.';
comment on column analytics.cash_movements.is_from_processor is 'True: a payment processor confirmed it; false: a claim or recorded by hand. Verified Share goes by it.';

drop view if exists analytics.cash_credits;
create view analytics.cash_credits with (security_invoker = true) as
select
    m.organization_id,
    m.id as movement_id,
    k.id as credit_id,
    x.role as role,
    k.closer_id,
    k.setter_id,
    coalesce(c.name, s.name) as person_name,
    case
        when k.id is null or m.refund_id is not null and k.share = 1 then m.amount
        when m.refund_id is null then k.amount_base
        else (select (app.split_amount(w.before + m.amount, w.weights, m.currency))[w.position]
                   - (app.split_amount(w.before, w.weights, m.currency))[w.position]
                from (
                    select array_agg(a.amount_base order by a.id) as weights, sum(a.share) as shares,
                           array_position(array_agg(a.id order by a.id), k.id) as position,
                           (select coalesce(sum(case r.kind when 'dispute_won' then r.amount_base else -r.amount_base end), 0)
                              from app.payment_refunds as r
                             where r.organization_id = m.organization_id and r.payment_id = m.payment_id
                               and r.status = 'succeeded' and r.amount_base is not null
                               and (r.refunded_at, r.id) < (m.moved_at, m.refund_id)) as before
                      from app.payment_credits as a
                     where a.organization_id = m.organization_id and a.payment_id = m.payment_id and a.role = x.role
                ) as w
               where w.shares = 1)
    end as amount,
    m.payment_id,
    m.refund_id,
    m.kind,
    m.moved_at,
    m.moved_day,
    m.paid_at,
    m.paid_day,
    m.currency,
    m.lead_id,
    m.event_id,
    m.deal_id,
    m.source_id,
    m.source_name,
    m.traffic_type_name,
    m.package_name,
    m.deal_type,
    m.is_from_processor
  from analytics.cash_movements as m
 cross join (values ('closer'), ('setter')) as x (role)
  left join app.payment_credits as k
    on k.organization_id = m.organization_id and k.payment_id = m.payment_id and k.role = x.role
  left join app.closers as c on c.organization_id = k.organization_id and c.id = k.closer_id
  left join app.setters as s on s.organization_id = k.organization_id and s.id = k.setter_id;
grant select on analytics.cash_credits to authenticated, org_admin, super_admin, reader, analyst;
comment on view analytics.cash_credits is $$One row per movement of cash_movements, role, and person credited in it; without a credit, one row with nobody. Choose a role:
the amounts of one role add up to the movements, nobody's part included, and to the metrics by closer or setter. Closers see their own
credits only: to them the part of others is missing, and a role in which others alone are credited looks like nobody's.$$;
comment on column analytics.cash_credits.organization_id is 'The tenant; join on it together with every id.';
comment on column analytics.cash_credits.movement_id is 'The movement; id of cash_movements.';
comment on column analytics.cash_credits.credit_id is 'The credit; NULL: nobody has one in this role that you may see. Joins payment_credits.';
comment on column analytics.cash_credits.role is 'As what: closer or setter.';
comment on column analytics.cash_credits.closer_id is 'Who, in the role closer; joins closers. NULL: unassigned, or the other role.';
comment on column analytics.cash_credits.setter_id is 'Who, in the role setter; joins setters. NULL: unassigned, or the other role.';
comment on column analytics.cash_credits.person_name is 'Their name on the roster today; NULL: unassigned.';
comment on column analytics.cash_credits.amount is 'Their signed part of the movement, in currency, by largest remainder; NULL of a refund whose other credits you may not see.';
comment on column analytics.cash_credits.payment_id is 'The payment that was made, or goes back; joins payments.';
comment on column analytics.cash_credits.refund_id is 'The refund; NULL for the payment itself. Joins payment_refunds.';
comment on column analytics.cash_credits.kind is 'payment, refund, dispute or dispute_won.';
comment on column analytics.cash_credits.moved_at is 'When the money moved; UTC instant.';
comment on column analytics.cash_credits.moved_day is 'Local day on which the money moved; the day of Net Cash.';
comment on column analytics.cash_credits.paid_at is 'When the payment was made; UTC instant.';
comment on column analytics.cash_credits.paid_day is 'Local day on which the payment was made; the day of Net Revenue.';
comment on column analytics.cash_credits.currency is 'ISO 4217 code of the organization''s currency.';
comment on column analytics.cash_credits.lead_id is 'Who paid; joins leads.';
comment on column analytics.cash_credits.event_id is 'The call that it is attributed to; joins events.';
comment on column analytics.cash_credits.deal_id is 'The sale that it pays; joins deals.';
comment on column analytics.cash_credits.source_id is 'Where the buyer came from; joins sources.';
comment on column analytics.cash_credits.source_name is 'Name of the source today; NULL: unknown.';
comment on column analytics.cash_credits.traffic_type_name is 'Name of the kind of traffic today; NULL: unknown.';
comment on column analytics.cash_credits.package_name is 'Name of what is paid, today: as told with the payment, else that of its deal; NULL: not said.';
comment on column analytics.cash_credits.deal_type is 'new_deal or upsell: that of the deal, else as told with the payment. New Cash and Upsell Cash go by it.';
comment on column analytics.cash_credits.is_from_processor is 'True: a payment processor confirmed it; false: a claim or recorded by hand. Verified Share goes by it.';
