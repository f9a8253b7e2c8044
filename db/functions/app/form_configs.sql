-- What a post-call form asks: the standard fields, and those that an organization publishes beside them.
-- Internal: nobody but the owner may call these.

-- app.form_fields: the standard fields, the kind of their values, the choices of those that have a fixed list, and whether
-- an answer that is left out has a default. A published form may require the others.
create or replace function app.form_fields() returns table (ordinal integer, name text, kind text, choices text[], has_default boolean)
language sql immutable parallel safe
begin atomic
    select f.ordinal, f.name, f.kind, f.choices, f.has_default
      from (values
            (1,  'event_outcome',         'select',   array['showed', 'showed_no_offer', 'showed_offer', 'closed', 'no_show'], true),
            (2,  'call_occurred',         'boolean',  null::text[], true),
            (3,  'lead_showed',           'boolean',  null,         true),
            (4,  'offer_made',            'boolean',  null,         true),
            (5,  'deal_closed',           'boolean',  null,         true),
            (6,  'non_occurrence_reason', 'select',
                 array['lead_no_show', 'lead_canceled', 'reschedule_requested', 'closer_absent', 'technical'], true),
            (7,  'disqualified',          'boolean',  null,         true),
            (8,  'currency',              'currency', null,         true),
            (9,  'cash_collected',        'money',    null,         false),
            (10, 'contract_value',        'money',    null,         false),
            (11, 'payment_type',          'select',   array['pif', 'payment_plan', 'deposit', 'financed'], false),
            (12, 'package_id',            'id',       null,         false),
            (13, 'opportunity_status_id', 'id',       null,         false),
            (14, 'call_outcome_id',       'id',       null,         false),
            (15, 'closer_id',             'id',       null,         true),
            (16, 'notes',                 'text',     null,         false)
           ) as f (ordinal, name, kind, choices, has_default);
end;
comment on function app.form_fields() is 'The standard fields of a post-call form.';

-- app.asked_fields: every field of a published form, the standard ones first, as its entries change them.
-- fields: as app.read_form_config answers them. Only earlier fields are named in show_if.
create or replace function app.asked_fields(fields jsonb)
returns table (
    ordinal integer, name text, kind text, is_standard boolean, is_required boolean, is_hidden boolean, choices text[],
    smallest text, largest text, show_if jsonb)
language sql immutable parallel safe
begin atomic
    with entries as (
        select e.entry ->> 'name' as name, e.n::integer as n, e.entry
          from jsonb_array_elements(asked_fields.fields) with ordinality as e (entry, n)
    )
    select coalesce(s.ordinal, 100 + e.n), coalesce(s.name, e.name), coalesce(s.kind, e.entry ->> 'type'), s.name is not null,
           coalesce((e.entry ->> 'required')::boolean, false), coalesce((e.entry ->> 'hidden')::boolean, false),
           coalesce(app.option_values(e.entry -> 'options'), s.choices), e.entry ->> 'min', e.entry ->> 'max', e.entry -> 'show_if'
      from app.form_fields() as s
      full join entries as e on e.name = s.name;
end;
comment on function app.asked_fields(jsonb) is 'Every field that a form asks, with what its value must be.';

-- app.implied_answers: the answers with what follows from them. Left out: no offer, no close, not disqualified; the lead showed if
-- the call took place; of a call that did not, the lead did not show up. event_outcome says the same in one word (showed means
-- showed_no_offer) and fills in what the others leave out.
create or replace function app.implied_answers(answers jsonb) returns jsonb
language sql immutable
begin atomic
    with said as (
        select case implied_answers.answers ->> 'event_outcome' when 'showed' then 'showed_no_offer'
                                                                else implied_answers.answers ->> 'event_outcome' end as outcome
    ), told as (
        select s.outcome, coalesce((implied_answers.answers ->> 'call_occurred')::boolean, s.outcome <> 'no_show') as occurred,
               coalesce((implied_answers.answers ->> 'offer_made')::boolean, s.outcome in ('showed_offer', 'closed'), false) as offer,
               coalesce((implied_answers.answers ->> 'deal_closed')::boolean, s.outcome = 'closed', false) as closed
          from said as s
    ), whole as (
        select t.outcome, t.occurred, t.offer, t.closed,
               coalesce((implied_answers.answers ->> 'lead_showed')::boolean, t.occurred) as showed,
               coalesce(implied_answers.answers ->> 'non_occurrence_reason', case when not t.occurred then 'lead_no_show' end) as reason
          from told as t
    )
    select implied_answers.answers || jsonb_strip_nulls(jsonb_build_object(
               'call_occurred', w.occurred, 'lead_showed', w.showed, 'offer_made', w.offer, 'deal_closed', w.closed,
               'non_occurrence_reason', w.reason,
               'disqualified', coalesce((implied_answers.answers ->> 'disqualified')::boolean, false),
               'event_outcome', coalesce(w.outcome, r.event_outcome)))
      from whole as w
      left join lateral app.form_result(w.occurred, w.showed, w.offer, w.closed, w.reason) as r on true;
