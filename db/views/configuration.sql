-- What an organization configures.

drop view if exists api.sources;
create view api.sources with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.name,
    t.external_id,
    t.provider,
    t.is_active,
    t.position,
    t.archived_at,
    t.created_at,
    t.updated_at
  from app.sources as t;
grant select on api.sources to authenticated, org_admin, super_admin;
grant insert on api.sources to authenticated, org_admin, super_admin;
grant update on api.sources to authenticated, org_admin, super_admin;
grant delete on api.sources to authenticated, org_admin, super_admin;
comment on view api.sources is $$Where leads come from, synced from a CRM or made by hand.$$;
comment on column api.sources.organization_id is 'The tenant.';
comment on column api.sources.id is 'Identity of the row; ordered by time of creation.';
comment on column api.sources.name is 'Name shown to people; among what is not archived, each name is there once, however it is capitalized.';
comment on column api.sources.external_id is 'Identity at the other system.';
comment on column api.sources.provider is 'The system it came from.';
comment on column api.sources.is_active is 'Whether it is offered: the same as archived_at being NULL; writing either writes both.';
comment on column api.sources.position is 'Order of display, ascending; a new row comes last.';
comment on column api.sources.archived_at is 'When it was taken out of use; NULL while offered. Set it to archive, to NULL to offer it again.';
comment on column api.sources.created_at is 'When the row was made.';
comment on column api.sources.updated_at is 'When the row last changed.';

drop view if exists api.traffic_types;
create view api.traffic_types with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.name,
    t.external_id,
    t.provider,
    t.is_active,
    t.position,
    t.archived_at,
    t.created_at,
    t.updated_at
  from app.traffic_types as t;
grant select on api.traffic_types to authenticated, org_admin, super_admin;
grant insert on api.traffic_types to authenticated, org_admin, super_admin;
grant update on api.traffic_types to authenticated, org_admin, super_admin;
grant delete on api.traffic_types to authenticated, org_admin, super_admin;
comment on view api.traffic_types is $$Kinds of traffic: paid, organic, cold, warm.$$;
comment on column api.traffic_types.organization_id is 'The tenant.';
comment on column api.traffic_types.id is 'Identity of the row; ordered by time of creation.';
comment on column api.traffic_types.name is 'Name shown to people; among what is not archived, each name is there once, however it is capitalized.';
comment on column api.traffic_types.external_id is 'Identity at the other system.';
comment on column api.traffic_types.provider is 'The system it came from.';
comment on column api.traffic_types.is_active is 'Whether it is offered: the same as archived_at being NULL; writing either writes both.';
comment on column api.traffic_types.position is 'Order of display, ascending; a new row comes last.';
comment on column api.traffic_types.archived_at is 'When it was taken out of use; NULL while offered. Set it to archive, to NULL to offer it again.';
comment on column api.traffic_types.created_at is 'When the row was made.';
comment on column api.traffic_types.updated_at is 'When the row last changed.';

drop view if exists api.call_types;
create view api.call_types with (security_invoker = true) as
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
    t.position,
    t.archived_at,
    t.created_at,
    t.updated_at
  from app.call_types as t;
grant select on api.call_types to authenticated, org_admin, super_admin;
grant insert on api.call_types to authenticated, org_admin, super_admin;
grant update on api.call_types to authenticated, org_admin, super_admin;
grant delete on api.call_types to authenticated, org_admin, super_admin;
comment on view api.call_types is $$Categories of calls, synced from the booking platform's event types.$$;
comment on column api.call_types.organization_id is 'The tenant.';
comment on column api.call_types.id is 'Identity of the row; ordered by time of creation.';
comment on column api.call_types.name is 'Name shown to people; among what is not archived, each name is there once, however it is capitalized.';
comment on column api.call_types.category is 'What kind of call: sales, onboarding, ...; two calls of one kind and lead may be duplicates.';
comment on column api.call_types.counts_in_rates is 'False: left out of show, offer and close rates.';
comment on column api.call_types.duration_minutes is 'Minutes a call of this type takes.';
comment on column api.call_types.external_id is 'The booking platform''s event type.';
comment on column api.call_types.default_source_id is 'The source of calls that have none of their own.';
comment on column api.call_types.default_traffic_type_id is 'The traffic type of calls that have none of their own.';
comment on column api.call_types.is_active is 'Whether it is offered: the same as archived_at being NULL; writing either writes both.';
comment on column api.call_types.position is 'Order of display, ascending; a new row comes last.';
comment on column api.call_types.archived_at is 'When it was taken out of use; NULL while offered. Set it to archive, to NULL to offer it again.';
comment on column api.call_types.created_at is 'When the row was made.';
comment on column api.call_types.updated_at is 'When the row last changed.';

