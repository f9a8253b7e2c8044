-- What analysts and BI tools read of leads, calls, forms and working days.

drop view if exists analytics.leads;
create view analytics.leads with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.full_name,
    t.email,
    t.phone,
    t.source_id,
    src.name as source_name,
    t.traffic_type_id,
    tt.name as traffic_type_name,
    t.original_setter_id,
    t.original_setter_name,
    t.current_setter_id,
    t.current_setter_name,
    t.is_test,
    t.ghl_contact_id,
    t.hubspot_contact_id,
    t.close_lead_id,
    t.created_at,
    t.updated_at,
    (t.created_at at time zone o.timezone)::date as created_day,
    (select case when min(k.started_at) is not null
                 then greatest(extract(epoch from min(k.started_at)) - extract(epoch from t.created_at), 0) end
       from app.setter_calls as k
      where k.organization_id = t.organization_id and k.lead_id = t.id and k.direction = 'outbound') as contacted_after_seconds
  from app.leads as t
  join app.organizations as o on o.id = t.organization_id
  left join app.sources as src on src.organization_id = t.organization_id and src.id = t.source_id
  left join app.traffic_types as tt on tt.organization_id = t.organization_id and tt.id = t.traffic_type_id
 where t.deleted_at is null;
grant select on analytics.leads to authenticated, org_admin, super_admin, reader, analyst;
comment on view analytics.leads is $$One row per prospect, whatever number of e-mail addresses and phones they are known by.
Leads that were merged into another one are left out; internal test leads are marked.$$;
comment on column analytics.leads.organization_id is 'The tenant; join on it together with every id.';
comment on column analytics.leads.id is 'Identity of the row inside its organization; ordered by time of creation.';
comment on column analytics.leads.full_name is 'Name of the person.';
comment on column analytics.leads.email is 'E-mail address by which people write to them.';
comment on column analytics.leads.phone is 'Phone number as it was given.';
comment on column analytics.leads.source_id is 'Where they came from first; joins sources.';
comment on column analytics.leads.source_name is 'Name of the source today; NULL: unknown.';
comment on column analytics.leads.traffic_type_id is 'By which kind of traffic they came; joins traffic_types.';
comment on column analytics.leads.traffic_type_name is 'Name of the kind of traffic today; NULL: unknown.';
comment on column analytics.leads.original_setter_id is 'Who booked them first; never changes. Joins setters.';
comment on column analytics.leads.original_setter_name is 'Text given for the first setter, also when it is nobody on the roster.';
comment on column analytics.leads.current_setter_id is 'Who looks after them now; joins setters.';
comment on column analytics.leads.current_setter_name is 'Text given for the present setter, also when it is nobody on the roster.';
comment on column analytics.leads.is_test is 'True: an internal test lead; nothing of it counts in any metric.';
comment on column analytics.leads.ghl_contact_id is 'The contact at GoHighLevel.';
comment on column analytics.leads.hubspot_contact_id is 'The contact at HubSpot.';
comment on column analytics.leads.close_lead_id is 'The lead at Close.';
comment on column analytics.leads.created_at is 'When the row was written here; UTC instant.';
comment on column analytics.leads.updated_at is 'When the row last changed; UTC instant.';
comment on column analytics.leads.created_day is 'Local day on which the lead became known here.';
comment on column analytics.leads.contacted_after_seconds is 'Seconds until a setter first called or wrote; 0: before the lead was known here. NULL: never. Its median is Speed to Lead.';

drop view if exists analytics.lead_touches;
create view analytics.lead_touches with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.lead_id,
    t.channel,
    t.occurred_at,
    (t.occurred_at at time zone o.timezone)::date as occurred_day,
    t.utm_source,
    t.utm_medium,
    t.utm_campaign,
    t.utm_term,
    t.utm_content,
    t.external_id,
    t.created_at,
    t.updated_at
  from app.lead_touches as t
  join app.organizations as o on o.id = t.organization_id;
