-- Profiles follow users; organizations keep an owner.

-- app.keep_profile: every user has a profile with the same e-mail.
create or replace function app.keep_profile() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
begin
    insert into app.profiles as p (user_id, email, full_name)
    values (new.id, new.email, nullif(btrim(new.user_metadata ->> 'full_name'), ''))
    on conflict (user_id) do update set email = excluded.email, full_name = coalesce(p.full_name, excluded.full_name)
     where p.email <> excluded.email;
    return null;
end;
$$;
comment on function app.keep_profile() is 'Makes the profile of a new user and keeps its e-mail the same.';
create or replace trigger keeps_profile after insert or update of email on auth.users
    for each row execute function app.keep_profile();

-- app.keep_an_owner: no organization that had an owner is left without one. The organization's row is locked first, so
-- that two owners who leave at the same moment cannot both go.
create or replace function app.keep_an_owner() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
begin
    perform from app.organizations as o
      where o.id in (select r.organization_id from old_rows as r where r.role = 'owner')
      order by o.id
        for no key update;
    if exists (
        select from old_rows as r
          join app.organizations as o on o.id = r.organization_id
         where r.role = 'owner' and o.deleted_at is null
           and not exists (select from app.organization_members as m
                            where m.organization_id = r.organization_id and m.role = 'owner')) then
        raise exception using errcode = 'PT409', message = 'An organization needs an owner.',
            hint = 'Make somebody else an owner first.';
    end if;
    return null;
end;
$$;
comment on function app.keep_an_owner() is 'Refuses to leave an organization without an owner.';
create or replace trigger keeps_an_owner_on_update after update on app.organization_members
    referencing old table as old_rows for each statement execute function app.keep_an_owner();
create or replace trigger keeps_an_owner_on_delete after delete on app.organization_members
    referencing old table as old_rows for each statement execute function app.keep_an_owner();