drop view if exists api.call_outcomes;
create view api.call_outcomes with (security_invoker = true) as
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
grant select on api.call_outcomes to authenticated, org_admin, super_admin;
grant insert on api.call_outcomes to authenticated, org_admin, super_admin;
grant update on api.call_outcomes to authenticated, org_admin, super_admin;
grant delete on api.call_outcomes to authenticated, org_admin, super_admin;
comment on view api.call_outcomes is $$Outcomes offered by the post-call form; each maps to one (status, outcome) pair.$$;
comment on column api.call_outcomes.organization_id is 'The tenant.';
comment on column api.call_outcomes.id is 'Identity of the row; ordered by time of creation.';
comment on column api.call_outcomes.name is 'Name shown to people; among what is not archived, each name is there once, however it is capitalized.';
comment on column api.call_outcomes.call_status is 'scheduled, completed, no_show, canceled or rescheduled.';
comment on column api.call_outcomes.event_outcome is 'showed_no_offer, showed_offer, closed or no_show; NULL until a form says.';
comment on column api.call_outcomes.position is 'Order of display, ascending; a new row comes last.';
comment on column api.call_outcomes.archived_at is 'When it was taken out of use; NULL while offered. Set it to archive, to NULL to offer it again.';
comment on column api.call_outcomes.created_at is 'When the row was made.';
comment on column api.call_outcomes.updated_at is 'When the row last changed.';

drop view if exists api.opportunity_statuses;
create view api.opportunity_statuses with (security_invoker = true) as
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
grant select on api.opportunity_statuses to authenticated, org_admin, super_admin;
grant insert on api.opportunity_statuses to authenticated, org_admin, super_admin;
grant update on api.opportunity_statuses to authenticated, org_admin, super_admin;
grant delete on api.opportunity_statuses to authenticated, org_admin, super_admin;
comment on view api.opportunity_statuses is $$Pipeline stages offered by the post-call form; they never feed a metric.$$;
comment on column api.opportunity_statuses.organization_id is 'The tenant.';
comment on column api.opportunity_statuses.id is 'Identity of the row; ordered by time of creation.';
comment on column api.opportunity_statuses.name is 'Name shown to people; among what is not archived, each name is there once, however it is capitalized.';
comment on column api.opportunity_statuses.external_id is 'Identity at the other system.';
comment on column api.opportunity_statuses.pipeline_external_id is 'The pipeline of the CRM that the stage belongs to.';
comment on column api.opportunity_statuses.position is 'Order of display, ascending; a new row comes last.';
comment on column api.opportunity_statuses.archived_at is 'When it was taken out of use; NULL while offered. Set it to archive, to NULL to offer it again.';
comment on column api.opportunity_statuses.created_at is 'When the row was made.';
comment on column api.opportunity_statuses.updated_at is 'When the row last changed.';

drop view if exists api.packages;
create view api.packages with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.name,
    t.price,
    t.currency,
    t.installment_count,
    t.installment_interval_days,
    t.is_commissionable,
    t.position,
    t.archived_at,
    t.created_at,
    t.updated_at
  from app.packages as t;
grant select on api.packages to authenticated, org_admin, super_admin;
grant insert on api.packages to authenticated, org_admin, super_admin;
grant update on api.packages to authenticated, org_admin, super_admin;
grant delete on api.packages to authenticated, org_admin, super_admin;
comment on view api.packages is $$Products on offer, with price and instalment schedule.$$;
comment on column api.packages.organization_id is 'The tenant.';
comment on column api.packages.id is 'Identity of the row; ordered by time of creation.';
comment on column api.packages.name is 'Name shown to people; among what is not archived, each name is there once, however it is capitalized.';
comment on column api.packages.price is 'List price, in currency.';
comment on column api.packages.currency is 'ISO 4217 code.';
comment on column api.packages.installment_count is 'How many instalments a payment plan has.';
comment on column api.packages.installment_interval_days is 'Days from one instalment to the next.';
comment on column api.packages.is_commissionable is 'Whether sales of it earn commission.';
comment on column api.packages.position is 'Order of display, ascending; a new row comes last.';
comment on column api.packages.archived_at is 'When it was taken out of use; NULL while offered. Set it to archive, to NULL to offer it again.';
comment on column api.packages.created_at is 'When the row was made.';
comment on column api.packages.updated_at is 'When the row last changed.';

