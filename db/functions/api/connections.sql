-- Webhook connections, for admins. Signing secrets come sealed: the gateway encrypts them (POST
-- /functions/v1/webhook-connections) and calls these functions as the caller. They never come back.

-- api.prepare_webhook_connection: for which organization, and under which id, the gateway seals the secret of a new connection.
-- Callers:    admins, through the gateway.
-- Definer:    nothing is written; only the caller's organization is told.
create or replace function api.prepare_webhook_connection(inout organization_id uuid default null, out id uuid) returns record
language plpgsql volatile security definer set search_path = '' as $$
begin
    organization_id := auth.require_admin(organization_id);
    id := uuidv7();
end;
$$;
comment on function api.prepare_webhook_connection(uuid) is $$The id of a connection that is about to be made
The gateway seals the signing secret for this organization and id, then calls create_webhook_connection.$$;

-- app.require_sealed: a value that the gateway can have sealed: key id, nonce, tag, and at least one byte.
create or replace function app.require_sealed(secret bytea) returns bytea
language plpgsql immutable set search_path = '' as $$
begin
    if secret is null or octet_length(secret) not between 41 and 4096 or left(encode(secret, 'escape'), 12) !~ '^[0-9a-f]{12}$' then
        raise exception using errcode = 'PT422', message = 'This secret is not sealed.',
            hint = 'Send it to POST /functions/v1/webhook-connections or manage-api-keys, which encrypt it.';
    end if;
    return secret;
end;
$$;
comment on function app.require_sealed(bytea) is 'A value that the gateway can have sealed, else PT422.';

-- app.require_connection_settings: PT422 unless a connection can be like this; DETAIL is a JSON object from each wrong field
-- to what it needs. NULL stands for what is not to be set.
create or replace function app.require_connection_settings(name text, connection_type text, rate_limit_per_minute integer)
returns void
language plpgsql immutable set search_path = '' as $$
declare
    v_types constant text[] := array['stripe', 'whop', 'calendly', 'acuity', 'manychat'];
    v_wrong constant jsonb := jsonb_strip_nulls(jsonb_build_object(
        'name', case when length(btrim(name)) not between 1 and 200 then 'Give it a name of at most 200 characters.' end,
        'connection_type', case when connection_type <> all (v_types)
                                then format('One of %s.', array_to_string(v_types, ', ')) end,
        'rate_limit_per_minute', case when rate_limit_per_minute not between 1 and 100000
                                      then 'From 1 to 100000 deliveries in a minute.' end));
begin
    if v_wrong <> '{}' then
        raise exception using errcode = 'PT422', message = 'A connection cannot be set up like this.', detail = v_wrong::text,
            hint = 'Correct the fields that the detail names.';
    end if;
end;
$$;
comment on function app.require_connection_settings(text, text, integer) is 'Raise PT422 unless a connection can be like this.';

-- app.previous_secret_until: until when the secret before a rotation is honoured.
create or replace function app.previous_secret_until(valid_seconds integer) returns timestamptz
language plpgsql stable set search_path = '' as $$
begin
    if valid_seconds not between 0 and 604800 then
        raise exception using errcode = 'PT422', message = 'A previous secret is honoured for at most seven days.',
            detail = jsonb_build_object('previous_valid_seconds', 'From 0 to 604800 seconds.')::text;
    end if;
    return now() + make_interval(secs => coalesce(valid_seconds, 86400));
end;
$$;
comment on function app.previous_secret_until(integer) is 'Until when the secret before a rotation is honoured; PT422 beyond seven days.';

