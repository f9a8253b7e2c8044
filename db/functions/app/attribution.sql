-- Whose sale a payment is: a ladder of rungs, of which the first that decides holds. Every rung says what it decided and
-- why; more than one lead is never guessed between.
-- Internal: nobody but the owner may call these.

-- app.step: one line of an explanation: what was looked at, what was decided, because of what.
-- Stable as jsonb_build_object is: declared immutable it would be called instead of put in place.
create or replace function app.step(what text, decided text, because text) returns jsonb
language sql stable parallel safe
return jsonb_build_object('what', what, 'decided', decided, 'because', because);
comment on function app.step(text, text, text) is 'One line of an explanation.';

-- app.living_leads: the leads that these are now, each once: a merged lead stands for the one it was merged into, a deleted
-- one is nobody. NULL for none.
create or replace function app.living_leads(organization_id uuid, lead_ids uuid[]) returns uuid[]
language plpgsql stable set search_path = '' as $$
begin
    if cardinality(array_remove(lead_ids, null)) = 0 then
        return null;
    end if;
    return (
        select array_agg(distinct coalesce(l.merged_into_id, l.id))
          from app.leads as l
         where l.organization_id = living_leads.organization_id and l.id = any (lead_ids)
           and (l.deleted_at is null or l.merged_into_id is not null));
end;
$$;
comment on function app.living_leads(uuid, uuid[]) is 'The leads that these are now; NULL for none.';

-- app.leads_known_by: living leads with this e-mail or phone: by identity, by their own row, or by a call booked with it.
-- kind: email or phone; value: as identities are stored. A merged lead stands for the one it was merged into.
create or replace function app.leads_known_by(organization_id uuid, kind text, value text) returns uuid[]
language plpgsql stable set search_path = '' as $$
declare
    v_known uuid[];
begin
    select coalesce(array_agg(distinct coalesce(l.merged_into_id, l.id)), '{}') into v_known
      from app.leads as l
     where l.organization_id = leads_known_by.organization_id
       and l.id = any (array(
            select i.lead_id from app.lead_identities as i
             where i.organization_id = leads_known_by.organization_id and i.kind = leads_known_by.kind
               and i.value = leads_known_by.value
            union all
            select o.id from app.leads as o
             where leads_known_by.kind = 'email' and o.organization_id = leads_known_by.organization_id
               and o.email_norm = leads_known_by.value
            union all
            select e.lead_id from app.events as e
             where leads_known_by.kind = 'email' and e.organization_id = leads_known_by.organization_id
               and e.lead_email_norm = leads_known_by.value and e.deleted_at is null and e.lead_id is not null))
       and (l.deleted_at is null or l.merged_into_id is not null);
    if cardinality(v_known) > 1 then
        -- Whoever attributed a payment of this address by hand has said whose it is.
        v_known := coalesce((
            select array[i.lead_id] from app.lead_identities as i
             where i.organization_id = leads_known_by.organization_id and i.kind = leads_known_by.kind
               and i.value = leads_known_by.value and i.lead_id = any (v_known)
               and exists (
                    select from app.payments as p
                     where p.organization_id = i.organization_id and p.customer_email_norm = i.value
                       and p.attribution_method = 'manual' and p.lead_id = i.lead_id and p.deleted_at is null)), v_known);
    end if;
    return v_known;
end;
$$;
comment on function app.leads_known_by(uuid, text, text) is 'Living leads with this e-mail or phone.';

-- app.payments_known_by: payments that an identity may attribute anew, by key. Each kind asks its own question, since most leads are known
-- by an address alone. By a phone only payments of nobody are looked for: the others were found by something surer.
create or replace function app.payments_known_by(identity app.lead_identities) returns setof uuid
language plpgsql stable set search_path = '' as $$
begin
    case
        when identity.kind = 'email' then
            return query
            select p.id from app.payments as p
             where p.organization_id = identity.organization_id and p.customer_email_norm = identity.value
               and p.lead_id is distinct from identity.lead_id and p.deleted_at is null
               and app.is_attributed_by_rule(p.attribution_method);
        when identity.kind = 'phone' then
            return query
            select p.id from app.payments as p
             where p.organization_id = identity.organization_id
               and regexp_replace(p.customer_phone, '[^0-9]', '', 'g') = identity.value and p.customer_phone is not null
               and p.lead_id is null and p.deleted_at is null and app.is_attributed_by_rule(p.attribution_method);
        when identity.kind in ('stripe_customer', 'whop_user') then
            return query
            select p.id from app.payments as p
             where p.organization_id = identity.organization_id and p.provider = split_part(identity.kind, '_', 1)
               and p.provider_customer_id = identity.value and p.deleted_at is null
               and app.is_attributed_by_rule(p.attribution_method);
        when identity.kind in ('stripe_subscription', 'whop_membership') then
            return query
            select p.id from app.payments as p
             where p.organization_id = identity.organization_id and p.provider = split_part(identity.kind, '_', 1)
               and p.provider_subscription_id = identity.value and p.deleted_at is null
               and app.is_attributed_by_rule(p.attribution_method);
        else
            return;
    end case;
