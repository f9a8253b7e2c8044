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

-- app.complete_roster_row: what an entry of a roster needs before it is written: a payee, aliases in one spelling, a person who is
-- a member. An entry that becomes somebody's is paid through that person's payee, one that stops being somebody's is not.
-- Guarantees: PT422 for a person who is no member, and for an address that means somebody else on the same roster.
create or replace function app.complete_roster_row() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_old   constant jsonb := case when tg_op = 'UPDATE' then to_jsonb(old) else '{}' end;
    v_was   constant uuid := v_old ->> 'profile_id';
    v_taken text;
begin
    new.aliases := app.known_names(new.aliases);
    new.email := nullif(btrim(new.email), '');
    if (to_jsonb(new.aliases), new.email) is distinct from (v_old -> 'aliases', v_old ->> 'email') then
        execute format(
            'select a.name from app.%I as t cross join unnest($3 || lower($4)) as a (name)'
            ' where t.organization_id = $1 and t.id <> $2 and strpos(a.name, ''@'') > 0'
            '   and (a.name = any (t.aliases) or a.name = any ($3) and a.name = t.email_norm) limit 1', tg_table_name)
           into v_taken using new.organization_id, new.id, new.aliases, new.email;
        if v_taken is not null then
            raise exception using errcode = 'PT422', message = 'This address means somebody else on the roster.',
                detail = jsonb_build_object('aliases', format('%s is known already.', v_taken))::text,
                hint = 'Take it from the other entry first.';
        end if;
    end if;

    if new.profile_id is not null and new.profile_id is distinct from v_was then
        perform app.require_member_profile(new.organization_id, new.profile_id);
    end if;
    if v_was is not null and new.profile_id is distinct from v_was then
        perform app.part_payee(new.organization_id, (v_old ->> 'payee_id')::uuid, v_was, tg_table_name, new.id);
    end if;
    if new.payee_id is null or (new.profile_id is not null and new.profile_id is distinct from v_was) then
        new.payee_id := app.join_payee(new.organization_id, new.payee_id, new.profile_id, new.email, new.name);
    end if;
    return new;
end;
$$;
comment on function app.complete_roster_row() is 'Gives an entry of a roster its payee, and its aliases one spelling.';
create or replace trigger completes_roster_row before insert or update on app.closers
    for each row execute function app.complete_roster_row();
create or replace trigger completes_roster_row before insert or update on app.setters
    for each row execute function app.complete_roster_row();

-- app.leave_payee: an entry that became somebody's has left its payee for theirs.
create or replace function app.leave_payee() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
begin
    perform app.retire_payee(old.organization_id, old.payee_id, new.profile_id);
    return null;
end;
$$;
comment on function app.leave_payee() is 'Retires the payee that an entry has left for that of its person.';
create or replace trigger leaves_payee after update on app.closers
    for each row when (old.payee_id <> new.payee_id and new.profile_id is not null and new.profile_id is distinct from old.profile_id)
    execute function app.leave_payee();
create or replace trigger leaves_payee after update on app.setters
    for each row when (old.payee_id <> new.payee_id and new.profile_id is not null and new.profile_id is distinct from old.profile_id)
    execute function app.leave_payee();

-- app.keep_payee_a_member: nobody but a member can be made the person whom a payee is.
create or replace function app.keep_payee_a_member() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
begin
    -- Policies have not been asked yet: who may not write here is not told who is a member, and is refused by them.
    if auth.uid() is null or auth.is_admin_of(new.organization_id) then
        perform app.require_member_profile(new.organization_id, new.profile_id);
    end if;
    return new;
end;
$$;
comment on function app.keep_payee_a_member() is 'Refuses a payee who is no member.';
create or replace trigger keeps_new_payee_a_member before insert on app.payees
    for each row when (new.profile_id is not null) execute function app.keep_payee_a_member();
create or replace trigger keeps_payee_a_member before update on app.payees
    for each row when (new.profile_id is distinct from old.profile_id and new.profile_id is not null)
    execute function app.keep_payee_a_member();

-- app.meet_known_people: names, addresses and ids that have come to a roster may be those of hosts whom nobody knew.
create or replace function app.meet_known_people() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
begin
    perform app.recognise_hosts(r.organization_id)
       from (select distinct n.organization_id from new_rows as n) as r;
    return null;
end;
$$;
comment on function app.meet_known_people() is 'Gives calls and proposals whose host has become known their closer.';
create or replace trigger meets_known_people_on_insert after insert on app.closers
    referencing new table as new_rows for each statement execute function app.meet_known_people();
create or replace trigger meets_known_people_on_update after update on app.closers
    referencing new table as new_rows for each statement execute function app.meet_known_people();
create or replace trigger meets_known_people_on_insert after insert on app.setters
    referencing new table as new_rows for each statement execute function app.meet_known_people();
create or replace trigger meets_known_people_on_update after update on app.setters
    referencing new table as new_rows for each statement execute function app.meet_known_people();