-- api.create_webhook_connection: a new endpoint of one processor or booking platform.
-- provider_account: a connection of Stripe that names none is of the one that earlier ones named.
-- id: from prepare_webhook_connection, since secret and key open under it alone. rate_limit_per_minute: deliveries accepted in
-- a minute; NULL for 100 of Calendly and 60 of others. api_key: sealed too, for providers that are also asked.
-- Callers:    admins, through the gateway.
-- Guarantees: an id is in use at most once, in whatever organization. Raises PT409, and PT422 naming the wrong fields.
-- Definer:    members may not write connections, so the tenant is filtered by hand.
create or replace function api.create_webhook_connection(
    id uuid, name text, connection_type text, webhook_secret bytea, webhook_secret_last4 text,
    provider_account text default '', rate_limit_per_minute integer default null, api_key bytea default null,
    api_key_last4 text default null, organization_id uuid default null
) returns uuid
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(create_webhook_connection.organization_id);
begin
    perform app.require_connection_settings(
        coalesce(create_webhook_connection.name, ''), coalesce(create_webhook_connection.connection_type, ''),
        create_webhook_connection.rate_limit_per_minute);
    if exists (select from app.webhook_connections as c where c.id = create_webhook_connection.id) then
        raise exception using errcode = 'PT409', message = 'This connection exists already.',
            hint = 'Ask prepare_webhook_connection for a new id.';
    end if;
    insert into app.webhook_connections (
        organization_id, id, name, connection_type, webhook_secret, webhook_secret_last4, api_key, api_key_last4,
        provider_account, rate_limit_per_minute)
    values (
        v_organization_id, create_webhook_connection.id, btrim(create_webhook_connection.name),
        create_webhook_connection.connection_type, app.require_sealed(create_webhook_connection.webhook_secret),
        right(create_webhook_connection.webhook_secret_last4, 4),
        case when create_webhook_connection.api_key is not null then app.require_sealed(create_webhook_connection.api_key) end,
        case when create_webhook_connection.api_key is not null then right(create_webhook_connection.api_key_last4, 4) end,
        coalesce(nullif(btrim(create_webhook_connection.provider_account), ''),
                 app.only_account(v_organization_id, create_webhook_connection.connection_type), ''),
        coalesce(create_webhook_connection.rate_limit_per_minute,
                 case create_webhook_connection.connection_type when 'calendly' then 100 else 60 end));
    return create_webhook_connection.id;
end;
$$;
comment on function api.create_webhook_connection(uuid, text, text, bytea, text, text, integer, bytea, text, uuid) is $$Make a webhook endpoint
Use POST /functions/v1/webhook-connections, which seals secret and key; answers the connection's id.$$;

-- api.rotate_webhook_secret: a new signing secret; the present one is honoured for a while (at most 7 days).
-- Callers:    admins, through the gateway.
-- Guarantees: gateways know it at once. Raises PT404 and PT422.
-- Definer:    members may not write connections, so the tenant is filtered by hand.
create or replace function api.rotate_webhook_secret(
    connection_id uuid, webhook_secret bytea, webhook_secret_last4 text, previous_valid_seconds integer default 86400,
    organization_id uuid default null
) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(rotate_webhook_secret.organization_id);
    v_until           constant timestamptz := app.previous_secret_until(rotate_webhook_secret.previous_valid_seconds);
begin
    update app.webhook_connections as c
       set webhook_secret = app.require_sealed(rotate_webhook_secret.webhook_secret),
           webhook_secret_last4 = right(rotate_webhook_secret.webhook_secret_last4, 4),
           webhook_secret_previous = c.webhook_secret,
           webhook_secret_previous_until = v_until
     where c.organization_id = v_organization_id and c.id = rotate_webhook_secret.connection_id and c.deleted_at is null;
    if not found then
        raise exception using errcode = 'PT404', message = 'No such connection in this organization.';
    end if;
end;
$$;
comment on function api.rotate_webhook_secret(uuid, bytea, text, integer, uuid) is $$Give a webhook endpoint a new signing secret
Use POST /functions/v1/webhook-connections/{id}/secret, which seals it; the present one is honoured for previous_valid_seconds.$$;

-- api.set_webhook_api_key: the key by which a provider is asked; sealed, like everything secret.
-- webhook_secret: given for providers that sign with that key, so that both change in one moment; the present signing secret
-- is then honoured for previous_valid_seconds.
-- Callers:    admins, through the gateway.
-- Guarantees: gateways know it at once. Raises PT404 and PT422.
-- Definer:    members may not write connections, so the tenant is filtered by hand.
create or replace function api.set_webhook_api_key(
    connection_id uuid, api_key bytea, api_key_last4 text, webhook_secret bytea default null,
    webhook_secret_last4 text default null, previous_valid_seconds integer default 86400, organization_id uuid default null
) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(set_webhook_api_key.organization_id);
begin
    if set_webhook_api_key.webhook_secret is not null then
        perform api.rotate_webhook_secret(
            set_webhook_api_key.connection_id, set_webhook_api_key.webhook_secret, set_webhook_api_key.webhook_secret_last4,
            set_webhook_api_key.previous_valid_seconds, v_organization_id);
    end if;
    update app.webhook_connections as c
       set api_key = app.require_sealed(set_webhook_api_key.api_key),
           api_key_last4 = right(set_webhook_api_key.api_key_last4, 4)
     where c.organization_id = v_organization_id and c.id = set_webhook_api_key.connection_id and c.deleted_at is null;
    if not found then
        raise exception using errcode = 'PT404', message = 'No such connection in this organization.';
    end if;
