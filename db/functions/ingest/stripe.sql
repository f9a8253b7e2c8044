-- What Stripe's events mean. Facts: https://docs.stripe.com/api/events/types and what is said there about each object.

-- ingest.stripe_envelope: what an event says about itself; duplicates are known by its evt_ id.
create or replace function ingest.stripe_envelope(
    body jsonb, out id text, out event_type text, out occurred_at timestamptz, out livemode boolean
) returns record
language plpgsql immutable parallel safe set search_path = '' as $$
begin
    id := app.json_text(body -> 'id');
    event_type := app.json_text(body -> 'type');
    occurred_at := app.json_instant(body -> 'created');
    livemode := body -> 'livemode' is distinct from 'false';
end;
$$;
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

-- ingest.stripe_fee: what the processor kept of a charge, in the organization's currency. Only a balance transaction that
-- is there as an object says so, and only when it was settled in that currency; NULL otherwise, and the step says why.
create or replace function ingest.stripe_fee(organization_id uuid, charge jsonb, out amount numeric, out step jsonb) returns record
language plpgsql stable set search_path = '' as $$
declare
    v_transaction constant jsonb := charge -> 'balance_transaction';
    v_currency    constant text := upper(app.json_text(v_transaction -> 'currency'));
    v_base        text;
begin
    if jsonb_typeof(v_transaction) is distinct from 'object' or jsonb_typeof(v_transaction -> 'fee') is distinct from 'number' then
        return;
    end if;
    select o.currency into v_base from app.organizations as o where o.id = stripe_fee.organization_id;
    if v_currency is distinct from v_base then
        step := app.step('fee', 'unknown', format('it was settled in %s, not in %s',
                                                  coalesce(left(v_currency, 10), 'an unnamed currency'), v_base));
    else
        amount := ingest.stripe_amount(v_transaction, 'fee');
        step := app.step('fee', 'known', 'the balance transaction says it');
    end if;
end;
$$;
comment on function ingest.stripe_fee(uuid, jsonb) is 'What the processor kept of a charge, in the organization''s currency.';

