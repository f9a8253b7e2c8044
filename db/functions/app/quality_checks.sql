-- Deterministic checks of the data. Each is a function of its own, app.find_<check_name>, of one shape: the rows that it finds
-- wrong as of an instant. What they find is written as exceptions, and closed when it has healed (data_quality.sql).
-- Sets over indexes, each of one organization; internal: nobody but the owner may call them.
-- A check whose exceptions processing writes too finds the same rows by the same key in the same words.

-- app.data_quality_checks: every check, in the order of a run. severity: the worst that it finds. summary: what it finds.
create or replace function app.data_quality_checks()
returns table (ordinal integer, check_name text, severity text, summary text, remedy text)
language sql immutable parallel safe
begin atomic
    select c.ordinal, c.check_name, c.severity, c.summary, c.remedy
      from (values
        ( 1, 'event_without_closer',      'warning',  'Calls that nobody is going to take, or took',
             'Assign a closer to the call, or accept the host as a closer.'),
        ( 2, 'open_outcome',              'warning',  'Calls that are over, without a form, past the grace period',
             'Submit the post-call form.'),
        ( 3, 'unattributed_payment',      'critical', 'Counted payments without a closer',
             'Attribute the payment to a call or a deal, or set its credits.'),
        ( 4, 'missing_rate',              'critical', 'Payments and deals that count nowhere for want of an exchange rate',
             'Enter the exchange rate of that day.'),
        ( 5, 'unmatched_claim',           'warning',  'Money of forms that no processor has told of in three days',
             'Confirm the claim if the money came another way, or reject it.'),
        ( 6, 'ambiguous_claim',           'warning',  'Money of forms that payments fit in more than one way',
             'Confirm the claim if it is other money, or reject it if a payment covers it.'),
        ( 7, 'refund_over_amount',        'critical', 'Payments of which more went back than came in',
             'Compare with the processor, and record what came back as a won dispute.'),
        ( 8, 'refund_without_payment',    'warning',  'Refunds and disputes whose payment nobody has told of in a day',
             'Import the payment, or replay it at the provider; dismiss this if it is from before these books begin.'),
        ( 9, 'deal_over_collected',       'warning',  'Deals that have collected more than was agreed',
             'Attribute the payment that is for something else to a deal of its own, or refund it.'),
        (10, 'deal_under_collected',      'warning',  'Deals of which money is overdue',
             'Collect it, record what was paid elsewhere, or void the deal.'),
        (11, 'unknown_host',              'warning',  'Bookings whose host is no closer',
             'Accept the host as a closer, add the address to one, or assign a closer to the call.'),
        (12, 'unknown_setter',            'warning',  'Bookings and chats that name a setter whom nobody knows',
             'Add the spelling to the aliases of a setter, then replay the delivery.'),
        (13, 'ambiguous_lead',            'warning',  'Bookings that fit more than one lead',
             'Merge the leads, or choose one of them for the call.'),
        (14, 'rescheduled_after_outcome', 'warning',  'Calls that were moved after their outcome was reported',
             'Check the post-call form; if the call did not take place, submit it again.'),
        (15, 'duplicate_person',          'warning',  'Leads, closers or setters who are known by the same words',
             'Merge the leads; on rosters take the word from one of them, or deactivate one.'),
        (16, 'member_without_entry',      'info',     'Members who are neither closer nor setter, so that they see nothing',
             'Link the member to a closer or setter, or remove the member.'),
        (17, 'failed_delivery',           'critical', 'Deliveries that could not be carried out',
             'Mend the cause, then replay the delivery.'),
        (18, 'unreadable_delivery',       'warning',  'Connections that sent what nobody can read',
             'Mend what the provider sends; the next delivery that is read closes this.'),
        (19, 'missing_appointment',       'warning',  'Appointments that a provider told of and does not know',
             'Check that the API key of the connection belongs to the account that delivers, then replay the delivery.'),
        (20, 'silent_connection',         'warning',  'Connections that have been silent for longer than is usual for them',
             'See at the provider whether the webhook is still registered and enabled; then send a test event.'),
        (21, 'connection_refusals',       'critical', 'Connections whose deliveries have been turned away for a while',
             'Raise the rate limit of the connection, or see why deliveries cannot be taken in; then replay at the provider.'),
        (22, 'dead_subscription',         'critical', 'Connections whose subscription at the provider has died, or was never made',
             'Register the webhook at the provider again, and send a test event.'),
        (23, 'failed_sync',               'critical', 'Jobs that failed and will not be tried again',
             'Read the error of the run, mend its cause, and retry the run.'),
        (24, 'undeliverable_message',     'warning',  'Messages that could not be delivered',
             'Read the error of the message, mend its cause, and retry the message.')
      ) as c (ordinal, check_name, severity, summary, remedy);
