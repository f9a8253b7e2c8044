-- What must always be true of payments, refunds and credits, whoever writes them.

-- app.keep_refund_totals: payments.refund_amount is the sum of the payment's succeeded refunds and disputes less won disputes.
-- A won dispute may come before its withdrawal: until then the total is 0, not less.
-- Each payment is looked up by key: a session keeps its plan, and one made for many refunds read all payments for one.
create or replace function app.keep_refund_totals() returns trigger
language plpgsql set search_path = '' set enable_hashjoin = off set enable_mergejoin = off as $$
begin
    update app.payments as p
       set refund_amount = t.total
      from (select distinct k.organization_id, k.payment_id from changed_rows as k where k.payment_id is not null) as c
     cross join lateral (
        select greatest(0, coalesce(sum(case r.kind when 'dispute_won' then -r.amount else r.amount end)
                                    filter (where r.status = 'succeeded'), 0)) as total
          from app.payment_refunds as r
         where r.organization_id = c.organization_id and r.payment_id = c.payment_id) as t
     where p.organization_id = c.organization_id and p.id = c.payment_id and p.refund_amount <> t.total;
    return null;
end;
$$;
comment on function app.keep_refund_totals() is 'Keeps payments.refund_amount equal to the sum of its refunds.';

create or replace trigger keeps_refund_totals_of_new_rows after insert on app.payment_refunds
    referencing new table as changed_rows for each statement execute function app.keep_refund_totals();
create or replace trigger keeps_refund_totals_of_changed_rows after update on app.payment_refunds
    referencing new table as changed_rows for each statement execute function app.keep_refund_totals();
create or replace trigger keeps_refund_totals_of_deleted_rows after delete on app.payment_refunds
    referencing old table as changed_rows for each statement execute function app.keep_refund_totals();

-- app.require_whole_shares: at commit, the shares of each role of a payment that has credits add up to 1.
create or replace function app.require_whole_shares() returns trigger
language plpgsql set search_path = '' set enable_seqscan = off as $$
declare
    v_organization_id constant uuid := coalesce(new.organization_id, old.organization_id);
    v_payment_id      constant uuid := coalesce(new.payment_id, old.payment_id);
    v_role            constant text := coalesce(new.role, old.role);
    v_total           numeric;
begin
    select sum(c.share) into v_total from app.payment_credits as c
     where c.organization_id = v_organization_id and c.payment_id = v_payment_id and c.role = v_role;
    if v_total <> 1 then
        raise exception using errcode = '23514', message = 'The shares of a role must add up to 1.',
            detail = format('The %s credits of payment %s add up to %s.', v_role, v_payment_id, v_total),
            constraint = 'payment_credits_shares_add_up_to_one', table = 'payment_credits', schema = 'app';
    end if;
    return null;
end;
$$;
comment on function app.require_whole_shares() is 'At commit, the shares of each role of a payment add up to 1.';

drop trigger if exists payment_credits_shares_add_up_to_one on app.payment_credits;
create constraint trigger payment_credits_shares_add_up_to_one after insert or update or delete on app.payment_credits
    deferrable initially deferred for each row execute function app.require_whole_shares();

-- app.follow_rates: a new exchange rate converts the payments and deals that waited for one.
create or replace function app.follow_rates() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    perform app.convert_waiting_payments(c.organization_id), app.convert_waiting_deals(c.organization_id)
       from (select distinct r.organization_id from changed_rows as r) as c;
    return null;
end;
$$;
comment on function app.follow_rates() is 'A new exchange rate converts the payments and deals that waited for one.';

create or replace trigger converts_waiting_payments_after_insert after insert on app.fx_rates
    referencing new table as changed_rows for each statement execute function app.follow_rates();
create or replace trigger converts_waiting_payments_after_update after update on app.fx_rates
    referencing new table as changed_rows for each statement execute function app.follow_rates();

-- Calls that changed are followed by app.pass_on_event_people, once per statement.
drop trigger if exists payments_follow_changed_calls on app.events;
drop trigger if exists payments_by_hand_follow_changed_calls on app.events;