grant select on analytics.lead_touches to authenticated, org_admin, super_admin, reader, analyst;
comment on view analytics.lead_touches is $$One row per contact that a lead made before or beside a booking: a click with UTM tags, a chat, a routing form.$$;
comment on column analytics.lead_touches.organization_id is 'The tenant; join on it together with every id.';
comment on column analytics.lead_touches.id is 'Identity of the row inside its organization; ordered by time of creation.';
comment on column analytics.lead_touches.lead_id is 'Whose contact it was; joins leads.';
comment on column analytics.lead_touches.channel is 'How: utm, manychat, routing_form and the like.';
comment on column analytics.lead_touches.occurred_at is 'When; UTC instant.';
comment on column analytics.lead_touches.occurred_day is 'Local day of the contact.';
comment on column analytics.lead_touches.utm_source is 'UTM source of the visit.';
comment on column analytics.lead_touches.utm_medium is 'UTM medium of the visit.';
comment on column analytics.lead_touches.utm_campaign is 'UTM campaign of the visit.';
comment on column analytics.lead_touches.utm_term is 'UTM term of the visit.';
comment on column analytics.lead_touches.utm_content is 'UTM content of the visit.';
comment on column analytics.lead_touches.external_id is 'The contact at the platform that told of it.';
comment on column analytics.lead_touches.created_at is 'When the row was written here; UTC instant.';
comment on column analytics.lead_touches.updated_at is 'When the row last changed; UTC instant.';

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
    c.name as closer_name,
    t.closer_name as booked_closer_name,
    t.setter_id,
    s.name as setter_name,
    t.setter_name as booked_setter_name,
    t.credited_closer_id,
    cc.name as credited_closer_name,
    t.credited_setter_id,
    cs.name as credited_setter_name,
    t.source_id,
    src.name as source_name,
    t.traffic_type_id,
    tt.name as traffic_type_name,
    t.call_type_id,
    ct.name as call_type_name,
    t.scheduled_at,
    t.scheduled_end_at,
    (t.scheduled_at at time zone o.timezone)::date as scheduled_day,
    ceil(extract(epoch from t.scheduled_end_at - t.scheduled_at) / (60 * o.slot_minutes))::integer as slots,
    t.booked_at,
    (t.booked_at at time zone o.timezone)::date as booked_day,
    t.is_booked_at_estimated,
    t.call_status,
    t.event_outcome,
    t.pcf_submitted,
    t.duplicate_of_id is null and l.is_test is distinct from true as is_counted,
    t.duplicate_of_id is null and l.is_test is distinct from true and coalesce(ct.counts_in_rates, true) as counts_in_rates,
    t.call_status = 'scheduled' and t.scheduled_end_at <= now() as is_pending,
    t.call_status = 'scheduled' and t.scheduled_end_at + o.pcf_grace <= now() as is_overdue,
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
    t.ghl_contact_id,
    t.hubspot_contact_id,
    t.close_lead_id,
    t.notes,
    t.created_at,
    t.updated_at
  from app.events as t
  join app.organizations as o on o.id = t.organization_id
  left join app.leads as l on l.organization_id = t.organization_id and l.id = t.lead_id
  left join app.events as r on r.organization_id = t.organization_id and r.id = t.root_event_id
  left join app.call_types as ct
    on ct.organization_id = t.organization_id and ct.id = coalesce(t.call_type_id, r.call_type_id)
  left join app.sources as src on src.organization_id = t.organization_id and src.id = coalesce(t.source_id, r.source_id)
  left join app.traffic_types as tt
    on tt.organization_id = t.organization_id and tt.id = coalesce(t.traffic_type_id, r.traffic_type_id)
  left join app.closers as c on c.organization_id = t.organization_id and c.id = t.closer_id
  left join app.closers as cc on cc.organization_id = t.organization_id and cc.id = t.credited_closer_id
  left join app.setters as s on s.organization_id = t.organization_id and s.id = t.setter_id
  left join app.setters as cs on cs.organization_id = t.organization_id and cs.id = t.credited_setter_id
 where t.deleted_at is null;