end;
$$;
comment on function api.set_webhook_api_key(uuid, bytea, text, bytea, text, integer, uuid) is $$Give a webhook endpoint the key by which its provider is asked
Use POST /functions/v1/webhook-connections/{id}/api-key, which seals it.$$;

-- api.update_webhook_connection: change what is given; NULL leaves as it is. is_active false pauses: deliveries get 404. Another
-- provider_account takes the money along that came through the connection.
-- Callers:    admins, through POST /rpc/update_webhook_connection.
-- Guarantees: gateways know it at once. Raises PT404, and PT422 naming the wrong fields.
-- Definer:    members may not write connections, so the tenant is filtered by hand.
create or replace function api.update_webhook_connection(
    connection_id uuid, name text default null, is_active boolean default null, rate_limit_per_minute integer default null,
    provider_account text default null, organization_id uuid default null
) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(update_webhook_connection.organization_id);
begin
    perform app.require_connection_settings(
        update_webhook_connection.name, null, update_webhook_connection.rate_limit_per_minute);
    update app.webhook_connections as c
       set name = coalesce(btrim(update_webhook_connection.name), c.name),
           is_active = coalesce(update_webhook_connection.is_active, c.is_active),
           rate_limit_per_minute = coalesce(update_webhook_connection.rate_limit_per_minute, c.rate_limit_per_minute),
           provider_account = coalesce(btrim(update_webhook_connection.provider_account), c.provider_account)
     where c.organization_id = v_organization_id and c.id = update_webhook_connection.connection_id and c.deleted_at is null;
    if not found then
        raise exception using errcode = 'PT404', message = 'No such connection in this organization.';
    end if;
end;
$$;
comment on function api.update_webhook_connection(uuid, text, boolean, integer, text, uuid) is $$Rename, pause or limit a webhook endpoint
What is left out stays as it is.$$;

-- api.delete_webhook_connection: take an endpoint out of use for good; its deliveries and payments stay, its secrets go.
-- Callers:    admins, through POST /rpc/delete_webhook_connection.
-- Guarantees: gateways know it at once. Raises PT404.
-- Definer:    members may not write connections, so the tenant is filtered by hand.
create or replace function api.delete_webhook_connection(connection_id uuid, organization_id uuid default null) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(delete_webhook_connection.organization_id);
begin
    update app.webhook_connections as c
       set deleted_at = now(), is_active = false, webhook_secret = null, webhook_secret_previous = null,
           webhook_secret_last4 = null, webhook_secret_previous_until = null, api_key = null, api_key_last4 = null
     where c.organization_id = v_organization_id and c.id = delete_webhook_connection.connection_id and c.deleted_at is null;
    if not found then
        raise exception using errcode = 'PT404', message = 'No such connection in this organization.';
    end if;
end;
$$;
comment on function api.delete_webhook_connection(uuid, uuid) is $$Take a webhook endpoint out of use
Its deliveries and payments stay; a connection made again for the same provider account tells of the same payments.$$;

grant execute on function
    api.prepare_webhook_connection(uuid),
    api.create_webhook_connection(uuid, text, text, bytea, text, text, integer, bytea, text, uuid),
    api.rotate_webhook_secret(uuid, bytea, text, integer, uuid),
    api.set_webhook_api_key(uuid, bytea, text, bytea, text, integer, uuid),
    api.update_webhook_connection(uuid, text, boolean, integer, text, uuid),
    api.delete_webhook_connection(uuid, uuid)
    to authenticated, org_admin, super_admin;
