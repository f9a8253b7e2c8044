-- Whom a name from outside means: setters as UTM fields, answers and chats spell them, closers as booking platforms list
-- them. Nobody is ever made from a name, and a name that fits several people means nobody.

-- app.only_one: whom a name means that fits these: the only one, or of several the only one who is active; else NULL.
create or replace function app.only_one(ids uuid[], active_ids uuid[]) returns uuid
language sql immutable parallel safe
return case when cardinality(ids) = 1 then ids[1] when cardinality(active_ids) = 1 then active_ids[1] end;
comment on function app.only_one(uuid[], uuid[]) is 'The only one of these, or the only one who is active.';

-- app.setter_known_as: the setter who is known by this address, name or alias; NULL for nobody, and for several of whom
-- not exactly one is active.
create or replace function app.setter_known_as(organization_id uuid, known_as text) returns uuid
language sql stable
begin atomic
    select app.only_one(array_agg(s.id), array_agg(s.id) filter (where s.is_active))
      from app.setters as s
     where s.organization_id = setter_known_as.organization_id
       and lower(btrim(setter_known_as.known_as)) = any (array[s.email_norm, lower(btrim(s.name))] || lower(s.aliases::text)::text[]);
end;
comment on function app.setter_known_as(uuid, text) is 'The setter who is known by this address, name or alias, else NULL.';

-- app.closer_known_as: the closer who is known by this address, name or alias; NULL for nobody, and for several of whom
-- not exactly one is active.
create or replace function app.closer_known_as(organization_id uuid, known_as text) returns uuid
language sql stable
begin atomic
    select app.only_one(array_agg(c.id), array_agg(c.id) filter (where c.is_active))
      from app.closers as c
     where c.organization_id = closer_known_as.organization_id
       and lower(btrim(closer_known_as.known_as)) = any (array[c.email_norm, lower(btrim(c.name))] || lower(c.aliases::text)::text[]);
end;
comment on function app.closer_known_as(uuid, text) is 'The closer who is known by this address, name or alias, else NULL.';

-- app.named_setter: the setter that a booking or a chat names; a name that fits nobody is an exception until it does.
-- entity, row_id: what names the setter.
create or replace function app.named_setter(organization_id uuid, name text, entity text, row_id uuid) returns uuid
language plpgsql volatile set search_path = '' as $$
declare
    v_name   constant text := nullif(btrim(named_setter.name), '');
    v_setter uuid;
begin
    if v_name is null then
        return null;
    end if;
    v_setter := app.setter_known_as(named_setter.organization_id, v_name);
    if v_setter is null then
        perform app.record_exception(
            named_setter.organization_id, 'unknown_setter', lower(v_name), 'warning', named_setter.entity,
            array[named_setter.row_id], format('No setter is known as %s.', left(v_name, 100)),
            'Add the spelling to the aliases of a setter, then replay the delivery.',
            jsonb_build_object('setter_name', left(v_name, 100)));
    else
        perform app.resolve_exception(named_setter.organization_id, 'unknown_setter', lower(v_name));
    end if;
    return v_setter;
end;
$$;
comment on function app.named_setter(uuid, text, text, uuid) is 'The setter that somebody names; an exception when nobody is known by the name.';

-- app.known_names: names and addresses as rosters keep them: lower case, without blanks around them, each once.
create or replace function app.known_names(names text[]) returns text[]
language sql immutable parallel safe
return array(select distinct lower(btrim(n.name)) from unnest(names) as n (name) where btrim(n.name) <> '' order by 1);
comment on function app.known_names(text[]) is 'Aliases as rosters keep them: lower case, each once.';
