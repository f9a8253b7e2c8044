-- What admins set for their organization: settings, defaults of integrations, and keys, which come sealed from the gateway
-- (POST /functions/v1/manage-api-keys) and never go back.
-- All are definers: nobody may write these tables, so the tenant is filtered by hand.

-- api.update_organization: change what is given; NULL leaves as it is.
-- Callers:    admins, through POST /rpc/update_organization.
-- Guarantees: all or nothing. Raises PT422 with every wrong field at once, and PT409 for another currency once there is money.
--             Numbers by day are of the new time zone at once.
-- Definer:    members may not write organizations, so the tenant is filtered by hand.
create or replace function api.update_organization(
    name text default null, timezone text default null, currency text default null, week_start integer default null,
    pay_calendar text default null, pay_anchor_on date default null, pcf_grace interval default null,
    slot_minutes integer default null, attribution_window_days integer default null, setter_attribution text default null,
    report_hour integer default null, min_sample integer default null, organization_id uuid default null
) returns api.organizations
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(update_organization.organization_id);
    v_currency        constant text := upper(btrim(update_organization.currency));
    v_old app.organizations;
    v_row api.organizations;
begin
    select o.* into strict v_old from app.organizations as o where o.id = v_organization_id for no key update;
    if v_currency <> v_old.currency then
        -- Whoever records money holds a share of this row, so none arrives while its currency changes.
        perform from app.organizations as o where o.id = v_organization_id for update;
    end if;
    perform app.require_no_wrong_fields(
        app.wrong_organization_fields(
            update_organization.name, update_organization.timezone, v_currency, update_organization.week_start,
            update_organization.pay_calendar, update_organization.pcf_grace, update_organization.slot_minutes,
            update_organization.attribution_window_days, update_organization.setter_attribution,
            update_organization.report_hour, update_organization.min_sample)
        || jsonb_build_object('pay_anchor_on', case
            when coalesce(update_organization.pay_calendar, v_old.pay_calendar) in ('weekly', 'biweekly')
             and coalesce(update_organization.pay_anchor_on, v_old.pay_anchor_on) is null
            then 'A day on which a pay period starts.' end));
    if v_currency <> v_old.currency
       and (exists (select from app.payments as p where p.organization_id = v_organization_id)
            or exists (select from app.deals as d where d.organization_id = v_organization_id)) then
        raise exception using errcode = 'PT409', message = 'The currency cannot change once there is money.',
            detail = jsonb_build_object('currency', format('Payments and deals are kept in %s.', v_old.currency))::text,
            hint = 'Amounts were converted at the rates of their days and stay. Start another organization for another currency.';
    end if;
    update app.organizations as o
       set name = coalesce(btrim(update_organization.name), o.name),
           timezone = coalesce(update_organization.timezone, o.timezone),
           currency = coalesce(v_currency, o.currency),
           week_start = coalesce(update_organization.week_start, o.week_start),
           pay_calendar = coalesce(update_organization.pay_calendar, o.pay_calendar),
           pay_anchor_on = coalesce(update_organization.pay_anchor_on, o.pay_anchor_on),
           pcf_grace = coalesce(update_organization.pcf_grace, o.pcf_grace),
           slot_minutes = coalesce(update_organization.slot_minutes, o.slot_minutes),
           attribution_window_days = coalesce(update_organization.attribution_window_days, o.attribution_window_days),
           setter_attribution = coalesce(update_organization.setter_attribution, o.setter_attribution),
           report_hour = coalesce(update_organization.report_hour, o.report_hour),
           min_sample = coalesce(update_organization.min_sample, o.min_sample)
     where o.id = v_organization_id;
    select o.* into v_row from api.organizations as o where o.id = v_organization_id;
    return v_row;
end;
$$;
comment on function api.update_organization(text, text, text, integer, text, date, interval, integer, integer, text, integer, integer, uuid)
is $$Change the settings of an organization
What is left out stays as it is. Wrong settings are 422, every one of them named in details. The currency changes only while
there is no money. Attribution settings decide what is attributed from then on.$$;

-- api.update_integrations: what is not secret about an organization's integrations. NULL leaves as it is, '' takes an id away.
-- Callers:    admins, through POST /rpc/update_integrations.
-- Guarantees: all or nothing. Raises PT422 with every wrong field at once.
-- Definer:    members may not write integrations, so the tenant is filtered by hand.
create or replace function api.update_integrations(
    primary_crm text default null, primary_booking_platform text default null, primary_payment_processor text default null,
    ghl_location_id text default null, whop_company_id text default null, stripe_publishable_key text default null,
    organization_id uuid default null
) returns api.organization_integrations
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(update_integrations.organization_id);
    v_row api.organization_integrations;
begin
    perform app.require_no_wrong_fields(jsonb_build_object(
        'primary_crm', case when primary_crm <> all (array['ghl', 'close', 'hubspot', 'none'])
                            then 'One of ghl, close, hubspot, none.' end,
        'primary_booking_platform', case when primary_booking_platform <> all (array['calendly', 'acuity', 'none'])
                                         then 'One of calendly, acuity, none.' end,
        'primary_payment_processor', case when primary_payment_processor <> all (array['whop', 'stripe', 'none'])
                                          then 'One of whop, stripe, none.' end,
        'ghl_location_id', case when length(ghl_location_id) > 200 then 'At most 200 characters.' end,
        'whop_company_id', case when length(whop_company_id) > 200 then 'At most 200 characters.' end,
        'stripe_publishable_key', case when btrim(stripe_publishable_key) !~ '^(pk_[A-Za-z0-9_]{1,250})?$'
                                       then 'The publishable key, which starts with pk_; secret keys go to manage-api-keys.' end));
    insert into app.organization_integrations (organization_id) values (v_organization_id)
    on conflict on constraint organization_integrations_organization_id_key do nothing;
    update app.organization_integrations as i
       set primary_crm = coalesce(update_integrations.primary_crm, i.primary_crm),
           primary_booking_platform = coalesce(update_integrations.primary_booking_platform, i.primary_booking_platform),
           primary_payment_processor = coalesce(update_integrations.primary_payment_processor, i.primary_payment_processor),
           ghl_location_id = nullif(coalesce(btrim(update_integrations.ghl_location_id), i.ghl_location_id), ''),
           whop_company_id = nullif(coalesce(btrim(update_integrations.whop_company_id), i.whop_company_id), ''),
           stripe_publishable_key = nullif(coalesce(btrim(update_integrations.stripe_publishable_key), i.stripe_publishable_key), '')
     where i.organization_id = v_organization_id;
    select i.* into v_row from api.organization_integrations as i where i.organization_id = v_organization_id;
    return v_row;
