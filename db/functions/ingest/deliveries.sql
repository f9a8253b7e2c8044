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

-- ingest.is_passing: what went wrong with this SQLSTATE may well go right in a moment: somebody was in the way, or there was no room.
create or replace function ingest.is_passing(failed_with text) returns boolean
language sql immutable parallel safe
return coalesce(left(failed_with, 2) in ('40', '53', '55', '57'), false);
comment on function ingest.is_passing(text) is 'What failed with this SQLSTATE may well succeed in a moment.';

-- ingest.process: carry out one delivery, by the rules of its provider. account: the provider's, as its connection names it.
create or replace function ingest.process(delivery app.webhook_events, account text) returns app.delivery_outcome
language plpgsql volatile set search_path = '' as $$
declare
    d            constant app.webhook_events := delivery;
    v_done       record;
    v_outcome    app.delivery_outcome;
    v_state      text;
    v_message    text;
    v_detail     text;
    v_constraint text;
    v_context    text;
begin
    case d.provider
        when 'stripe' then v_done := ingest.process_stripe(d.organization_id, d.connection_id, account, d.livemode, d.body);
        when 'whop' then v_done := ingest.process_whop(d.organization_id, d.connection_id, account, d.livemode, d.body);
        when 'calendly' then v_done := ingest.process_calendly(d.organization_id, d.connection_id, account, d.livemode, d.body);
        when 'acuity' then v_done := ingest.process_acuity(d.organization_id, d.connection_id, account, d.livemode, d.body);
        when 'manychat' then v_done := ingest.process_manychat(d.organization_id, d.connection_id, account, d.livemode, d.body);
    end case;
    v_outcome.status := v_done.status;
    v_outcome.steps := v_done.steps;
    v_outcome.lead_id := v_done.lead_id;
    v_outcome.event_id := v_done.event_id;
    v_outcome.payment_id := v_done.payment_id;
    return v_outcome;
exception when others then
    -- Only what can hold nothing of the payload is kept: our own sentences, the names of constraints and functions.
    get stacked diagnostics v_state = returned_sqlstate, v_message = message_text, v_detail = pg_exception_detail,
        v_constraint = constraint_name, v_context = pg_exception_context;
    v_outcome.status := 'queued';
    v_outcome.failed_with := v_state;
    v_outcome.error := case
        when v_state like 'PT%' then concat_ws(' ', v_message, v_detail)
        when v_constraint <> '' then format('Refused by %s (%s).', v_constraint, v_state)
        else format('Failed with %s in %s.', v_state, coalesce(substring(v_context from 'function ([a-z_.]+)\('), 'processing'))
    end;
    v_outcome.steps := jsonb_build_array(app.step('event', 'queued', v_outcome.error));
    return v_outcome;
end;
$$;
comment on function ingest.process(app.webhook_events, text) is
    'Carry out one delivery; a failure undoes it and answers queued, with an error that holds nothing of the payload.';

-- ingest.told_payment: the payment that a delivery tells of, when that is all there is to do; told is NULL for every other one.
create or replace function ingest.told_payment(delivery app.webhook_events, account text, out told app.payments, out steps jsonb)
returns record
language plpgsql stable set search_path = '' as $$
declare
    v_said record;
begin
    case delivery.provider
        when 'stripe' then
            v_said := ingest.stripe_told(delivery.organization_id, delivery.connection_id, account, delivery.livemode, delivery.body);
        when 'whop' then
            v_said := ingest.whop_told(delivery.organization_id, delivery.connection_id, delivery.livemode, delivery.body);
        else
            return;
    end case;
    told := v_said.told;
    steps := v_said.steps;
end;
$$;
comment on function ingest.told_payment(app.webhook_events, text) is
    'The payment that a delivery tells of, when that is all there is to do.';

-- ingest.process_deliveries: carry out deliveries, one or many; answers what became of each, in their order, as ingest.process does.
-- accounts: the provider's account of each. may_wait: whether they may wait for somebody else's lock; if not, 55P03 is raised as soon as
-- the time for it (lock_timeout) is over. If they may, whoever waited for so long is queued.
-- Of several, those that only tell of a payment are carried out as one set. When one of that set fails, and for all others, each is
-- carried out by itself, and nobody else fails with it. A deadlock with another transaction lets go of what one held: such a
-- one may pass at once.
create or replace function ingest.process_deliveries(
    deliveries app.webhook_events[], accounts text[], may_wait boolean default true
) returns app.delivery_outcome[]
language plpgsql volatile set search_path = '' as $$
declare
    v_said    record;
    v_told    app.payments[] := '{}';
    v_places  integer[] := '{}';
    v_none    constant app.delivery_outcome[] := array_fill(null::app.delivery_outcome, array[cardinality(deliveries)]);
    v_done    app.delivery_outcome[] := v_none;
    v_outcome app.delivery_outcome;
    v_written record;
