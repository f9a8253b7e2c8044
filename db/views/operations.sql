-- Inbox, exceptions, audit trail and reports.

drop view if exists api.webhook_events;
create view api.webhook_events with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.connection_id,
    t.provider,
    t.provider_event_id,
    t.event_type,
    t.livemode,
    t.occurred_at,
    t.received_at,
    t.is_late,
    t.status,
    t.attempts,
    t.next_attempt_at,
    t.processed_at,
    t.error,
    t.steps,
    t.lead_id,
    t.event_id,
    t.payment_id,
    app.mask_body(t.body) as body
  from app.webhook_events as t;
grant select on api.webhook_events to authenticated, org_admin, super_admin;
comment on view api.webhook_events is $$The inbox of all providers, one row per accepted event; partitioned by month of its id.$$;
comment on column api.webhook_events.organization_id is 'The tenant.';
comment on column api.webhook_events.id is 'Identity of the row; ordered by time of creation.';
comment on column api.webhook_events.connection_id is 'The connection that it came through.';
comment on column api.webhook_events.provider is 'The system it came from.';
comment on column api.webhook_events.provider_event_id is 'The provider''s identity of the event, by which a second delivery is known; made from the body where it has none.';
comment on column api.webhook_events.event_type is 'What happened, in the provider''s word.';
comment on column api.webhook_events.livemode is 'False: of the provider''s test mode; it is kept and counts nowhere.';
comment on column api.webhook_events.occurred_at is 'When it happened, as the provider says; NULL: it does not.';
comment on column api.webhook_events.received_at is 'When it arrived here; UTC instant.';
comment on column api.webhook_events.is_late is 'True: it came after the time that signatures are good for, and was taken because it was new.';
comment on column api.webhook_events.status is 'processed, queued (tried again), ignored (of no use here) or dead (needs a person).';
comment on column api.webhook_events.attempts is 'How often it has been worked on.';
comment on column api.webhook_events.next_attempt_at is 'When it is tried again; NULL: not any more.';
comment on column api.webhook_events.processed_at is 'When its effects were written; NULL: not yet.';
comment on column api.webhook_events.error is 'Why the last attempt failed; never what the body holds.';
comment on column api.webhook_events.steps is 'What was decided and why, in order.';
comment on column api.webhook_events.lead_id is 'The lead that it told of.';
comment on column api.webhook_events.event_id is 'The call that it told of.';
comment on column api.webhook_events.payment_id is 'The payment that it told of.';
comment on column api.webhook_events.body is 'What the provider sent, card and token fields masked.';

drop view if exists api.exceptions;
create view api.exceptions with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.check_name,
    t.dedupe_key,
    t.severity,
    t.entity,
    t.row_ids,
    t.sentence,
    t.remedy,
    t.details,
    t.state,
    t.closer_id,
    t.setter_id,
    t.first_seen_at,
    t.last_seen_at,
    t.resolved_at,
    t.dismissed_by,
    t.dismissed_reason,
    t.created_at,
    t.updated_at,
    t.happened_at
  from app.exceptions as t;
grant select on api.exceptions to authenticated, org_admin, super_admin;
comment on view api.exceptions is $$What a person must look at: found by checks and by failed processing, closed when it heals.$$;
comment on column api.exceptions.organization_id is 'The tenant.';
comment on column api.exceptions.id is 'Identity of the row; ordered by time of creation.';
comment on column api.exceptions.check_name is 'The check that lists it; rpc/qa_agent runs them.';
comment on column api.exceptions.dedupe_key is 'One open exception per check and key.';
comment on column api.exceptions.severity is 'info, warning or critical.';
comment on column api.exceptions.entity is 'The table of the rows that it is about.';
comment on column api.exceptions.row_ids is 'The rows that it is about.';
comment on column api.exceptions.sentence is 'What is wrong, for a person to read.';
comment on column api.exceptions.remedy is 'What to do about it.';
comment on column api.exceptions.details is 'Whatever helps to decide.';
comment on column api.exceptions.state is 'open, resolved or dismissed.';
comment on column api.exceptions.closer_id is 'Whose open outcome it is, if one person''s.';
comment on column api.exceptions.setter_id is 'Whose open outcome it is, if one person''s in the role setter.';
comment on column api.exceptions.first_seen_at is 'When it was first found.';
comment on column api.exceptions.last_seen_at is 'When it was last found.';
comment on column api.exceptions.resolved_at is 'When it was found mended.';
comment on column api.exceptions.dismissed_by is 'Who last said that nothing is to be done.';
comment on column api.exceptions.dismissed_reason is 'Why, in their words.';
comment on column api.exceptions.happened_at is 'When the fact behind it happened; NULL for what has no day.';
comment on column api.exceptions.created_at is 'When the row was made.';
comment on column api.exceptions.updated_at is 'When the row last changed.';

