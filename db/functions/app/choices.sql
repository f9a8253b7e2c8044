-- Arguments that are one of a few words. Internal: nobody but the owner may call these.

-- app.require_choice: PT422 naming the argument and its choices, unless it is one of them.
create or replace function app.require_choice(argument text, given text, choices text[]) returns void
language plpgsql immutable set search_path = '' as $$
begin
    if given is null or given <> all (choices) then
        raise exception using errcode = 'PT422', message = 'There is no such choice.',
            detail = jsonb_build_object(argument, format('One of %s.', array_to_string(choices, ', ')))::text,
            hint = format('You gave %s.', coalesce(left(given, 100), 'nothing'));
    end if;
end;
$$;
comment on function app.require_choice(text, text, text[]) is 'PT422 naming the choices, unless this is one of them.';
