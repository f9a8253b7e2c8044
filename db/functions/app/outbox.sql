-- What must leave the platform after commit.

-- app.enqueue_outbox: put one message into the outbox of an organization, or of the platform (organization NULL).
-- Guarantees: one message per dedupe key, as long as the first is kept; a repetition returns the id of the first and changes nothing.
-- The message is sent only if the caller's transaction commits.
create or replace function app.enqueue_outbox(
    organization_id uuid, kind text, payload jsonb, dedupe_key text, secret bytea default null
) returns uuid
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_id uuid;
begin
    if enqueue_outbox.organization_id is null then
        insert into app.platform_outbox as o (kind, payload, dedupe_key, secret)
        values (enqueue_outbox.kind, enqueue_outbox.payload, enqueue_outbox.dedupe_key, enqueue_outbox.secret)
        on conflict on constraint platform_outbox_dedupe_key do nothing
        returning o.id into v_id;
        if v_id is null then
            select o.id into v_id from app.platform_outbox as o where o.dedupe_key = enqueue_outbox.dedupe_key;
        end if;
    else
        insert into app.outbox as o (organization_id, kind, payload, dedupe_key, secret)
        values (enqueue_outbox.organization_id, enqueue_outbox.kind, enqueue_outbox.payload,
                enqueue_outbox.dedupe_key, enqueue_outbox.secret)
        on conflict on constraint outbox_dedupe_key do nothing
        returning o.id into v_id;
        if v_id is null then
            select o.id into v_id from app.outbox as o
             where o.organization_id = enqueue_outbox.organization_id and o.dedupe_key = enqueue_outbox.dedupe_key;
        end if;
    end if;
    return v_id;
end;
$$;
comment on function app.enqueue_outbox(uuid, text, jsonb, text, bytea) is
    'Queue one message, once per dedupe key; organization NULL is the platform itself.';

-- app.back_off: how long to wait after the given number of failed attempts: 5 s doubling to an hour, with jitter.
create or replace function app.back_off(attempts integer) returns interval
language sql volatile
return interval '1 second' * least(5 * 2 ^ least(greatest(back_off.attempts, 1) - 1, 20), 3600) * (0.75 + random() / 2);
comment on function app.back_off(integer) is 'Wait after n failed attempts: 5 s doubling to an hour, plus or minus a quarter.';

-- app.outbox_attempts: how often a message is tried before it is dead.
create or replace function app.outbox_attempts() returns integer
language sql immutable parallel safe
return 8;
comment on function app.outbox_attempts() is 'How often a message is tried before it is dead.';

-- app.mask_links: the same document with every web address in it replaced, so that no link with a token is shown.
create or replace function app.mask_links(document jsonb) returns jsonb
language sql immutable strict parallel safe
return regexp_replace(mask_links.document::text, 'https?://[^"\\[:space:]]*', '(link)', 'gi')::jsonb;
comment on function app.mask_links(jsonb) is 'The document without web addresses.';
grant execute on function app.mask_links(jsonb) to authenticated, org_admin, super_admin;