end;
comment on function app.implied_answers(jsonb) is 'The answers of a form with what follows from them.';

-- app.condition_holds: is a field asked, given the other answers? condition: {"field", and one of "equals", "in", "answered"};
-- of several choices, one that fits is enough. NULL holds.
create or replace function app.condition_holds(condition jsonb, answers jsonb) returns boolean
language sql immutable parallel safe
return case
    when condition is null then true
    when condition ? 'answered'
        then (answers ? (condition ->> 'field')) = (condition ->> 'answered')::boolean
    when condition ? 'equals' then coalesce((answers -> (condition ->> 'field')) @> (condition -> 'equals'), false)
    else exists (select from jsonb_array_elements(condition -> 'in') as c (choice)
                  where (answers -> (condition ->> 'field')) @> c.choice)
end;
comment on function app.condition_holds(jsonb, jsonb) is 'Is a field asked, given the other answers?';

-- app.read_answers: forms against what is asked: the answers as they are kept, and a sentence for every field that is wrong.
-- This is the one check of answers, for people, imports and previews alike, in a set.
-- fields: the published ones. forms: each an object of field and answer; the answers of own fields may also stand together
-- under "answers". currency: what money is in unless a form names another. is_history: nothing is required.
-- Answers one row for each form: n counts from 1; answers without those that were left out; problems an object of field and
-- sentence. An answer to a field that is not asked, hidden or under a condition that does not hold, is a problem: a client that
-- drops it knows that it does, and no answer is lost unseen.
create or replace function app.read_answers(fields jsonb, forms jsonb[], currency text, is_history boolean default false)
returns table (n integer, answers jsonb, problems jsonb)
language sql stable
begin atomic
    with fields as materialized (
        select f.ordinal, f.name, f.kind, f.is_required, f.is_hidden, f.choices, f.smallest, f.largest, f.show_if
          from app.asked_fields(read_answers.fields) as f
    ), forms as materialized (
        select f.n::integer as n, f.form - 'answers' as form,
               case jsonb_typeof(f.form -> 'answers') when 'object' then f.form -> 'answers' else '{}' end as own,
               coalesce(jsonb_typeof(f.form -> 'answers'), 'object') in ('object', 'null') as is_sound
          from unnest(read_answers.forms) with ordinality as f (form, n)
    ), currencies as (
        select f.n, case when (c.read).problem is null
                         then coalesce((c.read).value #>> '{}', read_answers.currency) end as currency
          from forms as f
         cross join lateral (
                select app.read_value('currency', f.form -> 'currency', null, null, null, null) as read) as c
    ), given as (
        select f.n, a.key, k.name, k.is_hidden, k.show_if, r.value, r.problem
          from forms as f
          join currencies as c on c.n = f.n
         cross join lateral jsonb_each(f.own || f.form) as a
          left join fields as k on k.name = a.key
          left join lateral app.read_value(k.kind, a.value, k.choices, k.smallest, k.largest, c.currency) as r on true
    ), answered as materialized (
        select f.n, coalesce(g.answers, '{}') as answers, app.implied_answers(coalesce(g.answers, '{}')) as implied
          from forms as f
          left join (
                select g.n, jsonb_object_agg(g.name, g.value) as answers
                  from given as g where g.value is not null group by g.n) as g on g.n = f.n
    ), problems as (
        select f.n, 'answers' as field, 'Give an object of field and answer.' as sentence from forms as f where not f.is_sound
        union all
        select f.n, left(k.key, 60), 'This is answered twice.'
          from forms as f cross join lateral jsonb_object_keys(f.form) as k (key) where f.own ? k.key
        union all
        select g.n, left(g.key, 60),
               case when g.name is null then 'This form has no such field.'
                    when g.problem is not null then g.problem
                    else 'This is not asked here: leave it out.' end
          from given as g
          join answered as a on a.n = g.n
         where g.name is null or g.problem is not null
            or g.value is not null and (g.is_hidden or not app.condition_holds(g.show_if, a.implied))
        union all
        select a.n, k.name, 'Answer this.'
          from answered as a
         cross join fields as k
         where k.is_required and not read_answers.is_history and not a.answers ? k.name
           and app.condition_holds(k.show_if, a.implied)
           and not exists (select from given as g where g.n = a.n and g.name = k.name and g.problem is not null)
    )
    select a.n, a.answers, coalesce(p.problems, '{}')
      from answered as a
      left join (select p.n, jsonb_object_agg(p.field, p.sentence) as problems from problems as p group by p.n) as p on p.n = a.n
     order by a.n;
end;
comment on function app.read_answers(jsonb, jsonb[], text, boolean) is
    'Answers against what is asked: as they are kept, and what is wrong with them.';

-- app.read_form_config: the fields of a form as somebody wrote them, in the one spelling in which they are kept, and what is wrong
-- with them: an object from the field's name (fields[n] for one without) to an object of setting and sentence.
create or replace function app.read_form_config(given jsonb, out fields jsonb, out problems jsonb) returns record
language plpgsql stable set search_path = '' as $$
declare
    v_entry record;
    v_read  record;
    v_known jsonb := (select jsonb_object_agg(f.name, jsonb_build_object('ordinal', f.ordinal, 'kind', f.kind, 'choices', f.choices))
                        from app.form_fields() as f);
begin
    fields := '[]';
    problems := '{}';
    if jsonb_typeof(given) is distinct from 'array' or jsonb_array_length(given) > 100 then
        problems := jsonb_build_object('fields', jsonb_build_object('fields', 'Give a list of at most 100 fields.'));
        return;
    end if;
    for v_entry in
        select e.value as entry, e.n::integer as n,
               coalesce(left(app.json_text(app.json_object(e.value) -> 'name'), 60), format('fields[%s]', e.n)) as key
          from jsonb_array_elements(given) with ordinality as e (value, n)
    loop
        v_read := app.read_form_field(v_entry.entry, v_entry.n, v_known);
        if v_read.problems = '{}' and exists (
                select from jsonb_array_elements(fields) as f where f ->> 'name' = v_read.field ->> 'name') then
            v_read.problems := '{"name": "Another field has this name."}';
        end if;
        if v_read.problems <> '{}' then
            problems := problems || jsonb_build_object(
                v_entry.key, coalesce(problems -> v_entry.key, '{}') || v_read.problems);
        end if;
        -- Later conditions may name this field even if something else about it is wrong.
        if v_read.field ->> 'name' is not null and v_read.field ->> 'type' is not null and not v_known ? (v_read.field ->> 'name') then
            v_known := v_known || jsonb_build_object(v_read.field ->> 'name', jsonb_build_object(
                'ordinal', 100 + v_entry.n, 'kind', v_read.field ->> 'type',
                'choices', app.option_values(v_read.field -> 'options')));
        end if;
        fields := fields || v_read.field;
    end loop;
end;
$$;
comment on function app.read_form_config(jsonb) is 'The fields of a form as they are kept, and what is wrong with them.';

-- app.read_form_field: one field as somebody wrote it. n: its place. known: the fields that its condition may name, by name:
-- ordinal, kind and choices.
create or replace function app.read_form_field(
    given jsonb, n integer, known jsonb, out field jsonb, out problems jsonb) returns record
language plpgsql stable set search_path = '' as $$
declare
    v_standard record;
    v_kind     text;
    v_options  text[];
    v_show_if  record;
    v_setting  text;
    v_bound    jsonb := '{}';
begin
    problems := '{}';
    field := '{}';
    if jsonb_typeof(given) is distinct from 'object' then
        problems := '{"field": "A field is an object with name and type."}';
        return;
    end if;
    select coalesce(jsonb_object_agg(left(s.key, 60), 'There is no such setting.'), '{}') into problems
      from jsonb_object_keys(given) as s (key)
     where s.key <> all (array['name', 'type', 'label', 'help', 'placeholder', 'required', 'hidden', 'options', 'min', 'max', 'show_if']);
    given := jsonb_strip_nulls(given);

    if coalesce(given ->> 'name', '') !~ '^[a-z][a-z0-9_]{0,59}$' or jsonb_typeof(given -> 'name') <> 'string' then
        problems := problems || '{"name": "A name has small letters, digits and underscores, and begins with a letter."}';
        return;
    end if;
    select f.* into v_standard from app.form_fields() as f where f.name = given ->> 'name';
    if v_standard.name is null and (given ->> 'name') = any (app.reserved_field_names()) then
        problems := problems || '{"name": "This name is taken by the form itself."}';
    end if;
    field := jsonb_build_object('name', given -> 'name');

    v_kind := case jsonb_typeof(given -> 'type')
        when 'string' then replace(replace(lower(given ->> 'type'), 'e-mail', 'email'), '-', '_') end;
    if v_standard.name is not null then
        if given ? 'type' and v_kind is distinct from v_standard.kind then
            problems := problems || jsonb_build_object('type', format('This standard field is of type %s.', v_standard.kind));
        end if;
        v_kind := v_standard.kind;
    elsif v_kind is null or v_kind <> all (app.field_types()) then
        problems := problems || jsonb_build_object('type', format('Choose one of %s.', array_to_string(app.field_types(), ', ')));
        v_kind := null;
    end if;
    field := field || jsonb_strip_nulls(jsonb_build_object('type', v_kind));

    foreach v_setting in array array['label', 'help', 'placeholder'] loop
        if not given ? v_setting then
            continue;
        elsif app.json_text(given -> v_setting) is null or length(given ->> v_setting) > 500 then
            problems := problems || jsonb_build_object(v_setting, 'Give a text of at most 500 characters.');
        else
            field := field || jsonb_build_object(v_setting, app.json_text(given -> v_setting));
        end if;
    end loop;
    foreach v_setting in array array['required', 'hidden'] loop
        if not given ? v_setting then
            continue;
        elsif jsonb_typeof(given -> v_setting) <> 'boolean' then
            problems := problems || jsonb_build_object(v_setting, 'Answer true or false.');
        elsif (given ->> v_setting)::boolean then
            field := field || jsonb_build_object(v_setting, true);
        end if;
    end loop;
    if field ? 'required' and v_standard.has_default then
        problems := problems || '{"required": "This standard field always has an answer."}';
    elsif field ? 'required' and field ? 'hidden' then
        problems := problems || '{"required": "What is hidden cannot be required."}';
    end if;
    if field ? 'hidden' and v_standard.name is null then
        problems := problems || '{"hidden": "Only standard fields are hidden: leave a field of your own out."}';
    elsif v_standard.name = 'call_occurred' and (field ? 'hidden' or given ? 'show_if') then
        problems := problems || '{"hidden": "Every form asks whether the call took place."}';
    end if;

    -- Choices.
    if v_kind is null or v_kind not in ('select', 'multi_select') then
        if v_kind is not null and given ? 'options' then
            problems := problems || '{"options": "Only fields to choose from have options."}';
        end if;
    elsif v_standard.name is null or given ? 'options' then
        if not app.is_options(given -> 'options') then
            problems := problems || '{"options": "Give 1 to 200 different texts, or objects with value and label."}';
        else
            v_options := app.option_values(given -> 'options');
            field := field || jsonb_build_object('options', given -> 'options');
            if not v_options <@ coalesce(v_standard.choices, v_options) then
                problems := problems || jsonb_build_object(
                    'options', format('Choose among %s.', array_to_string(v_standard.choices, ', ')));
            end if;
        end if;
    end if;

    -- Bounds.
    foreach v_setting in array array['min', 'max'] loop
        if not given ? v_setting then
            continue;
        elsif v_kind in ('number', 'money') and jsonb_typeof(given -> v_setting) = 'number'
              and (given ->> v_setting) ~ '^-?[0-9]{1,18}(\.[0-9]{1,12})?$'
              or v_kind in ('text', 'multi_select') and jsonb_typeof(given -> v_setting) = 'number'
              and (given ->> v_setting) ~ '^[0-9]{1,5}$'
              or v_kind = 'date' and (app.read_value('date', given -> v_setting, null, null, null, null)).value is not null then
            v_bound := v_bound || jsonb_build_object(v_setting, given -> v_setting);
        else
            problems := problems || jsonb_build_object(v_setting, case v_kind
                when 'date' then 'Give a day, for example "2026-03-31".'
                when 'text' then 'Give a number of characters.'
                when 'multi_select' then 'Give a number of choices.'
                when 'number' then 'Give a number.'
                when 'money' then 'Give a number.'
                else 'Fields of this type have no bounds.' end);
        end if;
    end loop;
    if v_bound ?& array['min', 'max']
       and (case v_kind when 'date' then v_bound ->> 'min' > v_bound ->> 'max'
                        else (v_bound ->> 'min')::numeric > (v_bound ->> 'max')::numeric end) then
        problems := problems || '{"max": "The largest value is not smaller than the smallest."}';
    end if;
    field := field || v_bound;

    if given ? 'show_if' then
        v_show_if := app.read_condition(
            given -> 'show_if', coalesce(v_standard.ordinal, 100 + read_form_field.n), read_form_field.known);
        if v_show_if.problem is not null then
            problems := problems || jsonb_build_object('show_if', v_show_if.problem);
        else
            field := field || jsonb_build_object('show_if', v_show_if.condition);
        end if;
    end if;
end;
$$;
comment on function app.read_form_field(jsonb, integer, jsonb) is 'One field of a form as it is kept, and what is wrong with it.';

-- app.reserved_field_names: names that no field of an organization may have: what a form has besides answers.
create or replace function app.reserved_field_names() returns text[]
language sql stable
begin atomic
    select array_agg(a.attname::text) || array['cause', 'event', 'form']
      from pg_attribute as a where a.attrelid = 'app.post_call_forms'::regclass and a.attnum > 0 and not a.attisdropped;
end;
comment on function app.reserved_field_names() is 'Names that no field of an organization may have.';

-- app.is_options: 1 to 200 different choices, each a text or an object with a value and perhaps a label.
create or replace function app.is_options(options jsonb) returns boolean
language plpgsql immutable parallel safe set search_path = '' as $$
begin
    if jsonb_typeof(options) is distinct from 'array' or jsonb_array_length(options) not between 1 and 200 then
        return false;
    end if;
    return not exists (
            select from jsonb_array_elements(options) as o
             where case jsonb_typeof(o)
                    when 'string' then btrim(o #>> '{}') = '' or length(o #>> '{}') > 200
                    when 'object' then app.json_text(o -> 'value') is null or length(o ->> 'value') > 200
                                       or o ? 'label' and app.json_text(o -> 'label') is null
                                       or o - array['value', 'label'] <> '{}'
                    else true end)
       and (select count(distinct v.value) = count(*) from unnest(app.option_values(options)) as v (value));
end;
$$;
comment on function app.is_options(jsonb) is '1 to 200 different choices.';

-- app.read_condition: when a field is asked, or what is wrong with saying so. ordinal: of the field; known: see app.read_form_field.
create or replace function app.read_condition(
    given jsonb, ordinal integer, known jsonb, out condition jsonb, out problem text) returns record
language plpgsql stable set search_path = '' as $$
declare
    v_field  jsonb;
    v_wanted jsonb;
    v_value  jsonb;
    v_read   record;
    v_fits   jsonb := '[]';
begin
    if jsonb_typeof(given) <> 'object' or jsonb_typeof(given -> 'field') is distinct from 'string'
       or (select count(*) from jsonb_object_keys(given)) <> 2 or not given ?| array['equals', 'in', 'answered'] then
        problem := 'Give an object with field and one of equals, in, answered.';
        return;
    end if;
    v_field := read_condition.known -> (given ->> 'field');
    if v_field is null or (v_field ->> 'ordinal')::integer >= read_condition.ordinal then
        problem := 'Name a field that stands before this one.';
        return;
    elsif given ? 'answered' then
        if jsonb_typeof(given -> 'answered') <> 'boolean' then
            problem := 'answered is true or false.';
        end if;
        condition := given;
        return;
    end if;
    v_wanted := case when given ? 'in' then given -> 'in' else jsonb_build_array(given -> 'equals') end;
    if jsonb_typeof(v_wanted) <> 'array' or jsonb_array_length(v_wanted) not between 1 and 200 then
        problem := 'in is a list of values.';
        return;
    end if;
    for v_value in select e.value from jsonb_array_elements(v_wanted) as e loop
        v_read := app.read_value(
            case v_field ->> 'kind' when 'multi_select' then 'select' else v_field ->> 'kind' end, v_value,
            array(select c from jsonb_array_elements_text(app.json_array(v_field -> 'choices')) as c), null, null, null);
        if v_read.value is null then
            problem := format('%s cannot be answered like that.', given ->> 'field');
            return;
        end if;
        v_fits := v_fits || v_read.value;
    end loop;
    condition := jsonb_build_object('field', given -> 'field')
        || case when given ? 'in' then jsonb_build_object('in', v_fits) else jsonb_build_object('equals', v_fits -> 0) end;
end;
$$;
comment on function app.read_condition(jsonb, integer, jsonb) is 'When a field is asked, or what is wrong with saying so.';

-- app.form_in_use: the form that an organization asks now; all NULL, and no fields of its own, before it published one.
create or replace function app.form_in_use(organization_id uuid, out id uuid, out fields jsonb) returns record
language sql stable
begin atomic
    select c.id, coalesce(c.fields, '[]')
      from (select) as one
      left join app.form_configs as c
        on c.organization_id = form_in_use.organization_id and c.form_type = 'post_call_form' and c.is_active;
end;
comment on function app.form_in_use(uuid) is 'The form that an organization asks now.';

-- app.form_as_answers: a form that was submitted, as somebody would send it again.
create or replace function app.form_as_answers(form app.post_call_forms) returns jsonb
language sql stable
return jsonb_strip_nulls(jsonb_build_object(
    'call_occurred', form.call_occurred, 'lead_showed', nullif(form.lead_showed, form.call_occurred),
    'offer_made', nullif(form.offer_made, false), 'deal_closed', nullif(form.deal_closed, false),
    'non_occurrence_reason', nullif(form.non_occurrence_reason, 'lead_no_show'), 'disqualified', nullif(form.disqualified, false),
    'cash_collected', form.cash_collected, 'contract_value', form.contract_value, 'payment_type', form.payment_type,
    'package_id', form.package_id, 'opportunity_status_id', form.opportunity_status_id, 'call_outcome_id', form.call_outcome_id,
    'notes', form.notes)) || jsonb_build_object('answers', form.answers);
comment on function app.form_as_answers(app.post_call_forms) is 'A submitted form as somebody would send it again.';

-- app.failing_forms: which of the forms that rule now could not be submitted again like this: by field and sentence how many, and
-- the newest five. Looks at the newest 20,000 forms of people.
create or replace function app.failing_forms(organization_id uuid, fields jsonb)
returns table (field text, sentence text, forms bigint, form_ids uuid[])
language sql stable
begin atomic
    with newest as materialized (
        select row_number() over (order by f.id)::integer as n, f.id,
               app.form_as_answers(f) || jsonb_strip_nulls(jsonb_build_object('currency', nullif(f.currency, o.currency))) as form
          from app.post_call_forms as f
          join app.organizations as o on o.id = f.organization_id
         where f.organization_id = failing_forms.organization_id and f.is_active and f.is_human
         order by f.id desc limit 20000
    ), numbered as materialized (
        select array_agg(m.form order by m.n) as forms, array_agg(m.id order by m.n) as ids from newest as m
    )
    select p.key, p.value #>> '{}', count(*), (array_agg(m.ids[r.n] order by m.ids[r.n] desc))[1:5]
      from numbered as m
      join app.organizations as o on o.id = failing_forms.organization_id
     cross join lateral app.read_answers(failing_forms.fields, m.forms, o.currency) as r
     cross join lateral jsonb_each(r.problems) as p
     group by p.key, p.value
     order by count(*) desc, p.key;
end;
comment on function app.failing_forms(uuid, jsonb) is 'Which forms could not be submitted again if this were asked.';

-- app.publish_form: make this the form that an organization asks. fields: as app.read_form_config answers them; id: of the version.
-- Guarantees: one version is in use; publishing what is in use makes none. Two at the same moment make two versions.
create or replace function app.publish_form(organization_id uuid, fields jsonb, published_by uuid, id uuid default uuidv7()) returns uuid
language plpgsql volatile set search_path = '' as $$
declare
    v_old app.form_configs;
    v_id  uuid;
begin
    perform from app.organizations as o where o.id = publish_form.organization_id for no key update;
    select c.* into v_old from app.form_configs as c
     where c.organization_id = publish_form.organization_id and c.form_type = 'post_call_form' and c.is_active;
    if v_old.fields = publish_form.fields then
        return v_old.id;
    end if;
    update app.form_configs as c set is_active = false
     where c.organization_id = publish_form.organization_id and c.id = v_old.id;
    insert into app.form_configs as c (organization_id, id, form_type, version, fields, is_active, published_at, published_by)
    select publish_form.organization_id, publish_form.id, 'post_call_form', coalesce(max(p.version), 0) + 1, publish_form.fields, true, now(),
           publish_form.published_by
      from app.form_configs as p
     where p.organization_id = publish_form.organization_id and p.form_type = 'post_call_form'
    returning c.id into v_id;
    return v_id;
end;
$$;
comment on function app.publish_form(uuid, jsonb, uuid, uuid) is 'Make these the fields that an organization asks.';
