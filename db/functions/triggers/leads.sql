-- Leads are known by their identities, keep their first setter, and have a history of the current one.
-- Definers: API roles that may edit a lead may not write identities and history.

-- app.keep_lead_identities: new leads are known by what they are reached by. Most bring what nobody is known by, which is found out by
-- writing it down; only if somebody is, who that is decides (app.keep_identities).
create or replace function app.keep_lead_identities() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
begin
    insert into app.lead_identities (organization_id, lead_id, kind, value)
    select n.organization_id, n.id, 'email', n.email_norm
      from new_rows as n
     where n.email_norm <> '' and n.deleted_at is null and n.merged_into_id is null
     union all
    select n.organization_id, n.id, 'phone', app.phone_identity(n.phone)
      from new_rows as n
     where app.phone_identity(n.phone) is not null and n.deleted_at is null and n.merged_into_id is null;
    return null;
exception when unique_violation then
    perform app.keep_identities(n.organization_id, array_agg(n.id)) from new_rows as n group by n.organization_id;
    return null;
end;
$$;
comment on function app.keep_lead_identities() is 'Makes e-mail and phone of new leads identities of them.';

-- app.keep_original_setter: the first setter of a lead is written once; only an earlier booking that arrives later corrects it, and
-- leads that become one, of which the earlier knew it. A source that somebody sets is the lead's own from then on.
-- app.teach_lead, app.learn_setter and app.write_lead_knowledge announce themselves in the setting app.teaches_lead.
-- What a lead that became part of another one is reached by is that one's.
create or replace function app.keep_original_setter() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_is_taught constant boolean := coalesce(current_setting('app.teaches_lead', true) = 'on', false);
begin
    if old.merged_into_id is not null and new.merged_into_id is not null
       and (new.email, new.phone) is distinct from (old.email, old.phone) then
        raise exception using errcode = 'PT409', message = 'This lead became part of another one.',
            detail = format('It is part of lead %s.', old.merged_into_id), hint = 'Change that lead instead.';
    end if;
    if old.original_setter_id is not null and new.original_setter_id is distinct from old.original_setter_id
       and not v_is_taught then
        raise exception using errcode = 'PT409', message = 'The original setter of a lead is written once.',
            hint = 'Change the current setter instead.';
    end if;
    if (new.source_id, new.traffic_type_id) is distinct from (old.source_id, old.traffic_type_id) and not v_is_taught
       and new.source_origin is not distinct from old.source_origin then
        new.source_origin := 'manual';
    end if;
    if new.current_setter_id is distinct from old.current_setter_id
       and new.current_setter_name is not distinct from old.current_setter_name then
        new.current_setter_name := (select s.name from app.setters as s
                                     where s.organization_id = new.organization_id and s.id = new.current_setter_id);
    end if;
    return new;
end;
$$;
comment on function app.keep_original_setter() is 'Refuses to change the original setter of a lead; names the current one.';

-- app.pass_on_lead: after leads were changed, in sets: calls lack no name, address or number that their lead got after they were
-- booked; where an organization credits the first or the current setter of a lead, its deals and payments follow; what a lead is
-- reached by is an identity of it; who was its current setter is history.
-- Full joins of old and new versions are never planned as nested loops: app.pass_on_event_people.
create or replace function app.pass_on_lead() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_is_named   boolean;
    v_is_reached boolean;
    v_is_set     boolean;
