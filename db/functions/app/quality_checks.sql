-- Deterministic checks, each with a name: what they find is written as exceptions, and closed when it heals.

-- app.data_quality_checks: the checks of the nightly run, in their order.
create or replace function app.data_quality_checks()
returns table (ordinal integer, check_name text, summary text)
language sql immutable parallel safe
begin atomic
    select c.ordinal, c.check_name, c.summary
      from (values
        (1, 'event_without_closer', 'Calls that nobody is going to take, or took.'),
        (2, 'open_outcome',         'Calls that are over, without a form, past the grace period.'),
        (3, 'unattributed_payment', 'Counted payments without a closer.'),
        (4, 'silent_connection',    'Connections that have been silent for longer than is usual for them.'),
        (5, 'connection_refusals',  'Connections whose deliveries have been turned away for a while.')
      ) as c (ordinal, check_name, summary);
end;
comment on function app.data_quality_checks() is 'The checks of the nightly run, in their order.';

-- app.data_quality_findings: the rows that one check finds wrong as of an instant.
create or replace function app.data_quality_findings(organization_id uuid, check_name text, as_of timestamptz)
returns table (
    dedupe_key text, severity text, entity text, row_ids uuid[], sentence text, remedy text,
    closer_id uuid, setter_id uuid)
language sql stable
begin atomic
    select e.id::text, 'warning', 'events', array[e.id],
           'A call has no closer.',
           'Assign a closer to the call, or accept the host as a closer.',
           null::uuid, e.setter_id
      from app.events as e
      left join app.leads as l on l.organization_id = e.organization_id and l.id = e.lead_id
     where data_quality_findings.check_name = 'event_without_closer'
       and e.organization_id = data_quality_findings.organization_id
       and e.closer_id is null and e.call_status in ('scheduled', 'completed', 'no_show')
       and e.deleted_at is null and e.duplicate_of_id is null and l.is_test is not true
    union all
    select e.id::text, 'warning', 'events', array[e.id],
           format('The call that ended at %s has no outcome.',
                  to_char(e.scheduled_end_at at time zone o.timezone, 'YYYY-MM-DD HH24:MI')),
           'Submit the post-call form.',
           e.closer_id, e.setter_id
      from app.organizations as o
      join app.events as e on e.organization_id = o.id
      left join app.leads as l on l.organization_id = e.organization_id and l.id = e.lead_id
     where data_quality_findings.check_name = 'open_outcome'
       and o.id = data_quality_findings.organization_id
       and e.call_status = 'scheduled' and e.scheduled_end_at + o.pcf_grace <= data_quality_findings.as_of
       and e.deleted_at is null and e.duplicate_of_id is null and l.is_test is not true
    union all
    select p.id::text, 'critical', 'payments', array[p.id],
           format('A payment of %s %s on %s has no closer.', p.amount, p.currency,
                  (p.payment_date at time zone o.timezone)::date),
           'Attribute the payment to a call or a deal, or set its credits.',
           null::uuid, null::uuid
      from app.organizations as o
      join app.payments as p on p.organization_id = o.id
      left join app.leads as l on l.organization_id = p.organization_id and l.id = p.lead_id
     where data_quality_findings.check_name = 'unattributed_payment'
       and o.id = data_quality_findings.organization_id
       and p.status = 'succeeded' and p.livemode and p.deleted_at is null and p.superseded_by_id is null
       and p.claim_state is distinct from 'rejected' and l.is_test is not true
       and p.payment_date <= data_quality_findings.as_of
       and not exists (
            select from app.payment_credits as c
             where c.organization_id = p.organization_id and c.payment_id = p.id and c.role = 'closer')
    union all
    select c.id::text, 'warning', 'webhook_connections', array[c.id],
           format('The connection %s has been silent since %s; %s hours would be usual.', c.name,
                  to_char(h.last_event_at at time zone o.timezone, 'YYYY-MM-DD HH24:MI'), round(h.silent_after_seconds / 3600, 1)),
           'See at the provider whether the webhook is still registered and enabled; then send a test event.',
           null::uuid, null::uuid
      from app.organizations as o
      join app.webhook_connections as c on c.organization_id = o.id
      join app.connection_health(c.organization_id, c.id, data_quality_findings.as_of) as h on true
     where data_quality_findings.check_name = 'silent_connection'
       and o.id = data_quality_findings.organization_id and c.is_active and c.deleted_at is null and h.is_silent
    union all
    select c.id::text, 'critical', 'webhook_connections', array[c.id],
           format('Deliveries of the connection %s have been turned away since %s.', c.name,
                  to_char(c.refused_since at time zone o.timezone, 'YYYY-MM-DD HH24:MI')),
           'Raise its rate limit, or see why deliveries cannot be taken in, before the provider gives up; then replay at the provider.',
           null::uuid, null::uuid
      from app.organizations as o
      join app.webhook_connections as c on c.organization_id = o.id
     where data_quality_findings.check_name = 'connection_refusals'
       and o.id = data_quality_findings.organization_id and c.is_active and c.deleted_at is null
       and c.last_refused_at > data_quality_findings.as_of - app.end_of_refusals()
       and c.refused_since <= data_quality_findings.as_of - app.alarm_of_refusals();
end;
comment on function app.data_quality_findings(uuid, text, timestamptz) is
    'The rows that one check finds wrong as of an instant.';

-- app.run_data_quality_check: bring the exceptions of one check up to date, in sets.
create or replace function app.run_data_quality_check(organization_id uuid, check_name text, as_of timestamptz)
returns table (opened bigint, healed bigint, open_now bigint)
language sql volatile
begin atomic
    with found as materialized (
        select f.dedupe_key, f.severity, f.entity, f.row_ids, f.sentence, f.remedy, f.closer_id, f.setter_id
          from app.data_quality_findings(
                run_data_quality_check.organization_id, run_data_quality_check.check_name,
                run_data_quality_check.as_of) as f
    ), written as (
        insert into app.exceptions as e (
            organization_id, check_name, dedupe_key, severity, entity, row_ids, sentence, remedy, closer_id, setter_id,
            first_seen_at, last_seen_at)
        select run_data_quality_check.organization_id, run_data_quality_check.check_name, f.dedupe_key, f.severity,
               f.entity, f.row_ids, f.sentence, f.remedy, f.closer_id, f.setter_id,
               run_data_quality_check.as_of, run_data_quality_check.as_of
          from found as f
        on conflict on constraint exceptions_dedupe_key_key do update
           set severity = excluded.severity, row_ids = excluded.row_ids, sentence = excluded.sentence,
               remedy = excluded.remedy, closer_id = excluded.closer_id, setter_id = excluded.setter_id,
               last_seen_at = excluded.last_seen_at,
               state = case e.state when 'dismissed' then e.state else 'open' end, resolved_at = null,
               updated_at = excluded.last_seen_at
        returning old.state as state_before, new.state as state_now
    ), resolved as (
        update app.exceptions as e
           set state = 'resolved', resolved_at = run_data_quality_check.as_of, updated_at = run_data_quality_check.as_of
         where e.organization_id = run_data_quality_check.organization_id
           and e.check_name = run_data_quality_check.check_name and e.state = 'open'
           and not exists (select from found as f where f.dedupe_key = e.dedupe_key)
        returning e.id
    )
    select (select count(*) from written as w where w.state_now = 'open' and w.state_before is distinct from 'open'),
           (select count(*) from resolved as r),
           (select count(*) from written as w where w.state_now = 'open');
end;
comment on function app.run_data_quality_check(uuid, text, timestamptz) is
    'Bring the exceptions of one check up to date: new ones opened, healed ones resolved.';
