-- Deals: what was sold, by which schedule it is paid, which payments are of it. Automatic deals are derived: whatever order
-- calls, forms and payments came in, app.settle_deals brings those of a lead to what the facts say. What a person decided
-- about a deal stays.
-- Internal: nobody but the owner may call these.

-- app.is_counted: money that is there: succeeded, live, neither deleted nor superseded nor a rejected claim.
create or replace function app.is_counted(payment app.payments) returns boolean
language sql immutable parallel safe
return (payment).status = 'succeeded' and (payment).livemode and (payment).deleted_at is null
    and (payment).superseded_by_id is null and (payment).claim_state is distinct from 'rejected';
comment on function app.is_counted(app.payments) is 'Money that is there: succeeded, live, neither deleted nor superseded.';

-- app.comes_before: the order in which payments of a lead are placed: that of their dates, then of their ids at the provider.
create or replace function app.comes_before(payment app.payments, other app.payments) returns boolean
language sql immutable parallel safe
return ((payment).payment_date, coalesce((payment).provider_payment_id, ''), (payment).id)
       < ((other).payment_date, coalesce((other).provider_payment_id, ''), (other).id);
comment on function app.comes_before(app.payments, app.payments) is 'The order in which payments of a lead are placed.';

-- app.is_deposit: money for a sale that is not closed: said by the payment, its metadata (salesdash_payment_type), or the
-- form whose claim it supersedes.
create or replace function app.is_deposit(payment app.payments) returns boolean
language sql stable
begin atomic
    select coalesce((payment).payment_type, (payment).metadata ->> 'salesdash_payment_type', (
            select c.payment_type from app.payments as c
             where c.organization_id = (payment).organization_id and c.superseded_by_id = (payment).id
             order by c.payment_date limit 1)) is not distinct from 'deposit';
end;
comment on function app.is_deposit(app.payments) is 'Money for a sale that is not closed.';

-- app.may_open_deal: may this payment of a known lead, which nothing explains, be a sale of its own? Live money of a processor
-- that is no deposit; not what a person said is no deal.
create or replace function app.may_open_deal(payment app.payments) returns boolean
language plpgsql stable set search_path = '' as $$
begin
    return payment.provider in ('stripe', 'whop') and payment.livemode and coalesce(payment.status, 'succeeded') = 'succeeded'
        and not app.is_deposit(payment)
        and not exists (
            select from app.deals as d
             where d.organization_id = payment.organization_id and not d.is_automatic and d.status = 'void'
               and (d.origin_payment_id = payment.id
                    or d.origin_payment_id is not null and d.provider_subscription_id = payment.provider_subscription_id));
end;
$$;
comment on function app.may_open_deal(app.payments) is 'May this payment, which nothing explains, be a sale of its own?';

-- app.choose_deal: the won deal of a lead that a payment is of, as its earlier payments left it; all NULL for none.
-- call_id: the call that the payment was sold on. only_deal_id: the only deal that may be chosen. is_fixed: only the deal of
-- that call may. Else, best first: the same subscription; for a deposit the next closing in the attribution window; an open
-- deal that has an instalment of exactly this amount, the nearest in time; an open deal into which it fits, that of the
-- call first; the deal of the call; any open deal. Another subscription's deal is chosen only if the call is its own.
-- A deal is open while its agreed value is not reached. Order of payments: their dates, then their ids at the provider.
-- installment_no: the instalment of exactly this amount that is due nearest and not paid yet, else the first that earlier
-- payments do not cover. is_moved: value or subscription of the deal change by this payment. earlier: how many payments of the
-- deal came before it.
create or replace function app.choose_deal(
    payment app.payments, lead_id uuid, call_id uuid, only_deal_id uuid, is_fixed boolean,
    out deal_id uuid, out event_id uuid, out installment_no integer, out deal_type text, out closer_id uuid, out setter_id uuid,
    out is_automatic boolean, out confidence numeric, out because text, out is_moved boolean, out earlier bigint
) returns record
language plpgsql stable set search_path = '' as $$
declare
    v_deal         record;
    v_subscription text;
    v_is_open      boolean;
    v_rank         integer;
    v_best         integer;
    v_days_off     integer;
    v_closed_at    timestamptz;
