-- What Stripe's events mean. Facts: https://docs.stripe.com/api/events/types and what is said there about each object.

-- ingest.stripe_envelope: what an event says about itself; duplicates are known by its evt_ id.
create or replace function ingest.stripe_envelope(
    body jsonb, out id text, out event_type text, out occurred_at timestamptz, out livemode boolean
) returns record
language sql immutable parallel safe
return (app.json_text(body -> 'id'), app.json_text(body -> 'type'), app.json_instant(body -> 'created'),
        body -> 'livemode' is distinct from 'false');
comment on function ingest.stripe_envelope(jsonb) is 'What a Stripe event says about itself.';

-- ingest.stripe_object_currency: the ISO code of an object; PT422 when this system knows no such currency.
create or replace function ingest.stripe_object_currency(object jsonb) returns text
language plpgsql immutable parallel safe set search_path = '' as $$
begin
    if app.currency_exponent(upper(app.json_text(object -> 'currency'))) is null then
        raise exception using errcode = 'PT422', message = 'Unknown currency.',
            detail = format('%s is no ISO 4217 code that this system knows.',
                            coalesce(quote_literal(left(object ->> 'currency', 10)), 'A missing value')),
            hint = 'The delivery is kept and can be processed again once the currency is known.';
    end if;
    return upper(app.json_text(object -> 'currency'));
end;
$$;
comment on function ingest.stripe_object_currency(jsonb) is 'The ISO code of an object; PT422 when it is unknown.';

-- ingest.stripe_amount: a field in minor units as major units of the object's currency; PT422 when it is no amount.
create or replace function ingest.stripe_amount(object jsonb, field text) returns numeric
language plpgsql immutable parallel safe set search_path = '' as $$
begin
    if jsonb_typeof(object -> field) is distinct from 'number' then
        raise exception using errcode = 'PT422', message = 'The delivery lacks an amount.',
            detail = format('%s is not a number.', field);
    end if;
    return app.minor_units('stripe', (object ->> field)::numeric, ingest.stripe_object_currency(object));
end;
$$;
comment on function ingest.stripe_amount(jsonb, text) is 'Major units of a field in minor units.';

-- ingest.stripe_paid_at: when the provider confirmed the money of a charge: at once for immediate methods, and then the
-- charge's own time holds; for delayed methods and late captures the time of the event that tells of it.
create or replace function ingest.stripe_paid_at(charge jsonb, event_at timestamptz) returns timestamptz
language sql immutable parallel safe
return case
    when charge #>> '{payment_method_details,type}' = any (array[
            'ach_credit_transfer', 'ach_debit', 'acss_debit', 'au_becs_debit', 'bacs_debit', 'boleto', 'customer_balance',
            'konbini', 'multibanco', 'nz_bank_account', 'oxxo', 'sepa_credit_transfer', 'sepa_debit', 'sofort',
            'us_bank_account'])
         or charge #>> '{payment_method_details,card,capture_before}' is not null then event_at
    else least(event_at, coalesce(app.json_instant(charge -> 'created'), event_at))
end;
comment on function ingest.stripe_paid_at(jsonb, timestamptz) is 'When the provider confirmed the money of a charge.';

-- ingest.process_stripe: carry out one verified event. Idempotent, and free of any order of arrival.
-- status: processed, or ignored when the event moves no money. steps: what was decided and why.
-- Raises, and then nothing is changed, when the event cannot be understood.
create or replace function ingest.process_stripe(
    organization_id uuid, connection_id uuid, provider_account text, livemode boolean, body jsonb,
    out status text, out steps jsonb, out lead_id uuid, out event_id uuid, out payment_id uuid
) returns record
language plpgsql volatile set search_path = '' as $$
declare
    v_type     constant text := body ->> 'type';
    v_object   constant jsonb := body #> '{data,object}';
    v_account  constant text := coalesce(app.json_text(body -> 'account'), provider_account);
    v_event_at constant timestamptz := app.json_instant(body -> 'created');
    v_charge   jsonb;
    v_key      text;
    v_moved    jsonb;
    v_written  record;
