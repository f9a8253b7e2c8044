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

-- app.told_payment: what one delivery says about one payment, as a payment: amount in major units at the scale of currency;
-- fee_amount, tax_amount: of the organization's currency; customer_email was typed by the payer, a receipt_email stands in for it.
create or replace function app.told_payment(
    organization_id uuid, provider text, provider_account text, provider_payment_id text, connection_id uuid,
    livemode boolean, amount numeric, currency text, paid_at timestamptz,
    provider_charge_id text default null, customer_email text default null, receipt_email text default null,
    customer_name text default null, customer_phone text default null, provider_customer_id text default null,
    provider_subscription_id text default null, description text default null, metadata jsonb default '{}',
    fee_amount numeric default null, tax_amount numeric default null
) returns app.payments
language plpgsql stable set search_path = '' as $$
declare
    t app.payments;
begin
    t.organization_id := organization_id;
    t.provider := provider;
    t.provider_account := provider_account;
    t.provider_payment_id := provider_payment_id;
    t.whop_connection_id := connection_id;
    t.livemode := livemode;
    t.amount := amount;
    t.currency := currency;
    t.payment_date := paid_at;
    t.provider_charge_id := provider_charge_id;
    t.customer_email := coalesce(customer_email, receipt_email);
    t.customer_email_norm := lower(btrim(t.customer_email));
    t.customer_name := customer_name;
    t.customer_phone := customer_phone;
    t.provider_customer_id := provider_customer_id;
    t.provider_subscription_id := provider_subscription_id;
    t.description := description;
    t.metadata := metadata;
    t.carried := case when customer_email is null and receipt_email is not null then '{"customer_email": "receipt"}' else '{}' end;
    t.fee_amount := fee_amount;
    t.tax_amount := tax_amount;
    return t;
end;
$$;
comment on function app.told_payment(
    uuid, text, text, text, uuid, boolean, numeric, text, timestamptz, text, text, text, text, text, text, text, text, jsonb,
    numeric, numeric) is
    'What one delivery says about one payment, as a payment.';

-- app.record_processor_payments: what deliveries say about payments (app.told_payment), of one or of many.
-- Keyed by (provider, provider_account, provider_payment_id): the first delivery makes the payment and attributes it, later
-- ones fill gaps and never add. The result does not depend on their order: the earliest paid_at and the largest amount of
-- one currency hold (a partly captured charge grows), customer_email (typed by the payer) outranks receipt_email, and of
-- other values that disagree the lesser holds. What no delivery says is taken from carriers (app.with_carried).
-- Answers for each, in their order, what became of its payment: created, completed or unchanged.
-- Guarantees: payments are made in one set, whatever their number, and settled as if each had come alone: two of one lead
--             find each other as those of two transactions do (app.settle_new_payments).
create or replace function app.record_processor_payments(told app.payments[])
returns table (payment_id uuid, lead_id uuid, event_id uuid, what text, because text)
language plpgsql volatile set search_path = '' as $$
declare
    v_about   record;
    p         app.payments;
    v_found   record;
    v_new     app.payments[] := '{}';
    v_payers  app.payer[] := '{}';
    v_opens   boolean[] := '{}';
    v_moves   boolean[] := '{}';
    v_earlier bigint[] := '{}';
    v_place   integer[] := array_fill(null::integer, array[cardinality(told)]);
    v_made    uuid[];