begin
    if lead_id is null or not payment.livemode or is_fixed and call_id is null and only_deal_id is null then
        return;
    end if;
    for v_deal in
        select d.id, d.origin_event_id, d.deal_type, d.closer_id, d.setter_id, d.is_automatic, d.contract_value,
               d.contract_value_source, d.currency, d.closed_at, d.provider_subscription_id,
               b.paid, b.earlier, b.is_subscribed, n.of_amount, n.days_off, n.next
          from app.organizations as o
          join app.deals as d on d.organization_id = o.id
         cross join lateral (
            select coalesce(sum(e.amount) filter (where e.currency = d.currency and app.is_counted(e)), 0) as paid,
                   count(*) as earlier,
                   array_agg(e.installment_no) filter (where e.installment_no is not null and app.is_counted(e)) as taken,
                   count(e.provider_subscription_id) > 0 as is_subscribed
              from app.payments as e
             where e.organization_id = d.organization_id and e.deal_id = d.id and e.deleted_at is null
               and app.comes_before(e, payment)
           ) as b
         cross join lateral (
            -- of_amount: the instalment of exactly this amount that is due nearest; next: the first that is not covered.
            select (array_agg(s.installment_no order by s.days_off, s.installment_no) filter (where s.is_of_amount))[1] as of_amount,
                   min(s.days_off) filter (where s.is_of_amount) as days_off,
                   min(s.installment_no) filter (where s.through > b.paid) as next
              from (select i.installment_no, abs(i.due_on - (payment.payment_date at time zone o.timezone)::date) as days_off,
                           i.amount = payment.amount and (b.taken is null or i.installment_no <> all (b.taken)) as is_of_amount,
                           sum(i.amount) over (order by i.installment_no) as through
                      from app.deal_installments as i
                     where i.organization_id = d.organization_id and i.deal_id = d.id and i.currency = payment.currency) as s
           ) as n
         where o.id = payment.organization_id and d.lead_id = choose_deal.lead_id
           and d.status = 'won' and d.deleted_at is null
           and (d.closed_at <= payment.payment_date
                or only_deal_id is not null or is_fixed
                or not d.is_automatic
                   and (d.closed_at at time zone o.timezone)::date <= (payment.payment_date at time zone o.timezone)::date
                or d.origin_event_id is not null
                   and d.closed_at <= payment.payment_date + make_interval(days => o.attribution_window_days)
                   and app.is_deposit(payment))
         order by d.closed_at desc, d.id
    loop
        v_subscription := case when not v_deal.is_automatic then v_deal.provider_subscription_id end;
        if v_subscription is null and v_deal.is_subscribed then
            v_subscription := (
                select e.provider_subscription_id from app.payments as e
                 where e.organization_id = payment.organization_id and e.deal_id = v_deal.id and e.deleted_at is null
                   and e.provider_subscription_id is not null and app.comes_before(e, payment)
                 order by e.payment_date, coalesce(e.provider_payment_id, ''), e.id limit 1);
        end if;
        v_is_open := v_deal.contract_value_source <> 'paid' and v_deal.paid < v_deal.contract_value;
        v_rank := case
            when only_deal_id is not null then case when v_deal.id = only_deal_id then 0 end
            when is_fixed then case when v_deal.origin_event_id = call_id then 0 end
            when v_subscription = payment.provider_subscription_id then 1
            when v_subscription <> payment.provider_subscription_id then case when v_deal.origin_event_id = call_id then 6 end
            when v_deal.closed_at > payment.payment_date and app.is_deposit(payment) then 2
            when v_is_open and v_deal.of_amount is not null then 3
            when v_deal.origin_event_id = call_id and (v_is_open and payment.amount <= v_deal.contract_value - v_deal.paid
                                                  or v_deal.contract_value_source = 'paid' and v_deal.paid = 0) then 4
            when v_is_open and payment.amount <= v_deal.contract_value - v_deal.paid and payment.currency = v_deal.currency then 5
            when v_deal.origin_event_id = call_id then 6
            when v_is_open then 7 end;
        -- Of equals the deal that closed last, but of closings that follow the deposit the next.
        continue when v_rank is null or v_rank > v_best
                      or v_rank = v_best and not (v_rank = 3 and v_deal.days_off < v_days_off
                                                  or v_rank = 2 and v_deal.closed_at < v_closed_at);
        v_best := v_rank;
        v_days_off := v_deal.days_off;
        v_closed_at := v_deal.closed_at;
        deal_id := v_deal.id;
        event_id := v_deal.origin_event_id;
        installment_no := coalesce(v_deal.of_amount, v_deal.next);
        deal_type := v_deal.deal_type;
        closer_id := v_deal.closer_id;
        setter_id := v_deal.setter_id;
        is_automatic := v_deal.is_automatic;
        is_moved := v_deal.contract_value_source = 'paid'
                    or payment.provider_subscription_id is not null and v_deal.provider_subscription_id is null;
        earlier := v_deal.earlier;
    end loop;
    confidence := case when v_best = 6 then 0.85 when v_best = 7 then 0.7 when v_best is not null then 0.9 end;
    because := case v_best
        when 0 then 'it was named'
        when 1 then 'the deal has the payment''s subscription'
        when 2 then 'a deposit belongs to the closing that follows it'
        when 3 then 'an instalment of exactly this amount is open'
        when 4 then 'the deal of the call is not paid yet'
        when 5 then 'the deal is not paid in full yet'
        when 6 then 'the deal was closed on the call'
        when 7 then 'the deal is open' end;
end;
$$;
comment on function app.choose_deal(app.payments, uuid, uuid, uuid, boolean) is
    'The won deal of a lead that a payment is of, as its earlier payments left it.';

-- app.deal_schedule: the instalments of a deal by its value, package and closing day: the package's number and interval for
-- what is paid in parts, else all at once. Nobody knows the schedule of a plan whose package has none, and what was paid
-- needs none: then there are no instalments.
create or replace function app.deal_schedule(deal app.deals)
returns table (installment_no integer, due_on date, amount numeric)
language plpgsql stable set search_path = '' as $$
begin
    return query
    select p.no::integer, c.day + (p.no - 1)::integer * coalesce(c.interval_days, 0), p.amount
      from (select ((deal).closed_at at time zone o.timezone)::date as day,
                   k.installment_interval_days as interval_days,
                   case when (deal).payment_type = 'payment_plan' then nullif(k.installment_count, 1)
                        when (deal).payment_type is null then coalesce(k.installment_count, 1) else 1 end as parts
              from app.organizations as o
              left join app.packages as k on k.organization_id = o.id and k.id = (deal).package_id
             where o.id = (deal).organization_id) as c
     cross join lateral unnest(app.split_amount(
            (deal).contract_value, array_fill(1::numeric, array[coalesce(c.parts, 1)]), (deal).currency))
            with ordinality as p (amount, no)
     where c.parts is not null and p.amount > 0 and (deal).contract_value_source <> 'paid';
end;
$$;
comment on function app.deal_schedule(app.deals) is 'The instalments of a deal by its value, package and closing day.';

-- app.write_schedule: make the instalments of a deal these, and no others.
create or replace function app.write_schedule(
    deal app.deals, numbers integer[], days date[], amounts numeric[]
) returns void
language sql volatile set search_path = '' as $$
    delete from app.deal_installments as i
     where i.organization_id = (deal).organization_id and i.deal_id = (deal).id and i.installment_no <> all (numbers);
    insert into app.deal_installments as i (organization_id, deal_id, installment_no, due_on, amount, currency)
    select (deal).organization_id, (deal).id, w.no, w.day, w.amount, (deal).currency
      from unnest(numbers, days, amounts) as w (no, day, amount)
    on conflict on constraint deal_installments_installment_no_key do update
       set due_on = excluded.due_on, amount = excluded.amount, currency = excluded.currency
     where (i.due_on, i.amount, i.currency) is distinct from (excluded.due_on, excluded.amount, excluded.currency);
$$;
comment on function app.write_schedule(app.deals, integer[], date[], numeric[]) is
    'Make the instalments of a deal these, and no others.';

-- app.deal_base: the value of a deal in the organization's currency by the rate of its closing day, once and for all: a
-- deal whose value, currency and closing day stay what they were keeps it.
create or replace function app.deal_base(deal app.deals, before app.deals) returns numeric
language plpgsql stable set search_path = '' as $$
begin
    if before.contract_value_base is not null
       and (before.contract_value, before.currency, before.closed_at) = (deal.contract_value, deal.currency, deal.closed_at) then
        return before.contract_value_base;
    end if;
    return (select app.convert(o.id, deal.contract_value, deal.currency, (deal.closed_at at time zone o.timezone)::date)
              from app.organizations as o where o.id = deal.organization_id);
end;
$$;
comment on function app.deal_base(app.deals, app.deals) is 'The value of a deal by the frozen rate of its closing day.';

