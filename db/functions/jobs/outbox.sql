-- Sending what lies in the outbox. As with runs, (organization_id NULL, id) is a message of the platform, and whoever
-- claimed a message proves it with worker_id and attempt.

-- jobs.claim_outbox: take up to batch messages that are due. Those of a suspended organization wait until it is resumed.
-- kinds: those that this worker has a sender for; all others wait, untouched, until a worker has one.
create or replace function jobs.claim_outbox(
    worker_id text, kinds text[], batch integer default 10, as_of timestamptz default now())
returns table (
    organization_id uuid, id uuid, kind text, payload jsonb, secret bytea, rendered bytea, attempt integer)
language plpgsql volatile security definer set search_path = '' as $$
begin
    return query
    update app.platform_outbox as o
       set state = 'sending', attempts = o.attempts + 1, claimed_by = claim_outbox.worker_id,
           claimed_at = claim_outbox.as_of, updated_at = claim_outbox.as_of
     where o.id in (
        select q.id from app.platform_outbox as q
         where q.state = 'pending' and q.kind = any (claim_outbox.kinds) and q.next_attempt_at <= claim_outbox.as_of
         order by q.next_attempt_at, q.id
         limit claim_outbox.batch for update skip locked)
    returning null::uuid, o.id, o.kind, o.payload, o.secret, o.rendered, o.attempts;
    return query
    update app.outbox as o
       set state = 'sending', attempts = o.attempts + 1, claimed_by = claim_outbox.worker_id,
           claimed_at = claim_outbox.as_of, updated_at = claim_outbox.as_of
     where (o.organization_id, o.id) in (
        select q.organization_id, q.id from app.outbox as q
         where q.state = 'pending' and q.kind = any (claim_outbox.kinds) and q.next_attempt_at <= claim_outbox.as_of
           and exists (select from app.organizations as g
                        where g.id = q.organization_id and g.suspended_at is null and g.deleted_at is null)
         order by q.next_attempt_at, q.id
         limit claim_outbox.batch for update skip locked)
    returning o.organization_id, o.id, o.kind, o.payload, o.secret, o.rendered, o.attempts;
end;
$$;
comment on function jobs.claim_outbox(text, text[], integer, timestamptz) is 'Take messages of some kinds that are due.';
grant execute on function jobs.claim_outbox(text, text[], integer, timestamptz) to worker;

-- jobs.keep_rendered: keep the message exactly as it is about to be sent, sealed, so that every attempt sends the same
-- bytes under the same idempotency key. Answers what is kept: the first rendering wins; NULL when the claim is lost.
create or replace function jobs.keep_rendered(
    organization_id uuid, id uuid, worker_id text, attempt integer, rendered bytea
) returns bytea
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_rendered bytea;
begin
    if keep_rendered.organization_id is null then
        update app.platform_outbox as o set rendered = coalesce(o.rendered, keep_rendered.rendered)
         where o.id = keep_rendered.id and o.state = 'sending'
           and o.claimed_by = keep_rendered.worker_id and o.attempts = keep_rendered.attempt
        returning o.rendered into v_rendered;
    else
        update app.outbox as o set rendered = coalesce(o.rendered, keep_rendered.rendered)
         where o.organization_id = keep_rendered.organization_id and o.id = keep_rendered.id and o.state = 'sending'
           and o.claimed_by = keep_rendered.worker_id and o.attempts = keep_rendered.attempt
        returning o.rendered into v_rendered;
    end if;
    return v_rendered;
end;
$$;
comment on function jobs.keep_rendered(uuid, uuid, text, integer, bytea) is
    'Keep the sealed message as first rendered; answers what is kept.';
grant execute on function jobs.keep_rendered(uuid, uuid, text, integer, bytea) to worker;

