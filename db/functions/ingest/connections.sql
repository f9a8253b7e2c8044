-- What the gateway may know of connections, and what it counts about them.
grant usage on schema ingest to gateway;

-- ingest.find_connection: the endpoint behind an id in a URL, with its sealed secrets; no row unless it, and its
-- organization, are in use.
-- Callers:  the gateway, which forgets the answer when the channel webhook_connections names the id.
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

-- ingest.record_rejections: deliveries that the gateway refused since it last said so, by connection.
-- connection_ids, counts: of one length. Unknown connections are passed over. Answers how many connections were known.
-- Definer:  the gateway has no rights on tables.
create or replace function ingest.record_rejections(connection_ids uuid[], counts integer[], seen_at timestamptz default now())
returns integer
language sql volatile security definer set search_path = '' as $$
    with written as (
        insert into app.connection_stats (organization_id, connection_id, received_at, rejected)
        select c.organization_id, c.id, record_rejections.seen_at, r.count
          from rows from (unnest(connection_ids), unnest(counts)) as r (connection_id, count)
          join app.webhook_connections as c on c.id = r.connection_id
         where r.count > 0
        returning 1
    )
    select count(*)::integer from written;
$$;
comment on function ingest.record_rejections(uuid[], integer[], timestamptz) is 'Count deliveries that were refused.';
grant execute on function ingest.record_rejections(uuid[], integer[], timestamptz) to gateway;
