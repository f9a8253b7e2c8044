-- What Calendly's deliveries mean. Facts: https://developer.calendly.com/api-docs, webhooks and scheduled events.

-- ingest.calendly_envelope: what a delivery says about itself. Calendly gives deliveries no id, but each thing happens once in the
-- life of its object: duplicates are known by what happened and to whom. An invitee can be marked as a no-show again and again, so
-- there the mark counts, or else the time.
create or replace function ingest.calendly_envelope(
    body jsonb, out id text, out event_type text, out occurred_at timestamptz, out livemode boolean
) returns record
language sql immutable parallel safe
return (app.json_text(body -> 'event') || ':' || case
            when body ->> 'event' like 'invitee\_no\_show.%' then coalesce(
                app.json_text(body #> '{payload,no_show,uri}'),
                app.json_text(body #> '{payload,uri}') || '@' || app.json_text(body -> 'created_at'))
            when body ->> 'event' in ('invitee.created', 'invitee.canceled', 'routing_form_submission.created') then
                app.json_text(body #> '{payload,uri}')
            else app.json_text(body #> '{payload,uri}') || '@' || app.json_text(body -> 'created_at')
        end,
        app.json_text(body -> 'event'), app.json_instant(body -> 'created_at'), true);
comment on function ingest.calendly_envelope(jsonb) is 'What a delivery of Calendly says about itself.';

-- ingest.calendly_id: the last part of the URI of an object; NULL when it is no URI of that kind.
-- kind: scheduled_events or invitees.
create or replace function ingest.calendly_id(uri jsonb, kind text) returns text
language sql immutable parallel safe
return substring(app.json_text(uri) from '/' || kind || '/([A-Za-z0-9_-]{1,80})/?$');
comment on function ingest.calendly_id(jsonb, text) is 'The last part of the URI of an object.';

-- ingest.calendly_answers: questions and answers that say something, as calls keep them.
create or replace function ingest.calendly_answers(payload jsonb) returns jsonb
language sql immutable
begin atomic
    select coalesce(jsonb_agg(jsonb_build_object('question', q.question, 'answer', q.answer) order by q.ordinal), '[]')
      from (select app.json_text(a.value -> 'question') as question, app.json_text(a.value -> 'answer') as answer, a.ordinal
              from jsonb_array_elements(app.json_array(payload -> 'questions_and_answers')) with ordinality as a (value, ordinal)) as q
     where q.question is not null and q.answer is not null;
end;
comment on function ingest.calendly_answers(jsonb) is 'Questions and answers that say something.';

-- ingest.calendly_utm: the UTM fields of a payload that say something.
create or replace function ingest.calendly_utm(payload jsonb) returns jsonb
language sql immutable
begin atomic
    select coalesce(jsonb_object_agg(f.field, left(app.json_text(payload -> 'tracking' -> f.field), 500)), '{}')
      from unnest(array['utm_source', 'utm_medium', 'utm_campaign', 'utm_term', 'utm_content']) as f (field)
     where app.json_text(payload -> 'tracking' -> f.field) is not null;
end;
comment on function ingest.calendly_utm(jsonb) is 'The UTM fields of a payload that say something.';

-- ingest.calendly_address: an e-mail address as it was typed; NULL for what is none.
create or replace function ingest.calendly_address(said text) returns text
language sql immutable parallel safe
return case when length(said) <= 320 and btrim(said) ~ '^[^@[:space:]]+@[^@[:space:]]+$' then btrim(said) end;
comment on function ingest.calendly_address(text) is 'An e-mail address as it was typed, else NULL.';

-- ingest.calendly_phone: a number that can be called: of the text reminder, of the call itself, or the answer to a question for one.
create or replace function ingest.calendly_phone(payload jsonb, answers jsonb) returns text
language sql immutable
begin atomic
    select left(p.said, 50)
      from (select 0::bigint as ordinal, app.json_text(payload -> 'text_reminder_number') as said
            union all
            select 1, app.json_text(payload #> '{scheduled_event,location,location}')
             where payload #>> '{scheduled_event,location,type}' = 'outbound_call'
            union all
            select 1 + a.ordinal, a.value ->> 'answer'
              from jsonb_array_elements(answers) with ordinality as a (value, ordinal)
             where a.value ->> 'question' ~* '\m(phone|mobile|cell|whats ?app|telephone|tel)') as p
     where app.phone_identity(p.said) is not null
     order by p.ordinal
     limit 1;
end;
comment on function ingest.calendly_phone(jsonb, jsonb) is 'A number by which an invitee can be called.';

-- ingest.calendly_name: the name of an invitee.
create or replace function ingest.calendly_name(payload jsonb) returns text
language sql immutable parallel safe
return left(coalesce(app.json_text(payload -> 'name'),
                     nullif(concat_ws(' ', app.json_text(payload -> 'first_name'), app.json_text(payload -> 'last_name')), '')), 200);
comment on function ingest.calendly_name(jsonb) is 'The name of an invitee.';

-- ingest.calendly_hosts: who hosts a slot, in the order given: users and addresses, of one length. Only users are guaranteed.
create or replace function ingest.calendly_hosts(payload jsonb, out user_uris text[], out emails text[]) returns record
language sql immutable
begin atomic
    select coalesce(array_agg(h.user_uri order by h.ordinal), '{}'), coalesce(array_agg(h.email order by h.ordinal), '{}')
      from (select app.json_text(m.value -> 'user') as user_uri,
                   lower(ingest.calendly_address(m.value ->> 'user_email')) as email, m.ordinal
              from jsonb_array_elements(app.json_array(payload #> '{scheduled_event,event_memberships}'))
                   with ordinality as m (value, ordinal)
             limit 100) as h
     where coalesce(h.user_uri, h.email) is not null;
end;
comment on function ingest.calendly_hosts(jsonb) is 'Who hosts a slot: users and addresses, in the order given.';

-- ingest.book_calendly: the call of an invitee: booked if it is new, else completed and moved to where Calendly has it now.
-- told_at: the moment that the payload describes; an older one than is known moves nothing.
create or replace function ingest.book_calendly(
    organization_id uuid, event_type text, payload jsonb, told_at timestamptz,
    out event_id uuid, out lead_id uuid, out changed boolean, out steps jsonb
) returns record
language plpgsql volatile set search_path = '' as $$
declare
    v_slot        constant jsonb := app.json_object(payload -> 'scheduled_event');
    v_invitee     constant text := ingest.calendly_id(payload -> 'uri', 'invitees');
    v_start       constant timestamptz := app.json_instant(v_slot -> 'start_time');
    v_end         constant timestamptz := app.json_instant(v_slot -> 'end_time');
    v_answers     constant jsonb := ingest.calendly_answers(payload);
    v_utm         constant jsonb := ingest.calendly_utm(payload);
    v_email       constant text := ingest.calendly_address(app.json_text(payload -> 'email'));
    v_phone       constant text := ingest.calendly_phone(payload, v_answers);
    v_hosts       record;
    v_known       record;
    v_type_id     uuid;
    v_setter_id   uuid;
    v_setter_name text;
    v_named       text;
begin
    changed := false;
    steps := '[]';
    select e.id, e.lead_id, e.call_status, e.scheduled_at, e.setter_id, e.inherits, b.told_at into v_known
      from app.events as e
      left join app.platform_bookings as b on b.organization_id = e.organization_id and b.event_id = e.id
     where e.organization_id = book_calendly.organization_id and e.calendly_invitee_uuid = v_invitee;
    event_id := v_known.id;
    if event_id is null and (v_start is null or v_end <= v_start) then
        raise exception using errcode = 'PT422', message = 'The booking lacks its time.',
            detail = 'The invitee is not known, and scheduled_event has no start before its end.';
    end if;

    -- Whoever else is told of the same person waits here, so that one of two messages always sees the other's booking.
    lead_id := case when event_id is null
        then app.identify_lead(organization_id, v_email, v_phone, ingest.calendly_name(payload)) else v_known.lead_id end;
    perform from app.leads as l
      where l.organization_id = book_calendly.organization_id and l.id = book_calendly.lead_id for no key update;

    if event_id is null or event_type = 'invitee.created' then
        v_type_id := app.platform_call_type(
            organization_id, left(app.json_text(v_slot -> 'event_type'), 300), app.json_text(v_slot -> 'name'),
            (extract(epoch from v_end - v_start) / 60)::integer);
        select s.setter_id, s.setter_name, s.because into v_setter_id, v_setter_name, v_named
          from app.booking_setter(organization_id, v_utm, v_answers) as s;
    end if;
    if event_id is null then
        v_hosts := ingest.calendly_hosts(payload);
        event_id := app.book_call(
            organization_id, scheduled_at => v_start, scheduled_end_at => v_end,
            booked_at => coalesce(app.json_instant(payload -> 'created_at'), told_at),
            lead_id => lead_id, email => v_email, phone => v_phone, full_name => ingest.calendly_name(payload),
            closer_id => app.closer_of_hosts(organization_id, v_hosts.user_uris, v_hosts.emails),
            setter_id => v_setter_id, setter_name => v_setter_name, call_type_id => v_type_id,
            provider => 'calendly', provider_booking_id => v_invitee,
            calendly_event_uuid => coalesce(ingest.calendly_id(v_slot -> 'uri', 'scheduled_events'),
                                            ingest.calendly_id(payload -> 'event', 'scheduled_events')),
            calendly_invitee_uuid => v_invitee, utm => v_utm, answers => v_answers);
        changed := true;
        steps := steps || app.step('booking', 'booked',
                                   case event_type when 'invitee.created' then 'the invitee is new'
                                        else 'what happened to the booking came before the booking' end);
    else
        if v_known.call_status = 'scheduled' and v_start <> v_known.scheduled_at and v_end > v_start
           and told_at >= coalesce(v_known.told_at, '-infinity') then
            perform app.known_booking(organization_id, 'calendly', v_invitee, v_invitee, v_start, v_end);
            changed := true;
            steps := steps || app.step('time', 'moved', 'Calendly has the same booking at another time');
        end if;
        -- What came before the booking may have known less of the person.
        if event_type = 'invitee.created' and app.leads_of_identities(organization_id, v_email, v_phone) = array[lead_id] then
            perform app.identify_lead(organization_id, v_email, v_phone, ingest.calendly_name(payload));
        end if;
        if event_type = 'invitee.created' and app.complete_booking(
            organization_id, event_id, v_type_id, v_utm, v_answers, v_setter_id, v_setter_name) then
            changed := true;
            steps := steps || app.step('booking', 'completed', 'the booking says what was not known yet');
        end if;
        if jsonb_array_length(steps) = 0 then
            steps := steps || app.step('booking', 'known', 'nothing about the booking is new');
        end if;
    end if;
    if v_named is not null then
        steps := steps || app.step('setter', coalesce(v_setter_id::text, 'unknown'), v_named);
    end if;
end;
$$;
comment on function ingest.book_calendly(uuid, text, jsonb, timestamptz) is 'The call of an invitee, booked, completed or moved.';

-- ingest.assign_calendly_host: whoever hosts the call now is its closer. A closer whom a person chose stays until Calendly names
-- another host than before; a host who is no closer leaves none. A message that is older than what is known of the hosts
-- says nothing. hosts: as app.note_booking keeps them; is_moved: they are others than before.
create or replace function ingest.assign_calendly_host(
    organization_id uuid, event_id uuid, payload jsonb, hosts text[], is_moved boolean, out changed boolean, out steps jsonb
) returns record
language plpgsql volatile set search_path = '' as $$
declare
    v_named     constant record := ingest.calendly_hosts(payload);
    v_closer_id constant uuid := app.closer_of_hosts(
        assign_calendly_host.organization_id, v_named.user_uris, v_named.emails);
begin
    update app.events as e set closer_id = v_closer_id
      from app.platform_bookings as b
     where e.organization_id = assign_calendly_host.organization_id and e.id = assign_calendly_host.event_id
       and b.organization_id = e.organization_id and b.event_id = e.id and b.hosts = assign_calendly_host.hosts
       and (is_moved or e.closer_id is null) and e.closer_id is distinct from v_closer_id;
    changed := found;
    steps := case when changed then jsonb_build_array(
        app.step('closer', coalesce(v_closer_id::text, 'unknown'), 'who hosts the call has changed, or is known now')) else '[]' end;
end;
$$;
comment on function ingest.assign_calendly_host(uuid, uuid, jsonb, text[], boolean) is 'Whoever hosts the call now is its closer.';

-- ingest.process_calendly: carry out one verified delivery. Idempotent, and free of any order of arrival: what came before its
-- booking books it from its own payload, and settles it again whenever more is known.
-- status: processed, or ignored when nothing changed. Raises, and then nothing is changed, when it cannot be understood.
create or replace function ingest.process_calendly(
    organization_id uuid, connection_id uuid, provider_account text, livemode boolean, body jsonb,
    out status text, out steps jsonb, out lead_id uuid, out event_id uuid, out payment_id uuid
) returns record
language plpgsql volatile set search_path = '' as $$
declare
    v_type     constant text := body ->> 'event';
    v_payload  constant jsonb := app.json_object(body -> 'payload');
    v_told_at  constant timestamptz := app.json_instant(body -> 'created_at');
    v_canceled constant jsonb := app.json_object(v_payload -> 'cancellation');
    v_marked   constant timestamptz := app.json_instant(v_payload #> '{no_show,created_at}');
    v_is_moved_on constant boolean := v_type = 'invitee.canceled' and v_payload -> 'rescheduled' = 'true';
    v_is_off   constant boolean := v_type = 'invitee.canceled' and not coalesce(v_is_moved_on, false);
    v_invitee  text;
    v_follows  text;
    v_hosts    text[];
    v_booked   record;
    v_host     record;
    v_settled  record;
    v_before   uuid;
    v_after    record;
begin
    if v_type = 'routing_form_submission.created' then
        select r.status, r.steps, r.lead_id into status, steps, lead_id
          from ingest.process_calendly_routing(organization_id, v_payload, v_told_at) as r;
        return;
    elsif v_type is null or not v_type = any (array[
            'invitee.created', 'invitee.canceled', 'invitee_no_show.created', 'invitee_no_show.deleted']) then
        status := 'ignored';
        steps := jsonb_build_array(app.step('event', 'ignored', 'events of this type are not used'));
        return;
    end if;
    v_invitee := ingest.calendly_id(v_payload -> 'uri', 'invitees');
    if v_invitee is null or v_told_at is null then
        raise exception using errcode = 'PT422', message = 'The delivery names no invitee.',
            detail = format('%s needs payload.uri of an invitee, and created_at.', v_type);
    elsif v_is_off and v_canceled ->> 'canceler_type' is distinct from 'host'
          and v_canceled ->> 'canceler_type' is distinct from 'invitee' then
        raise exception using errcode = 'PT422', message = 'The cancellation does not say by whom.',
            detail = 'payload.cancellation.canceler_type is neither host nor invitee.';
    end if;

    v_booked := ingest.book_calendly(organization_id, v_type, v_payload, v_told_at);
    event_id := v_booked.event_id;
    steps := v_booked.steps;
    v_follows := nullif(ingest.calendly_id(v_payload -> 'old_invitee', 'invitees'), v_invitee);
    -- An address says more to a person than a user's URI, which stands in where there is none.
    v_hosts := array(select distinct coalesce(h.email, h.user_uri)
                       from (select p.user_uris, p.emails from ingest.calendly_hosts(v_payload) as p) as p
                      cross join lateral rows from (unnest(p.user_uris), unnest(p.emails)) as h (user_uri, email) order by 1);
    v_host := ingest.assign_calendly_host(organization_id, event_id, v_payload, v_hosts, app.note_booking(
        organization_id, event_id, 'calendly', v_invitee, v_told_at, v_hosts, follows_booking_id => v_follows,
        followed_by_booking_id => nullif(ingest.calendly_id(v_payload -> 'new_invitee', 'invitees'), v_invitee),
        rescheduled_at => case when v_is_moved_on then coalesce(app.json_instant(v_canceled -> 'created_at'), v_told_at) end,
        canceled_at => case when v_is_off then coalesce(app.json_instant(v_canceled -> 'created_at'), v_told_at) end,
        canceled_by => case when v_is_off then v_canceled ->> 'canceler_type' end,
        cancel_reason => case when v_is_off then app.json_text(v_canceled -> 'reason') end,
        no_show_marked_at => case v_type when 'invitee_no_show.created' then coalesce(v_marked, v_told_at) end,
        no_show_withdrawn_at => case v_type when 'invitee_no_show.deleted' then greatest(v_marked, v_told_at) end) is true);
    steps := steps || v_host.steps;

    select b.event_id into v_before from app.platform_bookings as b
     where b.organization_id = process_calendly.organization_id and b.provider = 'calendly' and b.booking_id = v_follows;
    if v_before is null then
        select b.event_id into v_before from app.platform_bookings as b
         where b.organization_id = process_calendly.organization_id and b.provider = 'calendly'
           and b.followed_by_booking_id = v_invitee
         order by b.told_at, b.id
         limit 1;
    end if;
    if v_before is not null then
        v_settled := app.settle_booking(organization_id, v_before);
        v_booked.changed := v_booked.changed or v_settled.changed;
        steps := steps || v_settled.steps;
    elsif v_follows is not null then
        steps := steps || app.step('reschedule', 'waits', 'the booking that this one replaces has not arrived yet');
    end if;
    v_settled := app.settle_booking(organization_id, event_id);
    steps := steps || v_settled.steps;
    perform app.review_booking_people(organization_id, event_id, v_hosts, v_told_at);
    select e.lead_id into lead_id from app.events as e
     where e.organization_id = process_calendly.organization_id and e.id = process_calendly.event_id;
    status := case when v_booked.changed or v_host.changed or v_settled.changed then 'processed' else 'ignored' end;
end;
$$;
comment on function ingest.process_calendly(uuid, uuid, text, boolean, jsonb) is 'Carry out one verified delivery of Calendly.';

-- ingest.process_calendly_routing: a submitted routing form is a touch of the lead whose address or number is among the answers.
-- Without either nobody can be known by it: it is kept, and says so. Raises PT422 when the answers fit more than one lead.
create or replace function ingest.process_calendly_routing(
    organization_id uuid, payload jsonb, told_at timestamptz, out status text, out steps jsonb, out lead_id uuid
) returns record
language plpgsql volatile set search_path = '' as $$
declare
    v_answers constant jsonb := ingest.calendly_answers(payload);
    v_utm     constant jsonb := ingest.calendly_utm(payload);
    v_email   constant text := (
        select ingest.calendly_address(a.value ->> 'answer')
          from jsonb_array_elements(v_answers) with ordinality as a (value, ordinal)
         where ingest.calendly_address(a.value ->> 'answer') is not null
         order by a.value ->> 'question' !~* 'e-?mail', a.ordinal limit 1);
    v_phone   constant text := ingest.calendly_phone(payload, v_answers);
    v_name    constant text := (
        select left(a.value ->> 'answer', 200)
          from jsonb_array_elements(v_answers) with ordinality as a (value, ordinal)
         where a.value ->> 'question' ~* '^\s*(your |full |your full )?name\M' order by a.ordinal limit 1);
begin
    status := 'processed';
    if v_email is null and v_phone is null then
        steps := jsonb_build_array(app.step('lead', 'nobody', 'no answer is an address or a number, so nobody can be known by it'));
        return;
    end if;
    lead_id := app.identify_lead(organization_id, v_email, v_phone, v_name);
    if lead_id is null then
        raise exception using errcode = 'PT422', message = 'The answers fit more than one lead.',
            detail = format('Leads %s.', array_to_string(app.leads_of_identities(organization_id, v_email, v_phone), ', ')),
            hint = 'Merge the leads, then replay the delivery.';
    end if;
    insert into app.lead_touches (
        organization_id, lead_id, channel, occurred_at, utm_source, utm_medium, utm_campaign, utm_term, utm_content, external_id,
        details)
    values (
        process_calendly_routing.organization_id, process_calendly_routing.lead_id, 'calendly_routing_form',
        coalesce(app.json_instant(payload -> 'created_at'), told_at, now()), v_utm ->> 'utm_source', v_utm ->> 'utm_medium',
        v_utm ->> 'utm_campaign', v_utm ->> 'utm_term', v_utm ->> 'utm_content', left(app.json_text(payload -> 'uri'), 300),
        jsonb_build_object('answers', v_answers))
    on conflict on constraint lead_touches_external_id_key do nothing;
    status := case when found then 'processed' else 'ignored' end;
    steps := jsonb_build_array(app.step('touch', case status when 'processed' then 'kept' else 'known' end,
                                        'a routing form was submitted'));
end;
$$;
comment on function ingest.process_calendly_routing(uuid, jsonb, timestamptz) is
    'A submitted routing form is a touch of the lead among its answers.';

-- ingest.calendly_candidates: the connections that an unverified body proposes: those of organizations that have one of its hosts
-- as a closer. At most 20; which of them it is, the signing key decides.
-- Callers:  the gateway, for the URL that names no connection.
-- Definer:  the gateway has no rights on tables; it learns ids, which open nothing.
create or replace function ingest.calendly_candidates(body jsonb) returns setof uuid
language sql stable security definer rows 1 set search_path = '' as $$
    select c.id
      from ingest.calendly_hosts(app.json_object(body -> 'payload')) as h
      join app.webhook_connections as c on c.connection_type = 'calendly' and c.is_active and c.deleted_at is null
      join app.organizations as o on o.id = c.organization_id and o.deleted_at is null and o.suspended_at is null
     where exists (select from app.closers as k
                    where k.organization_id = c.organization_id and k.email_norm = any (h.emails))
        or exists (select from app.closers as k
                    where k.organization_id = c.organization_id and k.calendly_user_uri = any (h.user_uris))
     order by c.id
     limit 20;
$$;
comment on function ingest.calendly_candidates(jsonb) is 'The connections that the hosts in an unverified body propose.';
grant execute on function ingest.calendly_candidates(jsonb) to gateway;
