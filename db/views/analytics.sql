-- What analysts and BI tools read: stable views at the grain of the row, with local days of the organization.

drop view if exists analytics.organizations;
create view analytics.organizations with (security_invoker = true) as
select
    t.id,
    t.name,
    t.timezone,
    t.currency,
    t.week_start
  from app.organizations as t
 where t.deleted_at is null;
grant select on analytics.organizations to authenticated, org_admin, super_admin, reader, analyst;
comment on view analytics.organizations is $$Tenants: the companies whose sales this platform runs.$$;
comment on column analytics.organizations.id is 'Identity of the row; ordered by time of creation.';
comment on column analytics.organizations.name is 'Name shown to people.';
comment on column analytics.organizations.timezone is 'IANA name; every local day and period of this organization is in it.';
comment on column analytics.organizations.currency is 'ISO 4217; metrics, ledger and statements are in it.';
comment on column analytics.organizations.week_start is 'ISO weekday on which weeks start: 1 Monday to 7 Sunday.';

drop view if exists analytics.events;
create view analytics.events with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.lead_id,
    t.lead_name,
    t.lead_email,
    t.lead_phone,
    t.closer_id,
    t.closer_name,
    t.setter_id,
    t.setter_name,
    t.credited_closer_id,
    t.credited_setter_id,
    t.source_id,
    t.traffic_type_id,
    t.call_type_id,
    t.scheduled_at,
    t.scheduled_end_at,
    t.booked_at,
    t.is_booked_at_estimated,
    t.call_status,
    t.event_outcome,
    t.pcf_submitted,
    t.canceled_at,
    t.canceled_by,
    t.cancel_reason,
    t.root_event_id,
    t.rescheduled_from_id,
    t.duplicate_of_id,
    t.provider_booking_id,
    t.calendly_event_uuid,
    t.calendly_invitee_uuid,
    t.utm_source,
    t.utm_medium,
    t.utm_campaign,
    t.utm_term,
    t.utm_content,
    t.ghl_contact_id,
    t.hubspot_contact_id,
    t.close_lead_id,
    t.notes,
    t.created_at,
    t.updated_at,
    (t.scheduled_at at time zone o.timezone)::date as scheduled_day,
    (t.booked_at at time zone o.timezone)::date as booked_day
  from app.events as t
  join app.organizations as o on o.id = t.organization_id
 where t.deleted_at is null;