end;
$$;
comment on function app.payments_known_by(app.lead_identities) is 'Payments that an identity may attribute anew.';

-- app.sold_on: the call that a payment of this lead at this instant was sold on: in the window, not after the payment, the
-- latest that ended closed, else the latest completed, else the latest neither canceled nor rescheduled.
-- email: also calls booked with it that have no lead.
create or replace function app.sold_on(organization_id uuid, lead_id uuid, email text, paid_at timestamptz)
returns setof app.events
language sql stable rows 1
begin atomic
    select e.*
      from app.organizations as o
      join lateral (
            select c.* from app.events as c
             where c.organization_id = o.id and c.lead_id = sold_on.lead_id
            union all
            select c.* from app.events as c
             where c.organization_id = o.id and c.lead_id is null and c.lead_email_norm = sold_on.email
           ) as e on true
     where o.id = sold_on.organization_id
       and e.scheduled_at <= sold_on.paid_at
       and e.scheduled_at >= sold_on.paid_at - make_interval(days => o.attribution_window_days)
       and e.call_status not in ('canceled', 'rescheduled') and e.deleted_at is null and e.duplicate_of_id is null
     order by (e.call_status = 'completed' and e.event_outcome = 'closed') desc, (e.call_status = 'completed') desc,
              e.scheduled_at desc, e.id desc
     limit 1;
end;
comment on function app.sold_on(uuid, uuid, text, timestamptz) is 'The call that a payment of this lead was sold on.';

-- app.sale_of_call: what a payment takes from the call it was sold on: source and traffic type, the call's own or its lead's; who
-- took it; the setter by the organization's rule (event, original, current).
create or replace function app.sale_of_call(organization_id uuid, event_id uuid)
returns table (source_id uuid, traffic_type_id uuid, closer_id uuid, setter_id uuid)
language sql stable rows 1
begin atomic
    select coalesce(e.source_id, l.source_id), coalesce(e.traffic_type_id, l.traffic_type_id), e.credited_closer_id,
           case o.setter_attribution when 'event' then e.credited_setter_id
                                     when 'original' then l.original_setter_id else l.current_setter_id end
      from app.events as e
      join app.organizations as o on o.id = e.organization_id
      left join app.leads as l on l.organization_id = e.organization_id and l.id = e.lead_id
     where e.organization_id = sale_of_call.organization_id and e.id = sale_of_call.event_id;
end;
comment on function app.sale_of_call(uuid, uuid) is 'What a payment takes from the call it was sold on.';

-- The rungs. Each answers with the same columns: the lead it knows, the call or deal that it names itself, whether several
-- leads fit (then a person must decide), and its line of the explanation.

-- app.metadata_id: the id under one key of a payment's metadata; NULL when there is none or it is no id.
-- Not a CASE in SQL: the planner computes the cast of a constant before the check, which is not immutable, can refuse it.
create or replace function app.metadata_id(metadata jsonb, key text) returns uuid
language plpgsql immutable parallel safe set search_path = '' as $$
begin
    if pg_input_is_valid(metadata ->> key, 'uuid') then
        return (metadata ->> key)::uuid;
    end if;
    return null;
end;
$$;
comment on function app.metadata_id(jsonb, text) is 'The id under one key of a payment''s metadata.';

-- app.rung_reference: what our own ids in the payment's metadata name: salesdash_deal_id, salesdash_event_id,
-- salesdash_lead_id, and client_reference_id, which may be any of the three. Of a rescheduled call its last booking.
-- Ids of another organization name nothing.
create or replace function app.rung_reference(
    payment app.payments,
    out lead_id uuid, out event_id uuid, out deal_id uuid, out is_ambiguous boolean, out step jsonb
) returns record
language plpgsql stable set search_path = '' as $$
declare
    v_any   uuid;
    v_deal  app.deals;
    v_call  app.events;
    v_leads uuid[];
