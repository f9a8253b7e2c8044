-- Moving in from a system of the seed's schema: the fields that an organization added, on forms and on records.
-- Internal: nobody but the owner may call these.

-- app.moved_form_field: a field of another system's form in the words of this one; NULL for what has no name.
create or replace function app.moved_form_field(entry jsonb) returns jsonb
language plpgsql immutable set search_path = '' as $$
begin
    return (
        with named as (
            select app.said(e.entry, 'name', 'key', 'id', 'label') as theirs,
                   case when app.said(e.entry, 'name') ~ '^[a-z][a-z0-9_]{0,59}$' then app.said(e.entry, 'name')
                        else app.field_name(app.said(e.entry, 'name', 'key', 'id', 'label')) end as name
              from (select app.json_object(moved_form_field.entry) as entry) as e
        ), settings as (
            select case s.key when 'isRequired' then 'required' when 'is_required' then 'required' when 'helpText' then 'help'
                              when 'help_text' then 'help' when 'description' then 'help' when 'choices' then 'options'
                              when 'values' then 'options' when 'showIf' then 'show_if' else s.key end as setting,
                   s.value
              from jsonb_each(app.json_object(moved_form_field.entry)) as s
             where s.key not in ('name', 'key', 'id') and s.value <> 'null'
        ), spelled as (
            select s.setting,
                   case when s.setting = 'type' then coalesce(to_jsonb(app.field_type(s.value #>> '{}')), s.value)
                        when s.setting in ('required', 'hidden')
                            then coalesce(to_jsonb(app.said_flag(jsonb_build_object('flag', s.value #>> '{}'), 'flag')), s.value)
                        when s.setting = 'options' and jsonb_typeof(s.value) = 'array' then (
                            select jsonb_agg(case jsonb_typeof(o.choice)
                                       when 'object' then jsonb_strip_nulls(jsonb_build_object(
                                           'value', app.said(o.choice, 'value', 'id', 'key', 'label'), 'label', app.said(o.choice, 'label', 'name')))
                                       when 'number' then to_jsonb(o.choice #>> '{}') else o.choice end order by o.n)
                              from jsonb_array_elements(s.value) with ordinality as o (choice, n))
                        else s.value end as value
              from settings as s
        )
        select case when n.name is not null then
                   jsonb_strip_nulls(jsonb_build_object('name', n.name, 'label', nullif(n.theirs, n.name)))
                   || coalesce((select jsonb_object_agg(s.setting, s.value) from spelled as s where s.value is not null), '{}') end
          from named as n);
end;
$$;
comment on function app.moved_form_field(jsonb) is 'A field of another system''s form in the words of this one.';

-- app.move_form_config: the fields of a form, published by the rules of app.read_form_config. What they do not allow is left out and
-- told: a setting of its field, or the field where that cannot be asked without it. One that was not in use is a version out of use.
-- A field whose condition is left out is not required: nobody is made to answer what was not asked of them.
create or replace function app.move_form_config(given jsonb, out row_id uuid, out problems jsonb, out notes jsonb) returns record
language plpgsql volatile set search_path = '' as $$
declare
    v_organization_id constant uuid := app.metadata_id(given, 'organization_id');
    v_given  jsonb := app.said_json(given, 'fields', 'config', 'configuration', 'schema');
    v_fields jsonb;
    v_read   record;
begin
    problems := '{}';
    notes := '{}';
    if jsonb_typeof(v_given) = 'object' then
        v_given := v_given -> 'fields';
    end if;
    if app.said(given, 'form_type', 'type') is distinct from 'post_call_form' and given ?| array['form_type', 'type'] then
        problems := '{"form_type": "Only the post-call form has fields of its own here."}';
        return;
    elsif jsonb_typeof(v_given) is distinct from 'array' or jsonb_array_length(v_given) > 100 then
        problems := '{"fields": "Give a list of at most 100 fields."}';
        return;
    end if;

    with entries as (
        select e.n, app.moved_form_field(e.entry) as field from jsonb_array_elements(v_given) with ordinality as e (entry, n)
    ), firsts as (
        select e.n, e.field, row_number() over (partition by e.field ->> 'name' order by e.n) as nth from entries as e
    )
    select coalesce(jsonb_agg(f.field order by f.n) filter (where f.field is not null and f.nth = 1), '[]'),
           coalesce(jsonb_object_agg(format('fields[%s]', f.n), case when f.field is null then 'It has no name, and is left out.'
                                                                     else 'Another field has this name; it is left out.' end)
                    filter (where f.field is null or f.nth > 1), '{}')
      into v_fields, notes
      from firsts as f;

    -- Every round leaves a setting or a field out, so it ends.
    loop
        v_read := app.read_form_config(v_fields);
        exit when v_read.problems = '{}';
        with entries as (
            select e.n, e.entry, app.json_object(v_read.problems -> (e.entry ->> 'name')) as wrong
              from jsonb_array_elements(v_fields) with ordinality as e (entry, n)
        ), judged as (
            select e.n, e.entry, e.wrong,
                   exists (select from jsonb_object_keys(e.wrong) as s (setting)
                            where s.setting in ('name', 'hidden') or not e.entry ? s.setting) as is_out
              from entries as e
        )
        select coalesce(jsonb_agg(j.entry - array(select s from jsonb_object_keys(j.wrong) as s)
                                          - case when j.wrong ? 'show_if' then 'required' else '' end order by j.n)
                        filter (where not j.is_out), '[]'),
               notes || coalesce((
                   select jsonb_object_agg(format('fields.%s.%s', w.entry ->> 'name', s.setting), s.sentence
                              || case when w.is_out then ' The field is left out.' else ' This is left out.' end)
                     from judged as w cross join lateral jsonb_each_text(w.wrong) as s (setting, sentence)), '{}')
          into v_fields, notes
          from judged as j;
    end loop;
    if v_fields = '[]' then
        problems := notes || '{"fields": "None of its fields can be asked here."}';
        notes := '{}';
        return;
    end if;

    if app.said_flag(given, 'is_active', 'active') is not false then
        row_id := app.publish_form(v_organization_id, v_read.fields, null, app.metadata_id(given, 'id'));
    else
        insert into app.form_configs as c (organization_id, id, form_type, version, fields, is_active)
        select v_organization_id, app.metadata_id(given, 'id'), 'post_call_form', coalesce(max(p.version), 0) + 1, v_read.fields, false
          from app.form_configs as p
         where p.organization_id = v_organization_id and p.form_type = 'post_call_form'
        on conflict on constraint form_configs_pkey do nothing;
        row_id := app.metadata_id(given, 'id');
    end if;
end;
$$;
comment on function app.move_form_config(jsonb) is 'The form of an organization of a dump, as far as it can be asked here.';

-- app.move_custom_field: a field that an organization added to its records. record_ids: some of those that have a value of it, for
-- systems that do not say what a field is for; has_options: whether there is something to choose from.
create or replace function app.move_custom_field(given jsonb, out row_id uuid, out problems jsonb, out notes jsonb) returns record
language plpgsql volatile set search_path = '' as $$
declare
    v_organization_id constant uuid := app.metadata_id(given, 'organization_id');
    v_name   constant text := app.field_name(app.said(given, 'name', 'field_name', 'field_key', 'key', 'label', 'field_label'));
    v_label  constant text := app.said(given, 'label', 'field_label', 'name', 'field_name', 'field_key', 'key');
    v_said   constant text := app.said(given, 'field_type', 'type', 'data_type');
    v_type   constant text := coalesce(app.field_type(v_said), case when app.said_flag(given, 'has_options') then 'select' else 'text' end);
    v_low    constant text := app.said(given, 'min_value', 'min');
    v_high   constant text := app.said(given, 'max_value', 'max');
    v_entity text := case app.field_name(app.said(given, 'entity', 'entity_type', 'record_type', 'applies_to', 'table_name', 'object_type'))
        when 'lead' then 'lead' when 'leads' then 'lead' when 'contact' then 'lead' when 'contacts' then 'lead'
        when 'event' then 'event' when 'events' then 'event' when 'call' then 'event' when 'calls' then 'event'
        when 'payment' then 'payment' when 'payments' then 'payment' when 'closer' then 'closer' when 'closers' then 'closer'
        when 'setter' then 'setter' when 'setters' then 'setter' end;
    v_same   app.custom_field_definitions;
begin
    problems := '{}';
    notes := '{}';
    if v_entity is null then
        select left(k.entity, -1) into v_entity
          from jsonb_array_elements_text(app.json_array(given -> 'record_ids')) as r (id)
          join app.import_keys as k on k.organization_id = v_organization_id and k.external_id = lower(r.id)
           and k.entity in ('leads', 'events', 'payments', 'closers', 'setters')
         group by k.entity order by count(*) desc, k.entity limit 1;
    end if;
    problems := jsonb_strip_nulls(jsonb_build_object(
        'name', case when v_name is null then 'A field has a name with a letter in it.' end,
        'entity', case when v_entity is null then 'It does not say what it is a field of: lead, event, payment, closer or setter.' end));
    if problems <> '{}' then
        return;
    end if;
    if v_said is null or app.field_type(v_said) is null then
        notes := jsonb_build_object('field_type', format('It is a field of type %s.', v_type));
    end if;
    select d.* into v_same from app.custom_field_definitions as d
     where d.organization_id = v_organization_id and d.entity = v_entity and d.name = v_name and d.id <> app.metadata_id(given, 'id');
    if found and v_same.field_type = v_type then
        row_id := v_same.id;
        notes := notes || '{"name": "There is one like it: they are one field."}';
        return;
    elsif found then
        problems := jsonb_build_object('name', format('There is one like it, of type %s.', v_same.field_type));
        return;
    end if;
    if num_nonnulls(v_low, v_high) > 0 and (
            v_type not in ('number', 'money') or coalesce(v_low, '0') !~ '^-?[0-9]{1,18}(\.[0-9]{1,12})?$'
            or coalesce(v_high, '0') !~ '^-?[0-9]{1,18}(\.[0-9]{1,12})?$' or v_low::numeric > v_high::numeric) then
        notes := notes || '{"min_value": "Its bounds are left out: set them here."}';
    end if;
    insert into app.custom_field_definitions as d (organization_id, id, entity, name, label, field_type, is_required, min_value, max_value, position)
    values (v_organization_id, app.metadata_id(given, 'id'), v_entity, v_name, v_label, v_type,
            coalesce(app.said_flag(given, 'is_required', 'required'), false),
            case when not notes ? 'min_value' then v_low::numeric end, case when not notes ? 'min_value' then v_high::numeric end,
            coalesce(app.said_count(given, 'position', 'sort_order', 'display_order'), 0))
    on conflict on constraint custom_field_definitions_pkey do update
       set entity = excluded.entity, name = excluded.name, label = excluded.label, field_type = excluded.field_type,
           is_required = excluded.is_required, min_value = excluded.min_value, max_value = excluded.max_value, position = excluded.position
    returning d.id into row_id;
end;
$$;
comment on function app.move_custom_field(jsonb) is 'A field that an organization of a dump added to its records.';

-- app.moved_field: the field here that a row of a dump belongs to.
create or replace function app.moved_field(given jsonb) returns uuid
language plpgsql stable set search_path = '' as $$
begin
    return app.moved_id(
        app.metadata_id(given, 'organization_id'), 'custom_field_definitions',
        app.said(given, 'definition_id', 'custom_field_definition_id', 'field_definition_id', 'custom_field_id', 'field_id'));
end;
$$;
comment on function app.moved_field(jsonb) is 'The field here that a row of a dump belongs to.';

-- app.move_custom_option: something to choose from in such a field.
create or replace function app.move_custom_option(given jsonb, out row_id uuid, out problems jsonb, out notes jsonb) returns record
language plpgsql volatile set search_path = '' as $$
declare
    v_organization_id constant uuid := app.metadata_id(given, 'organization_id');
    v_field_id        constant uuid := app.moved_field(given);
    v_value           constant text := app.said(given, 'value', 'option_value', 'name', 'label', 'option_label');
begin
    notes := '{}';
    problems := jsonb_strip_nulls(jsonb_build_object(
        'definition_id', case when v_field_id is null then 'There is no such field.' end,
        'value', case when v_value is null then 'An option has a value.' end));
    if problems <> '{}' then
        return;
    end if;
    insert into app.custom_field_options as o (organization_id, id, definition_id, value, label, position)
    values (v_organization_id, app.metadata_id(given, 'id'), v_field_id, v_value,
            app.said(given, 'label', 'option_label', 'name', 'value', 'option_value'),
            coalesce(app.said_count(given, 'position', 'sort_order', 'display_order'), 0))
    on conflict on constraint custom_field_options_value_key do update set label = excluded.label, position = excluded.position
    returning o.id into row_id;
end;
$$;
comment on function app.move_custom_option(jsonb) is 'Something to choose from in a field of a dump.';

-- app.move_custom_value: what such a field says of a record, which was text and gets the type of its field.
create or replace function app.move_custom_value(given jsonb, out row_id uuid, out problems jsonb, out notes jsonb) returns record
language plpgsql volatile set search_path = '' as $$
declare
    v_organization_id constant uuid := app.metadata_id(given, 'organization_id');
    v_field     app.custom_field_definitions;
    v_options   text[];
    v_record_id uuid;
    v_text      text := app.said(given, 'value', 'value_text', 'text_value', 'value_number', 'number_value', 'value_date', 'date_value',
                                 'value_boolean', 'boolean_value', 'value_json', 'json_value');
    v_json      jsonb;
    v_read      record;
begin
    problems := '{}';
    notes := '{}';
    select d.* into v_field from app.custom_field_definitions as d
     where d.organization_id = v_organization_id and d.id = app.moved_field(given);
    if not found then
        problems := '{"definition_id": "There is no such field."}';
        return;
    end if;
    v_record_id := app.moved_id(v_organization_id, v_field.entity || 's', app.said(given, 'record_id', 'entity_id', v_field.entity || '_id'));
    if v_record_id is null then
        problems := jsonb_build_object('record_id', format('There is no such %s.', v_field.entity));
        return;
    end if;

    if v_text ~ '^"' and pg_input_is_valid(v_text, 'jsonb') then
        v_text := btrim(v_text::jsonb #>> '{}');
    end if;
    if app.said(given, 'option_id') is not null or v_field.field_type = 'select' and pg_input_is_valid(v_text, 'uuid') then
        v_text := coalesce((select o.value from app.custom_field_options as o
                             where o.organization_id = v_organization_id
                               and o.id = app.moved_id(v_organization_id, 'custom_field_options', coalesce(app.said(given, 'option_id'), v_text))),
                           v_text);
    end if;
    v_options := array(select o.value from app.custom_field_options as o
                        where o.organization_id = v_organization_id and o.definition_id = v_field.id order by o.position, o.id);
    v_json := case
        when v_text is null then null
        when v_field.field_type = 'boolean'
            then coalesce(to_jsonb(app.said_flag(jsonb_build_object('value', v_text), 'value')), to_jsonb(v_text))
        when v_field.field_type = 'multi_select' and v_text ~ '^\[' and pg_input_is_valid(v_text, 'jsonb') then v_text::jsonb
        when v_field.field_type = 'multi_select' and v_text ~ '^\{' and pg_input_is_valid(v_text, 'text[]') then to_jsonb(v_text::text[])
        when v_field.field_type = 'multi_select' then to_jsonb(regexp_split_to_array(v_text, '\s*,\s*'))
        when v_field.field_type = 'select' then to_jsonb(coalesce(
            (select o from unnest(v_options) as o where lower(o) = lower(v_text) order by o = v_text desc, o limit 1), v_text))
        when v_field.field_type = 'date' and v_text ~ '^\d{4}-\d\d-\d\d[T ]00:00(:00(\.0+)?)?(Z|[+]00(:?00)?)?$' then to_jsonb(left(v_text, 10))
        else to_jsonb(v_text) end;
    select r.value, r.problem into v_read
      from app.organizations as o
     cross join lateral app.read_value(v_field.field_type, v_json, v_options, trim_scale(v_field.min_value)::text,
                                       trim_scale(v_field.max_value)::text, o.currency) as r
     where o.id = v_organization_id;
    if v_read.problem is not null then
        problems := jsonb_build_object('value', v_read.problem);
        return;
    elsif v_read.value is null then
        return;
    elsif exists (select from app.custom_field_values as v
                   where v.organization_id = v_organization_id and v.definition_id = v_field.id and v.record_id = v_record_id
                     and v.id <> app.metadata_id(given, 'id')) then
        problems := '{"record_id": "Another row says what this field is of this record."}';
        return;
    end if;
    insert into app.custom_field_values as v (
        organization_id, id, definition_id, lead_id, event_id, payment_id, closer_id, setter_id,
        text_value, number_value, date_value, boolean_value, option_values)
    values (
        v_organization_id, app.metadata_id(given, 'id'), v_field.id,
        case v_field.entity when 'lead' then v_record_id end, case v_field.entity when 'event' then v_record_id end,
        case v_field.entity when 'payment' then v_record_id end, case v_field.entity when 'closer' then v_record_id end,
        case v_field.entity when 'setter' then v_record_id end,
        case when v_field.field_type in ('text', 'select', 'email', 'phone') then v_read.value #>> '{}' end,
        case when v_field.field_type in ('number', 'money') then (v_read.value #>> '{}')::numeric end,
        case when v_field.field_type = 'date' then (v_read.value #>> '{}')::date end,
        case when v_field.field_type = 'boolean' then (v_read.value #>> '{}')::boolean end,
        case when v_field.field_type = 'multi_select' then array(select c from jsonb_array_elements_text(v_read.value) as c) end)
    on conflict on constraint custom_field_values_pkey do update
       set text_value = excluded.text_value, number_value = excluded.number_value, date_value = excluded.date_value,
           boolean_value = excluded.boolean_value, option_values = excluded.option_values
    returning v.id into row_id;
end;
$$;
comment on function app.move_custom_value(jsonb) is 'What a field of a dump says of a record, with the type of its field.';

-- app.move_custom_end: a field or an option that was out of use is archived here, after its values came in.
create or replace function app.move_custom_end(given jsonb, out row_id uuid, out problems jsonb, out notes jsonb) returns record
language plpgsql volatile set search_path = '' as $$
declare
    v_organization_id constant uuid := app.metadata_id(given, 'organization_id');
begin
    problems := '{}';
    notes := '{}';
    if app.said_flag(given, 'is_active', 'active') is not false and not given ?| array['archived_at', 'deleted_at'] then
        return;
    end if;
    update app.custom_field_definitions as d set archived_at = now()
     where d.organization_id = v_organization_id and d.archived_at is null
       and d.id = app.moved_id(v_organization_id, 'custom_field_definitions', given ->> 'id')
    returning d.id into row_id;
    if row_id is null then
        update app.custom_field_options as o set archived_at = now()
         where o.organization_id = v_organization_id and o.archived_at is null
           and o.id = app.moved_id(v_organization_id, 'custom_field_options', given ->> 'id')
        returning o.id into row_id;
    end if;
end;
$$;
comment on function app.move_custom_end(jsonb) is 'Archives a field or an option of a dump that was out of use.';