-- jobs.finish_outbox: the message is out. A really sent one loses its secret and its text; the development mailbox keeps
-- what it would have sent. Answers sent, or lost.
create or replace function jobs.finish_outbox(
    organization_id uuid, id uuid, worker_id text, attempt integer, transport text,
    provider_message_id text default null, as_of timestamptz default now()
) returns text
language plpgsql volatile security definer set search_path = '' as $$
begin
    if finish_outbox.organization_id is null then
        update app.platform_outbox as o
           set state = 'sent', sent_at = finish_outbox.as_of, transport = finish_outbox.transport,
               provider_message_id = finish_outbox.provider_message_id, secret = null,
               rendered = case when finish_outbox.transport = 'mailbox' then o.rendered end,
               claimed_by = null, claimed_at = null, error = null, updated_at = finish_outbox.as_of
         where o.id = finish_outbox.id and o.state = 'sending'
           and o.claimed_by = finish_outbox.worker_id and o.attempts = finish_outbox.attempt;
    else
        update app.outbox as o
           set state = 'sent', sent_at = finish_outbox.as_of, transport = finish_outbox.transport,
               provider_message_id = finish_outbox.provider_message_id, secret = null,
               rendered = case when finish_outbox.transport = 'mailbox' then o.rendered end,
               claimed_by = null, claimed_at = null, error = null, updated_at = finish_outbox.as_of
         where o.organization_id = finish_outbox.organization_id and o.id = finish_outbox.id and o.state = 'sending'
           and o.claimed_by = finish_outbox.worker_id and o.attempts = finish_outbox.attempt;
    end if;
    if not found then
        return 'lost';
    end if;
    if finish_outbox.organization_id is not null then
        perform app.resolve_exception(
            finish_outbox.organization_id, 'undeliverable_message', finish_outbox.id::text, finish_outbox.as_of);
    end if;
    return 'sent';
end;
$$;
comment on function jobs.finish_outbox(uuid, uuid, text, integer, text, text, timestamptz) is 'The message is out.';
grant execute on function jobs.finish_outbox(uuid, uuid, text, integer, text, text, timestamptz) to worker;

-- jobs.fail_outbox: this attempt failed. A final failure, or the last attempt, makes the message dead, and an organization's
-- dead message an exception. Answers pending, dead, or lost.
create or replace function jobs.fail_outbox(
    organization_id uuid, id uuid, worker_id text, attempt integer, error text, is_final boolean default false,
    retry_after_seconds integer default null, as_of timestamptz default now()
) returns text
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_state constant text := case
        when fail_outbox.is_final or fail_outbox.attempt >= app.outbox_attempts() then 'dead' else 'pending' end;
    v_next_attempt_at constant timestamptz := fail_outbox.as_of + greatest(
        app.back_off(fail_outbox.attempt),
        make_interval(secs => least(coalesce(fail_outbox.retry_after_seconds, 0), 86400)));
    v_kind text;
begin
    if fail_outbox.organization_id is null then
        update app.platform_outbox as o
           set state = v_state, next_attempt_at = v_next_attempt_at, claimed_by = null, claimed_at = null,
               error = left(fail_outbox.error, 1000), updated_at = fail_outbox.as_of
         where o.id = fail_outbox.id and o.state = 'sending'
           and o.claimed_by = fail_outbox.worker_id and o.attempts = fail_outbox.attempt;
    else
        update app.outbox as o
           set state = v_state, next_attempt_at = v_next_attempt_at, claimed_by = null, claimed_at = null,
               error = left(fail_outbox.error, 1000), updated_at = fail_outbox.as_of
         where o.organization_id = fail_outbox.organization_id and o.id = fail_outbox.id and o.state = 'sending'
           and o.claimed_by = fail_outbox.worker_id and o.attempts = fail_outbox.attempt
        returning o.kind into v_kind;
    end if;
    if not found then
        return 'lost';
    end if;
    if fail_outbox.organization_id is not null and v_state = 'dead' then
        perform app.record_exception(
            fail_outbox.organization_id, 'undeliverable_message', fail_outbox.id::text, 'warning', 'outbox',
            array[fail_outbox.id], format('A message of kind %s could not be delivered.', v_kind),
            'Read the error of the message, mend its cause, and retry the message.',
            jsonb_build_object('attempts', fail_outbox.attempt), fail_outbox.as_of);
    end if;
    return v_state;
end;
$$;
comment on function jobs.fail_outbox(uuid, uuid, text, integer, text, boolean, integer, timestamptz) is
    'An attempt to send failed: tried again later, or dead.';
grant execute on function jobs.fail_outbox(uuid, uuid, text, integer, text, boolean, integer, timestamptz) to worker;