-- app.keep_automatic_deal: make the automatic deal of a call or payment what it is now; a void one is won again. What a
-- person decided about that call stays. Its schedule follows when what it rests on changed.
-- deal: organization, lead, origin, package, people, value, its source, currency, payment_type, closed_at.
create or replace function app.keep_automatic_deal(deal app.deals) returns uuid
language plpgsql volatile set search_path = '' as $$
declare
    v_old app.deals;
    v_new app.deals := keep_automatic_deal.deal;
begin
    select d.* into v_old from app.deals as d
     where d.organization_id = v_new.organization_id and d.is_automatic
       and (d.origin_event_id = v_new.origin_event_id or d.origin_payment_id = v_new.origin_payment_id);
    if v_old.id is not null and v_new.contract_value_source = 'package'
       and (v_old.contract_value_source, v_old.package_id) = ('package', v_new.package_id) then
        v_new.contract_value := v_old.contract_value;   -- The price of that day; a new one is for new deals.
        v_new.currency := v_old.currency;
    elsif v_old.id is not null and v_new.contract_value_source = 'paid' and v_old.contract_value_source = 'paid'
          and v_old.currency = v_new.currency then
        v_new.contract_value := v_old.contract_value;
    end if;
    v_new.contract_value_base := app.deal_base(v_new, v_old);
    if v_old.id is null then
        insert into app.deals as d (
            organization_id, lead_id, origin_event_id, origin_payment_id, package_id, closer_id, setter_id, contract_value,
            contract_value_source, currency, contract_value_base, base_currency, payment_type, closed_at, is_automatic)
        values (
            v_new.organization_id, v_new.lead_id, v_new.origin_event_id, v_new.origin_payment_id, v_new.package_id,
            v_new.closer_id, v_new.setter_id, v_new.contract_value, v_new.contract_value_source, v_new.currency,
            v_new.contract_value_base, v_new.base_currency, v_new.payment_type, v_new.closed_at, true)
        returning d.* into v_new;
    else
        update app.deals as d
           set lead_id = v_new.lead_id, package_id = v_new.package_id, closer_id = v_new.closer_id, setter_id = v_new.setter_id,
               contract_value = v_new.contract_value, contract_value_source = v_new.contract_value_source,
               currency = v_new.currency, contract_value_base = v_new.contract_value_base, base_currency = v_new.base_currency,
               payment_type = v_new.payment_type, closed_at = v_new.closed_at, status = 'won', voided_at = null, void_reason = null
         where d.organization_id = v_old.organization_id and d.id = v_old.id
           and (d.lead_id, d.package_id, d.closer_id, d.setter_id, d.contract_value, d.contract_value_source, d.currency,
                d.contract_value_base, d.base_currency, d.payment_type, d.closed_at, d.status)
               is distinct from
               (v_new.lead_id, v_new.package_id, v_new.closer_id, v_new.setter_id, v_new.contract_value,
                v_new.contract_value_source, v_new.currency, v_new.contract_value_base, v_new.base_currency, v_new.payment_type,
                v_new.closed_at, 'won');
        v_new.id := v_old.id;
    end if;
    if (v_old.package_id, v_old.contract_value, v_old.contract_value_source, v_old.currency, v_old.payment_type, v_old.closed_at)
       is distinct from
       (v_new.package_id, v_new.contract_value, v_new.contract_value_source, v_new.currency, v_new.payment_type, v_new.closed_at)
    then
        perform app.write_schedule(
                v_new, coalesce(array_agg(s.installment_no), '{}'), array_agg(s.due_on), array_agg(s.amount))
           from app.deal_schedule(v_new) as s;
    end if;
    return v_new.id;
end;
$$;
comment on function app.keep_automatic_deal(app.deals) is 'Make the automatic deal of a call or payment what it is now.';

-- app.void_automatic_deals: automatic deals whose call or payment no longer makes them are void, and say why.
create or replace function app.void_automatic_deals(organization_id uuid, deal_ids uuid[], reason text) returns void
language sql volatile set search_path = '' as $$
    update app.deals as d set status = 'void', voided_at = now(), void_reason = void_automatic_deals.reason
     where d.organization_id = void_automatic_deals.organization_id and d.id = any (deal_ids) and d.is_automatic
       and d.status <> 'void';
$$;
comment on function app.void_automatic_deals(uuid, uuid[], text) is 'Automatic deals that nothing makes any more are void.';

-- app.settle_call_deals: one automatic deal for each call of a lead that ended closed, by its ruling form; none for others.
create or replace function app.settle_call_deals(organization_id uuid, lead_id uuid) returns void
language plpgsql volatile set search_path = '' as $$
declare
    v_call record;
    v_deal app.deals;
    v_kept uuid[] := '{}';
begin
    for v_call in
        select e.id, e.scheduled_at, e.credited_closer_id, f.package_id, f.payment_type,
               case o.setter_attribution when 'event' then e.credited_setter_id
                                         when 'original' then l.original_setter_id else l.current_setter_id end as setter_id,
               coalesce(f.contract_value, k.price, 0) as value,
               case when f.contract_value is not null then f.currency when k.price is not null then k.currency
                    else coalesce(f.currency, o.currency) end as currency,
               case when f.contract_value is not null then 'form' when k.price is not null then 'package' else 'paid' end as source,
               o.currency as base_currency
          from app.organizations as o
          join app.leads as l on l.organization_id = o.id
          join app.events as e on e.organization_id = l.organization_id and e.lead_id = l.id
          join app.post_call_forms as f on f.organization_id = e.organization_id and f.event_id = e.id and f.is_active
          left join app.packages as k on k.organization_id = f.organization_id and k.id = f.package_id
         where o.id = settle_call_deals.organization_id and l.id = settle_call_deals.lead_id
           and e.event_outcome = 'closed' and e.deleted_at is null and e.duplicate_of_id is null
           and f.deal_closed and f.payment_type is distinct from 'deposit'
           and not exists (
                select from app.deals as d
                 where d.organization_id = e.organization_id and d.origin_event_id = e.id and not d.is_automatic
                   and d.deleted_at is null)
         order by e.scheduled_at, e.id
    loop
        v_deal.organization_id := settle_call_deals.organization_id;
        v_deal.lead_id := settle_call_deals.lead_id;
        v_deal.origin_event_id := v_call.id;
        v_deal.package_id := v_call.package_id;
        v_deal.closer_id := v_call.credited_closer_id;
        v_deal.setter_id := v_call.setter_id;
        v_deal.contract_value := app.money(v_call.value, v_call.currency);
        v_deal.contract_value_source := v_call.source;
        v_deal.currency := v_call.currency;
        v_deal.base_currency := v_call.base_currency;
        v_deal.payment_type := v_call.payment_type;
        v_deal.closed_at := v_call.scheduled_at;
        v_kept := v_kept || app.keep_automatic_deal(v_deal);
    end loop;
    perform app.void_automatic_deals(d.organization_id, array_agg(d.id), 'The call did not end closed after all.')
       from app.deals as d
      where d.organization_id = settle_call_deals.organization_id and d.lead_id = settle_call_deals.lead_id
        and d.is_automatic and d.origin_event_id is not null and d.status <> 'void' and d.id <> all (v_kept)
      group by d.organization_id;
