-- How fresh the numbers are.

-- api.metric_sources: what the numbers are fed by, and when each source last succeeded.
-- Callers:    members, and super admins, through GET or POST /rpc/metric_sources; beside core_metrics, whose rows are metrics.
-- Guarantees: reads only. One row per active webhook connection and per kind of synchronisation that has run. Who is no admin is not told
--             which connection it is. PT404 for an organization that is none of the caller's.
-- Definer:    deliveries and runs are admins' to read; of them only these instants are told.
create or replace function api.metric_sources(
    organization_id uuid default null, inout as_of timestamptz default now(),
    out source text, out fed_by text, out connection_id uuid, out name text,
    out last_success_at timestamptz, out last_failure_at timestamptz
) returns setof record
language plpgsql stable security definer set search_path = '' as $$
#variable_conflict use_column
declare
    v_organization_id constant uuid := auth.require_member(metric_sources.organization_id);
    v_as_of           constant timestamptz := coalesce(metric_sources.as_of, now());
    v_is_admin        constant boolean := auth.is_admin_of(v_organization_id);
begin
    return query
    select v_as_of, s.source, s.fed_by, s.connection_id, s.name, s.last_success_at, s.last_failure_at
      from (
        select c.connection_type as source, 'deliveries' as fed_by, case when v_is_admin then c.id end as connection_id,
               case when v_is_admin then c.name end as name, w.last_success_at, w.last_failure_at
          from app.webhook_connections as c
         cross join lateral (
            select max(n.received_at) filter (where n.status in ('processed', 'ignored')) as last_success_at,
                   max(n.received_at) filter (where n.status in ('queued', 'dead')) as last_failure_at
              from (select e.received_at, e.status
                      from app.webhook_events as e
                     where e.organization_id = v_organization_id and e.connection_id = c.id and e.received_at <= v_as_of
                     order by e.received_at desc
                     limit 1000) as n
         ) as w
         where c.organization_id = v_organization_id and c.is_active and c.deleted_at is null
        union all
        select r.kind, 'sync', null, null, max(r.finished_at) filter (where r.state = 'succeeded'),
               max(r.finished_at) filter (where r.state in ('failed', 'dead'))
          from app.sync_runs as r
         where r.organization_id = v_organization_id and r.kind like 'sync-%' and r.finished_at <= v_as_of
         group by r.kind
      ) as s
     order by s.fed_by, s.source, s.name, s.connection_id;
end;
$$;
grant execute on function api.metric_sources(uuid, timestamptz) to authenticated, org_admin, super_admin;
comment on function api.metric_sources(uuid, timestamptz) is $$How fresh the numbers are
One row per source: a webhook connection (fed_by deliveries; source is its provider) or a kind of synchronisation (fed_by sync), with
the last time it brought something in whole, and the last time it failed, until as_of. Deliveries: of the newest thousand. Admins are
told which connection it is.$$;