grant select on analytics.events to authenticated, org_admin, super_admin, reader, analyst;
comment on view analytics.events is $$One row per booked call: one invitee of one calendar slot. A moved call is two rows, chained by rescheduled_from_id.
Deleted calls are left out; duplicates and calls of test leads stay, with is_counted false. Metrics count rows with is_counted,
rates those with counts_in_rates, and give a call to credited_closer_id and credited_setter_id. Filter periods by scheduled_day
and, for speed, by scheduled_at as well.$$;
comment on column analytics.events.organization_id is 'The tenant; join on it together with every id.';
comment on column analytics.events.id is 'Identity of the row inside its organization; ordered by time of creation.';
comment on column analytics.events.lead_id is 'Who was invited; joins leads.';
comment on column analytics.events.lead_name is 'Name that the invitee gave at booking.';
comment on column analytics.events.lead_email is 'E-mail address that the invitee gave at booking.';
comment on column analytics.events.lead_phone is 'Phone number that the invitee gave at booking.';
comment on column analytics.events.closer_id is 'Who was booked to take the call; joins closers. Who took it is credited_closer_id.';
comment on column analytics.events.closer_name is 'Name of closer_id on the roster today, so that grouping by it does not split who was renamed; NULL without one.';
comment on column analytics.events.booked_closer_name is 'Text that the booking gave for the closer, kept as it was then.';
comment on column analytics.events.setter_id is 'Who booked this call; joins setters. Whose it is in metrics is credited_setter_id.';
comment on column analytics.events.setter_name is 'Name of setter_id on the roster today, so that grouping by it does not split who was renamed; NULL without one.';
comment on column analytics.events.booked_setter_name is 'Text that the booking gave for the setter, also when it is nobody on the roster.';
comment on column analytics.events.credited_closer_id is 'Whose call it is in metrics: who took it by the form of a person, else closer_id. Joins closers.';
comment on column analytics.events.credited_closer_name is 'Name of credited_closer_id on the roster today, so that grouping by it does not split who was renamed; NULL without one.';
comment on column analytics.events.credited_setter_id is 'Whose booking it is in metrics: the setter of the first call of the chain. Joins setters.';
comment on column analytics.events.credited_setter_name is 'Name of credited_setter_id on the roster today, so that grouping by it does not split who was renamed; NULL without one.';
comment on column analytics.events.source_id is 'Where the booking came from; joins sources.';
comment on column analytics.events.source_name is 'Name of the source today; of the first call of the chain where this one has none, as metrics count it.';
comment on column analytics.events.traffic_type_id is 'By which kind of traffic; joins traffic_types.';
comment on column analytics.events.traffic_type_name is 'Name of the kind of traffic today; of the first call of the chain where this one has none.';
comment on column analytics.events.call_type_id is 'What kind of call; joins call_types.';
comment on column analytics.events.call_type_name is 'Name of the call type today; of the first call of the chain where this one has none.';
comment on column analytics.events.scheduled_at is 'Start of the call; UTC instant.';
comment on column analytics.events.scheduled_end_at is 'End of the call; UTC instant.';
comment on column analytics.events.scheduled_day is 'Local day on which the call starts; the day of show, offer and close rates.';
comment on column analytics.events.slots is 'Slots of organizations.slot_minutes that the call takes up; a count.';
comment on column analytics.events.booked_at is 'When this booking was made; UTC instant. Of a moved call, when it was moved.';
comment on column analytics.events.booked_day is 'Local day on which this booking was made; Booked Calls go by that of the chain (bookings).';
comment on column analytics.events.is_booked_at_estimated is 'True: imported without a booking time; the best known time stands in.';
comment on column analytics.events.call_status is 'scheduled, completed, no_show, canceled or rescheduled.';
comment on column analytics.events.event_outcome is 'showed_no_offer, showed_offer or closed when completed, no_show when nobody came, else NULL.';
comment on column analytics.events.pcf_submitted is 'Whether a post-call form in force says what happened.';
comment on column analytics.events.is_counted is 'True: counts in metrics; false: a duplicate, or a call of an internal test lead.';
comment on column analytics.events.counts_in_rates is 'True: counts in show, offer and close rates as well: is_counted, and of a type that does, or of none.';
comment on column analytics.events.is_pending is 'True: the call is over by now and nobody has said what happened.';
comment on column analytics.events.is_overdue is 'True: pending for longer than organizations.pcf_grace.';
comment on column analytics.events.canceled_at is 'When it was canceled; UTC instant. Kept when the host cancels after the start, which leaves the call scheduled.';
comment on column analytics.events.canceled_by is 'invitee or host; NULL unless canceled_at is set.';
comment on column analytics.events.cancel_reason is 'Words given for the cancellation.';
comment on column analytics.events.root_event_id is 'First call of the reschedule chain; its own id where nothing was moved. Joins events and bookings.';
comment on column analytics.events.rescheduled_from_id is 'The call that this one replaces; joins events.';
comment on column analytics.events.duplicate_of_id is 'The call that this one repeats; it counts nowhere. Joins events.';
comment on column analytics.events.provider is 'Where it was booked: calendly, acuity, manual or import.';
comment on column analytics.events.provider_booking_id is 'The booking at the provider.';
comment on column analytics.events.calendly_event_uuid is 'The slot at Calendly.';
comment on column analytics.events.calendly_invitee_uuid is 'The invitee at Calendly; one row each.';
comment on column analytics.events.utm_source is 'UTM source of the booking.';
comment on column analytics.events.utm_medium is 'UTM medium of the booking.';
comment on column analytics.events.utm_campaign is 'UTM campaign of the booking.';
comment on column analytics.events.utm_term is 'UTM term of the booking.';
comment on column analytics.events.utm_content is 'UTM content of the booking.';
comment on column analytics.events.ghl_contact_id is 'The contact at GoHighLevel.';
comment on column analytics.events.hubspot_contact_id is 'The contact at HubSpot.';
comment on column analytics.events.close_lead_id is 'The lead at Close.';
comment on column analytics.events.notes is 'Free text of the team.';
comment on column analytics.events.created_at is 'When the row was written here; UTC instant.';
comment on column analytics.events.updated_at is 'When the row last changed; UTC instant.';

