select sentence from app.metric_definitions where false;
select 1 / (to_regclass('app.metric_definitions_active_key') is not null)::integer;
