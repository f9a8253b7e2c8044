-- Deliveries: one call, one transaction, one answer each. Nothing acknowledged is lost, nothing counts twice.

-- ingest.envelope: what every provider's event says about itself. id: what duplicates are known by.
create or replace function ingest.envelope(
    provider text, body jsonb, out id text, out event_type text, out occurred_at timestamptz, out livemode boolean
) returns record
language plpgsql immutable set search_path = '' as $$
declare
    v_said record;
begin
    case provider
        when 'stripe' then v_said := ingest.stripe_envelope(body);
        when 'whop' then v_said := ingest.whop_envelope(body);
        when 'calendly' then select e.* into v_said from ingest.calendly_envelope(body) as e;
        when 'acuity' then v_said := ingest.acuity_envelope(body);
        when 'manychat' then v_said := ingest.manychat_envelope(body);
    end case;
    id := v_said.id;
    event_type := v_said.event_type;
    occurred_at := v_said.occurred_at;
    livemode := v_said.livemode;
end;
$$;
comment on function ingest.envelope(text, jsonb) is 'What an event says about itself, whoever sent it.';

-- ingest.process: carry out one event, by the rules of its provider.
create or replace function ingest.process(
    provider text, organization_id uuid, connection_id uuid, provider_account text, livemode boolean, body jsonb,
    out status text, out steps jsonb, out lead_id uuid, out event_id uuid, out payment_id uuid, out error text,
    out is_passing boolean
) returns record
language plpgsql volatile set search_path = '' as $$
declare
    v_done       record;
    v_state      text;
    v_message    text;
    v_detail     text;
    v_constraint text;
    v_context    text;
begin
    case provider
        when 'stripe' then
            v_done := ingest.process_stripe(organization_id, connection_id, provider_account, livemode, body);
        when 'whop' then
            v_done := ingest.process_whop(organization_id, connection_id, provider_account, livemode, body);
        when 'calendly' then
            v_done := ingest.process_calendly(organization_id, connection_id, provider_account, livemode, body);
        when 'acuity' then
            v_done := ingest.process_acuity(organization_id, connection_id, provider_account, livemode, body);
        when 'manychat' then
            v_done := ingest.process_manychat(organization_id, connection_id, provider_account, livemode, body);
    end case;
    status := v_done.status;
    steps := v_done.steps;
    lead_id := v_done.lead_id;
    event_id := v_done.event_id;
    payment_id := v_done.payment_id;
exception when others then
    -- Only what can hold nothing of the payload is kept: our own sentences, the names of constraints and functions.
    get stacked diagnostics v_state = returned_sqlstate, v_message = message_text, v_detail = pg_exception_detail,
        v_constraint = constraint_name, v_context = pg_exception_context;
    status := 'queued';
    lead_id := null;
    event_id := null;
    payment_id := null;
    error := case
        when v_state like 'PT%' then concat_ws(' ', v_message, v_detail)
        when v_constraint <> '' then format('Refused by %s (%s).', v_constraint, v_state)
        else format('Failed with %s in %s.', v_state, coalesce(substring(v_context from 'function ([a-z_.]+)\('), 'processing'))
    end;
    is_passing := left(v_state, 2) in ('40', '53', '55', '57');
    steps := jsonb_build_array(app.step('event', 'queued', error));
end;
$$;
comment on function ingest.process(text, uuid, uuid, text, boolean, jsonb) is
    'Carry out one event; a failure undoes it and answers queued, with an error that holds nothing of the payload.';

-- ingest.record_delivery: take in one verified delivery.
-- Answers processed, queued, ignored or duplicate, and the inbox row.
-- Raises PT404 when the connection is not in use, PT400 when the body is no event, PT429 over the limit; then nothing
-- is kept. Rows that senders share are touched last, so that nobody waits while a payment is processed.
-- Callers:  the gateway, after it has verified the signature over the raw bytes.
-- Definer:  the gateway has no rights on tables.
-- Plans:    made once in a session: every statement below finds its rows by key, whatever the values, and shall still do so
--           when a table has grown that was nearly empty then.
create or replace function ingest.record_delivery(
    organization_id uuid, connection_id uuid, body jsonb, received_at timestamptz default now(), is_late boolean default false,
    out status text, out webhook_event_id uuid
) returns record
language plpgsql volatile security definer set search_path = '' set plan_cache_mode = force_generic_plan
set enable_seqscan = off as $$
declare
    v_minute   constant timestamptz := date_trunc('minute', received_at, 'UTC');
    c          record;
    v_wait     numeric;
    v_envelope record;
    v_outcome  record;
