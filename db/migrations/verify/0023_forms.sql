select 1 / (count(*) = 12)::integer from app.event_transitions where action = 'void_form';
select 1 / (count(*) = 4)::integer from pg_catalog.pg_constraint
 where conname in ('custom_field_definitions_range_fits_type', 'custom_field_definitions_length_is_whole',
                   'custom_field_definitions_label_is_not_blank', 'custom_field_options_value_is_a_choice');
select 1 / (pg_get_indexdef('app.outbox_queue_idx'::regclass) ~ '\(kind, ')::integer;
