-- Forms are taken back, CRM messages wait for their senders, and fields of organizations have bounds that fit their type.
-- depends: 0021_lean_audit

alter table app.event_transitions drop constraint event_transitions_action_is_known;
alter table app.event_transitions add constraint event_transitions_action_is_known check (action in ('invitee_cancels', 'host_cancels', 'reschedule', 'form', 'vendor_no_show', 'vendor_no_show_withdrawn', 'void_form'));
insert into app.event_transitions (from_status, action, to_status, guard)
select f.status, 'void_form', t.status, t.guard
  from unnest(array['completed', 'no_show', 'canceled']) as f (status)
 cross join (values
        ('completed', 'the version before says so'),
        ('no_show', 'the version before says so'),
        ('canceled', 'the version before says so, or it was canceled before any form'),
        ('scheduled', 'no version is left')) as t (status, guard);

-- A sender looks for its own kinds: what nothing carries yet is not in its way.
drop index app.outbox_queue_idx;
create index outbox_queue_idx on app.outbox (kind, next_attempt_at, id) where state = 'pending';

alter table app.custom_field_definitions add constraint custom_field_definitions_range_fits_type
    check (field_type in ('text', 'number', 'money', 'multi_select') or num_nonnulls(min_value, max_value) = 0);
alter table app.custom_field_definitions add constraint custom_field_definitions_length_is_whole
    check (field_type not in ('text', 'multi_select')
           or (coalesce(min_value, 0) between 0 and 10000 and coalesce(max_value, 0) between 0 and 10000
               and scale(trim_scale(coalesce(min_value, 0))) <= 0 and scale(trim_scale(coalesce(max_value, 0))) <= 0));
alter table app.custom_field_definitions add constraint custom_field_definitions_label_is_not_blank check (btrim(label) <> '');
alter table app.custom_field_options add constraint custom_field_options_value_is_a_choice check (btrim(value) <> '' and length(value) <= 200);