drop view if exists api.source_rules;
create view api.source_rules with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.position,
    t.field,
    t.operator,
    t.value,
    t.source_id,
    t.traffic_type_id,
    t.archived_at,
    t.created_at,
    t.updated_at
  from app.source_rules as t;
grant select on api.source_rules to authenticated, org_admin, super_admin;
grant insert on api.source_rules to authenticated, org_admin, super_admin;
grant update on api.source_rules to authenticated, org_admin, super_admin;
grant delete on api.source_rules to authenticated, org_admin, super_admin;
comment on view api.source_rules is $$Which source and traffic type a booking gets: the first rule by position that matches decides.$$;
comment on column api.source_rules.organization_id is 'The tenant.';
comment on column api.source_rules.id is 'Identity of the row; ordered by time of creation.';
comment on column api.source_rules.position is 'Order of display, ascending.';
comment on column api.source_rules.field is 'What of a booking is compared: utm_source, utm_medium, utm_campaign, utm_term, utm_content, referrer or answer.';
comment on column api.source_rules.operator is 'How it is compared: equals, contains, starts_with or is_present.';
comment on column api.source_rules.value is 'What it is compared with, upper and lower case alike.';
comment on column api.source_rules.source_id is 'The lead source.';
comment on column api.source_rules.traffic_type_id is 'The kind of traffic.';
comment on column api.source_rules.archived_at is 'When it was taken out of use; NULL while offered.';
comment on column api.source_rules.created_at is 'When the row was made.';
comment on column api.source_rules.updated_at is 'When the row last changed.';

drop view if exists api.custom_field_definitions;
create view api.custom_field_definitions with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.entity,
    t.name,
    t.label,
    t.field_type,
    t.is_required,
    t.min_value,
    t.max_value,
    t.position,
    t.archived_at,
    t.created_at,
    t.updated_at
  from app.custom_field_definitions as t;
grant select on api.custom_field_definitions to authenticated, org_admin, super_admin;
grant insert on api.custom_field_definitions to authenticated, org_admin, super_admin;
grant update on api.custom_field_definitions to authenticated, org_admin, super_admin;
grant delete on api.custom_field_definitions to authenticated, org_admin, super_admin;
comment on view api.custom_field_definitions is $$Fields an organization adds to leads, events, payments, closers or setters.$$;
comment on column api.custom_field_definitions.organization_id is 'The tenant.';
comment on column api.custom_field_definitions.id is 'Identity of the row; ordered by time of creation.';
comment on column api.custom_field_definitions.entity is 'What gets the field: lead, event, payment, closer or setter.';
comment on column api.custom_field_definitions.name is 'Name shown to people.';
comment on column api.custom_field_definitions.label is 'Text shown beside it.';
comment on column api.custom_field_definitions.field_type is 'text, number, money, date, select, multi_select, boolean, email or phone.';
comment on column api.custom_field_definitions.is_required is 'True: forms insist on a value.';
comment on column api.custom_field_definitions.min_value is 'Least number or amount that is accepted; NULL: any.';
comment on column api.custom_field_definitions.max_value is 'Greatest number or amount that is accepted; NULL: any.';
comment on column api.custom_field_definitions.position is 'Order of display, ascending.';
comment on column api.custom_field_definitions.archived_at is 'When it was taken out of use; NULL while offered.';
comment on column api.custom_field_definitions.created_at is 'When the row was made.';
comment on column api.custom_field_definitions.updated_at is 'When the row last changed.';

drop view if exists api.custom_field_options;
create view api.custom_field_options with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.definition_id,
    t.value,
    t.label,
    t.position,
    t.archived_at,
    t.created_at,
    t.updated_at
  from app.custom_field_options as t;
grant select on api.custom_field_options to authenticated, org_admin, super_admin;
grant insert on api.custom_field_options to authenticated, org_admin, super_admin;
grant update on api.custom_field_options to authenticated, org_admin, super_admin;
grant delete on api.custom_field_options to authenticated, org_admin, super_admin;
comment on view api.custom_field_options is $$Choices of a select field.$$;
comment on column api.custom_field_options.organization_id is 'The tenant.';
comment on column api.custom_field_options.id is 'Identity of the row; ordered by time of creation.';
comment on column api.custom_field_options.definition_id is 'Which field may be answered with it.';
comment on column api.custom_field_options.value is 'What is stored when it is chosen; forms show the label.';
comment on column api.custom_field_options.label is 'Text shown beside it.';
comment on column api.custom_field_options.position is 'Order of display, ascending.';
comment on column api.custom_field_options.archived_at is 'When it was taken out of use; NULL while offered.';
comment on column api.custom_field_options.created_at is 'When the row was made.';
comment on column api.custom_field_options.updated_at is 'When the row last changed.';

