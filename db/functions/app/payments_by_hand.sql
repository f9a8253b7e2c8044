-- What admins decide about money: the payment or refund that no processor tells of, and whose sale a payment is.
-- Internal: nobody but the owner may call these; the functions of the API check who is asking.

-- app.require_reason: why somebody does this. The audit trail writes it beside every change of the transaction.
-- Raises PT422 for none.
create or replace function app.require_reason(reason text) returns text
language plpgsql volatile set search_path = '' as $$
declare
    v_reason constant text := btrim(require_reason.reason);
begin
    if coalesce(v_reason, '') = '' then
        raise exception using errcode = 'PT422', message = 'Say why.',
            hint = 'Pass reason: a sentence that the audit trail keeps beside the change.';
    end if;
    perform set_config('app.reason', v_reason, true);
    return v_reason;
end;
$$;
comment on function app.require_reason(text) is 'Why somebody does this, for the audit trail; PT422 for none.';

-- app.require_past: an instant that may stand in the books; now for none. Raises PT422.
create or replace function app.require_past(at timestamptz) returns timestamptz
language plpgsql stable set search_path = '' as $$
begin
    if require_past.at > now() or require_past.at < '1970-01-01 00:00:00+00' then
        raise exception using errcode = 'PT422', message = 'Money moves in the past.',
            detail = format('%s was given.', require_past.at), hint = 'Give the time at which it moved, or leave it out for now.';
    end if;
    return coalesce(require_past.at, now());
end;
$$;
comment on function app.require_past(timestamptz) is 'An instant that is not in the future; now for none.';

-- app.require_amount: a positive amount at the scale of its currency. Raises PT422.
create or replace function app.require_amount(amount numeric, currency text) returns numeric
language plpgsql immutable set search_path = '' as $$
declare
    v_amount constant numeric := app.money(require_amount.amount, require_amount.currency);
begin
    if v_amount > 0 then
        return v_amount;
    end if;
    raise exception using errcode = 'PT422', message = 'An amount of money is more than nothing.',
        detail = format('%s was given.', coalesce(v_amount::text, 'Nothing')), hint = 'Give a positive amount, for example 1500.00.';
end;
$$;
comment on function app.require_amount(numeric, text) is 'A positive amount at the scale of its currency, else PT422.';

-- app.chosen_sale: the lead, call and deal that a person chose for a payment, completed from each other.
-- A deal brings its lead and its call, a call its deal. A lead alone brings the call that it was sold on at paid_at.
-- Raises PT404 for what does not exist, PT409 for a deal that is void, PT422 for a lead, call and deal of different people.
create or replace function app.chosen_sale(
    organization_id uuid, lead_id uuid, event_id uuid, deal_id uuid, paid_at timestamptz,
    out chosen_lead_id uuid, out chosen_event_id uuid, out chosen_deal_id uuid, out source_id uuid, out traffic_type_id uuid
) returns record
language plpgsql stable set search_path = '' as $$
declare
    v_lead  app.leads;
    v_event app.events;
    v_deal  app.deals;
    v_leads uuid[];
