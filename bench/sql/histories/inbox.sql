-- What processing left behind: a connection for each tenant, a delivery and its key for two calls in five, an audit row for
-- two in five, an exception for one in fifty, a message for one in twenty; runs of jobs, two a day.
insert into app.webhook_connections (organization_id, id, name, connection_type)
select t.organization_id, bench.id(21, t.n, 1), format('Bookings %s', t.n), 'calendly' from bench.tenants as t where not t.is_loaded;
create temporary table arrived on commit drop as
select t.n, t.organization_id, g, a.at, uuidv7(a.at - now()) as id
  from bench.tenants as t
 cross join lateral generate_series(1, t.events * 2 / 5) as g
 cross join lateral (
    select (t.first_day + g * 2.5::float8 / t.events * t.days * interval '1 day') at time zone t.timezone as at
 ) as a
 where not t.is_loaded;
insert into app.webhook_events (
    organization_id, id, connection_id, provider, provider_event_id, event_type, received_at, body, status, processed_at, lead_id, event_id)
select a.organization_id, a.id, bench.id(21, a.n, 1), 'calendly', 'delivery' || a.g, 'invitee.created', a.at,
       jsonb_build_object('event', 'invitee.created', 'payload', jsonb_build_object('email', format('lead%s-%s@bench.example', a.n, a.g))),
       case when bench.dice(a.n, a.g, 90, 1000) = 0 then 'dead' else 'processed' end, a.at,
       bench.id(10, a.n, 1 + a.g * 3 / 2), bench.id(12, a.n, 1 + a.g * 2)
  from arrived as a;
insert into app.webhook_event_keys (organization_id, id, connection_id, provider_event_id, webhook_event_id, received_at)
select a.organization_id, a.id, bench.id(21, a.n, 1), 'delivery' || a.g, a.id, a.at from arrived as a;
insert into app.audit_logs (
    organization_id, id, table_name, row_id, action, actor_kind, actor_id, actor_role, changed_at, old_data, new_data)
select a.organization_id, a.id, 'events', bench.id(12, a.n, 1 + a.g * 2), 'UPDATE', 'user', bench.id(2, a.n, 0), 'org_admin', a.at,
       '{"notes": null}', '{"notes": "Late."}'
  from arrived as a;
insert into app.exceptions (
    organization_id, id, check_name, dedupe_key, severity, entity, row_ids, sentence, remedy, state, closer_id, first_seen_at,
    last_seen_at, happened_at, resolved_at)
select a.organization_id, a.id, 'open_outcome', 'call' || a.g, 'warning', 'events', array[bench.id(12, a.n, 1 + a.g * 2)], 'No form yet.',
       'Submit the form.', case when a.g % 5 = 0 then 'open' else 'resolved' end, bench.id(4, a.n, bench.pick(a.n, a.g, 91, t.closers)),
       a.at, a.at, a.at, case when a.g % 5 > 0 then a.at end
  from arrived as a join bench.tenants as t on t.n = a.n where a.g % 20 = 0;
insert into app.outbox (organization_id, id, kind, payload, dedupe_key, state, sent_at, transport, created_at)
select a.organization_id, a.id, 'email', '{}', 'call' || a.g, 'sent', a.at, 'mailbox', a.at from arrived as a where a.g % 8 = 0;
insert into app.sync_runs (organization_id, id, kind, state, finished_at, created_at)
select t.organization_id, uuidv7(a.at - now()), 'data-quality', 'succeeded', a.at, a.at
  from bench.tenants as t
 cross join lateral generate_series(1, 2 * t.days) as g
 cross join lateral (select (t.first_day + g * interval '12 hours') at time zone t.timezone as at) as a
 where not t.is_loaded;
