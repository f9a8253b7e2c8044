-- Rollups are read through functions only.
alter table app.metric_facts enable row level security;