end;
comment on function app.data_quality_checks() is 'Every data-quality check, in the order of a run.';

-- app.kept_findings: what processing has listed under a check and nobody has mended, as findings of that check.
create or replace function app.kept_findings(organization_id uuid, check_name text)
returns table (dedupe_key text, row_id uuid, details jsonb, first_seen_at timestamptz, last_seen_at timestamptz, finding app.finding)
language sql stable
begin atomic
    select x.dedupe_key, x.row_ids[1], x.details, x.first_seen_at, x.last_seen_at,
           row(x.dedupe_key, x.severity, x.entity, x.row_ids, x.sentence, x.remedy, x.details, x.closer_id, x.setter_id,
               coalesce(x.happened_at, x.first_seen_at))::app.finding
      from app.exceptions as x
     where x.organization_id = kept_findings.organization_id and x.check_name = kept_findings.check_name
       and x.state in ('open', 'dismissed');
end;
comment on function app.kept_findings(uuid, text) is 'What processing has listed under a check and nobody has mended.';

create or replace function app.find_event_without_closer(organization_id uuid, as_of timestamptz) returns setof app.finding
language sql stable
begin atomic
    select e.id::text, 'warning', 'events', array[e.id], 'A call has no closer.',
           'Assign a closer to the call, or accept the host as a closer.', null::jsonb, null::uuid, e.setter_id, e.scheduled_at
      from app.events as e
     where e.organization_id = find_event_without_closer.organization_id and e.closer_id is null
       and e.call_status in ('scheduled', 'completed', 'no_show') and e.deleted_at is null and e.duplicate_of_id is null
       and not app.is_test_lead(e.organization_id, e.lead_id)
       -- Whose host is nobody's is one thing to mend, not two.
       and not exists (select from app.exceptions as x
                        where x.organization_id = e.organization_id and x.check_name = 'unknown_host'
                          and x.dedupe_key = e.id::text and x.state in ('open', 'dismissed'));
end;
comment on function app.find_event_without_closer(uuid, timestamptz) is 'Calls that nobody is going to take, or took.';

create or replace function app.find_open_outcome(organization_id uuid, as_of timestamptz) returns setof app.finding
language sql stable
begin atomic
    select e.id::text, 'warning', 'events', array[e.id],
           format('The call that ended at %s has no outcome.',
                  to_char(e.scheduled_end_at at time zone o.timezone, 'YYYY-MM-DD HH24:MI')),
           'Submit the post-call form.', null::jsonb, e.closer_id, e.setter_id, e.scheduled_at
      from app.organizations as o
      join app.events as e on e.organization_id = o.id
     where o.id = find_open_outcome.organization_id
       and e.call_status = 'scheduled' and e.scheduled_end_at <= find_open_outcome.as_of
       and e.scheduled_end_at + o.pcf_grace <= find_open_outcome.as_of
       and e.deleted_at is null and e.duplicate_of_id is null
       and not app.is_test_lead(e.organization_id, e.lead_id);
end;
comment on function app.find_open_outcome(uuid, timestamptz) is 'Calls that are over, without a form, past the grace period.';

-- In the words of app.review_payment, which lists them as they come.
create or replace function app.find_unattributed_payment(organization_id uuid, as_of timestamptz) returns setof app.finding
language sql stable
begin atomic
    select p.id::text, 'critical', 'payments', array[p.id],
           format('A payment of %s %s on %s has no closer.', p.amount, p.currency,
                  (p.payment_date at time zone o.timezone)::date),
           'Attribute the payment to a call or a deal, or set its credits.', null::jsonb, null::uuid, null::uuid, p.payment_date
      from app.organizations as o
      join app.payments as p on p.organization_id = o.id
     where o.id = find_unattributed_payment.organization_id and p.closer_id is null
       and p.status = 'succeeded' and p.livemode and p.deleted_at is null and p.superseded_by_id is null
       and p.claim_state is distinct from 'rejected' and p.payment_date <= find_unattributed_payment.as_of
       and not app.is_test_lead(p.organization_id, p.lead_id);