end;
$$;
comment on function api.update_integrations(text, text, text, text, text, text, uuid) is $$Change the defaults of integrations
What is left out stays as it is; an empty text takes an id away. Secret keys are written by POST /functions/v1/manage-api-keys.$$;

-- api.prepare_integration_key: for which organization the gateway seals a key.
-- Callers:    admins, through the gateway. Raises PT422 for a provider that has no key.
-- Definer:    nothing is written; only the caller's organization is told.
create or replace function api.prepare_integration_key(
    provider text, organization_id uuid default null, out prepared_for uuid, out key_name text) returns record
language plpgsql volatile security definer set search_path = '' as $$
begin
    prepared_for := auth.require_admin(prepare_integration_key.organization_id);
    key_name := app.require_integration_key(prepare_integration_key.provider);
end;
$$;
comment on function api.prepare_integration_key(text, uuid) is $$Whose key is about to be set, and what it is sealed as
The gateway seals the key for this organization under this name, then calls set_integration_key.$$;

-- api.set_integration_key: the key by which a provider is asked, or the address by which Slack is told; sealed.
-- must_exist: there has to be one already (a rotation). Nobody has tried the new one yet: validated_at is NULL.
-- Callers:    admins, through the gateway.
-- Guarantees: never comes back; the audit trail keeps its last four characters alone. Raises PT409 for nothing to rotate, PT422.
-- Definer:    members may not write integrations, so the tenant is filtered by hand.
create or replace function api.set_integration_key(
    provider text, sealed bytea, last4 text, must_exist boolean default false, organization_id uuid default null
) returns api.organization_integrations
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(set_integration_key.organization_id);
    v_key             constant text := app.require_integration_key(set_integration_key.provider);
    v_sealed          constant bytea := app.require_sealed(set_integration_key.sealed);
    v_count integer;
    v_row   api.organization_integrations;
begin
    insert into app.organization_integrations (organization_id) values (v_organization_id)
    on conflict on constraint organization_integrations_organization_id_key do nothing;
    execute format(
        'update app.organization_integrations as i'
        '   set %1$I = $2, %2$I = $3, %3$I = $4, %4$I = null'
        ' where i.organization_id = $1 and (i.%1$I is not null or not $5)',
        v_key || '_encrypted', v_key || '_last4', v_key || '_key_id', v_key || '_validated_at')
      using v_organization_id, v_sealed, right(set_integration_key.last4, 4), left(encode(v_sealed, 'escape'), 12),
            coalesce(set_integration_key.must_exist, false);
    get diagnostics v_count = row_count;
    if v_count = 0 then
        raise exception using errcode = 'PT409', message = 'There is no key of this provider yet.', hint = 'Set one.';
    end if;
    select i.* into v_row from api.organization_integrations as i where i.organization_id = v_organization_id;
    return v_row;
end;
$$;
comment on function api.set_integration_key(text, bytea, text, boolean, uuid) is $$Set the key by which a provider is asked
Use POST /functions/v1/manage-api-keys, which seals it.$$;

-- api.delete_integration_key: forget the key of a provider.
-- Callers:    admins, through POST /rpc/delete_integration_key.
-- Guarantees: the ciphertext is gone. Raises PT409 when there is none, PT422 for a provider that has no key.
-- Definer:    members may not write integrations, so the tenant is filtered by hand.
create or replace function api.delete_integration_key(provider text, organization_id uuid default null)
returns api.organization_integrations
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(delete_integration_key.organization_id);
    v_key             constant text := app.require_integration_key(delete_integration_key.provider);
    v_count integer;
    v_row   api.organization_integrations;
begin
    execute format(
        'update app.organization_integrations as i set %1$I = null, %2$I = null, %3$I = null, %4$I = null'
        ' where i.organization_id = $1 and i.%1$I is not null',
        v_key || '_encrypted', v_key || '_last4', v_key || '_key_id', v_key || '_validated_at')
      using v_organization_id;
    get diagnostics v_count = row_count;
    if v_count = 0 then
        raise exception using errcode = 'PT409', message = 'There is no key of this provider.';
    end if;
    select i.* into v_row from api.organization_integrations as i where i.organization_id = v_organization_id;
    return v_row;
end;
$$;
comment on function api.delete_integration_key(text, uuid) is $$Forget the key of a provider
The ciphertext is gone; work that needs the key stops until another is set.$$;

grant execute on function
    api.update_organization(text, text, text, integer, text, date, interval, integer, integer, text, integer, integer, uuid),
    api.update_integrations(text, text, text, text, text, text, uuid),
    api.prepare_integration_key(text, uuid),
    api.set_integration_key(text, bytea, text, boolean, uuid),
    api.delete_integration_key(text, uuid)
    to authenticated, org_admin, super_admin;
