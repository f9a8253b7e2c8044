-- What analysts and BI tools read: documented views at a stated grain, with local days of the organization.
-- This file: the organization, its rosters and lists, its own fields, and where its data comes from.

drop view if exists analytics.organizations;
create view analytics.organizations with (security_invoker = true) as
select
    t.id,
    t.name,
    t.timezone,
    t.currency,
    t.week_start,
    t.slot_minutes,
    t.pcf_grace,
    t.min_sample
  from app.organizations as t
 where t.deleted_at is null;
grant select on analytics.organizations to authenticated, org_admin, super_admin, reader, analyst;
comment on view analytics.organizations is $$One row per organization that you may see: for an analyst and an API key exactly one.
Its time zone decides every local day, its currency every amount_base.$$;
comment on column analytics.organizations.id is 'The tenant: organization_id of every other view.';
comment on column analytics.organizations.name is 'Name of the company.';
comment on column analytics.organizations.timezone is 'IANA name of the zone in which every local day and period of this organization is.';
comment on column analytics.organizations.currency is 'ISO 4217 code of the currency that metrics and every amount_base are in.';
comment on column analytics.organizations.week_start is 'ISO weekday on which weeks start: 1 Monday to 7 Sunday.';
comment on column analytics.organizations.slot_minutes is 'Minutes of one bookable slot; utilization counts in slots.';
comment on column analytics.organizations.pcf_grace is 'Interval after the end of a call until a missing form is overdue.';
comment on column analytics.organizations.min_sample is 'Least denominator of a rate for a place on a leaderboard; a count.';

drop view if exists analytics.closers;
create view analytics.closers with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.name,
    t.is_active,
    t.active_from,
    t.active_until,
    t.created_at,
    t.updated_at
  from app.closers as t;
grant select on analytics.closers to authenticated, org_admin, super_admin, reader, analyst;
comment on view analytics.closers is $$One row per closer: somebody who takes sales calls; who left stays, so that history keeps its names.$$;
comment on column analytics.closers.organization_id is 'The tenant; join on it together with every id.';
comment on column analytics.closers.id is 'Identity of the row inside its organization; ordered by time of creation.';
comment on column analytics.closers.name is 'Name on the roster today; two people may share one, so group by id as well.';
comment on column analytics.closers.is_active is 'False: takes calls no more; history keeps them.';
comment on column analytics.closers.active_from is 'First local day on the roster; NULL: since always.';
comment on column analytics.closers.active_until is 'Last local day on the roster; NULL: open.';
comment on column analytics.closers.created_at is 'When the row was written here; UTC instant.';
comment on column analytics.closers.updated_at is 'When the row last changed; UTC instant.';

drop view if exists analytics.setters;
create view analytics.setters with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.name,
    t.is_active,
    t.active_from,
    t.active_until,
    t.created_at,
    t.updated_at
  from app.setters as t;
grant select on analytics.setters to authenticated, org_admin, super_admin, reader, analyst;
comment on view analytics.setters is $$One row per setter: somebody who books calls for closers; who left stays, so that history keeps its names.$$;
comment on column analytics.setters.organization_id is 'The tenant; join on it together with every id.';
comment on column analytics.setters.id is 'Identity of the row inside its organization; ordered by time of creation.';
comment on column analytics.setters.name is 'Name on the roster today; two people may share one, so group by id as well.';
comment on column analytics.setters.is_active is 'False: books calls no more; history keeps them.';
comment on column analytics.setters.active_from is 'First local day on the roster; NULL: since always.';
comment on column analytics.setters.active_until is 'Last local day on the roster; NULL: open.';
comment on column analytics.setters.created_at is 'When the row was written here; UTC instant.';
comment on column analytics.setters.updated_at is 'When the row last changed; UTC instant.';

drop view if exists analytics.sources;
create view analytics.sources with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.name,
    t.external_id,
    t.provider,
    t.is_active,
    t.archived_at,
    t.created_at,
    t.updated_at
  from app.sources as t;
