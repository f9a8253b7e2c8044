-- Delivery counts are read by functions only.
alter table app.connection_stats enable row level security;