begin
    is_ambiguous := false;
    if not coalesce(payment.metadata ?| array[
            'salesdash_deal_id', 'salesdash_event_id', 'salesdash_lead_id', 'client_reference_id'], false) then
        step := app.step('reference', 'skipped', 'the payment carries no id of ours');
        return;
    end if;
    v_any := app.metadata_id(payment.metadata, 'client_reference_id');
    select d.* into v_deal from app.deals as d
     where d.organization_id = payment.organization_id and d.deleted_at is null
       and d.id in (app.metadata_id(payment.metadata, 'salesdash_deal_id'), v_any);
    select l.* into v_call
      from app.events as e
      join app.events as o on o.organization_id = e.organization_id and o.id = coalesce(e.duplicate_of_id, e.id)
      join app.events as l on l.organization_id = o.organization_id and l.root_event_id = o.root_event_id
     where e.organization_id = payment.organization_id
       and e.id in (app.metadata_id(payment.metadata, 'salesdash_event_id'), v_any)
       and l.deleted_at is null and l.duplicate_of_id is null and l.call_status <> 'rescheduled'
     order by l.scheduled_at desc, l.id desc limit 1;
    v_leads := array(
        select distinct coalesce(l.merged_into_id, l.id) from app.leads as l
         where l.organization_id = payment.organization_id
           and l.id in (v_deal.lead_id, v_call.lead_id, app.metadata_id(payment.metadata, 'salesdash_lead_id'), v_any)
           and (l.deleted_at is null or l.merged_into_id is not null));
    if cardinality(v_leads) > 1 then
        is_ambiguous := true;
        step := app.step('reference', 'ambiguous', 'the ids that the payment carries name several leads')
                || jsonb_build_object('lead_ids', v_leads);
        return;
    end if;
    lead_id := v_leads[1];
    deal_id := case when v_deal.status = 'won' then v_deal.id end;
    event_id := case when deal_id is null then v_call.id else v_deal.origin_event_id end;
    step := case
        when deal_id is not null then app.step('reference', 'deal', 'the payment carries the id of a deal')
        when event_id is not null then app.step('reference', 'call', 'the payment carries the id of a call')
        when lead_id is not null then app.step('reference', 'lead', 'the payment carries an id that names a lead')
        else app.step('reference', 'nothing', 'the id that the payment carries names nothing of this organization') end
        || jsonb_strip_nulls(jsonb_build_object('deal_id', deal_id, 'event_id', event_id, 'lead_id', lead_id));
end;
$$;
comment on function app.rung_reference(app.payments) is 'What our own ids in a payment''s metadata name.';

-- app.leads_of_customer: leads that are known as the payer of these payments, by the surest thing that says so: the
-- subscription as an identity, a deal that a person gave the subscription, the customer as an identity, payments of the
-- same subscription and customer that carry a reference. because: which of them it was. A payment that a person attributed
-- says nothing of others: what was to be learned from it is an identity.
create or replace function app.leads_of_customer(
    organization_id uuid, provider text, provider_account text, customers text[], subscriptions text[],
    out leads uuid[], out because text
) returns record
language plpgsql stable set search_path = '' as $$
declare
    v_subscription constant text := case provider when 'whop' then 'whop_membership' else provider || '_subscription' end;
    v_customer     constant text := case provider when 'whop' then 'whop_user' else provider || '_customer' end;
begin
    -- One look-up for each value: offset 0 keeps the planner from reading the whole organization instead.
    if cardinality(subscriptions) > 0 then
        leads := app.living_leads(organization_id, array(
            select k.lead_id from unnest(subscriptions) as s (value)
             cross join lateral (
                select i.lead_id from app.lead_identities as i
                 where i.organization_id = leads_of_customer.organization_id and i.kind = v_subscription and i.value = s.value
                offset 0) as k));
        because := 'a lead is known by this subscription';
        if leads is null then
            leads := app.living_leads(organization_id, array(
                select k.lead_id from unnest(subscriptions) as s (value)
                 cross join lateral (
                    select d.lead_id from app.deals as d
                     where d.organization_id = leads_of_customer.organization_id and d.provider_subscription_id = s.value
                       and not d.is_automatic and d.status = 'won' and d.deleted_at is null
                    offset 0) as k));
            because := 'a deal has this subscription';
        end if;
    end if;
    if leads is null and cardinality(customers) > 0 then
        leads := app.living_leads(organization_id, array(
            select k.lead_id from unnest(customers) as c (value)
             cross join lateral (
                select i.lead_id from app.lead_identities as i
                 where i.organization_id = leads_of_customer.organization_id and i.kind = v_customer and i.value = c.value
                offset 0) as k));
        because := 'a lead is known by this customer';
    end if;
    if leads is null and cardinality(subscriptions) > 0 then
        leads := app.living_leads(organization_id, array(
            select k.lead_id from unnest(subscriptions) as s (value)
             cross join lateral (
                select p.lead_id from app.payments as p
                 where p.organization_id = leads_of_customer.organization_id and p.provider = leads_of_customer.provider
                   and p.provider_account = leads_of_customer.provider_account and p.provider_subscription_id = s.value
                   and p.attribution_method = 'reference' and p.deleted_at is null
                offset 0) as k));
        because := 'a payment of this subscription carries a reference';
    end if;
    if leads is null and cardinality(customers) > 0 then
        leads := app.living_leads(organization_id, array(
            select k.lead_id from unnest(customers) as c (value)
             cross join lateral (
                select p.lead_id from app.payments as p
                 where p.organization_id = leads_of_customer.organization_id and p.provider = leads_of_customer.provider
                   and p.provider_account = leads_of_customer.provider_account and p.provider_customer_id = c.value
                   and p.attribution_method = 'reference' and p.deleted_at is null
                offset 0) as k));
        because := 'a payment of this customer carries a reference';
    end if;
    if leads is null then
        because := null;
    end if;
