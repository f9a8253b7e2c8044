-- app.ensure_partitions: monthly partitions of the inbox and the audit trail, from this month to three months ahead.
-- Returns the number of partitions made. Rows that landed in the default partition meanwhile move to their month, also when
-- that month is over.
-- Callers: the deploy, and the worker every night.
create or replace function app.ensure_partitions(as_of timestamptz default now()) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_table text;
    v_month timestamptz;
    v_from  uuid;
    v_until uuid;
    v_name  text;
    v_made  integer := 0;
begin
    -- One at a time: a second caller waits here and then finds everything made.
    lock table app.webhook_events, app.audit_logs in share update exclusive mode;
    foreach v_table in array array['webhook_events', 'audit_logs'] loop
        for v_month in execute format(
            'select m from generate_series($1, $1 + interval ''3 months'', interval ''1 month'') as m'
            ' union select date_trunc(''month'', uuid_extract_timestamp(d.id), ''UTC'') from app.%I as d'
            '        where uuid_extract_timestamp(d.id) < $1 order by 1', v_table || '_default')
            using date_trunc('month', as_of, 'UTC')
        loop
            v_name := format('%s_%s', v_table, to_char(v_month at time zone 'UTC', 'YYYY_MM'));
            continue when to_regclass('app.' || v_name) is not null;
            v_from := app.uuidv7_floor(v_month);
            v_until := app.uuidv7_floor((v_month at time zone 'UTC' + interval '1 month') at time zone 'UTC');
            execute format('create table app.%I (like app.%I including defaults including constraints)', v_name, v_table);
            execute format(
                'with moved as (delete from app.%I where id >= $1 and id < $2 returning *) insert into app.%I select * from moved',
                v_table || '_default', v_name) using v_from, v_until;
            execute format('alter table app.%I attach partition app.%I for values from (%L) to (%L)',
                           v_table, v_name, v_from, v_until);
            execute format('alter table app.%I enable row level security', v_name);
            v_made := v_made + 1;
        end loop;
    end loop;
    return v_made;
end;
$$;

-- app.monthly_partitions: the months that the inbox and the audit trail have.
create or replace function app.monthly_partitions()
returns table (table_name text, partition_name text, starts_at timestamptz, ends_at timestamptz)
language sql stable set search_path = '' as $$
    select p.relname::text, c.relname::text, m.starts_at at time zone 'UTC', (m.starts_at + interval '1 month') at time zone 'UTC'
      from pg_catalog.pg_inherits as i
      join pg_catalog.pg_class as p on p.oid = i.inhparent
      join pg_catalog.pg_class as c on c.oid = i.inhrelid
     cross join lateral (select to_timestamp(right(c.relname, 7), 'YYYY_MM')::date::timestamp as starts_at) as m
     where p.oid in ('app.webhook_events'::regclass, 'app.audit_logs'::regclass) and c.relname ~ '_[0-9]{4}_[0-9]{2}$';
$$;
comment on function app.monthly_partitions() is 'The months that the inbox and the audit trail have.';

-- app.partition_state: whether the months ahead are there. warning: the worker has not made them for a while, or rows lie in a
-- default partition; missing: this month or the next one is not there.
create or replace function app.partition_state(as_of timestamptz default now(), out state text, out problems text[]) returns record
language sql stable set search_path = '' as $$
    with wanted as (
        select t.name, m.ahead, format('%s_%s', t.name, to_char(
                   date_trunc('month', as_of at time zone 'UTC') + make_interval(months => m.ahead), 'YYYY_MM')) as partition_name
          from unnest(array['webhook_events', 'audit_logs']) as t (name), generate_series(0, 2) as m (ahead)
    ), gone as (
        select w.partition_name, w.ahead from wanted as w
         where not exists (select from app.monthly_partitions() as p where p.partition_name = w.partition_name)
    ), strays as (
        select 'rows in webhook_events_default' as problem where exists (select from app.webhook_events_default)
        union all
        select 'rows in audit_logs_default' where exists (select from app.audit_logs_default)
    )
    select case when exists (select from gone as g where g.ahead < 2) then 'missing'
                when exists (select from gone) or exists (select from strays) then 'warning' else 'ready' end,
           array(select 'no ' || g.partition_name from gone as g union all select s.problem from strays as s order by 1);
$$;
comment on function app.partition_state(timestamptz) is 'Whether the months ahead are there: ready, warning or missing, and why.';

alter table app.webhook_events_default enable row level security;
alter table app.audit_logs_default enable row level security;
select app.ensure_partitions();