drop view if exists api.audit_logs;
create view api.audit_logs with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.table_name,
    t.row_id,
    t.action,
    t.actor_kind,
    t.actor_id,
    t.actor_role,
    t.actor_session_id,
    t.changed_at,
    t.old_data,
    t.new_data,
    t.reason,
    t.request_id
  from app.audit_logs as t;
grant select on api.audit_logs to authenticated, org_admin, super_admin;
comment on view api.audit_logs is $$Who changed what; append-only, secrets redacted; partitioned by month of its id.$$;
comment on column api.audit_logs.organization_id is 'The tenant.';
comment on column api.audit_logs.id is 'Identity of the row; ordered by time of creation.';
comment on column api.audit_logs.table_name is 'Which table was changed.';
comment on column api.audit_logs.row_id is 'Which of its rows.';
comment on column api.audit_logs.action is 'INSERT, UPDATE or DELETE; READ for a look across organizations or by a key.';
comment on column api.audit_logs.actor_kind is 'Who did it: user, api_key, access_link (a personal link), gateway, worker, operator or system.';
comment on column api.audit_logs.actor_id is 'Their identity, where they have one.';
comment on column api.audit_logs.actor_role is 'The database role in which they came.';
comment on column api.audit_logs.actor_session_id is 'The session in which they were signed in.';
comment on column api.audit_logs.changed_at is 'When it was done; UTC instant.';
comment on column api.audit_logs.old_data is 'Before: of a changed row the values that changed, of a deleted one all; without secrets and NULLs; NULL for INSERT.';
comment on column api.audit_logs.new_data is 'After: of a changed row the values that changed, of a new one all; without secrets and NULLs; NULL for DELETE.';
comment on column api.audit_logs.reason is 'Why, in a person''s words.';
comment on column api.audit_logs.request_id is 'The request in which it was done, as in the gateway''s log.';

drop view if exists api.platform_audit_logs;
create view api.platform_audit_logs with (security_invoker = true) as
select
    t.id,
    t.table_name,
    t.row_id,
    t.action,
    t.actor_kind,
    t.actor_id,
    t.actor_role,
    t.actor_session_id,
    t.changed_at,
    t.old_data,
    t.new_data,
    t.reason,
    t.request_id,
    t.created_at,
    t.updated_at
  from app.platform_audit_logs as t;
grant select on api.platform_audit_logs to super_admin;
comment on view api.platform_audit_logs is $$The same for rows that belong to no organization: users' profiles and platform roles.$$;
comment on column api.platform_audit_logs.id is 'Identity of the row; ordered by time of creation.';
comment on column api.platform_audit_logs.table_name is 'Which table was changed.';
comment on column api.platform_audit_logs.row_id is 'Which of its rows.';
comment on column api.platform_audit_logs.action is 'INSERT, UPDATE or DELETE; READ for a look across organizations or by a key.';
comment on column api.platform_audit_logs.actor_kind is 'Who did it: user, api_key, access_link (a personal link), gateway, worker, operator or system.';
comment on column api.platform_audit_logs.actor_id is 'Their identity, where they have one.';
comment on column api.platform_audit_logs.actor_role is 'The database role in which they came.';
comment on column api.platform_audit_logs.actor_session_id is 'The session in which they were signed in.';
comment on column api.platform_audit_logs.changed_at is 'When it was done; UTC instant.';
comment on column api.platform_audit_logs.old_data is 'Before: of a changed row the values that changed, of a deleted one all; without secrets and NULLs; NULL for INSERT.';
comment on column api.platform_audit_logs.new_data is 'After: of a changed row the values that changed, of a new one all; without secrets and NULLs; NULL for DELETE.';
comment on column api.platform_audit_logs.reason is 'Why, in a person''s words.';
comment on column api.platform_audit_logs.request_id is 'The request in which it was done, as in the gateway''s log.';
comment on column api.platform_audit_logs.created_at is 'When the row was made.';
comment on column api.platform_audit_logs.updated_at is 'When the row last changed.';

drop view if exists api.report_runs;
create view api.report_runs with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.kind,
    t.report_on,
    t.state,
    t.sent_at,
    t.error,
    t.created_at,
    t.updated_at
  from app.report_runs as t;
grant select on api.report_runs to authenticated, org_admin, super_admin;
comment on view api.report_runs is $$Reports that were sent, one per kind and local day.$$;
comment on column api.report_runs.organization_id is 'The tenant.';
comment on column api.report_runs.id is 'Identity of the row; ordered by time of creation.';
comment on column api.report_runs.kind is 'Which report it is.';
comment on column api.report_runs.report_on is 'Local day that the report is about.';
comment on column api.report_runs.state is 'queued, sent or failed.';
comment on column api.report_runs.sent_at is 'When it went out; NULL: not yet.';
comment on column api.report_runs.error is 'Why it did not go out.';
comment on column api.report_runs.created_at is 'When the row was made.';
comment on column api.report_runs.updated_at is 'When the row last changed.';

