-- What admins do to calls by hand: book them, change them, hand them to somebody else.
-- Internal: nobody but the owner may call these; the functions of the API check who is asking.

-- app.note_reason: why somebody does this, where they need not say. What is said the audit trail keeps.
create or replace function app.note_reason(reason text) returns void
language plpgsql volatile set search_path = '' as $$
begin
    if btrim(note_reason.reason) <> '' then
        perform app.require_reason(note_reason.reason);
    end if;
end;
$$;
comment on function app.note_reason(text) is 'Why somebody does this, for the audit trail; nothing for none.';

-- app.require_call_references: what a call is to refer to exists in its organization; an archived entry cannot be chosen anew.
-- Raises PT404, naming in DETAIL the first that does not, and PT422 for an archived one.
create or replace function app.require_call_references(
    organization_id uuid, closer_id uuid, setter_id uuid, source_id uuid, traffic_type_id uuid, call_type_id uuid,
    known app.events default null
) returns void
language plpgsql stable set search_path = '' as $$
declare
    v_entry record;
begin
    for v_entry in
        select g.what, g.id, f.id is not null as exists_here, f.archived_at
          from (values (1, 'closer', closer_id, known.closer_id), (2, 'setter', setter_id, known.setter_id),
                       (3, 'source', source_id, known.source_id), (4, 'traffic type', traffic_type_id, known.traffic_type_id),
                       (5, 'call type', call_type_id, known.call_type_id)) as g (position, what, id, known_id)
          left join lateral (
            select c.id, null::timestamptz as archived_at from app.closers as c
             where g.what = 'closer' and c.organization_id = require_call_references.organization_id and c.id = g.id
            union all
            select s.id, null from app.setters as s
             where g.what = 'setter' and s.organization_id = require_call_references.organization_id and s.id = g.id
            union all
            select s.id, s.archived_at from app.sources as s
             where g.what = 'source' and s.organization_id = require_call_references.organization_id and s.id = g.id
            union all
            select t.id, t.archived_at from app.traffic_types as t
             where g.what = 'traffic type' and t.organization_id = require_call_references.organization_id and t.id = g.id
            union all
            select t.id, t.archived_at from app.call_types as t
             where g.what = 'call type' and t.organization_id = require_call_references.organization_id and t.id = g.id
           ) as f on true
         where g.id is not null and g.id is distinct from g.known_id
         order by g.position
    loop
        if not v_entry.exists_here then
            raise exception using errcode = 'PT404', message = 'The call refers to something that is not there.',
                detail = format('There is no %s %s in this organization.', v_entry.what, v_entry.id);
        elsif v_entry.archived_at is not null then
            raise exception using errcode = 'PT422', message = 'This entry was archived.',
                detail = format('The %s %s was archived at %s.', v_entry.what, v_entry.id, v_entry.archived_at),
                hint = 'Choose another one, or take it out of the archive.';
        end if;
    end loop;
end;
$$;
comment on function app.require_call_references(uuid, uuid, uuid, uuid, uuid, uuid, app.events) is
    'What a call is to refer to exists in its organization.';

-- app.require_moment: an instant at which a call can take place. Raises PT422.
create or replace function app.require_moment(at timestamptz) returns timestamptz
language plpgsql immutable set search_path = '' as $$
begin
    if require_moment.at between '1970-01-01 00:00:00+00' and '2199-12-31 00:00:00+00' then
        return require_moment.at;
    end if;
    raise exception using errcode = 'PT422', message = 'A call takes place at a time.',
        detail = format('%s was given.', coalesce(require_moment.at::text, 'Nothing')),
        hint = 'Give the time with its zone, for example 2026-03-10T15:00:00Z.';
end;
$$;
comment on function app.require_moment(timestamptz) is 'An instant at which a call can take place, else PT422.';

-- app.chosen_lead: the lead that a person names, by id or by what it is known by; NULL when nobody is known by it yet.
-- Identities are checked as they are stored. Raises PT404 and PT409 for a lead that is none (any more), PT409 when several are
-- known by what was given, PT422 for nothing, for both, and for what nobody can be known by.
create or replace function app.chosen_lead(organization_id uuid, lead_id uuid, email text, phone text, identities jsonb default '{}')
returns uuid
language plpgsql stable set search_path = '' as $$
declare
    v_identity record;
    v_known    boolean := false;
    v_leads    uuid[];
