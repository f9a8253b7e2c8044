-- The rows behind a number: the same facts and measures as the numbers, listed instead of added up.
-- Internal: nobody but the owner may call these; who does, answers for the filter of tenant and person.

-- app.measured_rows: the rows of one measure of one kind of facts (app.metric_parts), from since to before until.
-- amount: what a row holds, in the organization's currency, seconds or slots; whether it adds up is the metric's matter.
create or replace function app.measured_rows(
    organization_id uuid, facts text, measure text, since timestamptz, until timestamptz, timezone text, as_of timestamptz,
    pcf_grace interval, cash_role text default null, closers uuid[] default null, setters uuid[] default null,
    source uuid default null, traffic_type uuid default null, call_type uuid default null
) returns table (entity text, id uuid, at timestamptz, amount numeric)
language plpgsql stable set search_path = '' set plan_cache_mode = force_custom_plan as $$
#variable_conflict use_variable
begin
    if facts in ('calls', 'kept_closes', 'qualified_shows') then
        return query
        select 'events', f.event_id, f.scheduled_at, null::numeric
          from app.call_facts(organization_id, closers, setters, source, traffic_type, call_type) as f
         where f.scheduled_at >= since and f.scheduled_at < until
           and app.is_call_of(measure, f.call_status, f.event_outcome, f.canceled_by, f.in_rates, f.scheduled_end_at <= as_of)
           and (facts <> 'kept_closes' or not (
                    select m.is_refunded from app.refunded_call(organization_id, f.event_id) as m))
           and (facts <> 'qualified_shows' or not exists (
                    select from app.post_call_forms as q
                     where q.organization_id = measured_rows.organization_id and q.event_id = f.event_id
                       and q.is_active and q.disqualified));
    elsif facts = 'standing_calls' then
        return query
        select 'events', f.event_id, f.scheduled_at, null::numeric
          from app.call_facts(organization_id, closers, setters, source, traffic_type, call_type) as f
         where f.call_status = 'scheduled' and f.scheduled_end_at <= as_of
           and (measure = 'pending' or f.scheduled_end_at + pcf_grace <= as_of);
    elsif facts = 'forms' then
        return query
        select 'events', f.event_id, f.scheduled_at, f.delay_seconds
          from app.form_facts(organization_id, closers, setters, source, traffic_type, call_type) as f
         where f.scheduled_at >= since and f.scheduled_at < until
           and (measure = 'reports' or f.delay_seconds <= 86400);
    elsif facts = 'chains' then
        return query
        select 'events', f.event_id, f.booked_at, null::numeric
          from app.chain_facts(organization_id, closers, setters, source, traffic_type, call_type) as f
         where f.booked_at >= since and f.booked_at < until
           and case measure
                   when 'booked' then true
                   when 'shows' then f.in_rates and f.call_status = 'completed'
                   when 'resolved' then f.in_rates and f.call_status in ('completed', 'no_show', 'canceled')
               end;
    elsif facts = 'first_shows' then
        return query
        select 'leads', f.lead_id, f.scheduled_at, null::numeric
          from app.first_show_facts(organization_id, closers, setters, source, traffic_type, call_type) as f
         where f.scheduled_at >= since and f.scheduled_at < until and (measure = 'leads' or f.has_closed);
    elsif facts = 'cash' then
        return query
        select case when f.refund_id is null then 'payments' else 'payment_refunds' end, coalesce(f.refund_id, f.payment_id),
               f.moved_at, case when measure in ('refunds', 'chargebacks') then -f.amount else f.amount end
          from app.credited_cash_facts(organization_id, cash_role, closers, setters, source, traffic_type, call_type) as f
         where f.moved_at >= since and f.moved_at < until
           and app.is_cash_of(measure, f.kind, f.deal_type, f.has_closer, f.is_from_processor);
    elsif facts = 'revenue' then
        return query
        select case when f.refund_id is null then 'payments' else 'payment_refunds' end, coalesce(f.refund_id, f.payment_id),
               f.paid_at, f.amount
          from app.credited_cash_facts(organization_id, cash_role, closers, setters, source, traffic_type, call_type) as f
         where f.paid_at >= since and f.paid_at < until;
    elsif facts = 'deals' then
        return query
        select 'deals', f.deal_id, f.closed_at, case measure when 'contracted' then f.contract_value end
          from app.deal_facts(organization_id, closers, setters, source, traffic_type, call_type) as f
         where f.closed_at >= since and f.closed_at < until
           and case measure when 'won' then f.status = 'won' else f.contract_value is not null end;
    elsif facts = 'deal_cash' then
        return query
        select case when g.refund_id is null then 'payments' else 'payment_refunds' end, coalesce(g.refund_id, g.payment_id),
               g.moved_at, g.amount
          from app.deal_facts(organization_id, closers, setters, source, traffic_type, call_type) as f
          join app.cash_facts(organization_id) as g on g.deal_id = f.deal_id
         where f.closed_at >= since and f.closed_at < until;
    elsif facts = 'owed' then
        return query
        select 'deals', f.deal_id, d.closed_at, v.amount
          from app.owed_facts(organization_id, (as_of at time zone timezone)::date, closers, setters,
                              source, traffic_type, call_type) as f
          join app.deals as d on d.organization_id = measured_rows.organization_id and d.id = f.deal_id
         cross join lateral (select case measure when 'overdue' then f.overdue else f.outstanding end as amount) as v
         where v.amount > 0;
    elsif facts = 'set_chains' then
        return query
        select 'events', f.event_id, f.booked_at, null::numeric
          from app.chain_facts(organization_id, closers, setters, source, traffic_type, call_type) as f
         where f.setter_id is not null and f.booked_at >= since and f.booked_at < until
           and (measure = 'sets' or app.are_one_person(organization_id, f.closer_id, f.setter_id));
    elsif facts = 'set_calls' then
        return query
        select 'events', f.event_id, f.scheduled_at, null::numeric
          from app.call_facts(organization_id, closers, setters, source, traffic_type, call_type) as f
         where f.setter_id is not null and f.scheduled_at >= since and f.scheduled_at < until
           and app.is_call_of(measure, f.call_status, f.event_outcome, f.canceled_by, f.in_rates, f.scheduled_end_at <= as_of);
    elsif facts = 'set_cash' then
        return query
        select 'payments', f.payment_id, f.moved_at, f.amount
          from app.credited_cash_facts(organization_id, 'setter', closers, setters, source, traffic_type, call_type) as f
         where f.moved_at >= since and f.moved_at < until
           and app.is_cash_of(measure, f.kind, f.deal_type, f.has_closer, f.is_from_processor);
    elsif facts = 'activities' and closers is null and source is null and traffic_type is null and call_type is null then
        return query
        select 'setter_activities', f.activity_id, app.day_start(f.day, timezone),
               case measure when 'dials' then f.dials when 'connects' then f.connects else f.talk_seconds end::numeric
          from app.activity_facts(organization_id, setters) as f
         where f.day >= (since at time zone timezone)::date and f.day < (until at time zone timezone)::date;
    elsif facts = 'contacts' and closers is null and call_type is null then
        return query
        select 'leads', f.lead_id, f.created_at, f.delay_seconds
          from app.contact_facts(organization_id, setters, source, traffic_type) as f
         where f.created_at >= since and f.created_at < until
           and case measure when 'leads' then true when 'contacted' then f.delay_seconds is not null
                            when 'prompt' then f.delay_seconds <= 300 when 'never' then f.delay_seconds is null end;
    elsif facts = 'capacity' and setters is null and source is null and traffic_type is null and call_type is null then
        return query
        select 'closers', f.closer_id, app.day_start(f.day, timezone),
               case measure when 'booked' then f.booked_slots when 'held' then f.held_slots
                            else f.available_slots end::numeric
          from app.capacity_facts(organization_id, (since at time zone timezone)::date,
                                  (until at time zone timezone)::date - 1, closers) as f;
    end if;
