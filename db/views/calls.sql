-- Leads, calls and forms.

drop view if exists api.leads;
create view api.leads with (security_invoker = true) as
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
    t.deleted_at,
    t.deleted_reason,
    t.created_at,
    t.updated_at
  from app.leads as t
 where t.deleted_at is null;
grant select on api.leads to authenticated, org_admin, super_admin;
grant insert (full_name, email, phone, source_id, traffic_type_id, current_setter_id, current_setter_name, is_test, ghl_contact_id, hubspot_contact_id, close_lead_id, organization_id, id) on api.leads to authenticated, org_admin, super_admin;
grant update (full_name, email, phone, source_id, traffic_type_id, current_setter_id, current_setter_name, is_test, ghl_contact_id, hubspot_contact_id, close_lead_id, organization_id, id) on api.leads to authenticated, org_admin, super_admin;
comment on view api.leads is $$Prospects, known by their identities.$$;
comment on column api.leads.organization_id is 'The tenant.';
comment on column api.leads.id is 'Identity of the row; ordered by time of creation.';
comment on column api.leads.full_name is 'Name of the person.';
comment on column api.leads.email is 'E-mail address.';
comment on column api.leads.phone is 'Phone number as given.';
comment on column api.leads.source_id is 'The lead source.';
comment on column api.leads.traffic_type_id is 'The kind of traffic.';
comment on column api.leads.original_setter_id is 'Write-once.';
comment on column api.leads.original_setter_name is 'Text given for the first setter, also when it is nobody on the roster; never changes.';
comment on column api.leads.current_setter_id is 'Who looks after the lead now.';
comment on column api.leads.current_setter_name is 'Text given for the present setter, also when it is nobody on the roster.';
comment on column api.leads.is_test is 'Internal test leads count nowhere.';
comment on column api.leads.ghl_contact_id is 'Contact at GoHighLevel.';
comment on column api.leads.hubspot_contact_id is 'Contact at HubSpot.';
comment on column api.leads.close_lead_id is 'Lead at Close.';
comment on column api.leads.merged_into_id is 'The lead that this one became part of; everything of it is there.';
comment on column api.leads.deleted_at is 'When it was deleted; NULL while it counts.';
comment on column api.leads.deleted_reason is 'Why it was deleted.';
comment on column api.leads.created_at is 'When the row was made.';
comment on column api.leads.updated_at is 'When the row last changed.';

drop view if exists api.lead_identities;
create view api.lead_identities with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.lead_id,
    t.kind,
    t.value,
    t.created_at,
    t.updated_at
  from app.lead_identities as t;
grant select on api.lead_identities to authenticated, org_admin, super_admin;
comment on view api.lead_identities is $$What a lead is known by; a value belongs to one lead.$$;
comment on column api.lead_identities.organization_id is 'The tenant.';
comment on column api.lead_identities.id is 'Identity of the row; ordered by time of creation.';
comment on column api.lead_identities.lead_id is 'Who is known by it.';
comment on column api.lead_identities.kind is 'email, phone, stripe_customer, stripe_subscription, whop_user, whop_membership, manychat_subscriber, acuity_client, ghl_contact, hubspot_contact or close_lead.';
comment on column api.lead_identities.value is 'The address, number or identifier itself, as it is compared: e-mail in lower case, phone in digits.';
comment on column api.lead_identities.created_at is 'When the row was made.';
comment on column api.lead_identities.updated_at is 'When the row last changed.';

drop view if exists api.lead_touches;
create view api.lead_touches with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.lead_id,
    t.channel,
    t.occurred_at,
    t.utm_source,
    t.utm_medium,
    t.utm_campaign,
    t.utm_term,
    t.utm_content,
    t.external_id,
    t.details,
    t.created_at,
    t.updated_at
  from app.lead_touches as t;
grant select on api.lead_touches to authenticated, org_admin, super_admin;
comment on view api.lead_touches is $$Marketing touches of a lead: UTM visits, ManyChat, routing forms.$$;
comment on column api.lead_touches.organization_id is 'The tenant.';
comment on column api.lead_touches.id is 'Identity of the row; ordered by time of creation.';
comment on column api.lead_touches.lead_id is 'Whose contact it was.';
comment on column api.lead_touches.channel is 'How they came: utm, manychat, routing_form and the like.';
comment on column api.lead_touches.occurred_at is 'When they came; UTC instant.';
comment on column api.lead_touches.utm_source is 'UTM source of the booking.';
comment on column api.lead_touches.utm_medium is 'UTM medium of the booking.';
comment on column api.lead_touches.utm_campaign is 'UTM campaign of the booking.';
comment on column api.lead_touches.utm_term is 'UTM term of the booking.';
comment on column api.lead_touches.utm_content is 'UTM content of the booking.';
comment on column api.lead_touches.external_id is 'Identity at the other system.';
comment on column api.lead_touches.details is 'What else the platform told of it, as JSON.';
comment on column api.lead_touches.created_at is 'When the row was made.';
comment on column api.lead_touches.updated_at is 'When the row last changed.';

