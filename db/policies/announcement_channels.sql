-- Read by the functions that announce and by the worker's, nobody else.
alter table app.announcement_channels enable row level security;
