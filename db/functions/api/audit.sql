-- Who did what to a record, and who may see it.

-- api.record_history: what happened to one row, newest first.
-- Callers:  owners and admins, for rows of their organization.
-- Definer:  names of the people who acted are read beside the trail; the tenant is filtered by hand.
create or replace function api.record_history("table" text, id uuid, organization_id uuid default null)
returns table (
    changed_at timestamptz, action text, actor_kind text, actor_id uuid, actor_name text, actor_role text,
    reason text, changes jsonb)
language plpgsql stable security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(record_history.organization_id);
begin
    return query
    select l.changed_at, l.action, l.actor_kind, l.actor_id, coalesce(p.full_name, p.email), l.actor_role, l.reason,
           (select coalesce(jsonb_object_agg(k.key, jsonb_build_object('old', l.old_data -> k.key, 'new', l.new_data -> k.key)), '{}')
              from jsonb_object_keys(coalesce(l.old_data, '{}') || coalesce(l.new_data, '{}')) as k (key)
             where l.old_data -> k.key is distinct from l.new_data -> k.key and k.key <> 'updated_at')
      from app.audit_logs as l
      left join app.profiles as p on p.user_id = l.actor_id
     where l.organization_id = v_organization_id and l.table_name = record_history."table" and l.row_id = record_history.id
     order by l.id desc;
end;
$$;
comment on function api.record_history(text, uuid, uuid) is $$What happened to one record, newest first
One row per change: when, who (user, key, gateway, worker, operator), in which database role, why, and for every column
that changed its old and its new value. Secrets never enter the trail. For owners and admins.$$;
grant execute on function api.record_history(text, uuid, uuid) to authenticated, org_admin, super_admin;

-- auth.row_to_explain: one row of a table as JSON, for an admin of its organization; NULL when there is none.
create or replace function auth.row_to_explain(relation text, organization_id uuid, id uuid) returns jsonb
language plpgsql stable security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(row_to_explain.organization_id);
    v_row             jsonb;
begin
    if not exists (
        select from pg_catalog.pg_class as c
          join pg_catalog.pg_class as v on v.relname = c.relname and v.relnamespace = 'api'::regnamespace and v.relkind = 'v'
          join pg_catalog.pg_attribute as a on a.attrelid = c.oid and a.attname = 'organization_id'
         where c.relname = row_to_explain.relation and c.relnamespace = 'app'::regnamespace) then
        raise exception using errcode = 'PT422', message = 'No such relation.',
            detail = format('%s is not a relation of organizations.', left(row_to_explain.relation, 63)),
            hint = 'Name a view of the API, such as events or payments.';
    end if;
    execute format('select to_jsonb(t) - app.audit_secret_columns(%L) from app.%I as t where organization_id = $1 and id = $2',
                   row_to_explain.relation, row_to_explain.relation)
       into v_row using v_organization_id, row_to_explain.id;
    return v_row;
end;
$$;

-- auth.doors: the select policies of a table that apply to a database role.
create or replace function auth.doors(relation text, role text)
returns table (rule text, is_wall boolean, condition text)
language sql stable security definer set search_path = '' as $$
    select p.policyname::text, p.permissive = 'RESTRICTIVE', p.qual
      from pg_catalog.pg_policies as p
     where p.schemaname = 'app' and p.tablename = doors.relation and p.cmd in ('SELECT', 'ALL')
       and doors.role = any (p.roles::text[])
     order by p.permissive desc, p.policyname;
$$;

-- api.explain_access: why can, or cannot, this person see this row?
-- Callers:    owners and admins of the row's organization, about anybody; super admins.
-- Guarantees: each rule is evaluated exactly as the database would for that person: in their database role, with their
--             claims, over what they may read. Only sentences and booleans come back. Role and claims are put back.
-- Invoker:    only the session's own login may change role, which a definer cannot.
create or replace function api.explain_access(as_user uuid, relation text, id uuid, organization_id uuid default null)
returns table (rule text, grants boolean, because text)
language plpgsql volatile set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(explain_access.organization_id);
    v_caller_role     constant text := current_setting('role', true);
    v_caller_claims   constant text := current_setting('request.jwt.claims', true);
    v_row             constant jsonb := auth.row_to_explain(explain_access.relation, v_organization_id, explain_access.id);
    v_member_role     constant text := auth.member_role(explain_access.as_user, v_organization_id);
    v_role            text;
    v_door            record;
    v_walls           boolean := true;
    v_doors           boolean := false;
begin
    rule := 'the row exists in this organization';
    grants := v_row is not null;
    because := case when grants then format('%s %s is a row of organization %s.', relation, explain_access.id, v_organization_id)
                    else 'There is no such row here; a row of another organization looks the same.' end;
    return next;

    rule := 'the person belongs to this organization';
    grants := v_member_role is not null;
    because := case when not grants then 'There is no living membership of this user here.'
                    when v_member_role = 'super_admin' then 'Super admins reach every organization.'
                    else format('They are %s.', v_member_role) end;
    return next;
    if v_row is null or v_member_role is null then
        rule := 'verdict'; grants := false; because := 'An earlier rule decides.';
        return next;
        return;
    end if;

    v_role := auth.role_of_colleague(explain_access.as_user, v_organization_id);
    rule := 'the database role may read the relation';
    grants := has_table_privilege(v_role, format('api.%I', relation), 'select');
    because := format('Their tokens carry role %s.', v_role);
    return next;

    for v_door in select d.* from auth.doors(relation, v_role) as d loop
        perform set_config('request.jwt.claims', json_build_object(
                    'sub', explain_access.as_user, 'role', v_role)::text, true),
                set_config('role', v_role, true);
        -- The condition reads other tables through their views of the same name, under the person's own policies.
        execute format('select coalesce((%s), false) from jsonb_populate_record(null::api.%I, $1) as %I',
                       replace(v_door.condition, 'app.', 'api.'), relation, relation)
           into grants using v_row;
        perform set_config('role', v_caller_role, true),
                set_config('request.jwt.claims', v_caller_claims, true);
        rule := v_door.rule;
        because := format('%s %s%s', case when v_door.is_wall then 'A wall that must hold:' else 'A door of which one must open:' end,
                          case when grants then 'yes' else 'no' end,
                          case when v_member_role = 'super_admin' then '.' else format('. Rule: %s', v_door.condition) end);
        v_walls := v_walls and (grants or not v_door.is_wall);
        v_doors := v_doors or (grants and not v_door.is_wall);
        return next;
    end loop;

    rule := 'the row is not deleted';
    grants := v_row ->> 'deleted_at' is null;
    because := case when grants then 'It counts.' else format('It was deleted at %s.', v_row ->> 'deleted_at') end;
    v_walls := v_walls and grants;
    return next;

    rule := 'verdict';
    grants := v_walls and v_doors;
    because := case when grants then 'They can see this row.' when v_walls then 'No door opens for them.'
                    else 'A wall does not hold.' end;
    return next;
end;
$$;
comment on function api.explain_access(uuid, text, uuid, uuid) is $$Why can, or cannot, this person see this row?
One row per rule in order, with whether it holds and why; the last one is the verdict. For owners and admins.$$;
grant execute on function api.explain_access(uuid, text, uuid, uuid) to authenticated, org_admin, super_admin;
grant execute on function auth.row_to_explain(text, uuid, uuid), auth.doors(text, text) to authenticated, org_admin, super_admin;
