-- How many deliveries a connection may make: a weighted sliding window of two fixed minutes.
-- Used of the limit at an instant = what came in this minute + what came in the last one, weighted by how much of the
-- last 60 seconds lies in it. A missing row is an empty window; the table is unlogged and empty after a crash.

-- ingest.wait_for_limit: seconds until one more delivery fits; 0 when it fits now.
create or replace function ingest.wait_for_limit(per_minute integer, previous_hits integer, hits integer, as_of timestamptz)
returns numeric
language sql immutable parallel safe
begin atomic
    with clock as (
        select extract(epoch from as_of - date_trunc('minute', as_of, 'UTC')) as elapsed
    )
    select case
        when previous_hits * (60 - c.elapsed) / 60 + hits + 1 <= per_minute then 0
        -- Later in this minute, when enough of the last one has slid out.
        when hits + 1 <= per_minute then greatest(60 - 60.0 * (per_minute - 1 - hits) / previous_hits - c.elapsed, 0.001)
        -- In the next minute, when enough of this one has slid out.
        else 60 - c.elapsed + greatest(60 - 60.0 * (per_minute - 1) / hits, 0)
    end
      from clock as c;
end;
comment on function ingest.wait_for_limit(integer, integer, integer, timestamptz) is
    'Seconds until one more delivery fits under the limit; 0 when it fits now.';

-- ingest.refuse_over_limit: raises PT429 when seconds is positive, with the whole seconds to wait as DETAIL.
create or replace function ingest.refuse_over_limit(seconds numeric) returns void
language plpgsql immutable set search_path = '' as $$
begin
    if seconds > 0 then
        raise exception using errcode = 'PT429', message = 'Too many deliveries on this connection.',
            detail = ceil(seconds)::integer::text, hint = 'Try again after as many seconds as DETAIL says.';
    end if;
end;
$$;
comment on function ingest.refuse_over_limit(numeric) is 'Raises PT429 when there is something to wait for.';

-- ingest.peek_limit: refuse early, without a lock, what is over the limit already.
create or replace function ingest.peek_limit(organization_id uuid, connection_id uuid, per_minute integer, as_of timestamptz)
returns void
language sql volatile set search_path = '' as $$
    select ingest.refuse_over_limit(ingest.wait_for_limit(
            peek_limit.per_minute,
            coalesce(max(l.hits) filter (where l.window_start < date_trunc('minute', peek_limit.as_of, 'UTC')), 0),
            coalesce(max(l.hits) filter (where l.window_start = date_trunc('minute', peek_limit.as_of, 'UTC')), 0),
            peek_limit.as_of))
      from app.rate_limits as l
     where l.organization_id = peek_limit.organization_id and l.connection_id = peek_limit.connection_id
       and l.window_start between date_trunc('minute', peek_limit.as_of, 'UTC') - interval '1 minute'
                              and date_trunc('minute', peek_limit.as_of, 'UTC');
$$;
comment on function ingest.peek_limit(uuid, uuid, integer, timestamptz) is 'Refuses, without a lock, what is over the limit already.';

-- ingest.take_limit: count one delivery; over the limit it raises, and the delivery's whole transaction is undone.
-- The last thing a delivery does: the row is shared by all senders of the connection, and locked from here to the commit.
create or replace function ingest.take_limit(organization_id uuid, connection_id uuid, per_minute integer, as_of timestamptz)
returns void
language plpgsql volatile set search_path = '' as $$
declare
    v_window   constant timestamptz := date_trunc('minute', as_of, 'UTC');
    v_hits     integer;
    v_previous integer;
begin
    insert into app.rate_limits as l (organization_id, connection_id, window_start, hits)
    values (take_limit.organization_id, take_limit.connection_id, v_window, 1)
    on conflict on constraint rate_limits_window_start_key do update set hits = l.hits + 1
    returning l.hits into v_hits;
    select l.hits into v_previous from app.rate_limits as l
     where l.organization_id = take_limit.organization_id and l.connection_id = take_limit.connection_id
       and l.window_start = v_window - interval '1 minute';
    perform ingest.refuse_over_limit(ingest.wait_for_limit(per_minute, coalesce(v_previous, 0), v_hits - 1, as_of));
end;
$$;
comment on function ingest.take_limit(uuid, uuid, integer, timestamptz) is 'Counts one delivery, or raises PT429.';
