-- Deals, payments, credits, commission and payouts.
-- depends: 0005_sales

create table app.deals (
    organization_id          uuid not null,
    id                       uuid not null default uuidv7(),
    lead_id                  uuid not null,
    origin_event_id          uuid,
    package_id               uuid,
    closer_id                uuid,
    setter_id                uuid,
    contract_value           numeric not null,
    currency                 text not null,
    contract_value_base      numeric,
    base_currency            text,
    status                   text not null default 'won',
    deal_type                text not null default 'new_deal',
    payment_type             text,
    closed_at                timestamptz not null,
    provider_subscription_id text,
    voided_at                timestamptz,
    void_reason              text,
    deleted_at               timestamptz,
    deleted_reason           text,
    created_at               timestamptz not null default now(),
    updated_at               timestamptz not null default now(),
    constraint deals_pkey primary key (organization_id, id),
    constraint deals_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint deals_lead_id_fkey
        foreign key (organization_id, lead_id) references app.leads (organization_id, id),
    constraint deals_origin_event_id_fkey
        foreign key (organization_id, origin_event_id) references app.events (organization_id, id),
    constraint deals_package_id_fkey
        foreign key (organization_id, package_id) references app.packages (organization_id, id),
    constraint deals_closer_id_fkey
        foreign key (organization_id, closer_id) references app.closers (organization_id, id),
    constraint deals_setter_id_fkey
        foreign key (organization_id, setter_id) references app.setters (organization_id, id),
    constraint deals_status_is_known check (status in ('won', 'canceled', 'void')),
    constraint deals_deal_type_is_known check (deal_type in ('new_deal', 'upsell')),
    constraint deals_payment_type_is_known check (payment_type in ('pif', 'payment_plan', 'deposit', 'financed')),
    constraint deals_contract_value_is_not_negative check (contract_value >= 0),
    constraint deals_contract_value_is_money check (app.is_money(contract_value, currency)),
    constraint deals_contract_value_base_is_money check (app.is_money(contract_value_base, base_currency)),
    constraint deals_void_says_why check (status <> 'void' or (voided_at is not null and void_reason is not null))
);
create unique index deals_origin_event_id_key on app.deals (organization_id, origin_event_id) where status <> 'void' and deleted_at is null;
create index deals_closer_id_idx on app.deals (organization_id, closer_id);
create index deals_lead_id_idx on app.deals (organization_id, lead_id);
create index deals_origin_event_id_idx on app.deals (organization_id, origin_event_id);
create index deals_package_id_idx on app.deals (organization_id, package_id);
create index deals_setter_id_idx on app.deals (organization_id, setter_id);
create index deals_closed_at_idx on app.deals (organization_id, closed_at);
create index deals_provider_subscription_idx on app.deals (organization_id, provider_subscription_id);
comment on table app.deals is $$Sales: what was agreed, who gets credit, by which schedule it is paid.$$;
comment on column app.deals.origin_event_id is $$The call that closed it; NULL for a sale without a call.$$;
comment on column app.deals.contract_value_base is $$In the organization's currency, frozen at the closing day's rate.$$;

create table app.deal_installments (
    organization_id uuid not null,
    id              uuid not null default uuidv7(),
    deal_id         uuid not null,
    installment_no  integer not null,
    due_on          date not null,
    amount          numeric not null,
    currency        text not null,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    constraint deal_installments_pkey primary key (organization_id, id),
    constraint deal_installments_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint deal_installments_deal_id_fkey
        foreign key (organization_id, deal_id) references app.deals (organization_id, id),
    constraint deal_installments_number_is_positive check (installment_no >= 1),
    constraint deal_installments_amount_is_positive check (amount > 0),
    constraint deal_installments_amount_is_money check (app.is_money(amount, currency)),
    constraint deal_installments_installment_no_key unique (organization_id, deal_id, installment_no)
);
create index deal_installments_due_on_idx on app.deal_installments (organization_id, due_on);
comment on table app.deal_installments is $$The schedule of a deal.$$;