begin
    status := 'processed';
    steps := '[]';
    if body ->> 'object' is distinct from 'event' or not v_type = any (array[
            'payment_intent.succeeded', 'charge.succeeded', 'charge.captured', 'charge.updated', 'charge.refunded',
            'refund.created', 'refund.updated', 'refund.failed', 'charge.refund.updated',
            'charge.dispute.funds_withdrawn', 'charge.dispute.funds_reinstated']) then
        status := 'ignored';
        steps := jsonb_build_array(app.step('event', 'ignored', 'events of this type move no money'));
        return;
    elsif jsonb_typeof(v_object) is distinct from 'object' or app.json_id(v_object) is null or v_event_at is null then
        raise exception using errcode = 'PT422', message = 'The delivery lacks its object.',
            detail = format('%s needs data.object with an id, and created.', v_type);
    end if;
    if not livemode then
        steps := steps || app.step('mode', 'test', 'test-mode money counts nowhere');
    end if;

    if v_type = 'payment_intent.succeeded' then
        v_charge := case jsonb_typeof(v_object -> 'latest_charge') when 'object' then v_object -> 'latest_charge' else '{}' end;
        v_written := app.record_processor_payment(
            organization_id, 'stripe', v_account, v_object ->> 'id', connection_id, livemode,
            ingest.stripe_amount(v_object, 'amount_received'), ingest.stripe_object_currency(v_object),
            ingest.stripe_paid_at(v_charge, v_event_at),
            app.json_id(v_object -> 'latest_charge'),
            app.json_text(v_charge #> '{billing_details,email}'), app.json_text(v_object -> 'receipt_email'),
            app.json_text(v_charge #> '{billing_details,name}'), app.json_text(v_charge #> '{billing_details,phone}'),
            app.json_id(v_object -> 'customer'), null, app.json_text(v_object -> 'description'),
            case jsonb_typeof(v_object -> 'metadata') when 'object' then v_object -> 'metadata' else '{}' end);

    elsif v_type in ('charge.succeeded', 'charge.captured', 'charge.updated') then
        if v_object ->> 'status' is distinct from 'succeeded' or v_object -> 'captured' is distinct from 'true'
           or v_object -> 'amount_captured' = '0' then
            status := 'ignored';
            steps := steps || app.step('charge', 'ignored', 'nothing was captured: an authorisation is not money');
            return;
        end if;
        v_written := app.record_processor_payment(
            organization_id, 'stripe', v_account,
            coalesce(app.json_id(v_object -> 'payment_intent'), v_object ->> 'id'), connection_id, livemode,
            ingest.stripe_amount(v_object, 'amount_captured'), ingest.stripe_object_currency(v_object),
            ingest.stripe_paid_at(v_object, v_event_at), v_object ->> 'id',
            app.json_text(v_object #> '{billing_details,email}'), app.json_text(v_object -> 'receipt_email'),
            app.json_text(v_object #> '{billing_details,name}'), app.json_text(v_object #> '{billing_details,phone}'),
            app.json_id(v_object -> 'customer'), null, app.json_text(v_object -> 'description'),
            case jsonb_typeof(v_object -> 'metadata') when 'object' then v_object -> 'metadata' else '{}' end);

    elsif v_type = 'charge.refunded' then
        if v_object -> 'captured' is distinct from 'true' then
            status := 'ignored';
            steps := steps || app.step('charge', 'ignored', 'nothing was captured: a released authorisation is no refund');
            return;
        end if;
        payment_id := app.record_refund_mark(
            organization_id, 'stripe', v_account, coalesce(app.json_id(v_object -> 'payment_intent'), v_object ->> 'id'),
            v_object ->> 'id', ingest.stripe_amount(v_object, 'amount_refunded'), ingest.stripe_object_currency(v_object),
            v_event_at);
        steps := steps || app.step('refund total', coalesce('payment ' || payment_id, 'waits for its payment'),
            'counts only for what no refund object explains');
        return;

    elsif v_type like '%refund.%' then
        v_key := coalesce(app.json_id(v_object -> 'payment_intent'), app.json_id(v_object -> 'charge'));
        if v_key is null or v_object ->> 'reason' = 'expired_uncaptured_charge' then
            status := 'ignored';
            steps := steps || app.step('refund', 'ignored', case when v_key is null then 'it names no payment'
                else 'a released authorisation is no refund' end);
            return;
        end if;
        v_written := app.record_processor_refund(
            organization_id, 'stripe', v_account, v_key, app.json_id(v_object -> 'charge'), v_object ->> 'id', 'refund',
            coalesce(v_object ->> 'status', 'succeeded'), ingest.stripe_amount(v_object, 'amount'),
            ingest.stripe_object_currency(v_object), coalesce(app.json_instant(v_object -> 'created'), v_event_at),
            app.json_text(v_object -> 'reason'));
        payment_id := v_written.payment_id;
        steps := steps || app.step('refund', v_written.what,
            coalesce('it belongs to payment ' || payment_id, 'its payment has not arrived yet'));
        return;

    else
        v_key := coalesce(app.json_id(v_object -> 'payment_intent'), app.json_id(v_object -> 'charge'));
        if v_key is null then
            raise exception using errcode = 'PT422', message = 'The dispute names no payment.',
                detail = 'Neither payment_intent nor charge is there.';
        end if;
        -- The balance transaction of the movement knows its day; withdrawals are negative.
        select t.value into v_moved
          from jsonb_array_elements(case jsonb_typeof(v_object -> 'balance_transactions')
                                    when 'array' then v_object -> 'balance_transactions' else '[]' end) as t
         where jsonb_typeof(t.value -> 'amount') = 'number'
           and sign((t.value ->> 'amount')::numeric) = case v_type when 'charge.dispute.funds_withdrawn' then -1 else 1 end
         order by t.value -> 'created' limit 1;
        v_written := app.record_processor_refund(
            organization_id, 'stripe', v_account, v_key, app.json_id(v_object -> 'charge'), v_object ->> 'id',
            case v_type when 'charge.dispute.funds_withdrawn' then 'dispute' else 'dispute_won' end, 'succeeded',
            ingest.stripe_amount(v_object, 'amount'), ingest.stripe_object_currency(v_object),
            coalesce(app.json_instant(v_moved -> 'created'), v_event_at), app.json_text(v_object -> 'reason'));
        payment_id := v_written.payment_id;
        steps := steps || app.step('dispute', v_written.what,
            coalesce('it belongs to payment ' || payment_id, 'its payment has not arrived yet'));
        return;
    end if;

    lead_id := v_written.lead_id;
    event_id := v_written.event_id;
    payment_id := v_written.payment_id;
    steps := steps || app.step('payment', v_written.what, v_written.because);
end;
$$;
comment on function ingest.process_stripe(uuid, uuid, text, boolean, jsonb) is 'Carry out one verified Stripe event.';
