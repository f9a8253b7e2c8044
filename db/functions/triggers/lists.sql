-- The lists of an organization's drop-downs keep their order, and what history rests on is archived instead of deleted.

-- app.keep_list_row: a name without blanks around it, and a place at the end for a new row that asks for none (0).
create or replace function app.keep_list_row() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
begin
    new.name := btrim(new.name);
    if tg_op = 'INSERT' and new.position = 0 then
        execute format('select coalesce(max(t.position), 0) + 1 from app.%I as t where t.organization_id = $1', tg_table_name)
           into new.position using new.organization_id;
    end if;
    return new;
end;
$$;
comment on function app.keep_list_row() is 'Trims the name; a new row comes last.';

-- app.keep_archived: is_active and archived_at say the same; whichever is written, the other follows.
create or replace function app.keep_archived() returns trigger
language plpgsql volatile set search_path = '' as $$
begin
    if tg_op = 'UPDATE' and new.archived_at is not distinct from old.archived_at or tg_op = 'INSERT' and new.archived_at is null then
        new.archived_at := case when not new.is_active then coalesce(new.archived_at, now()) end;
    else
        new.is_active := new.archived_at is null;
    end if;
    return new;
end;
$$;
comment on function app.keep_archived() is 'is_active and archived_at say the same.';

-- app.refuse_deleting_used_row: a row that anything points to is history; it can be archived.
create or replace function app.refuse_deleting_used_row() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_users constant text[] := app.references_to(tg_relid, old.organization_id, old.id);
begin
    if v_users <> '{}' then
        raise exception using errcode = 'PT409', message = 'This entry is in use and cannot be deleted.',
            detail = format('It is used by: %s.', array_to_string(v_users, ', ')),
            hint = 'Archive it: set archived_at. It is offered no more, and everything that names it stays.';
    end if;
    return old;
end;
$$;
comment on function app.refuse_deleting_used_row() is 'A row that anything points to is archived instead of deleted.';

-- app.keep_outcome_of_forms: what an outcome stands for stays once a form has named it; its name may change.
create or replace function app.keep_outcome_of_forms() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
begin
    if exists (select from app.post_call_forms as f
                where f.organization_id = new.organization_id and f.call_outcome_id = new.id) then
        raise exception using errcode = 'PT409', message = 'This outcome stands in forms that mean what it stood for.',
            detail = format('It stands for %s.', coalesce(old.event_outcome, old.call_status)),
            hint = 'Archive it, and add an outcome that stands for something else.';
    end if;
    return new;
end;
$$;
comment on function app.keep_outcome_of_forms() is 'What an outcome stands for stays once a form has named it.';

do $$
declare
    v_table text;
begin
    foreach v_table in array array['sources', 'traffic_types', 'call_types', 'call_outcomes', 'opportunity_statuses', 'packages'] loop
        execute format('create or replace trigger keeps_its_place before insert or update of name, position on app.%I'
                       ' for each row execute function app.keep_list_row()', v_table);
        execute format('create or replace trigger is_archived_when_used before delete on app.%I'
                       ' for each row execute function app.refuse_deleting_used_row()', v_table);
    end loop;
    foreach v_table in array array['sources', 'traffic_types', 'call_types'] loop
        execute format('create or replace trigger is_active_until_archived before insert or update of is_active, archived_at on app.%I'
                       ' for each row execute function app.keep_archived()', v_table);
    end loop;
end;
$$;
create or replace trigger keeps_what_forms_meant before update of call_status, event_outcome on app.call_outcomes
    for each row when ((old.call_status, old.event_outcome) is distinct from (new.call_status, new.event_outcome))
    execute function app.keep_outcome_of_forms();
