-- The life of organizations, as whoever runs the platform decides it. Internal: nobody but the owner may call these.

-- app.free_slug: a slug made from a name that no organization has.
create or replace function app.free_slug(name text) returns text
language sql stable set search_path = '' as $$
    with made as (
        select coalesce(nullif(btrim(left(btrim(regexp_replace(
                   translate(replace(lower(free_slug.name), 'ß', 'ss'), 'áàâäãåçéèêëíìîïñóòôöõøúùûüýÿ', 'aaaaaaceeeeiiiinoooooouuuuyy'),
                   '[^a-z0-9]+', '-', 'g'), '-'), 50), '-'), ''), 'organization') as base
    )
    select s.slug
      from made as m
     cross join lateral (
            select m.base as slug, 0 as place
            union all
            select m.base || '-' || n.n, n.n
              from generate_series(2, (select count(*)::integer + 2 from app.organizations as t
                                        where t.slug like m.base || '-%')) as n (n)) as s
     where not exists (select from app.organizations as o where o.slug = s.slug)
     order by s.place
     limit 1;
$$;
comment on function app.free_slug(text) is 'A slug made from a name that no organization has.';

-- app.lock_organization: an organization, whatever has become of it, locked. Raises PT422 for none named, PT404.
create or replace function app.lock_organization(organization_id uuid) returns app.organizations
language plpgsql volatile set search_path = '' as $$
declare
    v_organization app.organizations;
begin
    if lock_organization.organization_id is null then
        raise exception using errcode = 'PT422', message = 'Say which organization you mean.', hint = 'Pass organization_id.';
    end if;
    select o.* into v_organization from app.organizations as o
     where o.id = lock_organization.organization_id for no key update;
    if not found then
        raise exception using errcode = 'PT404', message = 'No such organization.';
    end if;
    return v_organization;
end;
$$;
comment on function app.lock_organization(uuid) is 'An organization, whatever has become of it, locked.';

-- app.refuse_state: PT409 saying what an organization is, which is not what the caller thinks.
create or replace function app.refuse_state(organization app.organizations) returns void
language plpgsql immutable set search_path = '' as $$
begin
    raise exception using errcode = 'PT409', message = 'This organization is not in a state that allows it.',
        detail = case when (organization).deleted_at is not null then format('It was deleted at %s.', (organization).deleted_at)
                      when (organization).suspended_at is not null then format('It was suspended at %s.', (organization).suspended_at)
                      else 'It is in use.' end;
end;
$$;
comment on function app.refuse_state(app.organizations) is 'Raise PT409 saying what has become of an organization.';

-- app.optional_reason: why somebody does this, for the audit trail, if they say.
create or replace function app.optional_reason(reason text) returns void
language sql volatile set search_path = '' as $$
    select set_config('app.reason', btrim(optional_reason.reason), true) where btrim(optional_reason.reason) <> '';
$$;
comment on function app.optional_reason(text) is 'Why somebody does this, for the audit trail, if they say.';

-- app.suspend_organization: stop an organization, for this reason. Raises PT404, PT409 and PT422.
create or replace function app.suspend_organization(organization_id uuid, reason text) returns void
language plpgsql volatile set search_path = '' as $$
declare
    v_organization constant app.organizations := app.lock_organization(suspend_organization.organization_id);
begin
    perform app.require_reason(suspend_organization.reason);
    if v_organization.suspended_at is not null or v_organization.deleted_at is not null then
        perform app.refuse_state(v_organization);
    end if;
    update app.organizations as o set suspended_at = now() where o.id = v_organization.id;
end;
$$;
comment on function app.suspend_organization(uuid, text) is 'Stop an organization without losing anything of it.';

-- app.resume_organization: take a suspension back. Raises PT404 and PT409.
create or replace function app.resume_organization(organization_id uuid, reason text) returns void
language plpgsql volatile set search_path = '' as $$
declare
    v_organization constant app.organizations := app.lock_organization(resume_organization.organization_id);
begin
    perform app.optional_reason(resume_organization.reason);
    if v_organization.suspended_at is null or v_organization.deleted_at is not null then
        perform app.refuse_state(v_organization);
    end if;
    update app.organizations as o set suspended_at = null where o.id = v_organization.id;
end;
$$;
comment on function app.resume_organization(uuid, text) is 'Take the suspension of an organization back.';

-- app.organizations_at_a_glance: how every organization does, one row each. Each number is a look into an index of that
-- organization alone: what is open and recent, never all there is.
create or replace function app.organizations_at_a_glance(as_of timestamptz)
returns table (
    organization_id uuid, name text, slug text, state text, timezone text, currency text, created_at timestamptz,
    suspended_at timestamptz, deleted_at timestamptz, owners bigint, members bigint, last_sign_in_at timestamptz,
    last_change_at timestamptz, last_delivery_at timestamptz, calls_this_week bigint, open_critical bigint, open_warning bigint,
    open_info bigint, failed_deliveries bigint, silent_connections bigint, failed_runs bigint)
language sql stable set search_path = '' as $$
    select o.id, o.name, o.slug,
           case when o.deleted_at is not null then 'deleted' when o.suspended_at is not null then 'suspended' else 'in_use' end,
           o.timezone, o.currency, o.created_at, o.suspended_at, o.deleted_at, m.owners, m.members, m.last_sign_in_at,
           (select l.changed_at from app.audit_logs as l where l.organization_id = o.id order by l.id desc limit 1),
           (select max(c.last_webhook_at) from app.webhook_connections as c
             where c.organization_id = o.id and c.deleted_at is null),
           w.calls, x.critical, x.warning, x.info, x.failed_deliveries, x.silent_connections, x.failed_runs
      from app.organizations as o
     cross join lateral (
            select count(*) filter (where n.role = 'owner') as owners, count(*) as members, max(u.last_sign_in_at) as last_sign_in_at
              from app.organization_members as n
              join auth.users as u on u.id = n.user_id
             where n.organization_id = o.id and u.deleted_at is null) as m
     cross join lateral (
            select d.day - mod(extract(isodow from d.day)::integer - o.week_start + 7, 7) as week
              from (select (organizations_at_a_glance.as_of at time zone o.timezone)::date as day) as d) as t
     cross join lateral (
            select count(*) as calls
              from app.events as e
             where e.organization_id = o.id and e.scheduled_at >= app.day_start(t.week, o.timezone)
               and e.scheduled_at < app.day_start(t.week + 7, o.timezone)
               and e.deleted_at is null and e.duplicate_of_id is null and e.call_status <> 'rescheduled') as w
     cross join lateral (
            select count(*) filter (where e.severity = 'critical') as critical,
                   count(*) filter (where e.severity = 'warning') as warning,
                   count(*) filter (where e.severity = 'info') as info,
                   count(*) filter (where e.check_name = 'failed_delivery' and e.severity = 'critical') as failed_deliveries,
                   count(*) filter (where e.check_name = 'silent_connection') as silent_connections,
                   count(*) filter (where e.check_name = 'failed_sync') as failed_runs
              from app.exceptions as e
             where e.organization_id = o.id and e.state = 'open') as x;
$$;
comment on function app.organizations_at_a_glance(timestamptz) is 'How every organization does, one row each.';
