-- Every view of the exposed schemas: as the caller, explained, without a secret.

-- rule: views run as whoever asks, or policies would fall silent
select v.name from rules.views as v where not coalesce('security_invoker=true' = any (v.options), false);

-- rule: views of the exposed schemas have a comment, which is their documentation
select v.name from rules.views as v where coalesce(btrim(obj_description(v.oid, 'pg_class')), '') = '';

-- rule: no column of the exposed schemas holds a secret, a hash or ciphertext
select format('%s.%s', v.name, a.attname)
  from rules.views as v
  join pg_attribute as a on a.attrelid = v.oid and a.attnum > 0
 where a.atttypid in ('bytea'::regtype, 'bytea[]'::regtype)
    or (a.attname ~ '(encrypted|cipher|hash|secret|password|token|nonce|salt|api_key|rendered)'
        and a.attname !~ '_(last4|key_id|validated_at|configured|until)$');

-- rule: no function of the exposed schemas answers with a secret column
select format('%s: %s', f.name, n.name)
  from rules.functions as f
  join pg_proc as p on p.oid = f.oid
 cross join unnest(p.proargnames, p.proargmodes, p.proallargtypes) as n (name, mode, type)
 where f.schema in ('api', 'analytics') and n.mode in ('o', 'b', 't')
   and (n.type = 'bytea'::regtype
        or (n.name ~ '(encrypted|cipher|hash|secret|password|nonce|salt|api_key)'
            and n.name !~ '_(last4|key_id|validated_at|configured|until)$'));

-- rule: no function of the exposed schemas answers with a whole table, whose columns may become more
select f.name from rules.functions as f
  join pg_proc as p on p.oid = f.oid
  join pg_type as t on t.oid = p.prorettype
  join pg_class as c on c.oid = t.typrelid
 where f.schema in ('api', 'analytics') and c.relkind in ('r', 'p');

-- rule: views of a tenant's rows show which tenant, which list calls filter by
select v.name from rules.views as v
 where not exists (select from pg_attribute as a where a.attrelid = v.oid and a.attname = 'organization_id')
   and v.name not in ('api.organizations', 'api.profiles', 'api.user_roles', 'api.platform_audit_logs',
                      'api.metric_catalog', 'analytics.organizations', 'analytics.metric_catalog');

-- rule: nothing but what a view shows leaks out of an order or a filter: masked views are barriers for everybody
select v.name from rules.views as v
 where 'security_barrier=false' = any (v.options);

-- rule: a view that takes no writes refuses them as not allowed, instead of failing as not writable
select v.name from rules.views as v
 where pg_relation_is_updatable(v.oid, true) & 8 = 0;

-- rule: columns of the exposed schemas say what they hold, and in more words than their name
select format('%s.%s: %s', v.name, a.attname, coalesce(c.words, 'nothing'))
  from rules.views as v
  join pg_attribute as a on a.attrelid = v.oid and a.attnum > 0
 cross join lateral (
    select lower(btrim(regexp_replace(col_description(v.oid, a.attnum), '[^A-Za-z0-9]+', ' ', 'g'))) as words
 ) as c
 where coalesce(regexp_replace(c.words, '^(the|a|an|its) |^is | (id|it)$', '', 'g') in (
           '', replace(a.attname, '_', ' '), regexp_replace(replace(a.attname, '_', ' '), '^is | id$', '', 'g')), true);

-- rule: views for analysts begin with their grain
select v.name from rules.views as v
 where v.schema = 'analytics' and obj_description(v.oid, 'pg_class') not like 'One row per %';

-- rule: numbers that analysts read say what they are numbers of
select format('%s.%s: %s', v.name, a.attname, col_description(v.oid, a.attnum))
  from rules.views as v
  join pg_attribute as a on a.attrelid = v.oid and a.attnum > 0
 where v.schema = 'analytics'
   and a.atttypid in ('numeric'::regtype, 'integer'::regtype, 'bigint'::regtype, 'interval'::regtype, 'float8'::regtype)
   and coalesce(col_description(v.oid, a.attnum), '')
       !~* '\m(a|one) count\M|count(s|ed) (up )?from|currency|seconds|minutes|days|interval|slots|share|order of|version|weekday';

-- rule: names and flags of what analysts read say the same everywhere
select format('%s.%s is %s, elsewhere it is not', v.name, a.attname, a.atttypid::regtype)
  from rules.views as v
  join pg_attribute as a on a.attrelid = v.oid and a.attnum > 0
 where v.schema = 'analytics'
   and (a.attname ~ '^(is|has)_|^counts_' and a.atttypid <> 'boolean'::regtype
        or a.attname ~ '(_day|_on|^day)$' and a.atttypid <> 'date'::regtype
        or a.attname ~ '_at$' and a.atttypid <> 'timestamptz'::regtype
        or a.attname ~ '(^|_)id$' and a.attname !~ '^(provider|external|ghl|hubspot|close|whop_company|pipeline)_'
           and a.atttypid <> 'uuid'::regtype);

-- rule: of what people write, and analysts can compare, no statistics are kept
-- Closed vocabularies, codes and ids of providers are no such thing.
select distinct format('%s.%s', c.oid::regclass, a.attname)
  from pg_depend as d
  join pg_rewrite as w on w.oid = d.objid
  join rules.views as v on v.oid = w.ev_class and v.schema = 'analytics'
  join rules.tables as c on c.oid = d.refobjid
  join pg_attribute as a on a.attrelid = c.oid and a.attnum = d.refobjsubid
 where d.classid = 'pg_rewrite'::regclass and d.refclassid = 'pg_class'::regclass
   and a.atttypid in ('text'::regtype, 'text[]'::regtype, 'jsonb'::regtype)
   and a.attstattarget is distinct from 0
   and (c.is_tenant or c.name = 'app.organizations')
   and not a.attname = any (array['currency', 'base_currency', 'timezone', 'provider', 'provider_account', 'call_status',
                                  'event_outcome', 'category', 'channel', 'non_occurrence_reason', 'payment_type', 'source',
                                  'subject'])
   and a.attname !~ '_(id|uuid)$'
   and not exists (select from pg_constraint as k
                    where k.conrelid = c.oid and k.contype = 'c' and k.conkey = array[a.attnum]
                      and pg_get_constraintdef(k.oid) like '%= ANY (ARRAY[%');

-- rule: columns with a closed vocabulary name its words
with words as materialized (
    select c.relname as table_name, a.attname, m.found[1] as word
      from pg_constraint as k
      join pg_class as c on c.oid = k.conrelid and c.relnamespace = 'app'::regnamespace
      join pg_attribute as a on a.attrelid = c.oid and a.attnum = k.conkey[1]
     cross join lateral regexp_matches(pg_get_constraintdef(k.oid), '''([a-z_]+)''::text', 'g') as m (found)
     where k.contype = 'c' and cardinality(k.conkey) = 1
       and pg_get_constraintdef(k.oid) ~ '^CHECK \(\(\w+ = ANY \(ARRAY\[[^]]+\]\)\)\)$'
)
select format('%s.%s: %s', v.name, a.attname, string_agg(w.word, ', '))
  from rules.views as v
  join pg_attribute as a on a.attrelid = v.oid and a.attnum > 0
  join words as w on w.table_name = split_part(v.name, '.', 2) and w.attname = a.attname
 where strpos(coalesce(col_description(v.oid, a.attnum), ''), w.word) = 0
 group by v.name, a.attname;
