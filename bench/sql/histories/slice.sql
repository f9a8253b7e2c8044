-- One slice of every tenant's history: :slice of :slices, in the order of time, so that tenants lie interleaved as they do
-- where all of them work at once. Slices know nothing of each other: two may be loaded at a time, in any order.
create temporary table slice on commit drop as
with slots as materialized (
    select t.n, t.organization_id, t.timezone, t.currency, t.unit, t.scale, t.first_day, t.days, t.events, t.closers, t.setters,
           t.lag, t.as_of, g, case when g % 97 = 0 then g - 1 else g end as src, g % 97 = 0 and g > 1 as is_duplicate
      from bench.tenants as t
     cross join lateral generate_series(t.events * :slice / :slices + 1, t.events * (:slice + 1) / :slices) as g
     where not t.is_loaded
), chained as materialized (
    select s.*,
           case when not bench.is_moved(n, src - lag, lag, events) then 0
                when not bench.is_moved(n, src - 2 * lag, lag, events) then 1
                when not bench.is_moved(n, src - 3 * lag, lag, events) then 2 else 3 end as steps,
           bench.is_moved(n, g, lag, events) as is_moved,
           first_day + (src - bench.dice(n, src, 2, 1000) / 1000.0::float8) / events * days * interval '1 day' as raw_booked
      from slots as s
), timed as materialized (
    select c.*, src - steps * lag as root_src,
           date_trunc('day', raw_booked) + interval '7 hours' + (raw_booked - date_trunc('day', raw_booked)) * 0.65 as booked
      from chained as c
), people as materialized (
    select t.*,
           -- Leads come as they are first called, and again within the stretch in which theirs may be drawn.
           1 + (root_src * 3 / 5) + bench.dice(n, root_src, 3, 200) as lead,
           case when bench.dice(n, src, 4, 100) > 0
                then bench.pick(n, case when steps > 0 and bench.dice(n, src, 5, 5) = 0 then src else root_src end, 6, closers) end as closer,
           bench.pick(n, src, 7, closers) as cover,
           case when bench.dice(n, root_src, 8, 100) < 85 then bench.pick(n, root_src, 9, setters) end as setter,
           case when steps = 0 and bench.dice(n, src, 10, 100) < 95 then bench.pick(n, src, 11, 12) end as source,
           case when steps = 0 and bench.dice(n, src, 12, 100) < 95 then bench.pick(n, src, 13, 4) end as traffic,
           case when steps = 0 and bench.dice(n, src, 14, 100) < 98 then bench.pick(n, src, 15, 6) end as type,
           date_trunc('second', booked) at time zone timezone as booked_at,
           (date_trunc('day', booked) + (1 + least(bench.dice(n, src, 16, 14), bench.dice(n, src, 17, 14))) * interval '1 day'
            + interval '9 hours' + bench.dice(n, src, 18, 22) * interval '30 minutes') at time zone timezone as scheduled_at,
           bench.dice(n, src, 19, 100) as luck, bench.dice(n, src, 20, 100) as deal_luck
      from timed as t
), told as materialized (
    select p.*,
           case when is_duplicate then 'canceled'
                when is_moved then 'rescheduled'
                when scheduled_at + interval '1 hour' > as_of then case when luck < 8 then 'canceled' else 'scheduled' end
                when luck < 14 then 'canceled'
                when luck < 32 then 'no_show'
                when luck < 34 or luck < 60 and scheduled_at + interval '1 day' > as_of then 'scheduled'
                else 'completed' end as status
      from people as p
)
select t.n, t.organization_id, t.timezone, t.currency, t.unit, t.scale, t.as_of, t.g, t.lead, t.luck,
       case when t.is_duplicate then t.g else t.root_src end as root,
       case when t.steps > 0 and not t.is_duplicate then t.g - t.lag end as previous,
       t.closer, case when t.status = 'completed' and (t.closer is null or bench.dice(n, src, 21, 100) < 3) then t.cover
                      else t.closer end as taker,
       t.setter, t.source, t.traffic, t.type, t.booked_at, t.scheduled_at, t.status, t.is_duplicate,
       bench.id(12, t.n, t.g) as event_id,
       case t.status when 'no_show' then 'no_show'
                     when 'completed' then case when deal_luck < 40 then 'showed_no_offer'
                                                when deal_luck < 76 then 'showed_offer' else 'closed' end end as outcome,
       -- What is deleted has no money.
       t.status in ('scheduled', 'canceled', 'no_show') and not t.is_duplicate and bench.dice(n, src, 22, 100) = 0 as is_deleted,
       t.scheduled_at + case when t.type % 2 = 0 then interval '45 minutes' else interval '1 hour' end as ends_at,
       t.status in ('completed', 'no_show') as has_form, (array[1, 1, 1, 1, 1, 1, 3, 3, 3, 2])[1 + bench.dice(n, src, 23, 10)] as package
  from told as t;

