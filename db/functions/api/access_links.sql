-- Personal links, for admins. The gateway makes the token (POST /functions/v1/create-portal-link, send-portal-link,
-- send-commission-link) and calls these functions as the caller; here only its hash is kept.

-- api.prepare_access_link: for whom the gateway is about to make a link, and to which address it would be sent.
-- Callers:    admins, through the gateway.
-- Guarantees: raises what create_access_link would raise, before there is a token.
-- Definer:    rosters, settings and payouts are read; the tenant is filtered by hand.
create or replace function api.prepare_access_link(
    scope text, inout closer_id uuid default null, inout payee_id uuid default null, inout snapshot_id uuid default null,
    inout organization_id uuid default null, out name text, out email text) returns record
language plpgsql stable security definer set search_path = '' as $$
declare
    v_person record;
begin
    organization_id := auth.require_admin(organization_id);
    v_person := app.link_person(organization_id, scope, closer_id, payee_id, snapshot_id);
    closer_id := v_person.closer_id;
    payee_id := v_person.payee_id;
    snapshot_id := v_person.snapshot_id;
    name := v_person.name;
    email := v_person.email;
end;
$$;
comment on function api.prepare_access_link(text, uuid, uuid, uuid, uuid) is $$For whom a personal link would be
scope pcf: the portal of a closer; statement: a payee's part of a locked payout, the latest if snapshot_id is left out. Answers
whose link it would be and to which address it would be sent. For owners and admins.$$;
grant execute on function api.prepare_access_link(text, uuid, uuid, uuid, uuid) to authenticated, org_admin, super_admin;

-- api.create_access_link: a personal link, known by the hash of its token.
-- secret: the link, sealed by the gateway: given when it is to be e-mailed, to the address on the roster.
-- Callers:    admins, through the gateway.
-- Guarantees: one transaction: the link exists if, and only if, its e-mail is queued. Raises PT404, PT409, PT422, and PT429 when
--             this address got ten e-mails within the hour.
-- Definer:    nobody writes links and messages themselves; the tenant is filtered by hand.
create or replace function api.create_access_link(
    scope text, token_hash bytea, closer_id uuid default null, payee_id uuid default null, snapshot_id uuid default null,
    valid_days integer default 30, secret bytea default null, organization_id uuid default null
) returns api.closer_access_tokens
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(create_access_link.organization_id);
    v_link            app.closer_access_tokens;
    v_row             api.closer_access_tokens;
begin
    v_link := app.create_link(
        v_organization_id, create_access_link.scope, create_access_link.token_hash, create_access_link.closer_id,
        create_access_link.payee_id, create_access_link.snapshot_id, create_access_link.valid_days, create_access_link.secret,
        auth.uid());
    select t.* into v_row from api.closer_access_tokens as t
     where t.organization_id = v_link.organization_id and t.id = v_link.id;
    return v_row;
end;
$$;
comment on function api.create_access_link(text, bytea, uuid, uuid, uuid, integer, bytea, uuid) is $$Make a personal link
Use POST /functions/v1/create-portal-link, send-portal-link or send-commission-link, which make the token. Answers the link's
row of closer_access_tokens; the token itself is nowhere but with its holder. For owners and admins.$$;
grant execute on function api.create_access_link(text, bytea, uuid, uuid, uuid, integer, bytea, uuid)
    to authenticated, org_admin, super_admin;

-- api.revoke_access_link: end a personal link at once.
-- Callers:    admins.
-- Guarantees: the next request with it is refused; a link that had ended before stays as it was. Raises PT404.
-- Definer:    nobody writes links themselves; the tenant is filtered by hand.
create or replace function api.revoke_access_link(link_id uuid, organization_id uuid default null) returns api.closer_access_tokens
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(revoke_access_link.organization_id);
    v_row             api.closer_access_tokens;
begin
    update app.closer_access_tokens as t
       set revoked_at = now()
     where t.organization_id = v_organization_id and t.id = revoke_access_link.link_id and t.revoked_at is null;
    select t.* into v_row from api.closer_access_tokens as t
     where t.organization_id = v_organization_id and t.id = revoke_access_link.link_id;
    if not found then
        raise exception using errcode = 'PT404', message = 'No such link in this organization.';
    end if;
    return v_row;
end;
$$;
comment on function api.revoke_access_link(uuid, uuid) is $$End a personal link at once
The next request with it is refused. Answers its row of closer_access_tokens. For owners and admins.$$;
grant execute on function api.revoke_access_link(uuid, uuid) to authenticated, org_admin, super_admin;
