-- Stored deliveries, processed again. Their effects are idempotent and free of order, so the rows that they leave are those
-- of one delivery in order; only what had failed, or had been ignored by an earlier version of us, changes anything.

-- ingest.reprocess: process stored deliveries of one organization again, whatever became of them, in the order of what they
-- tell of. Answers each delivery that exists, and how it stands: processed, ignored, or failed.
-- What was processed stays processed, also when there was nothing left to do or when it fails now: its effects are there.
-- What was queued or dead and succeeds closes its exception.
-- Nothing is locked while it is processed: a row that somebody else settled meanwhile keeps what they wrote.
-- Internal: nobody but the owner may call it.
-- Plans:    as for ingest.record_deliveries.
create or replace function ingest.reprocess(organization_id uuid, ids uuid[], as_of timestamptz default now())
returns table (id uuid, outcome text)
language plpgsql volatile set search_path = '' set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
declare
    v_events   app.webhook_events[];
    v_accounts text[];
    v_event    app.webhook_events;
    v_outcomes app.delivery_outcome[];
    v_outcome  app.delivery_outcome;
    v_status   text;
begin
    -- A payment keeps the account it was recorded under, whatever the connection says now: it must not arise twice. So no connection
    -- is named meanwhile (app.money_follows_its_account).
    perform from app.webhook_connections as c where c.organization_id = reprocess.organization_id order by c.id for key share;
    select array_agg(w order by coalesce(w.occurred_at, w.received_at), w.id),
           array_agg(coalesce(p.provider_account, c.provider_account, '') order by coalesce(w.occurred_at, w.received_at), w.id)
      into v_events, v_accounts
      from app.webhook_events as w
      left join app.webhook_connections as c on c.organization_id = w.organization_id and c.id = w.connection_id
      left join lateral (
        -- By key, whatever the plan was made for (offset 0): else a page may read every payment of the organization.
        select o.provider_account from app.payments as o
         where o.organization_id = w.organization_id and o.id = w.payment_id
        offset 0) as p on true
     where w.organization_id = reprocess.organization_id and w.id = any (reprocess.ids);
    if v_events is null then
        return;
    end if;
    v_outcomes := ingest.process_deliveries(v_events, v_accounts);
    for v_n in 1 .. cardinality(v_events) loop
        v_event := v_events[v_n];
        v_outcome := v_outcomes[v_n];
        id := v_event.id;
        if v_outcome.status = 'queued' then
            outcome := 'failed';
            update app.webhook_events as w
               set error = case when w.status in ('queued', 'dead') then v_outcome.error else w.error end,
                   steps = w.steps || app.step('replay', 'failed', v_outcome.error)
             where w.organization_id = reprocess.organization_id and w.id = v_event.id
               and w.status = v_event.status and w.attempts = v_event.attempts
               and not w.steps @> jsonb_build_array(app.step('replay', 'failed', v_outcome.error));
            if found and v_event.status in ('queued', 'dead') then
                perform app.report_failed_delivery(reprocess.organization_id, v_event.id, v_event.status = 'dead');
            end if;
        else
            v_status := case v_event.status when 'processed' then 'processed' else v_outcome.status end;
            outcome := v_status;
            if v_status <> v_event.status
               or v_outcome.lead_id <> v_event.lead_id or v_outcome.event_id <> v_event.event_id
               or v_outcome.payment_id <> v_event.payment_id
               or v_outcome.lead_id is not null and v_event.lead_id is null
               or v_outcome.event_id is not null and v_event.event_id is null
               or v_outcome.payment_id is not null and v_event.payment_id is null
            then
                update app.webhook_events as w
                   set status = v_status, error = null, next_attempt_at = null, processed_at = reprocess.as_of,
                       steps = w.steps || app.step('replay', v_outcome.status, 'it was processed again') || v_outcome.steps,
                       lead_id = coalesce(v_outcome.lead_id, w.lead_id), event_id = coalesce(v_outcome.event_id, w.event_id),
                       payment_id = coalesce(v_outcome.payment_id, w.payment_id)
                 where w.organization_id = reprocess.organization_id and w.id = v_event.id
                   and w.status = v_event.status and w.attempts = v_event.attempts;
                if found and v_event.status in ('queued', 'dead') then
                    perform app.resolve_exception(
                        reprocess.organization_id, 'failed_delivery', v_event.id::text, reprocess.as_of);
                end if;
            end if;
        end if;
        return next;
    end loop;
end;
$$;
comment on function ingest.reprocess(uuid, uuid[], timestamptz) is
    'Process stored deliveries again; answers how each one stands.';
