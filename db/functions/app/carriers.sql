-- Carriers: objects that say who paid without being the money, from any processor. A payment takes from them what it does
-- not say itself: first from those of its own (by payment key, or through its invoice), then from those of its
-- subscription, then from those of its customer. What a payment ends with depends on what was told, never on the order.
-- Internal: nobody but the owner may call these.

-- app.merge_facts: two objects as one; of a key that both have, the lesser value, so that the order does not matter.
create or replace function app.merge_facts(one jsonb, other jsonb) returns jsonb
language sql immutable parallel safe
return case
    when one = other or other = '{}' then one
    when one = '{}' then other
    else (select jsonb_object_agg(f.key, f.value)
            from (select distinct on (e.key) e.key, e.value
                    from (select o.key, o.value from jsonb_each(one) as o
                          union all
                          select t.key, t.value from jsonb_each(other) as t) as e
                   order by e.key, e.value) as f)
end;
comment on function app.merge_facts(jsonb, jsonb) is 'Two objects as one, whatever their order.';

-- app.without_carried: a payment with only what its own deliveries said; the address of its receipt is its own.
create or replace function app.without_carried(payment app.payments) returns app.payments
language plpgsql immutable parallel safe set search_path = '' as $$
declare
    v_origin constant jsonb := payment.carried;
begin
    if v_origin = '{}' then
        return payment;
    end if;
    payment.carried := '{}';
    if v_origin ->> 'customer_email' = 'receipt' then
        payment.carried := '{"customer_email": "receipt"}';
    elsif v_origin ? 'customer_email' then
        payment.customer_email := null;
    end if;
    payment.customer_email_norm := lower(btrim(payment.customer_email));
    if v_origin ? 'customer_phone' then
        payment.customer_phone := null;
    end if;
    if v_origin ? 'customer_name' then
        payment.customer_name := null;
    end if;
    if v_origin ? 'provider_customer_id' then
        payment.provider_customer_id := null;
    end if;
    if v_origin ? 'provider_subscription_id' then
        payment.provider_subscription_id := null;
    end if;
    if v_origin ? 'tax_amount' then
        payment.tax_amount := null;
    end if;
    if v_origin ? 'metadata' then
        payment.metadata := payment.metadata - array(select jsonb_array_elements_text(v_origin -> 'metadata'));
    end if;
    return payment;
end;
$$;
comment on function app.without_carried(app.payments) is 'A payment with only what its own deliveries said.';

-- app.carrier_rank: which kind of carrier knows better who paid: the one that the payer filled in.
create or replace function app.carrier_rank(kind text) returns integer
language sql immutable parallel safe
return array_position(array['checkout_session', 'membership', 'invoice', 'invoice_payment'], kind);
comment on function app.carrier_rank(text) is 'Order of the kinds of carriers: the one that knows best who paid is 1.';

-- app.carriers_of_payment: the carriers of one payment: those that name it, and those of the invoices that it paid.
create or replace function app.carriers_of_payment(
    organization_id uuid, provider text, provider_account text, livemode boolean, payment_key text
) returns uuid[]
language plpgsql stable set search_path = '' as $$
declare
    v_named    uuid[];
    v_invoices text[];
begin
    select array_agg(c.id), array_agg(c.invoice_id) filter (where c.invoice_id is not null) into v_named, v_invoices
      from app.payment_carriers as c
     where c.organization_id = carriers_of_payment.organization_id and c.provider = carriers_of_payment.provider
       and c.provider_account = carriers_of_payment.provider_account and c.livemode = carriers_of_payment.livemode
       and c.payment_key = carriers_of_payment.payment_key;
    if v_invoices is not null then
        v_named := v_named || array(
            select c.id from app.payment_carriers as c
             where c.organization_id = carriers_of_payment.organization_id and c.provider = carriers_of_payment.provider
               and c.provider_account = carriers_of_payment.provider_account and c.livemode = carriers_of_payment.livemode
               and c.invoice_id = any (v_invoices));
    end if;
    return coalesce(v_named, '{}');