drop view if exists api.lead_setter_changes;
create view api.lead_setter_changes with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.lead_id,
    t.setter_id,
    t.setter_name,
    t.changed_at,
    t.changed_by,
    t.created_at,
    t.updated_at
  from app.lead_setter_changes as t;
grant select on api.lead_setter_changes to authenticated, org_admin, super_admin;
comment on view api.lead_setter_changes is $$History of a lead's current setter.$$;
comment on column api.lead_setter_changes.organization_id is 'The tenant.';
comment on column api.lead_setter_changes.id is 'Identity of the row; ordered by time of creation.';
comment on column api.lead_setter_changes.lead_id is 'Who changed hands.';
comment on column api.lead_setter_changes.setter_id is 'Whose the lead became; NULL: nobody''s on the roster.';
comment on column api.lead_setter_changes.setter_name is 'Name of the setter when it was written; ids rule.';
comment on column api.lead_setter_changes.changed_at is 'When the lead changed hands; UTC instant.';
comment on column api.lead_setter_changes.changed_by is 'The user who did it; NULL: a booking or a message did.';
comment on column api.lead_setter_changes.created_at is 'When the row was made.';
comment on column api.lead_setter_changes.updated_at is 'When the row last changed.';

drop view if exists api.lead_merges;
create view api.lead_merges with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.into_lead_id,
    t.from_lead_id,
    t.reason,
    t.merged_by,
    t.merged_at,
    t.moved,
    t.filled,
    t.unmerged_at,
    t.unmerged_by,
    t.unmerge_reason,
    t.created_at,
    t.updated_at
  from app.lead_merges as t;
grant select on api.lead_merges to authenticated, org_admin, super_admin;
comment on view api.lead_merges is $$Leads that turned out to be one person
Written by rpc/merge_leads and rpc/unmerge_leads. For admins.$$;
comment on column api.lead_merges.organization_id is 'The tenant.';
comment on column api.lead_merges.id is 'Identity of the row; ordered by time of creation.';
comment on column api.lead_merges.into_lead_id is 'The lead that stayed.';
comment on column api.lead_merges.from_lead_id is 'The lead that became part of it.';
comment on column api.lead_merges.reason is 'Why, in a person''s words.';
comment on column api.lead_merges.merged_by is 'Who merged them.';
comment on column api.lead_merges.merged_at is 'When they were merged.';
comment on column api.lead_merges.moved is 'Ids of the rows that moved to the lead that stayed, by table.';
comment on column api.lead_merges.filled is 'Columns of the lead that stayed which the merge wrote: before and after.';
comment on column api.lead_merges.unmerged_at is 'When the merge was undone; NULL while it holds.';
comment on column api.lead_merges.unmerged_by is 'Who undid it.';
comment on column api.lead_merges.unmerge_reason is 'Why it was undone.';
comment on column api.lead_merges.created_at is 'When the row was made.';
comment on column api.lead_merges.updated_at is 'When the row last changed.';

drop view if exists api.events;
create view api.events with (security_invoker = true) as
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
    t.source_origin,
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
    t.provider,
    t.provider_booking_id,
    t.calendly_event_uuid,
    t.calendly_invitee_uuid,
    t.utm_source,
    t.utm_medium,
    t.utm_campaign,
    t.utm_term,
    t.utm_content,
    t.referrer,
    t.answers,
    t.ghl_contact_id,
    t.hubspot_contact_id,
    t.close_lead_id,
    t.notes,
    t.deleted_at,
    t.deleted_reason,
    t.created_at,
    t.updated_at,
    app.is_test_lead(t.organization_id, t.lead_id) as is_test,
    t.call_status = 'scheduled' and t.scheduled_end_at <= now() and t.duplicate_of_id is null
        and not app.is_test_lead(t.organization_id, t.lead_id) as is_pending,
    t.call_status = 'scheduled' and t.scheduled_end_at <= now() and t.duplicate_of_id is null
        and t.scheduled_end_at + (select o.pcf_grace from app.organizations as o where o.id = t.organization_id) <= now()
        and not app.is_test_lead(t.organization_id, t.lead_id) as is_overdue
  from app.events as t
 where t.deleted_at is null;