begin
    if chosen_sale.deal_id is not null then
        select d.* into v_deal from app.deals as d
         where d.organization_id = chosen_sale.organization_id and d.id = chosen_sale.deal_id and d.deleted_at is null;
        if not found then
            raise exception using errcode = 'PT404', message = 'No such deal in this organization.';
        elsif v_deal.status = 'void' then
            raise exception using errcode = 'PT409', message = 'This deal is void.',
                detail = format('It was voided at %s.', v_deal.voided_at), hint = 'Choose another deal, or the call alone.';
        end if;
    end if;
    if coalesce(chosen_sale.event_id, v_deal.origin_event_id) is not null then
        select e.* into v_event from app.events as e
         where e.organization_id = chosen_sale.organization_id and e.id = coalesce(chosen_sale.event_id, v_deal.origin_event_id)
           and e.deleted_at is null;
        if not found and chosen_sale.event_id is not null then
            raise exception using errcode = 'PT404', message = 'No such call in this organization.';
        end if;
    end if;
    if chosen_sale.lead_id is not null and not exists (
        select from app.leads as l
         where l.organization_id = chosen_sale.organization_id and l.id = chosen_sale.lead_id
           and (l.deleted_at is null or l.merged_into_id is not null)) then
        raise exception using errcode = 'PT404', message = 'No such lead in this organization.';
    end if;

    select array_agg(distinct coalesce(l.merged_into_id, l.id)) into v_leads
      from app.leads as l
     where l.organization_id = chosen_sale.organization_id
       and l.id = any (array[chosen_sale.lead_id, v_event.lead_id, v_deal.lead_id]);
    if cardinality(v_leads) > 1 then
        raise exception using errcode = 'PT422', message = 'The lead, the call and the deal are not of one person.',
            detail = format('Lead given: %s; lead of the call: %s; lead of the deal: %s.',
                            coalesce(chosen_sale.lead_id::text, 'none'), coalesce(v_event.lead_id::text, 'none'),
                            coalesce(v_deal.lead_id::text, 'none')),
            hint = 'Give one of them alone, or merge the leads.';
    end if;
    chosen_lead_id := v_leads[1];
    chosen_deal_id := v_deal.id;
    if v_event.id is null and v_deal.id is null then
        select e.* into v_event
          from app.sold_on(chosen_sale.organization_id, chosen_lead_id, null, chosen_sale.paid_at) as e;
    end if;
    chosen_event_id := v_event.id;
    if v_deal.id is null then
        select d.id into chosen_deal_id from app.deals as d
         where d.organization_id = chosen_sale.organization_id and d.origin_event_id = chosen_event_id
           and d.status = 'won' and d.deleted_at is null;
    end if;

    select l.* into v_lead from app.leads as l
     where l.organization_id = chosen_sale.organization_id and l.id = chosen_lead_id;
    source_id := coalesce(v_event.source_id, v_lead.source_id);
    traffic_type_id := coalesce(v_event.traffic_type_id, v_lead.traffic_type_id);
end;
$$;
comment on function app.chosen_sale(uuid, uuid, uuid, uuid, timestamptz) is
    'The lead, call and deal that a person chose for a payment, completed from each other.';

-- app.record_manual_payment: money that no processor tells of. Not a claim: an admin answers for it.
-- What is given says whose sale it is; given neither lead, call nor deal, the ladder decides. currency: the organization's
-- if left out. external_id makes it idempotent: asked again, the payment of the first time is answered.
-- Raises PT422 for an amount, time or choice without meaning, PT404 for what does not exist, PT409 for an external_id that
-- another payment has.
create or replace function app.record_manual_payment(
    organization_id uuid, amount numeric, currency text, paid_at timestamptz, reason text, lead_id uuid, event_id uuid,
    deal_id uuid, customer_email text, customer_name text, payment_type text, package_id uuid, description text,
    external_id text
) returns uuid
language plpgsql volatile set search_path = '' as $$
declare
    v_organization app.organizations;
    v_external_id  constant text := nullif(btrim(record_manual_payment.external_id), '');
    v_new          app.payments;
    v_old          app.payments;
    v_sale         record;
