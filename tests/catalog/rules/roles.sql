-- Every role: what it is, where it may go, what it may touch.

-- rule: no role of the application is above policies or may make others
select format('%s: %s', r.rolname, p.power)
  from rules.roles as r
 cross join lateral (values
    ('superuser', r.rolsuper), ('bypasses policies', r.rolbypassrls), ('creates roles', r.rolcreaterole),
    ('creates databases', r.rolcreatedb), ('replicates', r.rolreplication)) as p (power, has_it)
 where p.has_it;

-- rule: the roles are these, and only three of them log in
select format('%s: exists %s, logs in %s', n.name, r.rolname is not null, r.rolcanlogin)
  from (values ('salesdash', false), ('authenticator', true), ('anon', false), ('authenticated', false),
               ('org_admin', false), ('super_admin', false), ('reader', false), ('gateway', true), ('worker', true),
               ('admin_of_one', false), ('member_of_one', false), ('closer_of_one', false),
               ('analyst', false)) as n (name, logs_in)
  left join rules.roles as r on r.rolname = n.name
 where r.rolcanlogin is distinct from n.logs_in;

-- rule: only PostgREST's login becomes somebody else, and never by inheriting
-- (Whoever is narrowed inherits the role of their token, and policies take away from it. The owner inherits analysts' logins without becoming them: so it may end their sessions, and nobody else's.)
select format('%s is a member of %s (inherits %s)', m.member::regrole, m.roleid::regrole, m.inherit_option)
  from pg_auth_members as m
  join rules.roles as r on r.oid = m.member
 where not (m.member = 'authenticator'::regrole and not m.inherit_option and not m.admin_option
            and m.roleid::regrole::text in ('anon', 'authenticated', 'org_admin', 'super_admin', 'reader',
                                            'admin_of_one', 'member_of_one', 'closer_of_one'))
   and not (m.inherit_option and not m.admin_option
            and (m.member::regrole::text, m.roleid::regrole::text) in (
                ('admin_of_one', 'org_admin'), ('member_of_one', 'authenticated'), ('closer_of_one', 'member_of_one')))
   and not (m.member = 'salesdash'::regrole and m.inherit_option and not m.set_option and not m.admin_option
            and m.roleid::regrole::text like 'analyst\_%')
union all
select format('authenticator cannot become %s', n.name)
  from unnest(array['anon', 'authenticated', 'org_admin', 'super_admin', 'reader',
                    'admin_of_one', 'member_of_one', 'closer_of_one']) as n (name)
 where not pg_has_role('authenticator', n.name, 'set');

-- rule: what narrows a person is no right of its own: nothing is granted to it, and no door opens to it but one that is open already
select format('%s: %s to %s', g.table_name, g.privilege, g.role) from rules.table_grants as g
 where g.role in ('admin_of_one', 'member_of_one', 'closer_of_one')
union all
select format('%s to %s', g.name, g.role) from rules.function_grants as g
 where g.role in ('admin_of_one', 'member_of_one', 'closer_of_one')
union all
select format('%s: %s', p.table_name, p.name) from rules.policies as p
 where p.role in ('admin_of_one', 'member_of_one', 'closer_of_one')
   and (p.is_permissive and p.name <> 'who is one closer reads their own calls' or p.command <> 'r');

-- rule: nobody but the owner goes into app, and each schema is open to its own
select format('%s has %s on %s', a.role, a.privilege_type, a.schema)
  from (select n.nspname::text as schema, case g.grantee when 0 then 'public' else g.grantee::regrole::text end as role,
               g.privilege_type
          from pg_namespace as n, aclexplode(n.nspacl) as g
         where n.nspname in ('app', 'auth', 'api', 'analytics', 'ingest', 'session', 'jobs') and g.grantee <> n.nspowner) as a
 where a.privilege_type <> 'USAGE'
    or not a.role = any (case a.schema
        when 'api' then array['anon', 'authenticated', 'org_admin', 'super_admin']
        when 'analytics' then array['authenticated', 'org_admin', 'super_admin', 'reader', 'analyst']
        when 'auth' then array['anon', 'authenticated', 'org_admin', 'super_admin', 'reader']
        when 'ingest' then array['gateway']
        when 'session' then array['gateway']
        when 'jobs' then array['worker']
        else array[]::text[]
       end);

-- rule: everybody can go where they are meant to
select format('%s cannot use %s', w.role, w.schema)
  from (values
    ('anon', 'api'), ('authenticated', 'api'), ('org_admin', 'api'), ('super_admin', 'api'),
    ('authenticated', 'analytics'), ('org_admin', 'analytics'), ('super_admin', 'analytics'), ('reader', 'analytics'),
    ('analyst', 'analytics'), ('anon', 'auth'), ('authenticated', 'auth'), ('org_admin', 'auth'), ('super_admin', 'auth'),
    ('reader', 'auth'), ('gateway', 'ingest'), ('gateway', 'session'), ('worker', 'jobs')) as w (role, schema)
 where not has_schema_privilege(w.role, w.schema, 'usage');

-- rule: nothing is granted to everybody, and nothing can be passed on
select format('%s: %s to %s%s', g.table_name, g.privilege, g.role, case when g.is_grantable then ', grantable' else '' end)
  from rules.table_grants as g where g.role = 'public' or g.is_grantable;

-- rule: tables and views are read and written, not emptied, referenced or triggered upon
select format('%s: %s to %s', g.table_name, g.privilege, g.role) from rules.table_grants as g
 where g.privilege not in ('SELECT', 'INSERT', 'UPDATE', 'DELETE');