end;
$$;
comment on function app.leads_of_customer(uuid, text, text, text[], text[]) is
    'Leads that are known as the payer behind customers and subscriptions, by the surest thing that says so.';

-- app.rung_customer: whose the provider's subscription, membership or customer is known to be.
create or replace function app.rung_customer(
    payment app.payments,
    out lead_id uuid, out event_id uuid, out deal_id uuid, out is_ambiguous boolean, out step jsonb
) returns record
language plpgsql stable set search_path = '' as $$
declare
    v_known record;
begin
    is_ambiguous := false;
    if payment.provider_customer_id is null and payment.provider_subscription_id is null then
        step := app.step('provider_customer', 'skipped', 'the payment names no customer of the provider');
        return;
    end if;
    v_known := app.leads_of_customer(
        payment.organization_id, payment.provider, payment.provider_account,
        array_remove(array[payment.provider_customer_id], null), array_remove(array[payment.provider_subscription_id], null));
    is_ambiguous := coalesce(cardinality(v_known.leads) > 1, false);
    if is_ambiguous then
        step := app.step('provider_customer', 'ambiguous', v_known.because || ', of several leads')
                || jsonb_build_object('lead_ids', v_known.leads);
    else
        lead_id := v_known.leads[1];
        step := case when lead_id is null
                     then app.step('provider_customer', 'nobody', 'nothing says whose customer of the provider it is')
                     else app.step('provider_customer', 'lead', v_known.because) || jsonb_build_object('lead_id', lead_id) end;
    end if;
end;
$$;
comment on function app.rung_customer(app.payments) is 'Whose the provider''s subscription or customer is known to be.';

-- app.rung_identity: who has this e-mail or phone. event_id: a call booked with the e-mail that has no lead.
create or replace function app.rung_identity(
    payment app.payments, kind text,
    out lead_id uuid, out event_id uuid, out deal_id uuid, out is_ambiguous boolean, out step jsonb
) returns record
language plpgsql stable set search_path = '' as $$
declare
    v_value constant text := case kind when 'email' then payment.customer_email_norm
                                       else app.phone_identity(payment.customer_phone) end;
    v_leads uuid[];
begin
    is_ambiguous := false;
    if v_value is null then
        step := app.step(kind, 'skipped', format('the payment names no %s', kind));
        return;
    end if;
    v_leads := app.leads_known_by(payment.organization_id, kind, v_value);
    if cardinality(v_leads) > 1 then
        is_ambiguous := true;
        step := app.step(kind, 'ambiguous', format('%s leads have this %s', cardinality(v_leads), kind))
                || jsonb_build_object('lead_ids', v_leads);
        return;
    end if;
    lead_id := v_leads[1];
    if lead_id is not null then
        step := app.step(kind, 'lead', format('a lead has this %s', kind)) || jsonb_build_object('lead_id', lead_id);
        return;
    elsif kind = 'email' then
        select e.id into event_id from app.sold_on(payment.organization_id, null, v_value, payment.payment_date) as e;
    end if;
    step := case when event_id is null then app.step(kind, 'nobody', format('no lead and no call has this %s', kind))
                 else app.step(kind, 'call', 'a call without a lead was booked with this email')
                      || jsonb_build_object('event_id', event_id) end;
end;
$$;
comment on function app.rung_identity(app.payments, text) is 'Who has this e-mail or phone.';

-- app.payments_of_customer: payments of the same provider account that share a customer or a subscription with this one, or
-- with one that does; this one is not among them.
create or replace function app.payments_of_customer(payment app.payments) returns setof app.payments
language sql stable
begin atomic
    with recursive family (id, customer, subscription) as (
        select (payment).id, (payment).provider_customer_id, (payment).provider_subscription_id
        union
        select p.id, p.provider_customer_id, p.provider_subscription_id
          from family as f
          join app.payments as p
            on p.organization_id = (payment).organization_id and p.provider = (payment).provider
           and (p.provider_customer_id = f.customer or p.provider_subscription_id = f.subscription)
         where p.provider_account = (payment).provider_account and p.deleted_at is null
    )
    select p.*
      from (select distinct f.id from family as f where f.id <> (payment).id) as o
      join app.payments as p on p.organization_id = (payment).organization_id and p.id = o.id;
end;
comment on function app.payments_of_customer(app.payments) is 'Other payments of the same customer at the provider.';

-- app.rung_other_payments: for a payment that says nothing of a person itself: whose the customer's other payments are, by
-- what each of them says itself. It needs no order: a payment attributed by this rung is no evidence for another one, nor is
-- one that a person attributed.
create or replace function app.rung_other_payments(
    payment app.payments,
    out lead_id uuid, out event_id uuid, out deal_id uuid, out is_ambiguous boolean, out step jsonb
) returns record
language plpgsql stable set search_path = '' as $$
declare
    v_others  record;
    v_known   record;
    v_leads   uuid[];
    v_because text := 'other payments of this customer are this lead''s';
