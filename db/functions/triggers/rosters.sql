-- Writing through api.closers and api.setters: their private columns are masked expressions, so the views need help.
-- Definer: API roles have no usage on schema app, so the caller's power is asked for by hand.
create or replace function app.write_roster_row() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_old     constant jsonb := case when tg_op = 'INSERT' then '{}' else to_jsonb(old) end;
    v_new     constant jsonb := case when tg_op = 'DELETE' then '{}' else to_jsonb(new) end;
    v_columns text;
    v_row     jsonb;
begin
    perform auth.require_admin(coalesce((v_old ->> 'organization_id')::uuid, (v_new ->> 'organization_id')::uuid));
    if tg_op = 'DELETE' then
        execute format('delete from app.%I where organization_id = $1 and id = $2', tg_table_name)
          using old.organization_id, old.id;
        return old;
    end if;

    select string_agg(quote_ident(n.key), ', ') into v_columns
      from jsonb_each(v_new) as n
     where case tg_op when 'INSERT' then jsonb_typeof(n.value) <> 'null' else n.value is distinct from v_old -> n.key end;
    if v_columns is null then
        return new;
    elsif tg_op = 'INSERT' then
        execute format('insert into app.%1$I as t (%2$s) select %2$s from jsonb_populate_record(null::app.%1$I, $1) returning to_jsonb(t)',
                       tg_table_name, v_columns)
           into v_row using v_new;
    else
        execute format('update app.%1$I as t set (%2$s) = (select %2$s from jsonb_populate_record(null::app.%1$I, $1))'
                       ' where t.organization_id = $2 and t.id = $3 returning to_jsonb(t)', tg_table_name, v_columns)
           into v_row using v_new, old.organization_id, old.id;
    end if;
    return jsonb_populate_record(new, v_row);
end;
$$;
comment on function app.write_roster_row() is 'Inserts, updates and deletes through the masked roster views, for admins.';

create or replace trigger writes_roster_rows instead of insert or update or delete on api.closers
    for each row execute function app.write_roster_row();
create or replace trigger writes_roster_rows instead of insert or update or delete on api.setters
    for each row execute function app.write_roster_row();

-- app.keep_roster_id_unique: policies compare with the ids of the caller's own roster entries, so an id must mean one
-- person on the whole platform: nobody may give an entry the id that somebody has in another organization.
create or replace function app.keep_roster_id_unique() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
begin
    if exists (select from app.closers as c where c.id = new.id and c.organization_id <> new.organization_id)
       or exists (select from app.setters as s where s.id = new.id and s.organization_id <> new.organization_id)
       or exists (select from app.payees as p where p.id = new.id and p.organization_id <> new.organization_id)
       or exists (select from app.organizations as o where o.id = new.id) then
        raise exception using errcode = 'PT409', message = 'This id is taken.', hint = 'Leave the id out.';
    end if;
    return new;
end;
$$;
comment on function app.keep_roster_id_unique() is 'Refuses the id of another organization''s roster entry.';
create or replace trigger keeps_roster_id_unique before insert on app.closers
    for each row execute function app.keep_roster_id_unique();
create or replace trigger keeps_roster_id_unique before insert on app.setters
    for each row execute function app.keep_roster_id_unique();
create or replace trigger keeps_roster_id_unique before insert on app.payees
    for each row execute function app.keep_roster_id_unique();