create table app.payments (
    organization_id          uuid not null,
    id                       uuid not null default uuidv7(),
    lead_id                  uuid,
    event_id                 uuid,
    deal_id                  uuid,
    installment_no           integer,
    post_call_form_id        uuid,
    closer_id                uuid,
    setter_id                uuid,
    source_id                uuid,
    traffic_type_id          uuid,
    package_id               uuid,
    whop_connection_id       uuid,
    source                   text not null,
    provider                 text not null,
    provider_account         text not null default '',
    provider_payment_id      text,
    provider_charge_id       text,
    status                   text not null,
    livemode                 boolean not null default true,
    amount                   numeric not null,
    currency                 text not null,
    amount_base              numeric,
    base_currency            text not null,
    fee_amount               numeric,
    tax_amount               numeric,
    refund_amount            numeric not null default 0,
    net_revenue              numeric generated always as (amount - refund_amount) stored,
    payment_date             timestamptz not null,
    customer_email           text,
    customer_email_norm      text generated always as (lower(btrim(customer_email))) stored,
    customer_name            text,
    customer_phone           text,
    provider_customer_id     text,
    provider_subscription_id text,
    payment_type             text,
    deal_type                text,
    description              text,
    metadata                 jsonb not null default '{}',
    superseded_by_id         uuid,
    claim_state              text,
    attribution_method       text not null default 'none',
    attribution_confidence   numeric not null default 0,
    attribution_steps        jsonb not null default '[]',
    recorded_by              uuid,
    reason                   text,
    deleted_at               timestamptz,
    deleted_reason           text,
    created_at               timestamptz not null default now(),
    updated_at               timestamptz not null default now(),
    constraint payments_pkey primary key (organization_id, id),
    constraint payments_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint payments_lead_id_fkey
        foreign key (organization_id, lead_id) references app.leads (organization_id, id),
    constraint payments_event_id_fkey
        foreign key (organization_id, event_id) references app.events (organization_id, id),
    constraint payments_deal_id_fkey
        foreign key (organization_id, deal_id) references app.deals (organization_id, id),
    constraint payments_post_call_form_id_fkey
        foreign key (organization_id, post_call_form_id) references app.post_call_forms (organization_id, id),
    constraint payments_closer_id_fkey
        foreign key (organization_id, closer_id) references app.closers (organization_id, id),
    constraint payments_setter_id_fkey
        foreign key (organization_id, setter_id) references app.setters (organization_id, id),
    constraint payments_source_id_fkey
        foreign key (organization_id, source_id) references app.sources (organization_id, id),
    constraint payments_traffic_type_id_fkey
        foreign key (organization_id, traffic_type_id) references app.traffic_types (organization_id, id),
    constraint payments_package_id_fkey
        foreign key (organization_id, package_id) references app.packages (organization_id, id),
    constraint payments_whop_connection_id_fkey
        foreign key (organization_id, whop_connection_id) references app.webhook_connections (organization_id, id),
    constraint payments_superseded_by_id_fkey
        foreign key (organization_id, superseded_by_id) references app.payments (organization_id, id),
    constraint payments_recorded_by_fkey
        foreign key (recorded_by) references auth.users (id) on delete set null,
    constraint payments_amount_is_positive check (amount > 0),
    constraint payments_amount_is_money check (app.is_money(amount, currency)),
    constraint payments_amount_base_is_money check (app.is_money(amount_base, base_currency)),
    constraint payments_fee_is_money check (app.is_money(fee_amount, base_currency)),
    constraint payments_tax_is_money check (app.is_money(tax_amount, base_currency)),
    constraint payments_refund_amount_is_in_range check (refund_amount >= 0),
    constraint payments_currencies_are_known check (app.currency_exponent(currency) is not null and app.currency_exponent(base_currency) is not null),
    constraint payments_source_is_known check (source in ('manual', 'stripe', 'whop', 'import')),
    constraint payments_provider_is_known check (provider in ('manual', 'stripe', 'whop', 'import')),
    constraint payments_processor_money_has_an_id check (provider not in ('stripe', 'whop') or provider_payment_id is not null),
    constraint payments_status_is_known check (status in ('pending', 'succeeded', 'failed', 'canceled')),
    constraint payments_payment_type_is_known check (payment_type in ('pif', 'payment_plan', 'deposit', 'financed')),
    constraint payments_deal_type_is_known check (deal_type in ('new_deal', 'upsell')),
    constraint payments_claim_state_is_known check (claim_state in ('pending', 'confirmed', 'rejected', 'superseded')),
    constraint payments_claim_rests_on_a_form check (claim_state is null or (source = 'manual' and post_call_form_id is not null)),
    constraint payments_method_is_known check (attribution_method in ('none', 'reference', 'provider_customer', 'identity_deal', 'identity_event', 'claim', 'manual', 'form', 'import')),
    constraint payments_confidence_is_a_share check (attribution_confidence between 0 and 1),
    constraint payments_is_not_superseded_by_itself check (superseded_by_id <> id),
    constraint payments_provider_payment_id_key unique (organization_id, provider, provider_account, provider_payment_id)
);
create unique index payments_post_call_form_id_key on app.payments (organization_id, post_call_form_id) where post_call_form_id is not null;
create index payments_deal_id_idx on app.payments (organization_id, deal_id);
create index payments_event_id_idx on app.payments (organization_id, event_id);
create index payments_lead_id_idx on app.payments (organization_id, lead_id);
create index payments_package_id_idx on app.payments (organization_id, package_id);
create index payments_post_call_form_id_idx on app.payments (organization_id, post_call_form_id);
create index payments_source_id_idx on app.payments (organization_id, source_id);
create index payments_superseded_by_id_idx on app.payments (organization_id, superseded_by_id);
create index payments_traffic_type_id_idx on app.payments (organization_id, traffic_type_id);
create index payments_whop_connection_id_idx on app.payments (organization_id, whop_connection_id);
create index payments_recorded_by_idx on app.payments (recorded_by);
create index payments_payment_date_idx on app.payments (organization_id, payment_date desc, id desc);
create index payments_closer_id_payment_date_idx on app.payments (organization_id, closer_id, payment_date desc);
create index payments_setter_id_payment_date_idx on app.payments (organization_id, setter_id, payment_date desc);
create index payments_customer_email_idx on app.payments (organization_id, customer_email_norm, payment_date desc);
create index payments_provider_customer_idx on app.payments (organization_id, provider, provider_customer_id);
create index payments_provider_charge_idx on app.payments (organization_id, provider, provider_charge_id);
comment on table app.payments is $$Money received, one row per payment whatever number of deliveries told of it.$$;
comment on column app.payments.post_call_form_id is $$The form whose claim this is.$$;
comment on column app.payments.closer_id is $$The largest closer credit.$$;
comment on column app.payments.setter_id is $$The largest setter credit.$$;
comment on column app.payments.whop_connection_id is $$The connection it came through, whatever the provider.$$;
comment on column app.payments.livemode is $$False: made in the provider's test mode, counts nowhere.$$;
comment on column app.payments.amount is $$Major units of currency, at exactly its scale.$$;
comment on column app.payments.amount_base is $$In base_currency, converted once at the payment day; NULL until a rate exists.$$;
comment on column app.payments.fee_amount is $$Processor fee, in base_currency.$$;
comment on column app.payments.tax_amount is $$Tax inside the amount, in base_currency.$$;
comment on column app.payments.refund_amount is $$Sum of succeeded refunds and disputes less won disputes, in currency.$$;
comment on column app.payments.payment_date is $$When the provider confirmed the money.$$;
comment on column app.payments.claim_state is $$Of a payment that a form claims: pending, confirmed, rejected, superseded.$$;