end;
$$;
comment on function app.carriers_of_payment(uuid, text, text, boolean, text) is 'Ids of the carriers of one payment.';

-- app.carriers_of_subscription: of a subscription's carriers those that are first with something, for of the others there
-- may be hundreds, and the sessions and memberships that it began with.
create or replace function app.carriers_of_subscription(
    organization_id uuid, provider text, provider_account text, livemode boolean, subscription_id text
) returns uuid[]
language plpgsql stable set search_path = '' as $$
begin
    return array(
        with carriers as materialized (
            select c.id, c.kind, c.email, c.phone, c.full_name, c.customer_id,
                   row_number() over (order by app.carrier_rank(c.kind), c.carried_at, c.carrier_id collate "C") as place
              from app.payment_carriers as c
             where c.organization_id = carriers_of_subscription.organization_id
               and c.provider = carriers_of_subscription.provider
               and c.provider_account = carriers_of_subscription.provider_account
               and c.livemode = carriers_of_subscription.livemode
               and c.subscription_id = carriers_of_subscription.subscription_id
        )
        select c.id from carriers as c
         where c.kind in ('checkout_session', 'membership')
            or c.place = any (array(
                select unnest(array[min(f.place) filter (where f.email is not null),
                                    min(f.place) filter (where f.phone is not null),
                                    min(f.place) filter (where f.full_name is not null),
                                    min(f.place) filter (where f.customer_id is not null)])
                  from carriers as f)));
end;
$$;
comment on function app.carriers_of_subscription(uuid, text, text, boolean, text) is
    'Ids of the carriers of a subscription that are first with something, and of those that it began with.';

-- app.carriers_of_customer: of a customer's carriers those that are first with something.
create or replace function app.carriers_of_customer(
    organization_id uuid, provider text, provider_account text, livemode boolean, customer_id text
) returns uuid[]
language plpgsql stable set search_path = '' as $$
begin
    return array(
        with carriers as materialized (
            select c.id, c.email, c.phone, c.full_name,
                   row_number() over (order by app.carrier_rank(c.kind), c.carried_at, c.carrier_id collate "C") as place
              from app.payment_carriers as c
             where c.organization_id = carriers_of_customer.organization_id and c.provider = carriers_of_customer.provider
               and c.provider_account = carriers_of_customer.provider_account
               and c.livemode = carriers_of_customer.livemode and c.customer_id = carriers_of_customer.customer_id
        )
        select c.id from carriers as c
         where c.place = any (array(
                select unnest(array[min(f.place) filter (where f.email is not null),
                                    min(f.place) filter (where f.phone is not null),
                                    min(f.place) filter (where f.full_name is not null)])
                  from carriers as f)));
end;
$$;
comment on function app.carriers_of_customer(uuid, text, text, boolean, text) is
    'Ids of the carriers of a customer that are first with something.';

-- app.ranked_carriers: what may complete a payment, the nearest first: its own carriers before its subscription's before its
-- customer's; a checkout session before an invoice; the earlier one, so that a sale keeps what was said when it was made.
create or replace function app.ranked_carriers(
    organization_id uuid, of_payment uuid[], of_subscription uuid[] default '{}', of_customer uuid[] default '{}'
) returns table (place bigint, origin text, is_about_sale boolean, carrier app.payment_carriers)
language sql stable
begin atomic
    select row_number() over (order by r.rank, app.carrier_rank((r.carrier).kind), (r.carrier).carried_at,
                                       (r.carrier).carrier_id collate "C"),
           (array['payment', 'subscription', 'customer'])[r.rank],
           r.rank = 1 or r.rank = 2 and (r.carrier).kind in ('checkout_session', 'membership'), r.carrier
      from (select case when c.id = any (ranked_carriers.of_payment) then 1
                        when c.id = any (ranked_carriers.of_subscription) then 2 else 3 end as rank, c as carrier
              from app.payment_carriers as c
             where c.organization_id = ranked_carriers.organization_id
               and c.id = any (ranked_carriers.of_payment || ranked_carriers.of_subscription || ranked_carriers.of_customer)) as r;
