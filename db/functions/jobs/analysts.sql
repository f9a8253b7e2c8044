-- What analysts run for too long, ended from outside: a login can take back every limit that it set itself.

-- jobs.end_analyst_statements: cancel statements of analysts that run longer than the limit, and end sessions that do not let go:
-- one that goes on half a minute after it was cancelled, one that sits in a transaction for longer than the limit, one whose
-- transaction is older than four limits, one that holds an advisory lock, which nobody who only reads needs and a deploy waits
-- for, and whatever a revoked login still has. Answers what was ended, never what it ran; the audit trail of the organization says
-- the same. Of several workers that look at the same time, one ends what it finds.
-- Definer: the owner inherits every login of an analyst (app.create_analyst_login), and thereby may look at and signal its
--          sessions. It has no such right over any other login, so the condition is held by the server, too.
create or replace function jobs.end_analyst_statements(
    statement_limit interval, as_of timestamptz default clock_timestamp()
) returns table (login_name text, outcome text, reason text, lasted interval)
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_session record;
begin
    if statement_limit is null or statement_limit < interval '1 second' then
        raise exception using errcode = 'PT422', message = 'This limit is too short.';
    end if;
    for v_session in
        select l.organization_id, l.id, l.login_name, a.pid, r.reason, r.outcome, r.since
          from app.analyst_logins as l
          join pg_catalog.pg_stat_activity as a on a.usename = l.login_name
         cross join lateral (
                select w.reason, w.outcome, w.since
                  from (values
                    (1, l.revoked_at is not null and not exists (
                            select from app.analyst_logins as o where o.login_name = l.login_name and o.revoked_at is null),
                        'the login was revoked', 'ended', a.backend_start),
                    (2, exists (select from pg_catalog.pg_locks as k where k.pid = a.pid and k.locktype = 'advisory'),
                        'it held an advisory lock', 'ended', a.backend_start),
                    (3, a.xact_start < as_of - 4 * statement_limit,
                        'its transaction was too old', 'ended', a.xact_start),
                    (4, a.state like 'idle in transaction%' and a.state_change < as_of - statement_limit,
                        'it sat in a transaction', 'ended', a.state_change),
                    (5, a.state = 'active' and a.query_start < as_of - statement_limit - interval '30 seconds',
                        'its statement ran on', 'ended', a.query_start),
                    (6, a.state = 'active' and a.query_start < as_of - statement_limit,
                        'its statement ran too long', 'canceled', a.query_start)
                  ) as w (position, holds, reason, outcome, since)
                 where w.holds
                 order by w.position limit 1) as r
         where pg_catalog.pg_has_role(current_user, a.usesysid, 'usage')
           for no key update of l skip locked
    loop
        continue when not case v_session.outcome when 'ended' then pg_catalog.pg_terminate_backend(v_session.pid)
                                                 else pg_catalog.pg_cancel_backend(v_session.pid) end;
        login_name := v_session.login_name;
        outcome := v_session.outcome;
        reason := v_session.reason;
        lasted := as_of - v_session.since;
        insert into app.audit_logs (organization_id, table_name, row_id, action, actor_kind, actor_role, reason, new_data)
        values (v_session.organization_id, 'analyst_logins', v_session.id, 'READ', 'worker', session_user, reason,
                jsonb_build_object('login_name', login_name, 'outcome', outcome, 'lasted_seconds', extract(epoch from lasted)::integer));
        return next;
    end loop;
end;
$$;
comment on function jobs.end_analyst_statements(interval, timestamptz) is 'End what analysts run for longer than the limit.';
grant execute on function jobs.end_analyst_statements(interval, timestamptz) to worker;
