-- Imported rosters, drop-downs and exchange rates: a row of a file is a row of one table, known by its key, else by its name,
-- address or day.
-- Internal: nobody but the owner may call these.

-- app.import_natural_key: what a row of a list is known by, whatever its id elsewhere: address, else name; of a rate its day.
create or replace function app.import_natural_key(entity text, fields jsonb) returns text
language sql immutable parallel safe
return case
    when entity = 'fx_rates' then concat_ws(' ', fields ->> 'day', fields ->> 'from_currency', fields ->> 'to_currency')
    when entity in ('closers', 'setters', 'payees') then lower(coalesce(fields ->> 'email', fields ->> 'name'))
    else lower(fields ->> 'name') end;
comment on function app.import_natural_key(text, jsonb) is 'What a row of a list is known by, whatever its id elsewhere.';

-- app.import_lists: rows of one list, by the columns that app.import_fields names.
-- A row that is known already, by its key or else by its name or address, is brought to what the file says and keeps what
-- the file leaves out; a name or address of another row is refused; two rows of one name are one row here.
create or replace function app.import_lists(organization_id uuid, entity text, rows jsonb) returns jsonb
language plpgsql volatile set search_path = '' as $$
#variable_conflict use_column
declare
    v_is_roster constant boolean := import_lists.entity in ('closers', 'setters', 'payees');
    v_columns   text[];
    v_defaults  jsonb;
    v_rows      jsonb;
    v_matched   jsonb;
    v_changed   uuid[];
    v_answer    jsonb;
