-- Every table: the tenant in every key, names that speak, indexes where keys and policies look.

-- rule: a table is of a tenant, or known to be global
select t.name from rules.tables as t
 where t.schema = 'app' and t.is_tenant = (t.name in (select g.name from rules.global_tables as g));

-- rule: row level security is on for every table and partition
select c.oid::regclass from pg_class as c
 where c.relkind in ('r', 'p') and not c.relrowsecurity
   and c.relnamespace::regnamespace::text in ('app', 'auth', 'api', 'analytics', 'ingest', 'session', 'jobs')
   and c.relname not like '\_yoyo%' and c.relname not like 'yoyo\_%';

-- rule: one role owns everything, and it alone is above policies
select format('%s: owner %s, forced %s', c.oid::regclass, c.relowner::regrole, c.relforcerowsecurity)
  from pg_class as c
 where c.relnamespace::regnamespace::text in ('app', 'auth', 'api', 'analytics', 'ingest', 'session', 'jobs')
   and c.relkind in ('r', 'p', 'v', 'm', 'S') and (c.relforcerowsecurity or c.relowner <> 'salesdash'::regrole);

-- rule: the schemas that somebody may use hold views and functions only
select c.oid::regclass from pg_class as c
 where c.relnamespace::regnamespace::text in ('api', 'analytics', 'ingest', 'session', 'jobs') and c.relkind not in ('v', 'c');

-- rule: the primary key of a tenant table is (organization_id, id)
select t.name from rules.tables as t
 where t.schema = 'app' and t.is_tenant
   and not exists (select from rules.constraints as k
                    where k.table_oid = t.oid and k.kind = 'p' and k.columns = array['organization_id', 'id']);

-- rule: ids are uuids that the database makes in order of time
select format('%s.%s', t.name, a.attname)
  from rules.tables as t
  join pg_attribute as a on a.attrelid = t.oid and a.attname = 'id'
  left join pg_attrdef as d on d.adrelid = t.oid and d.adnum = a.attnum
 where a.atttypid <> 'uuid'::regtype or pg_get_expr(d.adbin, d.adrelid) is distinct from 'uuidv7()';

-- rule: no unique key tells one tenant what another has
select i.name from rules.indexes as i
 where i.schema = 'app' and i.is_tenant and i.is_unique and i.columns[1] <> 'organization_id'
union all
select k.name from rules.constraints as k
 where k.schema = 'app' and k.is_tenant and k.kind = 'x' and k.columns[1] <> 'organization_id';

-- rule: references between tenant tables carry the tenant
select format('%s on %s', k.name, k.table_name)
  from rules.constraints as k
  join rules.tables as o on o.name = k.other_table
 where k.kind = 'f' and k.is_tenant and o.is_tenant
   and (k.columns[1] <> 'organization_id' or k.other_columns <> array['organization_id', 'id']);

-- rule: every row of a tenant belongs to an organization that exists
-- It refers to it, or to a row of it that it cannot be without; what the system alone writes, from such rows, need not.
select t.name from rules.tables as t
 where t.schema = 'app' and t.is_tenant
   and t.short not in ('webhook_events', 'rate_limits', 'connection_stats', 'audit_logs', 'metric_changes', 'metric_facts', 'metric_sums')
   and not exists (select from rules.constraints as k
                     join rules.tables as o on o.name = k.other_table
                    where k.table_oid = t.oid and k.kind = 'f' and o.is_tenant
                      and not exists (select from unnest(k.columns) as c (name)
                                        join pg_attribute as a on a.attrelid = t.oid and a.attname = c.name
                                       where not a.attnotnull))
   and not exists (select from rules.constraints as k
                    where k.table_oid = t.oid and k.kind = 'f' and k.other_table = 'app.organizations'
                      and k.name = t.short || '_organization_id_fkey');

-- rule: foreign keys are named table_column_fkey, by which clients embed
select format('%s on %s', k.name, k.table_name) from rules.constraints as k
 where k.kind = 'f' and k.name <> format('%s_%s_fkey', k.table_short, k.columns[cardinality(k.columns)]);

-- rule: every foreign key is indexed, if only where it is not NULL
select format('%s on %s', k.name, k.table_name) from rules.constraints as k
 where k.kind = 'f'
   and not exists (select from rules.indexes as i
                    where i.table_oid = k.table_oid and not i.is_partial
                      and i.columns[1:cardinality(k.columns)] @> k.columns);

-- rule: constraints have names that somebody chose
select format('%s on %s', k.name, k.table_name) from rules.constraints as k
 where case k.kind
        when 'p' then k.name <> k.table_short || '_pkey'
        when 'u' then not k.name like '%\_key'
        when 'f' then not k.name like '%\_fkey'
        when 'c' then k.name ~ '_check[0-9]*$' or not starts_with(k.name, k.table_short || '_')
        when 'x' then k.name ~ '_excl[0-9]*$'
        else false
       end;

-- rule: no index of an expression, no enum type: behind policies neither is used
-- What only the system asks, past policies, needs no column of its own: whose a phone is on payments of nobody. And what a policy
-- itself compares comes before everything that people ask.
select i.name from rules.indexes as i
 where i.has_expressions and i.name not in ('app.payments_unknown_phone_idx', 'app.events_newest_idx')
union all
select t.oid::regtype::text from pg_type as t
 where t.typtype = 'e'
   and t.typnamespace::regnamespace::text in ('app', 'auth', 'api', 'analytics', 'ingest', 'session', 'jobs');

-- rule: no sequence counts what all tenants do together
select c.oid::regclass from pg_class as c
 where c.relkind = 'S' and c.relnamespace::regnamespace::text in ('app', 'auth', 'api', 'analytics', 'ingest', 'session', 'jobs');

-- rule: tables say what they hold
select t.name from rules.tables as t where obj_description(t.oid, 'pg_class') is null;

-- rule: the inbox and the audit trail have a default partition and months made ahead, and nothing references them
select format('%s has no default partition', p.partrelid::regclass) from pg_partitioned_table as p where p.partdefid = 0
union all
select format('%s has %s months', p.partrelid::regclass, count(i.inhrelid) - 1)
  from pg_partitioned_table as p
  left join pg_inherits as i on i.inhparent = p.partrelid
 group by p.partrelid having count(i.inhrelid) - 1 < 4
union all
select format('%s references %s', k.conrelid::regclass, k.confrelid::regclass)
  from pg_constraint as k
  join pg_partitioned_table as p on p.partrelid = k.confrelid
 where k.contype = 'f'
union all
select format('%s is not partitioned', t.name)
  from unnest(array['app.webhook_events', 'app.audit_logs']) as t (name)
 where not exists (select from pg_partitioned_table as p where p.partrelid = t.name::regclass);

-- rule: every row of a tenant keeps its organization and its id
select t.name from rules.tables as t
 where t.schema = 'app' and t.is_tenant
   and not exists (select from pg_trigger as g
                    where g.tgrelid = t.oid and g.tgenabled in ('O', 'A') and g.tgtype & 19 = 19
                      and g.tgfoid::regproc::text in ('app.keep_row_identity', 'app.keep_row_identity_and_touch'));

-- rule: what belongs to a lead moves with it when leads are merged, or is said to stay
select format('%s.%s', k.table_name, k.columns[2])
  from rules.constraints as k
 where k.kind = 'f' and k.other_table = 'app.leads' and k.columns[2] = 'lead_id'
   and k.table_short <> all (app.tables_of_leads()) and k.table_short <> 'lead_setter_changes';