end;
comment on function app.find_unattributed_payment(uuid, timestamptz) is 'Counted payments without a closer.';

-- In the words of app.review_payment and app.finish_deals.
create or replace function app.find_missing_rate(organization_id uuid, as_of timestamptz) returns setof app.finding
language sql stable
begin atomic
    select p.id::text, 'critical', 'payments', array[p.id],
           format('A payment of %s %s on %s counts nowhere: there is no rate to %s at most 7 days old.',
                  p.amount, p.currency, (p.payment_date at time zone o.timezone)::date, p.base_currency),
           'Enter the exchange rate of that day.', jsonb_build_object('payment_id', p.id), null::uuid, null::uuid, p.payment_date
      from app.organizations as o
      join app.payments as p on p.organization_id = o.id
     where o.id = find_missing_rate.organization_id and p.amount_base is null
       and p.status = 'succeeded' and p.livemode and p.deleted_at is null and p.superseded_by_id is null
       and p.claim_state is distinct from 'rejected'
    union all
    select d.id::text, 'critical', 'deals', array[d.id],
           format('A deal of %s %s on %s counts nowhere: there is no rate to %s at most 7 days old.',
                  d.contract_value, d.currency, (d.closed_at at time zone o.timezone)::date, d.base_currency),
           'Enter the exchange rate of that day.', jsonb_build_object('deal_id', d.id), null::uuid, null::uuid, d.closed_at
      from app.organizations as o
      join app.deals as d on d.organization_id = o.id
     where o.id = find_missing_rate.organization_id and d.contract_value_base is null
       and d.status <> 'void' and d.deleted_at is null;
end;
comment on function app.find_missing_rate(uuid, timestamptz) is
    'Payments and deals that count nowhere for want of an exchange rate.';

-- Where no processor is connected, nobody but the form tells of money, and its claims are as good as confirmed.
create or replace function app.find_unmatched_claim(organization_id uuid, as_of timestamptz) returns setof app.finding
language sql stable
begin atomic
    select p.id::text, 'warning', 'payments', array[p.id],
           format('A form claims %s %s on %s; no processor has told of it.', p.amount, p.currency,
                  (p.payment_date at time zone o.timezone)::date),
           'Confirm the claim if the money came another way, or reject it.',
           jsonb_build_object('claim_id', p.id, 'event_id', p.event_id), null::uuid, null::uuid, p.payment_date
      from app.organizations as o
      join app.payments as p on p.organization_id = o.id
     where o.id = find_unmatched_claim.organization_id and p.claim_state = 'pending' and p.deleted_at is null
       and p.payment_date <= find_unmatched_claim.as_of - interval '72 hours'
       and not app.is_test_lead(p.organization_id, p.lead_id)
       and exists (select from app.webhook_connections as c
                    where c.organization_id = o.id and c.connection_type in ('stripe', 'whop') and c.is_active
                      and c.deleted_at is null)
       and not exists (select from app.exceptions as x
                        where x.organization_id = o.id and x.check_name = 'ambiguous_claim' and x.dedupe_key = p.id::text
                          and x.state in ('open', 'dismissed'));
end;
comment on function app.find_unmatched_claim(uuid, timestamptz) is 'Money of forms that no processor has told of in three days.';

create or replace function app.find_ambiguous_claim(organization_id uuid, as_of timestamptz) returns setof app.finding
language sql stable
begin atomic
    select (k.finding).*
      from app.kept_findings(find_ambiguous_claim.organization_id, 'ambiguous_claim') as k
      join app.payments as p on p.organization_id = find_ambiguous_claim.organization_id and p.id = k.row_id
     where p.claim_state in ('pending', 'confirmed') and p.deleted_at is null;
end;
comment on function app.find_ambiguous_claim(uuid, timestamptz) is 'Money of forms that payments fit in more than one way.';

create or replace function app.find_refund_over_amount(organization_id uuid, as_of timestamptz) returns setof app.finding
language sql stable
begin atomic
    select p.id::text, 'critical', 'payments', array[p.id],
           format('Of a payment of %s %s, %s went back.', p.amount, p.currency, p.refund_amount),
           'Compare with the processor, and record what came back as a won dispute.', null::jsonb, null::uuid, null::uuid,
           p.payment_date
      from app.payments as p
     where p.organization_id = find_refund_over_amount.organization_id and p.refund_amount > p.amount and p.deleted_at is null
       and p.id in (select r.payment_id from app.payment_refunds as r
                     where r.organization_id = find_refund_over_amount.organization_id);