begin
    select array_agg(f.name || case f.kind when 'ref' then '_id' else '' end),
           jsonb_object_agg(f.name, case when f.kind in ('text', 'choice') then to_jsonb(f.fallback) else f.fallback::jsonb end)
               filter (where f.fallback is not null)
      into v_columns, v_defaults
      from app.import_fields() as f where f.entity = import_lists.entity;
    if 'aliases' = any (v_columns) then
        v_defaults := v_defaults || '{"aliases": []}';
    end if;

    -- What each row is: known by its key, by its name or address, the first of several in the file, and its columns.
    execute format(
        'select jsonb_agg(to_jsonb(r) - ''fields'' || jsonb_build_object(''natural_id'', m.id, ''given_id'', r.fields ->> ''id''))'
        '  from (select i.*, min(i.n) over (partition by i.natural) as first_n'
        '          from (select (e ->> ''n'')::bigint as n, k.id as row_id, e -> ''fields'' as fields,'
        '                       app.import_natural_key($2, e -> ''fields'') as natural,'
        '                       (select jsonb_object_agg(f.name || case f.kind when ''ref'' then ''_id'' else '''' end, e -> ''fields'' -> f.name)'
        '                          from app.import_fields() as f where f.entity = $2 and e -> ''fields'' ? f.name) as columns'
        '                  from jsonb_array_elements($3) as e'
        '                  left join app.%1$I as k on k.organization_id = $1 and k.id = (e ->> ''row_id'')::uuid) as i) as r'
        '  left join lateral (select (array_agg(t.id order by %3$s t.created_at, t.id))[1] as id from app.%1$I as t'
        '                      where t.organization_id = $1 and %2$s) as m on true',
        import_lists.entity,
        case when import_lists.entity = 'fx_rates'
             then 't.day = (r.fields ->> ''day'')::date and t.from_currency = r.fields ->> ''from_currency'' and t.to_currency = r.fields ->> ''to_currency'''
             when v_is_roster then '(t.email_norm = lower(r.fields ->> ''email'')'
                                   ' or lower(t.name) = lower(r.fields ->> ''name'') and (t.email is null or not r.fields ? ''email''))'
             else 't.name_norm = lower(r.fields ->> ''name'')' end,
        case when v_is_roster or import_lists.entity = 'fx_rates' then '' else 't.archived_at is null desc,' end)
       into v_matched using import_lists.organization_id, import_lists.entity, import_lists.rows;

    select jsonb_agg(jsonb_build_object(
               'n', m.n, 'natural', m.natural, 'columns', m.columns, 'given_id', m.given_id,
               'id', coalesce(m.row_id, m.natural_id),
               'step', case
                   when m.row_id is not null and (m.natural_id <> m.row_id or m.first_n <> m.n) then 'refused'
                   when m.first_n <> m.n then 'repeated'
                   when coalesce(m.row_id, m.natural_id) is null then 'insert' else 'update' end,
               'first_n', m.first_n))
      into v_rows
      from jsonb_to_recordset(v_matched) as m (n bigint, row_id uuid, "natural" text, natural_id uuid, first_n bigint, given_id uuid, columns jsonb);

    -- New rows keep the id they bring where it is free; a person's has to be free on the whole platform.
    select jsonb_agg(case when r.step = 'insert' then jsonb_build_object(
                'n', r.n, 'natural', r.natural, 'columns', v_defaults || r.columns, 'step', r.step, 'first_n', r.first_n, 'id',
                case when r.given_id is not null
                          and not app.import_id_is_taken(import_lists.organization_id, import_lists.entity, r.given_id)
                     then r.given_id else uuidv7() end) else to_jsonb(r) end)
      into v_rows
      from jsonb_to_recordset(v_rows) as r (n bigint, "natural" text, columns jsonb, given_id uuid, id uuid, step text, first_n bigint);
    if import_lists.entity = 'call_outcomes' then
        select jsonb_agg(r.value || jsonb_build_object('columns', r.value -> 'columns' || jsonb_build_object(
                   'call_status', case when r.value -> 'columns' ->> 'event_outcome' is null then 'canceled'
                                       when r.value -> 'columns' ->> 'event_outcome' = 'no_show' then 'no_show' else 'completed' end,
                   'event_outcome', r.value -> 'columns' ->> 'event_outcome')))
          into v_rows
          from jsonb_array_elements(v_rows) as r;
        -- What an outcome stands for stays once a form has named it.
        select jsonb_agg(r.value || case when r.value ->> 'step' = 'update' and exists (
                   select from app.call_outcomes as o
                     join app.post_call_forms as f on f.organization_id = o.organization_id and f.call_outcome_id = o.id
                    where o.organization_id = import_lists.organization_id and o.id = (r.value ->> 'id')::uuid
                      and (o.call_status, o.event_outcome) is distinct from
                          (r.value -> 'columns' ->> 'call_status', r.value -> 'columns' ->> 'event_outcome'))
                   then '{"step": "fixed"}' else '{}'::jsonb end)
          into v_rows
          from jsonb_array_elements(v_rows) as r;
    end if;

    execute format(
        'insert into app.%1$I (organization_id, id, %2$s)'
        ' select $1, r.id, %3$s from jsonb_to_recordset($2) as r (n bigint, id uuid, step text, columns jsonb)'
        '  cross join lateral jsonb_populate_record(null::app.%1$I, r.columns) as p'
        '  where r.step = ''insert'' order by r.n',
        import_lists.entity, array_to_string(v_columns, ', '),
        (select string_agg('p.' || c.name, ', ' order by c.position) from unnest(v_columns) with ordinality as c (name, position)))
      using import_lists.organization_id, v_rows;
    execute format(
        'with changed as ('
        '   update app.%1$I as t set %2$s from jsonb_to_recordset($2) as r (id uuid, step text, columns jsonb)'
        '     cross join lateral jsonb_populate_record(null::app.%1$I, r.columns) as p'
        '    where r.step = ''update'' and t.organization_id = $1 and t.id = r.id and (%3$s) is distinct from (%4$s)'
        '   returning t.id)'
        ' select array_agg(c.id) from changed as c',
        import_lists.entity,
        (select string_agg(format('%1$s = coalesce(p.%1$s, t.%1$s)', c.name), ', ') from unnest(v_columns) as c (name)),
        (select string_agg('t.' || c.name, ', ' order by c.position) from unnest(v_columns) with ordinality as c (name, position)),
        (select string_agg(format('coalesce(p.%1$s, t.%1$s)', c.name), ', ' order by c.position)
           from unnest(v_columns) with ordinality as c (name, position)))
       into v_changed using import_lists.organization_id, v_rows;

    select jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
               'n', r.n, 'row_id', case r.step when 'repeated' then f.id else r.id end,
               'outcome', case r.step when 'insert' then 'inserted' when 'refused' then 'refused' when 'fixed' then 'refused' when 'repeated' then 'unchanged'
                                      else case when r.id = any (v_changed) then 'updated' else 'unchanged' end end,
               'field', case when r.step in ('refused', 'repeated') then 'name' when r.step = 'fixed' then 'event_outcome' end,
               'sentence', case r.step when 'refused' then 'Another one has this name or address.'
                                       when 'fixed' then 'Forms name this outcome, and mean what it stands for.'
                                       when 'repeated' then format('It has the name or address of row %s and is the same one here.', r.first_n) end)))
      into v_answer
      from jsonb_to_recordset(v_rows) as r (n bigint, id uuid, step text, first_n bigint)
      left join jsonb_to_recordset(v_rows) as f (n bigint, id uuid) on f.n = r.first_n;
    if v_is_roster then
        perform app.resolve_known_people(import_lists.organization_id);
    end if;
    return v_answer;