create table app.payment_refunds (
    organization_id     uuid not null,
    id                  uuid not null default uuidv7(),
    payment_id          uuid,
    kind                text not null,
    status              text not null default 'succeeded',
    amount              numeric not null,
    currency            text not null,
    amount_base         numeric,
    base_currency       text not null,
    refunded_at         timestamptz not null,
    provider            text not null,
    provider_account    text not null default '',
    provider_refund_id  text,
    provider_payment_id text,
    provider_charge_id  text,
    reason              text,
    recorded_by         uuid,
    created_at          timestamptz not null default now(),
    updated_at          timestamptz not null default now(),
    constraint payment_refunds_pkey primary key (organization_id, id),
    constraint payment_refunds_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint payment_refunds_payment_id_fkey
        foreign key (organization_id, payment_id) references app.payments (organization_id, id),
    constraint payment_refunds_recorded_by_fkey
        foreign key (recorded_by) references auth.users (id) on delete set null,
    constraint payment_refunds_kind_is_known check (kind in ('refund', 'dispute', 'dispute_won')),
    constraint payment_refunds_status_is_known check (status in ('pending', 'requires_action', 'succeeded', 'failed', 'canceled')),
    constraint payment_refunds_amount_is_positive check (amount > 0),
    constraint payment_refunds_amount_is_money check (app.is_money(amount, currency)),
    constraint payment_refunds_amount_base_is_money check (app.is_money(amount_base, base_currency)),
    constraint payment_refunds_provider_is_known check (provider in ('manual', 'stripe', 'whop', 'import')),
    constraint payment_refunds_has_a_payment_or_its_id check (payment_id is not null or provider_payment_id is not null or provider_charge_id is not null),
    constraint payment_refunds_provider_refund_id_key unique (organization_id, provider, provider_account, provider_refund_id, kind)
);
create index payment_refunds_payment_id_idx on app.payment_refunds (organization_id, payment_id);
create index payment_refunds_recorded_by_idx on app.payment_refunds (recorded_by);
create index payment_refunds_refunded_at_idx on app.payment_refunds (organization_id, refunded_at);
create index payment_refunds_waiting_idx on app.payment_refunds (organization_id, provider, provider_payment_id) where payment_id is null;
comment on table app.payment_refunds is $$Refunds and disputes, each on its own day; payment_id is NULL while the payment itself has not arrived.$$;
comment on column app.payment_refunds.amount is $$Positive, in the currency of the payment.$$;

