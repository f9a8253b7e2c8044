-- The seed document's own policies, literally, on a copy of the same rows.
create schema seed;
create table seed.events (like app.events including defaults including indexes);
insert into seed.events select * from app.events;
create function seed.is_super_admin(user_id uuid) returns boolean
language sql stable security definer as $$
    select exists (select from app.user_roles as r where r.user_id = $1 and r.role = 'super_admin')
$$;
create function seed.get_user_organization_ids(user_id uuid) returns setof uuid
language sql stable security definer as $$
    select m.organization_id from app.organization_members as m where m.user_id = $1
$$;
create view seed.organization_members as select organization_id, user_id, role from app.organization_members;
alter table seed.events enable row level security;
create policy "Super admins can manage all events" on seed.events
    for all using (seed.is_super_admin(auth.uid()));
create policy "Org admins can manage their events" on seed.events
    for all using (organization_id in (
        select organization_id from seed.organization_members
        where user_id = auth.uid() and role in ('owner', 'admin')));
create policy "Org members can view their events" on seed.events
    for select using (organization_id in (select seed.get_user_organization_ids(auth.uid())));
grant usage on schema seed to authenticated, org_admin;
grant select on all tables in schema seed to authenticated, org_admin;
grant execute on all functions in schema seed to authenticated, org_admin;

-- The named baselines in the exposed schema: the view that the product has, computed columns included, without RLS (a definer
-- view), and over the copy with the seed's policies.
do $$
declare
    v_shown constant text := pg_get_viewdef('api.events'::regclass);
    v_copy  constant text := replace(v_shown, 'FROM app.events t', 'FROM seed.events t');
begin
    if v_copy = v_shown then
        raise exception 'api.events does not read app.events as t any more';
    end if;
    execute 'create view api.bench_definer_events as ' || v_shown;
    execute 'create view api.bench_seed_events with (security_invoker = true) as ' || v_copy;
end;
$$;
grant select on api.bench_definer_events, api.bench_seed_events to authenticated, org_admin;

-- The seed's policies may take longer than API roles are given.
alter role authenticated set statement_timeout = 0;
alter role org_admin set statement_timeout = 0;

-- Sessions for the people who ask: user n:k of organization n.
insert into auth.sessions (id, user_id, expires_at)
select md5('session' || u.id)::uuid, u.id, now() + interval '1 day' from auth.users as u;
analyze seed.events;
notify pgrst, 'reload schema';
