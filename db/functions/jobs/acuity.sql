-- The worker's part of Acuity's appointments: with which key to ask for one, and what it means for the calls.
-- All are definers: the worker has no rights on tables; the organization is the run's own.

-- jobs.acuity_appointment: what a run is to fetch, and the sealed key to fetch it with, NULL where nobody has set one.
-- Callers:  the worker that has the run. No row when it no longer has it; is_in_use is false for a deleted connection.
create or replace function jobs.acuity_appointment(organization_id uuid, id uuid, worker_id text, attempt integer)
returns table (connection_id uuid, appointment_id text, api_key bytea, is_in_use boolean)
language sql stable security definer rows 1 set search_path = '' as $$
    select c.id, r.parameters ->> 'appointment_id', c.api_key, c.deleted_at is null
      from app.sync_runs as r
      join app.webhook_connections as c
        on c.organization_id = r.organization_id and c.id = (r.parameters ->> 'connection_id')::uuid
     where r.organization_id = acuity_appointment.organization_id and r.id = acuity_appointment.id
       and r.kind = 'fetch-acuity-appointment' and r.state = 'running'
       and r.claimed_by = acuity_appointment.worker_id and r.attempts = acuity_appointment.attempt;
$$;
comment on function jobs.acuity_appointment(uuid, uuid, text, integer) is 'What a run is to fetch from Acuity, and the sealed key.';
grant execute on function jobs.acuity_appointment(uuid, uuid, text, integer) to worker;

