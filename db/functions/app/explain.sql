-- Why a call or a payment is as it is: the deliveries that told of it and what each decided, forms, what people changed, and
-- the ladder of attribution. Read from what was written down when it happened; nothing is decided anew.
-- Internal: nobody but the owner may call these. Lines have a rank, which orders what happened in one instant.

-- app.mentions: is this id in the text, as a whole word?
create or replace function app.mentions(body text, ids text[]) returns boolean
language sql immutable parallel safe
return body ~ ('\m(' || (
    select string_agg(regexp_replace(i.id, '([^a-zA-Z0-9])', '\\\1', 'g'), '|') from unnest(ids) as i (id)) || ')\M');
comment on function app.mentions(text, text[]) is 'Whether one of these ids is in the text, as a whole word; NULL without ids.';

-- app.explained_deliveries: what deliveries decided about a call or payment, each with its steps.
-- Those that were linked to it, and those linked to nothing that name one of its ids: they failed, or came before it.
create or replace function app.explained_deliveries(
    organization_id uuid, event_id uuid, payment_id uuid, provider text, provider_ids text[]
) returns table (at timestamptz, rank integer, source_id uuid, ordinal bigint, what text, decided text, because text)
language sql stable set search_path = '' as $$
    with told as (
        select w.id, w.received_at, w.provider, w.event_type, w.provider_event_id, w.is_late, w.status, w.steps, true as is_linked
          from app.webhook_events as w
         where w.organization_id = explained_deliveries.organization_id
           and (w.event_id = explained_deliveries.event_id or w.payment_id = explained_deliveries.payment_id)
        union all
        select w.id, w.received_at, w.provider, w.event_type, w.provider_event_id, w.is_late, w.status, w.steps, false
          from app.webhook_events as w
         where w.organization_id = explained_deliveries.organization_id and w.provider = explained_deliveries.provider
           and w.event_id is null and w.payment_id is null and w.lead_id is null and w.status <> 'ignored'
           and app.mentions(w.body::text, array_remove(explained_deliveries.provider_ids, null))
    )
    select t.received_at, 1, t.id, l.ordinal, l.what, l.decided, l.because
      from told as t
     cross join lateral (
        select 0::bigint as ordinal, 'delivery' as what, t.status as decided,
               format('%s sent %s as %s%s%s', t.provider, t.event_type, t.provider_event_id, case when t.is_late then ', late' else '' end,
                      case when t.is_linked then '.' else '; it was linked to nothing, and names an id of this one.' end) as because
        union all
        select s.ordinality, s.step ->> 'what', s.step ->> 'decided', s.step ->> 'because'
          from jsonb_array_elements(t.steps) with ordinality as s (step, ordinality)) as l;
$$;
comment on function app.explained_deliveries(uuid, uuid, uuid, text, text[]) is
    'What deliveries decided about a call or payment, step by step.';

-- app.label_of: a value of the audit trail as a person reads it: people and sources by name.
create or replace function app.label_of(organization_id uuid, column_name text, value text) returns text
language sql stable set search_path = '' as $$
    select coalesce(
        case label_of.column_name
            when 'closer_id' then (select c.name from app.closers as c where c.organization_id = label_of.organization_id
                                      and c.id = label_of.value::uuid)
            when 'setter_id' then (select s.name from app.setters as s where s.organization_id = label_of.organization_id
                                      and s.id = label_of.value::uuid)
            when 'source_id' then (select s.name from app.sources as s where s.organization_id = label_of.organization_id
                                      and s.id = label_of.value::uuid)
        end, label_of.value, 'nothing');
$$;
comment on function app.label_of(uuid, text, text) is 'A value of the audit trail as a person reads it.';

-- app.explained_changes: what changed in columns that decide something, by whom and why, from the audit trail.
create or replace function app.explained_changes(organization_id uuid, table_name text, row_id uuid, columns text[])
returns table (at timestamptz, rank integer, source_id uuid, ordinal bigint, what text, decided text, because text)
language sql stable set search_path = '' as $$
    select l.changed_at, 4, l.id, c.ordinality,
           case when l.actor_kind in ('user', 'api_key', 'operator') then 'change by hand' else 'change' end,
           format('%s from %s to %s', c.name, app.label_of(l.organization_id, c.name, l.old_data ->> c.name),
                  app.label_of(l.organization_id, c.name, l.new_data ->> c.name)),
           concat_ws(' ', format('By %s.', coalesce(p.full_name, p.email, 'the ' || l.actor_kind)),
                     l.reason)
      from app.audit_logs as l
      left join app.profiles as p on p.user_id = l.actor_id
      join unnest(explained_changes.columns) with ordinality as c (name, ordinality)
        on l.old_data -> c.name is distinct from l.new_data -> c.name
     where l.organization_id = explained_changes.organization_id and l.table_name = explained_changes.table_name
       and l.row_id = explained_changes.row_id and l.action = 'UPDATE';
