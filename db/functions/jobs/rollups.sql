-- Rollups, as the worker keeps them: built where they are not, folded where something changed.
-- All are definers: the worker has no rights on tables.

-- jobs.fold_rollup: count changes of one organization anew, up to batch of them, or build its rollup; answers how many changes that
-- were, NULL when there is nothing to do. Whose changes wait longest comes first; whom somebody else folds is passed over. When no change
-- waits, rollups of an earlier layout are built anew: they are right meanwhile.
-- One organization's trouble holds up no other: it is logged, and tried again the next time.
create or replace function jobs.fold_rollup(batch integer default 2000) returns integer
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_next   record;
    v_folded integer;
begin
    for v_next in
        select r.organization_id, c.id is not null and app.has_rollup(r.organization_id) as is_folded
          from app.metric_rollups as r
          left join lateral (
            select c.id from app.metric_changes as c where c.organization_id = r.organization_id order by c.id limit 1
          ) as c on true
         where c.id is not null or r.built_at is null or r.layout <> app.rollup_layout()
         order by c.id nulls last, r.built_at nulls first
    loop
        begin
            if v_next.is_folded then
                v_folded := app.fold_metrics(v_next.organization_id, batch);
            elsif app.build_rollup(v_next.organization_id) then
                v_folded := batch;
            end if;
        exception when others then
            raise warning 'rollup of organization % failed: % (%)', v_next.organization_id, sqlerrm, sqlstate;
        end;
        if v_folded is not null then
            return v_folded;
        end if;
    end loop;
    return null;
end;
$$;
comment on function jobs.fold_rollup(integer) is 'Count changes of one organization anew, or build its rollup.';
grant execute on function jobs.fold_rollup(integer) to worker;

-- jobs.rollup_lag: how far folding is behind.
create or replace function jobs.rollup_lag(out not_built bigint, out changes bigint, out lag_seconds double precision)
language sql stable security definer set search_path = '' as $$
    select (select count(*) from app.metric_rollups as r where r.built_at is null), count(c.id),
           coalesce(extract(epoch from clock_timestamp() - uuid_extract_timestamp((array_agg(c.id order by c.id))[1])), 0)
      from app.metric_changes as c;
$$;
comment on function jobs.rollup_lag() is 'How far folding is behind.';
grant execute on function jobs.rollup_lag() to worker;
