-- Under which account of its provider money is kept.
-- Internal: nobody but the owner may call these.

-- app.money_account: all of Whop's money is kept without an account: its ids are unique over all of them, and only some generations
-- of its deliveries name one.
create or replace function app.money_account(provider text, account text) returns text
language sql immutable parallel safe
return case provider when 'whop' then '' else account end;
comment on function app.money_account(text, text) is 'Under which account of its provider money is kept.';

-- app.only_account: the account that all connections of a provider name that ever named one, deleted ones too; NULL when they name
-- none, or several. A further connection that names none is taken to be of it: ids of Stripe are unique over all accounts, so
-- that is harmless if it is another one, while without an account its money would be there twice if it is the same.
create or replace function app.only_account(organization_id uuid, provider text) returns text
language sql stable
begin atomic
    select min(c.provider_account)
      from app.webhook_connections as c
     where c.organization_id = only_account.organization_id and c.connection_type = only_account.provider
       and c.provider_account <> '' and only_account.provider = 'stripe'
    having count(distinct c.provider_account) = 1;
end;
comment on function app.only_account(uuid, text) is 'The one account that connections of a provider have named, else NULL.';