begin
    select coalesce(bool_or(o.full_name is null and n.full_name is not null or o.email is null and n.email is not null
                            or o.phone is null and n.phone is not null), false),
           coalesce(bool_or((o.email, o.phone) is distinct from (n.email, n.phone)), false),
           coalesce(bool_or((o.original_setter_id, o.current_setter_id) is distinct from (n.original_setter_id, n.current_setter_id)), false)
      into v_is_named, v_is_reached, v_is_set
      from new_rows as n
      full join old_rows as o on o.organization_id = n.organization_id and o.id = n.id;

    -- What a lead has of one that became part of it, its own calls do not learn: that ends when they part again.
    if v_is_named and current_setting('app.teaches_lead', true) is distinct from 'on' then
        with learned as materialized (
            select n.organization_id, n.id, n.full_name, n.email, n.phone, o.full_name is null and n.full_name is not null as has_name,
                   o.email is null and n.email is not null as has_email, o.phone is null and n.phone is not null as has_phone
              from new_rows as n
              full join old_rows as o on o.organization_id = n.organization_id and o.id = n.id
        )
        update app.events as e
           set lead_name = coalesce(e.lead_name, l.full_name), lead_email = coalesce(e.lead_email, l.email),
               lead_phone = coalesce(e.lead_phone, l.phone)
          from learned as l
         where e.organization_id = l.organization_id and e.lead_id = l.id
           and (l.has_name and e.lead_name is null or l.has_email and e.lead_email is null or l.has_phone and e.lead_phone is null);
    end if;
    if v_is_set then
        perform app.settle_deals(c.organization_id, l.lead_id)
           from (select n.organization_id, array_agg(n.id) as lead_ids
                   from new_rows as n
                   full join old_rows as o on o.organization_id = n.organization_id and o.id = n.id
                  where (o.original_setter_id, o.current_setter_id) is distinct from (n.original_setter_id, n.current_setter_id)
                  group by n.organization_id) as c
           join app.organizations as g on g.id = c.organization_id and g.setter_attribution <> 'event'
          cross join lateral unnest(app.leads_to_settle(c.organization_id, c.lead_ids)) as l (lead_id);
    end if;
    if v_is_reached then
        perform app.keep_identities(n.organization_id, array_agg(n.id))
           from new_rows as n
           full join old_rows as o on o.organization_id = n.organization_id and o.id = n.id
          where (o.email, o.phone) is distinct from (n.email, n.phone) and n.deleted_at is null and n.merged_into_id is null
          group by n.organization_id;
    end if;
    if v_is_set then
        insert into app.lead_setter_changes (organization_id, lead_id, setter_id, setter_name, changed_by)
        select n.organization_id, n.id, n.current_setter_id, n.current_setter_name, auth.uid()
          from new_rows as n
          full join old_rows as o on o.organization_id = n.organization_id and o.id = n.id
         where n.current_setter_id is distinct from o.current_setter_id;
    end if;
    return null;
end;
$$;
comment on function app.pass_on_lead() is 'Passes changed leads on to their calls, deals, identities and the history of their setters.';

drop trigger if exists calls_and_payments_follow_leads on app.leads;
drop trigger if exists keeps_lead_identities on app.leads;
drop trigger if exists records_setter_changes on app.leads;
create or replace trigger keeps_identities_of_new_leads after insert on app.leads
    referencing new table as new_rows for each statement execute function app.keep_lead_identities();
create or replace trigger keeps_original_setter before update on app.leads
    for each row execute function app.keep_original_setter();
create or replace trigger passes_on_lead after update on app.leads
    referencing old table as old_rows new table as new_rows
    for each statement execute function app.pass_on_lead();

-- What people say a lead is known by, and not what every booking brings, is in the audit trail.
do $$
declare
    v_change record;
begin
    for v_change in
        select c.name, c.event, c.rows
          from (values ('audits_inserts', 'insert', 'new table as new_rows'), ('audits_deletes', 'delete', 'old table as old_rows'),
                       ('audits_updates', 'update', 'old table as old_rows new table as new_rows')) as c (name, event, rows)
    loop
        execute format('create or replace trigger %I after %s on app.lead_identities referencing %s for each statement'
                       ' when (current_setting(''app.reason'', true) <> '''') execute function app.audit_log_trigger()',
                       v_change.name, v_change.event, v_change.rows);
    end loop;
end;
$$;
