-- Rollups are read through functions only.
alter table app.metric_sums enable row level security;