insert into app.leads (
    organization_id, id, full_name, email, phone, source_id, traffic_type_id, original_setter_id, current_setter_id,
    is_test, created_at, updated_at)
select t.organization_id, bench.id(10, t.n, l), 'Lead ' || l, format('lead%s-%s@bench.example', t.n, l), '+1555' || lpad(l::text, 8, '0'),
       bench.id(6, t.n, bench.pick(t.n, l, 24, 12)), bench.id(7, t.n, bench.pick(t.n, l, 25, 4)),
       bench.id(5, t.n, bench.pick(t.n, l, 26, t.setters)), bench.id(5, t.n, bench.pick(t.n, l, 26, t.setters)),
       bench.dice(t.n, l, 27, 500) = 0, c.at, c.at
  from bench.tenants as t
 cross join lateral generate_series(t.leads * :slice / :slices + 1, t.leads * (:slice + 1) / :slices) as l
 cross join lateral (
    select (t.first_day + greatest(l - 201, 0) / 0.6::float8 / t.events * t.days * interval '1 day') at time zone t.timezone as at
 ) as c
 where not t.is_loaded;
insert into app.lead_identities (organization_id, id, lead_id, kind, value)
select t.organization_id, bench.id(11, t.n, 2 * l + k), bench.id(10, t.n, l), (array['email', 'phone'])[1 + k],
       case k when 0 then format('lead%s-%s@bench.example', t.n, l) else '1555' || lpad(l::text, 8, '0') end
  from bench.tenants as t
 cross join lateral generate_series(t.leads * :slice / :slices + 1, t.leads * (:slice + 1) / :slices) as l
 cross join generate_series(0, 1) as k
 where not t.is_loaded;
insert into app.setter_calls (
    organization_id, id, setter_id, provider, provider_call_id, activity_date, lead_id, started_at, disposition, talk_seconds)
select t.organization_id, bench.id(20, t.n, l), bench.id(5, t.n, bench.pick(t.n, l, 26, t.setters)), 'close', 'call' || l,
       (c.at at time zone t.timezone)::date, bench.id(10, t.n, l), c.at,
       case when bench.dice(t.n, l, 28, 3) = 0 then 'answered' else 'no answer' end,
       case when bench.dice(t.n, l, 28, 3) = 0 then 30 + bench.dice(t.n, l, 29, 900) else 0 end
  from bench.tenants as t
 cross join lateral generate_series(t.leads * :slice / :slices + 1, t.leads * (:slice + 1) / :slices) as l
 cross join lateral (
    select (t.first_day + greatest(l - 201, 0) / 0.6::float8 / t.events * t.days * interval '1 day') at time zone t.timezone
           + power(bench.dice(t.n, l, 30, 1000) / 100.0::float8, 3) * interval '1 minute' as at
 ) as c
 where not t.is_loaded and bench.dice(t.n, l, 31, 10) < 8 and c.at < t.as_of;

insert into app.events (
    organization_id, id, lead_id, lead_name, lead_email, lead_phone, closer_id, closer_name, setter_id, setter_name,
    credited_closer_id, credited_setter_id, source_id, traffic_type_id, call_type_id, scheduled_at, scheduled_end_at, booked_at,
    call_status, event_outcome, pcf_submitted, canceled_at, canceled_by, root_event_id, rescheduled_from_id, duplicate_of_id,
    provider, calendly_event_uuid, calendly_invitee_uuid, utm_source, utm_medium, source_origin, inherits, deleted_at, deleted_reason,
    created_at, updated_at)