begin
    select o.* into strict v_organization from app.organizations as o where o.id = record_manual_payment.organization_id;
    v_new.organization_id := v_organization.id;
    v_new.id := uuidv7();
    v_new.provider := 'manual';
    v_new.livemode := true;
    v_new.currency := upper(btrim(coalesce(record_manual_payment.currency, v_organization.currency)));
    v_new.amount := app.require_amount(record_manual_payment.amount, v_new.currency);
    v_new.base_currency := v_organization.currency;
    v_new.payment_date := app.require_past(record_manual_payment.paid_at);
    v_new.amount_base := app.convert(v_organization.id, v_new.amount, v_new.currency,
                                     (v_new.payment_date at time zone v_organization.timezone)::date);
    v_new.customer_email := nullif(btrim(record_manual_payment.customer_email), '');
    v_new.customer_email_norm := lower(v_new.customer_email);

    if coalesce(record_manual_payment.lead_id, record_manual_payment.event_id, record_manual_payment.deal_id) is not null then
        v_sale := app.chosen_sale(v_organization.id, record_manual_payment.lead_id, record_manual_payment.event_id,
                                  record_manual_payment.deal_id, v_new.payment_date);
        v_new.lead_id := v_sale.chosen_lead_id;
        v_new.event_id := v_sale.chosen_event_id;
        v_new.deal_id := v_sale.chosen_deal_id;
        v_new.source_id := v_sale.source_id;
        v_new.traffic_type_id := v_sale.traffic_type_id;
        v_new.attribution_method := 'manual';
        v_new.attribution_confidence := 1;
        v_new.attribution_steps := app.steps_by_hand(v_new);
    else
        v_new.attribution_method := 'none';
        v_new.attribution_confidence := 0;
        v_new.attribution_steps := '[]';
    end if;

    insert into app.payments as p (
        organization_id, id, lead_id, event_id, deal_id, source_id, traffic_type_id, package_id, source, provider,
        provider_payment_id, status, amount, currency, amount_base, base_currency, payment_date, customer_email,
        customer_name, payment_type, description, attribution_method, attribution_confidence, attribution_steps,
        recorded_by, reason)
    values (
        v_new.organization_id, v_new.id, v_new.lead_id, v_new.event_id, v_new.deal_id, v_new.source_id,
        v_new.traffic_type_id, record_manual_payment.package_id, 'manual', 'manual', v_external_id, 'succeeded', v_new.amount,
        v_new.currency, v_new.amount_base, v_new.base_currency, v_new.payment_date, v_new.customer_email,
        nullif(btrim(record_manual_payment.customer_name), ''), record_manual_payment.payment_type,
        nullif(btrim(record_manual_payment.description), ''), v_new.attribution_method, v_new.attribution_confidence,
        v_new.attribution_steps, auth.uid(), record_manual_payment.reason)
    on conflict on constraint payments_provider_payment_id_key do nothing;
    if not found then
        select p.* into strict v_old from app.payments as p
         where p.organization_id = v_organization.id and p.provider = 'manual' and p.provider_account = ''
           and p.provider_payment_id = v_external_id;
        if (v_old.amount, v_old.currency) <> (v_new.amount, v_new.currency)
           or v_old.payment_date <> record_manual_payment.paid_at or v_old.deleted_at is not null then
            raise exception using errcode = 'PT409', message = 'Another payment was recorded with this external id.',
                detail = format('Payment %s: %s %s at %s.', v_old.id, v_old.amount, v_old.currency, v_old.payment_date),
                hint = 'Use an external id of its own for each payment.';
        end if;
        return v_old.id;
    end if;
    if v_new.attribution_method = 'manual' then
        perform app.credit_sale(v_new.organization_id, v_new.id);
    end if;
    perform app.attribute_payment(v_new.organization_id, v_new.id);
    return v_new.id;
end;
$$;
comment on function app.record_manual_payment(
    uuid, numeric, text, timestamptz, text, uuid, uuid, uuid, text, text, text, uuid, text, text) is
    'Money that no processor tells of; answers the payment.';

-- app.steps_by_hand: the explanation of what a person decided.
create or replace function app.steps_by_hand(payment app.payments) returns jsonb
language sql immutable
return jsonb_build_array(
    app.step('person', case when payment.deal_id is not null then 'deal' when payment.event_id is not null then 'call'
                            else 'lead only' end, 'an admin decided whose sale this is')
    || jsonb_strip_nulls(jsonb_build_object(
            'lead_id', payment.lead_id, 'event_id', payment.event_id, 'deal_id', payment.deal_id)));
comment on function app.steps_by_hand(app.payments) is 'The explanation of what a person decided.';

-- app.lock_payment: the payment, locked until the end of the transaction. Raises PT404; deleted ones are none.
create or replace function app.lock_payment(organization_id uuid, payment_id uuid) returns app.payments
language plpgsql volatile set search_path = '' as $$
declare
    p app.payments;
begin
    select t.* into p from app.payments as t
     where t.organization_id = lock_payment.organization_id and t.id = lock_payment.payment_id and t.deleted_at is null
       for no key update;
    if not found then
        raise exception using errcode = 'PT404', message = 'No such payment in this organization.';
    end if;
    return p;