begin
    for v_about in
        select t.ordinality as place, o.currency as base_currency, o.timezone, k.id is not null as is_known, c.is_carried
          from unnest(told) with ordinality as t
         cross join lateral (
            select w.id, w.currency, w.timezone from app.organizations as w where w.id = t.organization_id offset 0) as o
         cross join app.carriers_at_hand(o.id, t.provider, t.provider_account, t.provider_payment_id, t.provider_subscription_id,
                                         t.provider_customer_id) as c
          left join lateral (
            select e.id from app.payments as e
             where e.organization_id = t.organization_id and e.provider = t.provider and e.provider_account = t.provider_account
               and e.provider_payment_id = t.provider_payment_id
            offset 0) as k on true
    loop
        continue when v_about.is_known;
        p := told[v_about.place];
        p.id := uuidv7();
        p.base_currency := v_about.base_currency;
        p.amount_base := case when p.currency = p.base_currency then p.amount
            else app.convert(p.organization_id, p.amount, p.currency, (p.payment_date at time zone v_about.timezone)::date) end;
        p.attribution_method := 'none';
        if v_about.is_carried then
            p := app.with_carried(p);
        end if;
        v_new := v_new || p;
        v_payers := v_payers || app.find_payer(p);
        v_place[v_about.place] := cardinality(v_new);
    end loop;

    if cardinality(v_new) > 0 then
        -- Whoever says something of a lead at this moment, its call or its form, is waited for; one by one in the order of their
        -- ids, as everybody locks leads.
        perform l.id
           from (select distinct n.organization_id, (v_payers[n.ordinality]).lead_id as lead_id
                   from unnest(v_new) with ordinality as n
                  order by 1, 2) as w
          cross join lateral (
                select t.id from app.leads as t where t.organization_id = w.organization_id and t.id = w.lead_id for no key update) as l;
        for v_n in 1 .. cardinality(v_new) loop
            p := v_new[v_n];
            v_found := app.find_sale(p, v_payers[v_n]);
            p.lead_id := v_found.lead_id;
            p.event_id := v_found.event_id;
            p.deal_id := v_found.deal_id;
            p.installment_no := v_found.installment_no;
            p.deal_type := v_found.deal_type;
            p.closer_id := v_found.closer_id;
            p.setter_id := v_found.setter_id;
            p.source_id := v_found.source_id;
            p.traffic_type_id := v_found.traffic_type_id;
            p.attribution_method := v_found.method;
            p.attribution_confidence := v_found.confidence;
            p.attribution_steps := v_found.steps;
            v_new[v_n] := p;
            v_opens := v_opens || v_found.opens_deal;
            v_moves := v_moves || v_found.moves_deal;
            v_earlier := v_earlier || v_found.earlier;
        end loop;
        with made as (
            insert into app.payments as m (
                organization_id, id, lead_id, event_id, deal_id, installment_no, deal_type, closer_id, setter_id, source_id,
                traffic_type_id, whop_connection_id, source, provider, provider_account, provider_payment_id, provider_charge_id,
                status, livemode, amount, currency, amount_base, base_currency, fee_amount, tax_amount, payment_date,
                customer_email, customer_name, customer_phone, provider_customer_id, provider_subscription_id, description,
                metadata, carried, attribution_method, attribution_confidence, attribution_steps)
            select n.organization_id, n.id, n.lead_id, n.event_id, n.deal_id, n.installment_no, n.deal_type, n.closer_id, n.setter_id,
                   n.source_id, n.traffic_type_id, n.whop_connection_id, n.provider, n.provider, n.provider_account,
                   n.provider_payment_id, n.provider_charge_id, 'succeeded', n.livemode, n.amount, n.currency, n.amount_base,
                   n.base_currency, n.fee_amount, n.tax_amount, n.payment_date, n.customer_email, n.customer_name, n.customer_phone,
                   n.provider_customer_id, n.provider_subscription_id, n.description, n.metadata, n.carried, n.attribution_method,
                   n.attribution_confidence, n.attribution_steps
              from unnest(v_new) as n
             -- In one order everywhere: whoever makes the same payments at this moment is waited for, not for each other.
             order by n.organization_id, n.provider, n.provider_account, n.provider_payment_id, n.id
            on conflict on constraint payments_provider_payment_id_key do nothing
            returning m.id)
        select coalesce(array_agg(made.id), '{}') into v_made from made;
        insert into app.payment_credits (
            organization_id, payment_id, role, closer_id, setter_id, payee_id, share, amount_base, base_currency)
        select n.organization_id, n.id, k.role, k.closer_id, k.setter_id, k.payee_id, 1, n.amount_base, n.base_currency
          from unnest(v_new) as n
         cross join lateral (
            select 'closer' as role, c.id as closer_id, null::uuid as setter_id, c.payee_id
              from app.closers as c
             where c.organization_id = n.organization_id and c.id = n.closer_id
            union all
            select 'setter', null, s.id, s.payee_id
              from app.setters as s
             where s.organization_id = n.organization_id and s.id = n.setter_id) as k
         where n.id = any (v_made);
        perform app.settle_new_payments(v_new, v_made, v_opens, v_moves, v_earlier);
    end if;

    for v_n in 1 .. cardinality(told) loop
        -- One that was known already, or that another delivery made in this moment.
        if v_place[v_n] is null or v_new[v_place[v_n]].id <> all (v_made) then
            select d.* into payment_id, lead_id, event_id, what, because from app.complete_payment(told[v_n]) as d;
        else
            p := v_new[v_place[v_n]];
            if p.closer_id is null or p.amount_base is null then
                perform app.review_payment(p.organization_id, p.id);
            end if;
            payment_id := p.id;
            lead_id := p.lead_id;
            event_id := p.event_id;
            what := 'created';
            because := format('the first delivery about %s', p.provider_payment_id);
        end if;
        return next;
    end loop;
