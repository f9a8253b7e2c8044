drop type app.open_count cascade;
drop index app.events_open_closer_idx;
