-- Payments and refunds as processors tell of them: one row each, whatever number of deliveries in whatever order.
-- Internal: nobody but the owner may call these.

-- app.is_attributed_anew: whether something changed of a payment that may decide whose sale it is, or what is shared out.
create or replace function app.is_attributed_anew(was app.payments, is_now app.payments) returns boolean
language sql immutable parallel safe
return ((was).customer_email, (was).customer_phone, (was).provider_customer_id, (was).provider_subscription_id, (was).metadata,
        (was).payment_date, (was).amount, (was).amount_base)
       is distinct from
       ((is_now).customer_email, (is_now).customer_phone, (is_now).provider_customer_id, (is_now).provider_subscription_id,
        (is_now).metadata, (is_now).payment_date, (is_now).amount, (is_now).amount_base);
comment on function app.is_attributed_anew(app.payments, app.payments) is
    'Whether something changed of a payment that may decide whose sale it is.';

-- app.lock_processor_payment: the payment that a provider knows by this id, locked after its lead, as all that settles a lead
-- locks them: of two deliveries of one lead one waits for the other, and never both. All NULL for none.
create or replace function app.lock_processor_payment(
    organization_id uuid, provider text, provider_account text, provider_payment_id text
) returns app.payments
language plpgsql volatile set search_path = '' as $$
declare
    p app.payments;
begin
    select t.* into p from app.payments as t
     where t.organization_id = lock_processor_payment.organization_id and t.provider = lock_processor_payment.provider
       and t.provider_account = lock_processor_payment.provider_account
       and t.provider_payment_id = lock_processor_payment.provider_payment_id;
    if not found then
        return p;
    end if;
    perform from app.leads as l
      where l.organization_id = p.organization_id and l.id = p.lead_id for no key update;
    select t.* into strict p from app.payments as t
     where t.organization_id = lock_processor_payment.organization_id and t.id = p.id
       for no key update;
    return p;
end;
$$;
comment on function app.lock_processor_payment(uuid, text, text, text) is
    'The payment that a provider knows by this id, locked after its lead.';

drop function if exists app.record_processor_payment(
    uuid, text, text, text, uuid, boolean, numeric, text, timestamptz, text, text, text, text, text, text, text, text, jsonb);

-- app.record_processor_payment: what one delivery says about one payment.
-- Keyed by (provider, provider_account, provider_payment_id): the first delivery makes the payment and attributes it, later
-- ones fill gaps and never add. The result does not depend on their order: the earliest paid_at and the largest amount of
-- one currency hold (a partly captured charge grows), customer_email (typed by the payer) outranks receipt_email, and of
-- other values that disagree the lesser holds. What no delivery says is taken from carriers (app.with_carried).
-- amount: major units at the scale of currency; fee_amount, tax_amount: of the organization's currency.
-- Answers created, completed or unchanged.
create or replace function app.record_processor_payment(
    organization_id uuid, provider text, provider_account text, provider_payment_id text, connection_id uuid,
    livemode boolean, amount numeric, currency text, paid_at timestamptz,
    provider_charge_id text default null, customer_email text default null, receipt_email text default null,
    customer_name text default null, customer_phone text default null, provider_customer_id text default null,
    provider_subscription_id text default null, description text default null, metadata jsonb default '{}',
    fee_amount numeric default null, tax_amount numeric default null,
    out payment_id uuid, out lead_id uuid, out event_id uuid, out what text, out because text
) returns record
language plpgsql volatile set search_path = '' as $$
declare
    v_base_currency text;
    v_timezone      text;
    v_is_known      boolean;
    v_is_carried    boolean;
    v_old           app.payments;
    v_new           app.payments;
    v_found         record;