drop view if exists api.exports;
create view api.exports with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.requested_by,
    t.table_name,
    t.date_column,
    t.start_date,
    t.end_date,
    t.columns,
    t.format,
    t.state,
    t.row_count,
    t.created_at,
    t.finished_at,
    t.updated_at
  from app.exports as t;
grant select on api.exports to authenticated, org_admin, super_admin;
comment on view api.exports is $$Files that people took out through /functions/v1/export-data
Admins see those of their organization, everybody their own.$$;
comment on column api.exports.organization_id is 'The tenant.';
comment on column api.exports.id is 'Identity of the row; ordered by time of creation.';
comment on column api.exports.requested_by is 'The user who asked.';
comment on column api.exports.table_name is 'The view of the API whose rows left.';
comment on column api.exports.date_column is 'The column whose days start_date and end_date bound.';
comment on column api.exports.start_date is 'First local day, inclusive; NULL: from the beginning.';
comment on column api.exports.end_date is 'Last local day, inclusive; NULL: to the end.';
comment on column api.exports.columns is 'The columns that were asked for, in order.';
comment on column api.exports.format is 'csv, json, ndjson or xlsx.';
comment on column api.exports.state is 'running; delivered whole; aborted by who asked; failed on our side.';
comment on column api.exports.row_count is 'Rows that left, also of a file that is not whole; NULL while it runs.';
comment on column api.exports.created_at is 'When it began.';
comment on column api.exports.finished_at is 'When it ended; NULL while it runs.';
comment on column api.exports.updated_at is 'When the row last changed.';

drop view if exists api.calendly_webhook_audit;
create view api.calendly_webhook_audit with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.connection_id,
    t.event_type,
    t.provider_event_id,
    t.status,
    t.error,
    t.received_at,
    t.processed_at,
    t.is_late,
    t.steps,
    t.lead_id,
    t.event_id,
    app.mask_body(t.body) as payload
  from app.webhook_events as t
 where t.provider = 'calendly';
grant select on api.calendly_webhook_audit to authenticated, org_admin, super_admin;
comment on view api.calendly_webhook_audit is $$Deliveries of Calendly as they came
The Calendly part of webhook_events, under the name old readers know.$$;
comment on column api.calendly_webhook_audit.organization_id is 'The tenant.';
comment on column api.calendly_webhook_audit.id is 'Identity of the row; ordered by time of creation.';
comment on column api.calendly_webhook_audit.connection_id is 'The connection that it came through.';
comment on column api.calendly_webhook_audit.event_type is 'invitee.created, invitee.canceled and the like.';
comment on column api.calendly_webhook_audit.provider_event_id is 'Identity of the event, by which a second delivery is known.';
comment on column api.calendly_webhook_audit.status is 'processed, queued (tried again), ignored (of no use here) or dead (needs a person).';
comment on column api.calendly_webhook_audit.error is 'Why the last attempt failed; never what the body holds.';
comment on column api.calendly_webhook_audit.received_at is 'When it arrived here; UTC instant.';
comment on column api.calendly_webhook_audit.processed_at is 'When its effects were written; NULL: not yet.';
comment on column api.calendly_webhook_audit.is_late is 'Whether it was signed long before it came.';
comment on column api.calendly_webhook_audit.steps is 'What was decided and why, in order.';
comment on column api.calendly_webhook_audit.lead_id is 'The lead that it told of.';
comment on column api.calendly_webhook_audit.event_id is 'The call that it told of.';
comment on column api.calendly_webhook_audit.payload is 'What Calendly sent, token fields masked.';

drop view if exists api.integrations;
create view api.integrations with (security_invoker = true) as
select i.organization_id, i.id, k.integration_type, k.is_configured as is_active, i.created_at, i.updated_at
  from app.organization_integrations as i
 cross join lateral (values
    ('calendly', i.calendly_api_key_encrypted is not null),
    ('close', i.close_api_key_encrypted is not null),
    ('ghl', i.ghl_api_key_encrypted is not null),
    ('hubspot', i.hubspot_api_key_encrypted is not null),
    ('whop', i.whop_api_key_encrypted is not null),
    ('stripe', i.stripe_api_key_encrypted is not null)) as k (integration_type, is_configured);
