-- A crowd around the scene: :events calls and :leads leads with their addresses, spread over the scene's organizations.
-- Without triggers, as superuser. The indexes that no constraint needs are away meanwhile and come back at the end.
create table bench.indexes as
select i.indexdef as definition, format('%I.%I', i.schemaname, i.indexname) as name
  from pg_indexes as i
 where i.schemaname = 'app' and i.tablename in ('events', 'leads', 'lead_identities')
   and not exists (select from pg_constraint as c where c.conindid = format('%I.%I', i.schemaname, i.indexname)::regclass);
do $$
declare
    v_name text;
begin
    for v_name in select name from bench.indexes loop
        execute 'drop index ' || v_name;
    end loop;
end;
$$;
create temporary table organizations as
select row_number() over (order by s.organization_id) - 1 as n, s.organization_id, min(s.closer_id::text)::uuid as closer_id,
       min(s.setter_id::text)::uuid as setter_id, count(*) over () as total
  from bench.sold as s group by s.organization_id;
insert into app.leads (organization_id, id, full_name, email)
select o.organization_id, md5('crowd' || g)::uuid, 'Lead ' || g, format('crowd%s@bench.test', g)
  from generate_series(1, :leads) as g join organizations as o on o.n = g % o.total;
insert into app.lead_identities (organization_id, lead_id, kind, value)
select o.organization_id, md5('crowd' || g)::uuid, 'email', format('crowd%s@bench.test', g)
  from generate_series(1, :leads) as g join organizations as o on o.n = g % o.total;
insert into app.events (
    organization_id, id, root_event_id, lead_id, lead_name, lead_email, closer_id, credited_closer_id, setter_id,
    credited_setter_id, scheduled_at, scheduled_end_at, booked_at, call_status, event_outcome, pcf_submitted,
    canceled_at, canceled_by, calendly_invitee_uuid)
select o.organization_id, md5('crowd call' || g)::uuid, md5('crowd call' || g)::uuid, md5('crowd' || l.n)::uuid, 'Lead ' || l.n,
       format('crowd%s@bench.test', l.n), o.closer_id, o.closer_id, o.setter_id, o.setter_id,
       a.at, a.at + interval '1 hour', a.at - interval '3 days', s.status,
       case s.status when 'completed' then (array['showed_no_offer', 'showed_offer', 'closed'])[1 + g % 3]
                     when 'no_show' then 'no_show' end,
       s.status in ('completed', 'no_show'), case s.status when 'canceled' then a.at - interval '1 hour' end,
       case s.status when 'canceled' then 'invitee' end, md5('crowd call' || g)
  from generate_series(1, :events) as g
 cross join lateral (select 1 + g % :leads as n) as l
  join organizations as o on o.n = l.n % o.total
 cross join lateral (select now() - (g * 2654435761 % 157680000) * interval '1 second' as at) as a
 cross join lateral (select (array['completed', 'completed', 'no_show', 'canceled', 'completed'])[1 + g % 5] as status) as s;
do $$
declare
    v_definition text;
begin
    for v_definition in select definition from bench.indexes loop
        execute v_definition;
    end loop;
end;
$$;
