-- Payments, refunds, credits and deals.

drop view if exists api.payments;
create view api.payments with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.lead_id,
    t.event_id,
    t.deal_id,
    t.installment_no,
    t.post_call_form_id,
    t.closer_id,
    t.setter_id,
    t.source_id,
    t.traffic_type_id,
    t.package_id,
    t.whop_connection_id,
    t.source,
    t.provider,
    t.provider_account,
    t.provider_payment_id,
    t.provider_charge_id,
    t.status,
    t.livemode,
    t.amount,
    t.currency,
    t.amount_base,
    t.base_currency,
    t.fee_amount,
    t.tax_amount,
    t.refund_amount,
    t.net_revenue,
    t.payment_date,
    t.customer_email,
    t.customer_name,
    t.customer_phone,
    t.provider_customer_id,
    t.provider_subscription_id,
    t.payment_type,
    t.deal_type,
    t.description,
    t.metadata,
    t.superseded_by_id,
    t.claim_state,
    t.claim_decided_at,
    t.attribution_method,
    t.attribution_confidence,
    t.attribution_steps,
    t.credited_by_hand,
    t.recorded_by,
    t.reason,
    t.deleted_at,
    t.deleted_reason,
    t.created_at,
    t.updated_at
  from app.payments as t
 where t.deleted_at is null;
grant select on api.payments to authenticated, org_admin, super_admin;
comment on view api.payments is $$Money received, one row per payment whatever number of deliveries told of it.$$;
comment on column api.payments.organization_id is 'The tenant.';
comment on column api.payments.id is 'Identity of the row; ordered by time of creation.';
comment on column api.payments.lead_id is 'Who paid; NULL: nobody on file.';
comment on column api.payments.event_id is 'The call that it is attributed to.';
comment on column api.payments.deal_id is 'The sale that it pays.';
comment on column api.payments.installment_no is 'Which part of its deal it pays, counted from 1.';
comment on column api.payments.post_call_form_id is 'The form whose claim this is.';
comment on column api.payments.closer_id is 'The largest closer credit.';
comment on column api.payments.setter_id is 'The largest setter credit.';
comment on column api.payments.source_id is 'The lead source.';
comment on column api.payments.traffic_type_id is 'The kind of traffic.';
comment on column api.payments.package_id is 'What is paid.';
comment on column api.payments.whop_connection_id is 'The connection it came through, whatever the provider.';
comment on column api.payments.source is 'Who told of it: stripe, whop, import, or manual for claims and what people recorded.';
comment on column api.payments.provider is 'Who moved the money: stripe, whop, manual or import.';
comment on column api.payments.provider_account is 'The account at the provider.';
comment on column api.payments.provider_payment_id is 'Identity at the processor.';
comment on column api.payments.provider_charge_id is 'The charge at the processor.';
comment on column api.payments.status is 'pending, succeeded, failed or canceled; only succeeded counts.';
comment on column api.payments.livemode is 'False: made in the provider''s test mode, counts nowhere.';
comment on column api.payments.amount is 'Major units of currency, at exactly its scale.';
comment on column api.payments.currency is 'ISO 4217 code.';
comment on column api.payments.amount_base is 'In base_currency, converted once at the payment day; NULL until a rate exists.';
comment on column api.payments.base_currency is 'The organization''s currency.';
comment on column api.payments.fee_amount is 'Processor fee, in base_currency.';
comment on column api.payments.tax_amount is 'Tax inside the amount, in base_currency.';
comment on column api.payments.refund_amount is 'Sum of succeeded refunds and disputes less won disputes, in currency.';
comment on column api.payments.net_revenue is 'amount less refund_amount, in currency.';
comment on column api.payments.payment_date is 'When the provider confirmed the money.';
comment on column api.payments.customer_email is 'E-mail the payer gave.';
comment on column api.payments.customer_name is 'Name the payer gave.';
comment on column api.payments.customer_phone is 'Phone number that the payer gave.';
comment on column api.payments.provider_customer_id is 'The payer at the processor, by which later payments find their lead.';
comment on column api.payments.provider_subscription_id is 'The subscription at the processor that it belongs to.';
comment on column api.payments.payment_type is 'pif, payment_plan, deposit or financed.';
comment on column api.payments.deal_type is 'new_deal or upsell.';
comment on column api.payments.description is 'The provider''s or a person''s words about it.';
comment on column api.payments.metadata is 'Key and value pairs the processor carried.';
comment on column api.payments.superseded_by_id is 'The processor''s payment that proved this claim and counts in its place.';
comment on column api.payments.claim_state is 'Of a payment that a form claims: pending, confirmed, rejected, superseded.';
comment on column api.payments.claim_decided_at is 'When an admin confirmed or rejected the claim.';
comment on column api.payments.attribution_method is 'How call and credit were found: reference, provider_customer, identity_deal, identity_event, claim, form, import, manual or none.';
comment on column api.payments.attribution_confidence is 'How sure that is: a share from 0 to 1.';
comment on column api.payments.attribution_steps is 'What was tried in order, and what it found, as JSON.';
comment on column api.payments.credited_by_hand is 'A person set the credits: only a person changes them.';
comment on column api.payments.recorded_by is 'The user who recorded it by hand; NULL: nobody did.';
comment on column api.payments.reason is 'Why, in a person''s words.';
comment on column api.payments.deleted_at is 'When it was deleted; NULL while it counts.';
comment on column api.payments.deleted_reason is 'Why it was deleted.';
comment on column api.payments.created_at is 'When the row was made.';
comment on column api.payments.updated_at is 'When the row last changed.';

