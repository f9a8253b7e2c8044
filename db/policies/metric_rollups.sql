-- Rollups are read through functions only.
alter table app.metric_rollups enable row level security;
