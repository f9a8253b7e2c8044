select 1 / (to_regclass('app.events_open_closer_idx') is not null)::integer;
select 1 / (to_regtype('app.open_count') is not null)::integer;
