-- What Whop's deliveries mean, of every generation: v2, v5, v1 and dated v1. Facts: https://docs.whop.com/developer/guides/webhooks
-- and the reference of each object. Amounts are in major units everywhere: numbers, strings, or objects with amount and currency.
-- All of Whop's money is kept under the account '': its ids are unique over all accounts, but only some generations name
-- the account, and one payment must not be kept twice because two deliveries differ in that.

-- ingest.whop_event_type: the name of an event, in Whop's spelling with a dot: `app_membership_went_valid`,
-- `app.membership_went_valid` and `membership.went_valid` are one. NULL when the body names none.
create or replace function ingest.whop_event_type(body jsonb) returns text
language sql immutable parallel safe
begin atomic
    select case when strpos(n.name, '.') > 0 then n.name
                else regexp_replace(n.name, '^(dispute_alert|[a-z]+)_', '\1.') end
      from (select regexp_replace(
                       lower(coalesce(app.json_text(body -> 'type'), app.json_text(body -> 'action'), app.json_text(body -> 'event'))),
                       '^app[._]', '') as name) as n;
end;
comment on function ingest.whop_event_type(jsonb) is 'The name of an event, with a dot and without the prefix of apps.';

-- ingest.whop_object: what a delivery is about; an empty object when it says nothing.
create or replace function ingest.whop_object(body jsonb) returns jsonb
language sql immutable parallel safe
return app.json_object(case jsonb_typeof(body -> 'data') when 'object' then body -> 'data' else body -> 'body' end);
comment on function ingest.whop_object(jsonb) is 'What a delivery is about: data, or body in one variant of v2.';

-- ingest.whop_envelope: what an event says about itself. v1 has an id that stays the same over retries; v2 and v5 have none
-- and are known by a hash of the event's name and its whole object: the same again is a retry, anything else in it a change.
create or replace function ingest.whop_envelope(
    body jsonb, out id text, out event_type text, out occurred_at timestamptz, out livemode boolean
) returns record
language plpgsql immutable parallel safe set search_path = '' as $$
declare
    v_object constant jsonb := ingest.whop_object(body);
begin
    event_type := ingest.whop_event_type(body);
    id := coalesce(app.json_text(body -> 'id'),
                   encode(sha256(convert_to(event_type || ' ' || v_object::text, 'UTF8')), 'hex'));
    occurred_at := coalesce(
        app.json_instant(body -> 'timestamp'),
        case when event_type not like 'membership.%' then greatest(
            app.json_instant(v_object -> 'updated_at'), app.json_instant(v_object -> 'refunded_at'),
            app.json_instant(v_object -> 'paid_at'), app.json_instant(v_object -> 'last_payment_attempt'),
            app.json_instant(v_object -> 'created_at')) end);
    livemode := not exists (
        select from unnest(array[body, v_object]) as said (it)
         where said.it -> 'livemode' = 'false' or said.it -> 'test' = 'true' or said.it -> 'sandbox' = 'true'
            or said.it ->> 'mode' in ('test', 'sandbox') or said.it ->> 'environment' in ('test', 'sandbox'));
end;
$$;
comment on function ingest.whop_envelope(jsonb) is 'What a Whop event says about itself.';

-- ingest.whop_told_at: when a delivery was sent; v2 and v5 do not say, and then it is when it first came.
create or replace function ingest.whop_told_at(organization_id uuid, connection_id uuid, body jsonb) returns timestamptz
language sql stable
begin atomic
    select coalesce(
        app.json_instant(body -> 'timestamp'),
        (select k.received_at from app.webhook_event_keys as k
          where k.organization_id = whop_told_at.organization_id and k.connection_id = whop_told_at.connection_id
            and k.provider_event_id = (select e.id from ingest.whop_envelope(whop_told_at.body) as e)),
        now());
end;
comment on function ingest.whop_told_at(uuid, uuid, jsonb) is 'When a delivery was sent, else when it first came.';

-- ingest.whop_id: an id, or the id of an object; NULL for what cannot be one.
create or replace function ingest.whop_id(field jsonb) returns text
language sql immutable parallel safe
return substring(app.json_id(field) from '^[A-Za-z0-9_-]{1,255}$');
comment on function ingest.whop_id(jsonb) is 'An id of letters, digits, underscores and hyphens, else NULL.';

