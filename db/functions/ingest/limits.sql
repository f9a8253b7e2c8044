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

-- ingest.take_from_limit: count one delivery; answers how many seconds too early it is, 0 when it fits.
-- The row is shared by all senders of the connection and stays locked until the commit, so this comes last: look without
-- counting first. previous_hits: of the minute before.
drop function if exists ingest.take_from_limit(uuid, uuid, integer, integer, timestamptz);
create function ingest.take_from_limit(
    organization_id uuid, connection_id uuid, per_minute integer, previous_hits integer, as_of timestamptz
) returns numeric
language plpgsql volatile set search_path = '' as $$
declare
    v_window constant timestamptz := date_trunc('minute', as_of, 'UTC');
    v_hits   integer;
begin
    insert into app.rate_limits as l (organization_id, connection_id, window_start, hits)
    values (take_from_limit.organization_id, take_from_limit.connection_id, v_window, 1)
    on conflict on constraint rate_limits_window_start_key do update set hits = l.hits + 1
    returning l.hits - 1 into v_hits;
    return ingest.wait_for_limit(per_minute, previous_hits, v_hits, extract(epoch from as_of - v_window));
end;
$$;
comment on function ingest.take_from_limit(uuid, uuid, integer, integer, timestamptz) is
    'Counts a delivery; answers how many seconds too early it is.';