drop view if exists analytics.bookings;
create view analytics.bookings with (security_invoker = true) as
select
    e.organization_id,
    e.root_event_id as id,
    e.id as event_id,
    e.lead_id,
    r.booked_at as booked_at,
    (r.booked_at at time zone o.timezone)::date as booked_day,
    e.scheduled_at,
    e.scheduled_day,
    e.credited_closer_id as closer_id,
    e.credited_closer_name as closer_name,
    e.credited_setter_id as setter_id,
    e.credited_setter_name as setter_name,
    e.source_name,
    e.traffic_type_name,
    e.call_type_name,
    e.call_status,
    e.event_outcome,
    e.counts_in_rates,
    e.call_status in ('completed', 'no_show', 'canceled') as is_resolved
  from analytics.events as e
  join app.organizations as o on o.id = e.organization_id
  join app.events as r on r.organization_id = e.organization_id and r.id = e.root_event_id
 where e.is_counted
   and not exists (
    -- A successor of the same lead that is neither deleted nor a duplicate counts; only others need a closer look.
    select from app.events as n
     where n.organization_id = e.organization_id and n.rescheduled_from_id is not null and n.rescheduled_from_id = e.id
       and (n.deleted_at is null and n.duplicate_of_id is null and n.lead_id = e.lead_id
            or exists (
                with recursive later (id) as (
                    select n.id
                    union
                    select m.id from later as a
                      join app.events as m on m.organization_id = e.organization_id and m.rescheduled_from_id = a.id
                )
                select from later as a
                  join app.events as m on m.organization_id = e.organization_id and m.id = a.id
                 where m.deleted_at is null and m.duplicate_of_id is null
                   and not exists (select from app.leads as k
                                    where k.organization_id = m.organization_id and k.id = m.lead_id and k.is_test))));
grant select on analytics.bookings to authenticated, org_admin, super_admin, reader, analyst;
comment on view analytics.bookings is $$One row per booking with a call that counts, however often it was moved: the last call of the reschedule chain that counts, at
the time of the first. Booked Calls is count(*) by booked_day; by closer it is the last call's, by setter the first's.$$;
comment on column analytics.bookings.organization_id is 'The tenant; join on it together with every id.';
comment on column analytics.bookings.id is 'The first call of the chain, whether or not that one still counts; root_event_id of events.';
comment on column analytics.bookings.event_id is 'The last call of the chain that counts; joins events.';
comment on column analytics.bookings.lead_id is 'Who was invited; joins leads.';
comment on column analytics.bookings.booked_at is 'When the first call was booked; UTC instant.';
comment on column analytics.bookings.booked_day is 'Local day on which the first call was booked; the day of Booked Calls.';
comment on column analytics.bookings.scheduled_at is 'Start of the last call; UTC instant.';
comment on column analytics.bookings.scheduled_day is 'Local day on which the last call starts.';
comment on column analytics.bookings.closer_id is 'Whose the last call is in metrics; joins closers.';
comment on column analytics.bookings.closer_name is 'Name of closer_id on the roster today, so that grouping by it does not split who was renamed; NULL without one.';
comment on column analytics.bookings.setter_id is 'Who booked the first call; joins setters.';
comment on column analytics.bookings.setter_name is 'Name of setter_id on the roster today, so that grouping by it does not split who was renamed; NULL without one.';
comment on column analytics.bookings.source_name is 'Name of the source today; NULL: unknown.';
comment on column analytics.bookings.traffic_type_name is 'Name of the kind of traffic today; NULL: unknown.';
comment on column analytics.bookings.call_type_name is 'Name of the last call''s type today; NULL: none.';
comment on column analytics.bookings.call_status is 'Status of the last call: scheduled, completed, no_show or canceled; rescheduled where its successor counts nowhere.';
comment on column analytics.bookings.event_outcome is 'Outcome of the last call; NULL until a form says.';
comment on column analytics.bookings.counts_in_rates is 'True: counts in the booked-cohort show rate as well.';
comment on column analytics.bookings.is_resolved is 'True: the last call was held, missed or canceled; the cohort''s denominator.';