end;
$$;
comment on function app.lock_payment(uuid, uuid) is 'The payment, locked; PT404 when there is none.';

-- app.record_manual_refund: money that went back, or came back, and that no processor tells of.
-- kind: refund, dispute or dispute_won. A refund or dispute is at most what is left of the payment, a won dispute at most
-- what disputes took. external_id makes it idempotent, as for payments.
-- Raises PT404, PT422 for an amount, time or kind without meaning, PT409 for more than is left and for a payment that
-- counts nowhere.
create or replace function app.record_manual_refund(
    organization_id uuid, payment_id uuid, amount numeric, refunded_at timestamptz, kind text, reason text, external_id text
) returns uuid
language plpgsql volatile set search_path = '' as $$
declare
    v_external_id constant text := nullif(btrim(record_manual_refund.external_id), '');
    v_at          constant timestamptz := app.require_past(record_manual_refund.refunded_at);
    p             constant app.payments := app.lock_payment(
        record_manual_refund.organization_id, record_manual_refund.payment_id);
    v_amount      constant numeric := app.require_amount(record_manual_refund.amount, p.currency);
    v_old         app.payment_refunds;
    v_left        numeric;
    v_id          uuid;
begin
    if record_manual_refund.kind is null or record_manual_refund.kind not in ('refund', 'dispute', 'dispute_won') then
        raise exception using errcode = 'PT422', message = 'This is no kind of refund.',
            hint = 'The kinds are refund, dispute and dispute_won.';
    end if;
    select r.* into v_old from app.payment_refunds as r
     where r.organization_id = p.organization_id and r.provider = 'manual' and r.provider_account = ''
       and r.provider_refund_id = v_external_id and r.kind = record_manual_refund.kind;
    if found then
        if (v_old.payment_id, v_old.amount) <> (p.id, v_amount) or v_old.refunded_at <> record_manual_refund.refunded_at then
            raise exception using errcode = 'PT409', message = 'Another refund was recorded with this external id.',
                detail = format('Refund %s: %s %s at %s of payment %s.', v_old.id, v_old.amount, v_old.currency,
                                v_old.refunded_at, v_old.payment_id),
                hint = 'Use an external id of its own for each refund.';
        end if;
        return v_old.id;
    end if;

    if p.status <> 'succeeded' or p.superseded_by_id is not null or p.claim_state = 'rejected' then
        raise exception using errcode = 'PT409', message = 'This payment counts nowhere.',
            detail = case when p.superseded_by_id is null then format('It is %s.', coalesce(p.claim_state, p.status))
                          else format('Payment %s took its place.', p.superseded_by_id) end,
            hint = 'Record the refund of the payment that counts.';
    elsif v_at < p.payment_date then
        raise exception using errcode = 'PT422', message = 'Money goes back after it came.',
            detail = format('The payment was made at %s.', p.payment_date), hint = 'Give the time of the refund itself.';
    end if;
    select r.* into v_old from app.payment_refunds as r
     where r.organization_id = p.organization_id and r.payment_id = p.id and r.provider <> 'manual' and r.status = 'succeeded'
       and r.kind = record_manual_refund.kind and r.amount = v_amount
       and r.refunded_at between v_at - interval '72 hours' and v_at + interval '72 hours'
       and not exists (
            select from app.payment_refunds as m where m.organization_id = r.organization_id and m.superseded_by_id = r.id)
     limit 1;
    if found then
        raise exception using errcode = 'PT409', message = 'The processor has told of this refund.',
            detail = format('Refund %s: %s %s at %s.', v_old.provider_refund_id, v_old.amount, v_old.currency, v_old.refunded_at),
            hint = 'It counts already. Record only money that went back outside the processor.';
    end if;
    select case record_manual_refund.kind
               when 'dispute_won' then coalesce(sum(case r.kind when 'dispute' then r.amount when 'dispute_won' then -r.amount end), 0)
               else p.amount - coalesce(sum(case r.kind when 'dispute_won' then -r.amount else r.amount end), 0) end
      into v_left
      from app.payment_refunds as r
     where r.organization_id = p.organization_id and r.payment_id = p.id and r.status = 'succeeded';
    if v_amount > v_left then
        raise exception using errcode = 'PT409', message = 'This is more than is left.',
            detail = format('%s %s is left of payment %s.', greatest(v_left, 0), p.currency, p.id),
            hint = 'Give at most what is left.';
    end if;

    insert into app.payment_refunds as r (
        organization_id, payment_id, kind, amount, currency, amount_base, base_currency, refunded_at, provider,
        provider_refund_id, reason, recorded_by)
    values (
        p.organization_id, p.id, record_manual_refund.kind, v_amount, p.currency, app.refund_base(p, v_amount), p.base_currency,
        v_at, 'manual', v_external_id, record_manual_refund.reason, auth.uid())
    returning r.id into v_id;
    return v_id;