begin
    is_ambiguous := false;
    if payment.provider_customer_id is null and payment.provider_subscription_id is null then
        step := app.step('other_payments', 'skipped', 'the payment names no customer of the provider');
        return;
    end if;
    select array_agg(distinct o.provider_customer_id) as customers, array_agg(distinct o.provider_subscription_id) as subscriptions,
           array_agg(distinct coalesce(l.merged_into_id, l.id))
               filter (where o.attribution_method not in ('provider_customer', 'manual') and (l.deleted_at is null or l.merged_into_id is not null)) as leads
      into v_others
      from app.payments_of_customer(payment) as o
      left join app.leads as l on l.organization_id = o.organization_id and l.id = o.lead_id;
    v_known := app.leads_of_customer(
        payment.organization_id, payment.provider, payment.provider_account,
        array_remove(v_others.customers, null), array_remove(v_others.subscriptions, null));
    v_leads := array_remove(coalesce(v_known.leads, v_others.leads), null);
    if cardinality(v_leads) > 1 then
        is_ambiguous := true;
        step := app.step('other_payments', 'ambiguous', 'other payments of this customer are of several leads')
                || jsonb_build_object('lead_ids', v_leads);
    elsif cardinality(v_leads) = 1 then
        lead_id := v_leads[1];
        step := app.step('other_payments', 'lead', coalesce(v_known.because, v_because)) || jsonb_build_object('lead_id', lead_id);
    else
        step := app.step('other_payments', 'nobody', 'no other payment of this customer is attributed');
    end if;
end;
$$;
comment on function app.rung_other_payments(app.payments) is 'Whose the other payments of the same customer are.';

-- app.rung_claim: the rung that asks whether a form of this lead claims exactly this money.
create or replace function app.rung_claim(
    payment app.payments, lead_id uuid, out event_id uuid, out confidence numeric, out step jsonb
) returns record
language plpgsql stable set search_path = '' as $$
declare
    v_claims uuid[];
begin
    if rung_claim.lead_id is null then
        step := app.step('claim', 'skipped', 'the lead is not known');
        return;
    end if;
    select array_agg(c.event_id) into v_claims
      from app.payments as c
     where c.organization_id = payment.organization_id and c.lead_id = rung_claim.lead_id
       and c.claim_state in ('pending', 'confirmed') and c.deleted_at is null and c.event_id is not null
       and c.amount = payment.amount and c.currency = payment.currency
       and c.payment_date between payment.payment_date - interval '72 hours' and payment.payment_date + interval '72 hours';
    if cardinality(v_claims) = 1 then
        event_id := v_claims[1];
        confidence := 0.8;
        step := app.step('claim', 'call', 'one form of this lead claims this amount within 72 hours')
                || jsonb_build_object('event_id', event_id);
    else
        step := app.step('claim', 'nothing', format('%s forms of this lead claim this amount within 72 hours',
                                                    coalesce(cardinality(v_claims), 0)));
    end if;
end;
$$;
comment on function app.rung_claim(app.payments, uuid) is 'Whether a form of this lead claims exactly this money.';

-- app.attribution_rungs: the ladder of who paid, from the surest rung down.
create or replace function app.attribution_rungs() returns text[]
language sql immutable parallel safe
return array['reference', 'provider_customer', 'email', 'phone', 'other_payments'];
comment on function app.attribution_rungs() is 'The ladder of who paid, from the surest rung down.';

-- app.find_payer: climb down the ladder of who paid for one payment, stored or not. Changes nothing.
create or replace function app.find_payer(payment app.payments) returns app.payer
language plpgsql stable set search_path = '' as $$
declare
    v_payer app.payer;
    v_found record;
begin
    v_payer.steps := '[]';
    foreach v_payer.rung in array app.attribution_rungs() loop
        v_found := case v_payer.rung
            when 'reference' then app.rung_reference(payment)
            when 'provider_customer' then app.rung_customer(payment)
            when 'other_payments' then app.rung_other_payments(payment)
            else app.rung_identity(payment, v_payer.rung) end;
        v_payer.steps := v_payer.steps || v_found.step;
        exit when v_found.lead_id is not null or v_found.event_id is not null or v_found.is_ambiguous;
    end loop;
    v_payer.lead_id := v_found.lead_id;
    v_payer.event_id := v_found.event_id;
    v_payer.deal_id := v_found.deal_id;
    v_payer.is_ambiguous := v_found.is_ambiguous;
    return v_payer;
end;
$$;
comment on function app.find_payer(app.payments) is 'Who paid, and what said so; changes nothing.';