$$;
comment on function app.explained_changes(uuid, text, uuid, text[]) is 'What changed, by whom and why, from the audit trail.';

-- app.explained_event: every line about one call.
create or replace function app.explained_event(organization_id uuid, event_id uuid)
returns table (at timestamptz, rank integer, source_id uuid, ordinal bigint, what text, decided text, because text)
language sql stable set search_path = '' as $$
    select e.created_at, 2, e.id, 0::bigint, 'booking', format('call at %s', to_char(e.scheduled_at at time zone o.timezone, 'YYYY-MM-DD HH24:MI')),
           concat_ws(' ', case e.provider when 'manual' then 'Made by hand.' else format('Booked at %s as %s.', e.provider,
                         coalesce(e.calendly_invitee_uuid, e.provider_booking_id, 'nothing known')) end,
                     case when e.rescheduled_from_id is not null then format('It replaces call %s.', e.rescheduled_from_id) end)
      from app.events as e
      join app.organizations as o on o.id = e.organization_id
     where e.organization_id = explained_event.organization_id and e.id = explained_event.event_id
    union all
    select n.created_at, 2, n.id, 1, 'reschedule', 'a successor took its place', format('Call %s replaces it.', n.id)
      from app.events as n
     where n.organization_id = explained_event.organization_id and n.rescheduled_from_id = explained_event.event_id
    union all
    select d.at, d.rank, d.source_id, d.ordinal, d.what, d.decided, d.because
      from app.events as e
      join app.explained_deliveries(e.organization_id, e.id, null, e.provider,
                                    array[e.calendly_invitee_uuid, e.provider_booking_id]) as d on true
     where e.organization_id = explained_event.organization_id and e.id = explained_event.event_id
    union all
    select f.submitted_at, 3, f.id, 0, format('form %s', f.version),
           case when f.deal_closed then 'closed' when f.offer_made then 'showed, an offer was made' when f.call_occurred then 'showed, no offer'
                else coalesce(f.non_occurrence_reason, 'lead_no_show') end,
           format('Submitted through %s%s.', f.submitted_via, ' by ' || coalesce(p.full_name, p.email))
      from app.post_call_forms as f
      left join app.profiles as p on p.user_id = f.submitted_by
     where f.organization_id = explained_event.organization_id and f.event_id = explained_event.event_id
    union all
    select f.voided_at, 3, f.id, 1, format('form %s', f.version), 'voided', coalesce(f.voided_reason, 'No reason was given.')
      from app.post_call_forms as f
     where f.organization_id = explained_event.organization_id and f.event_id = explained_event.event_id
       and f.voided_at is not null
    union all
    select c.at, c.rank, c.source_id, c.ordinal, c.what, c.decided, c.because
      from app.explained_changes(explained_event.organization_id, 'events', explained_event.event_id, array[
            'call_status', 'event_outcome', 'scheduled_at', 'closer_id', 'setter_id', 'source_id', 'traffic_type_id',
            'call_type_id', 'lead_id', 'canceled_by', 'canceled_at', 'rescheduled_from_id', 'duplicate_of_id', 'deleted_at',
            'deleted_reason']) as c
    union all
    select p.payment_date, 5, p.id, 0, 'payment', format('%s %s, %s', p.amount, p.currency, p.status),
           format('Payment %s belongs to this call by %s, with confidence %s.', p.id, p.attribution_method, p.attribution_confidence)
      from app.payments as p
     where p.organization_id = explained_event.organization_id and p.event_id = explained_event.event_id
       and p.deleted_at is null;
$$;
comment on function app.explained_event(uuid, uuid) is 'Every line that explains one call.';

