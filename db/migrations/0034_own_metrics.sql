-- An organization's own metrics: what they mean in a sentence, one version in use, names that programs can write.
-- depends: 0031_lean_payments

alter table app.metric_definitions
    add column sentence text,
    add constraint metric_definitions_name_is_a_word check (not is_active or name ~ '^[a-z][a-z0-9_]{0,59}$');
create unique index metric_definitions_active_key on app.metric_definitions (organization_id, name) where is_active;
comment on column app.metric_definitions.sentence is $$What the number says, as it is printed beside it.$$;