-- app.find_sale: for what this payer paid: the deal or call that a reference names, else the lead's open deal, else the call that
-- the payment was sold on, else a call whose form claims this money. Changes nothing.
-- closer_id, setter_id: the people that a hand-made deal names, else those of the call; the setter by the organization's rule
-- (event, original, current). opens_deal: a sale that no call explains. moves_deal: what is known of the deal changes by it.
-- earlier: how many payments of the deal came before.
create or replace function app.find_sale(
    payment app.payments, payer app.payer,
    out method text, out confidence numeric, out lead_id uuid, out event_id uuid, out deal_id uuid, out installment_no integer,
    out deal_type text, out source_id uuid, out traffic_type_id uuid, out closer_id uuid, out setter_id uuid, out steps jsonb,
    out opens_deal boolean, out moves_deal boolean, out earlier bigint
) returns record
language plpgsql stable set search_path = '' as $$
declare
    v_call_id uuid;
    v_ended   text;
    v_choice  record;
    v_claim   record;
    v_certain numeric;
begin
    method := 'none';
    confidence := 0;
    steps := payer.steps;
    opens_deal := false;
    moves_deal := false;
    if payer.is_ambiguous then
        return;
    end if;
    lead_id := payer.lead_id;
    event_id := payer.event_id;
    method := case payer.rung when 'reference' then 'reference' when 'provider_customer' then 'provider_customer'
                              when 'other_payments' then 'provider_customer' else 'identity_event' end;
    v_certain := case payer.rung when 'provider_customer' then 0.95 when 'other_payments' then 0.8 else 1 end;

    if payer.event_id is not null then
        select e.id, case when e.event_outcome = 'closed' then 'closed' else e.call_status end,
               s.source_id, s.traffic_type_id, s.closer_id, s.setter_id
          into v_call_id, v_ended, source_id, traffic_type_id, closer_id, setter_id
          from app.events as e
         cross join app.sale_of_call(e.organization_id, e.id) as s
         where e.organization_id = payment.organization_id and e.id = payer.event_id;
    elsif lead_id is not null then
        select e.id, case when e.event_outcome = 'closed' then 'closed' else e.call_status end,
               s.source_id, s.traffic_type_id, s.closer_id, s.setter_id
          into v_call_id, v_ended, source_id, traffic_type_id, closer_id, setter_id
          from app.sold_on(payment.organization_id, lead_id, payment.customer_email_norm, payment.payment_date) as e
         cross join app.sale_of_call(e.organization_id, e.id) as s;
    end if;
    v_choice := app.choose_deal(payment, lead_id, v_call_id, payer.deal_id, payer.event_id is not null);
    if v_choice.deal_id is not null and v_choice.event_id is distinct from v_call_id then
        method := case method when 'identity_event' then 'identity_deal' else method end;
        event_id := v_choice.event_id;
        confidence := v_certain * case when payer.deal_id is not null then 1 else v_choice.confidence end;
    elsif v_call_id is not null then
        event_id := v_call_id;
        confidence := v_certain * case when payer.rung = 'reference' and payer.event_id is not null then 1
                                       when v_ended = 'closed' then 0.95 when v_ended = 'completed' then 0.85 else 0.6 end;
        if payer.event_id is null then
            steps := steps || (app.step('call', 'found', format('the latest %s call in the window before the payment', v_ended))
                    || jsonb_build_object('event_id', event_id));
        end if;
    end if;
    if event_id is null and v_choice.deal_id is null then
        v_claim := app.rung_claim(payment, lead_id);
        steps := steps || v_claim.step;
        if v_claim.event_id is not null then
            method := 'claim';
            confidence := v_claim.confidence;
            event_id := v_claim.event_id;
            v_choice := app.choose_deal(payment, lead_id, event_id, null, true);
        elsif lead_id is not null and app.may_open_deal(payment) then
            opens_deal := true;
            method := case method when 'identity_event' then 'identity_deal' else method end;
            confidence := v_certain * 0.7;
            steps := steps || app.step('deal', 'opens', 'no call and no open deal explains the payment: a sale without a call');
        else
            method := 'none';
            confidence := 0;
        end if;
    end if;
    if v_choice.deal_id is not null then
        deal_id := v_choice.deal_id;
        installment_no := v_choice.installment_no;
        deal_type := v_choice.deal_type;
        moves_deal := v_choice.is_moved;
        earlier := v_choice.earlier;
        steps := steps || (app.step('deal', 'joins', v_choice.because) || jsonb_build_object('deal_id', deal_id));
    end if;

    if event_id is null then
        closer_id := null;
        setter_id := null;
        select l.source_id, l.traffic_type_id into source_id, traffic_type_id
          from app.leads as l where l.organization_id = payment.organization_id and l.id = find_sale.lead_id;
    elsif event_id is distinct from v_call_id then
        select s.source_id, s.traffic_type_id, s.closer_id, s.setter_id into source_id, traffic_type_id, closer_id, setter_id
          from app.sale_of_call(payment.organization_id, find_sale.event_id) as s;
    end if;
    if deal_id is not null and not v_choice.is_automatic then
        closer_id := coalesce(v_choice.closer_id, closer_id);
        setter_id := coalesce(v_choice.setter_id, setter_id);
    end if;
