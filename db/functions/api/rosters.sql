-- Whom platforms list and nobody on a roster is: an admin says who they are, or that it does not matter.

-- app.require_proposal: a proposal that was not accepted yet, locked; PT404 and PT409 otherwise.
create or replace function app.require_proposal(organization_id uuid, proposal_id uuid) returns app.roster_proposals
language plpgsql volatile set search_path = '' as $$
declare
    v_proposal app.roster_proposals;
begin
    select p.* into v_proposal from app.roster_proposals as p
     where p.organization_id = require_proposal.organization_id and p.id = require_proposal.proposal_id
       for update;
    if not found then
        raise exception using errcode = 'PT404', message = 'No such proposal in this organization.';
    elsif v_proposal.state = 'accepted' then
        raise exception using errcode = 'PT409', message = 'This proposal is accepted already.',
            detail = format('It was accepted at %s.', v_proposal.decided_at);
    end if;
    return v_proposal;
end;
$$;
comment on function app.require_proposal(uuid, uuid) is 'A proposal that was not accepted yet, locked.';

-- app.proposal_aliases: what a closer or setter has to be known as to be the person of a proposal, beside an id of the
-- platform's own.
create or replace function app.proposal_aliases(proposal app.roster_proposals) returns text[]
language sql immutable
return app.known_names(array[
    proposal.email_norm, case when proposal.provider not in ('calendly', 'close') then proposal.provider_user_id end]);
comment on function app.proposal_aliases(app.roster_proposals) is 'The aliases of the person of a proposal.';

-- app.accept_as_closer: the closer whom a proposal is: a new one, or an existing one who gets its address and id as well.
create or replace function app.accept_as_closer(proposal app.roster_proposals, closer_id uuid) returns uuid
language plpgsql volatile set search_path = '' as $$
declare
    v_uri   constant text := case when proposal.provider = 'calendly' and strpos(proposal.provider_user_id, '@') = 0
                                  then proposal.provider_user_id end;
    v_close constant text := case when proposal.provider = 'close' then proposal.provider_user_id end;
    v_id    uuid;
begin
    if accept_as_closer.closer_id is null then
        insert into app.closers as c (organization_id, name, email, aliases, calendly_user_uri, close_user_id)
        values (proposal.organization_id, coalesce(proposal.name, split_part(proposal.email, '@', 1), proposal.provider_user_id),
                proposal.email, array_remove(app.proposal_aliases(proposal), proposal.email_norm), v_uri, v_close)
        returning c.id into v_id;
        return v_id;
    end if;
    update app.closers as c
       set aliases = c.aliases || array_remove(app.proposal_aliases(proposal), c.email_norm),
           calendly_user_uri = coalesce(c.calendly_user_uri, v_uri), close_user_id = coalesce(c.close_user_id, v_close)
     where c.organization_id = proposal.organization_id and c.id = accept_as_closer.closer_id
       and (proposal.email is not null or coalesce(c.calendly_user_uri, v_uri, '') = coalesce(v_uri, c.calendly_user_uri, '')
            and coalesce(c.close_user_id, v_close, '') = coalesce(v_close, c.close_user_id, ''))
    returning c.id into v_id;
    if v_id is null then
        perform app.refuse_entry(exists (
            select from app.closers as c where c.organization_id = proposal.organization_id and c.id = accept_as_closer.closer_id));
    end if;
    return v_id;
end;
$$;
comment on function app.accept_as_closer(app.roster_proposals, uuid) is 'The closer whom a proposal is.';

-- app.accept_as_setter: the setter whom a proposal is, likewise.
create or replace function app.accept_as_setter(proposal app.roster_proposals, setter_id uuid) returns uuid
language plpgsql volatile set search_path = '' as $$
declare
    v_close   constant text := case when proposal.provider = 'close' then proposal.provider_user_id end;
    v_aliases constant text[] := app.known_names(app.proposal_aliases(proposal) || case
        when proposal.provider = 'calendly' then proposal.provider_user_id end);
    v_id      uuid;
begin
    if accept_as_setter.setter_id is null then
        insert into app.setters as s (organization_id, name, email, aliases, close_user_id)
        values (proposal.organization_id, coalesce(proposal.name, split_part(proposal.email, '@', 1), proposal.provider_user_id),
                proposal.email, array_remove(v_aliases, proposal.email_norm), v_close)
        returning s.id into v_id;
        return v_id;
    end if;
    update app.setters as s
       set aliases = s.aliases || array_remove(v_aliases, s.email_norm), close_user_id = coalesce(s.close_user_id, v_close)
     where s.organization_id = proposal.organization_id and s.id = accept_as_setter.setter_id
       and (proposal.email is not null or coalesce(s.close_user_id, v_close, '') = coalesce(v_close, s.close_user_id, ''))
    returning s.id into v_id;
    if v_id is null then
        perform app.refuse_entry(exists (
            select from app.setters as s where s.organization_id = proposal.organization_id and s.id = accept_as_setter.setter_id));
    end if;
    return v_id;