begin
    if jsonb_typeof(coalesce(chosen_lead.identities, '{}')) <> 'object' then
        raise exception using errcode = 'PT422', message = 'Identities are a JSON object.',
            hint = 'Send {"ghl_contact": "..."}, for example.';
    end if;
    for v_identity in
        select i.kind, i.value
          from (values ('email', nullif(btrim(chosen_lead.email), '')), ('phone', nullif(btrim(chosen_lead.phone), ''))) as i (kind, value)
         where i.value is not null
        union all
        select e.key, e.value from jsonb_each_text(coalesce(chosen_lead.identities, '{}')) as e
    loop
        perform app.identity_value(v_identity.kind, v_identity.value);
        v_known := true;
    end loop;
    if chosen_lead.lead_id is not null and v_known or chosen_lead.lead_id is null and not v_known then
        raise exception using errcode = 'PT422', message = 'Say which lead it is.',
            hint = 'Pass lead_id, or what the lead is known by: email, phone.';
    elsif chosen_lead.lead_id is not null then
        return (app.require_own_lead(chosen_lead.organization_id, chosen_lead.lead_id)).id;
    end if;
    v_leads := app.leads_of_identities(
        chosen_lead.organization_id, chosen_lead.email, chosen_lead.phone, coalesce(chosen_lead.identities, '{}'));
    if cardinality(v_leads) > 1 then
        raise exception using errcode = 'PT409', message = 'Several leads are known by this.',
            detail = format('They are %s.', array_to_string(v_leads, ', ')),
            hint = 'Merge them if they are one person, or name the one that is meant.';
    end if;
    return v_leads[1];
end;
$$;
comment on function app.chosen_lead(uuid, uuid, text, text, jsonb) is 'The lead that a person names; NULL for one that is new.';

-- app.create_call: a call that a person books or writes down afterwards.
-- booked_at: now for a call to come; of one that is over nobody knows. external_id makes it idempotent: asked again, the
-- call of the first time is answered.
-- Raises as app.chosen_lead and app.require_call_references; PT409 for an external_id that a call at another time has.
create or replace function app.create_call(
    organization_id uuid, scheduled_at timestamptz, scheduled_end_at timestamptz, booked_at timestamptz, lead_id uuid, email text,
    phone text, full_name text, closer_id uuid, setter_id uuid, source_id uuid, traffic_type_id uuid, call_type_id uuid,
    notes text, external_id text
) returns uuid
language plpgsql volatile set search_path = '' as $$
declare
    v_at          constant timestamptz := app.require_moment(create_call.scheduled_at);
    v_external_id constant text := nullif(btrim(create_call.external_id), '');
    v_lead_id     uuid;
    v_old         app.events;
begin
    select e.* into v_old from app.events as e
     where e.organization_id = create_call.organization_id and e.provider = 'manual' and e.provider_booking_id = v_external_id;
    if found then
        if v_old.scheduled_at <> v_at or v_old.deleted_at is not null then
            raise exception using errcode = 'PT409', message = 'Another call was booked with this external id.',
                detail = format('Call %s at %s%s.', v_old.id, v_old.scheduled_at,
                                case when v_old.deleted_at is not null then ', deleted' end),
                hint = 'Use an external id of its own for each call.';
        end if;
        return v_old.id;
    end if;
    perform app.require_call_references(
        create_call.organization_id, create_call.closer_id, create_call.setter_id, create_call.source_id,
        create_call.traffic_type_id, create_call.call_type_id);
    v_lead_id := app.chosen_lead(create_call.organization_id, create_call.lead_id, create_call.email, create_call.phone);
    return app.book_call(
        create_call.organization_id, v_at,
        booked_at => case when create_call.booked_at is not null then app.require_past(create_call.booked_at)
                          when v_at > now() then now() end,
        scheduled_end_at => create_call.scheduled_end_at, lead_id => create_call.lead_id,
        email => nullif(btrim(create_call.email), ''), phone => nullif(btrim(create_call.phone), ''),
        full_name => nullif(btrim(create_call.full_name), ''), closer_id => create_call.closer_id,
        setter_id => create_call.setter_id, source_id => create_call.source_id, traffic_type_id => create_call.traffic_type_id,
        call_type_id => create_call.call_type_id, provider_booking_id => v_external_id, notes => create_call.notes,
        actor => 'person');
