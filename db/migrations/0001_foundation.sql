-- Schemas, default privileges, extensions, and the immutable helpers that constraints rest on.

create schema app;
create schema auth;
create schema api;
create schema analytics;
create schema ingest;
create schema session;
create schema jobs;

comment on schema api is $$Sales Dash
Calls, outcomes, money and payouts of sales teams, one organization per tenant.$$;
comment on schema analytics is 'Documented, stable views for SQL and BI: one row grain each.';
comment on schema app is 'Tables, triggers and internal functions; no role but the owner has usage.';
comment on schema auth is 'Users, sessions, and who is asking.';
comment on schema ingest is 'The functions the gateway calls for webhook deliveries.';
comment on schema session is 'The functions the gateway calls for sign-in and sessions.';
comment on schema jobs is 'The functions the worker calls: queue, schedules, outbox.';

-- Every function is granted by name; the per-schema form of this statement would change nothing.
alter default privileges revoke execute on functions from public;

create extension btree_gist with schema app;
create extension pg_trgm with schema app;

-- app.currency_exponent: decimal places of an ISO 4217 currency; NULL for a code that is no currency.
-- Checks of every money column ask it: so it is one plain expression, which the planner puts in place of the call, and a
-- search in a string, which needs no preparation as an array does.
create function app.currency_exponent(currency text) returns integer
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
comment on function app.currency_exponent(text) is 'Decimal places of a currency (ISO 4217); NULL when the code is none.';

-- app.is_money: is amount written at exactly the scale of its currency?
create function app.is_money(amount numeric, currency text) returns boolean
language sql immutable parallel safe
return amount is null or scale(amount) = app.currency_exponent(currency);
comment on function app.is_money(numeric, text) is 'True when amount has exactly the decimal places of currency.';

-- app.is_timezone: does this server know the zone by this name?
create function app.is_timezone(name text) returns boolean
language plpgsql immutable parallel safe set search_path = '' as $$
begin
    return name ~ '^[A-Za-z]' and pg_catalog.timezone(name, timestamptz '2000-01-01 00:00:00Z') is not null;
exception when invalid_parameter_value then
    return false;
end;
$$;
comment on function app.is_timezone(text) is 'True for a time zone name this server knows.';

-- app.uuidv7_floor: the smallest uuid version 7 whose time is not before at (millisecond precision).
create function app.uuidv7_floor(at timestamptz) returns uuid
language sql immutable strict parallel safe
return (lpad(to_hex(floor(extract(epoch from at) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid;
comment on function app.uuidv7_floor(timestamptz) is 'Lower bound of the uuid version 7 values made at or after an instant.';
