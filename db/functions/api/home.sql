-- Dashboards: what each kind of person sees first, in one call.

-- api.admin_home: the organization's dashboard.
-- Callers:    owners and admins, and super admins, through GET or POST /rpc/admin_home.
-- Guarantees: reads only. Every number comes with the path, below the API's root, of exactly the rows behind it: as many as a
--             count, with amounts that add up to money. The same numbers as core_metrics. PT422 as core_metrics, PT404, 42501.
-- Definer:    as core_metrics: the numbers are counted past the policies of rows; admins see every row of theirs.
create or replace function api.admin_home(
    start_date date, end_date date, organization_id uuid default null, as_of timestamptz default now()
) returns jsonb
language plpgsql stable security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(admin_home.organization_id);
    v_as_of           constant timestamptz := coalesce(admin_home.as_of, now());
begin
    perform app.require_period(start_date, end_date, v_as_of);
    return app.admin_home(v_organization_id, start_date, end_date, v_as_of);
end;
$$;
comment on function api.admin_home(date, date, uuid, timestamptz) is $$The organization's dashboard
From start_date to end_date, both inclusive: core numbers beside the period before, newest calls, forms that are due by closer,
calls that may be booked twice, money of nobody, connections, exceptions, the first closers and setters. Every number has the path
of its rows. For owners and admins.$$;
grant execute on function api.admin_home(date, date, uuid, timestamptz) to authenticated, org_admin, super_admin;

-- api.rep_home: a closer's dashboard.
-- Callers:    closers for themselves; owners, admins and super admins for any closer, through GET or POST /rpc/rep_home.
-- Guarantees: reads only. Every own number comes with the path of exactly its rows, which the caller may read. Money and what is
--             shown of others are as portal_settings say. PT404 for who is no closer, 42501 for another closer, PT422 as core_metrics.
-- Definer:    others' ranks rest on rows that are not the caller's; which numbers of whom are shown is decided by hand.
create or replace function api.rep_home(
    start_date date, end_date date, organization_id uuid default null, closer_id uuid default null,
    as_of timestamptz default now()
) returns jsonb
language plpgsql stable security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_member(rep_home.organization_id);
    v_as_of           constant timestamptz := coalesce(rep_home.as_of, now());
    v_who             record;
begin
    perform app.require_period(start_date, end_date, v_as_of);
    select w.entry, w.seen_as into strict v_who from app.require_own_entry(v_organization_id, 'closer', rep_home.closer_id) as w;
    return app.rep_home(v_organization_id, v_who.entry, start_date, end_date, v_as_of, v_who.seen_as);
end;
$$;
comment on function api.rep_home(date, date, uuid, uuid, timestamptz) is $$A closer's dashboard
Today's calls in the organization's time zone, upcoming ones, forms that are due, own numbers beside the period before, and the rank
among closers as far as portal_settings permit. Every own number has the path of its rows.$$;
grant execute on function api.rep_home(date, date, uuid, uuid, timestamptz) to authenticated, org_admin, super_admin;

-- api.setter_home: a setter's dashboard.
-- Callers:    setters for themselves; owners, admins and super admins for any setter, through GET or POST /rpc/setter_home.
-- Guarantees: reads only. As rep_home; cash is what the setter is credited with, of payments nothing else is told.
-- Definer:    as rep_home.
create or replace function api.setter_home(
    start_date date, end_date date, organization_id uuid default null, setter_id uuid default null,
    as_of timestamptz default now()
) returns jsonb
language plpgsql stable security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_member(setter_home.organization_id);
    v_as_of           constant timestamptz := coalesce(setter_home.as_of, now());
    v_who             record;
begin
    perform app.require_period(start_date, end_date, v_as_of);
    select w.entry, w.seen_as into strict v_who from app.require_own_entry(v_organization_id, 'setter', setter_home.setter_id) as w;
    return app.setter_home(v_organization_id, v_who.entry, start_date, end_date, v_as_of, v_who.seen_as);
end;
$$;
comment on function api.setter_home(date, date, uuid, uuid, timestamptz) is $$A setter's dashboard
The calls booked in the period and what became of each, however often it moved, with shows, closes and the setter's own part of the
cash. Every own number has the path of its rows.$$;
grant execute on function api.setter_home(date, date, uuid, uuid, timestamptz) to authenticated, org_admin, super_admin;

-- api.dashboard_layout: how the caller's dashboard of this name is arranged.
-- Callers:    members, and super admins, through GET or POST /rpc/dashboard_layout.
-- Guarantees: reads only; always one row: the caller's own layout, else the organization's default, else the built-in one of what the
--             caller is there (admin, closer, setter), which has no id. PT404 for an organization that is none of the caller's.
-- Definer:    what the caller is on the rosters is looked up past their policies; only the caller's and the default row are read.
create or replace function api.dashboard_layout(
    name text default 'default', organization_id uuid default null,
    out origin text, out id uuid, out home text, out layout jsonb, out schema_version integer, out updated_at timestamptz
) returns record
language plpgsql stable security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_member(dashboard_layout.organization_id);
    v_name            constant text := coalesce(dashboard_layout.name, 'default');
begin
    home := case
        when auth.is_admin_of(v_organization_id) then 'admin'
        when exists (select from app.closers as c where c.organization_id = v_organization_id and c.id = any (auth.own_closer_ids()))
            then 'rep'
        when exists (select from app.setters as s where s.organization_id = v_organization_id and s.id = any (auth.own_setter_ids()))
            then 'setter'
    end;
    select case when l.user_id is null then 'default' else 'own' end, l.id, l.layout, l.schema_version, l.updated_at
      into origin, id, layout, schema_version, updated_at
      from app.dashboard_layouts as l
     where l.organization_id = v_organization_id and l.name = v_name and (l.user_id = auth.uid() or l.user_id is null)
     order by l.user_id is null
     limit 1;
    if not found then
        origin := 'built-in';
        layout := app.built_in_layout(home);
        schema_version := 1;
    end if;
end;
$$;
comment on function api.dashboard_layout(text, uuid) is $$How the caller's dashboard is arranged
The caller's own layout of this name, else the organization's default, else a built-in one by what the caller is: `origin` says
which, and `home` (admin, rep or setter) which of admin_home, rep_home and setter_home fills it.$$;
grant execute on function api.dashboard_layout(text, uuid) to authenticated, org_admin, super_admin;