create table app.payment_credits (
    organization_id uuid not null,
    id              uuid not null default uuidv7(),
    payment_id      uuid not null,
    role            text not null,
    closer_id       uuid,
    setter_id       uuid,
    payee_id        uuid,
    share           numeric not null,
    amount_base     numeric,
    base_currency   text not null,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    constraint payment_credits_pkey primary key (organization_id, id),
    constraint payment_credits_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint payment_credits_payment_id_fkey
        foreign key (organization_id, payment_id) references app.payments (organization_id, id),
    constraint payment_credits_closer_id_fkey
        foreign key (organization_id, closer_id) references app.closers (organization_id, id),
    constraint payment_credits_setter_id_fkey
        foreign key (organization_id, setter_id) references app.setters (organization_id, id),
    constraint payment_credits_payee_id_fkey
        foreign key (organization_id, payee_id) references app.payees (organization_id, id),
    constraint payment_credits_role_is_known check (role in ('closer', 'setter')),
    constraint payment_credits_role_has_its_person check (case role when 'closer' then closer_id is not null and setter_id is null else setter_id is not null and closer_id is null end),
    constraint payment_credits_share_is_a_share check (share > 0 and share <= 1),
    constraint payment_credits_amount_base_is_money check (app.is_money(amount_base, base_currency)),
    constraint payment_credits_person_key unique nulls not distinct (organization_id, payment_id, role, closer_id, setter_id)
);
create index payment_credits_payee_id_idx on app.payment_credits (organization_id, payee_id);
create index payment_credits_closer_id_payment_id_idx on app.payment_credits (organization_id, closer_id, payment_id);
create index payment_credits_setter_id_payment_id_idx on app.payment_credits (organization_id, setter_id, payment_id);
comment on table app.payment_credits is $$A person's share of a payment, per role; shares of one role add up to 1.$$;
comment on column app.payment_credits.amount_base is $$Largest-remainder part of the payment in base_currency; parts add up to the whole.$$;

create table app.commission_plans (
    organization_id uuid not null,
    id              uuid not null default uuidv7(),
    name            text not null,
    description     text,
    archived_at     timestamptz,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    constraint commission_plans_pkey primary key (organization_id, id),
    constraint commission_plans_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint commission_plans_name_is_not_blank check (btrim(name) <> ''),
    constraint commission_plans_name_key unique (organization_id, name)
);
comment on table app.commission_plans is $$Named commission plans.$$;

create table app.commission_plan_versions (
    organization_id      uuid not null,
    id                   uuid not null default uuidv7(),
    plan_id              uuid not null,
    version              integer not null,
    tier_measure         text,
    tier_mode            text,
    tier_period          text,
    rate_basis           text not null default 'deal_closed',
    is_net_of_fees       boolean not null default false,
    hold_days            integer not null default 0,
    reserve_share        numeric not null default 0,
    reserve_days         integer not null default 0,
    clawback_window_days integer,
    cap_amount           numeric,
    floor_amount         numeric,
    draw_amount          numeric,
    minimum_payable      numeric not null default 0,
    currency             text not null,
    activated_at         timestamptz,
    created_at           timestamptz not null default now(),
    updated_at           timestamptz not null default now(),
    constraint commission_plan_versions_pkey primary key (organization_id, id),
    constraint commission_plan_versions_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint commission_plan_versions_plan_id_fkey
        foreign key (organization_id, plan_id) references app.commission_plans (organization_id, id),
    constraint commission_plan_versions_version_is_positive check (version >= 1),
    constraint commission_plan_versions_tier_measure_is_known check (tier_measure in ('cash', 'closes', 'shows')),
    constraint commission_plan_versions_tier_mode_is_known check (tier_mode in ('marginal', 'retroactive')),
    constraint commission_plan_versions_tier_period_is_known check (tier_period in ('month', 'quarter', 'year', 'pay_period')),
    constraint commission_plan_versions_tiers_are_whole check (num_nonnulls(tier_measure, tier_mode, tier_period) in (0, 3)),
    constraint commission_plan_versions_rate_basis_is_known check (rate_basis in ('deal_closed', 'payment_day')),
    constraint commission_plan_versions_days_are_not_negative check (hold_days >= 0 and reserve_days >= 0 and clawback_window_days >= 0),
    constraint commission_plan_versions_reserve_share_is_a_share check (reserve_share >= 0 and reserve_share < 1),
    constraint commission_plan_versions_amounts_are_money check (app.is_money(cap_amount, currency) and app.is_money(floor_amount, currency) and app.is_money(draw_amount, currency)),
    constraint commission_plan_versions_version_key unique (organization_id, plan_id, version)
);
comment on table app.commission_plan_versions is $$What a plan pays, in one version; active versions are immutable.$$;