grant select on api.events to authenticated, org_admin, super_admin;
grant update (notes, closer_id, setter_id, source_id, traffic_type_id, call_type_id) on api.events to authenticated, org_admin, super_admin;
comment on view api.events is $$Booked calls: one invitee of one calendar slot.$$;
comment on column api.events.organization_id is 'The tenant.';
comment on column api.events.id is 'Identity of the row; ordered by time of creation.';
comment on column api.events.lead_id is 'Who was invited.';
comment on column api.events.lead_name is 'Name given at booking.';
comment on column api.events.lead_email is 'E-mail given at booking.';
comment on column api.events.lead_phone is 'Phone given at booking.';
comment on column api.events.closer_id is 'Who is booked to take the call; the numbers go by credited_closer_id.';
comment on column api.events.closer_name is 'Name of the closer when it was written; ids rule.';
comment on column api.events.setter_id is 'Who booked this call; the numbers go by credited_setter_id.';
comment on column api.events.setter_name is 'Name of the setter when it was written; ids rule.';
comment on column api.events.credited_closer_id is 'Who took the call: the form''s closer if a person submitted one, else closer_id.';
comment on column api.events.credited_setter_id is 'The setter of the first booking of the reschedule chain.';
comment on column api.events.source_id is 'The lead source.';
comment on column api.events.traffic_type_id is 'The kind of traffic.';
comment on column api.events.source_origin is 'Who gave it source and traffic type: manual, crm, rule, inherited or call_type.';
comment on column api.events.call_type_id is 'What kind of call it is; NULL counts in rates.';
comment on column api.events.scheduled_at is 'Start of the call.';
comment on column api.events.scheduled_end_at is 'End of the call.';
comment on column api.events.booked_at is 'When the booking was made.';
comment on column api.events.is_booked_at_estimated is 'Imported history without a booking time.';
comment on column api.events.call_status is 'scheduled, completed, no_show, canceled or rescheduled.';
comment on column api.events.event_outcome is 'showed_no_offer, showed_offer, closed or no_show; NULL until a form says.';
comment on column api.events.pcf_submitted is 'Whether a post-call form rules the call.';
comment on column api.events.canceled_at is 'When it was canceled.';
comment on column api.events.canceled_by is 'invitee or host.';
comment on column api.events.cancel_reason is 'Reason given for the cancellation.';
comment on column api.events.root_event_id is 'First event of the reschedule chain; its own id when it is the first.';
comment on column api.events.rescheduled_from_id is 'The booking this one replaces.';
comment on column api.events.duplicate_of_id is 'The booking this one repeats; repeats count nowhere.';
comment on column api.events.provider is 'The system it came from.';
comment on column api.events.provider_booking_id is 'The booking at the provider.';
comment on column api.events.calendly_event_uuid is 'The slot at Calendly.';
comment on column api.events.calendly_invitee_uuid is 'The invitee at Calendly; one row each.';
comment on column api.events.utm_source is 'UTM source of the booking.';
comment on column api.events.utm_medium is 'UTM medium of the booking.';
comment on column api.events.utm_campaign is 'UTM campaign of the booking.';
comment on column api.events.utm_term is 'UTM term of the booking.';
comment on column api.events.utm_content is 'UTM content of the booking.';
comment on column api.events.referrer is 'The page that led to the booking.';
comment on column api.events.answers is 'Answers to questions.';
comment on column api.events.ghl_contact_id is 'Contact at GoHighLevel.';
comment on column api.events.hubspot_contact_id is 'Contact at HubSpot.';
comment on column api.events.close_lead_id is 'Lead at Close.';
comment on column api.events.notes is 'Free text of the team.';
comment on column api.events.deleted_at is 'When it was deleted; NULL while it counts.';
comment on column api.events.deleted_reason is 'Why it was deleted.';
comment on column api.events.created_at is 'When the row was made.';
comment on column api.events.updated_at is 'When the row last changed.';
comment on column api.events.is_test is 'Whether its lead is an internal test; such calls count nowhere.';
comment on column api.events.is_pending is 'Over, counted, and still without its post-call form.';
comment on column api.events.is_overdue is 'Pending for longer than the grace period of the organization.';

