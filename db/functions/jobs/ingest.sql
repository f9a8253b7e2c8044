-- The worker's part of taking deliveries in: what failed is tried again, what was counted is added up.

-- jobs.retry_webhook_events: process deliveries again that failed and are due, the oldest first, up to batch of them.
-- One that fails for the last time is dead, and a critical exception. One that meets a lock waits no longer than a shared call: it
-- would hold what others of the batch have changed. Answers how many were tried.
-- Callers:  the worker. Several may run at once: each takes what no other one holds, and nothing of a connection that is being named.
-- Definer:  the worker has no rights on tables.
create or replace function jobs.retry_webhook_events(batch integer default 100, as_of timestamptz default now()) returns integer
language plpgsql volatile security definer set search_path = '' set lock_timeout = '250ms' as $$
declare
    v_due     record;
    v_event   app.webhook_events;
    v_outcome app.delivery_outcome;
    v_status  text;
    v_count   integer := 0;
begin
    for v_due in
        select w as delivery, c.provider_account as account
          from app.webhook_events as w
          join app.webhook_connections as c on c.organization_id = w.organization_id and c.id = w.connection_id
         where w.status = 'queued' and w.next_attempt_at <= retry_webhook_events.as_of
         order by w.next_attempt_at, w.id
         limit retry_webhook_events.batch for no key update of w skip locked for key share of c skip locked
    loop
        v_event := v_due.delivery;
        v_outcome := ingest.process(v_event, v_due.account);
        v_status := case when v_outcome.status = 'queued' and v_event.attempts + 1 >= app.delivery_attempts() then 'dead'
                         else v_outcome.status end;
        update app.webhook_events as w
           set status = v_status, attempts = w.attempts + 1, error = v_outcome.error, steps = w.steps || v_outcome.steps,
               next_attempt_at = case v_status when 'queued' then retry_webhook_events.as_of + app.back_off(w.attempts + 1) end,
               processed_at = case when v_status <> 'queued' then retry_webhook_events.as_of end,
               lead_id = v_outcome.lead_id, event_id = v_outcome.event_id, payment_id = v_outcome.payment_id
         where w.organization_id = v_event.organization_id and w.id = v_event.id;
        if v_status = 'dead' or v_status = 'queued' and not ingest.is_passing(v_outcome.failed_with) then
            perform app.report_failed_delivery(v_event.organization_id, v_event.id, v_status = 'dead');
        elsif v_status <> 'queued' then
            perform app.resolve_exception(v_event.organization_id, 'failed_delivery', v_event.id::text);
        end if;
        v_count := v_count + 1;
    end loop;
    return v_count;
end;
$$;
comment on function jobs.retry_webhook_events(integer, timestamptz) is 'Process failed deliveries again; answers how many were tried.';
grant execute on function jobs.retry_webhook_events(integer, timestamptz) to worker;

-- jobs.link_refunds: refunds whose payment was recorded in the same moment find it; answers how many.
-- Definer:  the worker has no rights on tables.
create or replace function jobs.link_refunds() returns bigint
language sql volatile security definer set search_path = '' as $$
    select app.link_refunds();
$$;
comment on function jobs.link_refunds() is 'Refunds whose payment was recorded in the same moment find it.';
grant execute on function jobs.link_refunds() to worker;

-- jobs.settle_merges: rows that were written for a lead in the moment of its merge follow it; answers how many merges had some.
-- Merges of the last hour are looked at. Definer: the worker has no rights on tables.
create or replace function jobs.settle_merges() returns bigint
language sql volatile security definer set search_path = '' as $$
    select app.settle_merges(now() - interval '1 hour');
$$;
comment on function jobs.settle_merges() is 'Rows that were written for a lead in the moment of its merge follow it.';
grant execute on function jobs.settle_merges() to worker;

-- jobs.settle_payments: payments that came one to four minutes ago and are nobody's are asked once more whose they are, up to batch of
-- them: a booking or a contact of the same moment did not see them, nor they it. However many are still nobody's, they keep none of
-- the others waiting, and nobody looks at those of before (payments_new_strangers_idx). Answers how many have a lead or a call now.
-- Definer:  the worker has no rights on tables.
create or replace function jobs.settle_payments(batch integer default 500, as_of timestamptz default now()) returns bigint
language sql volatile security definer set search_path = '' as $$
    select count(*) filter (where a.method <> 'none')
      from (select p.organization_id, p.id
              from app.payments as p
             cross join lateral app.find_payer(p) as f
             where p.attribution_method = 'none' and p.lead_id is null and p.deleted_at is null
               and p.created_at > settle_payments.as_of - interval '4 minutes'
               and p.created_at < settle_payments.as_of - interval '1 minute'
               and (f.lead_id is not null or f.event_id is not null)
             order by p.created_at, p.id
             limit settle_payments.batch) as w
     cross join lateral app.attribute_payment(w.organization_id, w.id) as a (method);
$$;
comment on function jobs.settle_payments(integer, timestamptz) is
    'Payments that missed their lead by a moment find it; answers how many.';