begin
    select o.currency, o.timezone, t.id is not null, c.is_carried
      into strict v_base_currency, v_timezone, v_is_known, v_is_carried
      from app.organizations as o
     cross join app.carriers_at_hand(
            o.id, record_processor_payment.provider, record_processor_payment.provider_account,
            record_processor_payment.provider_payment_id, record_processor_payment.provider_subscription_id,
            record_processor_payment.provider_customer_id) as c
      left join app.payments as t
        on t.organization_id = o.id and t.provider = record_processor_payment.provider
       and t.provider_account = record_processor_payment.provider_account
       and t.provider_payment_id = record_processor_payment.provider_payment_id
     where o.id = record_processor_payment.organization_id;
    if v_is_known then
        v_old := app.lock_processor_payment(organization_id, provider, provider_account, provider_payment_id);
    else
        v_new.organization_id := organization_id;
        v_new.id := uuidv7();
        v_new.provider := provider;
        v_new.provider_account := provider_account;
        v_new.provider_payment_id := provider_payment_id;
        v_new.livemode := livemode;
        v_new.amount := amount;
        v_new.currency := currency;
        v_new.base_currency := v_base_currency;
        v_new.amount_base := case when currency = v_base_currency then amount
            else app.convert(organization_id, amount, currency, (paid_at at time zone v_timezone)::date) end;
        v_new.tax_amount := tax_amount;
        v_new.payment_date := paid_at;
        v_new.customer_email := coalesce(customer_email, receipt_email);
        v_new.customer_email_norm := lower(btrim(v_new.customer_email));
        v_new.customer_name := customer_name;
        v_new.customer_phone := customer_phone;
        v_new.provider_customer_id := provider_customer_id;
        v_new.provider_subscription_id := provider_subscription_id;
        v_new.metadata := metadata;
        v_new.carried := case when customer_email is null and receipt_email is not null
            then '{"customer_email": "receipt"}' else '{}' end;
        v_new.attribution_method := 'none';
        if v_is_carried then
            v_new := app.with_carried(v_new);
        end if;
        v_found := app.find_attribution(v_new);

        insert into app.payments (
            organization_id, id, lead_id, event_id, deal_id, installment_no, deal_type, closer_id, setter_id, source_id,
            traffic_type_id, whop_connection_id,
            source, provider, provider_account, provider_payment_id, provider_charge_id, status, livemode, amount, currency,
            amount_base, base_currency, fee_amount, tax_amount, payment_date, customer_email, customer_name, customer_phone,
            provider_customer_id, provider_subscription_id, description, metadata, carried, attribution_method,
            attribution_confidence, attribution_steps)
        values (
            v_new.organization_id, v_new.id, v_found.lead_id, v_found.event_id, v_found.deal_id, v_found.installment_no,
            v_found.deal_type, v_found.closer_id, v_found.setter_id, v_found.source_id, v_found.traffic_type_id, connection_id,
            provider, provider, provider_account, provider_payment_id, provider_charge_id, 'succeeded', livemode, amount, currency,
            v_new.amount_base, v_base_currency, fee_amount, v_new.tax_amount, paid_at, v_new.customer_email,
            v_new.customer_name, v_new.customer_phone, v_new.provider_customer_id, v_new.provider_subscription_id,
            description, v_new.metadata, v_new.carried, v_found.method, v_found.confidence, v_found.steps)
        on conflict on constraint payments_provider_payment_id_key do nothing;
        if found then
            if v_found.closer_id is not null or v_found.setter_id is not null then
                insert into app.payment_credits (
                    organization_id, payment_id, role, closer_id, setter_id, payee_id, share, amount_base, base_currency)
                select v_new.organization_id, v_new.id, p.role, p.closer_id, p.setter_id, p.payee_id, 1,
                       v_new.amount_base, v_base_currency
                  from (select 'closer' as role, k.id as closer_id, null::uuid as setter_id, k.payee_id
                          from app.closers as k
                         where k.organization_id = v_new.organization_id and k.id = v_found.closer_id
                        union all
                        select 'setter', null, s.id, s.payee_id
                          from app.setters as s
                         where s.organization_id = v_new.organization_id and s.id = v_found.setter_id) as p;
            end if;
            perform app.settle_new_payment(v_new, v_found);
            if v_found.closer_id is null or v_new.amount_base is null then
                perform app.review_payment(v_new.organization_id, v_new.id);
            end if;
            payment_id := v_new.id;
            lead_id := v_found.lead_id;
            event_id := v_found.event_id;
            what := 'created';
            because := format('the first delivery about %s', provider_payment_id);
            return;
        end if;
        -- Another delivery made the payment in this moment.
        v_old := app.lock_processor_payment(organization_id, provider, provider_account, provider_payment_id);
    end if;

    v_new := app.without_carried(v_old);
    v_new.payment_date := least(v_old.payment_date, paid_at);
    if v_old.currency = currency then
        v_new.amount := greatest(v_old.amount, amount);
    end if;
    if v_old.amount_base is null or v_new.amount <> v_old.amount
       or (v_new.payment_date at time zone v_timezone)::date <> (v_old.payment_date at time zone v_timezone)::date then
        v_new.amount_base := app.convert(organization_id, v_new.amount, v_new.currency,
                                         (v_new.payment_date at time zone v_timezone)::date);
    end if;
    v_new.whop_connection_id := coalesce(v_old.whop_connection_id, connection_id);
    v_new.provider_charge_id := least(v_new.provider_charge_id, provider_charge_id);
    v_new.fee_amount := greatest(v_new.fee_amount, fee_amount);
    v_new.tax_amount := greatest(v_new.tax_amount, tax_amount);
    if customer_email is not null then
        v_new.customer_email := case when v_new.carried ? 'customer_email' then customer_email
                                     else least(v_new.customer_email, customer_email) end;
        v_new.carried := '{}';
    elsif receipt_email is not null and (v_new.customer_email is null or v_new.carried ? 'customer_email') then
        v_new.customer_email := least(v_new.customer_email, receipt_email);
        v_new.carried := '{"customer_email": "receipt"}';
    end if;
    v_new.customer_email_norm := lower(btrim(v_new.customer_email));
    v_new.customer_name := least(v_new.customer_name, customer_name);
    v_new.customer_phone := least(v_new.customer_phone, customer_phone);
    v_new.provider_customer_id := least(v_new.provider_customer_id, provider_customer_id);
    v_new.provider_subscription_id := least(v_new.provider_subscription_id, provider_subscription_id);
    v_new.description := least(v_new.description, description);
    v_new.metadata := app.merge_facts(v_new.metadata, metadata);
    v_new := app.with_carried(v_new);
    what := 'unchanged';
    because := format('an earlier delivery about %s said all of it', provider_payment_id);
    if v_new is distinct from v_old then
        update app.payments as p
           set payment_date = v_new.payment_date, amount = v_new.amount, amount_base = v_new.amount_base,
               whop_connection_id = v_new.whop_connection_id, provider_charge_id = v_new.provider_charge_id,
               fee_amount = v_new.fee_amount, tax_amount = v_new.tax_amount, customer_email = v_new.customer_email,
               customer_name = v_new.customer_name, customer_phone = v_new.customer_phone,
               provider_customer_id = v_new.provider_customer_id, provider_subscription_id = v_new.provider_subscription_id,
               description = v_new.description, metadata = v_new.metadata, carried = v_new.carried
         where p.organization_id = v_old.organization_id and p.id = v_old.id;
        what := 'completed';
        because := format('an earlier delivery about %s lacked something', provider_payment_id);
        if app.is_attributed_anew(v_old, v_new) then
            perform app.attribute_payment(v_old.organization_id, v_old.id);
        end if;
    end if;
    select p.id, p.lead_id, p.event_id into payment_id, lead_id, event_id from app.payments as p
     where p.organization_id = v_old.organization_id and p.id = v_old.id;