grant select on analytics.events to authenticated, org_admin, super_admin, reader, analyst;
comment on view analytics.events is $$Booked calls: one invitee of one calendar slot.$$;
comment on column analytics.events.organization_id is 'The tenant.';
comment on column analytics.events.id is 'Identity of the row; ordered by time of creation.';
comment on column analytics.events.lead_id is 'The lead.';
comment on column analytics.events.lead_name is 'Name given at booking.';
comment on column analytics.events.lead_email is 'E-mail given at booking.';
comment on column analytics.events.lead_phone is 'Phone given at booking.';
comment on column analytics.events.closer_id is 'The closer.';
comment on column analytics.events.closer_name is 'Name of the closer when it was written; ids rule.';
comment on column analytics.events.setter_id is 'The setter.';
comment on column analytics.events.setter_name is 'Name of the setter when it was written; ids rule.';
comment on column analytics.events.credited_closer_id is 'Who took the call: the form''s closer if a person submitted one, else closer_id.';
comment on column analytics.events.credited_setter_id is 'The setter of the first booking of the reschedule chain.';
comment on column analytics.events.source_id is 'The lead source.';
comment on column analytics.events.traffic_type_id is 'The kind of traffic.';
comment on column analytics.events.call_type_id is 'The call type.';
comment on column analytics.events.scheduled_at is 'Start of the call.';
comment on column analytics.events.scheduled_end_at is 'End of the call.';
comment on column analytics.events.booked_at is 'When the booking was made.';
comment on column analytics.events.is_booked_at_estimated is 'Imported history without a booking time.';
comment on column analytics.events.call_status is 'scheduled, completed, no_show, canceled or rescheduled.';
comment on column analytics.events.event_outcome is 'showed_no_offer, showed_offer, closed or no_show; NULL until a form says.';
comment on column analytics.events.pcf_submitted is 'Whether a post-call form rules the call.';
comment on column analytics.events.canceled_at is 'When it was canceled.';
comment on column analytics.events.canceled_by is 'invitee or host.';
comment on column analytics.events.cancel_reason is 'Reason given for the cancellation.';
comment on column analytics.events.root_event_id is 'First event of the reschedule chain; its own id when it is the first.';
comment on column analytics.events.rescheduled_from_id is 'The booking this one replaces.';
comment on column analytics.events.duplicate_of_id is 'The booking this one repeats; repeats count nowhere.';
comment on column analytics.events.provider_booking_id is 'The booking at the provider.';
comment on column analytics.events.calendly_event_uuid is 'The slot at Calendly.';
comment on column analytics.events.calendly_invitee_uuid is 'The invitee at Calendly; one row each.';
comment on column analytics.events.utm_source is 'UTM source of the booking.';
comment on column analytics.events.utm_medium is 'UTM medium of the booking.';
comment on column analytics.events.utm_campaign is 'UTM campaign of the booking.';
comment on column analytics.events.utm_term is 'UTM term of the booking.';
comment on column analytics.events.utm_content is 'UTM content of the booking.';
comment on column analytics.events.ghl_contact_id is 'Contact at GoHighLevel.';
comment on column analytics.events.hubspot_contact_id is 'Contact at HubSpot.';
comment on column analytics.events.close_lead_id is 'Lead at Close.';
comment on column analytics.events.notes is 'Free text.';
comment on column analytics.events.created_at is 'When the row was made.';
comment on column analytics.events.updated_at is 'When the row last changed.';
comment on column analytics.events.scheduled_day is 'Local day of the call.';
comment on column analytics.events.booked_day is 'Local day on which this booking was made.';

drop view if exists analytics.post_call_forms;
create view analytics.post_call_forms with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.event_id,
    t.closer_id,
    t.version,
    t.is_active,
    t.submitted_via,
    t.is_human,
    t.submitted_at,
    t.submitted_by,
    t.voided_at,
    t.voided_reason,
    t.call_occurred,
    t.lead_showed,
    t.offer_made,
    t.deal_closed,
    t.non_occurrence_reason,
    t.disqualified,
    t.cash_collected,
    t.currency,
    t.payment_type,
    t.package_id,
    t.contract_value,
    t.call_outcome_id,
    t.opportunity_status_id,
    t.form_config_id,
    t.notes,
    t.created_at,
    t.updated_at,
    (t.submitted_at at time zone o.timezone)::date as submitted_day
  from app.post_call_forms as t
  join app.organizations as o on o.id = t.organization_id;