-- ingest.stripe_tax: the tax that a session or an invoice states, in major units of its currency. NULL when it states none:
-- then none was computed by the processor, which does not mean that there is none.
create or replace function ingest.stripe_tax(object jsonb) returns numeric
language sql immutable parallel safe
begin atomic
    with stated as (
        select case when jsonb_typeof(stripe_tax.object #> '{total_details,amount_tax}') = 'number'
                        then (stripe_tax.object #>> '{total_details,amount_tax}')::numeric
                    when jsonb_typeof(stripe_tax.object -> 'tax') = 'number' then (stripe_tax.object ->> 'tax')::numeric
                    else (select sum((t.value ->> 'amount')::numeric)
                            from jsonb_array_elements(app.json_array(stripe_tax.object -> 'total_taxes')) as t
                           where jsonb_typeof(t.value -> 'amount') = 'number')
               end as units
    )
    select case when s.units > 0 and app.currency_exponent(upper(app.json_text(stripe_tax.object -> 'currency'))) is not null
                then app.minor_units('stripe', s.units, upper(app.json_text(stripe_tax.object -> 'currency'))) end
      from stated as s;
end;
comment on function ingest.stripe_tax(jsonb) is 'The tax that a session or an invoice states.';

-- ingest.record_stripe_session: what a checkout session says about who paid. It moves no money: its payment tells of itself.
create or replace function ingest.record_stripe_session(
    organization_id uuid, account text, livemode boolean, session jsonb, out status text, out steps jsonb, out payment_id uuid
) returns record
language plpgsql volatile set search_path = '' as $$
declare
    v_customer constant jsonb := app.json_object(session -> 'customer_details');
    v_tax      constant numeric := ingest.stripe_tax(session);
begin
    steps := '[]';
    if coalesce(app.json_id(session -> 'payment_intent'), app.json_id(session -> 'invoice'),
                app.json_id(session -> 'subscription'), app.json_id(session -> 'customer')) is null then
        status := 'ignored';
        steps := steps || app.step('session', 'ignored', 'it names no payment, invoice, subscription or customer');
        return;
    end if;
    payment_id := app.record_carrier(
        organization_id, 'stripe', account, 'checkout_session', session ->> 'id',
        payment_key => app.json_id(session -> 'payment_intent'), subscription_id => app.json_id(session -> 'subscription'),
        customer_id => app.json_id(session -> 'customer'),
        email => coalesce(app.json_text(v_customer -> 'email'), app.json_text(session -> 'customer_email')),
        phone => app.json_text(v_customer -> 'phone'),
        full_name => coalesce(app.json_text(v_customer -> 'name'), app.json_text(v_customer -> 'individual_name'),
                              app.json_text(v_customer -> 'business_name')),
        reference => app.json_text(session -> 'client_reference_id'), metadata => app.json_object(session -> 'metadata'),
        invoice_id => app.json_id(session -> 'invoice'), livemode => livemode,
        carried_at => app.json_instant(session -> 'created'),
        amount => case when v_tax is not null then ingest.stripe_amount(session, 'amount_total') end,
        currency => case when v_tax is not null then ingest.stripe_object_currency(session) end, tax_amount => v_tax);
    status := 'processed';
    if session ->> 'payment_status' = 'unpaid' then
        steps := steps || app.step('session', 'unpaid', 'what is not paid yet is no sale yet');
    end if;
    steps := steps || app.step('session', coalesce('payment ' || payment_id, 'waits for its payment'),
        'it says who pays, and moves no money itself');
end;
$$;
comment on function ingest.record_stripe_session(uuid, text, boolean, jsonb) is 'What a checkout session says about who paid.';

-- ingest.record_stripe_invoice: what a paid invoice says about who paid, of either shape: before the API version
-- 2025-03-31 it names its payment and its subscription, since then its payments name it. It moves no money: an invoice of
-- nothing has no payment, one paid outside the processor none of the processor's, and any other payment tells of itself.
create or replace function ingest.record_stripe_invoice(
    organization_id uuid, account text, livemode boolean, invoice jsonb, out status text, out steps jsonb, out payment_id uuid
) returns record
language plpgsql volatile set search_path = '' as $$
declare
    v_terms   constant jsonb := app.json_object(coalesce(invoice #> '{parent,subscription_details}', invoice -> 'subscription_details'));
    v_key     constant text := coalesce(app.json_id(invoice -> 'payment_intent'), app.json_id(invoice -> 'charge'));
    v_tax     constant numeric := ingest.stripe_tax(invoice);
    v_part    jsonb;
begin
    steps := '[]';
    if invoice -> 'paid_out_of_band' = 'true' then
        steps := steps || app.step('invoice', 'no money', 'it was paid outside the processor; what was paid is entered by hand');
    elsif invoice -> 'amount_paid' = '0' then
        steps := steps || app.step('invoice', 'no money', 'nothing was due');
    end if;
    payment_id := app.record_carrier(
        organization_id, 'stripe', account, 'invoice', invoice ->> 'id', payment_key => v_key,
        subscription_id => coalesce(app.json_id(v_terms -> 'subscription'), app.json_id(invoice -> 'subscription')),
        customer_id => app.json_id(invoice -> 'customer'), email => app.json_text(invoice -> 'customer_email'),
        phone => app.json_text(invoice -> 'customer_phone'), full_name => app.json_text(invoice -> 'customer_name'),
        metadata => app.json_object(v_terms -> 'metadata') || app.json_object(invoice -> 'metadata'),
        livemode => livemode, carried_at => app.json_instant(invoice -> 'created'),
        amount => case when v_tax is not null then ingest.stripe_amount(invoice, 'total') end,
        currency => case when v_tax is not null then ingest.stripe_object_currency(invoice) end, tax_amount => v_tax);
    for v_part in
        select t.value from jsonb_array_elements(app.json_array(invoice #> '{payments,data}')) as t
         where app.json_id(t.value) is not null
    loop
        payment_id := coalesce(
            (ingest.record_stripe_invoice_payment(
                organization_id, account, livemode, v_part || jsonb_build_object('invoice', invoice ->> 'id'))).payment_id,
            payment_id);
    end loop;
    status := 'processed';
    steps := steps || app.step('invoice', coalesce('payment ' || payment_id, 'waits for its payment'),
        'it says who pays, and moves no money itself');
end;
$$;
comment on function ingest.record_stripe_invoice(uuid, text, boolean, jsonb) is 'What a paid invoice says about who paid.';

-- ingest.record_stripe_invoice_payment: which payment paid which invoice.
create or replace function ingest.record_stripe_invoice_payment(
    organization_id uuid, account text, livemode boolean, link jsonb, out status text, out steps jsonb, out payment_id uuid
) returns record
language plpgsql volatile set search_path = '' as $$
declare
    v_key     constant text := coalesce(app.json_id(link #> '{payment,payment_intent}'), app.json_id(link #> '{payment,charge}'));
    v_invoice constant text := app.json_id(link -> 'invoice');
begin
    if v_key is null or v_invoice is null then
        status := 'ignored';
        steps := jsonb_build_array(app.step('invoice payment', 'ignored', case when v_invoice is null then 'it names no invoice'
            else 'it names no payment of the processor: the invoice was paid outside' end));
        return;
    end if;
    payment_id := app.record_carrier(
        organization_id, 'stripe', account, 'invoice_payment', link ->> 'id', payment_key => v_key, invoice_id => v_invoice,
        livemode => livemode, carried_at => app.json_instant(link -> 'created'));
    status := 'processed';
    steps := jsonb_build_array(app.step('invoice payment', coalesce('payment ' || payment_id, 'waits for its payment'),
        'it joins an invoice to its payment, and moves no money itself'));
end;
$$;
comment on function ingest.record_stripe_invoice_payment(uuid, text, boolean, jsonb) is 'Which payment paid which invoice.';

-- ingest.stripe_payment: what a payment intent or a charge (object, by the type of its event) says about a payment, once the money
-- was captured; told is NULL when it was not. A payment intent may hold its charge.
create or replace function ingest.stripe_payment(
    organization_id uuid, connection_id uuid, account text, livemode boolean, event_type text, object jsonb, event_at timestamptz,
    out told app.payments, out steps jsonb
) returns record
language plpgsql stable set search_path = '' as $$
declare
    v_is_intent constant boolean := event_type = 'payment_intent.succeeded';
    v_charge    constant jsonb := case when v_is_intent then app.json_object(object -> 'latest_charge') else object end;
    v_fee       record;
begin
    steps := '[]';
    if not v_is_intent and (object ->> 'status' is distinct from 'succeeded' or object -> 'captured' is distinct from 'true'
                            or object -> 'amount_captured' = '0')
       or v_is_intent and object -> 'amount_received' = '0' then
        steps := steps || app.step('payment', 'ignored', 'nothing was captured: an authorisation is not money');
        return;
    end if;
    v_fee := ingest.stripe_fee(organization_id, v_charge);
    if v_fee.step is not null then
        steps := steps || v_fee.step;
    end if;
    told := app.told_payment(
        organization_id, 'stripe', account,
        case when v_is_intent then object ->> 'id' else coalesce(app.json_id(object -> 'payment_intent'), object ->> 'id') end,
        connection_id, livemode,
        ingest.stripe_amount(object, case when v_is_intent then 'amount_received' else 'amount_captured' end),
        ingest.stripe_object_currency(object), ingest.stripe_paid_at(v_charge, event_at),
        coalesce(v_charge ->> 'id', app.json_id(object -> 'latest_charge')),
        app.json_text(v_charge #> '{billing_details,email}'), app.json_text(object -> 'receipt_email'),
        app.json_text(v_charge #> '{billing_details,name}'), app.json_text(v_charge #> '{billing_details,phone}'),
        app.json_id(object -> 'customer'), null, app.json_text(object -> 'description'),
        app.json_object(object -> 'metadata'), fee_amount => v_fee.amount);
end;
$$;
comment on function ingest.stripe_payment(uuid, uuid, text, boolean, text, jsonb, timestamptz) is
    'What a payment intent or a charge says about a payment.';

-- ingest.record_stripe_payment: the same, carried out.
create or replace function ingest.record_stripe_payment(
    organization_id uuid, connection_id uuid, account text, livemode boolean, event_type text, object jsonb, event_at timestamptz,
    out status text, out steps jsonb, out payment_id uuid, out lead_id uuid, out event_id uuid
) returns record
language plpgsql volatile set search_path = '' as $$
declare
    v_said    constant record := ingest.stripe_payment(
        organization_id, connection_id, account, livemode, event_type, object, event_at);
    v_told    constant app.payments := v_said.told;
    v_written record;
begin
    steps := v_said.steps;
    if v_told.provider_payment_id is null then
        status := 'ignored';
        return;
    end if;
    -- Before the API version 2025-03-31 a payment names its invoice.
    if app.json_id(object -> 'invoice') is not null then
        perform app.record_carrier(organization_id, 'stripe', account, 'invoice', app.json_id(object -> 'invoice'),
                                   payment_key => v_told.provider_payment_id, livemode => livemode);
    end if;
    select r.* into v_written from app.record_processor_payments(array[v_told]) as r;
    status := 'processed';
    payment_id := v_written.payment_id;
    lead_id := v_written.lead_id;
    event_id := v_written.event_id;
    steps := steps || app.step('payment', v_written.what, v_written.because);
end;
$$;
comment on function ingest.record_stripe_payment(uuid, uuid, text, boolean, text, jsonb, timestamptz) is
    'Record what a payment intent or a charge says about a payment.';

-- ingest.record_stripe_refund: what a refund says, or a charge about the total of its refunds.
-- A released authorisation is no refund; of a charge that was captured in part, the rest was released.
create or replace function ingest.record_stripe_refund(
    organization_id uuid, account text, event_type text, object jsonb, event_at timestamptz,
    out status text, out steps jsonb, out payment_id uuid
) returns record
language plpgsql volatile set search_path = '' as $$
declare
    v_key     text := coalesce(app.json_id(object -> 'payment_intent'), app.json_id(object -> 'charge'));
    v_total   numeric;
    v_written record;
begin
    status := 'processed';
    steps := '[]';
    if event_type = 'charge.refunded' then
        if object -> 'captured' = 'true' then
            v_total := ingest.stripe_amount(object, 'amount_refunded')
                - case when jsonb_typeof(object -> 'amount') = 'number' and jsonb_typeof(object -> 'amount_captured') = 'number'
                       then greatest(0, ingest.stripe_amount(object, 'amount') - ingest.stripe_amount(object, 'amount_captured'))
                       else 0 end;
        end if;
        if v_total is null or v_total <= 0 then
            status := 'ignored';
            steps := steps || app.step('refund total', 'ignored',
                'nothing that was captured was given back: a released authorisation is no refund');
            return;
        end if;
        payment_id := app.record_refund_mark(
            organization_id, 'stripe', account, coalesce(app.json_id(object -> 'payment_intent'), object ->> 'id'),
            object ->> 'id', v_total, ingest.stripe_object_currency(object), event_at);
        steps := steps || app.step('refund total', coalesce('payment ' || payment_id, 'waits for its payment'),
            'counts only for what no refund object explains');
    elsif v_key is null or object ->> 'reason' = 'expired_uncaptured_charge' then
        status := 'ignored';
        steps := steps || app.step('refund', 'ignored', case when v_key is null then 'it names no payment'
            else 'a released authorisation is no refund' end);
    else
        v_written := app.record_processor_refund(
            organization_id, 'stripe', account, v_key, app.json_id(object -> 'charge'), object ->> 'id', 'refund',
            coalesce(object ->> 'status', 'succeeded'), ingest.stripe_amount(object, 'amount'),
            ingest.stripe_object_currency(object), coalesce(app.json_instant(object -> 'created'), event_at),
            app.json_text(object -> 'reason'));
        payment_id := v_written.payment_id;
        steps := steps || app.step('refund', v_written.what,
            coalesce('it belongs to payment ' || payment_id, 'its payment has not arrived yet'));
    end if;
end;
$$;
comment on function ingest.record_stripe_refund(uuid, text, text, jsonb, timestamptz) is
    'What a refund says, or a charge about the total of its refunds.';

-- ingest.record_stripe_dispute: funds that a dispute took, or gave back, on the day on which they moved.
create or replace function ingest.record_stripe_dispute(
    organization_id uuid, account text, event_type text, dispute jsonb, event_at timestamptz,
    out status text, out steps jsonb, out payment_id uuid
) returns record
language plpgsql volatile set search_path = '' as $$
declare
    v_is_withdrawn constant boolean := event_type = 'charge.dispute.funds_withdrawn';
    v_key          constant text := coalesce(app.json_id(dispute -> 'payment_intent'), app.json_id(dispute -> 'charge'));
    v_moved_at     timestamptz;
    v_written      record;
begin
    if v_key is null then
        raise exception using errcode = 'PT422', message = 'The dispute names no payment.',
            detail = 'Neither payment_intent nor charge is there.';
    end if;
    -- The balance transaction of the movement knows its day; withdrawals are negative.
    select min(app.json_instant(t.value -> 'created')) into v_moved_at
      from jsonb_array_elements(app.json_array(dispute -> 'balance_transactions')) as t
     where case when jsonb_typeof(t.value -> 'amount') = 'number'
                then sign((t.value ->> 'amount')::numeric) = case when v_is_withdrawn then -1 else 1 end end;
    v_written := app.record_processor_refund(
        organization_id, 'stripe', account, v_key, app.json_id(dispute -> 'charge'), dispute ->> 'id',
        case when v_is_withdrawn then 'dispute' else 'dispute_won' end, 'succeeded',
        ingest.stripe_amount(dispute, 'amount'), ingest.stripe_object_currency(dispute),
        coalesce(v_moved_at, event_at), app.json_text(dispute -> 'reason'));
    status := 'processed';
    payment_id := v_written.payment_id;
    steps := jsonb_build_array(app.step('dispute', v_written.what,
        coalesce('it belongs to payment ' || payment_id, 'its payment has not arrived yet')));
end;
$$;
comment on function ingest.record_stripe_dispute(uuid, text, text, jsonb, timestamptz) is 'Funds that a dispute took, or gave back.';

-- ingest.stripe_ignored: why events of a type are not used; NULL for those that are.
create or replace function ingest.stripe_ignored(event_type text) returns text
language sql immutable parallel safe
return case
    when event_type = any (array[
        'payment_intent.succeeded', 'charge.succeeded', 'charge.captured', 'charge.updated', 'charge.refunded',
        'refund.created', 'refund.updated', 'refund.failed', 'charge.refund.updated',
        'charge.dispute.funds_withdrawn', 'charge.dispute.funds_reinstated',
        'checkout.session.completed', 'checkout.session.async_payment_succeeded',
        'invoice.paid', 'invoice.payment_succeeded', 'invoice_payment.paid']) then null
    when event_type like 'charge.dispute.%' then 'a dispute moves money when its funds are withdrawn or reinstated'
    when event_type in ('charge.failed', 'payment_intent.payment_failed', 'invoice.payment_failed',
                        'checkout.session.async_payment_failed') then 'an attempt that failed moves no money'
    when event_type in ('charge.pending', 'payment_intent.processing') then 'money under way counts when it has arrived'
    when event_type in ('charge.expired', 'payment_intent.canceled', 'checkout.session.expired') then 'nothing was paid'
    else 'events of this type move no money'
end;
comment on function ingest.stripe_ignored(text) is 'Why events of a type are not used; NULL for those that are.';

-- ingest.process_stripe: carry out one verified event. Idempotent, and free of any order of arrival.
-- status: processed, or ignored when the event moves no money and says nothing of who paid. steps: what was decided and why.
-- Raises, and then nothing is changed, when the event cannot be understood.
create or replace function ingest.process_stripe(
    organization_id uuid, connection_id uuid, provider_account text, livemode boolean, body jsonb,
    out status text, out steps jsonb, out lead_id uuid, out event_id uuid, out payment_id uuid
) returns record
language plpgsql volatile set search_path = '' as $$
declare
    v_type     constant text := app.json_text(body -> 'type');
    v_object   constant jsonb := body #> '{data,object}';
    v_account  constant text := coalesce(app.json_text(body -> 'account'), provider_account);
    v_event_at constant timestamptz := app.json_instant(body -> 'created');
    v_done     record;
begin
    status := 'processed';
    steps := '[]';
    if body ->> 'object' is distinct from 'event' then
        status := 'ignored';
        steps := steps || app.step('event', 'ignored', 'a thin event has no object: choose snapshot events for this endpoint');
        return;
    elsif ingest.stripe_ignored(v_type) is not null then
        status := 'ignored';
        steps := steps || app.step('event', 'ignored', ingest.stripe_ignored(v_type));
        return;
    elsif jsonb_typeof(v_object) is distinct from 'object' or app.json_text(v_object -> 'id') is null or v_event_at is null then
        raise exception using errcode = 'PT422', message = 'The delivery lacks its object.',
            detail = format('%s needs data.object with an id, and created.', v_type);
    end if;
    if not livemode then
        steps := steps || app.step('mode', 'test', 'test-mode money counts nowhere');
    end if;

    case
        when v_type in ('payment_intent.succeeded', 'charge.succeeded', 'charge.captured', 'charge.updated') then
            v_done := ingest.record_stripe_payment(
                organization_id, connection_id, v_account, livemode, v_type, v_object, v_event_at);
            lead_id := v_done.lead_id;
            event_id := v_done.event_id;
        when v_type like '%refund%' then
            v_done := ingest.record_stripe_refund(organization_id, v_account, v_type, v_object, v_event_at);
        when v_type like 'charge.dispute.%' then
            v_done := ingest.record_stripe_dispute(organization_id, v_account, v_type, v_object, v_event_at);
        when v_type like 'checkout.session.%' then
            v_done := ingest.record_stripe_session(organization_id, v_account, livemode, v_object);
        when v_type like 'invoice.%' then
            v_done := ingest.record_stripe_invoice(organization_id, v_account, livemode, v_object);
        else
            v_done := ingest.record_stripe_invoice_payment(organization_id, v_account, livemode, v_object);
    end case;
    status := v_done.status;
    steps := steps || v_done.steps;
    payment_id := v_done.payment_id;
    if payment_id is not null and lead_id is null then
        select p.lead_id, p.event_id into lead_id, event_id from app.payments as p
         where p.organization_id = process_stripe.organization_id and p.id = process_stripe.payment_id;
    end if;
end;
$$;
comment on function ingest.process_stripe(uuid, uuid, text, boolean, jsonb) is 'Carry out one verified Stripe event.';

-- ingest.stripe_told: the payment that an event tells of, when that is all there is to do; told is NULL for every other event.
create or replace function ingest.stripe_told(
    organization_id uuid, connection_id uuid, provider_account text, livemode boolean, body jsonb,
    out told app.payments, out steps jsonb
) returns record
language plpgsql stable set search_path = '' as $$
declare
    v_type     constant text := app.json_text(body -> 'type');
    v_object   constant jsonb := app.json_object(body #> '{data,object}');
    v_event_at constant timestamptz := app.json_instant(body -> 'created');
    v_said     record;
begin
    if livemode and body ->> 'object' = 'event' and v_event_at is not null and app.json_text(v_object -> 'id') is not null
       and v_type in ('payment_intent.succeeded', 'charge.succeeded', 'charge.captured', 'charge.updated')
       and app.json_id(v_object -> 'invoice') is null then
        v_said := ingest.stripe_payment(organization_id, connection_id, coalesce(app.json_text(body -> 'account'), provider_account),
                                        livemode, v_type, v_object, v_event_at);
        told := v_said.told;
        steps := v_said.steps;
    end if;
end;
$$;
comment on function ingest.stripe_told(uuid, uuid, text, boolean, jsonb) is
    'The payment that an event tells of, when that is all there is to do.';
