-- Carriers: what processors say about who pays, apart from the payments themselves.
-- depends: 0011_metric_indexes 0006_money

create table app.payment_carriers (
    organization_id  uuid not null,
    id               uuid not null default uuidv7(),
    provider         text not null,
    provider_account text not null default '',
    livemode         boolean not null default true,
    kind             text not null,
    carrier_id       text not null,
    invoice_id       text,
    payment_key      text,
    subscription_id  text,
    customer_id      text,
    email            text,
    phone            text,
    full_name        text,
    reference        text,
    metadata         jsonb not null default '{}',
    amount           numeric,
    currency         text,
    tax_amount       numeric,
    carried_at       timestamptz,
    is_settled       boolean not null default false,
    created_at       timestamptz not null default now(),
    updated_at       timestamptz not null default now(),
    constraint payment_carriers_pkey primary key (organization_id, id),
    constraint payment_carriers_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint payment_carriers_provider_is_known check (provider in ('stripe', 'whop')),
    constraint payment_carriers_kind_is_known check (kind in ('checkout_session', 'membership', 'invoice', 'invoice_payment')),
    constraint payment_carriers_invoice_is_its_own check (kind <> 'invoice' or invoice_id = carrier_id),
    constraint payment_carriers_ids_are_short check (
        length(carrier_id) <= 255 and length(invoice_id) <= 255 and length(payment_key) <= 255
        and length(subscription_id) <= 255 and length(customer_id) <= 255),
    constraint payment_carriers_metadata_is_an_object check (jsonb_typeof(metadata) = 'object'),
    constraint payment_carriers_amount_is_money check (app.is_money(amount, currency)),
    constraint payment_carriers_tax_is_money check (app.is_money(tax_amount, currency)),
    constraint payment_carriers_carrier_id_key unique (organization_id, provider, provider_account, livemode, kind, carrier_id)
);
create index payment_carriers_payment_key_idx on app.payment_carriers (organization_id, provider, provider_account, payment_key)
    where payment_key is not null;
create index payment_carriers_invoice_id_idx on app.payment_carriers (organization_id, provider, provider_account, invoice_id)
    where invoice_id is not null;
create index payment_carriers_subscription_id_idx on app.payment_carriers (organization_id, provider, provider_account, subscription_id)
    where subscription_id is not null;
create index payment_carriers_customer_id_idx on app.payment_carriers (organization_id, provider, provider_account, customer_id)
    where customer_id is not null;
create index payment_carriers_unsettled_idx on app.payment_carriers (organization_id, id) where not is_settled;
comment on table app.payment_carriers is $$Objects of processors that say who paid without being the money: checkout sessions, invoices, memberships.$$;
comment on column app.payment_carriers.carrier_id is $$The provider's id of the object.$$;
comment on column app.payment_carriers.invoice_id is $$The invoice it is, or belongs to; by it an invoice finds the payment that paid it.$$;
comment on column app.payment_carriers.payment_key is $$provider_payment_id of the payment it belongs to, where the object names it.$$;
comment on column app.payment_carriers.reference is $$Our own reference, as the organization handed it to the provider.$$;
comment on column app.payment_carriers.tax_amount is $$Tax inside amount, in currency.$$;
comment on column app.payment_carriers.carried_at is $$When the provider made the object; of two that disagree the earlier one holds.$$;
comment on column app.payment_carriers.is_settled is $$False until the worker has looked whether a payment of the same moment missed it.$$;

alter table app.payments add column carried jsonb not null default '{}';
comment on column app.payments.carried is $$Which values the payment did not say itself, and from where they are: receipt, payment, subscription, customer.$$;
create index payments_provider_subscription_idx on app.payments (organization_id, provider, provider_subscription_id)
    where provider_subscription_id is not null;