end;
$$;
comment on function app.record_processor_payments(app.payments[]) is
    'What deliveries say about payments: makes them, or fills their gaps.';

-- app.told_again: a payment that is there, with what a further delivery says about it.
create or replace function app.told_again(was app.payments, told app.payments, out is_now app.payments) returns app.payments
language plpgsql stable set search_path = '' as $$
declare
    v_timezone text;
begin
    select o.timezone into strict v_timezone from app.organizations as o where o.id = told.organization_id;
    is_now := app.without_carried(was);
    is_now.payment_date := least(was.payment_date, told.payment_date);
    if was.currency = told.currency then
        is_now.amount := greatest(was.amount, told.amount);
    end if;
    if was.amount_base is null or is_now.amount <> was.amount
       or (is_now.payment_date at time zone v_timezone)::date <> (was.payment_date at time zone v_timezone)::date then
        is_now.amount_base := app.convert(was.organization_id, is_now.amount, is_now.currency,
                                         (is_now.payment_date at time zone v_timezone)::date);
    end if;
    is_now.whop_connection_id := coalesce(was.whop_connection_id, told.whop_connection_id);
    is_now.provider_charge_id := least(is_now.provider_charge_id, told.provider_charge_id);
    is_now.fee_amount := greatest(is_now.fee_amount, told.fee_amount);
    is_now.tax_amount := greatest(is_now.tax_amount, told.tax_amount);
    if told.customer_email is not null and not told.carried ? 'customer_email' then
        is_now.customer_email := case when is_now.carried ? 'customer_email' then told.customer_email
                                     else least(is_now.customer_email, told.customer_email) end;
        is_now.carried := '{}';
    elsif told.customer_email is not null and (is_now.customer_email is null or is_now.carried ? 'customer_email') then
        is_now.customer_email := least(is_now.customer_email, told.customer_email);
        is_now.carried := told.carried;
    end if;
    is_now.customer_email_norm := lower(btrim(is_now.customer_email));
    is_now.customer_name := least(is_now.customer_name, told.customer_name);
    is_now.customer_phone := least(is_now.customer_phone, told.customer_phone);
    is_now.provider_customer_id := least(is_now.provider_customer_id, told.provider_customer_id);
    is_now.provider_subscription_id := least(is_now.provider_subscription_id, told.provider_subscription_id);
    is_now.description := least(is_now.description, told.description);
    is_now.metadata := app.merge_facts(is_now.metadata, told.metadata);
    is_now := app.with_carried(is_now);
end;
$$;
comment on function app.told_again(app.payments, app.payments) is 'A payment with what a further delivery says about it.';

-- app.complete_payment: what a further delivery says about a payment that is there. Answers completed or unchanged.
-- A payment that holds all of it is neither locked nor written: what others do to it meanwhile comes after.
create or replace function app.complete_payment(
    told app.payments, out payment_id uuid, out lead_id uuid, out event_id uuid, out what text, out because text
) returns record
language plpgsql volatile set search_path = '' as $$
declare
    v_old app.payments;
    v_new app.payments;
begin
    select p.* into v_old from app.payments as p
     where p.organization_id = told.organization_id and p.provider = told.provider
       and p.provider_account = told.provider_account and p.provider_payment_id = told.provider_payment_id;
    v_new := app.told_again(v_old, told);
    if v_new is distinct from v_old then
        v_old := app.lock_processor_payment(told.organization_id, told.provider, told.provider_account, told.provider_payment_id);
        v_new := app.told_again(v_old, told);
    end if;
    payment_id := v_old.id;
    lead_id := v_old.lead_id;
    event_id := v_old.event_id;
    what := 'unchanged';
    because := format('an earlier delivery about %s said all of it', told.provider_payment_id);
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
        because := format('an earlier delivery about %s lacked something', told.provider_payment_id);
        if app.is_attributed_anew(v_old, v_new) then
            perform app.attribute_payment(v_old.organization_id, v_old.id);
            select p.lead_id, p.event_id into lead_id, event_id from app.payments as p
             where p.organization_id = v_old.organization_id and p.id = v_old.id;
        end if;
    end if;
end;
$$;
comment on function app.complete_payment(app.payments) is 'What a further delivery says about a payment that is there.';

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
