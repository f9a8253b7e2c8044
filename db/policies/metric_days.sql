-- Daily sums are read through functions only.
alter table app.metric_days enable row level security;
