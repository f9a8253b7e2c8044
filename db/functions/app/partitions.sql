-- app.ensure_partitions: monthly partitions of the inbox and the audit trail, from this month to three months ahead.
-- Returns the number of partitions made. Rows that landed in the default partition meanwhile move to their month.
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
        for v_month in
            select m from pg_catalog.generate_series(
                pg_catalog.date_trunc('month', as_of, 'UTC'),
                pg_catalog.date_trunc('month', as_of, 'UTC') + interval '3 months', interval '1 month') as m
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

alter table app.webhook_events_default enable row level security;
alter table app.audit_logs_default enable row level security;
select app.ensure_partitions();
