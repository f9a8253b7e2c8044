-- The lists of an organization's drop-downs: sources, traffic types, call types, call outcomes, opportunity statuses, packages.
-- Admins write them directly; triggers/lists.sql keeps them true. Internal: nobody but the owner may call these.

-- app.add_default_lists: what a new organization can start with: an outcome for every result of a call, and the usual kinds of
-- traffic. Call types come from the booking platform, stages from the CRM; sources and packages are nobody's guess.
-- Guarantees: a list that has rows stays as it is.
create or replace function app.add_default_lists(organization_id uuid) returns void
language sql volatile set search_path = '' as $$
    insert into app.call_outcomes (organization_id, name, call_status, event_outcome, position)
    select add_default_lists.organization_id, o.name, o.call_status, o.event_outcome, o.position
      from (values
        (1, 'Closed', 'completed', 'closed'),
        (2, 'Offer made, not closed', 'completed', 'showed_offer'),
        (3, 'No offer made', 'completed', 'showed_no_offer'),
        (4, 'No-show', 'no_show', 'no_show'),
        (5, 'Canceled', 'canceled', null)) as o (position, name, call_status, event_outcome)
     where not exists (select from app.call_outcomes as e where e.organization_id = add_default_lists.organization_id);
    insert into app.traffic_types (organization_id, name, position)
    select add_default_lists.organization_id, t.name, t.position
      from (values (1, 'Paid'), (2, 'Organic'), (3, 'Cold'), (4, 'Warm')) as t (position, name)
     where not exists (select from app.traffic_types as e where e.organization_id = add_default_lists.organization_id);
$$;
comment on function app.add_default_lists(uuid) is 'Give a new organization the usual outcomes and kinds of traffic.';

-- app.references_to: which tables point to this row of an organization, in order of their names.
create or replace function app.references_to(relation regclass, organization_id uuid, id uuid) returns text[]
language plpgsql stable set search_path = '' as $$
declare
    v_key   record;
    v_found boolean;
    v_names text[] := '{}';
begin
    for v_key in
        select c.relname::text as name, a.attname
          from pg_catalog.pg_constraint as k
          join pg_catalog.pg_class as c on c.oid = k.conrelid and c.relnamespace = 'app'::regnamespace
          join pg_catalog.pg_attribute as a on a.attrelid = k.conrelid and a.attnum = k.conkey[2]
         where k.contype = 'f' and k.confrelid = references_to.relation and cardinality(k.conkey) = 2
         order by c.relname
    loop
        continue when v_key.name = any (v_names);
        execute format('select exists (select from app.%I where organization_id = $1 and %I = $2)', v_key.name, v_key.attname)
           into v_found using references_to.organization_id, references_to.id;
        if v_found then
            v_names := v_names || v_key.name;
        end if;
    end loop;
    return v_names;
end;
$$;
comment on function app.references_to(regclass, uuid, uuid) is 'Which tables point to this row of an organization.';
