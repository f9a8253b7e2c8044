-- What admins do with the inbox: process deliveries again, ask why something is as it is, close what needs nobody.

-- api.replay_webhooks: process stored deliveries again, whatever became of them.
-- Callers:    owners and admins, through POST /rpc/replay_webhooks.
-- Guarantees: one row for every id: processed, ignored, failed, or unknown (of another organization, too). The rows that are
--             left are those of one delivery in order. At most 1,000 ids, else PT422.
-- Definer:    members may not write the inbox, so the tenant is filtered by hand.
create or replace function api.replay_webhooks(ids uuid[], organization_id uuid default null)
returns table (id uuid, outcome text)
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(replay_webhooks.organization_id);
begin
    if ids is null or cardinality(ids) > 1000 then
        raise exception using errcode = 'PT422', message = 'Name at most 1000 deliveries.',
            detail = format('%s were named.', coalesce(cardinality(ids)::text, 'None')),
            hint = 'To replay more of a connection call replay_webhooks_since.';
    end if;
    return query
    select g.id, coalesce(d.outcome, 'unknown')
      from (select n.id, min(n.ordinality) as position
              from unnest(ids) with ordinality as n (id, ordinality)
             where n.id is not null group by n.id) as g
      left join ingest.reprocess(v_organization_id, replay_webhooks.ids) as d on d.id = g.id
     order by g.position;
end;
$$;
comment on function api.replay_webhooks(uuid[], uuid) is $$Process stored deliveries again
Answers for every id how it stands: processed, ignored, failed or unknown. The result equals one delivery in order. At most
1,000 ids. For owners and admins.$$;
grant execute on function api.replay_webhooks(uuid[], uuid) to authenticated, org_admin, super_admin;

-- api.replay_webhooks_since: process again what a connection has received since an instant, as a run of the worker.
-- Callers:    owners and admins, through POST /rpc/replay_webhooks_since.
-- Guarantees: asking again while the same replay still waits answers the waiting run, and adds none.
-- Definer:    members may not write the queue, so the tenant is filtered by hand.
create or replace function api.replay_webhooks_since(connection_id uuid, since timestamptz, organization_id uuid default null)
returns api.sync_runs
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(replay_webhooks_since.organization_id);
    v_id              constant uuid := app.enqueue_replay(
        v_organization_id, replay_webhooks_since.connection_id, replay_webhooks_since.since, auth.uid());
    v_run             api.sync_runs;
begin
    select r.* into v_run from api.sync_runs as r where r.organization_id = v_organization_id and r.id = v_id;
    return v_run;
end;
$$;
comment on function api.replay_webhooks_since(uuid, timestamptz, uuid) is $$Process again what a connection has received since an instant
Answers the queued run; its progress is in sync_runs, and cancel_sync stops it. For owners and admins.$$;
grant execute on function api.replay_webhooks_since(uuid, timestamptz, uuid) to authenticated, org_admin, super_admin;

-- api.dismiss_exception: a person has looked, and nothing is to be done.
-- Callers:    owners and admins, through POST /rpc/dismiss_exception.
-- Guarantees: it stays dismissed for as long as what a check finds says the same. Raises PT404, PT409 when it is not open, PT422 without a reason.
-- Definer:    members may not write exceptions, so the tenant is filtered by hand.
create or replace function api.dismiss_exception(id uuid, reason text, organization_id uuid default null)
returns api.exceptions
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(dismiss_exception.organization_id);
    v_state           text;
    v_exception       api.exceptions;
begin
    if btrim(coalesce(reason, '')) = '' or length(reason) > 1000 then
        raise exception using errcode = 'PT422', message = 'Say why, in at most 1000 characters.';
    end if;
    select e.state into v_state from app.exceptions as e
     where e.organization_id = v_organization_id and e.id = dismiss_exception.id for update;
    if not found then
        raise exception using errcode = 'PT404', message = 'No such exception in this organization.';
    elsif v_state <> 'open' then
        raise exception using errcode = 'PT409', message = 'Only an open exception can be dismissed.',
            detail = format('Its state is %s.', v_state);
    end if;
    update app.exceptions as e
       set state = 'dismissed', dismissed_by = auth.uid(), dismissed_reason = btrim(dismiss_exception.reason), updated_at = now()
     where e.organization_id = v_organization_id and e.id = dismiss_exception.id;
    select e.* into v_exception from api.exceptions as e
     where e.organization_id = v_organization_id and e.id = dismiss_exception.id;
    return v_exception;
end;
$$;
comment on function api.dismiss_exception(uuid, text, uuid) is $$Close an exception that needs nobody
With a reason. It stays dismissed until it is mended, or the check finds something else: other rows, another severity, another
sentence. For owners and admins.$$;
grant execute on function api.dismiss_exception(uuid, text, uuid) to authenticated, org_admin, super_admin;

-- api.explain_event: why is this call as it is?
-- Callers:    owners and admins, through POST or GET /rpc/explain_event, and /functions/v1/debug-calendly-event.
-- Guarantees: in order of time: booking, deliveries with what each decided and why, forms, moves, changes by hand, payments.
--             Raises PT404.
-- Definer:    names of people, deliveries and the audit trail are read together; the tenant is filtered by hand.
create or replace function api.explain_event(id uuid, organization_id uuid default null)
returns table ("position" integer, at timestamptz, what text, decided text, because text)
language plpgsql stable security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(explain_event.organization_id);
begin
    if not exists (select from app.events as e where e.organization_id = v_organization_id and e.id = explain_event.id) then
        raise exception using errcode = 'PT404', message = 'No such call in this organization.';
    end if;
    return query
    select row_number() over (order by l.at, l.rank, l.source_id, l.ordinal)::integer, l.at, l.what, l.decided, l.because
      from app.explained_event(v_organization_id, explain_event.id) as l
     order by 1;
end;
$$;
comment on function api.explain_event(uuid, uuid) is $$Why a call is as it is
One row per step, in order: the deliveries that told of it and what each decided, forms, moves, what people changed, payments.
For owners and admins.$$;
grant execute on function api.explain_event(uuid, uuid) to authenticated, org_admin, super_admin;

-- api.explain_payment: why is this payment as it is, and whose?
-- Callers:    owners and admins, through POST or GET /rpc/explain_payment.
-- Guarantees: in order of time: deliveries with what each decided and why, changes by hand, refunds; then the ladder rung by
--             rung, the attribution and the credits. Raises PT404.
-- Definer:    names of people, deliveries and the audit trail are read together; the tenant is filtered by hand.
create or replace function api.explain_payment(id uuid, organization_id uuid default null)
returns table ("position" integer, at timestamptz, what text, decided text, because text)
language plpgsql stable security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(explain_payment.organization_id);
begin
    if not exists (select from app.payments as p where p.organization_id = v_organization_id and p.id = explain_payment.id) then
        raise exception using errcode = 'PT404', message = 'No such payment in this organization.';
    end if;
    return query
    select row_number() over (order by l.at, l.rank, l.source_id, l.ordinal)::integer, l.at, l.what, l.decided, l.because
      from app.explained_payment(v_organization_id, explain_payment.id) as l
     order by 1;
end;
$$;
comment on function api.explain_payment(uuid, uuid) is $$Why a payment is as it is, and whose
One row per step, in order: the deliveries that told of it and what each decided, what people changed, refunds, the ladder of
attribution rung by rung, credits. For owners and admins.$$;
grant execute on function api.explain_payment(uuid, uuid) to authenticated, org_admin, super_admin;