drop view if exists api.post_call_forms;
create view api.post_call_forms with (security_invoker = true) as
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
    t.answers,
    t.notes,
    t.created_at,
    t.updated_at
  from app.post_call_forms as t;
grant select on api.post_call_forms to authenticated, org_admin, super_admin;
comment on view api.post_call_forms is $$What a person says happened on a call; versions, of which one is active.$$;
comment on column api.post_call_forms.organization_id is 'The tenant.';
comment on column api.post_call_forms.id is 'Identity of the row; ordered by time of creation.';
comment on column api.post_call_forms.event_id is 'The call that it reports on.';
comment on column api.post_call_forms.closer_id is 'Who took the call, by this form: the call is credited to them.';
comment on column api.post_call_forms.version is 'Counts up from 1.';
comment on column api.post_call_forms.is_active is 'Whether this version rules the call; at most one per call.';
comment on column api.post_call_forms.submitted_via is 'How it came: app, portal, admin or import by a person; calendly or system by none.';
comment on column api.post_call_forms.is_human is 'True: a person said so; false: the booking platform or the product did.';
comment on column api.post_call_forms.submitted_at is 'When it was said; UTC instant.';
comment on column api.post_call_forms.submitted_by is 'The user who submitted it; NULL for a personal link, no person, or one who has left.';
comment on column api.post_call_forms.voided_at is 'When it was taken back; NULL: it was not.';
comment on column api.post_call_forms.voided_reason is 'Why it was taken back, in a person''s words.';
comment on column api.post_call_forms.call_occurred is 'Did the call happen?';
comment on column api.post_call_forms.lead_showed is 'Did the lead show up?';
comment on column api.post_call_forms.offer_made is 'Was an offer presented?';
comment on column api.post_call_forms.deal_closed is 'Was the deal closed on this call?';
comment on column api.post_call_forms.non_occurrence_reason is 'Why the call did not happen: lead_no_show, lead_canceled, reschedule_requested, closer_absent or technical.';
comment on column api.post_call_forms.disqualified is 'True: the lead turned out to be none for what is sold.';
comment on column api.post_call_forms.cash_collected is 'Money the form says was collected, in currency.';
comment on column api.post_call_forms.currency is 'ISO 4217 code.';
comment on column api.post_call_forms.payment_type is 'pif, payment_plan, deposit or financed.';
comment on column api.post_call_forms.package_id is 'What was sold.';
comment on column api.post_call_forms.contract_value is 'What was agreed, in currency.';
comment on column api.post_call_forms.call_outcome_id is 'The entry chosen from the organization''s list; it must mean what the answers say.';
comment on column api.post_call_forms.opportunity_status_id is 'The pipeline stage chosen; it feeds no number.';
comment on column api.post_call_forms.form_config_id is 'The version of the organization''s own questions that was answered.';
comment on column api.post_call_forms.answers is 'Answers to questions.';
comment on column api.post_call_forms.notes is 'Free text of the closer.';
comment on column api.post_call_forms.created_at is 'When the row was made.';
comment on column api.post_call_forms.updated_at is 'When the row last changed.';

drop view if exists api.custom_field_values;
create view api.custom_field_values with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.definition_id,
    t.lead_id,
    t.event_id,
    t.payment_id,
    t.closer_id,
    t.setter_id,
    t.record_id,
    t.text_value,
    t.number_value,
    t.date_value,
    t.boolean_value,
    t.option_values,
    t.created_at,
    t.updated_at
  from app.custom_field_values as t;
grant select on api.custom_field_values to authenticated, org_admin, super_admin;
grant insert on api.custom_field_values to authenticated, org_admin, super_admin;
grant update on api.custom_field_values to authenticated, org_admin, super_admin;
grant delete on api.custom_field_values to authenticated, org_admin, super_admin;
comment on view api.custom_field_values is $$One value of one custom field of one record.$$;
comment on column api.custom_field_values.organization_id is 'The tenant.';
comment on column api.custom_field_values.id is 'Identity of the row; ordered by time of creation.';
comment on column api.custom_field_values.definition_id is 'Which field it is a value of.';
comment on column api.custom_field_values.lead_id is 'The record, where it is a lead.';
comment on column api.custom_field_values.event_id is 'The record, where it is a call.';
comment on column api.custom_field_values.payment_id is 'The record, where it is a payment.';
comment on column api.custom_field_values.closer_id is 'The record, where it is a closer.';
comment on column api.custom_field_values.setter_id is 'The record, where it is a setter.';
comment on column api.custom_field_values.record_id is 'The record that has it: the one of the five ids below that is set.';
comment on column api.custom_field_values.text_value is 'Value of a text, select, email or phone field.';
comment on column api.custom_field_values.number_value is 'Value of a number or money field; money in the organization''s currency.';
comment on column api.custom_field_values.date_value is 'Value of a date field.';
comment on column api.custom_field_values.boolean_value is 'Value of a boolean field.';
comment on column api.custom_field_values.option_values is 'Values chosen in a multi_select field.';
comment on column api.custom_field_values.created_at is 'When the row was made.';
comment on column api.custom_field_values.updated_at is 'When the row last changed.';

