-- Who is paid for a roster entry. One person has one payee in an organization, whatever their entries as closer and setter.
-- Internal: nobody but the owner may call these.

-- app.require_member_profile: PT422 unless this person is a member: nobody else can be a closer, a setter or paid.
create or replace function app.require_member_profile(organization_id uuid, profile_id uuid) returns void
language plpgsql stable set search_path = '' as $$
begin
    if not exists (select from app.organization_members as m
                    where m.organization_id = require_member_profile.organization_id
                      and m.user_id = require_member_profile.profile_id) then
        raise exception using errcode = 'PT422', message = 'This person is no member of the organization.',
            detail = jsonb_build_object('profile_id', 'A member of the organization.')::text, hint = 'Invite them first.';
    end if;
end;
$$;
comment on function app.require_member_profile(uuid, uuid) is 'Raise PT422 unless this person is a member.';

-- app.join_payee: who is paid for a roster entry of this person.
-- payee_id: the entry's present payee, which stays if it is nobody's; profile_id: NULL for an entry that nobody signs in as.
-- Guarantees: the payee of the profile if there is one; else the present one; else, for an entry without any, the one of its
--             address that is not somebody else's; else a new one. It is the profile's from then on.
create or replace function app.join_payee(organization_id uuid, payee_id uuid, profile_id uuid, email text, name text) returns uuid
language plpgsql volatile set search_path = '' as $$
declare
    v_payee app.payees;
begin
    -- Who is put on both rosters in the same moment waits here, and then finds the payee of the other entry.
    perform from app.organizations as o where o.id = join_payee.organization_id for no key update;
    select p.* into v_payee from app.payees as p
     where p.organization_id = join_payee.organization_id
       and (p.profile_id = join_payee.profile_id
            or p.id = join_payee.payee_id and p.profile_id is null
            or join_payee.payee_id is null and p.email_norm = lower(btrim(join_payee.email))
               and (p.profile_id is null or join_payee.profile_id is null))
     order by (p.profile_id = join_payee.profile_id) is not true, p.is_active desc, p.id
     limit 1;
    if not found then
        insert into app.payees as p (organization_id, profile_id, name, email)
        values (join_payee.organization_id, join_payee.profile_id, join_payee.name, nullif(btrim(join_payee.email), ''))
        returning p.id into v_payee.id;
    elsif v_payee.profile_id is null and join_payee.profile_id is not null then
        update app.payees as p set profile_id = join_payee.profile_id
         where p.organization_id = v_payee.organization_id and p.id = v_payee.id;
    end if;
    return v_payee.id;
end;
$$;
comment on function app.join_payee(uuid, uuid, uuid, text, text) is 'Who is paid for a roster entry, found by profile or address, else made.';

-- app.payee_entries: the roster entries that a payee is paid for.
create or replace function app.payee_entries(organization_id uuid, payee_id uuid)
returns table (roster text, id uuid, profile_id uuid)
language sql stable
begin atomic
    select 'closers', c.id, c.profile_id from app.closers as c
     where c.organization_id = payee_entries.organization_id and c.payee_id = payee_entries.payee_id
    union all
    select 'setters', s.id, s.profile_id from app.setters as s
     where s.organization_id = payee_entries.organization_id and s.payee_id = payee_entries.payee_id;
end;
comment on function app.payee_entries(uuid, uuid) is 'The roster entries that a payee is paid for.';

-- app.part_payee: this entry is not the person's any more, so neither is its payee, unless another entry of the payee is.
create or replace function app.part_payee(organization_id uuid, payee_id uuid, profile_id uuid, roster text, entry_id uuid)
returns void
language plpgsql volatile set search_path = '' as $$
begin
    update app.payees as p
       set profile_id = null
     where p.organization_id = part_payee.organization_id and p.id = part_payee.payee_id
       and p.profile_id = part_payee.profile_id
       and not exists (
            select from app.payee_entries(part_payee.organization_id, part_payee.payee_id) as e
             where e.profile_id = part_payee.profile_id
               and (e.roster, e.id) is distinct from (part_payee.roster, part_payee.entry_id));
end;
$$;
comment on function app.part_payee(uuid, uuid, uuid, text, uuid) is 'A payee stops being a person who gave up their last entry of it.';

-- app.retire_payee: a payee that its last entry has left for the person's other one goes, unless money or a plan names it: then
-- it stays, inactive, and theirs.
create or replace function app.retire_payee(organization_id uuid, payee_id uuid, profile_id uuid) returns void
language plpgsql volatile set search_path = '' as $$
begin
    if exists (select from app.payee_entries(retire_payee.organization_id, retire_payee.payee_id)) then
        return;
    end if;
    delete from app.payees as p
     where p.organization_id = retire_payee.organization_id and p.id = retire_payee.payee_id and p.profile_id is null;
exception when foreign_key_violation then
    update app.payees as p
       set is_active = false, profile_id = retire_payee.profile_id
     where p.organization_id = retire_payee.organization_id and p.id = retire_payee.payee_id;
end;
$$;
comment on function app.retire_payee(uuid, uuid, uuid) is 'Remove a payee that nothing names any more, or leave it inactive.';
