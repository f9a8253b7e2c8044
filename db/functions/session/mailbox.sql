-- session.development_mailbox: what the development mailbox holds, newest first, sealed.
-- Callers: the gateway's page and the command line, which hold the key. A message that really went out is never here:
--          its text was wiped when it was sent.
-- Definer: the gateway has no rights on tables.
create or replace function session.development_mailbox(max_rows integer default 50, message_id uuid default null)
returns table (organization_id uuid, id uuid, recipient text, sent_at timestamptz, rendered bytea)
language sql stable security definer set search_path = '' as $$
    select m.organization_id, m.id, m.recipient, m.sent_at, m.rendered
      from (
        select null::uuid as organization_id, o.id, o.payload ->> 'to' as recipient, o.sent_at, o.rendered
          from app.platform_outbox as o
         where o.transport = 'mailbox' and o.rendered is not null
        union all
        select o.organization_id, o.id, o.payload ->> 'to', o.sent_at, o.rendered
          from app.outbox as o
         where o.transport = 'mailbox' and o.rendered is not null) as m
     where development_mailbox.message_id is null or m.id = development_mailbox.message_id
     order by m.sent_at desc, m.id desc
     limit least(greatest(development_mailbox.max_rows, 1), 500);
$$;
comment on function session.development_mailbox(integer, uuid) is
    'What the development mailbox holds, newest first, sealed.';
grant execute on function session.development_mailbox(integer, uuid) to gateway;
