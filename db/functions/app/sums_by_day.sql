-- What each person's days come to, for the daily views of analysts (db/views/analytics_numbers.sql): read from sums where somebody may
-- see every row behind them, counted from the rows that they see where not.

-- app.seen_organization_ids: organizations of which the caller sees every row that numbers are made of, or any row at all.
-- Guarantees: the same answer as the policies of rows give: an analyst's is decided by the login, a key's by the key, a person's
--             by membership. What is answered here for a role without a token, the owner's for one, its policies have to decide.
create or replace function app.seen_organization_ids(in_whole boolean) returns uuid[]
language plpgsql stable parallel safe security definer set search_path = '' as $$
declare
    v_analysts constant uuid := auth.analyst_organization_id();
begin
    if v_analysts is not null then
        return array[v_analysts];
    end if;
    return case
        when auth.token_role() = 'reader' then array_remove(array[auth.reader_organization_id()], null)
        when auth.token_role() in ('authenticated', 'org_admin')
            then case when in_whole then auth.admin_organization_ids() else auth.member_organization_ids() end
        when in_whole and auth.token_role() is distinct from 'super_admin' then '{}'
        else array(select o.id from app.organizations as o)
    end;
end;
$$;
comment on function app.seen_organization_ids(boolean) is 'Organizations of which the caller sees every row, or any.';

-- app.summed_organization_ids: organizations whose days the caller reads from sums: those seen in whole whose sums may be trusted.
-- Definer:    whether sums may be trusted is in tables that nobody reads.
create or replace function app.summed_organization_ids() returns uuid[]
language sql stable parallel safe security definer set search_path = ''
begin atomic
    select coalesce(array_agg(s.id), '{}') from unnest(app.seen_organization_ids(true)) as s (id) where app.has_rollup(s.id);
end;
comment on function app.summed_organization_ids() is 'Organizations whose days the caller reads from sums.';
grant execute on function app.summed_organization_ids() to authenticated, org_admin, super_admin, reader, analyst;

-- app.counted_organization_ids: organizations whose days are counted from the rows that the caller sees: all the others.
-- Definer:    as app.summed_organization_ids.
create or replace function app.counted_organization_ids() returns uuid[]
language sql stable parallel safe security definer set search_path = ''
begin atomic
    select coalesce(array_agg(s.id), '{}') from unnest(app.seen_organization_ids(false)) as s (id)
     where s.id <> all (app.summed_organization_ids());
end;
comment on function app.counted_organization_ids() is 'Organizations whose days are counted from the rows that the caller sees.';
grant execute on function app.counted_organization_ids() to authenticated, org_admin, super_admin, reader, analyst;

-- app.days_since_summed: by what the sums of closers' days, or of setters', have changed since they were added up: what changed units add
-- now, less what they added then; and which open calls are not pending: those of today, and of other days those that are not over.
-- Guarantees: tells of app.summed_organization_ids and of nobody else; in one snapshot with the sums that the same statement reads.
-- Definer:    changes and contributions are in tables that nobody reads.
create or replace function app.days_since_summed(dimension text) returns table (
    organization_id uuid, day date, member_id uuid, booked_calls integer, scheduled_calls integer, shows integer, no_shows integer,
    canceled integer, pending integer, offers integer, closes integer, cash_collected numeric, refunds numeric
)
language plpgsql stable security definer set search_path = '' set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
    v_organization record;
begin
    for v_organization in
        select o.id, o.timezone, app.decided_before(now(), o.timezone) as decided
          from app.organizations as o
         where o.id = any (app.summed_organization_ids())
    loop
        return query
        select v_organization.id, u.day, u.member_id, n.booked, coalesce(n.every_call, 0) - coalesce(n.rescheduled, 0), n.shows,
               n.no_shows, n.canceled, case when u.day < v_organization.decided then n.open end, n.offers, n.closes,
               n.collected, -n.refunds
          from (
            select c.day, case dimension when 'closer' then c.closer_id when 'setter' then c.setter_id end as member_id,
                   c.measures, sum(c.times)::bigint as times, sum(c.amount) as amount
              from unnest(app.differences(v_organization.id)) as c
             where c.grains & app.grain_asked(null, dimension = 'closer', dimension = 'setter') <> 0
             group by 1, 2, 3
          ) as u
         cross join lateral app.counted_in(u.measures, u.times, u.amount) as n;
        return query
        select v_organization.id, s.starts_on, s.member_id, 0, 0, 0, 0, 0, -s.open, 0, 0, 0::numeric, 0::numeric
          from app.metric_sums as s
         where s.organization_id = v_organization.id and s.dimension = days_since_summed.dimension and s.span = 'day'
           and s.starts_on >= v_organization.decided and s.open <> 0
        union all
        select v_organization.id, (f.scheduled_at at time zone v_organization.timezone)::date,
               case dimension when 'closer' then f.closer_id when 'setter' then f.setter_id end,
               0, 0, 0, 0, 0, f.pending, 0, 0, 0::numeric, 0::numeric
          from app.calls_being_decided(v_organization.id, now(), interval '0', v_organization.timezone) as f
         where f.in_rates;
    end loop;
end;
$$;
comment on function app.days_since_summed(text) is 'By what the sums of people''s days have changed since they were added up.';
grant execute on function app.days_since_summed(text) to authenticated, org_admin, super_admin, reader, analyst;