end;
$$;
comment on function app.find_sale(app.payments, app.payer) is 'For what a payer paid, and why; changes nothing.';

-- app.find_attribution: whose sale a payment is: who paid, and for what.
create or replace function app.find_attribution(
    payment app.payments,
    out method text, out confidence numeric, out lead_id uuid, out event_id uuid, out deal_id uuid, out installment_no integer,
    out deal_type text, out source_id uuid, out traffic_type_id uuid, out closer_id uuid, out setter_id uuid, out steps jsonb,
    out opens_deal boolean, out moves_deal boolean, out earlier bigint
) returns record
language sql stable
return app.find_sale(payment, app.find_payer(payment));
comment on function app.find_attribution(app.payments) is 'Whose sale a payment is, and why; changes nothing.';

-- app.is_attributed_by_rule: the ladder may attribute this payment anew: neither a person nor a form or import decided.
create or replace function app.is_attributed_by_rule(method text) returns boolean
language sql immutable parallel safe
return method not in ('manual', 'form', 'import');
comment on function app.is_attributed_by_rule(text) is 'The ladder may attribute this payment anew.';

-- app.write_attribution: what the ladder found becomes the payment's: lead, call, deal, source, credits, exceptions.
create or replace function app.write_attribution(
    organization_id uuid, payment_id uuid, found record
) returns void
language plpgsql volatile set search_path = '' as $$
begin
    update app.payments as t
       set lead_id = found.lead_id, event_id = found.event_id, deal_id = found.deal_id, installment_no = found.installment_no,
           deal_type = found.deal_type, source_id = found.source_id, traffic_type_id = found.traffic_type_id,
           attribution_method = found.method, attribution_confidence = found.confidence, attribution_steps = found.steps
     where t.organization_id = write_attribution.organization_id and t.id = write_attribution.payment_id
       and (t.lead_id, t.event_id, t.deal_id, t.installment_no, t.deal_type, t.source_id, t.traffic_type_id,
            t.attribution_method, t.attribution_confidence, t.attribution_steps)
           is distinct from (found.lead_id, found.event_id, found.deal_id, found.installment_no, found.deal_type,
                             found.source_id, found.traffic_type_id, found.method, found.confidence, found.steps);
    perform app.set_credits(write_attribution.organization_id, write_attribution.payment_id,
                            array_remove(array[found.closer_id::uuid], null), array_remove(array[found.setter_id::uuid], null));
    perform app.review_payment(write_attribution.organization_id, write_attribution.payment_id);
end;
$$;
comment on function app.write_attribution(uuid, uuid, record) is 'What the ladder found becomes the payment''s.';

-- app.attribute_payment: climb the ladder again for a stored payment and write what it says: lead, call, deal, source,
-- credits, exceptions. What a person or a form decided stays. Deals of its lead follow, and payments that know their customer
-- by this one. Answers the method. Raises PT404.
create or replace function app.attribute_payment(organization_id uuid, payment_id uuid) returns text
language plpgsql volatile set search_path = '' as $$
declare
    p        app.payments;
    v_before uuid;
    v_found  record;
begin
    perform from app.leads as l
       join app.payments as t on t.organization_id = l.organization_id and t.lead_id = l.id
      where t.organization_id = attribute_payment.organization_id and t.id = attribute_payment.payment_id
        for no key update of l;
    select t.* into p from app.payments as t
     where t.organization_id = attribute_payment.organization_id and t.id = attribute_payment.payment_id
       for no key update;
    if not found then
        raise exception using errcode = 'PT404', message = 'No such payment in this organization.';
    end if;
    v_before := p.lead_id;
    if app.is_attributed_by_rule(p.attribution_method) then
        v_found := app.find_attribution(p);
        perform app.write_attribution(p.organization_id, p.id, v_found);
        p.lead_id := v_found.lead_id;
        p.attribution_method := v_found.method;
    else
        if p.attribution_method = 'manual' then
            perform app.credit_sale(p.organization_id, p.id);
        else
            perform app.spread_credits(p.organization_id, p.id);
        end if;
        perform app.review_payment(p.organization_id, p.id);
    end if;
    perform app.match_claims(p.organization_id, p.lead_id);
    if v_before is distinct from p.lead_id then
        perform app.settle_deals(p.organization_id, v_before);
    end if;
    perform app.settle_deals(p.organization_id, p.lead_id);
    perform app.pass_on_customer(p);
    return p.attribution_method;
end;
$$;
comment on function app.attribute_payment(uuid, uuid) is 'Attribute a stored payment anew; answers the method.';