-- app.acuity_flag: yes or no, however it is written; NULL when it is not said.
create or replace function app.acuity_flag(field jsonb) returns boolean
language sql immutable parallel safe
return case lower(field #>> '{}') when 'true' then true when 'yes' then true when 'false' then false when 'no' then false end;
comment on function app.acuity_flag(jsonb) is 'A boolean that may be written as text; NULL when it is not said.';

-- app.acuity_answers: the answers of all forms, as calls keep them.
create or replace function app.acuity_answers(appointment jsonb) returns jsonb
language sql immutable
begin atomic
    select coalesce(jsonb_agg(jsonb_build_object('question', v.value ->> 'name', 'answer', v.value ->> 'value')
                              order by f.ordinality, v.ordinality), '[]')
      from jsonb_array_elements(app.json_array(acuity_answers.appointment -> 'forms')) with ordinality as f
     cross join jsonb_array_elements(app.json_array(f.value -> 'values')) with ordinality as v
     where app.json_text(v.value -> 'value') is not null and app.json_text(v.value -> 'name') is not null;
end;
comment on function app.acuity_answers(jsonb) is 'The answers of an appointment''s forms: question and answer.';

-- app.require_acuity_time: when an appointment starts. PT422 for an answer that is not this appointment.
create or replace function app.require_acuity_time(appointment jsonb, appointment_id text) returns timestamptz
language plpgsql immutable set search_path = '' as $$
declare
    v_time constant timestamptz := app.json_instant(appointment -> 'datetime');
begin
    if app.json_id(appointment -> 'id') is distinct from appointment_id or v_time is null then
        raise exception using errcode = 'PT422', message = 'Acuity did not answer with the appointment.',
            detail = 'An appointment has the id that was asked for, and datetime.';
    end if;
    return v_time;
end;
$$;
comment on function app.require_acuity_time(jsonb, text) is 'When an appointment starts; PT422 when it is another one.';

-- jobs.record_acuity_appointment: what an appointment is like now becomes what its call is like.
-- appointment: Acuity's record; NULL when Acuity knows none with this id. calendar: the record of its calendar, or NULL.
-- Answers what it came to: booked, moved, canceled, no_show, unchanged or missing; NULL when this worker no longer has the run.
-- Guarantees: the same record again changes nothing. Acuity keeps an appointment's id when it moves, so a call moves too, and goes
--             to the closer of another calendar only when the calendar has changed: what an admin decided stays.
create or replace function jobs.record_acuity_appointment(
    organization_id uuid, id uuid, worker_id text, attempt integer, appointment jsonb, calendar jsonb default null,
    as_of timestamptz default now()
) returns text
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_run       app.sync_runs;
    v_told_at   timestamptz;
    v_id        text;
    v_call      app.events;
    v_event_id  uuid;
    v_what      text := 'unchanged';
begin
    select r.* into v_run from app.sync_runs as r
     where r.organization_id = record_acuity_appointment.organization_id and r.id = record_acuity_appointment.id
       and r.kind = 'fetch-acuity-appointment' and r.state = 'running'
       and r.claimed_by = record_acuity_appointment.worker_id and r.attempts = record_acuity_appointment.attempt
       for update;
    if not found then
        return null;
    end if;
    v_id := v_run.parameters ->> 'appointment_id';
    v_told_at := least((v_run.parameters ->> 'told_at')::timestamptz, record_acuity_appointment.as_of);
    select e.* into v_call from app.events as e
     where e.organization_id = v_run.organization_id and e.provider = 'acuity' and e.provider_booking_id = v_id
       for no key update;
    if appointment is null then
        return app.miss_acuity_appointment(v_run, v_call, v_told_at);
    end if;
    v_event_id := app.book_acuity_appointment(v_run, v_call, appointment, calendar, v_told_at);
    if v_call.id is null then
        v_what := 'booked';
    elsif v_call.scheduled_at <> (select e.scheduled_at from app.events as e
                                   where e.organization_id = v_run.organization_id and e.id = v_event_id) then
        v_what := 'moved';
    end if;
    return coalesce(app.end_acuity_appointment(v_run, v_event_id, appointment, v_told_at), v_what);
end;
$$;
comment on function jobs.record_acuity_appointment(uuid, uuid, text, integer, jsonb, jsonb, timestamptz) is
    'What an appointment is like now becomes what its call is like; NULL when this worker no longer has the run.';
grant execute on function jobs.record_acuity_appointment(uuid, uuid, text, integer, jsonb, jsonb, timestamptz) to worker;

-- app.book_acuity_appointment: the call of an appointment, booked or brought up to date: time, closer, type, lead and answers.
-- call: as it is known, or all NULL. Answers the call's id.
create or replace function app.book_acuity_appointment(
    run app.sync_runs, call app.events, appointment jsonb, calendar jsonb, told_at timestamptz
) returns uuid
language plpgsql volatile set search_path = '' as $$
declare
    v_id        constant text := run.parameters ->> 'appointment_id';
    v_starts_at constant timestamptz := app.require_acuity_time(appointment, v_id);
    v_minutes   constant integer := substring(appointment ->> 'duration' from '^[0-9]{1,4}$')::integer;
    v_host      constant text := left(app.json_id(appointment -> 'calendarID'), 100);
    v_hosts     constant text[] := array_remove(array[
        app.json_text(calendar -> 'email'), app.json_text(appointment -> 'calendar'), v_host], null);
    v_email     constant text := substring(app.json_text(appointment -> 'email') from '^[^@[:space:]]{1,100}@[^@[:space:]]{1,200}$');
    v_phone     constant text := left(app.json_text(appointment -> 'phone'), 50);
    v_name      constant text := left(nullif(concat_ws(
        ' ', app.json_text(appointment -> 'firstName'), app.json_text(appointment -> 'lastName')), ''), 200);
    v_answers   constant jsonb := app.acuity_answers(appointment);
    v_closer_id uuid;
    v_type_id   uuid;
    v_setter    record;
    v_lead_id   uuid;
    v_event_id  uuid;
begin
    select app.closer_known_as(run.organization_id, h.known_as) into v_closer_id
      from unnest(v_hosts) with ordinality as h (known_as, ordinal)
     where app.closer_known_as(run.organization_id, h.known_as) is not null
     order by h.ordinal limit 1;
    v_type_id := app.platform_call_type(
        run.organization_id, left(app.json_id(appointment -> 'appointmentTypeID'), 100),
        left(app.json_text(appointment -> 'type'), 200), v_minutes);
    select s.setter_id, s.setter_name into v_setter from app.booking_setter(run.organization_id, '{}', v_answers) as s;
    if call.call_status = 'no_show' and app.acuity_flag(appointment -> 'noShow') is false
       and app.acuity_flag(appointment -> 'canceled') is not true then
        perform from app.withdraw_no_show(run.organization_id, call.id, told_at);
    end if;

    if call.id is not null and call.lead_id is null then
        -- A booking by staff may have got an address since.
        v_lead_id := app.identify_lead(run.organization_id, v_email, v_phone, v_name);
    end if;
    v_event_id := app.book_call(
        run.organization_id, v_starts_at,
        booked_at => coalesce(
            app.json_instant(appointment -> 'datetimeCreated'), case run.parameters ->> 'action' when 'scheduled' then told_at end),
        scheduled_end_at => v_starts_at + make_interval(mins => nullif(v_minutes, 0)),
        email => v_email, phone => v_phone,
        full_name => v_name,
        closer_id => v_closer_id, setter_id => v_setter.setter_id, setter_name => v_setter.setter_name,
        call_type_id => v_type_id, provider => 'acuity', provider_booking_id => v_id, answers => v_answers);
    update app.events as e
       set provider_host_id = coalesce(v_host, e.provider_host_id),
           closer_id = case when e.provider_host_id <> v_host and e.call_status = 'scheduled' then v_closer_id
                            else coalesce(e.closer_id, v_closer_id) end,
           setter_id = coalesce(e.setter_id, v_setter.setter_id),
           call_type_id = coalesce(e.call_type_id, v_type_id),
           lead_id = coalesce(e.lead_id, v_lead_id),
           answers = v_answers
     where e.organization_id = run.organization_id and e.id = v_event_id
       and (e.provider_host_id is distinct from coalesce(v_host, e.provider_host_id)
            or e.closer_id is null and v_closer_id is not null or e.setter_id is null and v_setter.setter_id is not null
            or e.call_type_id is null and v_type_id is not null
            or e.lead_id is null and v_lead_id is not null or e.answers <> v_answers);

    perform app.review_booking_people(run.organization_id, v_event_id, v_hosts, told_at);
    if call.call_status in ('completed', 'no_show') and v_starts_at > call.scheduled_at
       and exists (select from app.events as e where e.organization_id = run.organization_id and e.id = v_event_id
                      and e.call_status <> 'scheduled') then
        perform app.record_exception(
            run.organization_id, 'rescheduled_after_outcome', v_event_id::text, 'warning', 'events', array[v_event_id],
            'Acuity moved a call that already has its outcome.',
            'If there will be a second call, add it by hand; if this one did not take place, correct its post-call form.',
            jsonb_build_object('scheduled_at', v_starts_at), as_of => told_at);
    end if;
    return v_event_id;
end;
$$;
comment on function app.book_acuity_appointment(app.sync_runs, app.events, jsonb, jsonb, timestamptz) is
    'The call of an appointment, booked or brought up to date.';

-- app.end_acuity_appointment: a canceled appointment ends its call. Acuity does not say by whom: until the start it is taken for
-- the invitee; later only staff can cancel, and they say so when the lead did not come.
-- Answers canceled or no_show; NULL when the appointment takes place, or nothing changed.
create or replace function app.end_acuity_appointment(run app.sync_runs, event_id uuid, appointment jsonb, told_at timestamptz)
returns text
language plpgsql volatile set search_path = '' as $$
declare
    v_call constant app.events := app.lock_event(run.organization_id, end_acuity_appointment.event_id, even_deleted => true);
begin
    if app.acuity_flag(appointment -> 'noShow') then
        return (select 'no_show' from app.report_no_show(run.organization_id, event_id, told_at) as r where r.changed);
    elsif coalesce(app.acuity_flag(appointment -> 'canceled'), run.parameters ->> 'action' = 'canceled') then
        return (select 'canceled' from app.cancel_call(
                    run.organization_id, event_id, case when told_at < v_call.scheduled_at then 'invitee' else 'host' end,
                    told_at, actor => 'vendor') as r where r.changed);
    end if;
    return null;
end;
$$;
comment on function app.end_acuity_appointment(app.sync_runs, uuid, jsonb, timestamptz) is 'A canceled appointment ends its call.';

-- app.miss_acuity_appointment: Acuity told of an appointment and knows none. A call that it told was canceled is; anything else
-- points to the key of another account.
create or replace function app.miss_acuity_appointment(run app.sync_runs, call app.events, told_at timestamptz) returns text
language plpgsql volatile set search_path = '' as $$
begin
    if call.id is not null and run.parameters ->> 'action' = 'canceled' then
        return coalesce(app.end_acuity_appointment(run, call.id, '{"canceled": true}', told_at), 'unchanged');
    end if;
    perform app.record_exception(
        run.organization_id, 'missing_appointment', run.parameters ->> 'connection_id', 'warning', 'webhook_connections',
        array[(run.parameters ->> 'connection_id')::uuid], 'Acuity told of an appointment and does not know it.',
        'Check that the API key of the connection belongs to the account that delivers.',
        jsonb_build_object('appointment_id', run.parameters ->> 'appointment_id'), as_of => told_at);
    return 'missing';
end;
$$;
comment on function app.miss_acuity_appointment(app.sync_runs, app.events, timestamptz) is
    'Acuity told of an appointment and knows none.';