grant select on analytics.sources to authenticated, org_admin, super_admin, reader, analyst;
comment on view analytics.sources is $$One row per lead source, synced from a CRM or made by hand.$$;
comment on column analytics.sources.organization_id is 'The tenant; join on it together with every id.';
comment on column analytics.sources.id is 'Identity of the row inside its organization; ordered by time of creation.';
comment on column analytics.sources.name is 'Name shown to people; unique among those in use.';
comment on column analytics.sources.external_id is 'Identity at the system it came from; NULL for one made by hand.';
comment on column analytics.sources.provider is 'The system it came from: close, ghl, hubspot or manual.';
comment on column analytics.sources.is_active is 'False: no longer offered; history keeps it.';
comment on column analytics.sources.archived_at is 'When it was taken out of use; UTC instant, NULL while offered.';
comment on column analytics.sources.created_at is 'When the row was written here; UTC instant.';
comment on column analytics.sources.updated_at is 'When the row last changed; UTC instant.';

drop view if exists analytics.traffic_types;
create view analytics.traffic_types with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.name,
    t.is_active,
    t.archived_at,
    t.created_at,
    t.updated_at
  from app.traffic_types as t;
grant select on analytics.traffic_types to authenticated, org_admin, super_admin, reader, analyst;
comment on view analytics.traffic_types is $$One row per kind of traffic: paid, organic, cold, warm.$$;
comment on column analytics.traffic_types.organization_id is 'The tenant; join on it together with every id.';
comment on column analytics.traffic_types.id is 'Identity of the row inside its organization; ordered by time of creation.';
comment on column analytics.traffic_types.name is 'Name shown to people; unique among those in use.';
comment on column analytics.traffic_types.is_active is 'False: no longer offered; history keeps it.';
comment on column analytics.traffic_types.archived_at is 'When it was taken out of use; UTC instant, NULL while offered.';
comment on column analytics.traffic_types.created_at is 'When the row was written here; UTC instant.';
comment on column analytics.traffic_types.updated_at is 'When the row last changed; UTC instant.';

drop view if exists analytics.call_types;
create view analytics.call_types with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.name,
    t.category,
    t.counts_in_rates,
    t.duration_minutes,
    t.external_id,
    t.default_source_id,
    t.default_traffic_type_id,
    t.is_active,
    t.archived_at,
    t.created_at,
    t.updated_at
  from app.call_types as t;
grant select on analytics.call_types to authenticated, org_admin, super_admin, reader, analyst;
comment on view analytics.call_types is $$One row per type of call, synced from the booking platform's event types or made by hand.$$;
comment on column analytics.call_types.organization_id is 'The tenant; join on it together with every id.';
comment on column analytics.call_types.id is 'Identity of the row inside its organization; ordered by time of creation.';
comment on column analytics.call_types.name is 'Name shown to people; unique among those in use.';
comment on column analytics.call_types.category is 'What the call is for, in the organization''s words; sales unless said otherwise.';
comment on column analytics.call_types.counts_in_rates is 'False: its calls are left out of show, offer and close rates, and stay in bookings.';
comment on column analytics.call_types.duration_minutes is 'Minutes that a call of this type takes where the booking does not say.';
comment on column analytics.call_types.external_id is 'The event type at the booking platform; NULL for one made by hand.';
comment on column analytics.call_types.default_source_id is 'Source of its calls where nothing else says one; joins sources.';
comment on column analytics.call_types.default_traffic_type_id is 'Traffic type of its calls where nothing else says one; joins traffic_types.';
comment on column analytics.call_types.is_active is 'False: no longer offered; history keeps it.';
comment on column analytics.call_types.archived_at is 'When it was taken out of use; UTC instant, NULL while offered.';
comment on column analytics.call_types.created_at is 'When the row was written here; UTC instant.';
comment on column analytics.call_types.updated_at is 'When the row last changed; UTC instant.';

