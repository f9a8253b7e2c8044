-- Rollups are read through functions only.
alter table app.metric_changes enable row level security;