drop view if exists api.fx_rates;
create view api.fx_rates with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.day,
    t.from_currency,
    t.to_currency,
    t.rate,
    t.source,
    t.created_at,
    t.updated_at
  from app.fx_rates as t;
grant select on api.fx_rates to authenticated, org_admin, super_admin;
grant insert on api.fx_rates to authenticated, org_admin, super_admin;
grant update on api.fx_rates to authenticated, org_admin, super_admin;
grant delete on api.fx_rates to authenticated, org_admin, super_admin;
comment on view api.fx_rates is $$Exchange rates by day: one unit of from_currency in to_currency.$$;
comment on column api.fx_rates.organization_id is 'The tenant.';
comment on column api.fx_rates.id is 'Identity of the row; ordered by time of creation.';
comment on column api.fx_rates.day is 'Local day of the organization.';
comment on column api.fx_rates.from_currency is 'ISO 4217 code of the money that is converted.';
comment on column api.fx_rates.to_currency is 'ISO 4217 code of the money that it becomes.';
comment on column api.fx_rates.rate is 'Share between 0 and 1, or the exchange rate.';
comment on column api.fx_rates.source is 'Where the rate is from: manual, or what an import says.';
comment on column api.fx_rates.created_at is 'When the row was made.';
comment on column api.fx_rates.updated_at is 'When the row last changed.';

drop view if exists api.form_configs;
create view api.form_configs with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.form_type,
    t.version,
    t.fields,
    t.is_active,
    t.published_at,
    t.published_by,
    t.created_at,
    t.updated_at
  from app.form_configs as t;
grant select on api.form_configs to authenticated, org_admin, super_admin;
comment on view api.form_configs is $$Versions of the fields an organization asks after a call.$$;
comment on column api.form_configs.organization_id is 'The tenant.';
comment on column api.form_configs.id is 'Identity of the row; ordered by time of creation.';
comment on column api.form_configs.form_type is 'Which form it is: post_call_form.';
comment on column api.form_configs.version is 'Counts up from 1.';
comment on column api.form_configs.fields is 'The organization''s own questions, as a JSON array in order of display.';
comment on column api.form_configs.is_active is 'Whether this version is the one that is asked.';
comment on column api.form_configs.published_at is 'When it came into use; UTC instant.';
comment on column api.form_configs.published_by is 'The user who published it; NULL for one who has left.';
comment on column api.form_configs.created_at is 'When the row was made.';
comment on column api.form_configs.updated_at is 'When the row last changed.';

drop view if exists api.webhook_connections;
create view api.webhook_connections with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.name,
    t.connection_type,
    t.api_key_last4,
    t.webhook_secret_last4,
    t.webhook_secret_previous_until,
    t.provider_account,
    t.is_active,
    t.rate_limit_per_minute,
    greatest(t.last_webhook_at, s.last_at) as last_webhook_at,
    t.webhook_count + s.accepted as webhook_count,
    t.duplicate_count + s.duplicates as duplicate_count,
    t.rejected_count + s.rejected as rejected_count,
    t.failed_count + s.failed as failed_count,
    t.refused_count + s.refused as refused_count,
    t.deleted_at,
    t.created_at,
    t.updated_at
  from app.webhook_connections as t
 cross join lateral (
        -- What the worker has not added up yet.
        select coalesce(sum(c.accepted), 0)::bigint as accepted, coalesce(sum(c.duplicates), 0)::bigint as duplicates,
               coalesce(sum(c.rejected), 0)::bigint as rejected, coalesce(sum(c.failed), 0)::bigint as failed,
               coalesce(sum(c.refused), 0)::bigint as refused,
               max(c.received_at) filter (where c.accepted + c.duplicates > 0) as last_at
          from app.connection_stats as c
         where c.organization_id = t.organization_id and c.connection_id = t.id
       ) as s
 where t.deleted_at is null;
