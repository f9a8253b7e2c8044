-- Numbers: what a period was like, by the definitions in api.metric_catalog.

-- api.core_metrics: every core metric of a period of inclusive local dates, beside the period before it.
-- Callers:    members, and super admins, through GET or POST /rpc/core_metrics. Owners and admins get the organization's
--             numbers; everybody else those of their own rows, as app.metric_scope says: the same numbers an admin sees
--             who filters by that person. What a caller may not see is NULL in value, both parts and previous_value.
-- Guarantees: reads only. PT422 for dates that are missing, reversed or absurd; PT404 for an organization that is none of
--             the caller's; 42501 for a filter that names only other people. A filter without a match gives zeros.
-- Definer:    row policies cost several times what the counting does; tenant and person are filtered by hand instead.
--             Planned anew for each call, so that absent filters cost nothing and present ones use their index.
create or replace function api.core_metrics(
    start_date date, end_date date, organization_id uuid default null, closer_id uuid default null, setter_id uuid default null,
    source_id uuid default null, traffic_type_id uuid default null, call_type_id uuid default null,
    as_of timestamptz default now()
) returns setof app.core_metric
language plpgsql stable security definer
set search_path = '' as $$
#variable_conflict use_column
declare
    v_organization_id constant uuid := auth.require_member(core_metrics.organization_id);
    v_as_of           constant timestamptz := coalesce(core_metrics.as_of, now());
    v_scope           record;
begin
    perform app.require_period(core_metrics.start_date, core_metrics.end_date, v_as_of);
    select s.closers, s.setters, s.cash_role, s.seen_as into strict v_scope
      from app.metric_scope(v_organization_id, core_metrics.closer_id, core_metrics.setter_id) as s;
    return query
    select m.metric, m.unit, m.value, m.numerator, m.denominator, m.previous_value, m.coverage, v_as_of
      from app.core_metrics(
            v_organization_id, core_metrics.start_date, core_metrics.end_date, v_as_of,
            v_scope.seen_as, v_scope.cash_role, v_scope.closers, v_scope.setters,
            core_metrics.source_id, core_metrics.traffic_type_id, core_metrics.call_type_id) as m;
end;
$$;
grant execute on function api.core_metrics(date, date, uuid, uuid, uuid, uuid, uuid, uuid, timestamptz)
    to authenticated, org_admin, super_admin;
