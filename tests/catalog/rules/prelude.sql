-- Words that the rules share. Made in the test's own transaction, which is rolled back.
create schema rules;

-- Our tables, partitions apart. A tenant table is one that belongs to an organization.
create view rules.tables as
select c.oid, c.oid::regclass::text as name, c.relname::text as short, c.relnamespace::regnamespace::text as schema,
       c.relowner as owner, c.relrowsecurity as has_rls, c.relforcerowsecurity as forces_rls,
       exists (select from pg_attribute as a
                where a.attrelid = c.oid and a.attname = 'organization_id' and a.attnum > 0) as is_tenant
  from pg_class as c
 where c.relkind in ('r', 'p') and not c.relispartition and c.relnamespace::regnamespace::text in ('app', 'auth');

-- Tables of schema app that belong to no organization: the platform's own, identity, fixed rules, and the tenants.
create view rules.global_tables as
select t.name
  from unnest(array[
    'app.announcement_channels', 'app.event_transitions', 'app.metric_catalog', 'app.organizations', 'app.platform_audit_logs',
    'app.platform_outbox', 'app.platform_runs', 'app.platform_schedules', 'app.profiles', 'app.retention_periods',
    'app.user_roles', 'app.worker_heartbeats']) as t (name);

-- Constraints of those tables, with the names of their columns in order.
create view rules.constraints as
select k.oid, k.conname::text as name, k.contype as kind, t.oid as table_oid, t.name as table_name, t.short as table_short,
       t.schema, t.is_tenant, k.confrelid::regclass::text as other_table, own.names as columns, other.names as other_columns
  from pg_constraint as k
  join rules.tables as t on t.oid = k.conrelid
 cross join lateral (
        select array_agg(a.attname::text order by p.n) as names
          from unnest(k.conkey) with ordinality as p (attnum, n)
          join pg_attribute as a on a.attrelid = k.conrelid and a.attnum = p.attnum) as own
 cross join lateral (
        select array_agg(a.attname::text order by p.n) as names
          from unnest(k.confkey) with ordinality as p (attnum, n)
          join pg_attribute as a on a.attrelid = k.confrelid and a.attnum = p.attnum) as other;

-- Their indexes, with the names of the key columns in order.
create view rules.indexes as
select i.indexrelid::regclass::text as name, t.oid as table_oid, t.name as table_name, t.schema, t.is_tenant,
       i.indisunique as is_unique, 
       coalesce(pg_get_expr(i.indpred, i.indrelid) !~ '^\(\w+ IS NOT NULL\)$', false) as is_partial, i.indexprs is not null as has_expressions,
       (select array_agg(a.attname::text order by p.n)
          from unnest(i.indkey::smallint[]) with ordinality as p (attnum, n)
          join pg_attribute as a on a.attrelid = i.indrelid and a.attnum = p.attnum
         where p.n <= i.indnkeyatts) as columns
  from pg_index as i
  join rules.tables as t on t.oid = i.indrelid;

-- Their policies, one row for each role.
create view rules.policies as
select t.oid as table_oid, t.name as table_name, t.is_tenant, p.polname::text as name, p.polpermissive as is_permissive,
       p.polcmd as command, case r.role when 0 then 'public' else r.role::regrole::text end as role,
       pg_get_expr(p.polqual, p.polrelid) as condition, pg_get_expr(p.polwithcheck, p.polrelid) as check_condition
  from pg_policy as p
  join rules.tables as t on t.oid = p.polrelid
 cross join unnest(p.polroles) as r (role);

-- What is granted on tables, views and sequences of our schemas to anybody but the owner, by table or by column.
create view rules.table_grants as
select c.oid as table_oid, c.oid::regclass::text as table_name, c.relnamespace::regnamespace::text as schema, c.relkind as kind,
       case g.grantee when 0 then 'public' else g.grantee::regrole::text end as role, g.privilege_type as privilege,
       g.column_name, g.is_grantable
  from pg_class as c
 cross join lateral (
        select a.grantee, a.privilege_type, null::text as column_name, a.is_grantable from aclexplode(c.relacl) as a
         union all
        select e.grantee, e.privilege_type, a.attname::text, e.is_grantable
          from pg_attribute as a, aclexplode(a.attacl) as e
         where a.attrelid = c.oid) as g
 where c.relnamespace::regnamespace::text in ('api', 'analytics', 'app', 'auth', 'ingest', 'session', 'jobs')
   and g.grantee <> c.relowner;

-- Our functions; those of extensions apart.
create view rules.functions as
select p.oid, p.oid::regprocedure::text as name, p.proname::text as short, p.pronamespace::regnamespace::text as schema,
       l.lanname::text as language, p.prosecdef as is_definer, p.provolatile as volatility, p.prosrc as source,
       p.prosqlbody is not null as is_atomic, p.prorettype = 'trigger'::regtype as is_trigger, p.proconfig as settings,
       p.proowner as owner,
       case when p.prosqlbody is null then p.prosrc else pg_get_function_sqlbody(p.oid) end as body
  from pg_proc as p
  join pg_language as l on l.oid = p.prolang
 where p.pronamespace::regnamespace::text in ('api', 'analytics', 'app', 'auth', 'ingest', 'session', 'jobs')
   and not exists (select from pg_depend as d
                    where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e');

-- Who may execute them, besides the owner.
create view rules.function_grants as
select f.oid, f.name, f.schema, case a.grantee when 0 then 'public' else a.grantee::regrole::text end as role
  from rules.functions as f
  join pg_proc as p on p.oid = f.oid
 cross join aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as a
 where a.grantee <> f.owner;

-- Views of the two exposed schemas, and their columns.
create view rules.views as
select c.oid, c.oid::regclass::text as name, c.relnamespace::regnamespace::text as schema, c.reloptions as options
  from pg_class as c
 where c.relkind = 'v' and c.relnamespace::regnamespace::text in ('api', 'analytics');

-- Roles of the application. The deployer's login is the operator's, not the application's.
create view rules.roles as
select r.*
  from pg_roles as r
 where r.rolname in ('salesdash', 'authenticator', 'anon', 'authenticated', 'org_admin', 'super_admin', 'reader',
                     'admin_of_one', 'member_of_one', 'closer_of_one', 'gateway', 'worker', 'analyst');
