-- Values of fields that organizations make: what a value of each type looks like, and what is wrong with one.
-- Internal: nobody but the owner may call these.

-- app.field_types: the types of fields, for forms and for records.
create or replace function app.field_types() returns text[]
language sql immutable parallel safe
return array['text', 'number', 'money', 'date', 'select', 'multi_select', 'boolean', 'email', 'phone'];
comment on function app.field_types() is 'The types that a field of an organization can have.';

-- app.read_value: a value in the one spelling in which it is kept, or the sentence that says what is wrong with it.
-- kind:     one of app.field_types(), or currency, or id; of none (NULL) nothing is said.
-- given:    any JSON value. NULL, blank texts and empty lists are no answer: both results are NULL.
-- choices:  of select and multi_select. currency: of money; NULL leaves the scale open.
-- smallest, largest: of numbers and dates the value, of texts their length, of multi_select how many; NULL is open.
-- Guarantees: no value makes it fail; a value that it answered is answered again as it is.
create or replace function app.read_value(
    kind text, given jsonb, choices text[], smallest text, largest text, currency text, out value jsonb, out problem text
) returns record
language plpgsql stable parallel safe set search_path = '' as $$
declare
    v_type   constant text := jsonb_typeof(given);
    v_text   constant text := btrim(given #>> '{}', E' \t\r\n');
    v_number numeric;
    v_count  integer;
begin
    if kind is null or v_type is null or v_type = 'null' or v_type = 'string' and v_text = ''
       or kind = 'multi_select' and given = '[]' then
        return;
    end if;

    if kind = 'boolean' then
        if v_type = 'boolean' then
            value := given;
        else
            problem := 'Answer true or false.';
        end if;

    elsif kind = 'text' then
        v_count := length(v_text);
        if v_type <> 'string' or v_count > least(largest::integer, 10000) then
            problem := format('Give a text of at most %s characters.', least(largest::integer, 10000));
        elsif v_count < smallest::integer then
            problem := format('Give a text of at least %s characters.', smallest);
        else
            value := to_jsonb(v_text);
        end if;

    elsif kind in ('number', 'money') then
        if v_type not in ('number', 'string')
           or v_text !~ (case kind when 'money' then '^[0-9]{1,12}(\.[0-9]{1,6})?$' else '^-?[0-9]{1,18}(\.[0-9]{1,12})?$' end) then
            problem := case kind when 'money' then 'Give an amount of zero or more, for example 1500.00.' else 'Give a number.' end;
            return;
        end if;
        v_number := trim_scale(v_text::numeric);
        if kind = 'money' and scale(v_number) > app.currency_exponent(read_value.currency) then
            problem := format('%s has %s decimal places.', read_value.currency, app.currency_exponent(read_value.currency));
        elsif v_number < smallest::numeric then
            problem := format('Give %s or more.', smallest);
        elsif v_number > largest::numeric then
            problem := format('Give %s or less.', largest);
        else
            value := to_jsonb(case kind when 'money'
                then round(v_number, coalesce(app.currency_exponent(read_value.currency), scale(v_number))) else v_number end);
        end if;

    elsif kind = 'date' then
        if v_type <> 'string' or v_text !~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' or not pg_input_is_valid(v_text, 'date') then
            problem := 'Give a day as year, month and day, for example 2026-03-31.';
        elsif v_text < smallest then
            problem := format('Give %s or later.', smallest);
        elsif v_text > largest then
            problem := format('Give %s or earlier.', largest);
        else
            value := to_jsonb(v_text);
        end if;

    elsif kind = 'select' then
        if v_type <> 'string' or (given #>> '{}') <> all (choices) then
            problem := 'Choose one of ' || app.shown_choices(choices) || '.';
        else
            value := given;
        end if;

    elsif kind = 'multi_select' then
        if v_type <> 'array' or exists (
            select from jsonb_array_elements(given) as e where jsonb_typeof(e) <> 'string' or (e #>> '{}') <> all (choices)) then
            problem := 'Choose among ' || app.shown_choices(choices) || '.';
            return;
        end if;
        select count(*), jsonb_agg(c.choice order by c.position) into v_count, value
          from unnest(choices) with ordinality as c (choice, position) where given ? c.choice;
        if v_count < smallest::integer then
            problem := format('Choose at least %s.', smallest);
            value := null;
        elsif v_count > largest::integer then
            problem := format('Choose at most %s.', largest);
            value := null;
        end if;

    elsif kind = 'email' then
        if v_type <> 'string' or length(v_text) > 254 or v_text !~ '^[^@[:space:]]+@[^@[:space:]]+\.[^@[:space:]]+$' then
            problem := 'Give an e-mail address, for example name@example.com.';
        else
            value := to_jsonb(lower(v_text));
        end if;

    elsif kind = 'phone' then
        if v_type <> 'string' or v_text !~ '^\+?[0-9 ()./-]{1,40}$'
           or length(regexp_replace(v_text, '[^0-9]', '', 'g')) not between 5 and 15 then
            problem := 'Give a telephone number, for example +1 212 555 0100.';
        else
            value := to_jsonb(regexp_replace(v_text, '[ ()./-]', '', 'g'));
        end if;

    elsif kind = 'currency' then
        if v_type <> 'string' or app.currency_exponent(upper(v_text)) is null then
            problem := 'Give the three letters of a currency, for example USD.';
        else
            value := to_jsonb(upper(v_text));
        end if;

    elsif kind = 'id' then
        if v_type <> 'string' or not pg_input_is_valid(v_text, 'uuid') then
            problem := 'Choose an entry by its id.';
        else
            value := to_jsonb(v_text::uuid);
        end if;

    else
        raise exception using errcode = '22023', message = 'Unknown type of a field.', detail = kind;
    end if;
end;
$$;
comment on function app.read_value(text, jsonb, text[], text, text, text) is
    'A value of a field in the one spelling in which it is kept, or what is wrong with it.';

-- app.shown_choices: choices as a sentence names them: the first ten.
create or replace function app.shown_choices(choices text[]) returns text
language sql immutable parallel safe
return array_to_string(choices[1:10], ', ') || case when cardinality(choices) > 10 then ' and others' else '' end;
comment on function app.shown_choices(text[]) is 'Choices as a sentence names them.';

-- app.option_values: the values of options, which are written as texts or as objects with value and label.
create or replace function app.option_values(options jsonb) returns text[]
language sql immutable parallel safe
begin atomic
    select array_agg(case jsonb_typeof(o.option) when 'object' then o.option ->> 'value' else o.option #>> '{}' end order by o.n)
      from jsonb_array_elements(option_values.options) with ordinality as o (option, n);
end;
comment on function app.option_values(jsonb) is 'The values of options, in their order.';
