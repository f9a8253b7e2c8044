-- What jobs exist, which schedules every organization starts with, and what a schedule may say.

-- app.job_kinds: every kind of job, whose it is, and how often it may be tried. scope request: an organization's, which only
-- a function of its own enqueues, since its parameters must be checked.
create or replace function app.job_kinds()
returns table (kind text, scope text, max_attempts integer, summary text)
language sql immutable parallel safe
begin atomic
    select k.kind, k.scope, k.max_attempts, k.summary
      from (values
        ('data-quality',     'organization', 5, 'Look for rows that need a person and list them as exceptions.'),
        ('replay-webhooks',  'request',      5, 'Process again what a connection has received since an instant.'),
        ('fetch-acuity-appointment', 'request', 10, 'Ask Acuity what an appointment that it told of is like now.'),
        ('inbox-upkeep',     'platform',     1, 'Retry deliveries that failed, link waiting refunds, add up delivery counts.'),
        ('partition-upkeep', 'platform',     5, 'Make the monthly partitions of the months ahead.'),
        ('housekeeping',     'platform',     5, 'Delete finished work that nobody needs any more.')
      ) as k (kind, scope, max_attempts, summary);
end;
comment on function app.job_kinds() is 'Every kind of job: scope is organization, request (an organization''s, by a function of its own) or platform.';

-- app.is_cron: is this a five-field cron expression that can be computed?
-- Each field is a list of *, a number or a range, each with an optional step; weekday 0 and 7 are Sunday.
create or replace function app.is_cron(cron text) returns boolean
language sql immutable strict parallel safe set search_path = ''
as $$
    with fields as (
        select f.value, f.position, b.low, b.high
          from string_to_table(is_cron.cron, ' ') with ordinality as f (value, position)
          join (values (1, 0, 59), (2, 0, 23), (3, 1, 31), (4, 1, 12), (5, 0, 7)) as b (position, low, high)
            on b.position = f.position
    ), terms as (
        select f.low, f.high, t.parts
          from fields as f
         cross join string_to_table(f.value, ',') as term
          left join lateral regexp_match(term, '^(?:\*|(\d{1,2})(?:-(\d{1,2}))?)(?:/(\d{1,2}))?$') as t (parts) on true
    )
    select is_cron.cron ~ '^[^ ]+( [^ ]+){4}$'
       and bool_and(coalesce(
               t.parts is not null
           and coalesce(t.parts[1]::integer, t.low) between t.low and t.high
           and coalesce(t.parts[2]::integer, t.high) between coalesce(t.parts[1]::integer, t.low) and t.high
           and coalesce(t.parts[3]::integer, 1) between 1 and t.high, false))
      from terms as t;
$$;
comment on function app.is_cron(text) is 'True for five cron fields of numbers, ranges, lists and steps.';

-- app.add_default_schedules: what runs for a new organization without anybody asking.
create or replace function app.add_default_schedules(organization_id uuid) returns void
language sql volatile
begin atomic
    insert into app.job_schedules (organization_id, kind, cron)
    select add_default_schedules.organization_id, 'data-quality', '15 3 * * *'
     where not exists (
        select from app.job_schedules as s
         where s.organization_id = add_default_schedules.organization_id and s.kind = 'data-quality');
end;
comment on function app.add_default_schedules(uuid) is 'Give an organization its nightly schedules, in its own time zone.';

-- app.keep_organization_schedules: new organizations get their schedules; a new time zone moves the due instants.
create or replace function app.keep_organization_schedules() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    if tg_op = 'INSERT' then
        perform app.add_default_schedules(new.id);
    else
        update app.job_schedules as s
           set next_fire_at = null, due_after = now(), error = null
         where s.organization_id = new.id and s.timezone is null;
    end if;
    return null;
end;
$$;
comment on function app.keep_organization_schedules() is 'Schedules follow their organization: made with it, moved with its time zone.';
