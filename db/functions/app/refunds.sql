-- Refunds and disputes: one row per provider id and kind, each on its own day, before or after their payment.
-- Internal: nobody but the owner may call these.

-- app.refund_rank: how far a refund has come; a delivery that tells of an earlier stage changes nothing.
create or replace function app.refund_rank(status text) returns integer
language sql immutable strict parallel safe
return case when status in ('failed', 'canceled') then 3 when status = 'succeeded' then 2 else 1 end;
comment on function app.refund_rank(text) is 'Order of the stages of a refund: pending, succeeded, failed or canceled.';

-- app.refund_base: part of a payment in the organization's currency, at the payment's own frozen rate, so that a full
-- refund undoes the payment exactly; NULL while the payment has no rate.
create or replace function app.refund_base(payment app.payments, amount numeric) returns numeric
language sql immutable parallel safe
return case
    when (payment).currency = (payment).base_currency then amount
    else round(amount * (payment).amount_base / (payment).amount, app.currency_exponent((payment).base_currency))
end;
comment on function app.refund_base(app.payments, numeric) is 'Part of a payment at the payment''s own frozen rate.';

-- app.record_processor_refund: what one delivery says about one refund, dispute or won dispute.
-- payment_key: the payment's provider_payment_id; the row waits without payment_id until that payment arrives.
-- Of several deliveries the furthest status and the earliest refunded_at hold, whatever their order.
-- Those of one payment wait for each other there: a refund and a total of the same moment would both count, and one would be missing
-- from the payment's sum. Without a payment they are settled when it arrives (app.link_refunds).
-- Raises PT422 for another currency than the payment's.
create or replace function app.record_processor_refund(
    organization_id uuid, provider text, provider_account text, payment_key text, provider_charge_id text,
    provider_refund_id text, kind text, status text, amount numeric, currency text, refunded_at timestamptz,
    reason text default null, out payment_id uuid, out what text
) returns record
language plpgsql volatile set search_path = '' as $$
declare
    p               app.payments;
    v_base_currency text;
begin
    select t.* into p from app.payments as t
     where t.organization_id = record_processor_refund.organization_id and t.provider = record_processor_refund.provider
       and t.provider_account = record_processor_refund.provider_account
       and t.provider_payment_id = record_processor_refund.payment_key
       for no key update;
    if p.id is not null and p.currency <> currency then
        raise exception using errcode = 'PT422', message = 'A refund is in the currency of its payment.',
            detail = format('The payment is in %s, the refund in %s.', p.currency, currency);
    end if;
    select o.currency into strict v_base_currency
      from app.organizations as o where o.id = record_processor_refund.organization_id;

    insert into app.payment_refunds as r (
        organization_id, payment_id, kind, status, amount, currency, amount_base, base_currency, refunded_at, provider,
        provider_account, provider_refund_id, provider_payment_id, provider_charge_id, reason)
    values (
        organization_id, p.id, kind, status, amount, currency,
        case when p.id is not null then app.refund_base(p, amount) when currency = v_base_currency then amount end,
        v_base_currency, refunded_at, provider, provider_account, provider_refund_id, payment_key, provider_charge_id, reason)
    on conflict on constraint payment_refunds_provider_refund_id_key do update
       set status = case when app.refund_rank(excluded.status) > app.refund_rank(r.status) then excluded.status else r.status end,
           refunded_at = least(r.refunded_at, excluded.refunded_at), reason = coalesce(r.reason, excluded.reason)
     where app.refund_rank(excluded.status) > app.refund_rank(r.status) or excluded.refunded_at < r.refunded_at
    returning case when old.id is null then 'created' else 'completed' end into what;
    what := coalesce(what, 'unchanged');
    payment_id := p.id;
    if kind = 'refund' then
        perform app.settle_refund_marks(organization_id, provider, provider_account, payment_key);
    end if;
    if what <> 'unchanged' and p.id is not null then
        perform app.settle_manual_refunds(organization_id, p.id);
    end if;
