-- Every function: granted by name, bound to what it means, honest about what it does.

-- rule: one role owns every function
select f.name from rules.functions as f where f.owner <> 'salesdash'::regrole;

-- rule: no function is for everybody: each is granted by name
select g.name from rules.function_grants as g where g.role = 'public';

-- rule: new functions of the owner are not for everybody either
select 'default privileges of salesdash grant execute to public'
 where not exists (
        select from pg_default_acl as d
         where d.defaclrole = 'salesdash'::regrole and d.defaclnamespace = 0 and d.defaclobjtype = 'f'
           and not exists (select from aclexplode(d.defaclacl) as a where a.grantee = 0));

-- rule: definers and PL/pgSQL pin an empty search path
select format('%s (%s%s)', f.name, f.language, case when f.is_definer then ', definer' else '' end)
  from rules.functions as f
 where (f.is_definer or f.language = 'plpgsql') and not coalesce('search_path=""' = any (f.settings), false);

-- rule: functions are SQL or PL/pgSQL
select format('%s (%s)', f.name, f.language) from rules.functions as f where f.language not in ('sql', 'plpgsql');

-- rule: an invoker's SQL that people call is bound when it is made, and pins nothing the planner would stop at
select format('%s%s', f.name, ': ' || array_to_string(f.settings, ', '))
  from rules.functions as f
 where f.language = 'sql' and not f.is_definer and (not f.is_atomic or f.settings is not null)
   and exists (select from rules.function_grants as g where g.oid = f.oid);

-- rule: an invoker's PL/pgSQL that people call stays out of app, where they may not go
select f.name from rules.functions as f
 where f.language = 'plpgsql' and not f.is_definer and regexp_replace(f.source, '''[^'']*''', '', 'g') ~ '\mapp\.'
   and exists (select from rules.function_grants as g where g.oid = f.oid);

-- rule: a definer is never a trigger's loophole: trigger functions are granted to nobody
select format('%s to %s', g.name, g.role) from rules.function_grants as g
  join rules.functions as f on f.oid = g.oid
 where f.is_trigger;

-- rule: internal functions are granted only where an invoker's view or a check on what people write needs them
with checks as materialized (
    select string_agg(pg_get_constraintdef(k.oid), ' ') as words from pg_constraint as k where k.contype = 'c'
)
select format('%s to %s', g.name, g.role) from rules.function_grants as g
 where g.schema = 'app'
   and g.name <> 'app.currency_exponent(text)'
   and not exists (select from checks as k where k.words ~ format('\mapp\.%s\(', split_part(split_part(g.name, '.', 2), '(', 1)))
   and not exists (select from pg_depend as d
                     join pg_rewrite as w on w.oid = d.objid
                     join rules.views as v on v.oid = w.ev_class
                    where d.classid = 'pg_rewrite'::regclass and d.refclassid = 'pg_proc'::regclass and d.refobjid = g.oid);

-- rule: each schema's functions are for those whom the schema is for
select format('%s to %s', g.name, g.role) from rules.function_grants as g
 where not g.role = any (case g.schema
        when 'api' then array['anon', 'authenticated', 'org_admin', 'super_admin']
        when 'analytics' then array['authenticated', 'org_admin', 'super_admin', 'reader', 'analyst']
        when 'app' then array['authenticated', 'org_admin', 'super_admin', 'reader', 'analyst']
        when 'auth' then array['anon', 'authenticated', 'org_admin', 'super_admin', 'reader', 'analyst']
        when 'ingest' then array['gateway']
        when 'session' then array['gateway']
        when 'jobs' then array['worker']
       end);

-- rule: what the gateway and the worker may call is never an invoker: they have no rights of their own
select format('%s to %s', g.name, g.role)
  from rules.function_grants as g
  join rules.functions as f on f.oid = g.oid
 where g.role in ('gateway', 'worker') and not f.is_definer
   and f.body ~ '\m(app|auth)\.[a-z_]+';

-- rule: a function that answers GET calls none that writes
with recursive named as materialized (
    select distinct f.oid, m.word[1] as schema, m.word[2] as short
      from rules.functions as f
     cross join lateral regexp_matches(f.body, '\m([a-z_]+)\.([a-z0-9_]+)\s*\(', 'g') as m (word)
), edges as materialized (
    select n.oid as caller, g.oid as callee
      from named as n
      join rules.functions as g on g.schema = n.schema and g.short = n.short and g.oid <> n.oid
), calls as (
    select f.oid as start, f.oid
      from rules.functions as f
     where f.schema in ('api', 'analytics', 'auth') and f.volatility <> 'v' and not f.is_trigger
    union
    select c.start, e.callee from calls as c join edges as e on e.caller = c.oid
)
select format('%s calls %s', s.name, g.name)
  from calls as c
  join rules.functions as s on s.oid = c.start
  join rules.functions as g on g.oid = c.oid
 where g.volatility = 'v';

-- rule: functions of the exposed schemas say what they do
select f.name from rules.functions as f
 where f.schema in ('api', 'analytics') and not f.is_trigger and obj_description(f.oid, 'pg_proc') is null;

-- rule: an rpc has one signature, so that nobody has to guess between two; what takes a row of a view is a column of it
select format('%s.%s', f.schema, f.short) from rules.functions as f
  join pg_proc as p on p.oid = f.oid
 where f.schema in ('api', 'analytics')
   and not (p.pronargs = 1 and exists (select from pg_type as t where t.oid = p.proargtypes[0] and t.typrelid <> 0))
 group by f.schema, f.short having count(*) > 1;

-- rule: an rpc's arguments have names, which are its JSON keys, and are not positional
select f.name from rules.functions as f
  join pg_proc as p on p.oid = f.oid
 where f.schema in ('api', 'analytics') and p.pronargs > 0
   and (p.proargnames is null or '' = any (p.proargnames));

-- rule: who calls an rpc for an organization may leave the organization out
select f.name from rules.functions as f
  join pg_proc as p on p.oid = f.oid
 where f.schema = 'api' and 'organization_id' = any (p.proargnames[1:p.pronargs])
   and array_position(p.proargnames[1:p.pronargs], 'organization_id') <= p.pronargs - p.pronargdefaults;

-- rule: functions that people call are granted to the three roles that people have, alike
select format('%s is for %s only', f.name, string_agg(g.role, ', '))
  from rules.functions as f
  join rules.function_grants as g on g.oid = f.oid and g.role in ('authenticated', 'org_admin', 'super_admin')
 where f.schema in ('api', 'auth')
 group by f.name having count(*) <> 3 and not array_agg(g.role) = array['super_admin'];

-- rule: two functions alone take on another role: the one that explains what that role would see, and the one that narrows
select f.name from rules.functions as f
 where f.source ~* 'set_config\(\s*''(role|session_authorization)''|\mset\s+(local\s+|session\s+)?(role|session\s+authorization)\s+[a-z"%]'
   and f.short not in ('explain_access', 'admit_request');

-- rule: claims are written by the one that explains, and by the check of a super admin whom the gateway names
select f.name from rules.functions as f
 where f.source ~* 'request\.jwt\.claims' and f.source ~* 'set_config'
   and f.name not in ('api.explain_access(uuid,text,uuid,uuid)', 'auth.require_super_admin_session(uuid,uuid)');
