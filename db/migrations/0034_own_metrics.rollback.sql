drop index app.metric_definitions_active_key;
drop view if exists api.metric_definitions, analytics.metric_definitions cascade;
alter table app.metric_definitions
    drop constraint metric_definitions_name_is_a_word,
    drop column sentence;