grant select on analytics.post_call_forms to authenticated, org_admin, super_admin, reader, analyst;
comment on view analytics.post_call_forms is $$What a person says happened on a call; versions, of which one is active.$$;
comment on column analytics.post_call_forms.organization_id is 'The tenant.';
comment on column analytics.post_call_forms.id is 'Identity of the row; ordered by time of creation.';
comment on column analytics.post_call_forms.event_id is 'The call.';
comment on column analytics.post_call_forms.closer_id is 'The closer.';
comment on column analytics.post_call_forms.version is 'Counts up from 1.';
comment on column analytics.post_call_forms.is_active is 'Whether it is in use.';
comment on column analytics.post_call_forms.submitted_via is 'Submitted via.';
comment on column analytics.post_call_forms.is_human is 'Is human.';
comment on column analytics.post_call_forms.submitted_at is 'Submitted at.';
comment on column analytics.post_call_forms.submitted_by is 'Submitted by.';
comment on column analytics.post_call_forms.voided_at is 'Voided at.';
comment on column analytics.post_call_forms.voided_reason is 'Voided reason.';
comment on column analytics.post_call_forms.call_occurred is 'Did the call happen?';
comment on column analytics.post_call_forms.lead_showed is 'Did the lead show up?';
comment on column analytics.post_call_forms.offer_made is 'Was an offer presented?';
comment on column analytics.post_call_forms.deal_closed is 'Was the deal closed?';
comment on column analytics.post_call_forms.non_occurrence_reason is 'Non occurrence reason.';
comment on column analytics.post_call_forms.disqualified is 'Disqualified.';
comment on column analytics.post_call_forms.cash_collected is 'Money the form says was collected, in currency.';
comment on column analytics.post_call_forms.currency is 'ISO 4217 code.';
comment on column analytics.post_call_forms.payment_type is 'pif, payment_plan, deposit or financed.';
comment on column analytics.post_call_forms.package_id is 'The package.';
comment on column analytics.post_call_forms.contract_value is 'What was agreed, in currency.';
comment on column analytics.post_call_forms.call_outcome_id is 'Call outcome id.';
comment on column analytics.post_call_forms.opportunity_status_id is 'Opportunity status id.';
comment on column analytics.post_call_forms.form_config_id is 'Form config id.';
comment on column analytics.post_call_forms.notes is 'Free text.';
comment on column analytics.post_call_forms.created_at is 'When the row was made.';
comment on column analytics.post_call_forms.updated_at is 'When the row last changed.';
comment on column analytics.post_call_forms.submitted_day is 'Local day of submission.';

drop view if exists analytics.payments;
create view analytics.payments with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.lead_id,
    t.event_id,
    t.deal_id,
    t.installment_no,
    t.post_call_form_id,
    t.closer_id,
    t.setter_id,
    t.source_id,
    t.traffic_type_id,
    t.package_id,
    t.whop_connection_id,
    t.source,
    t.provider,
    t.provider_account,
    t.provider_payment_id,
    t.provider_charge_id,
    t.status,
    t.livemode,
    t.amount,
    t.currency,
    t.amount_base,
    t.base_currency,
    t.fee_amount,
    t.tax_amount,
    t.refund_amount,
    t.net_revenue,
    t.payment_date,
    t.customer_email,
    t.customer_name,
    t.customer_phone,
    t.provider_customer_id,
    t.provider_subscription_id,
    t.payment_type,
    t.deal_type,
    t.description,
    t.superseded_by_id,
    t.claim_state,
    t.attribution_method,
    t.attribution_confidence,
    t.recorded_by,
    t.reason,
    t.created_at,
    t.updated_at,
    (t.payment_date at time zone o.timezone)::date as payment_day
  from app.payments as t
  join app.organizations as o on o.id = t.organization_id
 where t.deleted_at is null;