create table app.commission_plan_components (
    organization_id uuid not null,
    id              uuid not null default uuidv7(),
    plan_version_id uuid not null,
    role            text not null,
    component       text not null,
    rate            numeric,
    flat_amount     numeric,
    currency        text not null,
    tier_from       numeric not null default 0,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    constraint commission_plan_components_pkey primary key (organization_id, id),
    constraint commission_plan_components_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint commission_plan_components_plan_version_id_fkey
        foreign key (organization_id, plan_version_id) references app.commission_plan_versions (organization_id, id) on delete cascade,
    constraint commission_plan_components_role_is_known check (role in ('closer', 'setter', 'override')),
    constraint commission_plan_components_component_is_known check (component in ('cash', 'set', 'show', 'close')),
    constraint commission_plan_components_pays_one_way check (case component when 'cash' then rate is not null and flat_amount is null else flat_amount is not null and rate is null end),
    constraint commission_plan_components_rate_is_a_share check (rate >= 0 and rate <= 1),
    constraint commission_plan_components_flat_amount_is_money check (app.is_money(flat_amount, currency)),
    constraint commission_plan_components_tier_from_is_not_negative check (tier_from >= 0),
    constraint commission_plan_components_bracket_key unique (organization_id, plan_version_id, role, component, tier_from)
);
comment on table app.commission_plan_components is $$Typed parts of a plan version: a rate on cash by bracket, or a flat amount per set, show or close.$$;
comment on column app.commission_plan_components.tier_from is $$Lower bound of the bracket, in the tier measure.$$;

create table app.commission_plan_assignments (
    organization_id     uuid not null,
    id                  uuid not null default uuidv7(),
    plan_id             uuid not null,
    payee_id            uuid not null,
    role                text not null,
    effective           daterange not null,
    overrides_payee_ids uuid[],
    created_at          timestamptz not null default now(),
    updated_at          timestamptz not null default now(),
    constraint commission_plan_assignments_pkey primary key (organization_id, id),
    constraint commission_plan_assignments_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint commission_plan_assignments_plan_id_fkey
        foreign key (organization_id, plan_id) references app.commission_plans (organization_id, id),
    constraint commission_plan_assignments_payee_id_fkey
        foreign key (organization_id, payee_id) references app.payees (organization_id, id),
    constraint commission_plan_assignments_role_is_known check (role in ('closer', 'setter', 'override')),
    constraint commission_plan_assignments_range_is_not_empty check (not isempty(effective))
);
create index commission_plan_assignments_payee_id_idx on app.commission_plan_assignments (organization_id, payee_id);
create index commission_plan_assignments_plan_id_idx on app.commission_plan_assignments (organization_id, plan_id);
comment on table app.commission_plan_assignments is $$Which plan pays a person in a role, and when; ranges of one person and role never overlap.$$;
comment on column app.commission_plan_assignments.overrides_payee_ids is $$Whose bases an override is paid on; NULL means everybody's.$$;

create table app.commission_ledger (
    organization_id    uuid not null,
    id                 uuid not null default uuidv7(),
    payee_id           uuid not null,
    role               text not null,
    kind               text not null,
    component          text,
    payment_id         uuid,
    refund_id          uuid,
    event_id           uuid,
    deal_id            uuid,
    plan_version_id    uuid,
    reverses_id        uuid,
    base               numeric,
    share              numeric,
    rate               numeric,
    tier               integer,
    attainment_version integer,
    amount             numeric not null,
    currency           text not null,
    earned_on          date not null,
    available_on       date not null,
    reason             text,
    created_at         timestamptz not null default now(),
    created_by         uuid,
    constraint commission_ledger_pkey primary key (organization_id, id),
    constraint commission_ledger_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint commission_ledger_payee_id_fkey
        foreign key (organization_id, payee_id) references app.payees (organization_id, id),
    constraint commission_ledger_payment_id_fkey
        foreign key (organization_id, payment_id) references app.payments (organization_id, id),
    constraint commission_ledger_refund_id_fkey
        foreign key (organization_id, refund_id) references app.payment_refunds (organization_id, id),
    constraint commission_ledger_event_id_fkey
        foreign key (organization_id, event_id) references app.events (organization_id, id),
    constraint commission_ledger_deal_id_fkey
        foreign key (organization_id, deal_id) references app.deals (organization_id, id),
    constraint commission_ledger_plan_version_id_fkey
        foreign key (organization_id, plan_version_id) references app.commission_plan_versions (organization_id, id),
    constraint commission_ledger_reverses_id_fkey
        foreign key (organization_id, reverses_id) references app.commission_ledger (organization_id, id),
    constraint commission_ledger_created_by_fkey
        foreign key (created_by) references auth.users (id) on delete set null,
    constraint commission_ledger_role_is_known check (role in ('closer', 'setter', 'override')),
    constraint commission_ledger_kind_is_known check (kind in ('earning', 'reversal', 'clawback', 'restore', 'tier_delta', 'cap', 'floor', 'reserve', 'reserve_release', 'draw', 'draw_recovery', 'adjustment', 'bonus')),
    constraint commission_ledger_amount_is_money check (app.is_money(amount, currency)),
    constraint commission_ledger_reversal_names_its_line check (kind <> 'reversal' or reverses_id is not null),
    constraint commission_ledger_manual_line_says_why check (kind not in ('adjustment', 'bonus') or btrim(reason) <> ''),
    constraint commission_ledger_is_available_after_earned check (available_on >= earned_on)
);
create unique index commission_ledger_reversal_key on app.commission_ledger (organization_id, reverses_id) where kind = 'reversal';
create unique index commission_ledger_refund_line_key on app.commission_ledger (organization_id, refund_id, payee_id, role, component, kind) where kind in ('clawback', 'restore');
create index commission_ledger_created_by_idx on app.commission_ledger (created_by);
create index commission_ledger_deal_id_idx on app.commission_ledger (organization_id, deal_id);
create index commission_ledger_event_id_idx on app.commission_ledger (organization_id, event_id);
create index commission_ledger_payment_id_idx on app.commission_ledger (organization_id, payment_id);
create index commission_ledger_plan_version_id_idx on app.commission_ledger (organization_id, plan_version_id);
create index commission_ledger_refund_id_idx on app.commission_ledger (organization_id, refund_id);
create index commission_ledger_reverses_id_idx on app.commission_ledger (organization_id, reverses_id);
create index commission_ledger_payee_idx on app.commission_ledger (organization_id, payee_id, available_on);
comment on table app.commission_ledger is $$Append-only lines of what is earned, clawed back and paid.$$;

