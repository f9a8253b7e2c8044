-- What platforms told is read by functions only; what became of it is in the calls.
alter table app.platform_bookings enable row level security;