select s.organization_id, s.event_id, bench.id(10, s.n, s.lead), 'Lead ' || s.lead, format('lead%s-%s@bench.example', s.n, s.lead),
       '+1555' || lpad(s.lead::text, 8, '0'), case when s.closer is not null then bench.id(4, s.n, s.closer) end, 'Closer ' || s.closer,
       case when s.setter is not null then bench.id(5, s.n, s.setter) end, 'Setter ' || s.setter,
       case when s.taker is not null then bench.id(4, s.n, s.taker) end,
       case when s.setter is not null then bench.id(5, s.n, s.setter) end,
       case when s.source is not null then bench.id(6, s.n, s.source) end,
       case when s.traffic is not null then bench.id(7, s.n, s.traffic) end,
       case when s.type is not null then bench.id(8, s.n, s.type) end,
       s.scheduled_at, s.ends_at, s.booked_at, s.status, s.outcome, s.has_form,
       case when s.status = 'canceled' then greatest(s.booked_at, s.scheduled_at - (1 + s.luck) * interval '1 hour') end,
       case when s.status = 'canceled' then case when s.is_duplicate or s.luck % 5 = 0 then 'host' else 'invitee' end end,
       bench.id(12, s.n, s.root), case when s.previous is not null then bench.id(12, s.n, s.previous) end,
       case when s.is_duplicate then bench.id(12, s.n, s.g - 1) end,
       'calendly', 'event' || s.g, 'invitee' || s.g, 'instagram', 'dm', case when s.source is not null then 'rule' end,
       case when s.previous is not null then '{setter}'::text[] else '{}' end,
       case when s.is_deleted then s.ends_at end, case when s.is_deleted then 'Booked by mistake' end, s.booked_at, s.booked_at
  from slice as s;

insert into app.post_call_forms (
    organization_id, id, event_id, closer_id, version, is_active, submitted_via, submitted_at, call_occurred, lead_showed,
    offer_made, deal_closed, non_occurrence_reason, disqualified, cash_collected, currency, package_id, contract_value,
    created_at, updated_at)
select s.organization_id, bench.id(13, s.n, 2 * s.g + v), s.event_id, case when s.taker is not null then bench.id(4, s.n, s.taker) end,
       v, v = f.versions, f.via, f.at + (v - 1) * interval '1 hour', s.status = 'completed', s.status = 'completed',
       s.outcome in ('showed_offer', 'closed') and v = f.versions, s.outcome = 'closed' and v = f.versions,
       case s.status when 'no_show' then 'lead_no_show' end,
       s.outcome = 'showed_no_offer' and bench.dice(s.n, s.g, 50, 10) = 0,
       case when s.outcome = 'closed' and v = f.versions and bench.dice(s.n, s.g, 51, 3) = 0
            then round(bench.price(s.package) * s.unit / bench.installments(s.package), s.scale) end,
       s.currency, case when s.outcome = 'closed' then bench.id(9, s.n, s.package) end,
       case when s.outcome = 'closed' and v = f.versions then round(bench.price(s.package) * s.unit, s.scale) end, f.at, f.at
  from slice as s
 cross join lateral (
    select case when s.status = 'completed' and bench.dice(s.n, s.g, 52, 25) = 0 then 2 else 1 end as versions,
           case when s.status = 'no_show' and bench.dice(s.n, s.g, 53, 10) = 0 then 'calendly' else 'app' end as via,
           least(s.as_of, s.ends_at + floor(power(bench.dice(s.n, s.g, 54, 1000) / 100.0::float8, 3) * 5) * interval '1 minute') as at
 ) as f
 cross join lateral generate_series(1, f.versions) as v
 where s.has_form;

create temporary table won on commit drop as
select s.*, bench.id(14, s.n, s.g) as deal_id, bench.installments(s.package) as parts,
       case when bench.dice(s.n, s.g, 60, 100) < 15 then 'upsell' else 'new_deal' end as deal_type,
       case bench.dice(s.n, s.g, 61, 100) when 0 then 'void' when 1 then 'canceled' when 2 then 'canceled' else 'won' end as deal_status,
       round(bench.price(s.package) * s.unit, s.scale) as price,
       round(bench.price(s.package) * s.unit / bench.installments(s.package), s.scale) as part,
       (s.ends_at at time zone s.timezone)::date as closed_on
  from slice as s where s.outcome = 'closed';
insert into app.deals (
    organization_id, id, lead_id, origin_event_id, package_id, closer_id, setter_id, contract_value, currency,
    contract_value_base, base_currency, status, deal_type, payment_type, closed_at, voided_at, void_reason, is_automatic,
    contract_value_source, created_at, updated_at)
select w.organization_id, w.deal_id, bench.id(10, w.n, w.lead), w.event_id, bench.id(9, w.n, w.package),
       bench.id(4, w.n, w.taker), case when w.setter is not null then bench.id(5, w.n, w.setter) end,
       w.price, w.currency, w.price, w.currency, w.deal_status, w.deal_type,
       case when w.parts = 1 then 'pif' else 'payment_plan' end, w.ends_at,
       case when w.deal_status = 'void' then w.ends_at end, case when w.deal_status = 'void' then 'Closed by mistake' end,
       true, 'form', w.ends_at, w.ends_at
  from won as w;