grant select on analytics.payments to authenticated, org_admin, super_admin, reader, analyst;
comment on view analytics.payments is $$Money received, one row per payment whatever number of deliveries told of it.$$;
comment on column analytics.payments.organization_id is 'The tenant.';
comment on column analytics.payments.id is 'Identity of the row; ordered by time of creation.';
comment on column analytics.payments.lead_id is 'The lead.';
comment on column analytics.payments.event_id is 'The call.';
comment on column analytics.payments.deal_id is 'The deal.';
comment on column analytics.payments.installment_no is 'Installment no.';
comment on column analytics.payments.post_call_form_id is 'The form whose claim this is.';
comment on column analytics.payments.closer_id is 'The largest closer credit.';
comment on column analytics.payments.setter_id is 'The largest setter credit.';
comment on column analytics.payments.source_id is 'The lead source.';
comment on column analytics.payments.traffic_type_id is 'The kind of traffic.';
comment on column analytics.payments.package_id is 'The package.';
comment on column analytics.payments.whop_connection_id is 'The connection it came through, whatever the provider.';
comment on column analytics.payments.source is 'Source.';
comment on column analytics.payments.provider is 'The system it came from.';
comment on column analytics.payments.provider_account is 'The account at the provider.';
comment on column analytics.payments.provider_payment_id is 'Identity at the processor.';
comment on column analytics.payments.provider_charge_id is 'The charge at the processor.';
comment on column analytics.payments.status is 'Where it stands.';
comment on column analytics.payments.livemode is 'False: made in the provider''s test mode, counts nowhere.';
comment on column analytics.payments.amount is 'Major units of currency, at exactly its scale.';
comment on column analytics.payments.currency is 'ISO 4217 code.';
comment on column analytics.payments.amount_base is 'In base_currency, converted once at the payment day; NULL until a rate exists.';
comment on column analytics.payments.base_currency is 'The organization''s currency.';
comment on column analytics.payments.fee_amount is 'Processor fee, in base_currency.';
comment on column analytics.payments.tax_amount is 'Tax inside the amount, in base_currency.';
comment on column analytics.payments.refund_amount is 'Sum of succeeded refunds and disputes less won disputes, in currency.';
comment on column analytics.payments.net_revenue is 'amount less refund_amount, in currency.';
comment on column analytics.payments.payment_date is 'When the provider confirmed the money.';
comment on column analytics.payments.customer_email is 'E-mail the payer gave.';
comment on column analytics.payments.customer_name is 'Name the payer gave.';
comment on column analytics.payments.customer_phone is 'Customer phone.';
comment on column analytics.payments.provider_customer_id is 'Provider customer id.';
comment on column analytics.payments.provider_subscription_id is 'Provider subscription id.';
comment on column analytics.payments.payment_type is 'pif, payment_plan, deposit or financed.';
comment on column analytics.payments.deal_type is 'new_deal or upsell.';
comment on column analytics.payments.description is 'Free text.';
comment on column analytics.payments.superseded_by_id is 'Superseded by id.';
comment on column analytics.payments.claim_state is 'Of a payment that a form claims: pending, confirmed, rejected, superseded.';
comment on column analytics.payments.attribution_method is 'Attribution method.';
comment on column analytics.payments.attribution_confidence is 'Attribution confidence.';
comment on column analytics.payments.recorded_by is 'Recorded by.';
comment on column analytics.payments.reason is 'Why, in a person''s words.';
comment on column analytics.payments.created_at is 'When the row was made.';
comment on column analytics.payments.updated_at is 'When the row last changed.';
comment on column analytics.payments.payment_day is 'Local day of the payment.';

drop view if exists analytics.payment_refunds;
create view analytics.payment_refunds with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.payment_id,
    t.kind,
    t.status,
    t.amount,
    t.currency,
    t.amount_base,
    t.base_currency,
    t.refunded_at,
    t.provider,
    t.provider_account,
    t.provider_refund_id,
    t.provider_payment_id,
    t.provider_charge_id,
    t.reason,
    t.recorded_by,
    t.created_at,
    t.updated_at,
    (t.refunded_at at time zone o.timezone)::date as refunded_day
  from app.payment_refunds as t
  join app.organizations as o on o.id = t.organization_id;