begin
    if cardinality(deliveries) > 1 then
        begin
            for v_n in 1 .. cardinality(deliveries) loop
                v_said := ingest.told_payment(deliveries[v_n], accounts[v_n]);
                continue when (v_said.told).provider_payment_id is null;
                v_told := v_told || v_said.told;
                v_places := v_places || v_n;
                v_outcome.status := 'processed';
                v_outcome.steps := v_said.steps;
                v_done[v_n] := v_outcome;
            end loop;
            for v_written in
                select r.* from app.record_processor_payments(v_told) with ordinality as r where cardinality(v_told) > 0
            loop
                v_outcome := v_done[v_places[v_written.ordinality]];
                v_outcome.steps := v_outcome.steps || app.step('payment', v_written.what, v_written.because);
                v_outcome.lead_id := v_written.lead_id;
                v_outcome.event_id := v_written.event_id;
                v_outcome.payment_id := v_written.payment_id;
                v_done[v_places[v_written.ordinality]] := v_outcome;
            end loop;
        exception when others then
            -- Whichever it was fails again below, and says why; who waits for a lock waits without the others.
            if sqlstate = '55P03' and not may_wait then
                raise;
            end if;
            v_done := v_none;
        end;
    end if;

    for v_n in 1 .. cardinality(deliveries) loop
        continue when (v_done[v_n]).status is not null;
        for v_attempt in 1 .. 3 loop
            v_outcome := ingest.process(deliveries[v_n], accounts[v_n]);
            if not may_wait and ingest.is_passing(v_outcome.failed_with) then
                raise exception using errcode = '55P03', message = 'A delivery waits for somebody else.';
            end if;
            exit when left(v_outcome.failed_with, 2) is distinct from '40';
        end loop;
        v_done[v_n] := v_outcome;
    end loop;
    return v_done;
end;
$$;
comment on function ingest.process_deliveries(app.webhook_events[], text[], boolean) is
    'Carry out deliveries, as one set where they allow it; answers what became of each.';

-- ingest.record_deliveries: take in verified deliveries, all or none.
-- deliveries: [{"organization_id", "connection_id", "is_late", "body"}, ...], at least one.
-- may_wait: one that comes alone waits two seconds for somebody else's lock. Where it was about to change something, it is kept and
-- queued then: the worker tries it again, and nobody has to send it again.
-- Answers, in their order, processed, queued, ignored or duplicate, and the inbox row.
-- Raises PT404 when a connection is not in use, PT400 when a body is no event, PT429 over a limit; then nothing is kept.
-- Whoever sent several sends each of them again then, and so does who meets a lock for longer than a quarter of a second (55P03) when
-- there are several or when it may not wait.
-- Rows that senders share are touched last, so that nobody waits while a payment is processed.
-- Callers:  the gateway, after it has verified the signatures over the raw bytes.
-- Definer:  the gateway has no rights on tables.
-- Plans:    made once in a session: every statement below finds its rows by key, whatever the values, and shall still do so
--           when a table has grown that was nearly empty then.
create or replace function ingest.record_deliveries(
    deliveries jsonb, received_at timestamptz default now(), may_wait boolean default true
) returns table (status text, webhook_event_id uuid)
language plpgsql volatile security definer set search_path = '' set plan_cache_mode = force_generic_plan
set enable_seqscan = off set lock_timeout = '2s' as $$
declare
    v_minute   constant timestamptz := date_trunc('minute', received_at, 'UTC');
    v_may_wait constant boolean := record_deliveries.may_wait and jsonb_array_length(deliveries) = 1;
    v_at       record;
    v_wait     numeric;
    v_envelope record;
    d          app.webhook_events;
    v_given    app.webhook_events[] := '{}';
    v_limits   integer[] := '{}';
    v_before   integer[] := '{}';
    v_accounts text[] := '{}';
    v_new_ids  uuid[];
    v_new      app.webhook_events[] := '{}';
    v_new_of   text[] := '{}';
    v_done     app.delivery_outcome[];