-- app.follow_new_calls: payments that came before the booking they were sold on. Most who book have paid nothing: one look tells.
-- Each call asks by key, in a subquery of its own: a session keeps its plan, and one made for many calls read all payments for one.
create or replace function app.follow_new_calls() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    if not exists (
        select from changed_rows as e
         where (select true from app.payments as p
                 where p.organization_id = e.organization_id and p.lead_id = e.lead_id and p.deleted_at is null limit 1)
            or (select true from app.payments as p
                 where p.organization_id = e.organization_id and p.customer_email_norm = e.lead_email_norm
                   and p.lead_id is distinct from e.lead_id and p.deleted_at is null limit 1)) then
        return null;
    end if;
    perform app.settle_deals(e.organization_id, e.lead_id)
       from (select distinct n.organization_id, n.lead_id from changed_rows as n) as e
      where (select true from app.payments as p
              where p.organization_id = e.organization_id and p.lead_id = e.lead_id and p.deleted_at is null limit 1);
    perform app.attribute_payment(w.organization_id, w.id)
       from (select distinct e.organization_id, p.id
               from changed_rows as e
              cross join lateral (
                    select o.id from app.payments as o
                     where o.organization_id = e.organization_id and o.customer_email_norm = e.lead_email_norm
                       and o.lead_id is distinct from e.lead_id and app.is_attributed_by_rule(o.attribution_method)
                       and o.deleted_at is null
                    offset 0) as p) as w;
    return null;
end;
$$;
comment on function app.follow_new_calls() is 'Payments that came before the booking they were sold on find it.';

create or replace trigger payments_follow_new_calls after insert on app.events
    referencing new table as changed_rows for each statement execute function app.follow_new_calls();

-- app.follow_form: forms that say anew what was sold on closed calls change their deals; other forms change the call.
-- Each lead is settled once.
create or replace function app.follow_form() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    perform app.settle_deals(c.organization_id, c.lead_id)
       from (select distinct e.organization_id, e.lead_id
               from new_rows as n
               join app.events as e on e.organization_id = n.organization_id and e.id = n.event_id
              where n.is_active and n.deal_closed and e.event_outcome = 'closed') as c;
    return null;
end;
$$;
comment on function app.follow_form() is 'Forms that say anew what was sold on closed calls change their deals.';

create or replace trigger deals_follow_forms after insert on app.post_call_forms
    referencing new table as new_rows for each statement execute function app.follow_form();

-- app.follow_identity: what a lead is known by from now on, or no more, finds the payments that carry it. Most leads are known by an
-- address alone, which no payment carries that is not theirs: one look by key tells.
create or replace function app.follow_identity() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    if exists (
        select from changed_rows as i
         where i.kind <> 'email'
            or (select true from app.payments as p
                 where p.organization_id = i.organization_id and p.customer_email_norm = i.value
                   and p.lead_id is distinct from i.lead_id and p.deleted_at is null limit 1)) then
        perform app.attribute_payment(w.organization_id, w.id)
           from (select distinct i.organization_id, p.id
                   from changed_rows as i
                  cross join lateral app.payments_known_by(i) as p (id)) as w;
    end if;
    return null;
end;
$$;
comment on function app.follow_identity() is 'What a lead is known by finds the payments that carry it.';

create or replace trigger payments_follow_new_identities after insert on app.lead_identities
    referencing new table as changed_rows for each statement execute function app.follow_identity();
create or replace trigger payments_follow_changed_identities after update on app.lead_identities
    referencing new table as changed_rows for each statement execute function app.follow_identity();
create or replace trigger payments_follow_removed_identities after delete on app.lead_identities
    referencing old table as changed_rows for each statement execute function app.follow_identity();

-- app.follow_connection: gateways drop what they remember of a connection that changed, and learn of a new one.
create or replace function app.follow_connection() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    perform pg_notify(app.announcement_channel('webhook_connections'), coalesce(new.id, old.id)::text);
    return null;
end;
$$;
comment on function app.follow_connection() is 'Tells gateways to forget a connection that changed.';

create or replace trigger announces_changed_connections
    after insert or update of connection_type, webhook_secret, webhook_secret_previous, webhook_secret_previous_until, is_active,
                    provider_account, deleted_at or delete on app.webhook_connections
    for each row execute function app.follow_connection();

-- app.follow_organization: the same for every connection of an organization that is suspended, restored or deleted.
create or replace function app.follow_organization() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    perform pg_notify(app.announcement_channel('webhook_connections'), c.id::text)
       from app.webhook_connections as c where c.organization_id = new.id;
    return null;
end;
$$;
comment on function app.follow_organization() is 'Tells gateways to forget the connections of an organization that changed.';

create or replace trigger announces_connections_of_changed_organizations
    after update of suspended_at, deleted_at on app.organizations
    for each row execute function app.follow_organization();