grant select on api.integrations to authenticated, org_admin, super_admin;
comment on view api.integrations is $$Deprecated: which integrations are configured
For old readers; organization_integrations is what is kept.$$;
comment on column api.integrations.organization_id is 'The tenant.';
comment on column api.integrations.id is 'The row of organization_integrations.';
comment on column api.integrations.integration_type is 'calendly, close, ghl, hubspot, whop or stripe.';
comment on column api.integrations.is_active is 'Whether a key is stored.';
comment on column api.integrations.created_at is 'When the row was made.';
comment on column api.integrations.updated_at is 'When the row last changed.';

drop view if exists api.connection_health;
create view api.connection_health with (security_invoker = true) as
select
    c.organization_id,
    c.id,
    c.name,
    c.connection_type,
    c.is_active,
    h.last_event_at,
    h.processed_24h,
    h.queued_24h,
    h.ignored_24h,
    h.dead_24h,
    h.late_24h,
    h.duplicates_24h,
    h.rejected_24h,
    h.refused_24h,
    h.processed_7d,
    h.queued_7d,
    h.ignored_7d,
    h.dead_7d,
    h.late_7d,
    h.duplicates_7d,
    h.rejected_7d,
    h.refused_7d,
    h.failure_rate_7d,
    h.lag_p50_seconds,
    h.lag_p95_seconds,
    h.usual_gap_seconds,
    h.silent_after_seconds,
    h.is_silent and c.is_active as is_silent,
    case when c.last_refused_at > now() - app.end_of_refusals() then c.refused_since end as refused_since
  from app.webhook_connections as c
 cross join lateral app.connection_health(c.organization_id, c.id, now()) as h
 where c.deleted_at is null;
grant select on api.connection_health to authenticated, org_admin, super_admin;
comment on view api.connection_health is $$How the deliveries of each connection go
Counts of the last day and week, lag, failures, and whether it is silent for longer than is usual for it. For owners and admins.$$;
comment on column api.connection_health.organization_id is 'The tenant.';
comment on column api.connection_health.id is 'The connection.';
comment on column api.connection_health.name is 'Name shown to people.';
comment on column api.connection_health.connection_type is 'stripe, whop, calendly, acuity or manychat.';
comment on column api.connection_health.is_active is 'False: its deliveries are refused.';
comment on column api.connection_health.last_event_at is 'The last verified delivery, duplicates included.';
comment on column api.connection_health.processed_24h is 'Events of the last 24 hours that have been carried out.';
comment on column api.connection_health.queued_24h is 'Events of the last 24 hours that failed and are tried again.';
comment on column api.connection_health.ignored_24h is 'Events of the last 24 hours of types that we do not use.';
comment on column api.connection_health.dead_24h is 'Events of the last 24 hours that have been given up.';
comment on column api.connection_health.late_24h is 'Events of the last 24 hours that were signed long before they arrived.';
comment on column api.connection_health.duplicates_24h is 'Deliveries of the last 24 hours whose event had been accepted before.';
comment on column api.connection_health.rejected_24h is 'Deliveries of the last 24 hours that were forged or unusable.';
comment on column api.connection_health.refused_24h is 'Genuine deliveries of the last 24 hours that were turned away: over the limit, or nobody could take them in.';
comment on column api.connection_health.processed_7d is 'Events of the last 7 days that have been carried out.';
comment on column api.connection_health.queued_7d is 'Events of the last 7 days that failed and are tried again.';
comment on column api.connection_health.ignored_7d is 'Events of the last 7 days of types that we do not use.';
comment on column api.connection_health.dead_7d is 'Events of the last 7 days that have been given up.';
comment on column api.connection_health.late_7d is 'Events of the last 7 days that were signed long before they arrived.';
comment on column api.connection_health.duplicates_7d is 'Deliveries of the last 7 days whose event had been accepted before.';
comment on column api.connection_health.rejected_7d is 'Deliveries of the last 7 days that were forged or unusable.';
comment on column api.connection_health.refused_7d is 'Genuine deliveries of the last 7 days that were turned away.';
comment on column api.connection_health.failure_rate_7d is 'Queued and dead events over all that were stored in 7 days; NULL without any.';
comment on column api.connection_health.lag_p50_seconds is 'Median of the seconds from event to delivery, over the last 200 deliveries.';
comment on column api.connection_health.lag_p95_seconds is 'What 95 of 100 of them stayed below.';
comment on column api.connection_health.usual_gap_seconds is 'Median of the seconds between deliveries, over the last 200.';
comment on column api.connection_health.silent_after_seconds is 'A longer silence is an alarm: a day, five usual gaps, or the longest gap, whichever is most; NULL below 20 deliveries.';
comment on column api.connection_health.is_silent is 'In use, and silent for longer than that.';
comment on column api.connection_health.refused_since is 'Since when genuine deliveries are being turned away; NULL while they are taken in.';