-- rule: callers without a token, the gateway and the worker touch no table and no view
select format('%s: %s to %s', g.table_name, g.privilege, g.role) from rules.table_grants as g
 where g.role in ('anon', 'gateway', 'worker', 'authenticator');

-- rule: keys and analysts read, and only what analytics shows
select format('%s: %s to %s', g.table_name, g.privilege, g.role) from rules.table_grants as g
 where g.role in ('reader', 'analyst')
   and (g.privilege <> 'SELECT'
        or g.schema not in ('app', 'analytics')
        or (g.schema = 'app' and not exists (
            select from pg_depend as d
              join pg_rewrite as w on w.oid = d.objid
              join rules.views as v on v.oid = w.ev_class and v.schema = 'analytics'
             where d.classid = 'pg_rewrite'::regclass and d.refclassid = 'pg_class'::regclass and d.refobjid = g.table_oid)));

-- rule: tables of identity are for the owner alone
select format('%s: %s to %s', g.table_name, g.privilege, g.role) from rules.table_grants as g
 where g.schema in ('auth', 'ingest', 'session', 'jobs');

-- rule: people write directly where that is allowed, and nowhere else
-- (Writes that only functions do are granted where a trigger of the view refuses every statement and names the function.)
select format('%s: %s to %s', g.table_name, g.privilege, g.role)
  from rules.table_grants as g
 where g.privilege <> 'SELECT'
   and not (g.table_name = 'api.post_call_forms' and g.role in ('authenticated', 'org_admin', 'super_admin'))
   and not (g.role in ('authenticated', 'org_admin', 'super_admin')
            and exists (select from pg_trigger as t
                         where t.tgrelid = g.table_oid and t.tgfoid = 'app.refuse_write()'::regprocedure
                           and t.tgtype & 31 = 2 | 4 | 8 | 16))
   and (g.role not in ('authenticated', 'org_admin', 'super_admin')
        or (split_part(g.table_name, '.', 2), g.privilege) not in (
            select t.name, p.privilege
              from (values
                ('events', 'UPDATE'), ('profiles', 'UPDATE'), ('leads', 'INSERT UPDATE'),
                ('post_call_forms', 'INSERT'),
                ('closers', 'INSERT UPDATE DELETE'), ('setters', 'INSERT UPDATE DELETE'), ('payees', 'INSERT UPDATE DELETE'),
                ('sources', 'INSERT UPDATE DELETE'), ('traffic_types', 'INSERT UPDATE DELETE'),
                ('call_types', 'INSERT UPDATE DELETE'), ('call_outcomes', 'INSERT UPDATE DELETE'),
                ('opportunity_statuses', 'INSERT UPDATE DELETE'), ('packages', 'INSERT UPDATE DELETE'),
                ('source_rules', 'INSERT UPDATE DELETE'), ('portal_settings', 'INSERT UPDATE DELETE'),
                ('custom_field_definitions', 'INSERT UPDATE DELETE'), ('custom_field_options', 'INSERT UPDATE DELETE'),
                ('custom_field_values', 'INSERT UPDATE DELETE'), ('fx_rates', 'INSERT UPDATE DELETE'),
                ('dashboard_layouts', 'INSERT UPDATE DELETE')) as t (name, privileges)
             cross join unnest(string_to_array(t.privileges, ' ')) as p (privilege)));

-- rule: no login makes temporary tables
select r.rolname from rules.roles as r
 where has_database_privilege(r.oid, current_database(), 'temporary') and r.rolname <> 'salesdash';

-- rule: logins come in, the roles of tokens do not
select format('%s may connect: %s', r.rolname, has_database_privilege(r.oid, current_database(), 'connect'))
  from rules.roles as r
 where has_database_privilege(r.oid, current_database(), 'connect')
       <> (r.rolname in ('salesdash', 'authenticator', 'gateway', 'worker', 'analyst'));

-- rule: the schema public is nobody's
select r.rolname from rules.roles as r where has_schema_privilege(r.oid, 'public', 'usage') and r.rolname <> 'salesdash';

-- rule: whoever writes SQL of their own keeps no large object, which no policy covers, and writes no message into the log of changes
select format('analyst may call %s', p.oid::regprocedure)
  from pg_proc as p
 where p.pronamespace = 'pg_catalog'::regnamespace
   and p.proname in ('lo_creat', 'lo_create', 'lo_from_bytea', 'lo_import', 'lo_put', 'lowrite', 'pg_logical_emit_message')
   and has_function_privilege('analyst', p.oid, 'execute');

-- rule: advisory locks, which use up the memory of everybody's locks, are the deployer's and the pre-request check's
select format('%s may call %s', r.rolname, p.oid::regprocedure)
  from pg_proc as p
  cross join rules.roles as r
 where p.pronamespace = 'pg_catalog'::regnamespace and p.proname like 'pg\_%advisory\_%lock%' and p.proname not like '%unlock%'
   and r.rolname <> 'salesdash' and has_function_privilege(r.oid, p.oid, 'execute');

-- rule: roles of tokens have a time limit
select r.rolname from rules.roles as r
 where r.rolname in ('anon', 'authenticated', 'org_admin', 'super_admin', 'reader', 'gateway', 'worker')
   and not exists (select from unnest(r.rolconfig) as c (setting) where c.setting like 'statement\_timeout=%');

-- rule: the owner alone makes schemas, and the operator who deploys as the owner
select r.rolname from rules.roles as r
 where has_database_privilege(r.oid, current_database(), 'create') and r.rolname <> 'salesdash';