end;
comment on function app.ranked_carriers(uuid, uuid[], uuid[], uuid[]) is
    'Carriers that may complete a payment, the nearest first.';

-- app.carriers_at_hand: whether any carrier may complete a payment with these keys; most payments have none. Each is asked for by
-- its key (offset 0): for several payments the planner would hash all carriers of everybody while they are few.
create or replace function app.carriers_at_hand(
    organization_id uuid, provider text, provider_account text, payment_key text, subscription_id text, customer_id text
) returns table (is_carried boolean)
language sql stable rows 1
begin atomic
    select exists (
            select from app.payment_carriers as c
             where c.organization_id = carriers_at_hand.organization_id and c.provider = carriers_at_hand.provider
               and c.provider_account = carriers_at_hand.provider_account and c.payment_key = carriers_at_hand.payment_key
            offset 0)
        or carriers_at_hand.subscription_id is not null and exists (
            select from app.payment_carriers as c
             where c.organization_id = carriers_at_hand.organization_id and c.provider = carriers_at_hand.provider
               and c.provider_account = carriers_at_hand.provider_account and c.subscription_id = carriers_at_hand.subscription_id
            offset 0)
        or carriers_at_hand.customer_id is not null and exists (
            select from app.payment_carriers as c
             where c.organization_id = carriers_at_hand.organization_id and c.provider = carriers_at_hand.provider
               and c.provider_account = carriers_at_hand.provider_account and c.customer_id = carriers_at_hand.customer_id
            offset 0);
end;
comment on function app.carriers_at_hand(uuid, text, text, text, text, text) is
    'Whether any carrier may complete a payment with these keys.';

-- app.with_carried: a payment with its gaps filled from carriers; carried says which values are from where. Changes nothing.
-- payment: with only what its own deliveries said. References and metadata come from carriers of the payment itself, and
-- from the session or membership that its subscription began with: other purchases of a customer are other sales.
-- Tax comes from a carrier of the payment itself that is about exactly this amount in the organization's currency.
create or replace function app.with_carried(payment app.payments) returns app.payments
language plpgsql stable set search_path = '' as $$
declare
    v_own             uuid[];
    v_of_subscription uuid[] := '{}';
    v_of_customer     uuid[] := '{}';
    v_said            record;
    v_more            jsonb;