end;
$$;
comment on function app.record_processor_payment(
    uuid, text, text, text, uuid, boolean, numeric, text, timestamptz, text, text, text, text, text, text, text, text, jsonb,
    numeric, numeric) is
    'What one delivery says about one payment: makes it, or fills its gaps.';

-- app.review_payment: keep the exceptions about one payment true: no closer, no exchange rate.
create or replace function app.review_payment(organization_id uuid, payment_id uuid) returns void
language plpgsql volatile set search_path = '' as $$
declare
    p          app.payments;
    v_day      date;
    v_counts   boolean;
    v_credited boolean;
begin
    select t.* into p from app.payments as t
     where t.organization_id = review_payment.organization_id and t.id = review_payment.payment_id;
    v_counts := p.status = 'succeeded' and p.livemode and p.deleted_at is null and p.superseded_by_id is null
                and p.claim_state is distinct from 'rejected';
    v_credited := p.closer_id is not null;
    if v_counts and not (v_credited and p.amount_base is not null) then
        select (p.payment_date at time zone o.timezone)::date into v_day
          from app.organizations as o where o.id = p.organization_id;
    end if;

    if v_counts and not v_credited then
        perform app.record_exception(
            p.organization_id, 'unattributed_payment', p.id::text, 'critical', 'payments', array[p.id],
            format('A payment of %s %s on %s has no closer.', p.amount, p.currency, v_day),
            'Attribute the payment to a call or a deal, or set its credits.',
            jsonb_build_object('payment_id', p.id, 'steps', p.attribution_steps,
                               'suggestions', app.attribution_suggestions(p)));
    else
        perform app.resolve_exception(p.organization_id, 'unattributed_payment', p.id::text);
    end if;

    if p.currency <> p.base_currency then
        if v_counts and p.amount_base is null then
            perform app.record_exception(
                p.organization_id, 'missing_rate', p.id::text, 'critical', 'payments', array[p.id],
                format('A payment of %s %s on %s counts nowhere: there is no rate to %s at most 7 days old.',
                       p.amount, p.currency, v_day, p.base_currency),
                'Enter the exchange rate of that day.', jsonb_build_object('payment_id', p.id));
        else
            perform app.resolve_exception(p.organization_id, 'missing_rate', p.id::text);
        end if;
    end if;