end;
$$;
comment on function app.accept_as_setter(app.roster_proposals, uuid) is 'The setter whom a proposal is.';

-- app.refuse_entry: why a roster entry cannot be the person of a proposal.
create or replace function app.refuse_entry(is_there boolean) returns void
language plpgsql immutable set search_path = '' as $$
begin
    if not is_there then
        raise exception using errcode = 'PT404', message = 'No such closer or setter in this organization.';
    end if;
    raise exception using errcode = 'PT409', message = 'This person has another id at the platform.',
        hint = 'Take that id from the entry first, or accept the proposal as somebody else.';
end;
$$;
comment on function app.refuse_entry(boolean) is 'Raise why an entry cannot be the person of a proposal.';

-- api.accept_roster_proposal: say who a person is whom a platform lists.
-- roster: closer or setter, for a new entry; closer_id, setter_id: an entry that gets the address and the platform's id as well.
-- Callers:    admins, through POST /rpc/accept_roster_proposal.
-- Guarantees: all or nothing; calls without closer whose host it is get their closer, their payments follow. A dismissed proposal can be
--             accepted. Raises PT404, PT409 for an accepted one, PT422 unless exactly one of the three is said.
-- Definer:    members may not write proposals, so the tenant is filtered by hand.
create or replace function api.accept_roster_proposal(
    proposal_id uuid, roster text default null, closer_id uuid default null, setter_id uuid default null,
    organization_id uuid default null
) returns uuid
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(accept_roster_proposal.organization_id);
    v_proposal        constant app.roster_proposals := app.require_proposal(v_organization_id, accept_roster_proposal.proposal_id);
    v_is_closer       constant boolean := accept_roster_proposal.closer_id is not null or accept_roster_proposal.roster = 'closer';
    v_id              uuid;
begin
    if num_nonnulls(accept_roster_proposal.roster, accept_roster_proposal.closer_id, accept_roster_proposal.setter_id) <> 1
       or accept_roster_proposal.roster not in ('closer', 'setter') then
        raise exception using errcode = 'PT422', message = 'Say as whom this person is accepted.',
            detail = jsonb_build_object('roster', 'closer or setter, or else closer_id or setter_id of an entry.')::text;
    end if;
    update app.roster_proposals as p
       set state = 'accepted', decided_by = auth.uid(), decided_at = now()
     where p.organization_id = v_organization_id and p.id = v_proposal.id;
    v_id := case when v_is_closer then app.accept_as_closer(v_proposal, accept_roster_proposal.closer_id)
                 else app.accept_as_setter(v_proposal, accept_roster_proposal.setter_id) end;
    update app.roster_proposals as p
       set closer_id = case when v_is_closer then v_id end, setter_id = case when not v_is_closer then v_id end
     where p.organization_id = v_organization_id and p.id = v_proposal.id;
    return v_id;
end;
$$;
comment on function api.accept_roster_proposal(uuid, text, uuid, uuid, uuid) is $$Say who a person is whom a platform lists
roster (closer or setter) makes a new entry; closer_id or setter_id adds the address and id to an entry there is. Answers the
entry's id. Calls that waited for this host get their closer.$$;

-- api.dismiss_roster_proposal: this person is nobody on the rosters, and is not proposed again.
-- Callers:    admins, through POST /rpc/dismiss_roster_proposal.
-- Guarantees: it stays dismissed when the platform lists them again. Raises PT404, and PT409 for an accepted one.
-- Definer:    members may not write proposals, so the tenant is filtered by hand.
create or replace function api.dismiss_roster_proposal(proposal_id uuid, organization_id uuid default null) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(dismiss_roster_proposal.organization_id);
    v_proposal        constant app.roster_proposals := app.require_proposal(v_organization_id, dismiss_roster_proposal.proposal_id);
begin
    update app.roster_proposals as p
       set state = 'dismissed', decided_by = auth.uid(), decided_at = now()
     where p.organization_id = v_organization_id and p.id = v_proposal.id and p.state <> 'dismissed';
end;
$$;
comment on function api.dismiss_roster_proposal(uuid, uuid) is $$Say that a person whom a platform lists is nobody on the rosters
They are not proposed again; accept_roster_proposal takes it back.$$;

grant execute on function
    api.accept_roster_proposal(uuid, text, uuid, uuid, uuid), api.dismiss_roster_proposal(uuid, uuid)
    to authenticated, org_admin, super_admin;