drop view if exists analytics.post_call_forms;
create view analytics.post_call_forms with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.event_id,
    t.closer_id,
    c.name as closer_name,
    t.version,
    t.is_active,
    t.submitted_via,
    t.is_human,
    t.submitted_at,
    (t.submitted_at at time zone o.timezone)::date as submitted_day,
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
    k.name as package_name,
    t.contract_value,
    t.call_outcome_id,
    t.opportunity_status_id,
    t.form_config_id,
    t.notes,
    e.deleted_at is null and e.duplicate_of_id is null and l.is_test is distinct from true as is_counted,
    t.is_human and t.voided_at is null and not exists (
        select from app.post_call_forms as f
         where f.organization_id = t.organization_id and f.event_id = t.event_id and f.version < t.version
           and f.is_human and f.voided_at is null) as is_first_report,
    extract(epoch from t.submitted_at) - extract(epoch from e.scheduled_end_at) as delay_seconds,
    (e.scheduled_at at time zone o.timezone)::date as scheduled_day,
    t.created_at,
    t.updated_at
  from app.post_call_forms as t
  join app.organizations as o on o.id = t.organization_id
  left join app.events as e on e.organization_id = t.organization_id and e.id = t.event_id
  left join app.leads as l on l.organization_id = t.organization_id and l.id = e.lead_id
  left join app.closers as c on c.organization_id = t.organization_id and c.id = t.closer_id
  left join app.packages as k on k.organization_id = t.organization_id and k.id = t.package_id;
grant select on analytics.post_call_forms to authenticated, org_admin, super_admin, reader, analyst;
comment on view analytics.post_call_forms is $$One row per version of a post-call form: what a person, or the booking platform, says happened on a call.
The version with is_active rules the call. PCF Timeliness counts rows with is_first_report and is_counted.$$;
comment on column analytics.post_call_forms.organization_id is 'The tenant; join on it together with every id.';
comment on column analytics.post_call_forms.id is 'Identity of the row inside its organization; ordered by time of creation.';
comment on column analytics.post_call_forms.event_id is 'The call that it is about; joins events.';
comment on column analytics.post_call_forms.closer_id is 'Who took the call, by this form; joins closers.';
comment on column analytics.post_call_forms.closer_name is 'Name of closer_id on the roster today, so that grouping by it does not split who was renamed; NULL without one.';
comment on column analytics.post_call_forms.version is 'Counts up from 1 with each form for the same call.';
comment on column analytics.post_call_forms.is_active is 'Whether this version rules the call; at most one per call.';
comment on column analytics.post_call_forms.submitted_via is 'How it came: app, portal, admin or import by a person; calendly or system by none.';
comment on column analytics.post_call_forms.is_human is 'True: a person said so; false: the booking platform or the product did.';
comment on column analytics.post_call_forms.submitted_at is 'When it was said; UTC instant.';
comment on column analytics.post_call_forms.submitted_day is 'Local day on which it was said.';
comment on column analytics.post_call_forms.submitted_by is 'The user who submitted it; NULL for one who has left, a personal link or no person.';
comment on column analytics.post_call_forms.voided_at is 'When it was taken back; UTC instant, NULL: it was not.';
comment on column analytics.post_call_forms.voided_reason is 'Why it was taken back, in a person''s words.';
comment on column analytics.post_call_forms.call_occurred is 'Did the call happen?';
comment on column analytics.post_call_forms.lead_showed is 'Did the lead show up?';
comment on column analytics.post_call_forms.offer_made is 'Was an offer presented?';
comment on column analytics.post_call_forms.deal_closed is 'Was the deal closed on this call?';
comment on column analytics.post_call_forms.non_occurrence_reason is 'Why it did not happen: lead_no_show, lead_canceled, reschedule_requested, closer_absent or technical.';
comment on column analytics.post_call_forms.disqualified is 'True: the lead turned out to be none for what is sold; left out of Qualified Show Rate.';
comment on column analytics.post_call_forms.cash_collected is 'Money that the form says was collected, in major units of currency: a claim, see payments.';
comment on column analytics.post_call_forms.currency is 'ISO 4217 code of cash_collected and contract_value.';
comment on column analytics.post_call_forms.payment_type is 'pif (paid in full), payment_plan, deposit or financed.';
comment on column analytics.post_call_forms.package_id is 'What was sold; joins packages.';
comment on column analytics.post_call_forms.package_name is 'Name of what was sold, today; NULL: not said.';
comment on column analytics.post_call_forms.contract_value is 'What was agreed in all, in major units of currency.';
comment on column analytics.post_call_forms.call_outcome_id is 'The entry chosen from the organization''s list; joins call_outcomes.';
comment on column analytics.post_call_forms.opportunity_status_id is 'The pipeline stage chosen; feeds no metric. Joins opportunity_statuses.';
comment on column analytics.post_call_forms.form_config_id is 'The version of the organization''s own questions that was answered.';
comment on column analytics.post_call_forms.notes is 'Free text of the closer.';
comment on column analytics.post_call_forms.is_counted is 'True: the call counts in metrics; false: it is deleted, a duplicate, or of an internal test lead.';
comment on column analytics.post_call_forms.is_first_report is 'True: the first time that a person said what happened; correcting the form later is none.';
comment on column analytics.post_call_forms.delay_seconds is 'Seconds from the end of the call to this form; negative when the call ended early.';
comment on column analytics.post_call_forms.scheduled_day is 'Local day on which the call started; the day of PCF Timeliness.';
comment on column analytics.post_call_forms.created_at is 'When the row was written here; UTC instant.';
comment on column analytics.post_call_forms.updated_at is 'When the row last changed; UTC instant.';

