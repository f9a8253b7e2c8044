-- How the deliveries of a connection go.

-- app.alarm_of_refusals: how long a connection may turn genuine deliveries away before a person must know. Providers disable
-- an endpoint after hours of it, so an hour is the latest.
create or replace function app.alarm_of_refusals() returns interval
language sql immutable parallel safe
return interval '20 minutes';
comment on function app.alarm_of_refusals() is 'How long deliveries may be turned away before a person must know.';

-- app.connection_health: how the deliveries of one connection went until an instant.
-- Of what is stored the counts say how it stands now; windows of what is not stored (duplicates, rejected, refused) are whole
-- hours, the present one included. Lag and rhythm are those of the last 200 deliveries.
-- silent_after_seconds: a day, five usual gaps, or the longest of these gaps, whichever is most; NULL below 20 deliveries.
-- Invoker: the caller sees what the policies of the tables below show.
create or replace function app.connection_health(organization_id uuid, connection_id uuid, as_of timestamptz)
returns table (
    last_event_at timestamptz,
    processed_24h bigint, queued_24h bigint, ignored_24h bigint, dead_24h bigint, late_24h bigint,
    duplicates_24h bigint, rejected_24h bigint, refused_24h bigint,
    processed_7d bigint, queued_7d bigint, ignored_7d bigint, dead_7d bigint, late_7d bigint,
    duplicates_7d bigint, rejected_7d bigint, refused_7d bigint,
    failure_rate_7d numeric, lag_p50_seconds numeric, lag_p95_seconds numeric,
    usual_gap_seconds numeric, silent_after_seconds numeric, is_silent boolean)
language sql stable rows 1
begin atomic
    select r.last_event_at,
           k.processed_24h, k.queued_24h, k.ignored_24h, k.dead_24h, k.late_24h,
           n.duplicates_24h, n.rejected_24h, n.refused_24h,
           k.processed_7d, k.queued_7d, k.ignored_7d, k.dead_7d, k.late_7d,
           n.duplicates_7d, n.rejected_7d, n.refused_7d,
           round((k.queued_7d + k.dead_7d)::numeric / nullif(k.stored_7d, 0), 4),
           r.lag_p50, r.lag_p95, r.usual_gap, r.silent_after,
           coalesce(connection_health.as_of - r.last_event_at > make_interval(secs => r.silent_after::double precision), false)
      from (select count(*) filter (where w.received_at > connection_health.as_of - interval '24 hours' and w.status = 'processed') as processed_24h,
                   count(*) filter (where w.received_at > connection_health.as_of - interval '24 hours' and w.status = 'queued') as queued_24h,
                   count(*) filter (where w.received_at > connection_health.as_of - interval '24 hours' and w.status = 'ignored') as ignored_24h,
                   count(*) filter (where w.received_at > connection_health.as_of - interval '24 hours' and w.status = 'dead') as dead_24h,
                   count(*) filter (where w.received_at > connection_health.as_of - interval '24 hours' and w.is_late) as late_24h,
                   count(*) filter (where w.status = 'processed') as processed_7d,
                   count(*) filter (where w.status = 'queued') as queued_7d,
                   count(*) filter (where w.status = 'ignored') as ignored_7d,
                   count(*) filter (where w.status = 'dead') as dead_7d,
                   count(*) filter (where w.is_late) as late_7d,
                   count(*) as stored_7d
              from app.webhook_events as w
             where w.organization_id = connection_health.organization_id and w.connection_id = connection_health.connection_id
               and w.received_at > connection_health.as_of - interval '7 days' and w.received_at <= connection_health.as_of) as k
     cross join (
            select coalesce(sum(h.duplicates) filter (where h.hour > connection_health.as_of - interval '24 hours'), 0)::bigint as duplicates_24h,
                   coalesce(sum(h.rejected) filter (where h.hour > connection_health.as_of - interval '24 hours'), 0)::bigint as rejected_24h,
                   coalesce(sum(h.refused) filter (where h.hour > connection_health.as_of - interval '24 hours'), 0)::bigint as refused_24h,
                   coalesce(sum(h.duplicates), 0)::bigint as duplicates_7d,
                   coalesce(sum(h.rejected), 0)::bigint as rejected_7d,
                   coalesce(sum(h.refused), 0)::bigint as refused_7d
              from (select o.hour, o.duplicates, o.rejected, o.refused
                      from app.connection_hours as o
                     where o.organization_id = connection_health.organization_id
                       and o.connection_id = connection_health.connection_id
                       and o.hour > connection_health.as_of - interval '7 days' and o.hour <= connection_health.as_of
                    union all
                    -- What the worker has not added up yet.
                    select date_trunc('hour', s.received_at, 'UTC'), s.duplicates, s.rejected, s.refused
                      from app.connection_stats as s
                     where s.organization_id = connection_health.organization_id
                       and s.connection_id = connection_health.connection_id
                       and s.received_at > connection_health.as_of - interval '7 days'
                       and s.received_at <= connection_health.as_of) as h) as n
     cross join (
            select greatest(max(g.received_at), max(c.last_webhook_at), (
                        select max(s.received_at) from app.connection_stats as s
                         where s.organization_id = connection_health.organization_id
                           and s.connection_id = connection_health.connection_id
                           and s.received_at <= connection_health.as_of and s.accepted + s.duplicates > 0)) as last_event_at,
                   round(percentile_cont(0.5) within group (order by g.lag)::numeric, 3) as lag_p50,
                   round(percentile_cont(0.95) within group (order by g.lag)::numeric, 3) as lag_p95,
                   round(percentile_cont(0.5) within group (order by g.gap)::numeric, 3) as usual_gap,
                   case when count(g.received_at) >= 20 then
                       round(greatest(86400, 5 * percentile_cont(0.5) within group (order by g.gap), max(g.gap))::numeric, 3)
                   end as silent_after
              from app.webhook_connections as c
              left join lateral (
                    select l.received_at,
                           extract(epoch from greatest(l.received_at, l.occurred_at) - l.occurred_at)::double precision as lag,
                           extract(epoch from l.received_at - lead(l.received_at) over (order by l.received_at desc))::double precision as gap
                      from (select w.received_at, w.occurred_at
                              from app.webhook_events as w
                             where w.organization_id = connection_health.organization_id
                               and w.connection_id = connection_health.connection_id
                               and w.received_at <= connection_health.as_of
                             order by w.received_at desc
                             limit 200) as l) as g on true
             where c.organization_id = connection_health.organization_id and c.id = connection_health.connection_id) as r;
end;
comment on function app.connection_health(uuid, uuid, timestamptz) is 'How the deliveries of one connection went until an instant.';
grant execute on function app.connection_health(uuid, uuid, timestamptz) to authenticated, org_admin, super_admin;