drop view if exists analytics.call_outcomes;
create view analytics.call_outcomes with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.name,
    t.call_status,
    t.event_outcome,
    t.position,
    t.archived_at,
    t.created_at,
    t.updated_at
  from app.call_outcomes as t;
grant select on analytics.call_outcomes to authenticated, org_admin, super_admin, reader, analyst;
comment on view analytics.call_outcomes is $$One row per outcome that the post-call form offers; each stands for one (call_status, event_outcome) pair.$$;
comment on column analytics.call_outcomes.organization_id is 'The tenant; join on it together with every id.';
comment on column analytics.call_outcomes.id is 'Identity of the row inside its organization; ordered by time of creation.';
comment on column analytics.call_outcomes.name is 'Name shown to people; unique among those in use.';
comment on column analytics.call_outcomes.call_status is 'What the call becomes: completed, no_show or canceled.';
comment on column analytics.call_outcomes.event_outcome is 'What the call''s outcome becomes: showed_no_offer, showed_offer, closed or no_show; NULL: none.';
comment on column analytics.call_outcomes.position is 'Order of display, ascending.';
comment on column analytics.call_outcomes.archived_at is 'When it was taken out of use; UTC instant, NULL while offered.';
comment on column analytics.call_outcomes.created_at is 'When the row was written here; UTC instant.';
comment on column analytics.call_outcomes.updated_at is 'When the row last changed; UTC instant.';

drop view if exists analytics.opportunity_statuses;
create view analytics.opportunity_statuses with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.name,
    t.external_id,
    t.pipeline_external_id,
    t.position,
    t.archived_at,
    t.created_at,
    t.updated_at
  from app.opportunity_statuses as t;
grant select on analytics.opportunity_statuses to authenticated, org_admin, super_admin, reader, analyst;
comment on view analytics.opportunity_statuses is $$One row per pipeline stage that the post-call form offers; stages never feed a metric.$$;
comment on column analytics.opportunity_statuses.organization_id is 'The tenant; join on it together with every id.';
comment on column analytics.opportunity_statuses.id is 'Identity of the row inside its organization; ordered by time of creation.';
comment on column analytics.opportunity_statuses.name is 'Name shown to people; unique among those in use.';
comment on column analytics.opportunity_statuses.external_id is 'The stage at the CRM; NULL for one made by hand.';
comment on column analytics.opportunity_statuses.pipeline_external_id is 'The CRM''s pipeline that the stage belongs to; NULL for one made by hand.';
comment on column analytics.opportunity_statuses.position is 'Order of display, ascending.';
comment on column analytics.opportunity_statuses.archived_at is 'When it was taken out of use; UTC instant, NULL while offered.';
comment on column analytics.opportunity_statuses.created_at is 'When the row was written here; UTC instant.';
comment on column analytics.opportunity_statuses.updated_at is 'When the row last changed; UTC instant.';

drop view if exists analytics.packages;
create view analytics.packages with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.name,
    t.price,
    t.currency,
    t.installment_count,
    t.installment_interval_days,
    t.is_commissionable,
    t.archived_at,
    t.created_at,
    t.updated_at
  from app.packages as t;
grant select on analytics.packages to authenticated, org_admin, super_admin, reader, analyst;
comment on view analytics.packages is $$One row per product on offer, with its list price and schedule of instalments.$$;
comment on column analytics.packages.organization_id is 'The tenant; join on it together with every id.';
comment on column analytics.packages.id is 'Identity of the row inside its organization; ordered by time of creation.';
comment on column analytics.packages.name is 'Name shown to people; unique among those in use.';
comment on column analytics.packages.price is 'List price in major units of currency; NULL: agreed each time.';
comment on column analytics.packages.currency is 'ISO 4217 code of price.';
comment on column analytics.packages.installment_count is 'How many parts the price is paid in, 1: at once; a count.';
comment on column analytics.packages.installment_interval_days is 'Days from one part to the next.';
comment on column analytics.packages.is_commissionable is 'False: sales of it earn no commission.';
comment on column analytics.packages.archived_at is 'When it was taken out of use; UTC instant, NULL while offered.';
comment on column analytics.packages.created_at is 'When the row was written here; UTC instant.';
comment on column analytics.packages.updated_at is 'When the row last changed; UTC instant.';

