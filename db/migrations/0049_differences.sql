-- By what contributions have changed since they were counted, as a type: who asks for several numbers finds it out once, and hands it on.
-- depends: 0041_open_calls 0043_contributions

create type app.metric_difference as (
    day date, grains integer,
    closer_id uuid, setter_id uuid, source_id uuid, traffic_type_id uuid, call_type_id uuid, package_id uuid,
    measures bigint, times bigint, amount numeric
);
comment on type app.metric_difference is $$Contributions of one kind that came, or went, since they were counted: how many (times), and what theirs come to.$$;

-- These take one more argument from now on; as they were they would stand beside themselves. What rests on them is made again.
drop function if exists app.totals_of_changes(uuid, date[], date, integer, uuid[], uuid[], uuid, uuid, uuid, text) cascade;
drop function if exists app.totals_of_periods(uuid, date[], date, integer, uuid[], uuid[], uuid, uuid, uuid, text, text[]) cascade;
drop function if exists app.period_totals(
    uuid, timestamptz[], timestamptz, text, uuid[], uuid[], uuid, uuid, uuid, text, text[], app.open_count[]) cascade;
drop function if exists app.metric_values(
    uuid, timestamptz[], timestamptz, text, uuid[], uuid[], uuid, uuid, uuid, text, text[], app.open_count[]) cascade;
drop function if exists app.standing_values(uuid, timestamptz, uuid[], uuid[], uuid, uuid, uuid, text, app.open_count[]) cascade;
drop function if exists app.core_metrics(uuid, date, date, timestamptz, text, text, uuid[], uuid[], uuid, uuid, uuid) cascade;
drop function if exists app.person_standings(uuid, text, date, date, timestamptz, uuid, uuid, uuid) cascade;
drop function if exists app.leaderboard(uuid, text, date, date, timestamptz, text, uuid[], text, boolean, uuid, uuid, uuid) cascade;
drop function if exists app.home_numbers(uuid, date, date, timestamptz, text[], text, text, uuid, uuid) cascade;
drop function if exists app.home_leaderboard(uuid, text, date, date, timestamptz, integer, uuid, text, boolean) cascade;
