-- Carriers are read by functions only: what they say shows in the payments that they complete.
alter table app.payment_carriers enable row level security;