begin
    if not (select c.is_carried
              from app.carriers_at_hand(payment.organization_id, payment.provider, payment.provider_account,
                                        payment.provider_payment_id, payment.provider_subscription_id,
                                        payment.provider_customer_id) as c) then
        return payment;
    end if;

    v_own := app.carriers_of_payment(payment.organization_id, payment.provider, payment.provider_account, payment.livemode,
                                     payment.provider_payment_id);
    if payment.provider_subscription_id is null then
        select (r.carrier).subscription_id into payment.provider_subscription_id
          from app.ranked_carriers(payment.organization_id, v_own) as r
         where (r.carrier).subscription_id is not null order by r.place limit 1;
        if found then
            payment.carried := payment.carried || '{"provider_subscription_id": "payment"}';
        end if;
    end if;
    if payment.provider_subscription_id is not null then
        v_of_subscription := app.carriers_of_subscription(
            payment.organization_id, payment.provider, payment.provider_account, payment.livemode,
            payment.provider_subscription_id);
    end if;
    if payment.provider_customer_id is null then
        select (r.carrier).customer_id, r.origin into v_said
          from app.ranked_carriers(payment.organization_id, v_own, v_of_subscription) as r
         where (r.carrier).customer_id is not null order by r.place limit 1;
        if found then
            payment.provider_customer_id := v_said.customer_id;
            payment.carried := payment.carried || jsonb_build_object('provider_customer_id', v_said.origin);
        end if;
    end if;
    if payment.provider_customer_id is not null then
        v_of_customer := app.carriers_of_customer(
            payment.organization_id, payment.provider, payment.provider_account, payment.livemode,
            payment.provider_customer_id);
    end if;

    select (array_agg((r.carrier).email order by r.place) filter (where (r.carrier).email is not null))[1] as email,
           (array_agg(r.origin order by r.place) filter (where (r.carrier).email is not null))[1] as email_origin,
           (array_agg((r.carrier).phone order by r.place) filter (where (r.carrier).phone is not null))[1] as phone,
           (array_agg(r.origin order by r.place) filter (where (r.carrier).phone is not null))[1] as phone_origin,
           (array_agg((r.carrier).full_name order by r.place) filter (where (r.carrier).full_name is not null))[1] as full_name,
           (array_agg(r.origin order by r.place) filter (where (r.carrier).full_name is not null))[1] as full_name_origin,
           (array_agg((r.carrier).tax_amount order by r.place)
                filter (where r.origin = 'payment' and (r.carrier).tax_amount is not null
                          and (r.carrier).amount = payment.amount and (r.carrier).currency = payment.currency
                          and payment.currency = payment.base_currency))[1] as tax_amount,
           array_agg((r.carrier).metadata || case when (r.carrier).reference is null then '{}'
                                             else jsonb_build_object('client_reference_id', (r.carrier).reference) end
                     order by r.place) filter (where r.is_about_sale) as metadata
      into v_said
      from app.ranked_carriers(payment.organization_id, v_own, v_of_subscription, v_of_customer) as r;

    if payment.customer_email is null and v_said.email is not null then
        payment.customer_email := v_said.email;
        payment.customer_email_norm := lower(btrim(v_said.email));
        payment.carried := payment.carried || jsonb_build_object('customer_email', v_said.email_origin);
    end if;
    if payment.customer_phone is null and v_said.phone is not null then
        payment.customer_phone := v_said.phone;
        payment.carried := payment.carried || jsonb_build_object('customer_phone', v_said.phone_origin);
    end if;
    if payment.customer_name is null and v_said.full_name is not null then
        payment.customer_name := v_said.full_name;
        payment.carried := payment.carried || jsonb_build_object('customer_name', v_said.full_name_origin);
    end if;
    if payment.tax_amount is null and v_said.tax_amount is not null then
        payment.tax_amount := v_said.tax_amount;
        payment.carried := payment.carried || '{"tax_amount": "payment"}';
    end if;
    select jsonb_object_agg(f.key, f.value) into v_more
      from (select distinct on (e.key) e.key, e.value
              from unnest(v_said.metadata) with ordinality as m (metadata, place)
             cross join lateral jsonb_each(m.metadata) as e
             where not payment.metadata ? e.key
             order by e.key, m.place) as f;
    if v_more is not null then
        payment.metadata := payment.metadata || v_more;
        payment.carried := payment.carried
            || jsonb_build_object('metadata', (select jsonb_agg(k.key order by k.key) from jsonb_object_keys(v_more) as k (key)));
    end if;
    return payment;
end;
$$;
comment on function app.with_carried(app.payments) is 'A payment with its gaps filled from carriers; changes nothing.';

-- app.complete_payment: fill the gaps of a stored payment from what carriers say now; if anything came to be known that may
-- decide whose sale it is, attribute it anew. Answers whether anything changed.
create or replace function app.complete_payment(organization_id uuid, payment_id uuid) returns boolean
language plpgsql volatile set search_path = '' as $$
declare
    v_old app.payments;
    v_new app.payments;
begin
    -- The lead first, as all that settles a lead does.
    perform from app.leads as l
       join app.payments as p on p.organization_id = l.organization_id and p.lead_id = l.id
      where p.organization_id = complete_payment.organization_id and p.id = complete_payment.payment_id
        for no key update of l;
    select p.* into strict v_old from app.payments as p
     where p.organization_id = complete_payment.organization_id and p.id = complete_payment.payment_id
       for no key update;
    v_new := app.with_carried(app.without_carried(v_old));
    if v_new is not distinct from v_old then
        return false;
    end if;
    update app.payments as p
       set customer_email = v_new.customer_email, customer_name = v_new.customer_name, customer_phone = v_new.customer_phone,
           provider_customer_id = v_new.provider_customer_id, provider_subscription_id = v_new.provider_subscription_id,
           tax_amount = v_new.tax_amount, metadata = v_new.metadata, carried = v_new.carried
     where p.organization_id = v_old.organization_id and p.id = v_old.id;
    if app.is_attributed_anew(v_old, v_new) then
        perform app.attribute_payment(v_old.organization_id, v_old.id);
    end if;
    return true;