insert into app.deal_installments (organization_id, id, deal_id, installment_no, due_on, amount, currency)
select w.organization_id, bench.id(15, w.n, 8 * w.g + i), w.deal_id, i, w.closed_on + 30 * (i - 1), w.part, w.currency
  from won as w, generate_series(1, w.parts) as i;

-- Payments: instalments that were due, claims of forms that a payment superseded or that wait for one, and money that
-- nobody is credited with. A tenth of the credits is shared by two closers; a few amounts came in another currency.
create temporary table paid on commit drop as
select w.n, w.organization_id, w.as_of, w.scale, 8 * w.g + i as payment, w.g, i as part_no, w.part as base,
       'processor' as kind, w.deal_status <> 'void' as has_deal, w.deal_id, w.event_id, w.lead, w.taker, w.setter, w.source, w.traffic,
       w.package, w.currency, w.deal_type, w.ends_at + (30 * (i - 1)) * interval '1 day' + bench.dice(w.n, 8 * w.g + i, 70, 2880) * interval '1 minute' as paid_at
  from won as w, generate_series(1, w.parts) as i
 where bench.dice(w.n, 8 * w.g + i, 71, 100) < 92
union all
select w.n, w.organization_id, w.as_of, w.scale, 8 * w.g, w.g, 1, w.part, 'claim',
       w.deal_status <> 'void', w.deal_id, w.event_id, w.lead, w.taker, w.setter, w.source, w.traffic, w.package, w.currency,
       w.deal_type, w.ends_at
  from won as w where bench.dice(w.n, w.g, 51, 3) = 0
union all
select t.n, t.organization_id, t.as_of, t.scale, 8 * (t.events + u), null, null, round(49.00 * t.unit * (1 + bench.dice(t.n, u, 72, 40)), t.scale),
       'unattributed', false, null, null, null, null, null, null, null, null, t.currency, null,
       (t.first_day + u * 100.0::float8 / t.events * t.days * interval '1 day') at time zone t.timezone
  from bench.tenants as t
 cross join lateral generate_series(t.events / 100 * :slice / :slices + 1, t.events / 100 * (:slice + 1) / :slices) as u
 where not t.is_loaded;
delete from paid where paid_at >= as_of;
create temporary table returned on commit drop as
select p.n, p.organization_id, p.payment, r.step, r.kind, r.part, r.refunded_at
  from paid as p
 cross join lateral bench.refunds(p.n, p.payment, p.base, p.scale, p.paid_at, p.as_of) as r
 where p.kind <> 'claim' and bench.dice(p.n, p.payment, 40, 1000) < 50 and bench.dice(p.n, p.payment, 73, 1000) >= 20;
analyze paid, returned;
insert into app.payments (
    organization_id, id, lead_id, event_id, deal_id, installment_no, post_call_form_id, closer_id, setter_id, source_id,
    traffic_type_id, package_id, source, provider, provider_account, provider_payment_id, status, livemode, amount, currency,
    amount_base, base_currency, fee_amount, refund_amount, payment_date, customer_email, payment_type, deal_type,
    superseded_by_id, claim_state, attribution_method, attribution_confidence, deleted_at, deleted_reason, created_at, updated_at)