create table app.payout_snapshots (
    organization_id     uuid not null,
    id                  uuid not null default uuidv7(),
    name                text not null,
    period_start        date not null,
    period_end          date not null,
    timezone            text not null,
    definitions_version integer not null default 1,
    state               text not null default 'draft',
    currency            text not null,
    gross               numeric not null default 0,
    refunds             numeric not null default 0,
    net                 numeric not null default 0,
    commission          numeric not null default 0,
    created_by          uuid,
    approved_at         timestamptz,
    approved_by         uuid,
    locked_at           timestamptz,
    locked_by           uuid,
    paid_at             timestamptz,
    voided_at           timestamptz,
    void_reason         text,
    override_reason     text,
    created_at          timestamptz not null default now(),
    updated_at          timestamptz not null default now(),
    constraint payout_snapshots_pkey primary key (organization_id, id),
    constraint payout_snapshots_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint payout_snapshots_created_by_fkey
        foreign key (created_by) references auth.users (id) on delete set null,
    constraint payout_snapshots_approved_by_fkey
        foreign key (approved_by) references auth.users (id) on delete set null,
    constraint payout_snapshots_locked_by_fkey
        foreign key (locked_by) references auth.users (id) on delete set null,
    constraint payout_snapshots_name_is_not_blank check (btrim(name) <> ''),
    constraint payout_snapshots_period_is_ordered check (period_end >= period_start),
    constraint payout_snapshots_state_is_known check (state in ('draft', 'approved', 'locked', 'paid', 'void')),
    constraint payout_snapshots_locked_says_when check (state not in ('locked', 'paid') or locked_at is not null),
    constraint payout_snapshots_void_says_why check (state <> 'void' or (voided_at is not null and btrim(void_reason) <> '')),
    constraint payout_snapshots_net_is_gross_less_refunds check (net = gross - refunds)
);
create index payout_snapshots_approved_by_idx on app.payout_snapshots (approved_by);
create index payout_snapshots_created_by_idx on app.payout_snapshots (created_by);
create index payout_snapshots_locked_by_idx on app.payout_snapshots (locked_by);
create index payout_snapshots_period_idx on app.payout_snapshots (organization_id, period_start, period_end);
comment on table app.payout_snapshots is $$Point-in-time payout reports.$$;

