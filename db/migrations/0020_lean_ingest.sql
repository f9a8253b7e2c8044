-- What a delivery pays for and nobody needs: checks planned with every statement, indexes of NULLs, locks of shared rows.
-- depends: 0011_metric_indexes

-- A check that calls an SQL function is inlined, and so read and planned, whenever a statement that writes its table starts:
-- a quarter of the time of a delivery. A call of PL/pgSQL is prepared once in a session.
create or replace function app.currency_exponent(currency text) returns integer
language plpgsql immutable parallel safe set search_path = '' as $$
begin
    return case
        when length(currency) <> 3 then null
        when strpos(
            ' BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF ', ' ' || currency || ' ') > 0 then 0
        when strpos(' BHD IQD JOD KWD LYD OMR TND ', ' ' || currency || ' ') > 0 then 3
        when strpos(
            ' AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY COP '
            'CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS '
            'INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN '
            'MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE '
            'SOS SRD SSP STN SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD YER ZAR ZMW ZWG ',
            ' ' || currency || ' ') > 0 then 2
    end;
end;
$$;
-- Definer: writers of checked columns have no usage on schema app, where the other function is.
create or replace function app.is_money(amount numeric, currency text) returns boolean
language plpgsql immutable parallel safe security definer set search_path = '' as $$
begin
    return amount is null or scale(amount) = app.currency_exponent(currency);
end;
$$;

-- Each of these rows is of the organization of another row that it refers to, or is written by the system alone from one.
alter table app.payment_credits drop constraint payment_credits_organization_id_fkey;
alter table app.webhook_event_keys drop constraint webhook_event_keys_organization_id_fkey;
alter table app.webhook_events drop constraint webhook_events_organization_id_fkey;
alter table app.rate_limits drop constraint rate_limits_organization_id_fkey;
alter table app.connection_stats drop constraint connection_stats_organization_id_fkey;
alter table app.audit_logs drop constraint audit_logs_organization_id_fkey;

-- Few payments have these; the unique index of post_call_form_id serves its foreign key.
drop index app.payments_post_call_form_id_idx;
drop index app.payments_deal_id_idx;
drop index app.payments_package_id_idx;
drop index app.payments_source_id_idx;
drop index app.payments_traffic_type_id_idx;
drop index app.payments_superseded_by_id_idx;
drop index app.payments_recorded_by_idx;
create index payments_deal_id_idx on app.payments (organization_id, deal_id) where deal_id is not null;
create index payments_package_id_idx on app.payments (organization_id, package_id) where package_id is not null;
create index payments_source_id_idx on app.payments (organization_id, source_id) where source_id is not null;
create index payments_traffic_type_id_idx on app.payments (organization_id, traffic_type_id) where traffic_type_id is not null;
create index payments_superseded_by_id_idx on app.payments (organization_id, superseded_by_id) where superseded_by_id is not null;
create index payments_recorded_by_idx on app.payments (recorded_by) where recorded_by is not null;

-- app.webhook_event_keys knows provider events.
drop index app.webhook_events_provider_event_id_idx;