grant select on analytics.payment_refunds to authenticated, org_admin, super_admin, reader, analyst;
comment on view analytics.payment_refunds is $$Refunds and disputes, each on its own day; payment_id is NULL while the payment itself has not arrived.$$;
comment on column analytics.payment_refunds.organization_id is 'The tenant.';
comment on column analytics.payment_refunds.id is 'Identity of the row; ordered by time of creation.';
comment on column analytics.payment_refunds.payment_id is 'The payment.';
comment on column analytics.payment_refunds.kind is 'What kind of row it is.';
comment on column analytics.payment_refunds.status is 'Where it stands.';
comment on column analytics.payment_refunds.amount is 'Positive, in the currency of the payment.';
comment on column analytics.payment_refunds.currency is 'ISO 4217 code.';
comment on column analytics.payment_refunds.amount_base is 'In base_currency, frozen at the day it was made.';
comment on column analytics.payment_refunds.base_currency is 'The organization''s currency.';
comment on column analytics.payment_refunds.refunded_at is 'Day and time it counts on.';
comment on column analytics.payment_refunds.provider is 'The system it came from.';
comment on column analytics.payment_refunds.provider_account is 'The account at the provider.';
comment on column analytics.payment_refunds.provider_refund_id is 'Provider refund id.';
comment on column analytics.payment_refunds.provider_payment_id is 'Identity at the processor.';
comment on column analytics.payment_refunds.provider_charge_id is 'The charge at the processor.';
comment on column analytics.payment_refunds.reason is 'Why, in a person''s words.';
comment on column analytics.payment_refunds.recorded_by is 'Recorded by.';
comment on column analytics.payment_refunds.created_at is 'When the row was made.';
comment on column analytics.payment_refunds.updated_at is 'When the row last changed.';
comment on column analytics.payment_refunds.refunded_day is 'Local day of the refund.';

drop view if exists analytics.payment_credits;
create view analytics.payment_credits with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.payment_id,
    t.role,
    t.closer_id,
    t.setter_id,
    t.payee_id,
    t.share,
    t.amount_base,
    t.base_currency,
    t.created_at,
    t.updated_at
  from app.payment_credits as t;
grant select on analytics.payment_credits to authenticated, org_admin, super_admin, reader, analyst;
comment on view analytics.payment_credits is $$A person's share of a payment, per role; shares of one role add up to 1.$$;
comment on column analytics.payment_credits.organization_id is 'The tenant.';
comment on column analytics.payment_credits.id is 'Identity of the row; ordered by time of creation.';
comment on column analytics.payment_credits.payment_id is 'The payment.';
comment on column analytics.payment_credits.role is 'In which role.';
comment on column analytics.payment_credits.closer_id is 'The closer.';
comment on column analytics.payment_credits.setter_id is 'The setter.';
comment on column analytics.payment_credits.payee_id is 'The payee.';
comment on column analytics.payment_credits.share is 'Share between 0 and 1.';
comment on column analytics.payment_credits.amount_base is 'Largest-remainder part of the payment in base_currency; parts add up to the whole.';
comment on column analytics.payment_credits.base_currency is 'The organization''s currency.';
comment on column analytics.payment_credits.created_at is 'When the row was made.';
comment on column analytics.payment_credits.updated_at is 'When the row last changed.';

drop view if exists analytics.deals;
create view analytics.deals with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.lead_id,
    t.origin_event_id,
    t.package_id,
    t.closer_id,
    t.setter_id,
    t.contract_value,
    t.currency,
    t.contract_value_base,
    t.base_currency,
    t.status,
    t.deal_type,
    t.payment_type,
    t.closed_at,
    t.provider_subscription_id,
    t.voided_at,
    t.void_reason,
    t.created_at,
    t.updated_at,
    (t.closed_at at time zone o.timezone)::date as closed_day
  from app.deals as t
  join app.organizations as o on o.id = t.organization_id
 where t.deleted_at is null;