drop view if exists analytics.metric_catalog;
create view analytics.metric_catalog with (security_invoker = true) as
select
    t.metric,
    t.family,
    t.label,
    t.sentence,
    t.numerator,
    t.denominator,
    t.date_field,
    t.unit,
    t.is_additive,
    t.version,
    t.position
  from app.metric_catalog as t;
grant select on analytics.metric_catalog to authenticated, org_admin, super_admin, reader, analyst;
comment on view analytics.metric_catalog is $$One row per metric that the product knows: what it means, how it is put together and in which unit.$$;
comment on column analytics.metric_catalog.metric is 'Key by which functions and dashboards ask for it.';
comment on column analytics.metric_catalog.family is 'calls, cash, utilization or setters: what it is about.';
comment on column analytics.metric_catalog.label is 'Words shown beside the number.';
comment on column analytics.metric_catalog.sentence is 'What the number means, in one sentence.';
comment on column analytics.metric_catalog.numerator is 'In words: what is counted or summed.';
comment on column analytics.metric_catalog.denominator is 'In words: what it is divided by; NULL for counts and sums.';
comment on column analytics.metric_catalog.date_field is 'In words: which local day puts a row into a period.';
comment on column analytics.metric_catalog.unit is 'count, rate (a share of 1), money (the organization''s currency), seconds, ratio or days.';
comment on column analytics.metric_catalog.is_additive is 'True: days and members add up, numerators and denominators apart; false: ask for each period anew.';
comment on column analytics.metric_catalog.version is 'Counts up from 1 with each change of meaning.';
comment on column analytics.metric_catalog.position is 'Order of display, ascending.';

drop view if exists analytics.metric_definitions;
create view analytics.metric_definitions with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.name,
    t.label,
    t.sentence,
    t.expression,
    t.unit,
    t.version,
    t.is_active,
    t.created_at,
    t.updated_at
  from app.metric_definitions as t;
grant select on analytics.metric_definitions to authenticated, org_admin, super_admin, reader, analyst;
comment on view analytics.metric_definitions is $$One row per version of a metric that the organization made itself out of those of metric_catalog.$$;
comment on column analytics.metric_definitions.organization_id is 'The tenant; join on it together with every id.';
comment on column analytics.metric_definitions.id is 'Identity of the row inside its organization; ordered by time of creation.';
comment on column analytics.metric_definitions.name is 'Key by which it is asked for; the same for all its versions.';
comment on column analytics.metric_definitions.label is 'Words shown beside the number.';
comment on column analytics.metric_definitions.sentence is 'What the number says; NULL: not said.';
comment on column analytics.metric_definitions.expression is 'The formula as a JSON tree over measures of metric_catalog.';
comment on column analytics.metric_definitions.unit is 'count, rate (a share of 1), money (the organization''s currency), seconds, ratio or days.';
comment on column analytics.metric_definitions.version is 'Counts up from 1 with each change of the formula.';
comment on column analytics.metric_definitions.is_active is 'Whether this version is in use.';
comment on column analytics.metric_definitions.created_at is 'When the row was written here; UTC instant.';
comment on column analytics.metric_definitions.updated_at is 'When the row last changed; UTC instant.';