-- app.pass_on_customer: payments that know of nobody themselves are attributed anew, now that this one of the same customer
-- is what it is.
create or replace function app.pass_on_customer(payment app.payments) returns void
language plpgsql volatile set search_path = '' as $$
declare
    o       app.payments;
    v_found record;
begin
    if payment.provider_customer_id is null and payment.provider_subscription_id is null then
        return;
    end if;
    for o in
        select p.* from app.payments_of_customer(payment) as p
         where p.attribution_method in ('none', 'provider_customer')
         order by p.payment_date, p.id
    loop
        v_found := app.find_attribution(o);
        continue when (v_found.lead_id, v_found.method) is not distinct from (o.lead_id, o.attribution_method)
                  and v_found.steps = o.attribution_steps;
        perform app.write_attribution(o.organization_id, o.id, v_found);
        perform app.match_claims(o.organization_id, v_found.lead_id);
        if o.lead_id is distinct from v_found.lead_id then
            perform app.settle_deals(o.organization_id, o.lead_id);
        end if;
        perform app.settle_deals(o.organization_id, v_found.lead_id);
    end loop;
end;
$$;
comment on function app.pass_on_customer(app.payments) is 'Payments that know their customer by this one are attributed anew.';

-- app.attribution_suggestions: what a person may choose for a payment that the ladder leaves open, best first, at most five:
-- the leads between which it would be a guess, leads with the payer's name, forms of others that claim exactly this money
-- within 72 hours, and calls of the lead up to 30 days outside the window.
create or replace function app.attribution_suggestions(payment app.payments) returns jsonb
language sql stable
begin atomic
    with leads as (
        select l.id as lead_id, 0.5 as confidence, 'the payment fits this lead among others' as because
          from jsonb_array_elements((payment).attribution_steps) as s
         cross join lateral jsonb_array_elements_text(
            case jsonb_typeof(s -> 'lead_ids') when 'array' then s -> 'lead_ids' else '[]' end) as i (lead_id)
          join app.leads as l on l.organization_id = (payment).organization_id and l.id = i.lead_id::uuid
        union all
        select l.id, 0.3, 'the lead has the name of the payer'
          from app.leads as l
         where l.organization_id = (payment).organization_id and l.full_name_norm = lower(btrim((payment).customer_name))
           and l.deleted_at is null and l.merged_into_id is null and l.id is distinct from (payment).lead_id
    ), found as (
        select l.lead_id, e.id as event_id,
               l.confidence + case when e.event_outcome = 'closed' then 0.3 when e.id is not null then 0.2 else 0 end as confidence,
               l.because
          from leads as l
          left join lateral app.sold_on((payment).organization_id, l.lead_id, null, (payment).payment_date) as e on true
        union all
        select c.lead_id, c.event_id, 0.6, 'a form claims exactly this amount within 72 hours'
          from app.payments as c
         where c.organization_id = (payment).organization_id and c.amount = (payment).amount and c.claim_state is not null
           and c.payment_date between (payment).payment_date - interval '72 hours' and (payment).payment_date + interval '72 hours'
           and c.currency = (payment).currency and c.claim_state in ('pending', 'confirmed') and c.deleted_at is null
           and c.event_id is not null and c.id <> (payment).id
        union all
        select e.lead_id, e.id, case when e.event_outcome = 'closed' then 0.45 else 0.25 end,
               case when e.scheduled_at > (payment).payment_date then 'a call of this lead after the payment'
                    else 'a call of this lead just outside the window' end
          from app.organizations as o
          join app.events as e on e.organization_id = o.id and e.lead_id = (payment).lead_id
         where o.id = (payment).organization_id
           and (e.scheduled_at between (payment).payment_date - make_interval(days => o.attribution_window_days + 30)
                                   and (payment).payment_date - make_interval(days => o.attribution_window_days)
                or e.scheduled_at between (payment).payment_date and (payment).payment_date + interval '30 days')
           and e.call_status not in ('canceled', 'rescheduled') and e.deleted_at is null and e.duplicate_of_id is null
    ), best as (
        select distinct on (f.lead_id, f.event_id) f.lead_id, f.event_id, f.confidence, f.because
          from found as f
         order by f.lead_id, f.event_id, f.confidence desc
    ), ranked as (
        select b.lead_id, b.event_id,
               (select d.id from app.deals as d
                 where d.organization_id = (payment).organization_id and d.origin_event_id = b.event_id
                   and d.status = 'won' and d.deleted_at is null limit 1) as deal_id,
               b.confidence, b.because
          from best as b
         order by b.confidence desc, b.lead_id, b.event_id
         limit 5
    )
    select coalesce(jsonb_agg(to_jsonb(r) order by r.confidence desc, r.lead_id, r.event_id), '[]') from ranked as r;
end;
comment on function app.attribution_suggestions(app.payments) is
    'What a person may choose for a payment that the ladder leaves open, best first.';