grant select on analytics.deals to authenticated, org_admin, super_admin, reader, analyst;
comment on view analytics.deals is $$Sales: what was agreed, who gets credit, by which schedule it is paid.$$;
comment on column analytics.deals.organization_id is 'The tenant.';
comment on column analytics.deals.id is 'Identity of the row; ordered by time of creation.';
comment on column analytics.deals.lead_id is 'The lead.';
comment on column analytics.deals.origin_event_id is 'The call that closed it; NULL for a sale without a call.';
comment on column analytics.deals.package_id is 'The package.';
comment on column analytics.deals.closer_id is 'The closer.';
comment on column analytics.deals.setter_id is 'The setter.';
comment on column analytics.deals.contract_value is 'What was agreed, in currency.';
comment on column analytics.deals.currency is 'ISO 4217 code.';
comment on column analytics.deals.contract_value_base is 'In the organization''s currency, frozen at the closing day''s rate.';
comment on column analytics.deals.base_currency is 'The organization''s currency.';
comment on column analytics.deals.status is 'Where it stands.';
comment on column analytics.deals.deal_type is 'new_deal or upsell.';
comment on column analytics.deals.payment_type is 'pif, payment_plan, deposit or financed.';
comment on column analytics.deals.closed_at is 'Closed at.';
comment on column analytics.deals.provider_subscription_id is 'Provider subscription id.';
comment on column analytics.deals.voided_at is 'Voided at.';
comment on column analytics.deals.void_reason is 'Void reason.';
comment on column analytics.deals.created_at is 'When the row was made.';
comment on column analytics.deals.updated_at is 'When the row last changed.';
comment on column analytics.deals.closed_day is 'Local day of the close.';

drop view if exists analytics.leads;
create view analytics.leads with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.full_name,
    t.email,
    t.phone,
    t.source_id,
    t.traffic_type_id,
    t.original_setter_id,
    t.original_setter_name,
    t.current_setter_id,
    t.current_setter_name,
    t.is_test,
    t.ghl_contact_id,
    t.hubspot_contact_id,
    t.close_lead_id,
    t.merged_into_id,
    t.created_at,
    t.updated_at,
    (t.created_at at time zone o.timezone)::date as created_day
  from app.leads as t
  join app.organizations as o on o.id = t.organization_id
 where t.deleted_at is null;