end;
$$;
comment on function app.record_processor_refund(
    uuid, text, text, text, text, text, text, text, numeric, text, timestamptz, text) is
    'What one delivery says about one refund or dispute.';

-- app.record_refund_mark: a charge that says how much of it has been refunded in all, without saying by which refunds.
-- The fallback for endpoints that do not get refund events: each total seen is a row `<charge>@<total>`, and
-- app.settle_refund_marks gives it the amount that it adds to the total before it and that no refund row explains.
create or replace function app.record_refund_mark(
    organization_id uuid, provider text, provider_account text, payment_key text, provider_charge_id text,
    total numeric, currency text, seen_at timestamptz
) returns uuid
language plpgsql volatile set search_path = '' as $$
declare
    v_written record;
begin
    v_written := app.record_processor_refund(
        organization_id, provider, provider_account, payment_key, provider_charge_id,
        provider_charge_id || '@' || total, 'refund', 'canceled', total, currency, seen_at,
        'Total of the charge.');
    return v_written.payment_id;
end;
$$;
comment on function app.record_refund_mark(uuid, text, text, text, text, numeric, text, timestamptz) is
    'A charge that says how much of it has been refunded in all.';

-- app.settle_refund_marks: of the total that a charge reports, only what no refund row explains counts.
-- Totals in ascending order are steps; refund rows, failed ones too (whether the total shrinks then is not established),
-- explain the lowest part. A mark with nothing left is canceled. Needs no order of arrival.
create or replace function app.settle_refund_marks(
    organization_id uuid, provider text, provider_account text, payment_key text
) returns void
language sql volatile set search_path = '' as $$
    with rows as (
        select r.id, r.status, r.amount, split_part(r.provider_refund_id, '@', 2) as mark
          from app.payment_refunds as r
         where r.organization_id = settle_refund_marks.organization_id and r.provider = settle_refund_marks.provider
           and r.provider_account = settle_refund_marks.provider_account
           and r.provider_payment_id = settle_refund_marks.payment_key and r.kind = 'refund'
    ), explained as (
        select coalesce(sum(r.amount) filter (where r.mark = ''), 0) as total from rows as r
    ), steps as (
        select r.id, r.mark::numeric as total,
               r.mark::numeric - greatest(
                   lag(r.mark::numeric, 1, 0::numeric) over (order by r.mark::numeric), e.total) as unexplained
          from rows as r cross join explained as e
         where r.mark <> ''
    ), wanted as (
        select s.id, case when s.unexplained > 0 then 'succeeded' else 'canceled' end as status,
               case when s.unexplained > 0 then s.unexplained else s.total end as amount
          from steps as s
    )
    update app.payment_refunds as r
       set status = w.status, amount = w.amount,
           amount_base = case when p.id is not null then app.refund_base(p, w.amount)
                              when r.currency = r.base_currency then w.amount end
      from wanted as w
      left join app.payments as p
        on p.organization_id = settle_refund_marks.organization_id and p.provider = settle_refund_marks.provider
       and p.provider_account = settle_refund_marks.provider_account
       and p.provider_payment_id = settle_refund_marks.payment_key
     where r.organization_id = settle_refund_marks.organization_id and r.id = w.id
       and (r.status, r.amount) is distinct from (w.status, w.amount);
$$;
comment on function app.settle_refund_marks(uuid, text, text, text) is
    'Reported totals of refunds count only for what no refund row explains.';

