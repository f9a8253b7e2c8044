-- The state model of calls; read by triggers only.
alter table app.event_transitions enable row level security;
