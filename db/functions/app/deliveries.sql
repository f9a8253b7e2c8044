-- Deliveries that could not be carried out, as exceptions.
-- Internal: nobody but the owner may call these.

-- app.failed_delivery: what is to be said of a delivery that could not be carried out.
create or replace function app.failed_delivery(w app.webhook_events, is_dead boolean) returns app.finding
language sql stable
return row(
    w.id::text, case when is_dead then 'critical' else 'warning' end, 'webhook_events', array[w.id],
    format('A %s delivery of type %s could not be processed: %s', w.provider, w.event_type, w.error),
    case when is_dead then 'Mend the cause, then replay the delivery.'
         else 'It is tried again by itself; mend the cause if the error names one.' end,
    jsonb_build_object('webhook_event_id', w.id, 'connection_id', w.connection_id, 'attempts', w.attempts),
    null::uuid, null::uuid, w.received_at)::app.finding;
comment on function app.failed_delivery(app.webhook_events, boolean) is
    'What is to be said of a delivery that could not be carried out.';

-- app.report_failed_delivery: a delivery waits, or has been given up, and a person should know.
create or replace function app.report_failed_delivery(organization_id uuid, webhook_event_id uuid, is_dead boolean) returns void
language sql volatile set search_path = '' as $$
    select app.record_exception(
            w.organization_id, 'failed_delivery', f.dedupe_key, f.severity, f.entity, f.row_ids, f.sentence, f.remedy, f.details)
      from app.webhook_events as w
     cross join lateral app.failed_delivery(w, report_failed_delivery.is_dead) as f
     where w.organization_id = report_failed_delivery.organization_id and w.id = report_failed_delivery.webhook_event_id;
$$;
comment on function app.report_failed_delivery(uuid, uuid, boolean) is 'A delivery waits, or has been given up.';

-- app.delivery_attempts: how often a delivery is processed before it is given up.
create or replace function app.delivery_attempts() returns integer
language sql immutable parallel safe
return 8;
comment on function app.delivery_attempts() is 'How often a delivery is processed before it is given up.';

-- app.end_of_refusals: how long no delivery of a connection must have been refused for a spell of refusals to be over.
create or replace function app.end_of_refusals() returns interval
language sql immutable parallel safe
return interval '15 minutes';
comment on function app.end_of_refusals() is 'How long nothing must have been refused for a spell of refusals to be over.';
grant execute on function app.end_of_refusals() to authenticated, org_admin, super_admin;