drop view if exists api.payment_refunds;
create view api.payment_refunds with (security_invoker = true) as
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
    t.provider,
    t.provider_account,
    t.provider_refund_id,
    t.provider_payment_id,
    t.provider_charge_id,
    t.reason,
    t.recorded_by,
    t.superseded_by_id,
    t.created_at,
    t.updated_at
  from app.payment_refunds as t;
grant select on api.payment_refunds to authenticated, org_admin, super_admin;
comment on view api.payment_refunds is $$Refunds and disputes, each on its own day; payment_id is NULL while the payment itself has not arrived.$$;
comment on column api.payment_refunds.organization_id is 'The tenant.';
comment on column api.payment_refunds.id is 'Identity of the row; ordered by time of creation.';
comment on column api.payment_refunds.payment_id is 'The payment that goes back; NULL while that one has not arrived.';
comment on column api.payment_refunds.kind is 'refund or dispute (money goes), dispute_won (money returns).';
comment on column api.payment_refunds.status is 'pending, requires_action, succeeded, failed or canceled; only succeeded counts.';
comment on column api.payment_refunds.amount is 'Positive, in the currency of the payment.';
comment on column api.payment_refunds.currency is 'ISO 4217 code.';
comment on column api.payment_refunds.amount_base is 'In base_currency, frozen at the day it was made.';
comment on column api.payment_refunds.base_currency is 'The organization''s currency.';
comment on column api.payment_refunds.refunded_at is 'Day and time it counts on.';
comment on column api.payment_refunds.provider is 'Who moved the money: stripe, whop, manual or import.';
comment on column api.payment_refunds.provider_account is 'The account at the provider.';
comment on column api.payment_refunds.provider_refund_id is 'The refund or dispute at the processor.';
comment on column api.payment_refunds.provider_payment_id is 'Identity at the processor.';
comment on column api.payment_refunds.provider_charge_id is 'The charge at the processor.';
comment on column api.payment_refunds.reason is 'Why, in a person''s words.';
comment on column api.payment_refunds.recorded_by is 'The user who recorded it by hand; NULL: nobody did.';
comment on column api.payment_refunds.superseded_by_id is 'The processor''s refund that this one, entered by hand, turned out to be; it counts in its stead.';
comment on column api.payment_refunds.created_at is 'When the row was made.';
comment on column api.payment_refunds.updated_at is 'When the row last changed.';

drop view if exists api.payment_credits;
create view api.payment_credits with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.payment_id,
    t.role,
    t.closer_id,
    t.setter_id,
    t.payee_id,
    t.share,
    t.amount_base,
    t.base_currency,
    t.created_at,
    t.updated_at
  from app.payment_credits as t;
grant select on api.payment_credits to authenticated, org_admin, super_admin;
comment on view api.payment_credits is $$A person's share of a payment, per role; shares of one role add up to 1.$$;
comment on column api.payment_credits.organization_id is 'The tenant.';
comment on column api.payment_credits.id is 'Identity of the row; ordered by time of creation.';
comment on column api.payment_credits.payment_id is 'What they are credited with.';
comment on column api.payment_credits.role is 'As what they are credited: closer or setter.';
comment on column api.payment_credits.closer_id is 'Who, in the role closer.';
comment on column api.payment_credits.setter_id is 'Who, in the role setter.';
comment on column api.payment_credits.payee_id is 'Who is paid commission for it.';
comment on column api.payment_credits.share is 'Their part of the payment: a share above 0, up to 1.';
comment on column api.payment_credits.amount_base is 'Largest-remainder part of the payment in base_currency; parts add up to the whole.';
comment on column api.payment_credits.base_currency is 'The organization''s currency.';
comment on column api.payment_credits.created_at is 'When the row was made.';
comment on column api.payment_credits.updated_at is 'When the row last changed.';

