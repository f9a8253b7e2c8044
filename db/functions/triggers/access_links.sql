-- Who leaves an organization, or is replaced on a roster, takes no open link along, and gets none back by returning.

-- app.revoke_links_of_leavers: after members were removed.
create or replace function app.revoke_links_of_leavers() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
begin
    update app.closer_access_tokens as t
       set revoked_at = now()
      from old_rows as o
     where t.organization_id = o.organization_id and t.revoked_at is null
       and (t.closer_id in (select c.id from app.closers as c
                             where c.organization_id = o.organization_id and c.profile_id = o.user_id)
            or t.payee_id in (select p.id from app.payees as p
                               where p.organization_id = o.organization_id and p.profile_id = o.user_id
                              union all
                              select c.payee_id from app.closers as c
                               where c.organization_id = o.organization_id and c.profile_id = o.user_id
                              union all
                              select s.payee_id from app.setters as s
                               where s.organization_id = o.organization_id and s.profile_id = o.user_id));
    return null;
end;
$$;
comment on function app.revoke_links_of_leavers() is 'Takes back the links of members who were removed.';

-- app.revoke_links_of_replaced: after the person of a roster entry changed, or was deleted.
create or replace function app.revoke_links_of_replaced() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
begin
    perform app.revoke_links(new.organization_id,
                             case tg_table_name when 'closers' then array[new.id] end,
                             case tg_table_name when 'payees' then array[new.id] end);
    return null;
end;
$$;
comment on function app.revoke_links_of_replaced() is 'Takes back the links of a roster entry whose person changed.';

create or replace trigger revokes_links_of_leavers after delete on app.organization_members
    referencing old table as old_rows for each statement execute function app.revoke_links_of_leavers();
create or replace trigger revokes_links_of_replaced after update of profile_id on app.closers
    for each row when (old.profile_id is not null and new.profile_id is distinct from old.profile_id)
    execute function app.revoke_links_of_replaced();
create or replace trigger revokes_links_of_replaced after update of profile_id on app.payees
    for each row when (old.profile_id is not null and new.profile_id is distinct from old.profile_id)
    execute function app.revoke_links_of_replaced();