select p.organization_id, bench.id(16, p.n, p.payment), case when p.lead is not null then bench.id(10, p.n, p.lead) end, p.event_id,
       case when p.has_deal then p.deal_id end, case when p.has_deal then p.part_no end,
       case when p.kind = 'claim' then bench.id(13, p.n, 2 * p.g + case when bench.dice(p.n, p.g, 52, 25) = 0 then 2 else 1 end) end,
       case when p.taker is not null then bench.id(4, p.n, p.taker) end,
       case when p.setter is not null then bench.id(5, p.n, p.setter) end,
       case when p.source is not null then bench.id(6, p.n, p.source) end,
       case when p.traffic is not null then bench.id(7, p.n, p.traffic) end,
       case when p.package is not null then bench.id(9, p.n, p.package) end,
       x.provider, x.provider, '', case when p.kind <> 'claim' then 'pay' || p.payment end,
       case when x.luck < 20 and p.kind <> 'claim' then 'failed' else 'succeeded' end, x.luck <> 20,
       case when x.is_foreign then round(p.base / 1.25, 2) else p.base end,
       case when x.is_foreign then 'GBP' else p.currency end,
       case when not x.is_foreign then p.base when x.luck < 950 then round(round(p.base / 1.25, 2) * 1.25, p.scale) end, p.currency,
       case when p.kind <> 'claim' then round(p.base * 0.03, p.scale) end,
       case when x.refunded > 0 and x.is_foreign then round(x.refunded / 1.25, 2) else x.refunded end, p.paid_at,
       case when p.lead is not null then format('lead%s-%s@bench.example', p.n, p.lead) else format('payer%s@bench.example', p.payment) end,
       case when p.package = 1 then 'pif' when p.package is not null then 'payment_plan' end, p.deal_type,
       case when x.is_superseded then bench.id(16, p.n, p.payment + 1) end,
       case when p.kind = 'claim' then case when x.is_superseded then 'superseded' else 'pending' end end,
       case p.kind when 'processor' then 'identity_deal' when 'claim' then 'form' else 'none' end,
       case p.kind when 'unattributed' then 0 else 1 end,
       case when x.luck = 21 then p.paid_at end, case when x.luck = 21 then 'Entered twice' end, p.paid_at, p.paid_at
  from paid as p
  left join (
    select r.n, r.payment, sum(case r.kind when 'dispute_won' then -r.part else r.part end) as refunded
      from returned as r group by r.n, r.payment
  ) as b on b.n = p.n and b.payment = p.payment
 cross join lateral (
    select bench.dice(p.n, p.payment, 73, 1000) as luck,
           case when p.kind = 'claim' then 'manual' when bench.dice(p.n, p.payment, 74, 10) < 7 then 'stripe' else 'whop' end as provider,
           p.kind = 'processor' and p.scale = 2 and p.currency <> 'GBP' and bench.dice(p.n, p.payment, 73, 1000) >= 940 as is_foreign,
           -- The first instalment came as a payment by now.
           p.kind = 'claim' and bench.dice(p.n, p.payment + 1, 71, 100) < 92
           and p.paid_at + bench.dice(p.n, p.payment + 1, 70, 2880) * interval '1 minute' < p.as_of as is_superseded,
           coalesce(b.refunded, 0) as refunded
     offset 0
 ) as x;
insert into app.payment_credits (organization_id, id, payment_id, role, closer_id, setter_id, share, amount_base, base_currency)
select q.organization_id, bench.id(17, p.n, 4 * p.payment + c.k), q.id, c.role,
       case when c.role = 'closer' then bench.id(4, p.n, c.person) end, case when c.role = 'setter' then bench.id(5, p.n, c.person) end,
       c.share, case c.k when 1 then q.amount_base - round(q.amount_base * 0.4, p.scale)
                         when 2 then round(q.amount_base * 0.4, p.scale) else q.amount_base end, q.base_currency
  from paid as p
  join app.payments as q on q.organization_id = p.organization_id and q.id = bench.id(16, p.n, p.payment)
 cross join lateral (
    select bench.dice(p.n, p.payment, 75, 10) = 0 and t.closers > 1 as is_shared, p.taker % t.closers + 1 as other
      from bench.tenants as t where t.n = p.n
 ) as x
 cross join lateral (values
    (0, 'closer', p.taker, 1.0,  p.taker is not null and not x.is_shared),
    (1, 'closer', p.taker, 0.6,  p.taker is not null and x.is_shared),
    (2, 'closer', x.other, 0.4,  p.taker is not null and x.is_shared),
    (3, 'setter', p.setter, 1.0, p.setter is not null)
 ) as c (k, role, person, share, is_there)
 where c.is_there and q.superseded_by_id is null;
insert into app.payment_refunds (
    organization_id, id, payment_id, kind, status, amount, currency, amount_base, base_currency, refunded_at, provider,
    provider_refund_id, provider_payment_id)
select q.organization_id, bench.id(18, p.n, 4 * p.payment + p.step), q.id, p.kind, 'succeeded',
       case when q.currency <> q.base_currency then round(p.part / 1.25, 2) else p.part end, q.currency,
       case when q.amount_base is not null then p.part end, q.base_currency, p.refunded_at, q.provider,
       'refund' || (4 * p.payment + p.step), q.provider_payment_id
  from returned as p
  join app.payments as q on q.organization_id = p.organization_id and q.id = bench.id(16, p.n, p.payment);
