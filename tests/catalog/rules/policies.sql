-- Every policy: one wall, then small doors, each cheap.

-- rule: the same wall stands around every tenant table that people reach
select format('%s for %s', t.name, r.role)
  from rules.tables as t
 cross join (values ('authenticated'), ('org_admin')) as r (role)
 where t.is_tenant
   and exists (select from rules.table_grants as g where g.table_oid = t.oid and g.role = r.role)
   and not exists (
        select from rules.policies as p
         where p.table_oid = t.oid and p.role = r.role and not p.is_permissive and p.command = '*'
           and p.name = 'members stay inside their organizations' and p.check_condition is null
           and p.condition = '(organization_id = ANY (( SELECT auth.member_organization_ids() AS member_organization_ids)::uuid[]))');

-- rule: each role reads a table through one door
select format('%s for %s: %s', p.table_name, p.role, string_agg(p.name, '; '))
  from rules.policies as p
 where p.is_permissive and p.command in ('r', '*')
 group by p.table_name, p.role having count(*) > 1;

-- rule: doors name their roles, and nobody without a token has one
select format('%s: %s', p.table_name, p.name) from rules.policies as p where p.role in ('public', 'anon');

-- rule: a grant without a door is a mistake, and so is a door without a grant
-- (closer_of_one inherits the grants of authenticated.)
with doors as (
    select p.table_name, p.role, v.privilege
      from rules.policies as p
      join (values ('r', 'SELECT'), ('a', 'INSERT'), ('w', 'UPDATE'), ('d', 'DELETE')) as v (command, privilege)
        on p.command::text in (v.command, '*')
     where p.is_permissive and p.role <> 'closer_of_one'
), grants as (
    select distinct g.table_name, g.role, g.privilege from rules.table_grants as g where g.schema = 'app'
)
select format('%s: %s has a door to %s and no grant', d.table_name, d.role, d.privilege)
  from (select * from doors except select * from grants) as d
union all
select format('%s: %s has a grant to %s and no door', g.table_name, g.role, g.privilege)
  from (select * from grants except select * from doors) as g;

-- rule: a policy is a sentence that Postgres has not cut
select format('%s: %s', p.table_name, p.name) from rules.policies as p
 where octet_length(p.name) >= 63 or p.name not like '% % %';

-- rule: policies ask who is asking once per statement, not once per row
select format('%s: %s', p.table_name, p.name)
  from rules.policies as p
 where regexp_replace(concat(p.condition, p.check_condition),
                      '(SELECT \(*|FROM |\|\| )auth\.[a-z_]+\(\)', '', 'g') ~ '\mauth\.';

-- rule: every column that a policy compares is first in an index, or second after the tenant
select distinct format('%s.%s', p.table_name, m.found[1])
  from rules.policies as p
 cross join lateral regexp_matches(
        p.condition, '\((?:\(organization_id, )?([a-z_]+)\)? (?:= ANY \(|IN \(|= \( SELECT)', 'g') as m (found)
 where not exists (
        select from rules.indexes as i
         where i.table_oid = p.table_oid
           and (i.columns[1] = m.found[1] or (i.columns[1] = 'organization_id' and i.columns[2] = m.found[1])));

-- rule: super admins, keys and analysts have their own doors
select format('%s: %s is shared by %s', p.table_name, p.name, string_agg(p.role, ', '))
  from rules.policies as p
 where p.table_name <> 'app.metric_catalog'
 group by p.table_name, p.name
having count(*) > 1 and bool_or(p.role in ('reader', 'analyst'));

-- rule: what an analyst may see is decided by the login, never by a setting
select format('%s: %s', p.table_name, p.name) from rules.policies as p
 where p.role = 'analyst' and p.is_permissive and p.table_name <> 'app.metric_catalog'
   and p.condition not in (
        '(organization_id = ( SELECT auth.analyst_organization_id() AS analyst_organization_id))',
        '(id = ( SELECT auth.analyst_organization_id() AS analyst_organization_id))');
