-- Whose sale a payment is: a ladder of rungs, of which the first that decides holds. Every rung says what it decided and
-- why; more than one lead is never guessed between.
-- Internal: nobody but the owner may call these.

-- app.step: one line of an explanation: what was looked at, what was decided, because of what.
create or replace function app.step(what text, decided text, because text) returns jsonb
language sql immutable parallel safe
return jsonb_build_object('what', what, 'decided', decided, 'because', because);
comment on function app.step(text, text, text) is 'One line of an explanation.';

-- app.leads_known_by: living leads with this e-mail or phone: by identity, by their own row, or by a call booked with it.
-- kind: email or phone; value: as identities are stored. A merged lead stands for the one it was merged into.
create or replace function app.leads_known_by(organization_id uuid, kind text, value text) returns uuid[]
language plpgsql stable set search_path = '' as $$
declare
    v_known uuid[] := array(
        select i.lead_id from app.lead_identities as i
         where i.organization_id = leads_known_by.organization_id and i.kind = leads_known_by.kind
           and i.value = leads_known_by.value);
begin
    if kind = 'email' then
        v_known := v_known || array(
            select l.id from app.leads as l
             where l.organization_id = leads_known_by.organization_id and l.email_norm = leads_known_by.value
            union all
            select e.lead_id from app.events as e
             where e.organization_id = leads_known_by.organization_id and e.lead_email_norm = leads_known_by.value
               and e.deleted_at is null and e.lead_id is not null);
    end if;
    v_known := array(
        select distinct coalesce(l.merged_into_id, l.id) from app.leads as l
         where l.organization_id = leads_known_by.organization_id and l.id = any (v_known)
           and (l.deleted_at is null or l.merged_into_id is not null));
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

-- app.rung_identity: the rung of the ladder that asks who has this e-mail or phone, and what they were sold on.
-- lead_id without event_id: the person is known, no call fits. is_ambiguous: several leads; a person must decide.
create or replace function app.rung_identity(
    payment app.payments, kind text,
    out lead_id uuid, out event_id uuid, out confidence numeric, out is_ambiguous boolean, out step jsonb
) returns record
language plpgsql stable set search_path = '' as $$
declare
    v_value constant text := case kind when 'email' then payment.customer_email_norm
                                       else app.phone_identity(payment.customer_phone) end;
    v_leads uuid[];
    v_event app.events;
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
    select e.* into v_event
      from app.sold_on(payment.organization_id, lead_id, case kind when 'email' then v_value end, payment.payment_date) as e;
    if v_event.id is not null then
        event_id := v_event.id;
        confidence := case when v_event.event_outcome = 'closed' then 0.95 when v_event.call_status = 'completed' then 0.85
                           else 0.6 end;
        step := app.step(kind, 'call', format('the latest %s call with this %s before the payment',
                    case when v_event.event_outcome = 'closed' then 'closed' else v_event.call_status end, kind))
                || jsonb_build_object('lead_id', lead_id, 'event_id', event_id);
    elsif lead_id is not null then
        step := app.step(kind, 'lead only', format('a lead has this %s, but no call in the window before the payment', kind))
                || jsonb_build_object('lead_id', lead_id);
    else
        step := app.step(kind, 'nobody', format('no lead and no call has this %s', kind));
    end if;
end;
$$;
comment on function app.rung_identity(app.payments, text) is 'Who has this e-mail or phone, and what they were sold on.';

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

-- app.attribution_rungs: the ladder, from the surest rung down.
create or replace function app.attribution_rungs() returns text[]
language sql immutable parallel safe
return array['email', 'phone', 'claim'];
comment on function app.attribution_rungs() is 'The ladder of attribution, from the surest rung down.';

-- app.find_attribution: climb down the ladder for one payment, stored or not. Changes nothing.
-- closer_id, setter_id: who is credited by the call; the setter by the organization's rule (event, original, current).
create or replace function app.find_attribution(
    payment app.payments,
    out method text, out confidence numeric, out lead_id uuid, out event_id uuid, out source_id uuid,
    out traffic_type_id uuid, out closer_id uuid, out setter_id uuid, out steps jsonb
) returns record
language plpgsql stable set search_path = '' as $$
declare
    v_rung  text;
    v_found record;