end;
$$;
comment on function app.complete_payment(uuid, uuid) is 'Fill the gaps of a stored payment from what carriers say now.';

-- app.may_complete: whether a carrier has something that a payment lacks, or has from farther away.
-- farther: the origins over which this carrier goes.
create or replace function app.may_complete(carrier app.payment_carriers, payment app.payments, farther text[]) returns boolean
language sql immutable parallel safe
return (carrier).email is not null
       and ((payment).customer_email is null or (payment).carried ->> 'customer_email' = any (farther))
    or (carrier).phone is not null
       and ((payment).customer_phone is null or (payment).carried ->> 'customer_phone' = any (farther))
    or (carrier).full_name is not null
       and ((payment).customer_name is null or (payment).carried ->> 'customer_name' = any (farther))
    or 'subscription' = any (farther)
       and ((carrier).customer_id is not null
            and ((payment).provider_customer_id is null or (payment).carried ->> 'provider_customer_id' = any (farther))
            or (carrier).kind in ('checkout_session', 'membership')
            and ((carrier).reference is not null or (carrier).metadata <> '{}'));
comment on function app.may_complete(app.payment_carriers, app.payments, text[]) is
    'Whether a carrier has something that a payment lacks.';

-- app.follow_carrier: complete the payments that a carrier belongs to. Answers its own payment, else the latest of its
-- subscription or customer that it completed, else NULL.
create or replace function app.follow_carrier(carrier app.payment_carriers) returns uuid
language plpgsql volatile set search_path = '' as $$
declare
    v_keys    text[];
    v_payment record;
    v_its     uuid;
    v_other   uuid;
    v_changed boolean;
begin
    select array_agg(distinct k.payment_key) into v_keys
      from (select carrier.payment_key
            union all
            select c.payment_key from app.payment_carriers as c
             where c.organization_id = carrier.organization_id and c.provider = carrier.provider
               and c.provider_account = carrier.provider_account and c.livemode = carrier.livemode
               and c.invoice_id = carrier.invoice_id) as k
     where k.payment_key is not null;

    for v_payment in
        select o.id, bool_or(o.is_its) as is_its
          from (select p.id, p.payment_date, true as is_its from app.payments as p
                 where p.organization_id = carrier.organization_id and p.provider = carrier.provider
                   and p.provider_account = carrier.provider_account and p.provider_payment_id = any (v_keys)
                   and p.livemode = carrier.livemode
                union all
                select p.id, p.payment_date, false from app.payments as p
                 where p.organization_id = carrier.organization_id and p.provider = carrier.provider
                   and p.provider_account = carrier.provider_account
                   and p.provider_subscription_id = carrier.subscription_id and p.livemode = carrier.livemode
                   and app.may_complete(carrier, p, array['subscription', 'customer'])
                union all
                select p.id, p.payment_date, false from app.payments as p
                 where p.organization_id = carrier.organization_id and p.provider = carrier.provider
                   and p.provider_account = carrier.provider_account
                   and p.provider_customer_id = carrier.customer_id and p.livemode = carrier.livemode
                   and app.may_complete(carrier, p, array['customer'])) as o
         group by o.id, o.payment_date
         order by o.payment_date desc, o.id desc
    loop
        v_changed := app.complete_payment(carrier.organization_id, v_payment.id);
        if v_payment.is_its then
            v_its := coalesce(v_its, v_payment.id);
        elsif v_changed then
            v_other := coalesce(v_other, v_payment.id);
        end if;
    end loop;
    return coalesce(v_its, v_other);
end;
$$;
comment on function app.follow_carrier(app.payment_carriers) is 'Complete the payments that a carrier belongs to.';