grant select on analytics.leads to authenticated, org_admin, super_admin, reader, analyst;
comment on view analytics.leads is $$Prospects, known by their identities.$$;
comment on column analytics.leads.organization_id is 'The tenant.';
comment on column analytics.leads.id is 'Identity of the row; ordered by time of creation.';
comment on column analytics.leads.full_name is 'Name of the person.';
comment on column analytics.leads.email is 'E-mail address.';
comment on column analytics.leads.phone is 'Phone number as given.';
comment on column analytics.leads.source_id is 'The lead source.';
comment on column analytics.leads.traffic_type_id is 'The kind of traffic.';
comment on column analytics.leads.original_setter_id is 'Write-once.';
comment on column analytics.leads.original_setter_name is 'Original setter name.';
comment on column analytics.leads.current_setter_id is 'Current setter id.';
comment on column analytics.leads.current_setter_name is 'Current setter name.';
comment on column analytics.leads.is_test is 'Internal test leads count nowhere.';
comment on column analytics.leads.ghl_contact_id is 'Contact at GoHighLevel.';
comment on column analytics.leads.hubspot_contact_id is 'Contact at HubSpot.';
comment on column analytics.leads.close_lead_id is 'Lead at Close.';
comment on column analytics.leads.merged_into_id is 'Merged into id.';
comment on column analytics.leads.created_at is 'When the row was made.';
comment on column analytics.leads.updated_at is 'When the row last changed.';
comment on column analytics.leads.created_day is 'Local day on which the lead became known.';

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
comment on view analytics.closers is $$Sales reps who take calls.$$;
comment on column analytics.closers.organization_id is 'The tenant.';
comment on column analytics.closers.id is 'Identity of the row; ordered by time of creation.';
comment on column analytics.closers.name is 'Name shown to people.';
comment on column analytics.closers.is_active is 'Whether it is in use.';
comment on column analytics.closers.active_from is 'Active from.';
comment on column analytics.closers.active_until is 'Active until.';
comment on column analytics.closers.created_at is 'When the row was made.';
comment on column analytics.closers.updated_at is 'When the row last changed.';

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
comment on view analytics.setters is $$People who book calls.$$;
comment on column analytics.setters.organization_id is 'The tenant.';
comment on column analytics.setters.id is 'Identity of the row; ordered by time of creation.';
comment on column analytics.setters.name is 'Name shown to people.';
comment on column analytics.setters.is_active is 'Whether it is in use.';
comment on column analytics.setters.active_from is 'Active from.';
comment on column analytics.setters.active_until is 'Active until.';
comment on column analytics.setters.created_at is 'When the row was made.';
comment on column analytics.setters.updated_at is 'When the row last changed.';

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
comment on view analytics.sources is $$Where leads come from, synced from a CRM or made by hand.$$;
comment on column analytics.sources.organization_id is 'The tenant.';
comment on column analytics.sources.id is 'Identity of the row; ordered by time of creation.';
comment on column analytics.sources.name is 'Name shown to people.';
comment on column analytics.sources.external_id is 'Identity at the other system.';
comment on column analytics.sources.provider is 'The system it came from.';
comment on column analytics.sources.is_active is 'Whether it is in use.';
comment on column analytics.sources.archived_at is 'When it was taken out of use; NULL while offered.';
comment on column analytics.sources.created_at is 'When the row was made.';
comment on column analytics.sources.updated_at is 'When the row last changed.';

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
comment on view analytics.traffic_types is $$Kinds of traffic: paid, organic, cold, warm.$$;
comment on column analytics.traffic_types.organization_id is 'The tenant.';
comment on column analytics.traffic_types.id is 'Identity of the row; ordered by time of creation.';
comment on column analytics.traffic_types.name is 'Name shown to people.';
comment on column analytics.traffic_types.is_active is 'Whether it is in use.';
comment on column analytics.traffic_types.archived_at is 'When it was taken out of use; NULL while offered.';
comment on column analytics.traffic_types.created_at is 'When the row was made.';
comment on column analytics.traffic_types.updated_at is 'When the row last changed.';

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
comment on view analytics.call_types is $$Categories of calls, synced from the booking platform's event types.$$;
comment on column analytics.call_types.organization_id is 'The tenant.';
comment on column analytics.call_types.id is 'Identity of the row; ordered by time of creation.';
comment on column analytics.call_types.name is 'Name shown to people.';
comment on column analytics.call_types.category is 'Category.';
comment on column analytics.call_types.counts_in_rates is 'False: left out of show, offer and close rates.';
comment on column analytics.call_types.duration_minutes is 'Minutes a call of this type takes.';
comment on column analytics.call_types.external_id is 'The booking platform''s event type.';
comment on column analytics.call_types.default_source_id is 'Default source id.';
comment on column analytics.call_types.default_traffic_type_id is 'Default traffic type id.';
comment on column analytics.call_types.is_active is 'Whether it is in use.';
comment on column analytics.call_types.archived_at is 'When it was taken out of use; NULL while offered.';
comment on column analytics.call_types.created_at is 'When the row was made.';
comment on column analytics.call_types.updated_at is 'When the row last changed.';

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
comment on view analytics.call_outcomes is $$Outcomes offered by the post-call form; each maps to one (status, outcome) pair.$$;
comment on column analytics.call_outcomes.organization_id is 'The tenant.';
comment on column analytics.call_outcomes.id is 'Identity of the row; ordered by time of creation.';
comment on column analytics.call_outcomes.name is 'Name shown to people.';
comment on column analytics.call_outcomes.call_status is 'scheduled, completed, no_show, canceled or rescheduled.';
comment on column analytics.call_outcomes.event_outcome is 'showed_no_offer, showed_offer, closed or no_show; NULL until a form says.';
comment on column analytics.call_outcomes.position is 'Order of display, ascending.';
comment on column analytics.call_outcomes.archived_at is 'When it was taken out of use; NULL while offered.';
comment on column analytics.call_outcomes.created_at is 'When the row was made.';
comment on column analytics.call_outcomes.updated_at is 'When the row last changed.';

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
comment on view analytics.opportunity_statuses is $$Pipeline stages offered by the post-call form; they never feed a metric.$$;
comment on column analytics.opportunity_statuses.organization_id is 'The tenant.';
comment on column analytics.opportunity_statuses.id is 'Identity of the row; ordered by time of creation.';
comment on column analytics.opportunity_statuses.name is 'Name shown to people.';
comment on column analytics.opportunity_statuses.external_id is 'Identity at the other system.';
comment on column analytics.opportunity_statuses.pipeline_external_id is 'Pipeline external id.';
comment on column analytics.opportunity_statuses.position is 'Order of display, ascending.';
comment on column analytics.opportunity_statuses.archived_at is 'When it was taken out of use; NULL while offered.';
comment on column analytics.opportunity_statuses.created_at is 'When the row was made.';
comment on column analytics.opportunity_statuses.updated_at is 'When the row last changed.';

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
comment on view analytics.packages is $$Products on offer, with price and instalment schedule.$$;
comment on column analytics.packages.organization_id is 'The tenant.';
comment on column analytics.packages.id is 'Identity of the row; ordered by time of creation.';
comment on column analytics.packages.name is 'Name shown to people.';
comment on column analytics.packages.price is 'List price, in currency.';
comment on column analytics.packages.currency is 'ISO 4217 code.';
comment on column analytics.packages.installment_count is 'Installment count.';
comment on column analytics.packages.installment_interval_days is 'Installment interval days.';
comment on column analytics.packages.is_commissionable is 'Is commissionable.';
comment on column analytics.packages.archived_at is 'When it was taken out of use; NULL while offered.';
comment on column analytics.packages.created_at is 'When the row was made.';
comment on column analytics.packages.updated_at is 'When the row last changed.';

