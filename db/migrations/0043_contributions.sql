-- What a unit of the base rows adds to the numbers, as a type: the functions that tell of units have one row in common.
-- depends: 0032_rollups

create type app.contribution as (
    unit text, unit_id uuid, day date, grains integer,
    closer_id uuid, setter_id uuid, source_id uuid, traffic_type_id uuid, call_type_id uuid, package_id uuid,
    measures bigint, amount numeric
);
comment on type app.contribution is $$What a unit of the base rows adds on a day, and for whom and what: the columns of app.metric_facts.$$;
