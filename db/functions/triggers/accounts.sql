-- Money is kept under the account of its provider that its connection names. A connection that is named later, or otherwise, takes its
-- money along: what is told of it from then on finds it, and nothing is there twice.
-- Stripe's only: all of Whop's money has no account (app.money_account).

drop trigger if exists adopts_imported_payments on app.webhook_connections;

-- app.move_money_to_account: what a provider told under one account is of another. A payment or refund that is there already
-- under the other one stays where it is.
-- connection_id: only payments that came through it, and what belongs to them; NULL for all money of the account, whatever told of
-- it: imports, connections that are gone, refunds and carriers that wait for their payment.
create or replace function app.move_money_to_account(
    organization_id uuid, provider text, from_account text, to_account text, connection_id uuid
) returns void
language plpgsql volatile set search_path = '' as $$
declare
    v_moved uuid[];
begin
    with moved as (
        update app.payments as p set provider_account = to_account
         where p.organization_id = move_money_to_account.organization_id and p.provider = move_money_to_account.provider
           and p.provider_account = from_account
           and (move_money_to_account.connection_id is null or p.whop_connection_id = move_money_to_account.connection_id)
           and not exists (
                select from app.payments as o
                 where o.organization_id = p.organization_id and o.provider = p.provider and o.provider_account = to_account
                   and o.provider_payment_id = p.provider_payment_id)
        returning p.id
    )
    select coalesce(array_agg(m.id), '{}') into v_moved from moved as m;
    update app.payment_refunds as r set provider_account = to_account
     where r.organization_id = move_money_to_account.organization_id and r.provider = move_money_to_account.provider
       and r.provider_account = from_account
       and (r.payment_id = any (v_moved) or r.payment_id is null and move_money_to_account.connection_id is null)
       and not exists (
            select from app.payment_refunds as o
             where o.organization_id = r.organization_id and o.provider = r.provider and o.provider_account = to_account
               and o.provider_refund_id = r.provider_refund_id and o.kind = r.kind);
    update app.payment_carriers as c set provider_account = to_account
     where c.organization_id = move_money_to_account.organization_id and c.provider = move_money_to_account.provider
       and c.provider_account = from_account
       and (move_money_to_account.connection_id is null
            or exists (select from app.payments as p
                        where p.organization_id = c.organization_id and p.id = any (v_moved)
                          and (p.provider_payment_id = c.payment_key or p.provider_customer_id = c.customer_id
                               or p.provider_subscription_id = c.subscription_id)))
       and not exists (
            select from app.payment_carriers as o
             where o.organization_id = c.organization_id and o.provider = c.provider and o.provider_account = to_account
               and o.livemode = c.livemode and o.kind = c.kind and o.carrier_id = c.carrier_id);
end;
$$;
comment on function app.move_money_to_account(uuid, text, text, text, uuid) is 'What a provider told under one account is of another.';

-- app.money_follows_its_account: a connection has another account than before, or is the first to name one. Money without an account is
-- of the account of the provider's only one; else a connection takes what came through it.
-- What was told through connections that are gone is waited for here, what comes through this one before (app.wait_for_deliveries).
-- Definer: whoever writes the connection has no rights on money; the organization is the row's own.
create or replace function app.money_follows_its_account() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_from    constant text := case tg_op when 'UPDATE' then old.provider_account else '' end;
    v_is_only constant boolean := not exists (
        select from app.webhook_connections as c
         where c.organization_id = new.organization_id and c.connection_type = new.connection_type and c.deleted_at is null
           and c.provider_account <> new.provider_account);
begin
    if v_from = '' and v_is_only then
        perform from app.webhook_connections as c
          where c.organization_id = new.organization_id and c.connection_type = new.connection_type and c.id <> new.id
          order by c.id
            for update;
        perform app.move_money_to_account(new.organization_id, new.connection_type, v_from, new.provider_account, null);
    elsif tg_op = 'UPDATE' then
        perform app.move_money_to_account(new.organization_id, new.connection_type, v_from, new.provider_account, new.id);
    end if;
    return null;
end;
$$;
comment on function app.money_follows_its_account() is 'Money moves with the account that its connection names.';

-- app.wait_for_deliveries: whoever takes in deliveries of a connection, or replays them, holds its key from when they read its account. So
-- before it gets another one those are waited for: what they keep moves with the rest. Who comes later waits, and reads the new one.
-- Definer: whoever writes the connection has no rights in app; the row is its own.
create or replace function app.wait_for_deliveries() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
begin
    perform from app.webhook_connections as c where c.organization_id = old.organization_id and c.id = old.id for update;
    return new;
end;
$$;
comment on function app.wait_for_deliveries() is 'A connection gets another account when no delivery of it is under way.';

create or replace trigger waits_for_deliveries before update of provider_account on app.webhook_connections
    for each row when (new.provider_account <> old.provider_account and old.connection_type = 'stripe')
    execute function app.wait_for_deliveries();
create or replace trigger moves_money_to_its_first_account after insert on app.webhook_connections
    for each row when (new.provider_account <> '' and new.deleted_at is null and new.connection_type = 'stripe')
    execute function app.money_follows_its_account();
create or replace trigger moves_money_to_its_account after update of provider_account on app.webhook_connections
    for each row when (new.provider_account <> old.provider_account and new.deleted_at is null and new.connection_type = 'stripe')
    execute function app.money_follows_its_account();