create table app.payout_snapshot_details (
    organization_id    uuid not null,
    id                 uuid not null default uuidv7(),
    snapshot_id        uuid not null,
    kind               text not null,
    payment_id         uuid,
    refund_id          uuid,
    line_id            uuid,
    is_live            boolean not null default true,
    day                date not null,
    closer_id          uuid,
    setter_id          uuid,
    source_id          uuid,
    package_id         uuid,
    payee_id           uuid,
    gross              numeric not null default 0,
    refund             numeric not null default 0,
    net                numeric not null default 0,
    commission         numeric not null default 0,
    is_prior_period    boolean not null default false,
    attribution_method text,
    created_at         timestamptz not null default now(),
    constraint payout_snapshot_details_pkey primary key (organization_id, id),
    constraint payout_snapshot_details_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint payout_snapshot_details_snapshot_id_fkey
        foreign key (organization_id, snapshot_id) references app.payout_snapshots (organization_id, id) on delete cascade,
    constraint payout_snapshot_details_payment_id_fkey
        foreign key (organization_id, payment_id) references app.payments (organization_id, id),
    constraint payout_snapshot_details_refund_id_fkey
        foreign key (organization_id, refund_id) references app.payment_refunds (organization_id, id),
    constraint payout_snapshot_details_line_id_fkey
        foreign key (organization_id, line_id) references app.commission_ledger (organization_id, id),
    constraint payout_snapshot_details_closer_id_fkey
        foreign key (organization_id, closer_id) references app.closers (organization_id, id),
    constraint payout_snapshot_details_setter_id_fkey
        foreign key (organization_id, setter_id) references app.setters (organization_id, id),
    constraint payout_snapshot_details_source_id_fkey
        foreign key (organization_id, source_id) references app.sources (organization_id, id),
    constraint payout_snapshot_details_package_id_fkey
        foreign key (organization_id, package_id) references app.packages (organization_id, id),
    constraint payout_snapshot_details_payee_id_fkey
        foreign key (organization_id, payee_id) references app.payees (organization_id, id),
    constraint payout_snapshot_details_kind_is_known check (kind in ('payment', 'refund', 'line')),
    constraint payout_snapshot_details_kind_has_its_row check (case kind when 'payment' then payment_id is not null when 'refund' then refund_id is not null else line_id is not null end),
    constraint payout_snapshot_details_net_is_gross_less_refund check (net = gross - refund)
);
create unique index payout_snapshot_details_line_id_key on app.payout_snapshot_details (organization_id, line_id) where is_live and line_id is not null;
create index payout_snapshot_details_closer_id_idx on app.payout_snapshot_details (organization_id, closer_id);
create index payout_snapshot_details_line_id_idx on app.payout_snapshot_details (organization_id, line_id);
create index payout_snapshot_details_package_id_idx on app.payout_snapshot_details (organization_id, package_id);
create index payout_snapshot_details_payee_id_idx on app.payout_snapshot_details (organization_id, payee_id);
create index payout_snapshot_details_payment_id_idx on app.payout_snapshot_details (organization_id, payment_id);
create index payout_snapshot_details_refund_id_idx on app.payout_snapshot_details (organization_id, refund_id);
create index payout_snapshot_details_setter_id_idx on app.payout_snapshot_details (organization_id, setter_id);
create index payout_snapshot_details_snapshot_id_idx on app.payout_snapshot_details (organization_id, snapshot_id);
create index payout_snapshot_details_source_id_idx on app.payout_snapshot_details (organization_id, source_id);
comment on table app.payout_snapshot_details is $$The payments, refunds and commission lines frozen in a snapshot.$$;
comment on column app.payout_snapshot_details.is_live is $$False once the snapshot is void: its lines are free again.$$;

create table app.payout_snapshot_summaries (
    organization_id uuid not null,
    id              uuid not null default uuidv7(),
    snapshot_id     uuid not null,
    dimension       text not null,
    closer_id       uuid,
    setter_id       uuid,
    source_id       uuid,
    payee_id        uuid,
    label           text not null,
    payment_count   integer not null default 0,
    gross           numeric not null default 0,
    refunds         numeric not null default 0,
    net             numeric not null default 0,
    commission      numeric not null default 0,
    created_at      timestamptz not null default now(),
    constraint payout_snapshot_summaries_pkey primary key (organization_id, id),
    constraint payout_snapshot_summaries_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint payout_snapshot_summaries_snapshot_id_fkey
        foreign key (organization_id, snapshot_id) references app.payout_snapshots (organization_id, id) on delete cascade,
    constraint payout_snapshot_summaries_closer_id_fkey
        foreign key (organization_id, closer_id) references app.closers (organization_id, id),
    constraint payout_snapshot_summaries_setter_id_fkey
        foreign key (organization_id, setter_id) references app.setters (organization_id, id),
    constraint payout_snapshot_summaries_source_id_fkey
        foreign key (organization_id, source_id) references app.sources (organization_id, id),
    constraint payout_snapshot_summaries_payee_id_fkey
        foreign key (organization_id, payee_id) references app.payees (organization_id, id),
    constraint payout_snapshot_summaries_dimension_is_known check (dimension in ('closer', 'setter', 'source', 'payee')),
    constraint payout_snapshot_summaries_names_at_most_one_member check (num_nonnulls(closer_id, setter_id, source_id, payee_id) <= 1),
    constraint payout_snapshot_summaries_member_key unique nulls not distinct (organization_id, snapshot_id, dimension, closer_id, setter_id, source_id, payee_id)
);
create index payout_snapshot_summaries_closer_id_idx on app.payout_snapshot_summaries (organization_id, closer_id);
create index payout_snapshot_summaries_payee_id_idx on app.payout_snapshot_summaries (organization_id, payee_id);
create index payout_snapshot_summaries_setter_id_idx on app.payout_snapshot_summaries (organization_id, setter_id);
create index payout_snapshot_summaries_source_id_idx on app.payout_snapshot_summaries (organization_id, source_id);
comment on table app.payout_snapshot_summaries is $$Totals of a snapshot by closer, setter, source and payee; member NULL is Unassigned.$$;

