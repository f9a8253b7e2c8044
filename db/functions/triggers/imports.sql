-- Imported payments of a processor, and the account that their connection turns out to have.

-- app.adopt_imported_payments: payments that were imported before anything said which account of their provider they are of, are
-- of the account of the provider's only connection: its deliveries then find them, and nothing is there twice.
create or replace function app.adopt_imported_payments() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
begin
    if exists (
        select from app.webhook_connections as c
         where c.organization_id = new.organization_id and c.connection_type = new.connection_type and c.deleted_at is null
           and c.provider_account <> new.provider_account) then
        return null;
    end if;
    update app.payment_refunds as r set provider_account = new.provider_account
     where r.organization_id = new.organization_id and r.provider = new.connection_type and r.provider_account = ''
       and exists (select from app.payments as p
                    where p.organization_id = r.organization_id and p.id = r.payment_id and p.source = 'import' and p.provider_account = ''
                      and not exists (
                            select from app.payments as o
                             where o.organization_id = p.organization_id and o.provider = p.provider
                               and o.provider_account = new.provider_account and o.provider_payment_id = p.provider_payment_id));
    update app.payments as p set provider_account = new.provider_account
     where p.organization_id = new.organization_id and p.provider = new.connection_type and p.provider_account = '' and p.source = 'import'
       and not exists (
            select from app.payments as o
             where o.organization_id = p.organization_id and o.provider = p.provider and o.provider_account = new.provider_account
               and o.provider_payment_id = p.provider_payment_id);
    return null;
end;
$$;
comment on function app.adopt_imported_payments() is 'Imported payments of a provider get the account of its only connection.';

create or replace trigger adopts_imported_payments after insert or update of provider_account on app.webhook_connections
    for each row when (new.provider_account <> '' and new.deleted_at is null and new.connection_type in ('stripe', 'whop'))
    execute function app.adopt_imported_payments();