end;
$$;
comment on function app.settle_call_deals(uuid, uuid) is 'One automatic deal for each call of a lead that ended closed.';

-- app.place_payment: where a payment of a lead belongs, as the deals and its earlier payments are now. Of a payment that a
-- person or a form attributed only the deal follows: that of its call, or the one it was given while that is won.
create or replace function app.place_payment(payment app.payments) returns void
language plpgsql volatile set search_path = '' as $$
declare
    v_found  record;
    v_choice record;
    v_deal   app.deals;
begin
    if app.is_attributed_by_rule(payment.attribution_method) then
        v_found := app.find_attribution(payment);
        if v_found.opens_deal then
            v_deal.organization_id := payment.organization_id;
            v_deal.lead_id := v_found.lead_id;
            v_deal.origin_payment_id := payment.id;
            v_deal.package_id := payment.package_id;
            v_deal.contract_value := payment.amount;
            v_deal.contract_value_source := 'paid';
            v_deal.currency := payment.currency;
            v_deal.base_currency := payment.base_currency;
            v_deal.payment_type := payment.payment_type;
            v_deal.closed_at := payment.payment_date;
            v_found.deal_id := app.keep_automatic_deal(v_deal);
            v_found.deal_type := (select d.deal_type from app.deals as d
                                   where d.organization_id = payment.organization_id and d.id = v_found.deal_id);
        else
            perform app.void_automatic_deals(d.organization_id, array[d.id], 'A call or another deal explains its payment.')
               from app.deals as d
              where d.organization_id = payment.organization_id and d.origin_payment_id = payment.id
                and d.is_automatic and d.status <> 'void';
        end if;
        perform app.write_attribution(payment.organization_id, payment.id, v_found);
        return;
    end if;

    v_choice := app.choose_deal(
        payment, payment.lead_id, payment.event_id, case when payment.claim_state is null then payment.deal_id end, true);
    if v_choice.deal_id is null then
        v_choice := app.choose_deal(payment, payment.lead_id, payment.event_id, null, payment.payment_type is distinct from 'deposit');
    end if;
    update app.payments as p
       set deal_id = v_choice.deal_id, installment_no = v_choice.installment_no,
           deal_type = case when p.deal_id is null and v_choice.deal_id is null then p.deal_type else v_choice.deal_type end
     where p.organization_id = payment.organization_id and p.id = payment.id
       and (p.deal_id, p.installment_no) is distinct from (v_choice.deal_id, v_choice.installment_no);
    if payment.attribution_method = 'manual' or payment.claim_state is not null then
        update app.payments as p
           set source_id = coalesce(e.source_id, l.source_id), traffic_type_id = coalesce(e.traffic_type_id, l.traffic_type_id)
          from app.leads as l
          left join app.events as e on e.organization_id = l.organization_id and e.id = payment.event_id
         where p.organization_id = payment.organization_id and p.id = payment.id
           and l.organization_id = payment.organization_id and l.id = payment.lead_id
           and (p.source_id, p.traffic_type_id) is distinct from
               (coalesce(e.source_id, l.source_id), coalesce(e.traffic_type_id, l.traffic_type_id));
        perform app.credit_sale(payment.organization_id, payment.id);
        perform app.review_payment(payment.organization_id, payment.id);
    end if;
end;
$$;
comment on function app.place_payment(app.payments) is 'Where a payment of a lead belongs, as deals and earlier payments are now.';

-- app.finish_deals: what follows of a lead's deals from their payments: the value of those whose value is what was paid, the
-- subscription, which of them was the first, the type of their payments, and the exceptions of those without a rate.
create or replace function app.finish_deals(organization_id uuid, lead_id uuid) returns void
language plpgsql volatile set search_path = '' as $$
declare
    v_deal app.deals;
    v_day  date;
begin
    with paid as (
        select d.id, d.is_automatic, d.contract_value_source, d.contract_value, d.currency,
               coalesce(sum(p.amount) filter (where p.currency = d.currency and app.is_counted(p)), 0) as amount,
               (array_agg(p.provider_subscription_id order by p.payment_date, coalesce(p.provider_payment_id, ''), p.id)
                    filter (where p.provider_subscription_id is not null and p.deleted_at is null))[1] as subscription,
               case when row_number() over (order by d.closed_at, d.id) = 1 then 'new_deal' else 'upsell' end as deal_type
          from app.deals as d
          left join app.payments as p on p.organization_id = d.organization_id and p.deal_id = d.id
         where d.organization_id = finish_deals.organization_id and d.lead_id = finish_deals.lead_id
           and d.status = 'won' and d.deleted_at is null
         group by d.organization_id, d.id
    ), wanted as (
        select w.id, w.subscription, w.deal_type,
               case w.contract_value_source when 'paid' then app.money(w.amount, w.currency) else w.contract_value end as value
          from paid as w
         where w.is_automatic
    )
    update app.deals as d
       set contract_value = w.value, provider_subscription_id = w.subscription, deal_type = w.deal_type,
           contract_value_base = case
               when w.value = d.contract_value and d.contract_value_base is not null then d.contract_value_base
               when d.currency = d.base_currency then w.value
               else app.convert(d.organization_id, w.value, d.currency, (
                        select (d.closed_at at time zone o.timezone)::date from app.organizations as o
                         where o.id = d.organization_id)) end
      from wanted as w
     where d.organization_id = finish_deals.organization_id and d.id = w.id
       and ((d.contract_value, d.provider_subscription_id, d.deal_type) is distinct from (w.value, w.subscription, w.deal_type)
            or d.contract_value_base is null);
    update app.payments as p set deal_type = d.deal_type
      from app.deals as d
     where d.organization_id = finish_deals.organization_id and d.lead_id = finish_deals.lead_id and d.status = 'won'
       and p.organization_id = d.organization_id and p.deal_id = d.id and p.deal_type is distinct from d.deal_type;
    for v_deal in
        select d.* from app.deals as d
         where d.organization_id = finish_deals.organization_id and d.lead_id = finish_deals.lead_id
           and d.currency <> d.base_currency
    loop
        if v_deal.contract_value_base is null and v_deal.status <> 'void' and v_deal.deleted_at is null then
            select (v_deal.closed_at at time zone o.timezone)::date into v_day
              from app.organizations as o where o.id = v_deal.organization_id;
            perform app.record_exception(
                v_deal.organization_id, 'missing_rate', v_deal.id::text, 'critical', 'deals', array[v_deal.id],
                format('A deal of %s %s on %s counts nowhere: there is no rate to %s at most 7 days old.',
                       v_deal.contract_value, v_deal.currency, v_day, v_deal.base_currency),
                'Enter the exchange rate of that day.', jsonb_build_object('deal_id', v_deal.id));
        else
            perform app.resolve_exception(v_deal.organization_id, 'missing_rate', v_deal.id::text);
        end if;
    end loop;
