alter table app.custom_field_options drop constraint custom_field_options_value_is_a_choice;
alter table app.custom_field_definitions drop constraint custom_field_definitions_label_is_not_blank;
alter table app.custom_field_definitions drop constraint custom_field_definitions_length_is_whole;
alter table app.custom_field_definitions drop constraint custom_field_definitions_range_fits_type;
drop index app.outbox_queue_idx;
create index outbox_queue_idx on app.outbox (next_attempt_at, id) where state = 'pending';
delete from app.event_transitions where action = 'void_form';
alter table app.event_transitions drop constraint event_transitions_action_is_known;
alter table app.event_transitions add constraint event_transitions_action_is_known check (action in ('invitee_cancels', 'host_cancels', 'reschedule', 'form', 'vendor_no_show', 'vendor_no_show_withdrawn'));
