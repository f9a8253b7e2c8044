-- Daily sums are read through functions only.
alter table app.metric_deltas enable row level security;