create table app.payouts (
    organization_id uuid not null,
    id              uuid not null default uuidv7(),
    snapshot_id     uuid not null,
    payee_id        uuid not null,
    amount          numeric not null,
    currency        text not null,
    method          text not null,
    reference       text,
    paid_at         timestamptz not null,
    recorded_by     uuid,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    constraint payouts_pkey primary key (organization_id, id),
    constraint payouts_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint payouts_snapshot_id_fkey
        foreign key (organization_id, snapshot_id) references app.payout_snapshots (organization_id, id),
    constraint payouts_payee_id_fkey
        foreign key (organization_id, payee_id) references app.payees (organization_id, id),
    constraint payouts_recorded_by_fkey
        foreign key (recorded_by) references auth.users (id) on delete set null,
    constraint payouts_amount_is_positive check (amount > 0),
    constraint payouts_amount_is_money check (app.is_money(amount, currency)),
    constraint payouts_payee_id_key unique (organization_id, snapshot_id, payee_id)
);
create index payouts_payee_id_idx on app.payouts (organization_id, payee_id);
create index payouts_recorded_by_idx on app.payouts (recorded_by);
comment on table app.payouts is $$Money paid to a payee for a snapshot.$$;

create table app.payee_balances (
    organization_id uuid not null,
    id              uuid not null default uuidv7(),
    payee_id        uuid not null,
    snapshot_id     uuid not null,
    carried         numeric not null,
    currency        text not null,
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now(),
    constraint payee_balances_pkey primary key (organization_id, id),
    constraint payee_balances_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint payee_balances_payee_id_fkey
        foreign key (organization_id, payee_id) references app.payees (organization_id, id),
    constraint payee_balances_snapshot_id_fkey
        foreign key (organization_id, snapshot_id) references app.payout_snapshots (organization_id, id),
    constraint payee_balances_carried_is_money check (app.is_money(carried, currency)),
    constraint payee_balances_payee_id_key unique (organization_id, payee_id, snapshot_id)
);
create index payee_balances_snapshot_id_idx on app.payee_balances (organization_id, snapshot_id);
comment on table app.payee_balances is $$What a payee carries over after a snapshot; negative is owed by the payee.$$;

create table app.statement_disputes (
    organization_id    uuid not null,
    id                 uuid not null default uuidv7(),
    snapshot_id        uuid not null,
    line_id            uuid not null,
    payee_id           uuid not null,
    reason             text not null,
    answer             text,
    state              text not null default 'open',
    resolution_line_id uuid,
    resolved_at        timestamptz,
    resolved_by        uuid,
    created_at         timestamptz not null default now(),
    updated_at         timestamptz not null default now(),
    constraint statement_disputes_pkey primary key (organization_id, id),
    constraint statement_disputes_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint statement_disputes_snapshot_id_fkey
        foreign key (organization_id, snapshot_id) references app.payout_snapshots (organization_id, id),
    constraint statement_disputes_line_id_fkey
        foreign key (organization_id, line_id) references app.commission_ledger (organization_id, id),
    constraint statement_disputes_payee_id_fkey
        foreign key (organization_id, payee_id) references app.payees (organization_id, id),
    constraint statement_disputes_resolution_line_id_fkey
        foreign key (organization_id, resolution_line_id) references app.commission_ledger (organization_id, id),
    constraint statement_disputes_resolved_by_fkey
        foreign key (resolved_by) references auth.users (id) on delete set null,
    constraint statement_disputes_reason_is_not_blank check (btrim(reason) <> ''),
    constraint statement_disputes_state_is_known check (state in ('open', 'accepted', 'rejected')),
    constraint statement_disputes_closed_says_when check (state = 'open' or resolved_at is not null)
);
create index statement_disputes_line_id_idx on app.statement_disputes (organization_id, line_id);
create index statement_disputes_payee_id_idx on app.statement_disputes (organization_id, payee_id);
create index statement_disputes_resolution_line_id_idx on app.statement_disputes (organization_id, resolution_line_id);
create index statement_disputes_snapshot_id_idx on app.statement_disputes (organization_id, snapshot_id);
create index statement_disputes_resolved_by_idx on app.statement_disputes (resolved_by);
comment on table app.statement_disputes is $$A payee's objection to a line of a statement, and its answer.$$;

alter table app.custom_field_values add constraint custom_field_values_payment_id_fkey
    foreign key (organization_id, payment_id) references app.payments (organization_id, id);
create index custom_field_values_payment_id_idx on app.custom_field_values (organization_id, payment_id);
alter table app.closer_access_tokens add constraint closer_access_tokens_snapshot_id_fkey
    foreign key (organization_id, snapshot_id) references app.payout_snapshots (organization_id, id);
create index closer_access_tokens_snapshot_id_idx on app.closer_access_tokens (organization_id, snapshot_id);
alter table app.commission_plan_assignments add constraint commission_plan_assignments_ranges_do_not_overlap
    exclude using gist (organization_id with =, payee_id with =, role with =, effective with &&);
