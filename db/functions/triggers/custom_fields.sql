-- Fields that an organization adds to its records: a value fits its definition, and a definition fits its values, whoever writes.
-- Definers: API roles that may write these rows have no usage on schema app.

-- app.keep_custom_value: a value belongs to a record of the kind that its field is for, stands in the column of its type, and is kept
-- as app.read_value spells it. NULL is no value; a required field has one. Choices that were archived stay where they are.
create or replace function app.keep_custom_value() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_field   app.custom_field_definitions;
    v_values  constant jsonb := jsonb_strip_nulls(jsonb_build_object(
        'text_value', new.text_value, 'number_value', new.number_value, 'date_value', new.date_value,
        'boolean_value', new.boolean_value, 'option_values', new.option_values));
    v_column  text;
    v_read    record;
    v_problem text;
begin
    select d.* into v_field from app.custom_field_definitions as d
     where d.organization_id = new.organization_id and d.id = new.definition_id
       -- Policies have not been asked yet: whoever writes where they may not hears nothing of the field, and is refused by them.
       and (auth.uid() is null or auth.is_admin_of(new.organization_id))
       for share;
    if not found then
        return new;
    end if;
    v_column := case when v_field.field_type in ('number', 'money') then 'number_value'
                     when v_field.field_type = 'date' then 'date_value'
                     when v_field.field_type = 'boolean' then 'boolean_value'
                     when v_field.field_type = 'multi_select' then 'option_values' else 'text_value' end;
    select r.value, r.problem into v_read
      from app.organizations as o
     cross join lateral app.read_value(
            v_field.field_type, v_values -> v_column,
            array(select p.value from app.custom_field_options as p
                   where p.organization_id = v_field.organization_id and p.definition_id = v_field.id
                     and (p.archived_at is null
                          or tg_op = 'UPDATE' and p.value = any (old.option_values || old.text_value))
                   order by p.position, p.id),
            trim_scale(v_field.min_value)::text, trim_scale(v_field.max_value)::text, o.currency) as r
     where o.id = v_field.organization_id;
    v_problem := case
        when v_field.entity <> case when new.lead_id is not null then 'lead' when new.event_id is not null then 'event'
                                    when new.payment_id is not null then 'payment' when new.closer_id is not null then 'closer'
                                    when new.setter_id is not null then 'setter' else v_field.entity end
            then format('This field is for a %s.', v_field.entity)
        when v_field.archived_at is not null then 'This field was archived.'
        when v_values - v_column <> '{}' then format('Write this field as %s.', v_column)
        when v_read.problem is not null then v_read.problem
        when v_read.value is null and v_field.is_required then 'Answer this.'
    end;
    if v_problem is not null then
        raise exception using errcode = 'PT422', message = 'This value does not fit its field.',
            detail = jsonb_build_object(v_field.name, v_problem)::text, hint = 'Read custom_field_definitions for what fits.';
    end if;

    new.text_value := case v_column when 'text_value' then v_read.value #>> '{}' end;
    new.number_value := case v_column when 'number_value' then (v_read.value #>> '{}')::numeric end;
    new.option_values := case when v_column = 'option_values' and v_read.value is not null
        then array(select c from jsonb_array_elements_text(v_read.value) as c) end;
    return new;
end;
$$;
comment on function app.keep_custom_value() is 'A value of a custom field fits its definition and is kept in one spelling.';

-- app.keep_required_value: the value of a required field is changed, not removed.
create or replace function app.keep_required_value() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
begin
    if exists (select from app.custom_field_definitions as d
                where d.organization_id = old.organization_id and d.id = old.definition_id
                  and d.is_required and d.archived_at is null) then
        raise exception using errcode = 'PT409', message = 'This field is required.',
            hint = 'Change its value, or say in custom_field_definitions that it is not required.';
    end if;
    return old;
end;
$$;
comment on function app.keep_required_value() is 'Refuses to remove the value of a required field.';

-- app.keep_custom_field: what has values keeps its type and record, and is archived instead of deleted.
create or replace function app.keep_custom_field() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
begin
    if exists (select from app.custom_field_values as v where v.organization_id = old.organization_id and v.definition_id = old.id) then
        raise exception using errcode = 'PT409', message = 'This field has values.',
            detail = format('Field %s of type %s, for each %s.', old.name, old.field_type, old.entity),
            hint = 'Archive it (archived_at), and make another one.';
    end if;
    return case tg_op when 'DELETE' then old else new end;
end;
$$;
comment on function app.keep_custom_field() is 'Refuses to delete or retype a field that has values.';

-- app.keep_custom_option: choices are of fields to choose from; one that was chosen keeps its value, and is archived instead of deleted.
create or replace function app.keep_custom_option() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
begin
    if tg_op = 'INSERT' then
        if exists (select from app.custom_field_definitions as d
                    where d.organization_id = new.organization_id and d.id = new.definition_id
                      and d.field_type not in ('select', 'multi_select')) then
            raise exception using errcode = 'PT422', message = 'Only fields to choose from have options.',
                hint = 'Their field_type is select or multi_select.';
        end if;
    elsif exists (select from app.custom_field_values as v
                   where v.organization_id = old.organization_id and v.definition_id = old.definition_id
                     and (v.text_value = old.value or old.value = any (v.option_values))) then
        raise exception using errcode = 'PT409', message = 'This option was chosen.',
            detail = format('Option %s.', old.value), hint = 'Archive it (archived_at), or change its label.';
    end if;
    return case tg_op when 'DELETE' then old else new end;
end;
$$;
comment on function app.keep_custom_option() is 'Refuses to delete or rename an option that was chosen.';

create or replace trigger keeps_new_custom_value before insert on app.custom_field_values
    for each row execute function app.keep_custom_value();
create or replace trigger keeps_changed_custom_value before update on app.custom_field_values
    for each row when (
        (old.definition_id, old.lead_id, old.event_id, old.payment_id, old.closer_id, old.setter_id, old.text_value, old.number_value,
         old.date_value, old.boolean_value, old.option_values)
        is distinct from
        (new.definition_id, new.lead_id, new.event_id, new.payment_id, new.closer_id, new.setter_id, new.text_value, new.number_value,
         new.date_value, new.boolean_value, new.option_values))
    execute function app.keep_custom_value();
create or replace trigger keeps_required_value before delete on app.custom_field_values
    for each row execute function app.keep_required_value();
create or replace trigger keeps_custom_field before delete on app.custom_field_definitions
    for each row execute function app.keep_custom_field();
create or replace trigger keeps_type_of_custom_field before update on app.custom_field_definitions
    for each row when ((old.entity, old.field_type) is distinct from (new.entity, new.field_type))
    execute function app.keep_custom_field();
create or replace trigger keeps_custom_option before insert or delete on app.custom_field_options
    for each row execute function app.keep_custom_option();
create or replace trigger keeps_value_of_custom_option before update on app.custom_field_options
    for each row when ((old.definition_id, old.value) is distinct from (new.definition_id, new.value))
    execute function app.keep_custom_option();