end;
$$;
comment on function app.finish_deals(uuid, uuid) is 'What follows of a lead''s deals from their payments.';

-- app.settle_deals: bring the automatic deals of a lead, and where its payments belong, to what the facts say.
-- Guarantees: idempotent, and the same whatever order calls, forms and payments came in: the deals of calls first, then the
--             payments one after the other by their own order, each as the earlier ones leave the deals. Hand-made deals are
--             not touched. One transaction at a time settles a lead.
create or replace function app.settle_deals(organization_id uuid, lead_id uuid) returns void
language plpgsql volatile set search_path = '' as $$
declare
    v_id    uuid;
    p       app.payments;
    v_leads uuid[] := '{}';
begin
    if settle_deals.lead_id is null then
        return;
    end if;
    perform from app.leads as l
      where l.organization_id = settle_deals.organization_id and l.id = settle_deals.lead_id for no key update;
    perform app.settle_call_deals(settle_deals.organization_id, settle_deals.lead_id);
    perform app.void_automatic_deals(d.organization_id, array_agg(d.id), 'Its payment is another lead''s, or was deleted.')
       from app.deals as d
       join app.payments as o on o.organization_id = d.organization_id and o.id = d.origin_payment_id
      where d.organization_id = settle_deals.organization_id and d.lead_id = settle_deals.lead_id
        and d.is_automatic and d.status <> 'void'
        and (o.deleted_at is not null or o.lead_id is distinct from d.lead_id
             or not app.is_attributed_by_rule(o.attribution_method))
      group by d.organization_id;
    foreach v_id in array array(
        select o.id from app.payments as o
         where o.organization_id = settle_deals.organization_id and o.lead_id = settle_deals.lead_id and o.deleted_at is null
         order by o.payment_date, coalesce(o.provider_payment_id, ''), o.id)
    loop
        select o.* into p from app.payments as o
         where o.organization_id = settle_deals.organization_id and o.id = v_id and o.deleted_at is null
           for no key update;
        perform app.place_payment(p);
        v_leads := v_leads || array(
            select o.lead_id from app.payments as o
             where o.organization_id = p.organization_id and o.id = p.id and o.lead_id <> settle_deals.lead_id
               and o.lead_id <> all (v_leads));
    end loop;
    perform app.finish_deals(settle_deals.organization_id, settle_deals.lead_id);
    foreach v_id in array v_leads loop
        perform app.settle_deals(settle_deals.organization_id, v_id);
    end loop;
end;
$$;
comment on function app.settle_deals(uuid, uuid) is 'Bring the automatic deals of a lead to what the facts say.';

-- app.leads_to_settle: of these leads, locked in the order of their ids, those whom money or a closed call says something of:
-- they have a payment, a deal or a call that ended closed. Of the others there is nothing to settle.
-- Guarantees: two statements, however many leads; whoever pays for one of them in this moment was waited for, or waits.
create or replace function app.leads_to_settle(organization_id uuid, lead_ids uuid[]) returns uuid[]
language plpgsql volatile set search_path = '' set plan_cache_mode = force_generic_plan as $$
begin
    perform from app.leads as l
      where l.organization_id = leads_to_settle.organization_id and l.id = any (leads_to_settle.lead_ids)
      order by l.id for no key update;
    -- Each is asked for by its key: an "exists" here may be answered by reading all calls of the organization.
    return array(
        select distinct l.id
          from unnest(leads_to_settle.lead_ids) as l (id)
         where coalesce(
                (select true from app.payments as p
                  where p.organization_id = leads_to_settle.organization_id and p.lead_id = l.id limit 1),
                (select true from app.deals as d
                  where d.organization_id = leads_to_settle.organization_id and d.lead_id = l.id limit 1),
                (select true from app.events as e
                  where e.organization_id = leads_to_settle.organization_id and e.lead_id = l.id and e.event_outcome = 'closed' limit 1))
         order by l.id);
end;
$$;
comment on function app.leads_to_settle(uuid, uuid[]) is 'Of these leads those whom money or a closed call says something of, locked.';

-- app.follow_calls: deals and payments follow calls that changed: a call that ended closed is a deal and attracts payments,
-- other people are credited when others took or set it, and its source is theirs. What a person decided stays, but for the people
-- of a call that a person chose: whoever attributed a payment by hand chose its call, not its people, unless they named them, too.
-- lead_ids: whose the calls were and are; recredited_ids: calls of which other people, or another lead, are credited.
-- Guarantees: each lead that has money is settled once; calls of the others cost no statement of their own.
create or replace function app.follow_calls(organization_id uuid, event_ids uuid[], lead_ids uuid[], recredited_ids uuid[])
returns void
language plpgsql volatile set search_path = '' as $$
begin
    perform app.credit_sale(p.organization_id, p.id), app.review_payment(p.organization_id, p.id)
       from app.payments as p
      where p.organization_id = follow_calls.organization_id and p.event_id = any (follow_calls.recredited_ids)
        and p.attribution_method = 'manual' and p.deleted_at is null;
    perform app.settle_deals(follow_calls.organization_id, l.lead_id)
       from unnest(app.leads_to_settle(follow_calls.organization_id, follow_calls.lead_ids)) as l (lead_id);
    perform case when w.is_claim then app.credit_claim(follow_calls.organization_id, w.id)::text
                 else app.attribute_payment(follow_calls.organization_id, w.id) end
       from (select p.id, p.claim_state is not null as is_claim
               from app.events as e
               join app.payments as p on p.organization_id = e.organization_id and p.event_id = e.id
              where e.organization_id = follow_calls.organization_id and e.id = any (follow_calls.event_ids) and p.deleted_at is null
                and (p.claim_state is not null
                     or p.lead_id is distinct from e.lead_id and app.is_attributed_by_rule(p.attribution_method))
             union
             select p.id, p.claim_state is not null
               from app.events as e
               join app.payments as p on p.organization_id = e.organization_id and p.customer_email_norm = e.lead_email_norm
              where e.organization_id = follow_calls.organization_id and e.id = any (follow_calls.event_ids) and p.deleted_at is null
                and p.lead_id is distinct from e.lead_id and app.is_attributed_by_rule(p.attribution_method)) as w;
