-- What Acuity tells us: that something about an appointment has changed, and nothing more. The worker asks what.
-- Internal: nobody but the owner may call these; ingest.record_deliveries does.

-- ingest.acuity_envelope: Acuity's deliveries have neither id nor time, and equal ones can each tell of a change, so the gateway
-- numbers them: none is ever taken for a duplicate. That one came twice costs a request at most.
create or replace function ingest.acuity_envelope(
    body jsonb, out id text, out event_type text, out occurred_at timestamptz, out livemode boolean
) returns record
language plpgsql immutable set search_path = '' as $$
begin
    id := coalesce(app.json_text(body -> 'delivery_id'), encode(sha256(convert_to(body::text, 'UTF8')), 'hex'));
    -- Hooks that were made through the API may write appointment.canceled for canceled.
    event_type := case when app.json_text(body -> 'id') is not null
        then regexp_replace(app.json_text(body -> 'action'), '^appointment\.', '') end;
    livemode := true;
end;
$$;
comment on function ingest.acuity_envelope(jsonb) is 'What a delivery of Acuity says about itself.';

-- ingest.process_acuity: a run of the worker fetches the appointment. One that still waits will see this change too, and is not
-- joined by another, unless this delivery alone says what kind of change it was.
-- Raises PT422 when the appointment's id is none.
create or replace function ingest.process_acuity(
    organization_id uuid, connection_id uuid, provider_account text, livemode boolean, body jsonb,
    out status text, out steps jsonb, out lead_id uuid, out event_id uuid, out payment_id uuid
) returns record
language plpgsql volatile set search_path = '' as $$
declare
    v_envelope       constant record := ingest.acuity_envelope(body);
    v_appointment_id constant text := app.json_text(body -> 'id');
    v_subject        constant text := connection_id || '/' || v_appointment_id;
    v_run_id         uuid;
begin
    status := 'processed';
    if not v_envelope.event_type = any (array['scheduled', 'rescheduled', 'canceled', 'changed']) then
        status := 'ignored';
        steps := jsonb_build_array(app.step('event', 'ignored', 'it is not about an appointment'));
        return;
    elsif v_appointment_id !~ '^[0-9]{1,18}$' then
        raise exception using errcode = 'PT422', message = 'The delivery lacks its appointment.',
            detail = 'The id of an appointment is a number.';
    end if;
    select e.id, e.lead_id into process_acuity.event_id, process_acuity.lead_id from app.events as e
     where e.organization_id = process_acuity.organization_id and e.provider = 'acuity'
       and e.provider_booking_id = v_appointment_id;

    select r.id into v_run_id from app.sync_runs as r
     where r.organization_id = process_acuity.organization_id and r.subject = v_subject
       and r.kind = 'fetch-acuity-appointment' and r.state = 'queued'
       and (r.parameters ->> 'action' = v_envelope.event_type or v_envelope.event_type = 'changed')
     limit 1;
    if v_run_id is not null then
        steps := jsonb_build_array(app.step('appointment', 'run ' || v_run_id, 'it was waiting to be fetched already'));
        return;
    end if;
    insert into app.sync_runs as r (organization_id, kind, subject, parameters, max_attempts)
    select process_acuity.organization_id, k.kind, v_subject, jsonb_build_object(
               'connection_id', process_acuity.connection_id, 'appointment_id', v_appointment_id,
               'action', v_envelope.event_type, 'told_at', coalesce((
                    select t.received_at from app.webhook_event_keys as t
                     where t.organization_id = process_acuity.organization_id and t.connection_id = process_acuity.connection_id
                       and t.provider_event_id = v_envelope.id), now())),
           k.max_attempts
      from app.job_kinds() as k where k.kind = 'fetch-acuity-appointment'
    returning r.id into v_run_id;
    steps := jsonb_build_array(app.step('appointment', 'run ' || v_run_id, 'a worker asks Acuity what it is like now'));
end;
$$;
comment on function ingest.process_acuity(uuid, uuid, text, boolean, jsonb) is 'Carry out one verified delivery of Acuity.';