begin
    select k.connection_type, k.provider_account, k.rate_limit_per_minute, coalesce(l.hits, 0) as hits,
           coalesce(b.hits, 0) as hits_before
      into c
      from app.webhook_connections as k
      join app.organizations as o on o.id = k.organization_id
      left join app.rate_limits as l
        on l.organization_id = k.organization_id and l.connection_id = k.id and l.window_start = v_minute
      left join app.rate_limits as b
        on b.organization_id = k.organization_id and b.connection_id = k.id and b.window_start = v_minute - interval '1 minute'
     where k.organization_id = record_delivery.organization_id and k.id = record_delivery.connection_id
       and k.is_active and k.deleted_at is null and o.deleted_at is null and o.suspended_at is null;
    if not found then
        raise exception using errcode = 'PT404', message = 'No such connection.';
    end if;
    v_wait := ingest.wait_for_limit(
        c.rate_limit_per_minute, c.hits_before, c.hits, extract(epoch from received_at - v_minute));
    if v_wait > 0 then
        perform ingest.refuse_over_limit(v_wait);
    end if;
    v_envelope := ingest.envelope(c.connection_type, body);
    if v_envelope.id is null or v_envelope.event_type is null or length(v_envelope.id) > 255 or length(v_envelope.event_type) > 255 then
        raise exception using errcode = 'PT400', message = 'The body is not an event.',
            detail = 'An event has an id and a type of at most 255 characters each.';
    end if;

    webhook_event_id := uuidv7();
    insert into app.webhook_event_keys (organization_id, connection_id, provider_event_id, webhook_event_id, received_at)
    values (record_delivery.organization_id, record_delivery.connection_id, v_envelope.id, record_delivery.webhook_event_id, record_delivery.received_at)
    on conflict on constraint webhook_event_keys_provider_event_id_key do nothing;
    if found then
        -- A deadlock with another delivery of the same lead lets go of what this one held: it may pass at once.
        for v_attempt in 1 .. 3 loop
            v_outcome := ingest.process(
                c.connection_type, organization_id, connection_id, c.provider_account, v_envelope.livemode, body);
            exit when v_outcome.is_passing is distinct from true;
        end loop;
        status := v_outcome.status;
        insert into app.webhook_events (
            organization_id, id, connection_id, provider, provider_event_id, event_type, livemode, occurred_at, received_at,
            is_late, body, status, next_attempt_at, processed_at, error, steps, lead_id, event_id, payment_id)
        values (
            record_delivery.organization_id, record_delivery.webhook_event_id, record_delivery.connection_id, c.connection_type,
            v_envelope.id, v_envelope.event_type, v_envelope.livemode, v_envelope.occurred_at, record_delivery.received_at,
            record_delivery.is_late, record_delivery.body, v_outcome.status,
            case v_outcome.status when 'queued' then record_delivery.received_at + app.back_off(1) end,
            case when v_outcome.status <> 'queued' then record_delivery.received_at end,
            v_outcome.error, v_outcome.steps, v_outcome.lead_id, v_outcome.event_id, v_outcome.payment_id);
        if status = 'queued' and not v_outcome.is_passing then
            perform app.report_failed_delivery(organization_id, webhook_event_id, false);
        end if;
    else
        status := 'duplicate';
        select k.webhook_event_id into webhook_event_id from app.webhook_event_keys as k
         where k.organization_id = record_delivery.organization_id and k.connection_id = record_delivery.connection_id
           and k.provider_event_id = v_envelope.id;
    end if;
    insert into app.connection_stats (organization_id, connection_id, received_at, accepted, duplicates, failed)
    values (record_delivery.organization_id, record_delivery.connection_id, record_delivery.received_at,
            (status <> 'duplicate')::integer, (status = 'duplicate')::integer, (status = 'queued')::integer);
    v_wait := ingest.take_from_limit(organization_id, connection_id, c.rate_limit_per_minute, c.hits_before, received_at);
    if v_wait > 0 then
        perform ingest.refuse_over_limit(v_wait);
    end if;
end;
$$;
comment on function ingest.record_delivery(uuid, uuid, jsonb, timestamptz, boolean) is 'Take in one verified delivery.';
grant execute on function ingest.record_delivery(uuid, uuid, jsonb, timestamptz, boolean) to gateway;