-- app.record_carrier: what one delivery says about one carrier, and what it completes.
-- Gaps are filled and nothing is lost; where two deliveries about one object disagree the lesser value holds, whatever came
-- first. payment_key: the payment's provider_payment_id; invoice_id: the invoice it belongs to, an invoice's own is its id;
-- amount, tax_amount: major units of currency, the tax inside the amount; carried_at: when the provider made the object.
-- Answers the payment that it completed or belongs to, or NULL while there is none.
create or replace function app.record_carrier(
    organization_id uuid, provider text, provider_account text, kind text, carrier_id text, payment_key text default null,
    subscription_id text default null, customer_id text default null, email text default null, phone text default null,
    full_name text default null, reference text default null, metadata jsonb default '{}', invoice_id text default null,
    livemode boolean default true, carried_at timestamptz default null, amount numeric default null,
    currency text default null, tax_amount numeric default null
) returns uuid
language plpgsql volatile set search_path = '' as $$
declare
    v_carrier app.payment_carriers;
begin
    insert into app.payment_carriers as c (
        organization_id, provider, provider_account, livemode, kind, carrier_id, invoice_id, payment_key, subscription_id,
        customer_id, email, phone, full_name, reference, metadata, amount, currency, tax_amount, carried_at)
    values (
        organization_id, provider, provider_account, livemode, kind, carrier_id,
        case kind when 'invoice' then carrier_id else nullif(btrim(invoice_id), '') end, nullif(btrim(payment_key), ''),
        nullif(btrim(subscription_id), ''), nullif(btrim(customer_id), ''), nullif(btrim(email), ''),
        nullif(btrim(phone), ''), nullif(btrim(full_name), ''), nullif(btrim(reference), ''), coalesce(metadata, '{}'),
        amount, currency, tax_amount, carried_at)
    on conflict on constraint payment_carriers_carrier_id_key do update
       set invoice_id = least(c.invoice_id, excluded.invoice_id),
           payment_key = least(c.payment_key, excluded.payment_key),
           subscription_id = least(c.subscription_id, excluded.subscription_id),
           customer_id = least(c.customer_id, excluded.customer_id),
           email = least(c.email, excluded.email),
           phone = least(c.phone, excluded.phone),
           full_name = least(c.full_name, excluded.full_name),
           reference = least(c.reference, excluded.reference),
           metadata = app.merge_facts(c.metadata, excluded.metadata),
           amount = least(c.amount, excluded.amount),
           currency = least(c.currency, excluded.currency),
           tax_amount = least(c.tax_amount, excluded.tax_amount),
           carried_at = least(c.carried_at, excluded.carried_at),
           is_settled = false
    returning c.* into v_carrier;
    return app.follow_carrier(v_carrier);
end;
$$;
comment on function app.record_carrier(
    uuid, text, text, text, text, text, text, text, text, text, text, text, jsonb, text, boolean, timestamptz, numeric, text, numeric) is
    'What one delivery says about one object that says who paid; answers the payment it belongs to.';

-- app.settle_carriers: look once more at carriers that were recorded a minute ago, for payment and carrier that came in the
-- same moment and did not see each other. Answers how many were looked at, at most batch.
create or replace function app.settle_carriers(batch integer default 500, as_of timestamptz default now()) returns integer
language plpgsql volatile set search_path = '' as $$
declare
    v_carrier app.payment_carriers;
    v_count   integer := 0;
begin
    for v_carrier in
        select c.* from app.payment_carriers as c
         where not c.is_settled and c.updated_at < settle_carriers.as_of - interval '1 minute'
         order by c.organization_id, c.id limit settle_carriers.batch
           for no key update skip locked
    loop
        perform app.follow_carrier(v_carrier);
        update app.payment_carriers as c set is_settled = true
         where c.organization_id = v_carrier.organization_id and c.id = v_carrier.id;
        v_count := v_count + 1;
    end loop;
    return v_count;
end;
$$;
comment on function app.settle_carriers(integer, timestamptz) is
    'Carriers whose payment was recorded in the same moment find it; answers how many were looked at.';