-- app.settle_manual_refunds: what a person entered and the processor tells of, too, counts once, as the processor tells it.
-- A pair is of one payment, kind and amount, at most 72 hours apart, and each is the other's nearest: however many there are and in
-- whatever order they came. A refund whose pair fails counts again.
create or replace function app.settle_manual_refunds(organization_id uuid, payment_id uuid) returns void
language sql volatile set search_path = '' as $$
    with near as (
        select m.id as entered, t.id as told, abs(extract(epoch from t.refunded_at - m.refunded_at)) as apart
          from app.payment_refunds as m
          join app.payment_refunds as t
            on t.organization_id = m.organization_id and t.payment_id = m.payment_id and t.kind = m.kind and t.amount = m.amount
           and t.provider <> 'manual' and t.status = 'succeeded'
         where m.organization_id = settle_manual_refunds.organization_id and m.payment_id = settle_manual_refunds.payment_id
           and m.provider = 'manual'
           and t.refunded_at between m.refunded_at - interval '72 hours' and m.refunded_at + interval '72 hours'
    ), pairs as (
        select a.entered, a.told
          from (select distinct on (n.entered) n.entered, n.told from near as n order by n.entered, n.apart, n.told) as a
          join (select distinct on (n.told) n.entered, n.told from near as n order by n.told, n.apart, n.entered) as b
            on b.entered = a.entered and b.told = a.told
    )
    update app.payment_refunds as r
       set superseded_by_id = w.told, status = case when w.told is null then 'succeeded' else 'canceled' end
      from (select m.organization_id, m.id, p.told
              from app.payment_refunds as m
              left join pairs as p on p.entered = m.id
             where m.organization_id = settle_manual_refunds.organization_id
               and m.payment_id = settle_manual_refunds.payment_id and m.provider = 'manual') as w
     where r.organization_id = w.organization_id and r.id = w.id and r.superseded_by_id is distinct from w.told;
$$;
comment on function app.settle_manual_refunds(uuid, uuid) is
    'Refunds entered by hand count only while the processor does not tell of them.';

-- app.link_refunds: refunds that waited for this payment belong to it now, and totals that were reported count only for what they
-- leave. Without arguments: of every payment, for refund and payment that were recorded in the same moment and did not see each
-- other. Answers how many were linked.
create or replace function app.link_refunds(
    organization_id uuid default null, provider text default null, provider_account text default null,
    payment_key text default null
) returns bigint
language plpgsql volatile set search_path = '' as $$
declare
    v_count   bigint := 0;
    v_payment record;
begin
    if payment_key is null then
        for v_payment in
            select distinct p.organization_id, p.provider, p.provider_account, p.provider_payment_id
              from app.payment_refunds as r
              join app.payments as p
                on p.organization_id = r.organization_id and p.provider = r.provider
               and p.provider_account = r.provider_account and p.provider_payment_id = r.provider_payment_id
               and p.currency = r.currency
             where r.payment_id is null
             order by 1, 2, 3, 4
        loop
            v_count := v_count + app.link_refunds(
                v_payment.organization_id, v_payment.provider, v_payment.provider_account, v_payment.provider_payment_id);
        end loop;
    elsif exists (select from app.payment_refunds as r
                   where r.payment_id is null and r.organization_id = link_refunds.organization_id
                     and r.provider = link_refunds.provider and r.provider_payment_id = link_refunds.payment_key) then
        perform from app.payments as p
          where p.organization_id = link_refunds.organization_id and p.provider = link_refunds.provider
            and p.provider_account = link_refunds.provider_account and p.provider_payment_id = link_refunds.payment_key
            for no key update;
        update app.payment_refunds as r
           set payment_id = p.id, amount_base = app.refund_base(p, r.amount)
          from app.payments as p
         where r.payment_id is null and r.organization_id = link_refunds.organization_id
           and r.provider = link_refunds.provider and r.provider_account = link_refunds.provider_account
           and r.provider_payment_id = link_refunds.payment_key
           and p.organization_id = r.organization_id and p.provider = r.provider
           and p.provider_account = r.provider_account and p.provider_payment_id = r.provider_payment_id
           and p.currency = r.currency;
        get diagnostics v_count = row_count;
        perform app.settle_refund_marks(organization_id, provider, provider_account, payment_key);
        perform app.settle_manual_refunds(p.organization_id, p.id)
           from app.payments as p
          where p.organization_id = link_refunds.organization_id and p.provider = link_refunds.provider
            and p.provider_account = link_refunds.provider_account and p.provider_payment_id = link_refunds.payment_key;
    end if;
    return v_count;
end;
$$;
comment on function app.link_refunds(uuid, text, text, text) is 'Refunds that waited for their payment find it.';