drop view if exists api.setter_activities;
create view api.setter_activities with (security_invoker = true) as
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
grant select on api.setter_activities to authenticated, org_admin, super_admin;
comment on view api.setter_activities is $$Dials and talk time of a setter per local day, from the CRM.$$;
comment on column api.setter_activities.organization_id is 'The tenant.';
comment on column api.setter_activities.id is 'Identity of the row; ordered by time of creation.';
comment on column api.setter_activities.setter_id is 'Who called.';
comment on column api.setter_activities.activity_date is 'Local day of the organization on which the calls started.';
comment on column api.setter_activities.provider is 'The system it came from.';
comment on column api.setter_activities.dials is 'Outbound calls started.';
comment on column api.setter_activities.connects is 'Calls answered.';
comment on column api.setter_activities.talk_seconds is 'Seconds of talk.';
comment on column api.setter_activities.created_at is 'When the row was made.';
comment on column api.setter_activities.updated_at is 'When the row last changed.';

drop view if exists api.setter_calls;
create view api.setter_calls with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.setter_id,
    t.provider,
    t.provider_call_id,
    t.activity_date,
    t.lead_id,
    t.started_at,
    t.kind,
    t.direction,
    t.disposition,
    t.talk_seconds,
    t.created_at,
    t.updated_at
  from app.setter_calls as t;
grant select on api.setter_calls to authenticated, org_admin, super_admin;
comment on view api.setter_calls is $$Single calls behind setter_activities, kept so that none counts twice, and text messages.$$;
comment on column api.setter_calls.organization_id is 'The tenant.';
comment on column api.setter_calls.id is 'Identity of the row; ordered by time of creation.';
comment on column api.setter_calls.setter_id is 'Who called, or was called.';
comment on column api.setter_calls.provider is 'The system it came from.';
comment on column api.setter_calls.provider_call_id is 'The call at the telephone system; one row each.';
comment on column api.setter_calls.activity_date is 'Local day of the organization on which the call started.';
comment on column api.setter_calls.lead_id is 'Who was on the line; NULL: nobody on file.';
comment on column api.setter_calls.started_at is 'When the call started; UTC instant.';
comment on column api.setter_calls.kind is 'call or sms. Only calls are dials; either is a contact.';
comment on column api.setter_calls.direction is 'outbound or inbound; only outbound ones are dials.';
comment on column api.setter_calls.disposition is 'How it ended, in the telephone system''s word; answered makes it a connect.';
comment on column api.setter_calls.talk_seconds is 'Seconds of talk.';
comment on column api.setter_calls.created_at is 'When the row was made.';
comment on column api.setter_calls.updated_at is 'When the row last changed.';

drop view if exists api.capacity_snapshots;
create view api.capacity_snapshots with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.closer_id,
    t.day,
    t.captured_at,
    t.free_slots,
    t.booked_slots,
    t.created_at,
    t.updated_at
  from app.capacity_snapshots as t;
grant select on api.capacity_snapshots to authenticated, org_admin, super_admin;
comment on view api.capacity_snapshots is $$Slots a closer could have taken on a local day, as captured.$$;
comment on column api.capacity_snapshots.organization_id is 'The tenant.';
comment on column api.capacity_snapshots.id is 'Identity of the row; ordered by time of creation.';
comment on column api.capacity_snapshots.closer_id is 'Whose calendar was read.';
comment on column api.capacity_snapshots.day is 'Local day of the organization.';
comment on column api.capacity_snapshots.captured_at is 'When the calendar was read; UTC instant.';
comment on column api.capacity_snapshots.free_slots is 'Bookable slots that were free then, of organizations.slot_minutes each.';
comment on column api.capacity_snapshots.booked_slots is 'Slots that were booked then, of organizations.slot_minutes each.';
comment on column api.capacity_snapshots.created_at is 'When the row was made.';
comment on column api.capacity_snapshots.updated_at is 'When the row last changed.';
