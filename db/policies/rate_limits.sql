-- Window counters are read by functions only.
alter table app.rate_limits enable row level security;
