-- Read-only keys of an organization for BI tools and scripts, for admins. The gateway signs the key (POST /functions/v1/api-keys) and
-- calls these functions as the caller; here is only what the pre-request check looks up, never the key.

-- api.prepare_api_key: for which organization the gateway is about to sign a key, and the id that it will name.
-- Callers:    admins, through the gateway.
-- Guarantees: changes nothing.
-- Definer:    memberships are read.
create or replace function api.prepare_api_key(inout organization_id uuid default null, out key_id uuid) returns record
language plpgsql stable security definer set search_path = '' as $$
begin
    organization_id := auth.require_admin(organization_id);
    key_id := uuidv7();
end;
$$;
comment on function api.prepare_api_key(uuid) is $$For which organization an API key would be
Answers it, and the id that the key will name. For owners and admins.$$;
grant execute on function api.prepare_api_key(uuid) to authenticated, org_admin, super_admin;

-- api.create_api_key: let a key in that the gateway has signed.
-- Callers:    admins, through the gateway.
-- Guarantees: a row without its signed key opens nothing. Raises PT409 when a living key has this name, PT422.
-- Definer:    nobody writes keys themselves; the tenant is filtered by hand.
create or replace function api.create_api_key(
    name text, key_id uuid, last4 text, organization_id uuid default null
) returns api.api_keys
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(create_api_key.organization_id);
    v_row             api.api_keys;
begin
    if coalesce(length(btrim(create_api_key.name)), 0) not between 1 and 100 then
        raise exception using errcode = 'PT422', message = 'This key needs a name.',
            detail = json_build_object('name', 'A text of at most 100 characters.');
    elsif create_api_key.key_id is null or create_api_key.last4 is null or create_api_key.last4 !~ '^[A-Za-z0-9_-]{4}$' then
        raise exception using errcode = 'PT422', message = 'This is no key that was signed here.',
            hint = 'Make keys with POST /functions/v1/api-keys.';
    end if;
    insert into app.api_keys (organization_id, id, name, last4, created_by)
    values (v_organization_id, create_api_key.key_id, btrim(create_api_key.name), create_api_key.last4, auth.uid())
    on conflict do nothing;
    if not found then
        raise exception using errcode = 'PT409', message = 'A key of this name is in use.',
            hint = 'Take another name, or revoke that key first.';
    end if;
    select k.* into v_row from api.api_keys as k
     where k.organization_id = v_organization_id and k.id = create_api_key.key_id;
    return v_row;
end;
$$;
comment on function api.create_api_key(text, uuid, text, uuid) is $$Make a read-only key
Use POST /functions/v1/api-keys, which signs it. Answers the row of api_keys; the key itself is nowhere but with its holder. For
owners and admins.$$;
grant execute on function api.create_api_key(text, uuid, text, uuid) to authenticated, org_admin, super_admin;

-- api.revoke_api_key: end a key at once.
-- Callers:    admins.
-- Guarantees: the next request with it is refused; a key that had ended before stays as it was. Raises PT404.
-- Definer:    nobody writes keys themselves; the tenant is filtered by hand.
create or replace function api.revoke_api_key(key_id uuid, organization_id uuid default null) returns api.api_keys
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(revoke_api_key.organization_id);
    v_row             api.api_keys;
begin
    update app.api_keys as k set revoked_at = now()
     where k.organization_id = v_organization_id and k.id = revoke_api_key.key_id and k.revoked_at is null;
    select k.* into v_row from api.api_keys as k
     where k.organization_id = v_organization_id and k.id = revoke_api_key.key_id;
    if not found then
        raise exception using errcode = 'PT404', message = 'No such key in this organization.';
    end if;
    return v_row;
end;
$$;
comment on function api.revoke_api_key(uuid, uuid) is $$End a read-only key at once
The next request with it is refused. Answers its row of api_keys. For owners and admins.$$;
grant execute on function api.revoke_api_key(uuid, uuid) to authenticated, org_admin, super_admin;