begin
    if not v_may_wait then
        perform set_config('lock_timeout', '250ms', true);
    end if;
    for v_at in
        select g.organization_id, g.connection_id, g.is_late, g.body, k.connection_type, k.provider_account, k.rate_limit_per_minute,
               coalesce(k.hits, 0) + row_number() over (partition by g.organization_id, g.connection_id order by g.ordinality) - 1 as hits,
               coalesce(k.hits_before, 0) as hits_before
          from rows from (
                jsonb_to_recordset(deliveries) as (organization_id uuid, connection_id uuid, is_late boolean, body jsonb)
               ) with ordinality as g
          left join lateral (
            select c.connection_type, c.provider_account, c.rate_limit_per_minute,
                   (select l.hits from app.rate_limits as l
                     where l.organization_id = c.organization_id and l.connection_id = c.id and l.window_start = v_minute) as hits,
                   (select l.hits from app.rate_limits as l
                     where l.organization_id = c.organization_id and l.connection_id = c.id
                       and l.window_start = v_minute - interval '1 minute') as hits_before
              from app.webhook_connections as c
              join app.organizations as o on o.id = c.organization_id
             where c.organization_id = g.organization_id and c.id = g.connection_id
               and c.is_active and c.deleted_at is null and o.deleted_at is null and o.suspended_at is null
            offset 0 for key share of c) as k on true
         order by g.ordinality
    loop
        if v_at.connection_type is null then
            raise exception using errcode = 'PT404', message = 'No such connection.';
        end if;
        v_wait := ingest.wait_for_limit(
            v_at.rate_limit_per_minute, v_at.hits_before, v_at.hits::integer, extract(epoch from received_at - v_minute));
        if v_wait > 0 then
            perform ingest.refuse_over_limit(v_wait);
        end if;
        v_envelope := ingest.envelope(v_at.connection_type, v_at.body);
        if v_envelope.id is null or v_envelope.event_type is null or length(v_envelope.id) > 255 or length(v_envelope.event_type) > 255 then
            raise exception using errcode = 'PT400', message = 'The body is not an event.',
                detail = 'An event has an id and a type of at most 255 characters each.';
        end if;
        d.organization_id := v_at.organization_id;
        d.id := uuidv7();
        d.connection_id := v_at.connection_id;
        d.provider := v_at.connection_type;
        d.provider_event_id := v_envelope.id;
        d.event_type := v_envelope.event_type;
        d.livemode := v_envelope.livemode;
        d.occurred_at := v_envelope.occurred_at;
        d.is_late := v_at.is_late;
        d.body := v_at.body;
        v_given := v_given || d;
        v_accounts := v_accounts || v_at.provider_account;
        v_limits := v_limits || v_at.rate_limit_per_minute;
        v_before := v_before || v_at.hits_before;
    end loop;

    with made as (
        insert into app.webhook_event_keys as k (organization_id, connection_id, provider_event_id, webhook_event_id, received_at)
        select g.organization_id, g.connection_id, g.provider_event_id, g.id, record_deliveries.received_at
          from unnest(v_given) as g
         order by g.organization_id, g.connection_id, g.provider_event_id, g.id
        on conflict on constraint webhook_event_keys_provider_event_id_key do nothing
        returning k.webhook_event_id)
    select coalesce(array_agg(m.webhook_event_id), '{}') into v_new_ids from made as m;
    for v_n in 1 .. cardinality(v_given) loop
        if v_given[v_n].id = any (v_new_ids) then
            v_new := v_new || v_given[v_n];
            v_new_of := v_new_of || v_accounts[v_n];
        end if;
    end loop;

    if cardinality(v_new) > 0 then
        v_done := ingest.process_deliveries(v_new, v_new_of, v_may_wait);
        insert into app.webhook_events (
            organization_id, id, connection_id, provider, provider_event_id, event_type, livemode, occurred_at, received_at,
            is_late, body, status, next_attempt_at, processed_at, error, steps, lead_id, event_id, payment_id)
        select w.organization_id, w.id, w.connection_id, w.provider, w.provider_event_id, w.event_type, w.livemode, w.occurred_at,
               record_deliveries.received_at, w.is_late, w.body, o.status,
               case o.status when 'queued' then record_deliveries.received_at + app.back_off(1) end,
               case when o.status <> 'queued' then record_deliveries.received_at end,
               o.error, o.steps, o.lead_id, o.event_id, o.payment_id
          from unnest(v_new) with ordinality as w
          join unnest(v_done) with ordinality as o using (ordinality);
        for v_n in 1 .. cardinality(v_new) loop
            v_new[v_n].status := (v_done[v_n]).status;
            if (v_done[v_n]).status = 'queued' and not ingest.is_passing((v_done[v_n]).failed_with) then
                perform app.report_failed_delivery((v_new[v_n]).organization_id, (v_new[v_n]).id, false);
            end if;
        end loop;
    end if;
    return query
    with made as (
        select g.ordinality, coalesce(w.status, 'duplicate') as status, coalesce(w.id, k.webhook_event_id) as webhook_event_id,
               g.organization_id, g.connection_id
          from unnest(v_given) with ordinality as g
          left join unnest(v_new) as w on w.id = g.id
          left join lateral (
            select e.webhook_event_id from app.webhook_event_keys as e
             where w.id is null and e.organization_id = g.organization_id and e.connection_id = g.connection_id
               and e.provider_event_id = g.provider_event_id
            offset 0) as k on true
    ), counted as (
        insert into app.connection_stats (organization_id, connection_id, received_at, accepted, duplicates, failed)
        select m.organization_id, m.connection_id, record_deliveries.received_at, count(*) filter (where m.status <> 'duplicate'),
               count(*) filter (where m.status = 'duplicate'), count(*) filter (where m.status = 'queued')
          from made as m
         group by m.organization_id, m.connection_id
    )
    select m.status, m.webhook_event_id from made as m order by m.ordinality;
    select ingest.take_from_limits(array_agg(g.organization_id), array_agg(g.connection_id), v_limits, v_before,
                                   record_deliveries.received_at)
      into v_wait
      from unnest(v_given) as g;
    if v_wait > 0 then
        perform ingest.refuse_over_limit(v_wait);
    end if;
end;
$$;
comment on function ingest.record_deliveries(jsonb, timestamptz, boolean) is 'Take in verified deliveries, all or none.';
grant execute on function ingest.record_deliveries(jsonb, timestamptz, boolean) to gateway;