drop view if exists analytics.custom_field_values;
create view analytics.custom_field_values with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.definition_id,
    d.entity as entity,
    d.name as name,
    d.label as label,
    d.field_type as field_type,
    t.record_id,
    t.text_value,
    t.number_value,
    t.date_value,
    t.boolean_value,
    t.option_values,
    t.created_at,
    t.updated_at
  from app.custom_field_values as t
  join app.custom_field_definitions as d on d.organization_id = t.organization_id and d.id = t.definition_id;
grant select on analytics.custom_field_values to authenticated, org_admin, super_admin, reader, analyst;
comment on view analytics.custom_field_values is $$One row per custom field that has a value, of one lead, call, payment, closer or setter.
Names of fields are unique per entity; exactly one of the five value columns is filled.$$;
comment on column analytics.custom_field_values.organization_id is 'The tenant; join on it together with every id.';
comment on column analytics.custom_field_values.id is 'Identity of the row inside its organization; ordered by time of creation.';
comment on column analytics.custom_field_values.definition_id is 'Identity of the field; the same for all records that have it.';
comment on column analytics.custom_field_values.entity is 'What the record is: lead, event, payment, closer or setter.';
comment on column analytics.custom_field_values.name is 'Key of the field.';
comment on column analytics.custom_field_values.label is 'The field''s words, as forms show them today.';
comment on column analytics.custom_field_values.field_type is 'text, number, money, date, select, multi_select, boolean, email or phone.';
comment on column analytics.custom_field_values.record_id is 'The record of that entity: id of leads, events, payments, closers or setters.';
comment on column analytics.custom_field_values.text_value is 'Value of a text, select, email or phone field.';
comment on column analytics.custom_field_values.number_value is 'Value of a number or money field; money in the organization''s currency.';
comment on column analytics.custom_field_values.date_value is 'Value of a date field; a local day.';
comment on column analytics.custom_field_values.boolean_value is 'Value of a boolean field.';
comment on column analytics.custom_field_values.option_values is 'Values chosen in a multi_select field.';
comment on column analytics.custom_field_values.created_at is 'When the row was written here; UTC instant.';
comment on column analytics.custom_field_values.updated_at is 'When the row last changed; UTC instant.';

drop view if exists analytics.data_freshness;
create view analytics.data_freshness with (security_invoker = true) as
select
    f.organization_id,
    f.id,
    f.kind,
    f.source,
    f.name,
    f.is_active,
    f.last_success_at,
    f.event_count
  from (
    select w.organization_id, w.id, 'webhook' as kind, w.connection_type as source, w.name,
           w.is_active and w.deleted_at is null as is_active, w.last_webhook_at as last_success_at, w.webhook_count as event_count
      from app.webhook_connections as w
    union all
    select c.organization_id, c.id, 'sync', c.source, nullif(c.subject, ''), true, c.synced_through, null
      from app.sync_cursors as c
  ) as f;
grant select on analytics.data_freshness to authenticated, org_admin, super_admin, reader, analyst;
comment on view analytics.data_freshness is $$One row per place that data comes from: a webhook connection, or a platform that is read at intervals.
Says up to when the other views know; compare it before you trust yesterday.$$;
comment on column analytics.data_freshness.organization_id is 'The tenant; join on it together with every id.';
comment on column analytics.data_freshness.id is 'Identity of the connection, or of the reading position.';
comment on column analytics.data_freshness.kind is 'webhook: the provider tells by itself; sync: the platform is read at intervals.';
comment on column analytics.data_freshness.source is 'The provider: stripe, whop, calendly, acuity, manychat, close, ghl or hubspot.';
comment on column analytics.data_freshness.name is 'What the organization calls the connection; of a platform, the part of it that is read.';
comment on column analytics.data_freshness.is_active is 'False: switched off or deleted; nothing new comes from it.';
comment on column analytics.data_freshness.last_success_at is 'Last verified delivery, or up to when the platform has been read; UTC instant, NULL: never.';
comment on column analytics.data_freshness.event_count is 'Distinct events accepted from a webhook connection, a count; NULL for a platform that is read.';
