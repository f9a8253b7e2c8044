-- The row that core_metrics answers: its last column has the name of one of the function's arguments, which a list of columns cannot say.
-- depends: 0037_exports

create type app.core_metric as (
    metric text, unit text, value numeric, numerator numeric, denominator numeric, previous_value numeric, coverage numeric, as_of timestamptz
);
comment on type app.core_metric is $$One metric of a period, as rpc/core_metrics answers it.$$;