end;
$$;
comment on function app.import_lists(uuid, text, jsonb) is 'Rows of a roster, a drop-down, or exchange rates.';

-- app.import_id_is_taken: may a new row not have the id that it brings?
create or replace function app.import_id_is_taken(organization_id uuid, entity text, id uuid) returns boolean
language plpgsql stable set search_path = '' as $$
declare
    v_is_taken boolean;
begin
    if entity in ('closers', 'setters', 'payees') then
        return exists (select from app.closers as t where t.id = import_id_is_taken.id)
            or exists (select from app.setters as t where t.id = import_id_is_taken.id)
            or exists (select from app.payees as t where t.id = import_id_is_taken.id)
            or exists (select from app.organizations as t where t.id = import_id_is_taken.id);
    end if;
    execute format('select exists (select from app.%I as t where t.organization_id = $1 and t.id = $2)', entity)
       into v_is_taken using import_id_is_taken.organization_id, import_id_is_taken.id;
    return v_is_taken;
end;
$$;
comment on function app.import_id_is_taken(uuid, text, uuid) is 'May a new row not have the id that it brings?';

-- app.report_unknown_people: names in a file that fit nobody, or several people, wait for a person; each once.
-- people: [{"role": "closer" or "setter", "name", "row_id"}] of rows of the entity.
create or replace function app.report_unknown_people(organization_id uuid, entity text, people jsonb) returns void
language plpgsql volatile set search_path = '' as $$
begin
    perform app.record_exception(
            report_unknown_people.organization_id, 'unknown_' || u.role, u.known_as, 'warning', report_unknown_people.entity, u.row_ids,
            format('No %s is known as %s.', u.role, left(u.name, 100)),
            format('Add the spelling to the aliases of a %s, then import the file again.', u.role),
            jsonb_build_object(u.role || '_name', left(u.name, 100)))
       from (select p.role, lower(btrim(p.name)) as known_as, min(p.name) as name,
                    (array_agg(distinct p.row_id))[1:100] as row_ids
               from jsonb_to_recordset(report_unknown_people.people) as p (role text, name text, row_id uuid)
              where p.name is not null
              group by p.role, lower(btrim(p.name))) as u;
end;
$$;
comment on function app.report_unknown_people(uuid, text, jsonb) is 'Names in a file that fit nobody wait for a person.';

-- app.resolve_known_people: names that fitted nobody and now fit somebody wait no more.
create or replace function app.resolve_known_people(organization_id uuid) returns void
language plpgsql volatile set search_path = '' as $$
begin
    perform app.resolve_exception(e.organization_id, e.check_name, e.dedupe_key)
       from app.exceptions as e
      where e.organization_id = resolve_known_people.organization_id and e.state = 'open'
        and (e.check_name = 'unknown_closer' and app.closer_known_as(e.organization_id, e.details ->> 'closer_name') is not null
             or e.check_name = 'unknown_setter' and e.details ? 'setter_name'
                and app.setter_known_as(e.organization_id, e.details ->> 'setter_name') is not null);
end;
$$;
comment on function app.resolve_known_people(uuid) is 'Names that fit somebody now wait no more.';