end;
$$;
comment on function app.follow_calls(uuid, uuid[], uuid[], uuid[]) is 'Deals and payments follow calls that changed.';

-- app.settle_new_payments: the same after payments were made where the ladder placed them: refunds that came before one are its
-- own, and a claim that it confirms is superseded. All of its lead is settled only when the payment opens a deal, when later
-- payments of the lead may move, or when another one was placed at the same moment. Then payments that know their customer by
-- it. What there is to do is asked at once, for all of them, of each by key (offset 0).
-- payments: as they were placed, of which made_ids are there now. opens_deal, moves_deal, earlier: of each, as app.find_sale answered.
create or replace function app.settle_new_payments(
    payments app.payments[], made_ids uuid[], opens_deal boolean[], moves_deal boolean[], earlier bigint[]
) returns void
language plpgsql volatile set search_path = '' as $$
declare
    p         app.payments;
    v_waiting record;
    v_settle  boolean;
begin
    for v_waiting in
        select n.ordinality as place,
               exists (
                select from app.payment_refunds as r
                 where r.payment_id is null and r.organization_id = n.organization_id
                   and r.provider = n.provider and r.provider_payment_id = n.provider_payment_id
                offset 0) as refunds,
               exists (
                select from app.payments as c
                 where c.organization_id = n.organization_id and c.lead_id = n.lead_id
                   and c.claim_state in ('pending', 'confirmed') and c.deleted_at is null
                offset 0) as claims,
               n.deal_id is not null and (
                select count(*) filter (where (n.payment_date, coalesce(n.provider_payment_id, ''), n.id)
                                              < (o.payment_date, coalesce(o.provider_payment_id, ''), o.id)) > 0
                    or count(*) filter (where o.deal_id = n.deal_id
                                          and (o.payment_date, coalesce(o.provider_payment_id, ''), o.id)
                                              < (n.payment_date, coalesce(n.provider_payment_id, ''), n.id)) <> earlier[n.ordinality]
                  from app.payments as o
                 where o.organization_id = n.organization_id and o.lead_id = n.lead_id and o.id <> n.id
                   and o.deleted_at is null) as others_of_lead,
               -- Others of the customer learn from this one only whose they are: nothing when it is nobody's, or theirs already.
               (n.lead_id is not null or n.provider_customer_id is not null and n.provider_subscription_id is not null)
               and (n.provider_customer_id is not null and exists (
                    select from app.payments as o
                     where o.organization_id = n.organization_id and o.provider = n.provider
                       and o.provider_customer_id = n.provider_customer_id
                       and o.attribution_method in ('none', 'reference', 'provider_customer', 'manual')
                       and o.attribution_method in ('none', 'provider_customer') and o.id <> n.id
                       and o.lead_id is distinct from n.lead_id)
                    or n.provider_subscription_id is not null and exists (
                    select from app.payments as o
                     where o.organization_id = n.organization_id and o.provider = n.provider
                       and o.provider_subscription_id = n.provider_subscription_id
                       and o.attribution_method in ('none', 'provider_customer') and o.id <> n.id
                       and o.lead_id is distinct from n.lead_id)) as others_of_customer
          from unnest(payments) with ordinality as n
         where n.id = any (made_ids)
    loop
        p := payments[v_waiting.place];
        if v_waiting.refunds then
            perform app.link_refunds(p.organization_id, p.provider, p.provider_account, p.provider_payment_id);
        end if;
        v_settle := opens_deal[v_waiting.place] or v_waiting.others_of_lead;
        if v_waiting.claims then
            v_settle := app.match_claims(p.organization_id, p.lead_id) or v_settle;
        end if;
        if v_settle then
            perform app.settle_deals(p.organization_id, p.lead_id);
        elsif moves_deal[v_waiting.place] then
            perform app.finish_deals(p.organization_id, p.lead_id);
        end if;
        if v_waiting.others_of_customer then
            perform app.pass_on_customer(p);
        end if;
    end loop;
end;
$$;
comment on function app.settle_new_payments(app.payments[], uuid[], boolean[], boolean[], bigint[]) is
    'Settle claims, deals and customers after payments were made.';

-- app.convert_waiting_deals: deals without a value in the organization's currency get one, now that rates changed.
create or replace function app.convert_waiting_deals(organization_id uuid) returns void
language plpgsql volatile set search_path = '' as $$
begin
    update app.deals as d set contract_value_base = c.base
      from (select w.id, app.convert(w.organization_id, w.contract_value, w.currency, (w.closed_at at time zone o.timezone)::date) as base
              from app.deals as w
              join app.organizations as o on o.id = w.organization_id
             where w.organization_id = convert_waiting_deals.organization_id and w.contract_value_base is null) as c
     where d.organization_id = convert_waiting_deals.organization_id and d.id = c.id and c.base is not null;
    perform app.resolve_exception(d.organization_id, 'missing_rate', d.id::text)
       from app.deals as d
       join app.exceptions as e
         on e.organization_id = d.organization_id and e.check_name = 'missing_rate' and e.dedupe_key = d.id::text and e.state = 'open'
      where d.organization_id = convert_waiting_deals.organization_id and d.contract_value_base is not null;
end;
$$;
comment on function app.convert_waiting_deals(uuid) is 'Convert deals that waited for an exchange rate.';

-- app.deal_money: what was collected for a deal, refunds deducted, and what it still owes by its schedule, in the organization's
-- currency, as the metrics say it. outstanding and overdue: NULL while nobody knows the schedule or the rate.
-- Definer: whoever sees a deal sees what all its payments come to, whoever is credited with them.
create or replace function app.deal_money(
    organization_id uuid, deal_id uuid, as_of timestamptz, out collected numeric, out outstanding numeric, out overdue numeric
) returns record
language plpgsql stable security definer set search_path = '' as $$
declare
    v_deal     app.deals;
    v_currency text;
    v_today    date;
    v_rate     numeric := 1;
    v_total    numeric;
    v_due      numeric;