end;
comment on function app.find_refund_over_amount(uuid, timestamptz) is 'Payments of which more went back than came in.';

create or replace function app.find_refund_without_payment(organization_id uuid, as_of timestamptz) returns setof app.finding
language sql stable
begin atomic
    select r.id::text, 'warning', 'payment_refunds', array[r.id],
           format('%s %s went back of payment %s of %s, which nobody has told of: it counts nowhere.', r.amount, r.currency,
                  r.provider_payment_id, r.provider),
           'Import the payment, or replay it at the provider; dismiss this if it is from before these books begin.', null::jsonb,
           null::uuid, null::uuid, r.refunded_at
      from app.payment_refunds as r
     where r.organization_id = find_refund_without_payment.organization_id and r.payment_id is null and r.status = 'succeeded'
       and r.created_at <= find_refund_without_payment.as_of - interval '1 day';
end;
comment on function app.find_refund_without_payment(uuid, timestamptz) is 'Refunds and disputes whose payment nobody has told of in a day.';

create or replace function app.find_deal_over_collected(organization_id uuid, as_of timestamptz) returns setof app.finding
language sql stable
begin atomic
    select f.deal_id::text, 'warning', 'deals', array[f.deal_id],
           format('A deal of %s %s has collected %s.', f.contract_value, o.currency, c.collected),
           'Attribute the payment that is for something else to a deal of its own, or refund it.', null::jsonb,
           null::uuid, null::uuid, f.closed_at
      from app.organizations as o
     cross join lateral app.deal_facts(o.id) as f
      join (select k.deal_id, sum(k.amount) as collected
              from app.cash_facts(find_deal_over_collected.organization_id) as k
             group by k.deal_id) as c on c.deal_id = f.deal_id
     where o.id = find_deal_over_collected.organization_id and f.status = 'won' and c.collected > f.contract_value;
end;
comment on function app.find_deal_over_collected(uuid, timestamptz) is 'Deals that have collected more than was agreed.';

create or replace function app.find_deal_under_collected(organization_id uuid, as_of timestamptz) returns setof app.finding
language sql stable
begin atomic
    select f.deal_id::text, 'warning', 'deals', array[f.deal_id],
           format('Of a deal of %s %s, %s is overdue.', d.contract_value_base, o.currency, f.overdue),
           'Collect it, record what was paid elsewhere, or void the deal.', null::jsonb, null::uuid, null::uuid, d.closed_at
      from app.organizations as o
     cross join lateral app.owed_facts(o.id, (find_deal_under_collected.as_of at time zone o.timezone)::date) as f
      join app.deals as d on d.organization_id = o.id and d.id = f.deal_id
     where o.id = find_deal_under_collected.organization_id and f.overdue > 0;
end;
comment on function app.find_deal_under_collected(uuid, timestamptz) is 'Deals of which money is overdue.';

create or replace function app.find_unknown_host(organization_id uuid, as_of timestamptz) returns setof app.finding
language sql stable
begin atomic
    select (k.finding).*
      from app.kept_findings(find_unknown_host.organization_id, 'unknown_host') as k
      join app.events as e on e.organization_id = find_unknown_host.organization_id and e.id = k.row_id
     where e.closer_id is null and e.call_status in ('scheduled', 'completed', 'no_show')
       and e.deleted_at is null and e.duplicate_of_id is null;
end;
comment on function app.find_unknown_host(uuid, timestamptz) is 'Bookings whose host is no closer.';

-- Under the id of the call that names the setter, or under the name that a chat said.
create or replace function app.find_unknown_setter(organization_id uuid, as_of timestamptz) returns setof app.finding
language plpgsql stable set search_path = '' as $$
begin
    return query
    select (k.finding).*
      from app.kept_findings(find_unknown_setter.organization_id, 'unknown_setter') as k
      left join app.events as e
        on e.organization_id = find_unknown_setter.organization_id and e.id = k.row_id and e.id::text = k.dedupe_key
     where case
               when e.id is not null then e.setter_id is null and e.setter_name is not null
                                          and e.deleted_at is null and e.duplicate_of_id is null
               else app.setter_known_as(find_unknown_setter.organization_id, k.dedupe_key) is null
           end;
