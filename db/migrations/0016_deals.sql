-- What deals rest on, who decided about them, and the indexes by which payments find their customer and their deal.
-- depends: 0011_metric_indexes 0015_carriers

alter table app.deals
    add column is_automatic boolean not null default false,
    add column origin_payment_id uuid,
    add column contract_value_source text not null default 'given',
    add column reason text,
    add column recorded_by uuid,
    add column voided_by uuid,
    add constraint deals_origin_payment_id_fkey
        foreign key (organization_id, origin_payment_id) references app.payments (organization_id, id),
    add constraint deals_recorded_by_fkey foreign key (recorded_by) references auth.users (id) on delete set null,
    add constraint deals_voided_by_fkey foreign key (voided_by) references auth.users (id) on delete set null,
    add constraint deals_contract_value_source_is_known check (contract_value_source in ('given', 'form', 'package', 'paid')),
    add constraint deals_automatic_rests_on_a_fact check (not is_automatic or num_nonnulls(origin_event_id, origin_payment_id) = 1);
create unique index deals_automatic_event_key on app.deals (organization_id, origin_event_id) where is_automatic;
create unique index deals_automatic_payment_key on app.deals (organization_id, origin_payment_id) where is_automatic;
create index deals_origin_payment_id_idx on app.deals (organization_id, origin_payment_id);
create index deals_recorded_by_idx on app.deals (recorded_by);
create index deals_voided_by_idx on app.deals (voided_by);
create index deals_without_rate_idx on app.deals (organization_id) where contract_value_base is null;
comment on column app.deals.is_automatic is $$Follows its call or payment; false once a person decided about it.$$;
comment on column app.deals.origin_payment_id is $$The payment that opened it, of a sale without a call.$$;
comment on column app.deals.contract_value_source is $$Where the value comes from: given by a person, the form, the package's price, or what was paid.$$;
comment on column app.deals.reason is $$Why a person made it.$$;

-- Of a customer's payments those that say whose it is, or do not know it themselves.
create index payments_customer_evidence_idx on app.payments (organization_id, provider, provider_customer_id)
    where provider_customer_id is not null and attribution_method in ('none', 'reference', 'provider_customer', 'manual');
create index payments_claimed_amount_idx on app.payments (organization_id, amount, payment_date) where claim_state is not null;
create index payments_unknown_phone_idx on app.payments (organization_id, customer_phone)
    where lead_id is null and customer_phone is not null;
alter table app.leads add column full_name_norm text generated always as (lower(btrim(full_name))) stored;
create index leads_name_idx on app.leads (organization_id, full_name_norm);