-- app.explained_payment: every line about one payment; the rungs of its ladder stand where it last changed.
create or replace function app.explained_payment(organization_id uuid, payment_id uuid)
returns table (at timestamptz, rank integer, source_id uuid, ordinal bigint, what text, decided text, because text)
language sql stable set search_path = '' as $$
    with paid as (
        select p.* from app.payments as p
         where p.organization_id = explained_payment.organization_id and p.id = explained_payment.payment_id
    )
    select p.created_at, 2, p.id, 0::bigint, 'payment', format('%s %s, %s', p.amount, p.currency, p.status),
           concat_ws(' ', format('Told by %s%s.', p.provider, ' as ' || p.provider_payment_id), p.reason)
      from paid as p
    union all
    select d.at, d.rank, d.source_id, d.ordinal, d.what, d.decided, d.because
      from paid as p
      join app.explained_deliveries(
            p.organization_id, null, p.id, p.provider,
            array[p.provider_payment_id, p.provider_charge_id]
            || array(select split_part(r.provider_refund_id, '@', 1) from app.payment_refunds as r
                      where r.organization_id = p.organization_id and r.payment_id = p.id
                        and r.provider_refund_id is not null)
            || array(select c.carrier_id from app.payment_carriers as c
                      where c.organization_id = p.organization_id
                        and c.id = any (app.carriers_of_payment(
                            p.organization_id, p.provider, p.provider_account, p.livemode, p.provider_payment_id)))) as d on true
    union all
    select c.created_at, 3, c.id, 0, 'carrier', replace(c.kind, '_', ' '),
           format('%s says %s.', c.carrier_id, coalesce(nullif(concat_ws(', ',
               case when c.email is not null then 'the e-mail address' end, case when c.phone is not null then 'the phone number' end,
               case when c.full_name is not null then 'the name' end, case when c.customer_id is not null then 'the customer' end,
               case when c.subscription_id is not null then 'the subscription' end,
               case when c.reference is not null then 'a reference of ours' end,
               case when c.tax_amount is not null then 'the tax' end), ''), 'nothing of who paid'))
      from paid as p
      join app.payment_carriers as c
        on c.organization_id = p.organization_id
       and c.id = any (app.carriers_of_payment(
            p.organization_id, p.provider, p.provider_account, p.livemode, p.provider_payment_id))
    union all
    select c.at, c.rank, c.source_id, c.ordinal, c.what, c.decided, c.because
      from app.explained_changes(explained_payment.organization_id, 'payments', explained_payment.payment_id, array[
            'status', 'amount', 'currency', 'amount_base', 'refund_amount', 'payment_date', 'lead_id', 'event_id', 'deal_id',
            'closer_id', 'setter_id', 'source_id', 'claim_state', 'superseded_by_id', 'attribution_method', 'deleted_at',
            'deleted_reason']) as c
    union all
    select c.created_at, 5, c.id, 0, 'claim', 'superseded', format('It confirms the claim %s of a form.', c.id)
      from app.payments as c
     where c.organization_id = explained_payment.organization_id and c.superseded_by_id = explained_payment.payment_id
    union all
    select r.refunded_at, 6, r.id, 0, replace(r.kind, '_', ' '), format('%s %s, %s', r.amount, r.currency, r.status),
           coalesce(r.reason, 'No reason was given.')
      from app.payment_refunds as r
     where r.organization_id = explained_payment.organization_id and r.payment_id = explained_payment.payment_id
    union all
    select p.updated_at, 7, p.id, s.ordinality, format('rung %s: %s', s.ordinality, s.step ->> 'what'), s.step ->> 'decided',
           s.step ->> 'because'
      from paid as p
     cross join jsonb_array_elements(p.attribution_steps) with ordinality as s (step, ordinality)
    union all
    select p.updated_at, 8, p.id, 0, 'attribution', p.attribution_method,
           case when p.event_id is null and p.lead_id is null then 'It belongs to nobody yet.'
                else format('It belongs to %s, with confidence %s.',
                            concat_ws(', ', 'lead ' || p.lead_id, 'call ' || p.event_id, 'deal ' || p.deal_id), p.attribution_confidence) end
      from paid as p
    union all
    select p.updated_at, 9, c.id, 0, 'credit', format('%s %% to %s', trim_scale(c.share * 100), coalesce(k.name, s.name)),
           format('As %s.', c.role)
      from paid as p
      join app.payment_credits as c on c.organization_id = p.organization_id and c.payment_id = p.id
      left join app.closers as k on k.organization_id = c.organization_id and k.id = c.closer_id
      left join app.setters as s on s.organization_id = c.organization_id and s.id = c.setter_id;
$$;
comment on function app.explained_payment(uuid, uuid) is 'Every line that explains one payment.';
