select built_at, folded_at from app.metric_rollups where false;
select unit, unit_id, day from app.metric_changes where false;
select unit, unit_id, day, grains, measures, amount from app.metric_facts where false;
select dimension, span, starts_on, member_id, every_call, owed from app.metric_sums where false;
