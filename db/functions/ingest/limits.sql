-- How many deliveries a connection may make: a weighted sliding window of two fixed minutes.
-- Used of the limit at an instant = what came in this minute + what came in the last one, weighted by how much of the
-- last 60 seconds lies in it. A missing row is an empty window; the table is unlogged and empty after a crash.

-- ingest.wait_for_limit: seconds until one more delivery fits; 0 when it fits now. elapsed: seconds of this minute so far.
-- Later in this minute, when enough of the last one has slid out; else in the next one, when enough of this one has.
create or replace function ingest.wait_for_limit(per_minute integer, previous_hits integer, hits integer, elapsed numeric)
returns numeric
language sql immutable parallel safe
return case
    when previous_hits * (60 - elapsed) / 60 + hits + 1 <= per_minute then 0
    when hits + 1 <= per_minute then greatest(60 - 60.0 * (per_minute - 1 - hits) / previous_hits - elapsed, 0.001)
    else 60 - elapsed + greatest(60 - 60.0 * (per_minute - 1) / hits, 0)
end;
comment on function ingest.wait_for_limit(integer, integer, integer, numeric) is
    'Seconds until one more delivery fits under the limit; 0 when it fits now.';

-- ingest.refuse_over_limit: raises PT429 with the whole seconds to wait as DETAIL.
create or replace function ingest.refuse_over_limit(seconds numeric) returns void
language plpgsql immutable set search_path = '' as $$
begin
    raise exception using errcode = 'PT429', message = 'Too many deliveries on this connection.',
        detail = ceil(seconds)::integer::text, hint = 'Try again after as many seconds as DETAIL says.';
end;
$$;
comment on function ingest.refuse_over_limit(numeric) is 'Raises PT429.';

-- ingest.take_from_limits: count deliveries of connections; answers how many seconds too early the last of them is, 0 when all fit.
-- A row is shared by all senders of its connection and stays locked until the commit, so this comes last: look without
-- counting first. One element for each delivery: its connection, the limit and what came in the minute before.
create or replace function ingest.take_from_limits(
    organization_ids uuid[], connection_ids uuid[], per_minute integer[], previous_hits integer[], as_of timestamptz
) returns numeric
language plpgsql volatile set search_path = '' as $$
declare
    v_window constant timestamptz := date_trunc('minute', as_of, 'UTC');
    v_wait   numeric;
begin
    with given as materialized (
        select g.organization_id, g.connection_id, min(g.per_minute) as per_minute, min(g.previous_hits) as previous_hits,
               count(*)::integer as hits
          from unnest(organization_ids, connection_ids, take_from_limits.per_minute, take_from_limits.previous_hits)
               as g (organization_id, connection_id, per_minute, previous_hits)
         group by g.organization_id, g.connection_id
    ), taken as (
        insert into app.rate_limits as l (organization_id, connection_id, window_start, hits)
        select g.organization_id, g.connection_id, v_window, g.hits
          from given as g
         order by g.organization_id, g.connection_id
        on conflict on constraint rate_limits_window_start_key do update set hits = l.hits + excluded.hits
        returning l.organization_id, l.connection_id, l.hits
    )
    select max(ingest.wait_for_limit(g.per_minute, g.previous_hits, t.hits - 1, extract(epoch from as_of - v_window)))
      into v_wait
      from taken as t
      join given as g on g.organization_id = t.organization_id and g.connection_id = t.connection_id;
    return v_wait;
end;
$$;
comment on function ingest.take_from_limits(uuid[], uuid[], integer[], integer[], timestamptz) is
    'Counts deliveries; answers how many seconds too early the last of them is.';