end;
$$;
comment on function app.review_payment(uuid, uuid) is 'Keep the exceptions about one payment true.';

-- app.convert_waiting_payments: give payments without an amount in the organization's currency one, now that rates changed.
-- Answers how many it gave one. A payment that has one keeps it.
create or replace function app.convert_waiting_payments(organization_id uuid) returns integer
language plpgsql volatile set search_path = '' as $$
declare
    v_payment record;
    v_count   integer := 0;
begin
    for v_payment in
        select p.id, app.convert(p.organization_id, p.amount, p.currency, (p.payment_date at time zone o.timezone)::date) as amount_base
          from app.organizations as o
          join app.payments as p on p.organization_id = o.id
         where o.id = convert_waiting_payments.organization_id and p.amount_base is null
           for no key update of p
    loop
        continue when v_payment.amount_base is null;
        update app.payments as p set amount_base = v_payment.amount_base
         where p.organization_id = convert_waiting_payments.organization_id and p.id = v_payment.id;
        update app.payment_refunds as r set amount_base = app.refund_base(p, r.amount)
          from app.payments as p
         where p.organization_id = convert_waiting_payments.organization_id and p.id = v_payment.id
           and r.organization_id = p.organization_id and r.payment_id = p.id;
        perform app.spread_credits(convert_waiting_payments.organization_id, v_payment.id);
        perform app.review_payment(convert_waiting_payments.organization_id, v_payment.id);
        v_count := v_count + 1;
    end loop;
    return v_count;
end;
$$;
comment on function app.convert_waiting_payments(uuid) is 'Convert payments that waited for an exchange rate.';