begin
    select o.currency, (as_of at time zone o.timezone)::date into v_currency, v_today
      from app.organizations as o where o.id = deal_money.organization_id;
    select d.* into v_deal from app.deals as d
     where d.organization_id = deal_money.organization_id and d.id = deal_money.deal_id;
    select coalesce(sum(p.amount_base - coalesce(r.amount_base, 0)), 0) into collected
      from app.payments as p
      left join lateral (
        select sum(case f.kind when 'dispute_won' then -f.amount_base else f.amount_base end) as amount_base
          from app.payment_refunds as f
         where f.organization_id = p.organization_id and f.payment_id = p.id and f.status = 'succeeded'
       ) as r on true
     where p.organization_id = v_deal.organization_id and p.deal_id = v_deal.id and app.is_counted(p)
       and p.amount_base is not null;
    collected := app.money(collected, v_currency);
    if v_deal.status <> 'won' or v_deal.contract_value_source = 'paid' then
        outstanding := app.money(0, v_currency);
        overdue := outstanding;
        return;
    end if;
    select sum(i.amount), coalesce(sum(i.amount) filter (where i.due_on < v_today), 0) into v_total, v_due
      from app.deal_installments as i
     where i.organization_id = v_deal.organization_id and i.deal_id = v_deal.id;
    if v_deal.currency <> v_currency then
        v_rate := v_deal.contract_value_base / nullif(v_deal.contract_value, 0);
    end if;
    if v_total * v_rate is not null then
        outstanding := greatest(round(v_total * v_rate, app.currency_exponent(v_currency)) - collected, 0);
        overdue := greatest(round(v_due * v_rate, app.currency_exponent(v_currency)) - collected, 0);
    end if;
end;
$$;
comment on function app.deal_money(uuid, uuid, timestamptz) is
    'What was collected for a deal, and what it still owes by its schedule.';
grant execute on function app.deal_money(uuid, uuid, timestamptz) to authenticated, org_admin, super_admin;

-- app.has_locked_deal: does a line of a locked or paid payout rest on this deal, or on a payment of it?
create or replace function app.has_locked_deal(organization_id uuid, deal_id uuid) returns boolean
language plpgsql stable set search_path = '' as $$
begin
    return exists (
            select from app.commission_ledger as l
              join app.payout_snapshot_details as d on d.organization_id = l.organization_id and d.line_id = l.id and d.is_live
              join app.payout_snapshots as s on s.organization_id = d.organization_id and s.id = d.snapshot_id
             where l.organization_id = has_locked_deal.organization_id and l.deal_id = has_locked_deal.deal_id
               and s.state in ('locked', 'paid'))
        or exists (
            select from app.payments as p
             where p.organization_id = has_locked_deal.organization_id and p.deal_id = has_locked_deal.deal_id
               and app.has_locked_money(p.organization_id, p.id));
end;
$$;
comment on function app.has_locked_deal(uuid, uuid) is 'True when a line of a locked or paid payout rests on this deal.';

-- app.read_schedule: instalments as a person gives them, [{"due_on": "2026-03-10", "amount": 1000.00}, ...], in the order of
-- their days. Raises PT422 for what is no such list, and for instalments that do not add up to the value.
create or replace function app.read_schedule(
    installments jsonb, value numeric, currency text, out numbers integer[], out days date[], out amounts numeric[]
) returns record
language plpgsql immutable set search_path = '' as $$
begin
    if jsonb_typeof(installments) is distinct from 'array' or jsonb_array_length(installments) not between 1 and 120
       or exists (
            select from jsonb_array_elements(installments) as i
             where not coalesce(pg_input_is_valid(i ->> 'due_on', 'date'), false)
                or not coalesce(i ->> 'amount' ~ '^[0-9]{1,12}(\.[0-9]{1,6})?$', false)) then
        raise exception using errcode = 'PT422', message = 'These are no instalments.',
            hint = 'Send a list of up to 120, for example [{"due_on": "2026-03-10", "amount": "1000.00"}].';
    end if;
    select array_agg(r.no order by r.no), array_agg(r.due_on order by r.no), array_agg(r.amount order by r.no)
      into numbers, days, amounts
      from (select row_number() over (order by (i.value ->> 'due_on')::date, i.position)::integer as no,
                   (i.value ->> 'due_on')::date as due_on, app.require_amount((i.value ->> 'amount')::numeric, currency) as amount
              from jsonb_array_elements(installments) with ordinality as i (value, position)) as r;
    if (select sum(a.amount) from unnest(amounts) as a (amount)) <> value then
        raise exception using errcode = 'PT422', message = 'The instalments do not add up to the value of the deal.',
            detail = format('They add up to %s; the value is %s %s.',
                            (select sum(a.amount) from unnest(amounts) as a (amount)), value, currency);
    end if;
end;
$$;
comment on function app.read_schedule(jsonb, numeric, text) is 'Instalments as a person gives them; PT422 when they mean nothing.';

-- app.create_deal: a sale that a person answers for; no rule changes it. It takes the place of the automatic deal of its call.
-- What is left out comes from the call (lead, closing time, people), the package (value, schedule) and the lead's other deals
-- (new_deal or upsell). The lead's payments find it at once.
-- Raises PT404 for a lead, call, person or package that does not exist, PT409 for a call that has a hand-made deal, PT422 for
-- values without meaning and for a call of another lead.
create or replace function app.create_deal(
    organization_id uuid, lead_id uuid, contract_value numeric, currency text, closed_at timestamptz, origin_event_id uuid,
    closer_id uuid, setter_id uuid, package_id uuid, payment_type text, deal_type text, installments jsonb, reason text
) returns uuid
language plpgsql volatile set search_path = '' as $$
declare
    v_organization app.organizations;
    v_call         app.events;
    v_package      app.packages;
    v_people       record;
    v_schedule     record;
    v_other        app.deals;
    v_deal         app.deals;
