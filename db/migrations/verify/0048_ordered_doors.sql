select 1 / (to_regclass('app.events_newest_idx') is not null)::integer;