-- ingest.whop_require_id: the id of what a delivery is about; PT422 when it has none.
create or replace function ingest.whop_require_id(object jsonb) returns text
language plpgsql immutable parallel safe set search_path = '' as $$
begin
    if ingest.whop_id(object -> 'id') is null then
        raise exception using errcode = 'PT422', message = 'The delivery lacks its object.',
            detail = 'It needs data with an id.';
    end if;
    return ingest.whop_id(object -> 'id');
end;
$$;
comment on function ingest.whop_require_id(jsonb) is 'The id of what a delivery is about; PT422 when it has none.';

-- ingest.whop_amount: a number in major units, from a number, a string, or an object with an amount; NULL for anything else.
create or replace function ingest.whop_amount(field jsonb) returns numeric
language sql immutable parallel safe
begin atomic
    select case when jsonb_typeof(g.it) in ('number', 'string') and g.it #>> '{}' ~ '^\d{1,15}(\.\d{1,15})?$'
                then (g.it #>> '{}')::numeric end
      from (select case jsonb_typeof(whop_amount.field) when 'object' then whop_amount.field -> 'amount'
                                                        else whop_amount.field end as it) as g;
end;
comment on function ingest.whop_amount(jsonb) is 'A number in major units, else NULL.';

-- ingest.whop_money: a field as an amount at exactly the scale of its currency, which the field itself or else the object
-- names. NULL when the field is missing; nothing is 0 in any currency. Raises PT422 for what is no amount, for one that is
-- finer than its currency, and for a currency that this system does not know, such as Whop's cryptocurrencies.
create or replace function ingest.whop_money(object jsonb, field text, out amount numeric, out currency text) returns record
language plpgsql immutable parallel safe set search_path = '' as $$
begin
    if coalesce(jsonb_typeof(object -> field), 'null') = 'null' then
        return;
    end if;
    amount := ingest.whop_amount(object -> field);
    currency := upper(coalesce(app.json_text(object #> array[field, 'currency']), app.json_text(object -> 'currency')));
    if amount is null then
        raise exception using errcode = 'PT422', message = 'The delivery lacks an amount.',
            detail = format('%s is not an amount in major units.', field);
    elsif amount > 0 then
        amount := app.money(amount, currency);
    end if;
end;
$$;
comment on function ingest.whop_money(jsonb, text) is 'An amount in major units, written as a number, a string or an object.';

-- ingest.whop_part: a part of a payment, at the scale of the payment's currency. NULL when it is missing, in another
-- currency, finer than the currency or more than the whole: an odd fee does not hold the money back.
create or replace function ingest.whop_part(object jsonb, field text, whole numeric, currency text) returns numeric
language sql immutable parallel safe
begin atomic
    select round(g.amount, app.currency_exponent(whop_part.currency))
      from (select ingest.whop_amount(whop_part.object -> whop_part.field) as amount,
                   upper(coalesce(
                       app.json_text(whop_part.object #> array[whop_part.field, 'currency']),
                       case whop_part.field when 'amount_after_fees'
                           then app.json_text(whop_part.object -> 'settlement_currency') end,
                       whop_part.currency)) as currency) as g
     where g.currency = whop_part.currency and g.amount <= whop_part.whole
       and scale(trim_scale(g.amount)) <= app.currency_exponent(whop_part.currency);
end;
comment on function ingest.whop_part(jsonb, text, numeric, text) is 'A part of a payment in the payment''s currency, else NULL.';

-- ingest.whop_customer: who bought, from wherever the object of any generation says it.
create or replace function ingest.whop_customer(
    object jsonb, out user_id text, out membership_id text, out email text, out full_name text, out phone text
) returns record
language sql immutable parallel safe
begin atomic
    select coalesce(ingest.whop_id(o.it -> 'user_id'), ingest.whop_id(o.it -> 'user'), ingest.whop_id(o.it #> '{buyer,user_id}'),
                    ingest.whop_id(o.it #> '{payment,user_id}'), ingest.whop_id(o.it #> '{payment,user}')),
           coalesce(ingest.whop_id(o.it -> 'membership_id'), ingest.whop_id(o.it -> 'membership'),
                    ingest.whop_id(o.it #> '{payment,membership_id}'), ingest.whop_id(o.it #> '{payment,membership}')),
           substring(coalesce(
               app.json_text(o.it -> 'customer_email'), app.json_text(o.it #> '{user,email}'), app.json_text(o.it -> 'email'),
               app.json_text(o.it #> '{payment,user,email}'), app.json_text(o.it #> '{payment,customer_email}'),
               app.json_text(o.it #> '{buyer,email}'), app.json_text(o.it -> 'customer_email_address')) from '^.{1,254}$'),
           left(coalesce(
               app.json_text(o.it #> '{user,name}'), app.json_text(o.it #> '{buyer,name}'), app.json_text(o.it -> 'customer_name'),
               app.json_text(o.it #> '{billing_address,name}'), app.json_text(o.it #> '{payment,user,name}'),
               nullif(concat_ws(' ', app.json_text(o.it -> 'billing_first_name'), app.json_text(o.it -> 'billing_last_name')), '')),
               255),
           substring(coalesce(
               app.json_text(o.it -> 'customer_phone'), app.json_text(o.it -> 'phone_number'),
               app.json_text(o.it #> '{membership,phone_number}'), app.json_text(o.it #> '{member,phone}')) from '^.{1,64}$')
      from (select whop_customer.object as it) as o;
end;
comment on function ingest.whop_customer(jsonb) is 'Who bought, from wherever an object of Whop says it.';

-- ingest.whop_amount_field: where a payment object says what was paid: v2 and v5 have final_amount.
create or replace function ingest.whop_amount_field(object jsonb) returns text
language sql immutable parallel safe
return case when coalesce(object -> 'final_amount', 'null') <> 'null' then 'final_amount' else 'total' end;
comment on function ingest.whop_amount_field(jsonb) is 'Where a payment object says what was paid.';

-- ingest.whop_payment: what one payment object of any generation says about a payment, once its status is paid; told is NULL
-- before, and when nothing was charged. told_at: when the money was there at the latest, should the object not say when. Fee and
-- tax are kept of payments in the organization's currency.
create or replace function ingest.whop_payment(
    organization_id uuid, connection_id uuid, livemode boolean, event_type text, object jsonb, told_at timestamptz,
    out told app.payments, out steps jsonb
) returns record
language plpgsql stable set search_path = '' as $$
declare
    v_id       constant text := ingest.whop_require_id(object);
    v_status   constant text := coalesce(app.json_text(object -> 'status'),
                                         case event_type when 'payment.succeeded' then 'paid' end);
    v_paid     record;
    v_customer record;
    v_fee      numeric;
    v_tax      numeric;
begin
    steps := '[]';
    if v_status is distinct from 'paid' then
        steps := steps || app.step('payment', 'ignored', 'only what has the status paid is money');
        return;
    end if;
    v_paid := ingest.whop_money(object, ingest.whop_amount_field(object));
    if v_paid.amount is null then
        raise exception using errcode = 'PT422', message = 'The delivery lacks an amount.',
            detail = 'Neither final_amount nor total is there.';
    elsif v_paid.amount = 0 then
        steps := steps || app.step('payment', 'ignored', 'nothing was charged');
        return;
    end if;
    v_customer := ingest.whop_customer(object);
    if exists (select from app.organizations as o
                where o.id = whop_payment.organization_id and o.currency = v_paid.currency) then
        v_fee := v_paid.amount - ingest.whop_part(object, 'amount_after_fees', v_paid.amount, v_paid.currency);
        v_tax := ingest.whop_part(object, 'tax_amount', v_paid.amount, v_paid.currency);
    end if;
    if object ->> 'billing_reason' = 'subscription_cycle' then
        steps := steps || app.step('membership', 'renewed', 'the payment is for a further period');
    end if;
    told := app.told_payment(
        organization_id, 'whop', '', v_id, connection_id, livemode, v_paid.amount, v_paid.currency,
        coalesce(app.json_instant(object -> 'paid_at'), told_at), null,
        v_customer.email, null, v_customer.full_name, v_customer.phone, v_customer.user_id, v_customer.membership_id,
        left(coalesce(app.json_text(object #> '{product,title}'), app.json_text(object #> '{line_items,0,product_title}')), 255),
        app.json_object(object -> 'membership_metadata') || app.json_object(object -> 'metadata'), v_fee, v_tax);
end;
$$;
comment on function ingest.whop_payment(uuid, uuid, boolean, text, jsonb, timestamptz) is
    'What one payment object of Whop says about a payment.';

-- ingest.record_whop_payment: the same, carried out, and the total that was refunded of it so far: v2 tells of refunds in no
-- other way.
create or replace function ingest.record_whop_payment(
    organization_id uuid, connection_id uuid, livemode boolean, event_type text, object jsonb, told_at timestamptz,
    out status text, out steps jsonb, out lead_id uuid, out event_id uuid, out payment_id uuid
) returns record
language plpgsql volatile set search_path = '' as $$
declare
    v_id       constant text := ingest.whop_require_id(object);
    v_amount   constant text := ingest.whop_amount_field(object);
    v_said     constant record := ingest.whop_payment(organization_id, connection_id, livemode, event_type, object, told_at);
    v_told     constant app.payments := v_said.told;
    v_refunded record;
    v_written  record;
begin
    status := 'ignored';
    steps := v_said.steps;
    if v_told.provider_payment_id is not null then
        select r.* into v_written from app.record_processor_payments(array[v_told]) as r;
        status := 'processed';
        lead_id := v_written.lead_id;
        event_id := v_written.event_id;
        payment_id := v_written.payment_id;
        steps := steps || app.step('payment', v_written.what, v_written.because);
    end if;

    if upper(app.json_text(object #> '{refunded_amount,currency}'))
       <> upper(coalesce(app.json_text(object #> array[v_amount, 'currency']), app.json_text(object -> 'currency'))) then
        steps := steps || app.step('refund total', 'ignored', 'it is in another currency than the payment; refunds are told of apart');
        return;
    end if;
    v_refunded := ingest.whop_money(object, 'refunded_amount');
    if event_type = 'payment.refunded' and coalesce(v_refunded.amount, 0) = 0 then
        if not coalesce('refunded' in (object ->> 'status', object ->> 'substatus'), false) then
            raise exception using errcode = 'PT422', message = 'The delivery lacks an amount.',
                detail = 'refunded_amount is missing, and it does not say that all was refunded.';
        end if;
        v_refunded := ingest.whop_money(object, v_amount);
    end if;
    if v_refunded.amount > 0 then
        payment_id := coalesce(app.record_refund_mark(
            organization_id, 'whop', '', v_id, v_id, v_refunded.amount, v_refunded.currency,
            coalesce(app.json_instant(object -> 'refunded_at'), told_at)), payment_id);
        status := 'processed';
        steps := steps || app.step('refund total', coalesce('payment ' || payment_id, 'waits for its payment'),
            'counts only for what no refund object explains');
    end if;
end;
$$;
comment on function ingest.record_whop_payment(uuid, uuid, boolean, text, jsonb, timestamptz) is
    'What one payment object of Whop says: the payment, and what was refunded of it.';

-- ingest.whop_payment_key: the payment that a refund or a dispute is about; PT422 when it names none.
create or replace function ingest.whop_payment_key(object jsonb) returns text
language plpgsql immutable parallel safe set search_path = '' as $$
declare
    v_key constant text := coalesce(ingest.whop_id(object -> 'payment_id'), ingest.whop_id(object -> 'payment'));
begin
    if v_key is null then
        raise exception using errcode = 'PT422', message = 'The refund or dispute names no payment.',
            detail = 'Neither payment_id nor payment is there.';
    end if;
    return v_key;
end;
$$;
comment on function ingest.whop_payment_key(jsonb) is 'The payment that a refund or a dispute is about.';

-- ingest.record_whop_refund: what one refund object says; it counts once it has succeeded, on the day it was made.
-- Dated refunds have two amounts, which may be in two currencies: the one in the payment's currency holds. Raises PT422
-- when they are and the payment is not known yet, for a status that is not known, and for what is no amount.
create or replace function ingest.record_whop_refund(
    organization_id uuid, object jsonb, told_at timestamptz, out status text, out steps jsonb, out payment_id uuid
) returns record
language plpgsql volatile set search_path = '' as $$
declare
    v_id       constant text := ingest.whop_require_id(object);
    v_key      constant text := ingest.whop_payment_key(object);
    v_amount   record := ingest.whop_money(object, 'amount');
    v_other    record;
    v_currency text;
    v_written  record;
begin
    if not coalesce(object ->> 'status' = any (array['pending', 'requires_action', 'succeeded', 'failed', 'canceled']), false) then
        raise exception using errcode = 'PT422', message = 'The refund has no status that this system knows.',
            detail = 'Known are pending, requires_action, succeeded, failed and canceled.';
    elsif jsonb_typeof(object -> 'original_amount') = 'object'
          and upper(app.json_text(object #> '{original_amount,currency}')) <> v_amount.currency then
        v_other := ingest.whop_money(object, 'original_amount');
        select p.currency into v_currency from app.payments as p
         where p.organization_id = record_whop_refund.organization_id and p.provider = 'whop' and p.provider_account = ''
           and p.provider_payment_id = v_key;
        if not found then
            raise exception using errcode = 'PT422', message = 'The payment of this refund has not arrived yet.',
                detail = 'The refund is told in two currencies; the one of its payment holds.';
        elsif v_currency = v_other.currency then
            v_amount := v_other;
        end if;
    end if;
    if v_amount.amount is null then
        raise exception using errcode = 'PT422', message = 'The delivery lacks an amount.', detail = 'amount is missing.';
    elsif v_amount.amount = 0 then
        status := 'ignored';
        steps := jsonb_build_array(app.step('refund', 'ignored', 'nothing was given back'));
        return;
    end if;
    v_written := app.record_processor_refund(
        organization_id, 'whop', '', v_key, null, v_id, 'refund', object ->> 'status', v_amount.amount, v_amount.currency,
        coalesce(app.json_instant(object -> 'created_at'), told_at), app.json_text(object -> 'reason'));
    status := 'processed';
    payment_id := v_written.payment_id;
    steps := jsonb_build_array(app.step('refund', v_written.what,
        coalesce('it belongs to payment ' || payment_id, 'its payment has not arrived yet')));
end;
$$;
comment on function ingest.record_whop_refund(uuid, jsonb, timestamptz) is 'What one refund object of Whop says.';

-- ingest.whop_dispute_moves: what has happened to the money of a dispute with this status (Whop's are Stripe's):
-- withdrawn, returned (after it was withdrawn), or nothing; NULL for a status that is not known.
create or replace function ingest.whop_dispute_moves(status text) returns text
language sql immutable parallel safe
return case
    when status in ('needs_response', 'under_review', 'lost') then 'withdrawn'
    when status = 'won' then 'returned'
    when status in ('warning_needs_response', 'warning_under_review', 'warning_closed', 'prevented', 'closed', 'other') then 'nothing'
end;
comment on function ingest.whop_dispute_moves(text) is 'What has happened to the money of a dispute with this status.';

-- ingest.record_whop_dispute: what one dispute object says. Money is withdrawn when the dispute opens and comes back when it
-- is won, so a won one says both. An inquiry moves nothing. One that Visa resolved by a refund (visa_rdr) is a refund, told
-- of by a refund object or not: it is kept as a total that counts only for what no refund object explains.
create or replace function ingest.record_whop_dispute(
    organization_id uuid, event_type text, object jsonb, told_at timestamptz, out status text, out steps jsonb, out payment_id uuid
) returns record
language plpgsql volatile set search_path = '' as $$
declare
    v_id      constant text := ingest.whop_require_id(object);
    v_key     constant text := ingest.whop_payment_key(object);
    v_moves   constant text := ingest.whop_dispute_moves(app.json_text(object -> 'status'));
    v_at      constant timestamptz := case event_type when 'dispute.created'
                                      then coalesce(app.json_instant(object -> 'created_at'), told_at) else told_at end;
    v_amount  record;
    v_kind    text;
    v_written record;
begin
    status := 'ignored';
    steps := '[]';
    if v_moves is null then
        raise exception using errcode = 'PT422', message = 'The dispute has no status that this system knows.',
            detail = 'It decides whether money was withdrawn or returned.';
    elsif object -> 'inquiry' = 'true' or v_moves = 'nothing' and object -> 'visa_rdr' is distinct from 'true'
          or object ->> 'status' like 'warning%' then
        steps := steps || app.step('dispute', 'ignored', 'with this status it moves no money');
        return;
    end if;
    v_amount := ingest.whop_money(object, 'amount');
    if v_amount.amount is null then
        raise exception using errcode = 'PT422', message = 'The delivery lacks an amount.', detail = 'amount is missing.';
    elsif v_amount.amount = 0 then
        steps := steps || app.step('dispute', 'ignored', 'nothing is disputed');
        return;
    end if;
    status := 'processed';
    if object -> 'visa_rdr' = 'true' and v_moves <> 'returned' then
        payment_id := app.record_refund_mark(
            organization_id, 'whop', '', v_key, v_key, v_amount.amount, v_amount.currency,
            coalesce(app.json_instant(object -> 'created_at'), told_at));
        steps := steps || app.step('refund total', coalesce('payment ' || payment_id, 'waits for its payment'),
            'Visa resolved the dispute by a refund: it counts only for what no refund object explains');
        return;
    end if;
    foreach v_kind in array case v_moves when 'returned' then array['dispute', 'dispute_won'] else array['dispute'] end loop
        v_written := app.record_processor_refund(
            organization_id, 'whop', '', v_key, null, v_id, v_kind, 'succeeded', v_amount.amount, v_amount.currency, v_at,
            app.json_text(object -> 'reason'));
        payment_id := v_written.payment_id;
        steps := steps || app.step(case v_kind when 'dispute' then 'money withdrawn' else 'money returned' end, v_written.what,
            coalesce('it belongs to payment ' || payment_id, 'its payment has not arrived yet'));
    end loop;
end;
$$;
comment on function ingest.record_whop_dispute(uuid, text, jsonb, timestamptz) is 'What one dispute object of Whop says.';

-- ingest.whop_membership_change: what happened to a membership, in the words of this product, whichever generation tells.
-- previous: the previous_attributes of dated v1. Whop has no event of its own for a renewal: the payment tells.
create or replace function ingest.whop_membership_change(event_type text, object jsonb, previous jsonb) returns text
language sql immutable parallel safe
return case
    when event_type in ('membership.went_valid', 'membership.activated') then 'went_valid'
    when event_type in ('membership.went_invalid', 'membership.deactivated', 'membership.cancelled', 'membership.canceled') then 'cancelled'
    when event_type = 'membership.renewed' then 'renewed'
    when event_type = 'membership.cancel_at_period_end_changed' or event_type = 'membership.updated' and previous ? 'cancel_at_period_end'
        then case object -> 'cancel_at_period_end' when 'true' then 'cancellation scheduled' else 'cancellation withdrawn' end
    when event_type = 'membership.updated' and object ->> 'status' in ('canceled', 'expired') then 'cancelled'
    when event_type = 'membership.updated' and previous ? 'status' and object ->> 'status' in ('active', 'trialing', 'completed')
        then 'went_valid'
    else 'updated'
end;
comment on function ingest.whop_membership_change(text, jsonb, jsonb) is 'What happened to a membership, in the words of this product.';

-- ingest.record_whop_membership: what one membership object says. Membership moves no money: it says who its payments are
-- from, which v5 payments and those without the permission for e-mails do not.
create or replace function ingest.record_whop_membership(
    organization_id uuid, livemode boolean, event_type text, object jsonb, previous jsonb,
    out status text, out steps jsonb, out lead_id uuid, out event_id uuid, out payment_id uuid
) returns record
language plpgsql volatile set search_path = '' as $$
declare
    v_id       constant text := ingest.whop_require_id(object);
    v_customer constant record := ingest.whop_customer(object);
begin
    status := 'processed';
    payment_id := app.record_carrier(
        organization_id => organization_id, provider => 'whop', provider_account => '', kind => 'membership', carrier_id => v_id,
        subscription_id => v_id, customer_id => v_customer.user_id, email => v_customer.email, phone => v_customer.phone,
        full_name => v_customer.full_name, metadata => app.json_object(object -> 'metadata'), livemode => livemode,
        carried_at => app.json_instant(object -> 'created_at'));
    select p.lead_id, p.event_id into lead_id, event_id
      from app.payments as p
     where p.organization_id = record_whop_membership.organization_id and p.id = record_whop_membership.payment_id;
    steps := jsonb_build_array(
        app.step('membership', ingest.whop_membership_change(event_type, object, previous),
                 format('its status is %s; membership moves no money',
                        coalesce(substring(object ->> 'status' from '^[a-z_]{1,40}$'), 'not told'))),
        app.step('identity', case when v_customer.email is null then 'no address' else 'address' end,
                 coalesce('it belongs to payment ' || payment_id, 'no payment of it has arrived yet')));
end;
$$;
comment on function ingest.record_whop_membership(uuid, boolean, text, jsonb, jsonb) is 'What one membership object of Whop says.';

-- ingest.process_whop: carry out one verified event. Idempotent, and free of any order of arrival.
-- status: processed, or ignored when the event moves no money and tells of nobody. steps: what was decided and why.
-- Raises, and then nothing is changed, when the event cannot be understood.
create or replace function ingest.process_whop(
    organization_id uuid, connection_id uuid, provider_account text, livemode boolean, body jsonb,
    out status text, out steps jsonb, out lead_id uuid, out event_id uuid, out payment_id uuid
) returns record
language plpgsql volatile set search_path = '' as $$
declare
    v_type    constant text := ingest.whop_event_type(body);
    v_object  constant jsonb := ingest.whop_object(body);
    v_told_at constant timestamptz := ingest.whop_told_at(organization_id, connection_id, body);
begin
    if v_type like 'refund.%' or v_type = 'payment.refunded' and (v_object ? 'payment' or v_object ? 'payment_id') then
        select r.status, r.steps, r.payment_id into status, steps, payment_id
          from ingest.record_whop_refund(organization_id, v_object, v_told_at) as r;
    elsif v_type like 'dispute.%' then
        select d.status, d.steps, d.payment_id into status, steps, payment_id
          from ingest.record_whop_dispute(organization_id, v_type, v_object, v_told_at) as d;
    elsif v_type like 'payment.%' and v_type <> 'payment.affiliate_reward_created' then
        select p.status, p.steps, p.lead_id, p.event_id, p.payment_id into status, steps, lead_id, event_id, payment_id
          from ingest.record_whop_payment(organization_id, connection_id, livemode, v_type, v_object, v_told_at) as p;
    elsif v_type like 'membership.%' then
        select m.status, m.steps, m.lead_id, m.event_id, m.payment_id into status, steps, lead_id, event_id, payment_id
          from ingest.record_whop_membership(
              organization_id, livemode, v_type, v_object, app.json_object(body -> 'previous_attributes')) as m;
    else
        status := 'ignored';
        steps := jsonb_build_array(app.step('event', 'ignored', 'events of this type move no money'));
    end if;
    if status = 'processed' and not livemode then
        steps := app.step('mode', 'test', 'test-mode money counts nowhere') || steps;
    end if;
end;
$$;
comment on function ingest.process_whop(uuid, uuid, text, boolean, jsonb) is 'Carry out one verified Whop event.';

-- ingest.whop_told: the payment that an event tells of, when that is all there is to do; told is NULL for every other event.
create or replace function ingest.whop_told(
    organization_id uuid, connection_id uuid, livemode boolean, body jsonb, out told app.payments, out steps jsonb
) returns record
language plpgsql stable set search_path = '' as $$
declare
    v_object constant jsonb := ingest.whop_object(body);
    v_said   record;
begin
    if livemode and ingest.whop_event_type(body) = 'payment.succeeded' and coalesce(v_object -> 'refunded_amount', 'null') in ('null', '0') then
        v_said := ingest.whop_payment(organization_id, connection_id, livemode, 'payment.succeeded', v_object,
                                      ingest.whop_told_at(organization_id, connection_id, body));
        told := v_said.told;
        steps := v_said.steps;
    end if;
end;
$$;
comment on function ingest.whop_told(uuid, uuid, boolean, jsonb) is
    'The payment that an event tells of, when that is all there is to do.';