drop view if exists analytics.setter_activities;
create view analytics.setter_activities with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.setter_id,
    s.name as setter_name,
    t.activity_date,
    t.provider,
    t.dials,
    t.connects,
    t.talk_seconds,
    t.created_at,
    t.updated_at
  from app.setter_activities as t
  left join app.setters as s on s.organization_id = t.organization_id and s.id = t.setter_id;
grant select on analytics.setter_activities to authenticated, org_admin, super_admin, reader, analyst;
comment on view analytics.setter_activities is $$One row per setter, local day and telephone system: dials and talk time from the CRM.$$;
comment on column analytics.setter_activities.organization_id is 'The tenant; join on it together with every id.';
comment on column analytics.setter_activities.id is 'Identity of the row inside its organization; ordered by time of creation.';
comment on column analytics.setter_activities.setter_id is 'Who called; joins setters.';
comment on column analytics.setter_activities.setter_name is 'Name of setter_id on the roster today, so that grouping by it does not split who was renamed; NULL without one.';
comment on column analytics.setter_activities.activity_date is 'Local day of the organization on which the calls started.';
comment on column analytics.setter_activities.provider is 'The system that counted: close, ghl or hubspot.';
comment on column analytics.setter_activities.dials is 'Outbound calls started; a count.';
comment on column analytics.setter_activities.connects is 'Of them, those that were answered; a count.';
comment on column analytics.setter_activities.talk_seconds is 'Seconds of talk.';
comment on column analytics.setter_activities.created_at is 'When the row was written here; UTC instant.';
comment on column analytics.setter_activities.updated_at is 'When the row last changed; UTC instant.';

drop view if exists analytics.setter_calls;
create view analytics.setter_calls with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.setter_id,
    s.name as setter_name,
    t.lead_id,
    t.kind,
    t.direction,
    t.kind = 'call' and t.direction = 'outbound' as is_dial,
    t.kind = 'call' and t.direction = 'outbound'
        and (t.disposition is not distinct from 'answered' or t.disposition is null and t.talk_seconds >= 30) as is_connect,
    t.started_at,
    t.activity_date,
    t.talk_seconds,
    t.disposition,
    t.provider,
    t.provider_call_id,
    t.created_at,
    t.updated_at
  from app.setter_calls as t
  left join app.setters as s on s.organization_id = t.organization_id and s.id = t.setter_id;
