-- Settings of an organization, and what rests on them. Internal: nobody but the owner may call these.

-- app.require_no_wrong_fields: PT422 unless the object is empty; DETAIL is that object, from each wrong field to what it needs.
create or replace function app.require_no_wrong_fields(wrong jsonb) returns void
language plpgsql immutable set search_path = '' as $$
begin
    if jsonb_strip_nulls(require_no_wrong_fields.wrong) <> '{}' then
        raise exception using errcode = 'PT422', message = 'Some of these settings cannot be.',
            detail = jsonb_strip_nulls(require_no_wrong_fields.wrong)::text,
            hint = 'Correct the fields that the detail names; nothing was changed.';
    end if;
end;
$$;
comment on function app.require_no_wrong_fields(jsonb) is 'Raise PT422 with these errors per field, if there is one.';

-- app.wrong_organization_fields: what each of these settings needs that cannot be; NULL stands for what is not to be set.
create or replace function app.wrong_organization_fields(
    name text, timezone text, currency text, week_start integer, pay_calendar text, pcf_grace interval, slot_minutes integer,
    attribution_window_days integer, setter_attribution text, report_hour integer, min_sample integer
) returns jsonb
language sql immutable set search_path = '' as $$
    select jsonb_strip_nulls(jsonb_build_object(
        'name', case when length(btrim(name)) not between 1 and 200 then 'Give it a name of at most 200 characters.' end,
        'timezone', case when timezone is not null and not app.is_timezone(timezone)
                         then 'The IANA name of a time zone, such as America/New_York.' end,
        'currency', case when app.currency_exponent(currency) is null and currency is not null
                         then 'The ISO 4217 code of a currency, such as USD.' end,
        'week_start', case when week_start not between 1 and 7 then 'From 1 for Monday to 7 for Sunday.' end,
        'pay_calendar', case when pay_calendar <> all (array['weekly', 'biweekly', 'semimonthly', 'monthly'])
                             then 'One of weekly, biweekly, semimonthly, monthly.' end,
        'pcf_grace', case when pcf_grace < interval '0' or pcf_grace > interval '30 days' then 'From nothing to 30 days.' end,
        'slot_minutes', case when slot_minutes not between 5 and 480 then 'From 5 to 480 minutes.' end,
        'attribution_window_days', case when attribution_window_days not between 1 and 730 then 'From 1 to 730 days.' end,
        'setter_attribution', case when setter_attribution <> all (array['event', 'original', 'current'])
                                   then 'One of event, original, current.' end,
        'report_hour', case when report_hour not between 0 and 23 then 'From 0 to 23.' end,
        'min_sample', case when min_sample not between 1 and 1000 then 'From 1 to 1000 calls.' end));
$$;
comment on function app.wrong_organization_fields(text, text, text, integer, text, interval, integer, integer, text, integer, integer) is
    'What each of these settings needs that cannot be, as one JSON object.';

-- app.restate_setter_days: count the calls of setters on the local days on which they started, in the zone that is now. Days of
-- which no single calls are kept stay as they are.
create or replace function app.restate_setter_days(organization_id uuid) returns void
language plpgsql volatile set search_path = '' as $$
begin
    with moved as (
        update app.setter_calls as c set activity_date = (c.started_at at time zone o.timezone)::date
          from app.organizations as o
         where o.id = restate_setter_days.organization_id and c.organization_id = o.id
           and c.activity_date <> (c.started_at at time zone o.timezone)::date
        returning c.id, c.setter_id, c.provider, old.activity_date as old_day, new.activity_date as new_day
    ), days as (
        select m.setter_id, m.provider, d.day
          from moved as m
         cross join lateral (values (m.old_day), (m.new_day)) as d (day)
         group by m.setter_id, m.provider, d.day
    ), counted as (
        -- The statement still sees the calls where they were: who moved is counted on the new day.
        select d.setter_id, d.provider, d.day,
               count(*) filter (where c.direction = 'outbound') as dials,
               count(*) filter (where c.direction = 'outbound'
                                  and (c.disposition = 'answered' or c.disposition is null and c.talk_seconds >= 30)) as connects,
               coalesce(sum(c.talk_seconds), 0) as talk_seconds, count(c.id) as calls
          from days as d
          left join (select s.id, s.setter_id, s.provider, s.direction, s.disposition, s.talk_seconds,
                            coalesce(m.new_day, s.activity_date) as day
                       from app.setter_calls as s
                       left join moved as m on m.id = s.id
                      where s.organization_id = restate_setter_days.organization_id and s.kind = 'call') as c
            on c.setter_id = d.setter_id and c.provider = d.provider and c.day = d.day
         group by d.setter_id, d.provider, d.day
    ), emptied as (
        delete from app.setter_activities as a
         using counted as n
         where a.organization_id = restate_setter_days.organization_id and a.setter_id = n.setter_id and a.provider = n.provider
           and a.activity_date = n.day and n.calls = 0
    )
    insert into app.setter_activities as a (organization_id, setter_id, activity_date, provider, dials, connects, talk_seconds)
    select restate_setter_days.organization_id, n.setter_id, n.day, n.provider, n.dials, n.connects, n.talk_seconds
      from counted as n where n.calls > 0
    on conflict on constraint setter_activities_day_key
    do update set dials = excluded.dials, connects = excluded.connects, talk_seconds = excluded.talk_seconds;
end;
$$;
comment on function app.restate_setter_days(uuid) is 'Count the calls of setters on the local days of the zone that is now.';

-- app.integration_keys: the secrets that an organization has, and the column each begins with.
create or replace function app.integration_keys() returns table (provider text, key_name text)
language sql immutable parallel safe
begin atomic
    select k.provider, k.key_name
      from (values ('calendly', 'calendly_api_key'), ('close', 'close_api_key'), ('ghl', 'ghl_api_key'),
                   ('hubspot', 'hubspot_api_key'), ('whop', 'whop_api_key'), ('stripe', 'stripe_api_key'),
                   ('slack', 'slack_webhook_url')) as k (provider, key_name);
end;
comment on function app.integration_keys() is 'The secrets that an organization has; key_name is what they are sealed as.';

-- app.require_integration_key: the column that the secret of a provider begins with. Raises PT422.
create or replace function app.require_integration_key(provider text) returns text
language plpgsql stable set search_path = '' as $$
declare
    v_name text;
begin
    select k.key_name into v_name from app.integration_keys() as k where k.provider = require_integration_key.provider;
    if v_name is null then
        raise exception using errcode = 'PT422', message = 'No such provider has a key.',
            detail = (select jsonb_build_object('provider', format('One of %s.', string_agg(k.provider, ', ')))::text
                        from app.integration_keys() as k);
    end if;
    return v_name;
end;
$$;
comment on function app.require_integration_key(text) is 'What the secret of a provider is called; PT422 for none.';