end;
$$;
comment on function app.find_unknown_setter(uuid, timestamptz) is 'Bookings and chats that name a setter whom nobody knows.';

create or replace function app.find_ambiguous_lead(organization_id uuid, as_of timestamptz) returns setof app.finding
language sql stable
begin atomic
    select (k.finding).*
      from app.kept_findings(find_ambiguous_lead.organization_id, 'ambiguous_lead') as k
      join app.events as e on e.organization_id = find_ambiguous_lead.organization_id and e.id = k.row_id
     where e.lead_id is null and e.deleted_at is null and e.duplicate_of_id is null;
end;
comment on function app.find_ambiguous_lead(uuid, timestamptz) is 'Bookings that fit more than one lead.';

create or replace function app.find_rescheduled_after_outcome(organization_id uuid, as_of timestamptz) returns setof app.finding
language sql stable
begin atomic
    select (k.finding).*
      from app.kept_findings(find_rescheduled_after_outcome.organization_id, 'rescheduled_after_outcome') as k
      join app.events as e on e.organization_id = find_rescheduled_after_outcome.organization_id and e.id = k.row_id
     where e.call_status in ('completed', 'no_show') and e.deleted_at is null and e.duplicate_of_id is null
       -- Whoever submits the form again has looked.
       and not exists (select from app.post_call_forms as f
                        where f.organization_id = e.organization_id and f.event_id = e.id and f.is_human
                          and f.voided_at is null and f.submitted_at > k.first_seen_at);
end;
comment on function app.find_rescheduled_after_outcome(uuid, timestamptz) is
    'Calls that were moved after their outcome was reported.';

-- An address and a number belong to one lead each. What is left are two spellings of one: a mailbox with and without a tag, a
-- number with and without its country.
create or replace function app.find_duplicate_person(organization_id uuid, as_of timestamptz) returns setof app.finding
language sql stable
begin atomic
    with known as (
        select 'leads' as entity, 'email' as kind, regexp_replace(l.email_norm, '[+][^@]*@', '@') as word, l.id, l.created_at
          from app.leads as l
         where l.organization_id = find_duplicate_person.organization_id and l.email_norm is not null
           and l.deleted_at is null and l.merged_into_id is null and not l.is_test
        union all
        select 'leads', 'phone', right(l.phone_norm, 9), l.id, l.created_at
          from app.leads as l
         where l.organization_id = find_duplicate_person.organization_id and length(l.phone_norm) >= 9
           and l.deleted_at is null and l.merged_into_id is null and not l.is_test
        union all
        select 'closers', 'word', w.word, c.id, c.created_at
          from app.closers as c
         cross join lateral unnest(array[c.email_norm, lower(btrim(c.name))] || lower(c.aliases::text)::text[]) as w (word)
         where c.organization_id = find_duplicate_person.organization_id and c.is_active and w.word <> ''
        union all
        select 'setters', 'word', w.word, s.id, s.created_at
          from app.setters as s
         cross join lateral unnest(array[s.email_norm, lower(btrim(s.name))] || lower(s.aliases::text)::text[]) as w (word)
         where s.organization_id = find_duplicate_person.organization_id and s.is_active and w.word <> ''
    ), shared as (
        select k.entity, k.kind, k.word, array_agg(distinct k.id) as ids, count(distinct k.id) as people, max(k.created_at) as at
          from known as k
         group by k.entity, k.kind, k.word
        having count(distinct k.id) > 1
    ), groups as (
        -- Leads that share an address and a number are one thing to mend.
        select s.entity, s.ids, s.people, max(s.at) as at, array_agg(distinct s.kind order by s.kind) as kinds,
               array_agg(distinct s.word order by s.word) as words
          from shared as s
         group by s.entity, s.ids, s.people
    )
    select g.entity || ':' || array_to_string(g.ids, ','), 'warning', g.entity, g.ids,
           case g.entity
               when 'leads' then format('%s leads may be one person: they have the same %s.', g.people,
                                        case g.kinds when array['email'] then 'mailbox'
                                                     when array['phone'] then 'phone number'
                                                     else 'mailbox and phone number' end)
               else format('%s %s are known as %s.', g.people, g.entity, array_to_string(g.words, ', '))
           end,
           case g.entity when 'leads' then 'Merge the leads.'
                         else 'Take the word from one of them, or deactivate one.' end,
           null::jsonb, null::uuid, null::uuid, g.at
      from groups as g;
