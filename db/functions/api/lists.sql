-- The order of the lists that admins keep.

-- api.arrange_list: put the entries of one list into this order. Entries that are not named come after them, in the order they had.
-- Callers:    admins, through POST /rpc/arrange_list.
-- Guarantees: all or nothing; answers how many entries the list has. Raises PT422 for another list or more than 1000 ids, PT404 for an id that is
--             none of the list's.
-- Definer:    the list is chosen by name, so the tenant is filtered by hand.
create or replace function api.arrange_list(list text, ids uuid[], organization_id uuid default null) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(arrange_list.organization_id);
    v_lists constant text[] := array['sources', 'traffic_types', 'call_types', 'call_outcomes', 'opportunity_statuses', 'packages'];
    v_unknown uuid[];
    v_count   integer;
begin
    if arrange_list.list is null or arrange_list.list <> all (v_lists) then
        raise exception using errcode = 'PT422', message = 'No such list.',
            detail = format('Lists: %s.', array_to_string(v_lists, ', '));
    elsif cardinality(arrange_list.ids) > 1000 then
        raise exception using errcode = 'PT422', message = 'These are too many entries for one list.',
            detail = format('%s were named.', cardinality(arrange_list.ids)), hint = 'Name the first 1000; the others come after.';
    end if;
    execute format('select array_agg(g.id) from unnest($1) as g (id)'
                   ' where not exists (select from app.%I as t where t.organization_id = $2 and t.id = g.id)', list)
       into v_unknown using coalesce(ids, '{}'), v_organization_id;
    if v_unknown is not null then
        raise exception using errcode = 'PT404', message = 'No such entry in this list.',
            detail = format('Unknown: %s.', array_to_string(v_unknown[1:10], ', '));
    end if;
    execute format(
        'update app.%1$I as t set position = o.place'
        '  from (select e.id, row_number() over (order by array_position($1, e.id), e.position, e.id) as place'
        '          from app.%1$I as e where e.organization_id = $2) as o'
        ' where t.organization_id = $2 and t.id = o.id', list)
      using coalesce(ids, '{}'), v_organization_id;
    get diagnostics v_count = row_count;
    return v_count;
end;
$$;
comment on function api.arrange_list(text, uuid[], uuid) is $$Put the entries of a list into an order
list: sources, traffic_types, call_types, call_outcomes, opportunity_statuses or packages. Entries that ids leaves out come
after, in the order they had. Answers how many entries the list has.$$;
grant execute on function api.arrange_list(text, uuid[], uuid) to authenticated, org_admin, super_admin;