end;
$$;
comment on function app.record_manual_refund(uuid, uuid, numeric, timestamptz, text, text, text) is
    'Money that went back and that no processor tells of; answers the refund.';

-- app.payment_identities: what a payment is known by, as identities of a lead are stored.
create or replace function app.payment_identities(payment app.payments) returns table (kind text, value text)
language sql stable
begin atomic
    select v.kind, v.value
      from app.lead_identity_values(
            (payment).customer_email, (payment).customer_phone,
            case (payment).provider
                when 'stripe' then jsonb_build_object('stripe_customer', (payment).provider_customer_id,
                                                      'stripe_subscription', (payment).provider_subscription_id)
                when 'whop' then jsonb_build_object('whop_user', (payment).provider_customer_id,
                                                    'whop_membership', (payment).provider_subscription_id)
                else '{}' end) as v;
end;
comment on function app.payment_identities(app.payments) is 'What a payment is known by: e-mail, phone, customer, subscription.';

-- app.give_identity: a lead is known by this from now on. Identities of deleted leads are free.
-- value: as identities are stored. Raises PT409, with the lead in DETAIL, for a value of another lead.
create or replace function app.give_identity(organization_id uuid, lead_id uuid, kind text, value text) returns uuid
language plpgsql volatile set search_path = '' as $$
declare
    v_identity app.lead_identities;
begin
    delete from app.lead_identities as i
     using app.leads as l
     where i.organization_id = give_identity.organization_id and i.kind = give_identity.kind and i.value = give_identity.value
       and l.organization_id = i.organization_id and l.id = i.lead_id
       and l.deleted_at is not null and l.merged_into_id is null;
    insert into app.lead_identities as i (organization_id, lead_id, kind, value)
    values (give_identity.organization_id, give_identity.lead_id, give_identity.kind, give_identity.value)
    on conflict on constraint lead_identities_value_key do nothing
    returning i.* into v_identity;
    if v_identity.id is null then
        select i.* into v_identity from app.lead_identities as i
         where i.organization_id = give_identity.organization_id and i.kind = give_identity.kind and i.value = give_identity.value;
        if v_identity.lead_id is distinct from give_identity.lead_id then
            raise exception using errcode = 'PT409', message = 'Another lead is known by this.',
                detail = format('The %s belongs to lead %s.', give_identity.kind, v_identity.lead_id),
                hint = 'Merge the leads if they are one person; to decide about one payment alone, pass learn false.';
        end if;
    end if;
    return v_identity.id;
end;
$$;
comment on function app.give_identity(uuid, uuid, text, text) is 'A lead is known by this from now on; PT409 when another one is.';

-- app.attribute_by_hand: a person says whose sale a payment is; nothing given, the ladder decides again.
-- learn: what the payment is known by becomes identities of the lead, so that the next such payment is the lead's by
-- itself, and those that wait are attributed at once.
-- Raises as app.chosen_sale; PT409 for a claim, which belongs to its call, and for an identity of another lead.
create or replace function app.attribute_by_hand(
    organization_id uuid, payment_id uuid, lead_id uuid, event_id uuid, deal_id uuid, learn boolean
) returns void
language plpgsql volatile set search_path = '' as $$
declare
    p         app.payments;
    v_before  uuid;
    v_sale    record;
    v_learns  constant boolean := attribute_by_hand.learn
        and num_nonnulls(attribute_by_hand.lead_id, attribute_by_hand.event_id, attribute_by_hand.deal_id) > 0;