comment on function api.core_metrics(date, date, uuid, uuid, uuid, uuid, uuid, uuid, timestamptz) is $$Every core metric of a period
From start_date to end_date, both inclusive, in the organization's time zone. One row per metric of /metric_catalog:
value (a count, an amount in the organization's currency, or numerator / denominator, NULL over nothing), the same of
the period before, coverage: the share of the calls behind the number of which it is known how they ended, and as_of.
Owners and admins get the organization's numbers; everybody else those of their own calls and credits. What a caller may
not see is NULL.$$;

-- api.metric_rows: the rows behind one part of a number, newest first.
-- Callers:    members, and super admins, through GET or POST /rpc/metric_rows, with the arguments of core_metrics.
-- Guarantees: reads only. Exactly the rows that core_metrics counts for the same caller and filters: as many as its count, or
--             with amounts that add up to it; of an own metric, a row for each of its numbers in which it counts, with what it adds. PT422
--             for a metric or a part that there is none of or that is no sum of rows, and as core_metrics; 42501 for a number that
--             the caller may not see.
-- Definer:    as core_metrics: tenant and person are filtered by hand. A row is told by its table and id, day, amount and the
--             name of its lead; whatever else it holds stays with the policies of its table.
create or replace function api.metric_rows(
    metric text, start_date date, end_date date, part text default 'numerator', organization_id uuid default null,
    closer_id uuid default null, setter_id uuid default null, source_id uuid default null, traffic_type_id uuid default null,
    call_type_id uuid default null, as_of timestamptz default now(),
    out entity text, out id uuid, out day date, out amount numeric, out label text
) returns setof record
language plpgsql stable security definer set search_path = '' as $$
#variable_conflict use_column
declare
    v_organization_id constant uuid := auth.require_member(metric_rows.organization_id);
    v_as_of           constant timestamptz := coalesce(metric_rows.as_of, now());
    v_part            constant text := coalesce(metric_rows.part, 'numerator');
    v_scope           record;
    v_timezone        text;
    v_grace           interval;
    v_cash            boolean;
begin
    perform app.require_period(metric_rows.start_date, metric_rows.end_date, v_as_of);
    if not exists (select from app.metric_terms(v_organization_id, metric_rows.metric, v_part)) then
        perform app.refuse_part(v_organization_id, metric_rows.metric, v_part);
    end if;
    select s.closers, s.setters, s.cash_role, s.seen_as into strict v_scope
      from app.metric_scope(v_organization_id, metric_rows.closer_id, metric_rows.setter_id) as s;
    select o.timezone, o.pcf_grace, coalesce(p.show_cash, true) into strict v_timezone, v_grace, v_cash
      from app.organizations as o
      left join app.portal_settings as p on p.organization_id = o.id
     where o.id = v_organization_id;
    if app.hides_any_metric(v_organization_id, metric_rows.metric, v_scope.seen_as, v_cash) then
        raise exception using errcode = '42501', message = 'This number is not yours to see.',
            hint = 'Ask an admin of your organization.';
    end if;
    return query
    select r.entity, r.id, (r.at at time zone v_timezone)::date, r.amount,
           case r.entity
               when 'events' then (select coalesce(e.lead_name, e.lead_email) from app.events as e
                                    where e.organization_id = v_organization_id and e.id = r.id)
               when 'leads' then (select l.full_name from app.leads as l where l.organization_id = v_organization_id and l.id = r.id)
               when 'closers' then (select c.name from app.closers as c where c.organization_id = v_organization_id and c.id = r.id)
               when 'setter_activities' then (select s.name from app.setter_activities as a
                                                join app.setters as s on s.organization_id = a.organization_id and s.id = a.setter_id
                                               where a.organization_id = v_organization_id and a.id = r.id)
               when 'deals' then (select l.full_name from app.deals as d
                                    join app.leads as l on l.organization_id = d.organization_id and l.id = d.lead_id
                                   where d.organization_id = v_organization_id and d.id = r.id)
               when 'payments' then (select l.full_name from app.payments as p
                                       join app.leads as l on l.organization_id = p.organization_id and l.id = p.lead_id
                                      where p.organization_id = v_organization_id and p.id = r.id)
               else (select l.full_name from app.payment_refunds as f
                       join app.payments as p on p.organization_id = f.organization_id and p.id = f.payment_id
                       join app.leads as l on l.organization_id = p.organization_id and l.id = p.lead_id
                      where f.organization_id = v_organization_id and f.id = r.id)
           end
      from app.rows_behind(
            v_organization_id, metric_rows.metric, v_part,
            app.day_start(metric_rows.start_date, v_timezone), app.day_start(metric_rows.end_date + 1, v_timezone),
            v_timezone, v_as_of, v_grace, v_scope.cash_role, v_scope.closers, v_scope.setters,
            metric_rows.source_id, metric_rows.traffic_type_id, metric_rows.call_type_id) as r
     order by r.at desc, r.id desc;
end;
$$;
grant execute on function api.metric_rows(text, date, date, text, uuid, uuid, uuid, uuid, uuid, uuid, timestamptz)
    to authenticated, org_admin, super_admin;
comment on function api.metric_rows(text, date, date, text, uuid, uuid, uuid, uuid, uuid, uuid, timestamptz) is $$The rows behind one part of a number
metric as in /metric_catalog, or one of the organization's own; part is numerator or denominator. Exactly what core_metrics counts for
the same caller, period and filters: one row each, with the amount it adds (NULL where rows are counted). entity is the table, id the
row in it. An own metric has rows where it is a sum of the catalog's numbers, each times a number: a row for each of them in which it
counts, with what it adds.$$;
