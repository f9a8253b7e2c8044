-- By what contributions have changed since they were counted, as a type: who asks for several numbers finds it out once, and hands it on.
-- depends: 0041_open_calls 0043_contributions

create type app.metric_difference as (
    day date, grains integer,
    closer_id uuid, setter_id uuid, source_id uuid, traffic_type_id uuid, call_type_id uuid, package_id uuid,
    measures bigint, times bigint, amount numeric
);
comment on type app.metric_difference is $$Contributions of one kind that came, or went, since they were counted: how many (times), and what theirs come to.$$;