end;
$$;
comment on function app.measured_rows(
    uuid, text, text, timestamptz, timestamptz, text, timestamptz, interval, text, uuid[], uuid[], uuid, uuid, uuid) is
    'The rows of one measure of one kind of facts.';

-- app.require_period: PT422 unless these are two dates in order, and an instant, near enough to mean something.
create or replace function app.require_period(start_date date, end_date date, as_of timestamptz) returns void
language plpgsql immutable set search_path = '' as $$
begin
    if start_date is null or end_date is null
       or as_of < timestamptz '1970-01-01 00:00Z' or as_of >= timestamptz '2200-01-01 00:00Z'
       or start_date not between date '1970-01-01' and date '2199-12-31'
       or end_date not between date '1970-01-01' and date '2199-12-31' then
        raise exception using errcode = 'PT422', message = 'These dates make no sense.',
            detail = format('start_date is %s, end_date is %s, as_of is %s.', start_date, end_date, as_of),
            hint = 'Give dates between 1970-01-01 and 2199-12-31.';
    elsif start_date > end_date then
        raise exception using errcode = 'PT422', message = 'This period ends before it starts.',
            detail = format('start_date is %s, end_date is %s.', start_date, end_date),
            hint = 'Both dates are inclusive; one day has the same date twice.';
    end if;
end;
$$;
comment on function app.require_period(date, date, timestamptz) is 'PT422 unless these dates are a period.';