end;
comment on function app.find_duplicate_person(uuid, timestamptz) is
    'Leads, closers or setters who are known by the same words.';

create or replace function app.find_member_without_entry(organization_id uuid, as_of timestamptz) returns setof app.finding
language sql stable
begin atomic
    select m.id::text, 'info', 'organization_members', array[m.id],
           format('%s is a member, but neither closer nor setter, and sees nothing.', coalesce(p.full_name, p.email, 'Somebody')),
           'Link the member to a closer or setter, or remove the member.', jsonb_build_object('user_id', m.user_id),
           null::uuid, null::uuid, m.created_at
      from app.organization_members as m
      left join app.profiles as p on p.user_id = m.user_id
     where m.organization_id = find_member_without_entry.organization_id and m.role = 'member'
       and not exists (select from app.closers as c where c.organization_id = m.organization_id and c.profile_id = m.user_id)
       and not exists (select from app.setters as s where s.organization_id = m.organization_id and s.profile_id = m.user_id);
end;
comment on function app.find_member_without_entry(uuid, timestamptz) is
    'Members who are neither closer nor setter, so that they see nothing.';

create or replace function app.find_failed_delivery(organization_id uuid, as_of timestamptz) returns setof app.finding
language sql stable
begin atomic
    select f.*
      from app.webhook_events as w
     cross join lateral app.failed_delivery(w, true) as f
     where w.organization_id = find_failed_delivery.organization_id and w.status = 'dead'
    union all
    select f.*
      from app.webhook_events as w
     cross join lateral app.failed_delivery(w, false) as f
     where w.organization_id = find_failed_delivery.organization_id and w.status = 'queued' and w.error is not null;
end;
comment on function app.find_failed_delivery(uuid, timestamptz) is 'Deliveries that could not be carried out.';

create or replace function app.find_unreadable_delivery(organization_id uuid, as_of timestamptz) returns setof app.finding
language sql stable
begin atomic
    select (k.finding).*
      from app.kept_findings(find_unreadable_delivery.organization_id, 'unreadable_delivery') as k
      join app.webhook_connections as c on c.organization_id = find_unreadable_delivery.organization_id and c.id = k.row_id
     where c.is_active and c.deleted_at is null
       and not exists (select from app.webhook_events as w
                        where w.organization_id = c.organization_id and w.connection_id = c.id
                          and w.received_at > k.last_seen_at and w.status = 'processed');
end;
comment on function app.find_unreadable_delivery(uuid, timestamptz) is 'Connections that sent what nobody can read.';

create or replace function app.find_missing_appointment(organization_id uuid, as_of timestamptz) returns setof app.finding
language sql stable
begin atomic
    select (k.finding).*
      from app.kept_findings(find_missing_appointment.organization_id, 'missing_appointment') as k
      join app.webhook_connections as c on c.organization_id = find_missing_appointment.organization_id and c.id = k.row_id
     where c.is_active and c.deleted_at is null
       and not exists (select from app.events as e
                        where e.organization_id = c.organization_id and e.provider = 'acuity'
                          and e.provider_booking_id = k.details ->> 'appointment_id');
end;
comment on function app.find_missing_appointment(uuid, timestamptz) is
    'Appointments that a provider told of and does not know.';

-- app.subscription_is_dead: has a connection heard nothing since its deliveries were turned away a day ago, or in the three days
-- since it was made? Providers end a subscription that was refused for a day.
create or replace function app.subscription_is_dead(c app.webhook_connections, last_event_at timestamptz, as_of timestamptz)
returns boolean
language sql immutable parallel safe
return c.is_active and c.deleted_at is null
   and coalesce(last_event_at is null and c.created_at <= as_of - interval '3 days'
                or c.last_refused_at > coalesce(last_event_at, '-infinity') and c.last_refused_at <= as_of - interval '24 hours',
                false);
comment on function app.subscription_is_dead(app.webhook_connections, timestamptz, timestamptz) is
    'True when a provider seems to deliver no more.';

