-- Reading what others write: fields of payloads that may be missing, null, or of another type than documented.
-- Internal: nobody but the owner may call these.

-- app.json_text: a text that says something; NULL for blank ones and for what is no string.
create or replace function app.json_text(field jsonb) returns text
language sql immutable parallel safe
return case jsonb_typeof(field) when 'string' then nullif(btrim(field #>> '{}'), '') end;
comment on function app.json_text(jsonb) is 'A text that says something, else NULL.';

-- app.json_id: the id of a field that is a string, a number, or the whole object with its id; NULL for anything else.
create or replace function app.json_id(field jsonb) returns text
language sql immutable parallel safe
return nullif(btrim(case jsonb_typeof(field) when 'string' then field #>> '{}' when 'number' then field #>> '{}'
                                             when 'object' then field ->> 'id' end), '');
comment on function app.json_id(jsonb) is 'The id of a field that is a string, a number, or an object with an id.';

-- app.json_object: an object; an empty one for anything else.
create or replace function app.json_object(field jsonb) returns jsonb
language sql immutable parallel safe
return case jsonb_typeof(field) when 'object' then field else '{}' end;
comment on function app.json_object(jsonb) is 'An object; an empty one for anything else.';

-- app.json_array: an array; an empty one for anything else.
create or replace function app.json_array(field jsonb) returns jsonb
language sql immutable parallel safe
return case jsonb_typeof(field) when 'array' then field else '[]' end;
comment on function app.json_array(jsonb) is 'An array; an empty one for anything else.';

-- app.json_instant: an instant from Unix seconds (a number) or ISO 8601 with a zone (a string), between 1970 and 2100;
-- NULL for anything else.
create or replace function app.json_instant(field jsonb) returns timestamptz
language plpgsql immutable parallel safe set search_path = '' as $$
declare
    v_text constant text := btrim(field #>> '{}');
    v_at   timestamptz;
begin
    case jsonb_typeof(field)
        when 'number' then
            if v_text::numeric between 0 and 4102444800 then
                v_at := to_timestamp(v_text::double precision);
            end if;
        when 'string' then
            if v_text ~ '^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?\s?(Z|[+-]\d\d:?(\d\d)?)$'
               and pg_input_is_valid(v_text, 'timestamptz') then
                v_at := v_text::timestamptz;
            end if;
        else null;
    end case;
    return case when v_at between '1970-01-01 00:00:00+00' and '2100-01-01 00:00:00+00' then v_at end;
end;
$$;
comment on function app.json_instant(jsonb) is 'An instant from Unix seconds or ISO 8601 with a zone, else NULL.';
