-- What somebody left open while they had power ends with that power: an invitation they could not make now, and a personal link that
-- was shown to them. Links that went out by e-mail and keys of the organization are nobody's own, and stay.

-- app.end_lost_powers: of these people. Definer: called by triggers, of whoever takes the power away.
create or replace function app.end_lost_powers(user_ids uuid[]) returns void
language plpgsql volatile security definer set search_path = '' as $$
begin
    update app.invitations as i
       set revoked_at = now()
     where i.invited_by = any (end_lost_powers.user_ids) and i.accepted_at is null and i.revoked_at is null
       and not auth.has_platform_power(i.invited_by)
       and not exists (
            select from app.organization_members as m
             where m.organization_id = i.organization_id and m.user_id = i.invited_by
               and (m.role = 'owner' or m.role = 'admin' and i.role = 'member'));
    update app.closer_access_tokens as t
       set revoked_at = now()
     where t.created_by = any (end_lost_powers.user_ids) and t.sent_to is null and t.revoked_at is null
       and not auth.has_platform_power(t.created_by)
       and not exists (
            select from app.organization_members as m
             where m.organization_id = t.organization_id and m.user_id = t.created_by and m.role in ('owner', 'admin'));
end;
$$;
comment on function app.end_lost_powers(uuid[]) is 'Ends invitations and shown links of people who could not make them now.';

-- app.end_powers_of_people: after memberships or platform roles changed or ended.
create or replace function app.end_powers_of_people() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
begin
    perform app.end_lost_powers(array(select distinct o.user_id from old_rows as o));
    return null;
end;
$$;
comment on function app.end_powers_of_people() is 'Ends what people left open who lost their power.';

create or replace trigger ends_lost_powers_on_update after update on app.organization_members
    referencing old table as old_rows for each statement execute function app.end_powers_of_people();
create or replace trigger ends_lost_powers_on_delete after delete on app.organization_members
    referencing old table as old_rows for each statement execute function app.end_powers_of_people();
create or replace trigger ends_lost_powers_on_delete after delete on app.user_roles
    referencing old table as old_rows for each statement execute function app.end_powers_of_people();