begin
    select o.* into strict v_organization from app.organizations as o where o.id = create_deal.organization_id;
    if create_deal.origin_event_id is not null then
        v_call := app.lock_event(v_organization.id, create_deal.origin_event_id);
    end if;
    v_deal.lead_id := coalesce(create_deal.lead_id, v_call.lead_id);
    if v_deal.lead_id is null then
        raise exception using errcode = 'PT422', message = 'A deal is with a lead.',
            hint = 'Give lead_id, or origin_event_id of a call that has a lead.';
    elsif v_call.lead_id <> v_deal.lead_id then
        raise exception using errcode = 'PT422', message = 'The call is of another lead.',
            detail = format('It is of lead %s.', v_call.lead_id), hint = 'Leave lead_id out, or name another call.';
    end if;
    perform from app.leads as l
      where l.organization_id = v_organization.id and l.id = v_deal.lead_id and l.deleted_at is null and l.merged_into_id is null
        for no key update;
    if not found then
        raise exception using errcode = 'PT404', message = 'No such lead in this organization.';
    end if;
    select k.* into v_package from app.packages as k
     where k.organization_id = v_organization.id and k.id = create_deal.package_id;
    if create_deal.package_id is not null and v_package.id is null then
        raise exception using errcode = 'PT404', message = 'No such package in this organization.';
    elsif create_deal.closer_id is not null and not exists (
            select from app.closers as c where c.organization_id = v_organization.id and c.id = create_deal.closer_id) then
        raise exception using errcode = 'PT404', message = 'No such closer in this organization.';
    elsif create_deal.setter_id is not null and not exists (
            select from app.setters as s where s.organization_id = v_organization.id and s.id = create_deal.setter_id) then
        raise exception using errcode = 'PT404', message = 'No such setter in this organization.';
    elsif coalesce(create_deal.payment_type, 'pif') not in ('pif', 'payment_plan', 'financed') then
        raise exception using errcode = 'PT422', message = 'A deal is paid in full, by plan, or financed.',
            detail = format('%s was given.', quote_literal(left(create_deal.payment_type, 40))),
            hint = 'Choose pif, payment_plan or financed; a deposit is not a deal yet.';
    elsif coalesce(create_deal.deal_type, 'upsell') not in ('new_deal', 'upsell') then
        raise exception using errcode = 'PT422', message = 'A deal is a new deal or an upsell.',
            detail = format('%s was given.', quote_literal(left(create_deal.deal_type, 40))), hint = 'Choose new_deal or upsell.';
    end if;
    v_deal.organization_id := v_organization.id;
    v_deal.origin_event_id := v_call.id;
    v_deal.package_id := v_package.id;
    v_deal.payment_type := create_deal.payment_type;
    v_deal.closed_at := app.require_past(coalesce(create_deal.closed_at, v_call.scheduled_at));
    v_deal.currency := upper(btrim(coalesce(
        create_deal.currency, case when create_deal.contract_value is null then v_package.currency end, v_organization.currency)));
    v_deal.contract_value := app.require_amount(coalesce(create_deal.contract_value, v_package.price), v_deal.currency);
    v_deal.contract_value_source := 'given';
    v_deal.base_currency := v_organization.currency;
    v_deal.contract_value_base := app.deal_base(v_deal, null);
    v_people := app.people_of_sale(v_organization.id, v_call.id, null);
    if create_deal.installments is not null and jsonb_typeof(create_deal.installments) <> 'null' then
        v_schedule := app.read_schedule(create_deal.installments, v_deal.contract_value, v_deal.currency);
    else
        select coalesce(array_agg(s.installment_no), '{}') as numbers, array_agg(s.due_on) as days, array_agg(s.amount) as amounts
          into v_schedule from app.deal_schedule(v_deal) as s;
    end if;

    select d.* into v_other from app.deals as d
     where d.organization_id = v_organization.id and d.origin_event_id = v_call.id and d.status <> 'void' and d.deleted_at is null;
    if v_other.id is not null and not v_other.is_automatic then
        raise exception using errcode = 'PT409', message = 'This call has a deal that was made by hand.',
            detail = format('It is deal %s.', v_other.id), hint = 'Void that deal first.';
    elsif v_other.id is not null then
        perform app.refuse_locked_deal(v_other);
        perform app.void_automatic_deals(v_organization.id, array[v_other.id], 'A deal made by hand took its place.');
    end if;
    insert into app.deals as d (
        organization_id, lead_id, origin_event_id, package_id, closer_id, setter_id, contract_value, contract_value_source,
        currency, contract_value_base, base_currency, deal_type, payment_type, closed_at, reason, recorded_by)
    values (
        v_deal.organization_id, v_deal.lead_id, v_deal.origin_event_id, v_deal.package_id,
        coalesce(create_deal.closer_id, v_people.closer_id), coalesce(create_deal.setter_id, v_people.setter_id),
        v_deal.contract_value, v_deal.contract_value_source, v_deal.currency, v_deal.contract_value_base, v_deal.base_currency,
        coalesce(create_deal.deal_type, case when exists (
            select from app.deals as e
             where e.organization_id = v_deal.organization_id and e.lead_id = v_deal.lead_id and e.status = 'won'
               and e.deleted_at is null and e.closed_at < v_deal.closed_at) then 'upsell' else 'new_deal' end),
        v_deal.payment_type, v_deal.closed_at, create_deal.reason, auth.uid())
    returning d.* into v_deal;
    perform app.write_schedule(v_deal, v_schedule.numbers, v_schedule.days, v_schedule.amounts);
    perform app.settle_deals(v_deal.organization_id, v_deal.lead_id);
    return v_deal.id;
end;
$$;
comment on function app.create_deal(
    uuid, uuid, numeric, text, timestamptz, uuid, uuid, uuid, uuid, text, text, jsonb, text) is
    'A sale that a person answers for; answers the deal.';

-- app.refuse_locked_deal: raises PT409 while a locked payout rests on the deal.
create or replace function app.refuse_locked_deal(deal app.deals) returns void
language plpgsql stable set search_path = '' as $$
begin
    if app.has_locked_deal(deal.organization_id, deal.id) then
        raise exception using errcode = 'PT409', message = 'A locked payout rests on this deal.',
            hint = 'Post the difference as an adjustment in the open period.';
    end if;
end;
$$;
comment on function app.refuse_locked_deal(app.deals) is 'Raises PT409 while a locked payout rests on the deal.';

-- app.void_deal: a person says that this is no sale. No rule brings the deal back; its payments are attributed anew.
-- Raises PT404, and PT409 for one that is void or that a locked payout rests on.
create or replace function app.void_deal(organization_id uuid, deal_id uuid, reason text) returns uuid
language plpgsql volatile set search_path = '' as $$
declare
    v_deal app.deals;
begin
    perform from app.leads as l
       join app.deals as d on d.organization_id = l.organization_id and d.lead_id = l.id
      where d.organization_id = void_deal.organization_id and d.id = void_deal.deal_id
        for no key update of l;
    select d.* into v_deal from app.deals as d
     where d.organization_id = void_deal.organization_id and d.id = void_deal.deal_id and d.deleted_at is null
       for no key update;
    if not found then
        raise exception using errcode = 'PT404', message = 'No such deal in this organization.';
    elsif v_deal.status = 'void' then
        raise exception using errcode = 'PT409', message = 'This deal is void already.',
            detail = format('It was voided at %s.', v_deal.voided_at);
    end if;
    perform app.refuse_locked_deal(v_deal);
    update app.deals as d
       set status = 'void', voided_at = now(), void_reason = void_deal.reason, voided_by = auth.uid(), is_automatic = false
     where d.organization_id = v_deal.organization_id and d.id = v_deal.id;
    perform app.settle_deals(v_deal.organization_id, v_deal.lead_id);
    return v_deal.id;
end;
$$;
comment on function app.void_deal(uuid, uuid, text) is 'A person says that this is no sale; answers the deal.';
