-- What the gateway may know of connections, and what it counts about them.
grant usage on schema ingest to gateway;

-- ingest.find_connection: the endpoint behind an id in a URL, with its sealed secrets; no row unless it, and its
-- organization, are in use.
-- Callers:  the gateway, which forgets the answer when the channel of ingest.connection_channel names the id.
-- Definer:  the gateway has no rights on tables.
create or replace function ingest.find_connection(connection_id uuid)
returns table (
    organization_id uuid, id uuid, connection_type text, webhook_secret bytea, webhook_secret_previous bytea,
    webhook_secret_previous_until timestamptz)
language sql stable security definer rows 1 set search_path = '' as $$
    select c.organization_id, c.id, c.connection_type, c.webhook_secret, c.webhook_secret_previous,
           c.webhook_secret_previous_until
      from app.webhook_connections as c
      join app.organizations as o on o.id = c.organization_id
     where c.id = find_connection.connection_id and c.is_active and c.deleted_at is null
       and o.deleted_at is null and o.suspended_at is null;
$$;
comment on function ingest.find_connection(uuid) is 'The webhook endpoint behind an id, with its sealed secrets, while it is in use.';
grant execute on function ingest.find_connection(uuid) to gateway;

-- ingest.connection_channel: where changed connections are announced, by id. A secret: who knows it could make gateways forget.
-- Callers:  the gateway.
-- Definer:  the gateway has no rights on tables.
create or replace function ingest.connection_channel() returns text
language sql stable security definer set search_path = '' as $$
    select app.announcement_channel('webhook_connections');
$$;
comment on function ingest.connection_channel() is 'The channel on which changed connections are announced.';
grant execute on function ingest.connection_channel() to gateway;

-- ingest.connection_ids: the ids of all endpoints in use, so that a flood of unknown ones is told from them without a look-up.
-- Callers:  the gateway, whenever it begins to listen for changed connections.
-- Definer:  the gateway has no rights on tables.
create or replace function ingest.connection_ids() returns setof uuid
language sql stable security definer set search_path = '' as $$
    select c.id from app.webhook_connections as c where c.is_active and c.deleted_at is null;
$$;
comment on function ingest.connection_ids() is 'The ids of all webhook endpoints in use.';
grant execute on function ingest.connection_ids() to gateway;

-- ingest.record_rejections: deliveries that the gateway did not take in since it last said so, by connection.
-- rejected: forged or unusable ones; refused: genuine ones turned away, which the provider sends again, or gives up on.
-- The arrays are of one length. Unknown connections are passed over. Answers how many connections were known.
-- Definer:  the gateway has no rights on tables.
create or replace function ingest.record_rejections(
    connection_ids uuid[], rejected integer[], refused integer[], seen_at timestamptz default now()
) returns integer
language sql volatile security definer set search_path = '' as $$
    with written as (
        insert into app.connection_stats (organization_id, connection_id, received_at, rejected, refused)
        select c.organization_id, c.id, record_rejections.seen_at, r.rejected, r.refused
          from rows from (unnest(connection_ids), unnest(record_rejections.rejected), unnest(record_rejections.refused))
               as r (connection_id, rejected, refused)
          join app.webhook_connections as c on c.id = r.connection_id
         where r.rejected + r.refused > 0
        returning 1
    )
    select count(*)::integer from written;
$$;
comment on function ingest.record_rejections(uuid[], integer[], integer[], timestamptz) is 'Count deliveries that were not taken in.';
grant execute on function ingest.record_rejections(uuid[], integer[], integer[], timestamptz) to gateway;
