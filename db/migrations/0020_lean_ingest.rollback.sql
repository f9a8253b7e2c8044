create index webhook_events_provider_event_id_idx on app.webhook_events (organization_id, connection_id, provider_event_id);
drop index app.payments_deal_id_idx;
create index payments_deal_id_idx on app.payments (organization_id, deal_id);
drop index app.payments_package_id_idx;
create index payments_package_id_idx on app.payments (organization_id, package_id);
drop index app.payments_source_id_idx;
create index payments_source_id_idx on app.payments (organization_id, source_id);
drop index app.payments_traffic_type_id_idx;
create index payments_traffic_type_id_idx on app.payments (organization_id, traffic_type_id);
drop index app.payments_superseded_by_id_idx;
create index payments_superseded_by_id_idx on app.payments (organization_id, superseded_by_id);
drop index app.payments_recorded_by_idx;
create index payments_recorded_by_idx on app.payments (recorded_by);
create index payments_post_call_form_id_idx on app.payments (organization_id, post_call_form_id);
alter table app.payment_credits add constraint payment_credits_organization_id_fkey foreign key (organization_id) references app.organizations (id);
alter table app.webhook_event_keys add constraint webhook_event_keys_organization_id_fkey foreign key (organization_id) references app.organizations (id);
alter table app.webhook_events add constraint webhook_events_organization_id_fkey foreign key (organization_id) references app.organizations (id);
alter table app.rate_limits add constraint rate_limits_organization_id_fkey foreign key (organization_id) references app.organizations (id);
alter table app.connection_stats add constraint connection_stats_organization_id_fkey foreign key (organization_id) references app.organizations (id);
alter table app.audit_logs add constraint audit_logs_organization_id_fkey foreign key (organization_id) references app.organizations (id);
create or replace function app.currency_exponent(currency text) returns integer
language sql immutable parallel safe
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
create or replace function app.is_money(amount numeric, currency text) returns boolean
language sql immutable parallel safe
return amount is null or scale(amount) = app.currency_exponent(currency);
