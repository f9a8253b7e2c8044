-- Calls that may be the same booking, for whoever sees both.

drop view if exists api.duplicate_candidates;
create view api.duplicate_candidates with (security_invoker = true) as
select
    e.organization_id,
    e.id,
    c.id as candidate_id,
    e.lead_id,
    e.scheduled_at,
    c.scheduled_at as candidate_scheduled_at,
    e.closer_id,
    c.closer_id as candidate_closer_id,
    e.call_status,
    c.call_status as candidate_call_status,
    abs(extract(epoch from e.scheduled_at - c.scheduled_at) / 60)::integer as minutes_apart,
    coalesce(e.closer_id = c.closer_id, false) and e.scheduled_at = c.scheduled_at
        and e.call_status = 'scheduled' and c.call_status = 'scheduled' as is_certain,
    case when e.scheduled_at = c.scheduled_at and e.closer_id = c.closer_id then 'Same lead, closer and start.'
         when e.scheduled_at = c.scheduled_at then 'Same lead and start.'
         when e.scheduled_at between c.scheduled_at - interval '60 minutes' and c.scheduled_at + interval '60 minutes'
             then 'Same lead, starting within 60 minutes of each other.'
         else 'Same lead, on the same local day.' end as because
  from app.events as e
  join app.events as c on c.organization_id = e.organization_id and c.lead_id = e.lead_id and c.id < e.id
  join app.organizations as o on o.id = e.organization_id
  left join app.call_types as t on t.organization_id = e.organization_id and t.id = e.call_type_id
  left join app.call_types as u on u.organization_id = c.organization_id and u.id = c.call_type_id
 where e.deleted_at is null and e.duplicate_of_id is null and c.deleted_at is null and c.duplicate_of_id is null
   and c.root_event_id <> e.root_event_id
   and coalesce(t.category, 'sales') = coalesce(u.category, 'sales')
   and (c.scheduled_at between e.scheduled_at - interval '60 minutes' and e.scheduled_at + interval '60 minutes'
        or (c.scheduled_at at time zone o.timezone)::date = (e.scheduled_at at time zone o.timezone)::date);
grant select on api.duplicate_candidates to authenticated, org_admin, super_admin;
comment on view api.duplicate_candidates is $$Pairs of calls that may be the same booking
Of one lead and category, not of one chain, starting within 60 minutes of each other or on the same local day; one row per pair that
counts twice. Say so with rpc/mark_duplicate. Name the organization: `organization_id=eq.`.$$;
comment on column api.duplicate_candidates.organization_id is 'The tenant.';
comment on column api.duplicate_candidates.id is 'The call that was recorded later.';
comment on column api.duplicate_candidates.candidate_id is 'The call that was recorded before it.';
comment on column api.duplicate_candidates.lead_id is 'The lead of both.';
comment on column api.duplicate_candidates.scheduled_at is 'Start of the later call.';
comment on column api.duplicate_candidates.candidate_scheduled_at is 'Start of the earlier call.';
comment on column api.duplicate_candidates.closer_id is 'The closer of the later call.';
comment on column api.duplicate_candidates.candidate_closer_id is 'The closer of the earlier call.';
comment on column api.duplicate_candidates.call_status is 'State of the later call.';
comment on column api.duplicate_candidates.candidate_call_status is 'State of the earlier call.';
comment on column api.duplicate_candidates.minutes_apart is 'Minutes between their starts.';
comment on column api.duplicate_candidates.is_certain is 'Lead, closer and start are equal, and both are still scheduled: a new booking of the kind is marked by itself.';
comment on column api.duplicate_candidates.because is 'What they have in common.';