begin
    method := 'none';
    confidence := 0;
    steps := '[]';
    foreach v_rung in array app.attribution_rungs() loop
        if v_rung = 'claim' then
            select r.lead_id, r.event_id, r.confidence, false as is_ambiguous, r.step into v_found
              from (select find_attribution.lead_id, c.* from app.rung_claim(payment, find_attribution.lead_id) as c) as r;
        elsif lead_id is null then
            v_found := app.rung_identity(payment, v_rung);
        else
            continue;
        end if;
        steps := steps || v_found.step;
        lead_id := coalesce(lead_id, v_found.lead_id);
        if v_found.event_id is not null then
            method := case v_rung when 'claim' then 'claim' else 'identity_event' end;
            confidence := v_found.confidence;
            event_id := v_found.event_id;
        end if;
        exit when v_found.event_id is not null or v_found.is_ambiguous;
    end loop;

    if event_id is not null then
        select coalesce(e.source_id, l.source_id), coalesce(e.traffic_type_id, l.traffic_type_id), e.credited_closer_id,
               case o.setter_attribution when 'event' then e.credited_setter_id
                                         when 'original' then l.original_setter_id else l.current_setter_id end
          into source_id, traffic_type_id, closer_id, setter_id
          from app.events as e
          join app.organizations as o on o.id = e.organization_id
          left join app.leads as l on l.organization_id = e.organization_id and l.id = e.lead_id
         where e.organization_id = payment.organization_id and e.id = find_attribution.event_id;
    elsif lead_id is not null then
        select l.source_id, l.traffic_type_id into source_id, traffic_type_id
          from app.leads as l where l.organization_id = payment.organization_id and l.id = find_attribution.lead_id;
    end if;
end;
$$;
comment on function app.find_attribution(app.payments) is 'Whose sale a payment is, and why; changes nothing.';

-- app.attribute_payment: climb the ladder again for a stored payment and write what it says: lead, call, source, credits,
-- exceptions. What a person or a form decided stays. Answers the method. Raises PT404.
create or replace function app.attribute_payment(organization_id uuid, payment_id uuid) returns text
language plpgsql volatile set search_path = '' as $$
declare
    p       app.payments;
    v_found record;
begin
    select t.* into p from app.payments as t
     where t.organization_id = attribute_payment.organization_id and t.id = attribute_payment.payment_id
       for no key update;
    if not found then
        raise exception using errcode = 'PT404', message = 'No such payment in this organization.';
    elsif p.attribution_method not in ('manual', 'form', 'import') then
        v_found := app.find_attribution(p);
        update app.payments as t
           set lead_id = v_found.lead_id, event_id = v_found.event_id, source_id = v_found.source_id,
               traffic_type_id = v_found.traffic_type_id, attribution_method = v_found.method,
               attribution_confidence = v_found.confidence, attribution_steps = v_found.steps
         where t.organization_id = p.organization_id and t.id = p.id
           and (t.lead_id, t.event_id, t.source_id, t.traffic_type_id, t.attribution_method, t.attribution_confidence,
                t.attribution_steps)
               is distinct from (v_found.lead_id, v_found.event_id, v_found.source_id, v_found.traffic_type_id, v_found.method,
                                 v_found.confidence, v_found.steps);
        perform app.set_credits(p.organization_id, p.id, array_remove(array[v_found.closer_id], null),
                                array_remove(array[v_found.setter_id], null));
        perform app.match_claims(p.organization_id, v_found.lead_id);
        p.attribution_method := v_found.method;
    else
        if p.attribution_method = 'manual' then
            perform app.credit_sale(p.organization_id, p.id);
        else
            perform app.spread_credits(p.organization_id, p.id);
        end if;
        perform app.match_claims(p.organization_id, p.lead_id);
    end if;
    perform app.review_payment(p.organization_id, p.id);
    return p.attribution_method;
end;
$$;
comment on function app.attribute_payment(uuid, uuid) is 'Attribute a stored payment anew; answers the method.';
