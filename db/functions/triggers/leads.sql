-- Leads are known by their identities, keep their first setter, and have a history of the current one.
-- Definers: API roles that may edit a lead may not write identities and history.

-- app.keep_lead_identities: what a lead is reached by is an identity of it. A value that is another lead's is refused by
-- lead_identities_value_key; earlier values stay, since the lead is still known by them.
create or replace function app.keep_lead_identities() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
begin
    perform app.release_identities(new.organization_id, new.email, new.phone);
    insert into app.lead_identities (organization_id, lead_id, kind, value)
    select new.organization_id, new.id, v.kind, v.value
      from app.lead_identity_values(new.email, new.phone) as v
     where not exists (
            select from app.lead_identities as i
              join app.leads as l on l.organization_id = i.organization_id and l.id = i.lead_id
             where i.organization_id = new.organization_id and i.kind = v.kind and i.value = v.value
               and new.id in (l.id, l.merged_into_id));
    return null;
end;
$$;
comment on function app.keep_lead_identities() is 'Makes e-mail and phone of a lead identities of it.';

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

-- app.record_setter_changes: the history of who is a lead's current setter.
create or replace function app.record_setter_changes() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
begin
    insert into app.lead_setter_changes (organization_id, lead_id, setter_id, setter_name, changed_by)
    select n.organization_id, n.id, n.current_setter_id, n.current_setter_name, auth.uid()
      from new_rows as n
      join old_rows as o on o.organization_id = n.organization_id and o.id = n.id
     where n.current_setter_id is distinct from o.current_setter_id;
    return null;
end;
$$;
comment on function app.record_setter_changes() is 'Writes the history of leads'' current setters.';

-- app.follow_lead: calls lack no name, address or number that their lead got after they were booked; and where an organization credits
-- the first or the current setter of a lead, its payments follow.
create or replace function app.follow_lead() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    -- What a lead has of one that became part of it, its own calls do not learn: that ends when they part again.
    update app.events as e
       set lead_name = coalesce(e.lead_name, new.full_name), lead_email = coalesce(e.lead_email, new.email),
           lead_phone = coalesce(e.lead_phone, new.phone)
     where current_setting('app.teaches_lead', true) is distinct from 'on'
       and e.organization_id = new.organization_id and e.lead_id = new.id
       and (e.lead_name is null and old.full_name is null and new.full_name is not null
            or e.lead_email is null and old.email is null and new.email is not null
            or e.lead_phone is null and old.phone is null and new.phone is not null);
    if (old.original_setter_id, old.current_setter_id) is distinct from (new.original_setter_id, new.current_setter_id)
       and exists (select from app.organizations as o where o.id = new.organization_id and o.setter_attribution <> 'event') then
        perform app.settle_deals(new.organization_id, new.id);
    end if;
    return null;
end;
$$;
comment on function app.follow_lead() is 'Calls and payments follow what becomes known of their lead.';

create or replace trigger calls_and_payments_follow_leads
    after update of full_name, email, phone, original_setter_id, current_setter_id on app.leads
    for each row when (
        old.full_name is null and new.full_name is not null or old.email is null and new.email is not null
        or old.phone is null and new.phone is not null
        or (old.original_setter_id, old.current_setter_id) is distinct from (new.original_setter_id, new.current_setter_id))
    execute function app.follow_lead();

create or replace trigger keeps_lead_identities after insert or update of email, phone on app.leads
    for each row when (new.deleted_at is null and new.merged_into_id is null)
    execute function app.keep_lead_identities();
create or replace trigger keeps_original_setter before update on app.leads
    for each row execute function app.keep_original_setter();
create or replace trigger records_setter_changes after update on app.leads
    referencing old table as old_rows new table as new_rows
    for each statement execute function app.record_setter_changes();

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