drop view if exists api.deals;
create view api.deals with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.lead_id,
    t.origin_event_id,
    t.package_id,
    t.closer_id,
    t.setter_id,
    t.contract_value,
    t.currency,
    t.contract_value_base,
    t.base_currency,
    t.status,
    t.deal_type,
    t.payment_type,
    t.closed_at,
    t.provider_subscription_id,
    t.contract_value_source,
    t.is_automatic,
    m.collected,
    m.outstanding,
    m.overdue,
    t.reason,
    t.recorded_by,
    t.voided_at,
    t.void_reason,
    t.voided_by,
    t.deleted_at,
    t.deleted_reason,
    t.created_at,
    t.updated_at
  from app.deals as t
 cross join lateral app.deal_money(t.organization_id, t.id, now()) as m
 where t.deleted_at is null;
grant select on api.deals to authenticated, org_admin, super_admin;
comment on view api.deals is $$Sales: what was agreed, who gets credit, by which schedule it is paid.$$;
comment on column api.deals.organization_id is 'The tenant.';
comment on column api.deals.id is 'Identity of the row; ordered by time of creation.';
comment on column api.deals.lead_id is 'Who bought.';
comment on column api.deals.origin_event_id is 'The call that closed it; NULL for a sale without a call.';
comment on column api.deals.package_id is 'What was sold.';
comment on column api.deals.closer_id is 'Who sold it.';
comment on column api.deals.setter_id is 'Who booked the call that led to it.';
comment on column api.deals.contract_value is 'What was agreed, in currency.';
comment on column api.deals.currency is 'ISO 4217 code.';
comment on column api.deals.contract_value_base is 'In the organization''s currency, frozen at the closing day''s rate.';
comment on column api.deals.base_currency is 'The organization''s currency.';
comment on column api.deals.status is 'won, canceled (no more is owed) or void (never a sale).';
comment on column api.deals.deal_type is 'new_deal or upsell.';
comment on column api.deals.payment_type is 'pif, payment_plan, deposit or financed.';
comment on column api.deals.closed_at is 'When it was closed: the time of its call or first payment.';
comment on column api.deals.provider_subscription_id is 'The provider''s subscription by which it is paid.';
comment on column api.deals.contract_value_source is 'Where contract_value comes from: given by a person, form, package, or what was paid.';
comment on column api.deals.is_automatic is 'It follows its call or payment; false once a person decided about it.';
comment on column api.deals.collected is 'What all its payments come to, refunds deducted, in base_currency.';
comment on column api.deals.outstanding is 'What it still owes by its schedule, in base_currency; NULL while no schedule or rate is known.';
comment on column api.deals.overdue is 'The part of outstanding that was due before today.';
comment on column api.deals.reason is 'Why a person made it.';
comment on column api.deals.recorded_by is 'The person who made it.';
comment on column api.deals.voided_at is 'When it became void.';
comment on column api.deals.void_reason is 'Why it is void.';
comment on column api.deals.voided_by is 'The person who voided it; NULL when its call or payment did.';
comment on column api.deals.deleted_at is 'When it was deleted; NULL while it counts.';
comment on column api.deals.deleted_reason is 'Why it was deleted.';
comment on column api.deals.created_at is 'When the row was made.';
comment on column api.deals.updated_at is 'When the row last changed.';

drop view if exists api.deal_installments;
create view api.deal_installments with (security_invoker = true) as
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
grant select on api.deal_installments to authenticated, org_admin, super_admin;
comment on view api.deal_installments is $$The schedule of a deal.$$;
comment on column api.deal_installments.organization_id is 'The tenant.';
comment on column api.deal_installments.id is 'Identity of the row; ordered by time of creation.';
comment on column api.deal_installments.deal_id is 'Whose price it is a part of.';
comment on column api.deal_installments.installment_no is 'Which part it is, counted from 1.';
comment on column api.deal_installments.due_on is 'Local day on which the part is due.';
comment on column api.deal_installments.amount is 'Major units of currency, at exactly its scale: 125.00 USD, 500 JPY.';
comment on column api.deal_installments.currency is 'ISO 4217 code.';
comment on column api.deal_installments.created_at is 'When the row was made.';
comment on column api.deal_installments.updated_at is 'When the row last changed.';
