-- Money: exact scales, processors' units, exchange rates, splits. Nothing is ever rounded silently.

-- app.money: amount at exactly the scale of its currency: 10 USD is 10.00.
-- Raises PT422 for an unknown currency, for a finer amount, and for what is no number.
create or replace function app.money(amount numeric, currency text) returns numeric
language plpgsql immutable parallel safe set search_path = '' as $$
declare
    v_scale constant integer := app.currency_exponent(money.currency);
begin
    if money.amount is null then
        return null;
    elsif v_scale is null then
        raise exception using errcode = 'PT422', message = 'Unknown currency.',
            detail = format('%s is no ISO 4217 code that this system knows.', coalesce(quote_literal(left(money.currency, 10)), 'NULL')),
            hint = 'Use a three-letter ISO 4217 code in capitals.';
    elsif money.amount in ('NaN', 'Infinity', '-Infinity') or scale(trim_scale(money.amount)) > v_scale then
        raise exception using errcode = 'PT422', message = 'This amount is finer than its currency allows.',
            detail = format('%s has %s decimal places; %s was given.', money.currency, v_scale, left(money.amount::text, 40)),
            hint = 'Amounts are never rounded silently: send the exact amount.';
    end if;
    return round(money.amount, v_scale);
end;
$$;
comment on function app.money(numeric, text) is 'The amount at exactly the scale of its currency; PT422 when that would round it.';

-- app.minor_exponent: decimal places of the unit in which a processor writes amounts of a currency.
-- Not ISO 4217: Stripe writes UGX and ISK with two decimals that are always 00, and MGA with none.
-- Source: Stripe documentation, "Supported currencies" (zero-decimal, three-decimal and special cases).
create or replace function app.minor_exponent(provider text, currency text) returns integer
language sql immutable parallel safe
return case
    when provider is distinct from 'stripe' or currency is null then app.currency_exponent(currency)
    when currency = any (array[
        'BIF', 'CLP', 'DJF', 'GNF', 'JPY', 'KMF', 'KRW', 'MGA', 'PYG', 'RWF', 'VND', 'VUV', 'XAF', 'XOF', 'XPF']) then 0
    when currency = any (array['BHD', 'JOD', 'KWD', 'OMR', 'TND']) then 3
    else 2
end;
comment on function app.minor_exponent(text, text) is 'Decimal places of a processor''s minor unit of a currency.';

-- app.minor_units: what an integer in a processor's minor units is in major units, at the scale of the currency.
-- currency: upper case. Raises PT422 for an unknown currency, a fraction of a minor unit, and an amount (550 of UGX)
-- that is finer than the currency.
create or replace function app.minor_units(provider text, amount numeric, currency text) returns numeric
language plpgsql immutable parallel safe set search_path = '' as $$
begin
    if minor_units.amount in ('NaN', 'Infinity', '-Infinity') or trunc(minor_units.amount) <> minor_units.amount then
        raise exception using errcode = 'PT422', message = 'Minor units are whole numbers.',
            detail = format('%s was given.', left(minor_units.amount::text, 40));
    end if;
    return app.money(
        minor_units.amount * (10::numeric ^ -coalesce(app.minor_exponent(minor_units.provider, minor_units.currency), 0)),
        minor_units.currency);
end;
$$;
comment on function app.minor_units(text, numeric, text) is 'Major units of an integer amount in a processor''s minor units.';

-- app.convert: an amount in the organization's currency, by the last rate that is at most 7 days old on that day.
-- NULL when there is no such rate. Rounded to the scale of the organization's currency, half away from zero.
create or replace function app.convert(organization_id uuid, amount numeric, currency text, day date) returns numeric
language sql stable
begin atomic
    select case when o.currency = convert.currency then convert.amount
                else round(convert.amount * (
                    select r.rate from app.fx_rates as r
                     where r.organization_id = convert.organization_id and r.from_currency = convert.currency
                       and r.to_currency = o.currency and r.day between convert.day - 7 and convert.day
                     order by r.day desc limit 1), app.currency_exponent(o.currency))
           end
      from app.organizations as o where o.id = convert.organization_id;
end;
comment on function app.convert(uuid, numeric, text, date) is
    'An amount in the organization''s currency by the rate of the day; NULL without a rate at most 7 days old.';

-- app.split_amount: parts of a whole by weight, at the scale of the currency; the parts add up to the whole exactly.
-- Largest remainder: every part is within one minor unit of its exact share; ties go to the earlier part.
-- total: at the scale of its currency, any sign. weights: not negative, not all zero. The result has their order.
create or replace function app.split_amount(total numeric, weights numeric[], currency text) returns numeric[]
language sql immutable parallel safe
begin atomic
    with whole as (
        select abs(split_amount.total) * 10::numeric ^ app.currency_exponent(split_amount.currency) as units,
               sum(w.weight) as weight
          from unnest(split_amount.weights) as w (weight)
    ), exact as (
        select w.position, floor(h.units * w.weight / h.weight) as units,
               h.units * w.weight / h.weight - floor(h.units * w.weight / h.weight) as remainder
          from whole as h cross join unnest(split_amount.weights) with ordinality as w (weight, position)
    ), parts as (
        select e.position,
               e.units + (row_number() over (order by e.remainder desc, e.position)
                          <= (select h.units from whole as h) - sum(e.units) over ())::integer as units
          from exact as e
    )
    select coalesce(array_agg(
               round(sign(split_amount.total) * p.units * 10::numeric ^ -app.currency_exponent(split_amount.currency),
                     app.currency_exponent(split_amount.currency))
               order by p.position), '{}')
      from parts as p;
end;
comment on function app.split_amount(numeric, numeric[], text) is
    'Parts of an amount by weight, by largest remainder; they add up exactly.';
grant execute on function app.split_amount(numeric, numeric[], text) to authenticated, org_admin, super_admin, reader, analyst;