begin
    -- Leads before payments, as whoever attributes locks them.
    perform from app.leads as l
      where l.organization_id = attribute_by_hand.organization_id
        and l.id in (attribute_by_hand.lead_id,
                     (select t.lead_id from app.payments as t
                       where t.organization_id = attribute_by_hand.organization_id and t.id = attribute_by_hand.payment_id))
      order by l.id for no key update;
    p := app.lock_payment(attribute_by_hand.organization_id, attribute_by_hand.payment_id);
    if p.claim_state is not null then
        raise exception using errcode = 'PT409', message = 'A claim belongs to the call of its form.',
            detail = format('It belongs to call %s.', p.event_id),
            hint = 'Correct the form, or decide about the claim with rpc/confirm_claim or rpc/reject_claim.';
    end if;
    v_before := p.lead_id;
    if num_nonnulls(attribute_by_hand.lead_id, attribute_by_hand.event_id, attribute_by_hand.deal_id) = 0 then
        p.attribution_method := 'none';
    else
        v_sale := app.chosen_sale(p.organization_id, attribute_by_hand.lead_id, attribute_by_hand.event_id,
                                  attribute_by_hand.deal_id, p.payment_date);
        p.lead_id := v_sale.chosen_lead_id;
        p.event_id := v_sale.chosen_event_id;
        p.deal_id := v_sale.chosen_deal_id;
        p.source_id := v_sale.source_id;
        p.traffic_type_id := v_sale.traffic_type_id;
        p.attribution_method := 'manual';
        p.attribution_confidence := 1;
        p.attribution_steps := app.steps_by_hand(p);
    end if;
    update app.payments as t
       set lead_id = p.lead_id, event_id = p.event_id, deal_id = p.deal_id, source_id = p.source_id,
           traffic_type_id = p.traffic_type_id, attribution_method = p.attribution_method,
           attribution_confidence = p.attribution_confidence, attribution_steps = p.attribution_steps
     where t.organization_id = p.organization_id and t.id = p.id
       and (t.lead_id, t.event_id, t.deal_id, t.source_id, t.traffic_type_id, t.attribution_method, t.attribution_confidence,
            t.attribution_steps)
           is distinct from (p.lead_id, p.event_id, p.deal_id, p.source_id, p.traffic_type_id, p.attribution_method,
                             p.attribution_confidence, p.attribution_steps);
    if v_learns and p.lead_id is not null then
        perform app.give_identity(p.organization_id, p.lead_id, i.kind, i.value) from app.payment_identities(p) as i;
    end if;
    if p.attribution_method = 'manual' then
        perform app.credit_sale(p.organization_id, p.id);
    end if;
    perform app.attribute_payment(p.organization_id, p.id);
    if v_before is not null then
        perform app.release_claims(p.organization_id, v_before);
    end if;
    if v_learns and p.lead_id is not null then
        perform app.attribute_lead(p.organization_id, p.lead_id);
    end if;
end;
$$;
comment on function app.attribute_by_hand(uuid, uuid, uuid, uuid, uuid, boolean) is 'A person says whose sale a payment is.';

-- app.read_credits: credits as a person gives them, checked as a whole.
-- credits: [{"role": "closer", "closer_id": "...", "share": 0.5}, ...]; the shares of a role add up to exactly 1.
-- Raises PT422, with the place or the sum in DETAIL.
create or replace function app.read_credits(
    organization_id uuid, credits jsonb,
    out closer_ids uuid[], out closer_shares numeric[], out setter_ids uuid[], out setter_shares numeric[]
) returns record
language plpgsql stable set search_path = '' as $$
declare
    v_credit  record;
    v_role    text;
    v_person  uuid;
    v_share   text;
    v_problem text;
    v_sum     record;