grant select on api.webhook_connections to authenticated, org_admin, super_admin;
comment on view api.webhook_connections is $$Configured webhook endpoints; the id is in the URL, secrets are ciphertext and shown to nobody.$$;
comment on column api.webhook_connections.organization_id is 'The tenant.';
comment on column api.webhook_connections.id is 'Identity of the row; ordered by time of creation.';
comment on column api.webhook_connections.name is 'Name shown to people.';
comment on column api.webhook_connections.connection_type is 'stripe, whop, calendly, acuity or manychat.';
comment on column api.webhook_connections.api_key_last4 is 'The last four characters of the API key.';
comment on column api.webhook_connections.webhook_secret_last4 is 'The last four characters of the signing secret.';
comment on column api.webhook_connections.webhook_secret_previous_until is 'Until when the previous secret is honoured.';
comment on column api.webhook_connections.provider_account is 'Whose account at the provider; payments are keyed by it.';
comment on column api.webhook_connections.is_active is 'False: its deliveries are refused.';
comment on column api.webhook_connections.rate_limit_per_minute is 'Deliveries that are accepted in a minute.';
comment on column api.webhook_connections.last_webhook_at is 'Last verified delivery, duplicates included.';
comment on column api.webhook_connections.webhook_count is 'Distinct verified events accepted.';
comment on column api.webhook_connections.duplicate_count is 'Deliveries of events that had been accepted before.';
comment on column api.webhook_connections.rejected_count is 'Deliveries that were not taken in: not genuine, too late, unusable.';
comment on column api.webhook_connections.failed_count is 'Events whose first processing failed.';
comment on column api.webhook_connections.refused_count is 'Genuine deliveries turned away: over the limit, or nobody could take them in.';
comment on column api.webhook_connections.deleted_at is 'When it was deleted; NULL while it counts.';
comment on column api.webhook_connections.created_at is 'When the row was made.';
comment on column api.webhook_connections.updated_at is 'When the row last changed.';

drop view if exists api.metric_definitions;
create view api.metric_definitions with (security_invoker = true) as
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
grant select on api.metric_definitions to authenticated, org_admin, super_admin;
comment on view api.metric_definitions is $$An organization's own metrics: expression trees over the catalog, never SQL
One row per version; of each name the newest is in use, or none. define_metric and retire_metric write them.$$;
comment on column api.metric_definitions.organization_id is 'The tenant.';
comment on column api.metric_definitions.id is 'Identity of the row; ordered by time of creation.';
comment on column api.metric_definitions.name is 'What the metric is asked for by, wherever metrics are.';
comment on column api.metric_definitions.label is 'Text shown beside the number.';
comment on column api.metric_definitions.sentence is 'What the number says.';
comment on column api.metric_definitions.expression is 'A tree of op and args, metric with part and filters, and value.';
comment on column api.metric_definitions.unit is 'count, money, seconds, days, rate or ratio.';
comment on column api.metric_definitions.version is 'Counts up from 1.';
comment on column api.metric_definitions.is_active is 'Whether it is in use.';
comment on column api.metric_definitions.created_at is 'When the row was made.';
comment on column api.metric_definitions.updated_at is 'When the row last changed.';

drop view if exists api.metric_catalog;
create view api.metric_catalog with (security_invoker = true) as
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
    t.position,
    t.created_at,
    t.updated_at
  from app.metric_catalog as t;
grant select on api.metric_catalog to authenticated, org_admin, super_admin;
comment on view api.metric_catalog is $$Every metric: its sentence, parts, date field and unit.$$;
comment on column api.metric_catalog.metric is 'Name of the metric, as functions take it.';
comment on column api.metric_catalog.family is 'calls, cash, utilization or setters.';
comment on column api.metric_catalog.label is 'Text shown beside it.';
comment on column api.metric_catalog.sentence is 'What it means, in one sentence.';
comment on column api.metric_catalog.numerator is 'What is counted or summed.';
comment on column api.metric_catalog.denominator is 'What it is divided by; NULL for counts and sums.';
comment on column api.metric_catalog.date_field is 'Which day puts a row into a period.';
comment on column api.metric_catalog.unit is 'count, rate, money, seconds, ratio or days.';
comment on column api.metric_catalog.is_additive is 'True: days and members add up, numerators and denominators apart; false: ask for each period anew.';
comment on column api.metric_catalog.version is 'Counts up from 1 with each change of meaning.';
comment on column api.metric_catalog.position is 'Order of display, ascending.';
comment on column api.metric_catalog.created_at is 'When the row was made.';
comment on column api.metric_catalog.updated_at is 'When the row last changed.';