grant select on analytics.setter_calls to authenticated, org_admin, super_admin, reader, analyst;
comment on view analytics.setter_calls is $$One row per telephone call or text message of a setter. setter_activities has their sums by day, also those of systems that tell no
single calls.$$;
comment on column analytics.setter_calls.organization_id is 'The tenant; join on it together with every id.';
comment on column analytics.setter_calls.id is 'Identity of the row inside its organization; ordered by time of creation.';
comment on column analytics.setter_calls.setter_id is 'Who called or wrote, or was called; joins setters.';
comment on column analytics.setter_calls.setter_name is 'Name of setter_id on the roster today, so that grouping by it does not split who was renamed; NULL without one.';
comment on column analytics.setter_calls.lead_id is 'Who was on the other side; NULL: nobody on file. Joins leads.';
comment on column analytics.setter_calls.kind is 'call or sms; only calls are dials, either is a contact.';
comment on column analytics.setter_calls.direction is 'outbound or inbound.';
comment on column analytics.setter_calls.is_dial is 'True: counts as a dial.';
comment on column analytics.setter_calls.is_connect is 'True: counts as a connect: a dial that was answered, or lasted 30 seconds where the system does not say.';
comment on column analytics.setter_calls.started_at is 'When it began; UTC instant.';
comment on column analytics.setter_calls.activity_date is 'Local day of the organization on which it began.';
comment on column analytics.setter_calls.talk_seconds is 'Seconds of talk.';
comment on column analytics.setter_calls.disposition is 'How it ended, in the telephone system''s word; NULL: it does not say.';
comment on column analytics.setter_calls.provider is 'The system that told of it: close, ghl or hubspot.';
comment on column analytics.setter_calls.provider_call_id is 'The call at that system; one row each.';
comment on column analytics.setter_calls.created_at is 'When the row was written here; UTC instant.';
comment on column analytics.setter_calls.updated_at is 'When the row last changed; UTC instant.';

drop view if exists analytics.capacity_snapshots;
create view analytics.capacity_snapshots with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.closer_id,
    c.name as closer_name,
    t.day,
    t.captured_at,
    t.free_slots,
    t.booked_slots,
    t.free_slots + t.booked_slots as available_slots,
    (t.captured_at at time zone o.timezone)::date <= t.day
        and not exists (
            select from app.capacity_snapshots as b
             where b.organization_id = t.organization_id and b.closer_id = t.closer_id and b.day = t.day
               and case when (t.captured_at at time zone o.timezone)::date < t.day
                        then b.captured_at > t.captured_at and (b.captured_at at time zone o.timezone)::date < t.day
                        else b.captured_at < t.captured_at end) as is_used,
    t.created_at,
    t.updated_at
  from app.capacity_snapshots as t
  join app.organizations as o on o.id = t.organization_id
  left join app.closers as c on c.organization_id = t.organization_id and c.id = t.closer_id;
grant select on analytics.capacity_snapshots to authenticated, org_admin, super_admin, reader, analyst;
comment on view analytics.capacity_snapshots is $$One row per capture of a closer's calendar for one local day. Utilization goes by the rows with is_used, at most one per
closer and day: the last capture before the day began, else the first on it.$$;
comment on column analytics.capacity_snapshots.organization_id is 'The tenant; join on it together with every id.';
comment on column analytics.capacity_snapshots.id is 'Identity of the row inside its organization; ordered by time of creation.';
comment on column analytics.capacity_snapshots.closer_id is 'Whose calendar; joins closers.';
comment on column analytics.capacity_snapshots.closer_name is 'Name of closer_id on the roster today, so that grouping by it does not split who was renamed; NULL without one.';
comment on column analytics.capacity_snapshots.day is 'Local day that the capture is about.';
comment on column analytics.capacity_snapshots.captured_at is 'When the calendar was read; UTC instant.';
comment on column analytics.capacity_snapshots.free_slots is 'Bookable slots that were free then; a count of organizations.slot_minutes.';
comment on column analytics.capacity_snapshots.booked_slots is 'Slots that were booked then; a count of organizations.slot_minutes.';
comment on column analytics.capacity_snapshots.available_slots is 'Slots that the closer could have taken: free and booked; the denominator of utilization.';
comment on column analytics.capacity_snapshots.is_used is 'True: the capture that utilization of this day counts with.';
comment on column analytics.capacity_snapshots.created_at is 'When the row was written here; UTC instant.';
comment on column analytics.capacity_snapshots.updated_at is 'When the row last changed; UTC instant.';