end;
$$;
comment on function app.create_call(
    uuid, timestamptz, timestamptz, timestamptz, uuid, text, text, text, uuid, uuid, uuid, uuid, uuid, text, text) is
    'A call that a person books or writes down afterwards; answers it.';

-- app.call_change_errors: fields of a change that do not exist or hold no such value, each with a sentence.
create or replace function app.call_change_errors(changes jsonb) returns jsonb
language sql immutable
begin atomic
    select coalesce(jsonb_object_agg(left(p.key, 60), p.sentence) filter (where p.sentence is not null), '{}')
      from (select c.key, case
                when c.key in ('closer_id', 'setter_id', 'source_id', 'traffic_type_id', 'call_type_id', 'lead_id') then
                    case when jsonb_typeof(c.value) = 'null' and c.key <> 'lead_id' then null
                         when jsonb_typeof(c.value) <> 'string' or not pg_input_is_valid(c.value #>> '{}', 'uuid')
                             then case c.key when 'lead_id' then 'Give the id of a lead.' else 'Give an id, or null for nobody and nothing.' end end
                when c.key in ('scheduled_at', 'scheduled_end_at') then
                    case when jsonb_typeof(c.value) <> 'string' or not pg_input_is_valid(c.value #>> '{}', 'timestamptz')
                             then 'Give a time with its zone, for example 2026-03-10T15:00:00Z.' end
                when c.key = 'notes' then
                    case when jsonb_typeof(c.value) not in ('string', 'null') or length(c.value #>> '{}') > 10000
                             then 'Give a text of at most 10000 characters.' end
                else 'Nothing of this name can be changed.' end as sentence
              from jsonb_each(case jsonb_typeof(call_change_errors.changes) when 'object' then call_change_errors.changes else '{}' end) as c) as p;
end;
comment on function app.call_change_errors(jsonb) is 'Fields of a change that cannot be used, each with a sentence.';

-- app.change_call: a person changes the time, people, type or notes of a call. changes: a JSON object of the fields that change.
-- Another lead is the lead of the whole chain, and the money that its forms claim goes with it.
-- Raises PT404; PT422 with DETAIL a JSON object of field and sentence; PT409 for the time of a call that is not scheduled.
create or replace function app.change_call(organization_id uuid, event_id uuid, changes jsonb) returns void
language plpgsql volatile set search_path = '' as $$
declare
    v_old    constant app.events := app.lock_event(change_call.organization_id, change_call.event_id);
    v_errors constant jsonb := app.call_change_errors(change_call.changes);
    v_new    app.events;
begin
    if jsonb_typeof(change_call.changes) is distinct from 'object' or change_call.changes = '{}' then
        raise exception using errcode = 'PT422', message = 'Say what changes.',
            hint = 'Send a JSON object, for example {"closer_id": "..."}.';
    elsif v_errors <> '{}' then
        raise exception using errcode = 'PT422', message = 'Some changes cannot be made.',
            detail = v_errors::text, hint = 'DETAIL names each field and what is wrong with it.';
    end if;
    v_new := jsonb_populate_record(v_old, change_call.changes);
    perform app.require_moment(v_new.scheduled_at), app.require_moment(v_new.scheduled_end_at);
    perform app.require_call_references(
        v_old.organization_id, v_new.closer_id, v_new.setter_id, v_new.source_id, v_new.traffic_type_id, v_new.call_type_id, v_old);
    if v_new.lead_id is distinct from v_old.lead_id then
        perform app.require_own_lead(v_old.organization_id, v_new.lead_id);
    end if;

    update app.events as e
       set scheduled_at = v_new.scheduled_at, scheduled_end_at = v_new.scheduled_end_at, closer_id = v_new.closer_id,
           setter_id = v_new.setter_id, source_id = v_new.source_id, traffic_type_id = v_new.traffic_type_id,
           call_type_id = v_new.call_type_id, notes = v_new.notes
     where e.organization_id = v_old.organization_id and e.id = v_old.id
       and (e.scheduled_at, e.scheduled_end_at, e.closer_id, e.setter_id, e.source_id, e.traffic_type_id, e.call_type_id, e.notes)
           is distinct from
           (v_new.scheduled_at, v_new.scheduled_end_at, v_new.closer_id, v_new.setter_id, v_new.source_id, v_new.traffic_type_id,
            v_new.call_type_id, v_new.notes);
    if v_new.lead_id is distinct from v_old.lead_id then
        perform app.give_call_to_lead(v_old, v_new.lead_id);
    end if;
    if (v_new.lead_id, v_new.setter_id, v_new.source_id, v_new.traffic_type_id)
       is distinct from (v_old.lead_id, v_old.setter_id, v_old.source_id, v_old.traffic_type_id) then
        perform app.teach_lead(v_old.organization_id, v_old.id);
    end if;
end;
$$;
comment on function app.change_call(uuid, uuid, jsonb) is 'A person changes the time, people, type or notes of a call.';

-- app.give_call_to_lead: the calls of this one's chain are another lead's, with the money that their forms claim.
create or replace function app.give_call_to_lead(event app.events, lead_id uuid) returns void
language plpgsql volatile set search_path = '' as $$
begin
    update app.events as e set lead_id = give_call_to_lead.lead_id
     where e.organization_id = event.organization_id and e.root_event_id = event.root_event_id
       and e.lead_id is not distinct from event.lead_id;
    perform app.record_claim(f.organization_id, f.id)
       from app.events as e
       join app.post_call_forms as f on f.organization_id = e.organization_id and f.event_id = e.id and f.is_active
      where e.organization_id = event.organization_id and e.root_event_id = event.root_event_id
        and e.lead_id = give_call_to_lead.lead_id and f.cash_collected > 0;
    perform app.settle_deals(event.organization_id, event.lead_id);
    perform app.resolve_exception(event.organization_id, 'ambiguous_lead', e.id::text)
       from app.events as e
      where e.organization_id = event.organization_id and e.root_event_id = event.root_event_id;
end;
$$;
comment on function app.give_call_to_lead(app.events, uuid) is 'The calls of a chain are another lead''s.';

-- app.require_counting_call: the call, locked, if it counts itself. Raises PT404, and PT409 for a duplicate.
create or replace function app.require_counting_call(organization_id uuid, event_id uuid) returns app.events
language plpgsql volatile set search_path = '' as $$
declare
    v_event constant app.events := app.lock_event(require_counting_call.organization_id, require_counting_call.event_id);
begin
    if v_event.duplicate_of_id is not null then
        raise exception using errcode = 'PT409', message = 'This call is a duplicate.',
            detail = format('It is the same booking as call %s.', v_event.duplicate_of_id),
            hint = 'Act on that call, or take the mark away with rpc/unmark_duplicate.';
    end if;
    return v_event;
end;
$$;
comment on function app.require_counting_call(uuid, uuid) is 'The call, locked; PT409 for a duplicate.';

-- app.move_call_by_hand: a person moves a call to another time: a new booking, or one that is there already, takes its place.
-- What is not given stays what it was: closer, call type, length. Answers the successor.
-- Raises PT409 for a call that cannot be rescheduled, PT422 for both or neither of time and successor, and for a successor of
-- somebody else.
create or replace function app.move_call_by_hand(
    organization_id uuid, event_id uuid, scheduled_at timestamptz, scheduled_end_at timestamptz, closer_id uuid, call_type_id uuid,
    successor_id uuid, notes text
) returns uuid
language plpgsql volatile set search_path = '' as $$
declare
    v_old  constant app.events := app.require_counting_call(move_call_by_hand.organization_id, move_call_by_hand.event_id);
    v_next app.events;
    v_at   timestamptz;
begin
    if num_nonnulls(move_call_by_hand.scheduled_at, move_call_by_hand.successor_id) <> 1 then
        raise exception using errcode = 'PT422', message = 'Say when the call takes place instead.',
            hint = 'Pass scheduled_at for a new booking, or successor_id for one that is there.';
    elsif move_call_by_hand.successor_id is not null then
        v_next := app.require_counting_call(v_old.organization_id, move_call_by_hand.successor_id);
        if v_next.lead_id is distinct from v_old.lead_id or v_next.id = v_old.id then
            raise exception using errcode = 'PT422', message = 'A call is followed by another call of the same lead.',
                detail = format('Lead of the call: %s; lead of the successor: %s.',
                                coalesce(v_old.lead_id::text, 'none'), coalesce(v_next.lead_id::text, 'none')),
                hint = 'Choose the lead of the call with rpc/update_event first, or merge the leads.';
        end if;
        perform from app.reschedule_call(v_old.organization_id, v_old.id, v_next.id, now());
        return v_next.id;
    end if;
    v_at := app.require_moment(move_call_by_hand.scheduled_at);
    perform app.require_call_references(
        v_old.organization_id, move_call_by_hand.closer_id, null, null, null, move_call_by_hand.call_type_id, v_old);
    return app.book_call(
        v_old.organization_id, v_at, booked_at => now(),
        scheduled_end_at => coalesce(move_call_by_hand.scheduled_end_at, v_at + (v_old.scheduled_end_at - v_old.scheduled_at)),
        lead_id => v_old.lead_id, email => v_old.lead_email, phone => v_old.lead_phone, full_name => v_old.lead_name,
        closer_id => coalesce(move_call_by_hand.closer_id, v_old.closer_id),
        call_type_id => coalesce(move_call_by_hand.call_type_id, v_old.call_type_id),
        rescheduled_from_id => v_old.id, notes => move_call_by_hand.notes, actor => 'person');
end;
$$;
comment on function app.move_call_by_hand(uuid, uuid, timestamptz, timestamptz, uuid, uuid, uuid, text) is
    'A person moves a call to another time; answers the successor.';

-- app.calls_to_hand_over: the scheduled calls of a closer on these local days; NULL: every day.
create or replace function app.calls_to_hand_over(organization_id uuid, closer_id uuid, start_date date, end_date date) returns uuid[]
language plpgsql stable set search_path = '' as $$
begin
    return array(
        select e.id
          from app.organizations as o
          join app.events as e on e.organization_id = o.id
         where o.id = calls_to_hand_over.organization_id and e.closer_id = calls_to_hand_over.closer_id
           and e.call_status = 'scheduled' and e.deleted_at is null
           and (calls_to_hand_over.start_date is null
                or e.scheduled_at >= app.day_start(calls_to_hand_over.start_date, o.timezone))
           and (calls_to_hand_over.end_date is null
                or e.scheduled_at < app.day_start(calls_to_hand_over.end_date + 1, o.timezone))
         order by e.id);
end;
$$;
comment on function app.calls_to_hand_over(uuid, uuid, date, date) is 'The scheduled calls of a closer on these local days.';

-- app.hand_over_calls: these calls are another closer's, in one statement. One row per id: whether it changed, and why not.
-- Who a form says took a call keeps its credit.
create or replace function app.hand_over_calls(organization_id uuid, event_ids uuid[], to_closer_id uuid)
returns table (event_id uuid, is_done boolean, because text)
language sql volatile set search_path = '' as $$
    with asked as (
        select distinct i.id from unnest(hand_over_calls.event_ids) as i (id)
    ), found as (
        select e.id, e.closer_id, e.credited_closer_id
          from app.events as e
         where e.organization_id = hand_over_calls.organization_id and e.id = any (hand_over_calls.event_ids)
           and e.deleted_at is null
         order by e.id
           for no key update
    ), moved as (
        update app.events as e set closer_id = hand_over_calls.to_closer_id
          from found as f
         where e.organization_id = hand_over_calls.organization_id and e.id = f.id
           and f.closer_id is distinct from hand_over_calls.to_closer_id
        returning e.id
    )
    select a.id, m.id is not null,
           case when f.id is null then 'There is no such call in this organization.'
                when m.id is null then 'It is this closer''s already.'
                when p.id is not null then 'It is the new closer''s; credit stays with who took it.'
                else 'It is the new closer''s.' end
      from asked as a
      left join found as f on f.id = a.id
      left join moved as m on m.id = a.id
      left join app.post_call_forms as p
        on p.organization_id = hand_over_calls.organization_id and p.event_id = m.id and p.is_active and p.is_human
       and p.closer_id is not null
     order by a.id;
$$;
comment on function app.hand_over_calls(uuid, uuid[], uuid) is 'These calls are another closer''s; one row per id.';

-- app.upsert_lead: the lead that is known by what is given, made when nobody is; what is given it then is.
-- Answers the lead. Raises as app.chosen_lead, and PT409 for an e-mail or number of another lead.
create or replace function app.upsert_lead(
    organization_id uuid, lead_id uuid, email text, phone text, full_name text, identities jsonb, source_id uuid,
    traffic_type_id uuid, current_setter_id uuid, is_test boolean
) returns uuid
language plpgsql volatile set search_path = '' as $$
declare
    v_email   constant text := nullif(btrim(upsert_lead.email), '');
    v_phone   constant text := nullif(btrim(upsert_lead.phone), '');
    v_known   constant jsonb := coalesce(upsert_lead.identities, '{}');
    v_lead_id uuid := upsert_lead.lead_id;
    v_others  uuid[];
    v_is_new  boolean;
begin
    perform app.require_call_references(
        upsert_lead.organization_id, null, upsert_lead.current_setter_id, upsert_lead.source_id, upsert_lead.traffic_type_id, null);
    if v_lead_id is not null then
        perform app.require_own_lead(upsert_lead.organization_id, v_lead_id);
        v_is_new := false;
        -- Checked as whoever is known by them is found, and nobody else may be.
        if coalesce(v_email, v_phone) is not null or v_known <> '{}' then
            v_others := array_remove(array[app.chosen_lead(upsert_lead.organization_id, null, v_email, v_phone, v_known)], v_lead_id);
        end if;
    else
        v_lead_id := app.chosen_lead(upsert_lead.organization_id, null, v_email, v_phone, v_known);
        v_is_new := v_lead_id is null;
        if v_is_new then
            v_lead_id := app.identify_lead(
                upsert_lead.organization_id, v_email, v_phone, nullif(btrim(upsert_lead.full_name), ''), v_known);
        end if;
    end if;
    v_others := array_remove(v_others, null);
    if v_lead_id is null or cardinality(v_others) > 0 then
        raise exception using errcode = 'PT409', message = 'Another lead is known by this.',
            detail = format('It belongs to lead %s.', coalesce(v_others[1]::text, 'that was made in this moment')),
            hint = 'Merge the leads if they are one person.';
    end if;
    perform app.lock_leads(upsert_lead.organization_id, array[v_lead_id]);
    perform app.give_identity(upsert_lead.organization_id, v_lead_id, i.kind, i.value)
       from app.lead_identity_values(v_email, v_phone, v_known) as i;
    if v_is_new and upsert_lead.current_setter_id is not null then
        -- Who brings a lead is its first setter.
        update app.leads as l
           set original_setter_id = s.id, original_setter_name = s.name
          from app.setters as s
         where l.organization_id = upsert_lead.organization_id and l.id = v_lead_id and l.original_setter_id is null
           and s.organization_id = l.organization_id and s.id = upsert_lead.current_setter_id;
    end if;
    update app.leads as l
       set full_name = w.full_name, email = w.email, phone = w.phone, source_id = w.source_id,
           traffic_type_id = w.traffic_type_id, current_setter_id = w.current_setter_id, is_test = w.is_test
      from (select o.id, coalesce(nullif(btrim(upsert_lead.full_name), ''), o.full_name) as full_name,
                   coalesce(v_email, o.email) as email, coalesce(v_phone, o.phone) as phone,
                   coalesce(upsert_lead.source_id, o.source_id) as source_id,
                   coalesce(upsert_lead.traffic_type_id, o.traffic_type_id) as traffic_type_id,
                   coalesce(upsert_lead.current_setter_id, o.current_setter_id) as current_setter_id,
                   coalesce(upsert_lead.is_test, o.is_test) as is_test
              from app.leads as o
             where o.organization_id = upsert_lead.organization_id and o.id = v_lead_id) as w
     where l.organization_id = upsert_lead.organization_id and l.id = w.id
       and (l.full_name, l.email, l.phone, l.source_id, l.traffic_type_id, l.current_setter_id, l.is_test)
           is distinct from (w.full_name, w.email, w.phone, w.source_id, w.traffic_type_id, w.current_setter_id, w.is_test);
    return v_lead_id;
end;
$$;
comment on function app.upsert_lead(uuid, uuid, text, text, text, jsonb, uuid, uuid, uuid, boolean) is
    'The lead that is known by what is given, made when nobody is; answers it.';