create or replace function app.find_silent_connection(organization_id uuid, as_of timestamptz) returns setof app.finding
language sql stable
begin atomic
    select c.id::text, 'warning', 'webhook_connections', array[c.id],
           format('The connection %s has been silent since %s; %s hours would be usual.', c.name,
                  to_char(h.last_event_at at time zone o.timezone, 'YYYY-MM-DD HH24:MI'), round(h.silent_after_seconds / 3600, 1)),
           'See at the provider whether the webhook is still registered and enabled; then send a test event.',
           null::jsonb, null::uuid, null::uuid, h.last_event_at
      from app.organizations as o
      join app.webhook_connections as c on c.organization_id = o.id
      join app.connection_health(c.organization_id, c.id, find_silent_connection.as_of) as h on true
     where o.id = find_silent_connection.organization_id and c.is_active and c.deleted_at is null and h.is_silent
       and not app.subscription_is_dead(c, h.last_event_at, find_silent_connection.as_of);
end;
comment on function app.find_silent_connection(uuid, timestamptz) is
    'Connections that have been silent for longer than is usual for them.';

create or replace function app.find_connection_refusals(organization_id uuid, as_of timestamptz) returns setof app.finding
language sql stable
begin atomic
    select c.id::text, 'critical', 'webhook_connections', array[c.id],
           format('Deliveries of the connection %s have been turned away since %s.', c.name,
                  to_char(c.refused_since at time zone o.timezone, 'YYYY-MM-DD HH24:MI')),
           'Raise its rate limit, or see why deliveries cannot be taken in, before the provider gives up; then replay at the provider.',
           null::jsonb, null::uuid, null::uuid, c.refused_since
      from app.organizations as o
      join app.webhook_connections as c on c.organization_id = o.id
     where o.id = find_connection_refusals.organization_id and c.is_active and c.deleted_at is null
       and c.last_refused_at > find_connection_refusals.as_of - app.end_of_refusals()
       and c.refused_since <= find_connection_refusals.as_of - app.alarm_of_refusals();
end;
comment on function app.find_connection_refusals(uuid, timestamptz) is
    'Connections whose deliveries have been turned away for a while.';

create or replace function app.find_dead_subscription(organization_id uuid, as_of timestamptz) returns setof app.finding
language sql stable
begin atomic
    select c.id::text, 'critical', 'webhook_connections', array[c.id],
           case when h.last_event_at is null
                then format('The connection %s was made at %s and has never delivered anything.', c.name,
                            to_char(c.created_at at time zone o.timezone, 'YYYY-MM-DD HH24:MI'))
                else format('The connection %s turned deliveries away until %s and has delivered nothing since.', c.name,
                            to_char(c.last_refused_at at time zone o.timezone, 'YYYY-MM-DD HH24:MI')) end,
           'Register the webhook at the provider again, and send a test event.', null::jsonb, null::uuid, null::uuid,
           coalesce(c.last_refused_at, c.created_at)
      from app.organizations as o
      join app.webhook_connections as c on c.organization_id = o.id
      join app.connection_health(c.organization_id, c.id, find_dead_subscription.as_of) as h on true
     where o.id = find_dead_subscription.organization_id
       and app.subscription_is_dead(c, h.last_event_at, find_dead_subscription.as_of);
end;
comment on function app.find_dead_subscription(uuid, timestamptz) is
    'Connections whose subscription at the provider has died, or was never made.';

create or replace function app.find_failed_sync(organization_id uuid, as_of timestamptz) returns setof app.finding
language sql stable
begin atomic
    select (k.finding).*
      from app.kept_findings(find_failed_sync.organization_id, 'failed_sync') as k
      join app.sync_runs as r on r.organization_id = find_failed_sync.organization_id and r.id = k.row_id
     where r.state not in ('succeeded', 'cancelled')
       and not exists (select from app.sync_runs as n
                        where n.organization_id = r.organization_id and n.kind = r.kind and n.state = 'succeeded'
                          and n.finished_at > r.finished_at);
end;
comment on function app.find_failed_sync(uuid, timestamptz) is 'Jobs that failed and will not be tried again.';

-- In the words of jobs.fail_outbox.
create or replace function app.find_undeliverable_message(organization_id uuid, as_of timestamptz) returns setof app.finding
language sql stable
begin atomic
    select m.id::text, 'warning', 'outbox', array[m.id], format('A message of kind %s could not be delivered.', m.kind),
           'Read the error of the message, mend its cause, and retry the message.',
           jsonb_build_object('attempts', m.attempts), null::uuid, null::uuid, m.created_at
      from app.outbox as m
     where m.organization_id = find_undeliverable_message.organization_id and m.state = 'dead';
end;
comment on function app.find_undeliverable_message(uuid, timestamptz) is 'Messages that could not be delivered.';