grant execute on function jobs.settle_payments(integer, timestamptz) to worker;

-- jobs.settle_carriers: payments and objects that say who paid, recorded in the same moment, find each other; answers how
-- many of the objects were looked at, at most batch.
-- Definer:  the worker has no rights on tables.
create or replace function jobs.settle_carriers(batch integer default 500, as_of timestamptz default now()) returns integer
language sql volatile security definer set search_path = '' as $$
    select app.settle_carriers(settle_carriers.batch, settle_carriers.as_of);
$$;
comment on function jobs.settle_carriers(integer, timestamptz) is
    'Payments and objects that say who paid, recorded in the same moment, find each other.';
grant execute on function jobs.settle_carriers(integer, timestamptz) to worker;

-- jobs.fold_connection_stats: add up what was counted since the last time, up to batch rows, and forget windows of the
-- limiter that are over. Answers how many rows were added up.
-- A spell of refusals goes on until there was none for app.end_of_refusals().
-- Definer:  the worker has no rights on tables.
create or replace function jobs.fold_connection_stats(batch integer default 50000, as_of timestamptz default now()) returns bigint
language sql volatile security definer set search_path = '' as $$
    with taken as (
        delete from app.connection_stats as s
         where (s.organization_id, s.id) in (
            select t.organization_id, t.id from app.connection_stats as t
             limit fold_connection_stats.batch for update skip locked)
        returning s.organization_id, s.connection_id, s.received_at, s.accepted, s.duplicates, s.rejected, s.failed, s.refused
    ), sums as (
        select t.organization_id, t.connection_id, sum(t.accepted) as accepted, sum(t.duplicates) as duplicates,
               sum(t.rejected) as rejected, sum(t.failed) as failed, sum(t.refused) as refused,
               min(t.received_at) filter (where t.refused > 0) as first_refused_at,
               max(t.received_at) filter (where t.refused > 0) as last_refused_at,
               max(t.received_at) filter (where t.accepted + t.duplicates > 0) as last_at
          from taken as t
         group by t.organization_id, t.connection_id
    ), written as (
        update app.webhook_connections as c
           set webhook_count = c.webhook_count + s.accepted, duplicate_count = c.duplicate_count + s.duplicates,
               rejected_count = c.rejected_count + s.rejected, failed_count = c.failed_count + s.failed,
               last_webhook_at = greatest(c.last_webhook_at, s.last_at),
               refused_count = c.refused_count + s.refused,
               refused_since = case when s.first_refused_at > coalesce(c.last_refused_at + app.end_of_refusals(), '-infinity')
                                    then s.first_refused_at else c.refused_since end,
               last_refused_at = greatest(c.last_refused_at, s.last_refused_at)
          from sums as s
         where c.organization_id = s.organization_id and c.id = s.connection_id
        returning 1
    ), hours as (
        insert into app.connection_hours as h (organization_id, connection_id, hour, accepted, duplicates, rejected, refused, failed)
        select t.organization_id, t.connection_id, date_trunc('hour', t.received_at, 'UTC'), sum(t.accepted), sum(t.duplicates),
               sum(t.rejected), sum(t.refused), sum(t.failed)
          from taken as t
          join app.webhook_connections as c on c.organization_id = t.organization_id and c.id = t.connection_id
         group by 1, 2, 3
         order by 1, 2, 3
        on conflict on constraint connection_hours_hour_key do update
           set accepted = h.accepted + excluded.accepted, duplicates = h.duplicates + excluded.duplicates,
               rejected = h.rejected + excluded.rejected, refused = h.refused + excluded.refused,
               failed = h.failed + excluded.failed
        returning 1
    ), forgotten as (
        delete from app.rate_limits as l where l.window_start < fold_connection_stats.as_of - interval '5 minutes'
        returning 1
    )
    select count(*) from taken;
$$;
comment on function jobs.fold_connection_stats(integer, timestamptz) is 'Add up delivery counts; answers how many rows.';
grant execute on function jobs.fold_connection_stats(integer, timestamptz) to worker;

-- jobs.review_connections: list connections that have been turning genuine deliveries away for a while, and close what has
-- ended; answers how many are listed as open. Every minute, since providers give up within a day.
-- Definer:  the worker has no rights on tables.
create or replace function jobs.review_connections(as_of timestamptz default now()) returns bigint
language sql volatile security definer set search_path = '' as $$
    select coalesce(sum(q.open_now), 0)::bigint
      from (select c.organization_id from app.webhook_connections as c
             where c.last_refused_at > review_connections.as_of - app.end_of_refusals()
            union
            select e.organization_id from app.exceptions as e
             where e.check_name = 'connection_refusals' and e.state = 'open') as o
     cross join lateral app.run_data_quality_check(o.organization_id, 'connection_refusals', review_connections.as_of) as q;
$$;
comment on function jobs.review_connections(timestamptz) is 'List connections that turn genuine deliveries away; answers how many.';
grant execute on function jobs.review_connections(timestamptz) to worker;