begin
    if jsonb_typeof(read_credits.credits) is distinct from 'array' or jsonb_array_length(read_credits.credits) > 100 then
        raise exception using errcode = 'PT422', message = 'Credits are a list of shares.',
            hint = 'Send [{"role": "closer", "closer_id": "...", "share": 1}], for example, or null for whom the rules credit.';
    end if;
    closer_ids := '{}';
    closer_shares := '{}';
    setter_ids := '{}';
    setter_shares := '{}';
    for v_credit in
        select c.position, app.json_object(c.value) as said from jsonb_array_elements(read_credits.credits) with ordinality as c (value, position)
    loop
        v_role := v_credit.said ->> 'role';
        v_person := case when pg_input_is_valid(v_credit.said ->> (v_role || '_id'), 'uuid')
                         then (v_credit.said ->> (v_role || '_id'))::uuid end;
        v_share := v_credit.said ->> 'share';
        v_problem := case
            when v_role is null or v_role not in ('closer', 'setter') then 'the role is closer or setter'
            when (v_credit.said - array['role', 'share', v_role || '_id']) <> '{}' then 'it has fields other than role, share and the person'
            when v_person is null then format('it names no %s_id', v_role)
            when v_share is null or v_share !~ '^([01]|0?\.[0-9]{1,12}|1\.0{1,12})$' or v_share !~ '[1-9]'
                then 'a share is more than 0 and at most 1, with at most 12 decimal places'
            when v_person = any (case v_role when 'closer' then closer_ids else setter_ids end) then 'the person has a share already'
            when not exists (select from app.closers as k
                              where v_role = 'closer' and k.organization_id = read_credits.organization_id and k.id = v_person
                             union all
                             select from app.setters as s
                              where v_role = 'setter' and s.organization_id = read_credits.organization_id and s.id = v_person)
                then format('there is no such %s', v_role)
        end;
        if v_problem is not null then
            raise exception using errcode = 'PT422', message = 'These credits cannot be used.',
                detail = format('Credit %s: %s.', v_credit.position, v_problem);
        elsif v_role = 'closer' then
            closer_ids := closer_ids || v_person;
            closer_shares := closer_shares || v_share::numeric;
        else
            setter_ids := setter_ids || v_person;
            setter_shares := setter_shares || v_share::numeric;
        end if;
    end loop;
    for v_sum in
        select r.role, sum(s.share) as total
          from (values ('closer', closer_shares), ('setter', setter_shares)) as r (role, shares)
         cross join unnest(r.shares) as s (share)
         group by r.role having sum(s.share) <> 1
    loop
        raise exception using errcode = 'PT422', message = 'The shares of a role add up to 1.',
            detail = format('The %s shares add up to %s.', v_sum.role, v_sum.total);
    end loop;
end;
$$;
comment on function app.read_credits(uuid, jsonb) is 'Credits as a person gives them, checked as a whole.';

-- app.credit_by_hand: a person says who is credited with a payment; nothing that comes later changes it but the amounts.
-- credits: see app.read_credits; NULL: the rules credit again.
create or replace function app.credit_by_hand(organization_id uuid, payment_id uuid, credits jsonb) returns void
language plpgsql volatile set search_path = '' as $$
declare
    p         constant app.payments := app.lock_payment(credit_by_hand.organization_id, credit_by_hand.payment_id);
    v_is_said constant boolean := coalesce(jsonb_typeof(credit_by_hand.credits) <> 'null', false);
    v_said    record;
begin
    if v_is_said then
        v_said := app.read_credits(p.organization_id, credit_by_hand.credits);
    end if;
    update app.payments as t set credited_by_hand = v_is_said
     where t.organization_id = p.organization_id and t.id = p.id and t.credited_by_hand <> v_is_said;
    if v_is_said then
        perform app.replace_credits(p.organization_id, p.id, v_said.closer_ids, v_said.setter_ids,
                                    v_said.closer_shares, v_said.setter_shares);
    elsif p.attribution_method in ('manual', 'form', 'import') then
        perform app.credit_sale(p.organization_id, p.id);
    else
        perform app.attribute_payment(p.organization_id, p.id);
    end if;
    perform app.review_payment(p.organization_id, p.id);
end;
$$;
comment on function app.credit_by_hand(uuid, uuid, jsonb) is 'A person says who is credited with a payment.';