drop view if exists analytics.setter_activities;
create view analytics.setter_activities with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.setter_id,
    t.activity_date,
    t.provider,
    t.dials,
    t.connects,
    t.talk_seconds,
    t.created_at,
    t.updated_at
  from app.setter_activities as t;
grant select on analytics.setter_activities to authenticated, org_admin, super_admin, reader, analyst;
comment on view analytics.setter_activities is $$Dials and talk time of a setter per local day, from the CRM.$$;
comment on column analytics.setter_activities.organization_id is 'The tenant.';
comment on column analytics.setter_activities.id is 'Identity of the row; ordered by time of creation.';
comment on column analytics.setter_activities.setter_id is 'The setter.';
comment on column analytics.setter_activities.activity_date is 'Local day of the organization on which the calls started.';
comment on column analytics.setter_activities.provider is 'The system it came from.';
comment on column analytics.setter_activities.dials is 'Outbound calls started.';
comment on column analytics.setter_activities.connects is 'Calls answered.';
comment on column analytics.setter_activities.talk_seconds is 'Seconds of talk.';
comment on column analytics.setter_activities.created_at is 'When the row was made.';
comment on column analytics.setter_activities.updated_at is 'When the row last changed.';

drop view if exists analytics.metric_catalog;
create view analytics.metric_catalog with (security_invoker = true) as
select
    t.metric,
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
comment on view analytics.metric_catalog is $$Every metric: its sentence, parts, date field and unit.$$;
comment on column analytics.metric_catalog.metric is 'Name of the metric, as functions take it.';
comment on column analytics.metric_catalog.label is 'Text shown beside it.';
comment on column analytics.metric_catalog.sentence is 'What it means, in one sentence.';
comment on column analytics.metric_catalog.numerator is 'What is counted or summed.';
comment on column analytics.metric_catalog.denominator is 'What it is divided by; NULL for counts and sums.';
comment on column analytics.metric_catalog.date_field is 'Which day puts a row into a period.';
comment on column analytics.metric_catalog.unit is 'count, rate, money, seconds, ratio or days.';
comment on column analytics.metric_catalog.is_additive is 'False: read from facts, never from daily sums.';
comment on column analytics.metric_catalog.version is 'Counts up from 1 with each change of meaning.';
comment on column analytics.metric_catalog.position is 'Order of display, ascending.';
