-- Moving in from a system of the seed's schema: how an organization is set up. What its rows are called varies from system to system,
-- so each column is looked for under the names that it goes by.
-- Internal: nobody but the owner may call these.

-- app.move_setting: one row of a table of settings, with the id that it has. What a row said before changes nothing, even if somebody
-- changed its row here since; a row that says something new speaks again.
-- entity: webhook_connections, setter_activities, organization_integrations, integrations, portal_settings, dashboard_layouts,
-- invitations, metric_definitions, form_configs, custom_field_definitions, _options, _values, and custom_field_ends: what was archived.
-- record_ids, has_options and others are told of the rows beside it, and are nothing that it says.
-- Answers state (inserted, updated, unchanged; NULL when it is refused), problems, which refuse the row, and notes on what is left out
-- of it or is left to do: objects of field and sentence.
create or replace function app.move_setting(entity text, given jsonb, out state text, out problems jsonb, out notes jsonb) returns record
language plpgsql volatile set search_path = '' as $$
declare
    v_organization_id constant uuid := app.metadata_id(move_setting.given, 'organization_id');
    v_content         constant bytea := sha256(convert_to((given - array['record_ids', 'has_options', 'others'])::text, 'UTF8'));
    v_known           bytea;
    v_row_id          uuid;
    v_state           text;
    v_sentence        text;
    v_detail          text;
    v_constraint      text;
begin
    problems := '{}';
    notes := '{}';
    if not exists (select from app.organizations as o where o.id = v_organization_id and o.deleted_at is null) then
        problems := '{"organization_id": "There is no such organization."}';
        return;
    elsif app.metadata_id(move_setting.given, 'id') is null then
        problems := '{"id": "A row has an id."}';
        return;
    end if;
    select k.content into v_known from app.import_keys as k
     where k.organization_id = v_organization_id and k.entity = move_setting.entity
       and k.external_id = app.metadata_id(move_setting.given, 'id')::text;
    if v_known = v_content then
        state := 'unchanged';
        return;
    end if;

    begin
        case move_setting.entity
            when 'webhook_connections' then
                select m.row_id, m.problems, m.notes into v_row_id, problems, notes from app.move_connection(given) as m;
            when 'setter_activities' then
                select m.row_id, m.problems, m.notes into v_row_id, problems, notes from app.move_setter_activity(given) as m;
            when 'organization_integrations' then
                select m.row_id, m.problems, m.notes into v_row_id, problems, notes from app.move_integrations(given) as m;
            when 'integrations' then
                select m.row_id, m.problems, m.notes into v_row_id, problems, notes from app.move_old_integration(given) as m;
            when 'portal_settings' then
                select m.row_id, m.problems, m.notes into v_row_id, problems, notes from app.move_portal_settings(given) as m;
            when 'dashboard_layouts' then
                select m.row_id, m.problems, m.notes into v_row_id, problems, notes from app.move_layout(given) as m;
            when 'invitations' then
                select m.row_id, m.problems, m.notes into v_row_id, problems, notes from app.move_invitation(given) as m;
            when 'metric_definitions' then
                select m.row_id, m.problems, m.notes into v_row_id, problems, notes from app.move_metric(given) as m;
            when 'form_configs' then
                select m.row_id, m.problems, m.notes into v_row_id, problems, notes from app.move_form_config(given) as m;
            when 'custom_field_definitions' then
                select m.row_id, m.problems, m.notes into v_row_id, problems, notes from app.move_custom_field(given) as m;
            when 'custom_field_options' then
                select m.row_id, m.problems, m.notes into v_row_id, problems, notes from app.move_custom_option(given) as m;
            when 'custom_field_values' then
                select m.row_id, m.problems, m.notes into v_row_id, problems, notes from app.move_custom_value(given) as m;
            when 'custom_field_ends' then
                select m.row_id, m.problems, m.notes into v_row_id, problems, notes from app.move_custom_end(given) as m;
        end case;
    exception when data_exception or integrity_constraint_violation or sqlstate 'PT404' or sqlstate 'PT409' or sqlstate 'PT422' then
        -- DETAIL of what the database itself refuses repeats the row; that of a rule here names fields.
        get stacked diagnostics v_state = returned_sqlstate, v_sentence = message_text, v_detail = pg_exception_detail,
                                v_constraint = constraint_name;
        problems := jsonb_build_object('id', case when v_state like 'PT%' then concat_ws(' ', v_sentence, nullif(v_detail, ''))
                                                  when v_constraint <> '' then format('It does not fit %s.', v_constraint)
                                                  else 'A value of it cannot be read.' end);
        notes := '{}';
        return;
    end;
    if problems <> '{}' then
        return;
    elsif v_row_id is null then
        state := 'unchanged';
        return;
    end if;
    state := case when v_known is null then 'inserted' else 'updated' end;
    insert into app.import_keys as k (organization_id, entity, external_id, row_id, content)
    values (v_organization_id, move_setting.entity, app.metadata_id(given, 'id')::text, v_row_id, v_content)
    on conflict on constraint import_keys_external_id_key do update set row_id = excluded.row_id, content = excluded.content;
end;
$$;
comment on function app.move_setting(text, jsonb) is 'One row of how an organization is set up, from a system that somebody moves here from.';

-- app.setting_columns: the columns of a table of settings that are read, or that nothing is lost without, besides ids and times;
-- NULL for other tables.
create or replace function app.setting_columns(entity text) returns text[]
language sql immutable parallel safe
return case entity
    when 'organizations' then array['name', 'slug', 'timezone', 'currency']
    when 'webhook_connections' then array['connection_type', 'type', 'provider', 'name', 'label', 'provider_account', 'account_id', 'account',
        'company_id', 'api_key', 'webhook_secret', 'is_active', 'last_webhook_at', 'webhook_count']
    when 'setter_activities' then array['setter_id', 'activity_date', 'date', 'day', 'provider', 'source', 'dials', 'dial_count', 'calls',
        'connects', 'connect_count', 'talk_seconds', 'talk_time', 'setter_name']
    when 'organization_integrations' then array['primary_crm', 'crm', 'primary_booking_platform', 'booking_platform',
        'primary_payment_processor', 'payment_processor', 'stripe_publishable_key', 'ghl_location_id', 'whop_company_id']
    when 'integrations' then array['type', 'integration_type', 'provider', 'name', 'config', 'settings', 'metadata', 'is_active', 'active',
        'enabled', 'others', 'ghl_location_id', 'location_id', 'whop_company_id', 'company_id']
    when 'dashboard_layouts' then array['user_id', 'layout', 'config', 'layout_config', 'schema_version', 'name']
    when 'invitations' then array['email', 'invited_email', 'role', 'expires_at', 'invited_by', 'status', 'token', 'token_hash', 'accepted_at',
        'revoked_at', 'used_at', 'canceled_at']
    when 'metric_definitions' then array['name', 'label', 'sentence', 'description', 'expression', 'formula', 'definition', 'config', 'unit',
        'format', 'version', 'is_active', 'active']
    when 'form_configs' then array['form_type', 'type', 'fields', 'config', 'configuration', 'schema', 'is_active', 'active']
    when 'custom_field_definitions' then array['name', 'field_name', 'field_key', 'key', 'label', 'field_label', 'field_type', 'type',
        'data_type', 'entity', 'entity_type', 'record_type', 'applies_to', 'table_name', 'object_type', 'is_required', 'required', 'min_value',
        'min', 'max_value', 'max', 'position', 'sort_order', 'display_order', 'record_ids', 'has_options', 'is_active', 'active',
        'archived_at', 'deleted_at']
    when 'custom_field_options' then array['definition_id', 'custom_field_definition_id', 'field_definition_id', 'custom_field_id', 'field_id',
        'value', 'option_value', 'name', 'label', 'option_label', 'position', 'sort_order', 'display_order', 'is_active', 'active',
        'archived_at', 'deleted_at']
    when 'custom_field_values' then array['definition_id', 'custom_field_definition_id', 'field_definition_id', 'custom_field_id', 'field_id',
        'record_id', 'entity_id', 'entity_type', 'record_type', 'lead_id', 'event_id', 'payment_id', 'closer_id', 'setter_id', 'option_id',
        'value', 'value_text', 'text_value', 'value_number', 'number_value', 'value_date', 'date_value', 'value_boolean', 'boolean_value',
        'value_json', 'json_value'] end;
comment on function app.setting_columns(text) is 'The columns of a table of settings that are read.';

-- app.is_secret_name: whether a column or a key has a name that secrets have.
create or replace function app.is_secret_name(name text) returns boolean
language sql immutable parallel safe
return lower(name) ~ '(_encrypted|api_?key|_secret|_token|webhook_url|password)$';
comment on function app.is_secret_name(text) is 'Whether a column has a name that secrets have.';

-- app.said: what a row says under the first of these names that says something.
create or replace function app.said(given jsonb, variadic names text[]) returns text
language sql immutable parallel safe
begin atomic
    select nullif(btrim(said.given ->> n.name), '')
      from unnest(said.names) with ordinality as n (name, position)
     where nullif(btrim(said.given ->> n.name), '') is not null
     order by n.position limit 1;
end;
comment on function app.said(jsonb, text[]) is 'What a row says under the first of these names that says something.';

-- app.said_json: the same as JSON; NULL for what is none.
create or replace function app.said_json(given jsonb, variadic names text[]) returns jsonb
language sql immutable parallel safe
return case when pg_input_is_valid(app.said(given, variadic names), 'jsonb') then app.said(given, variadic names)::jsonb end;
comment on function app.said_json(jsonb, text[]) is 'What a row says under the first of these names, as JSON.';

-- app.said_flag: the same as true or false, in the ways in which dumps and exports write them; NULL for what is neither.
create or replace function app.said_flag(given jsonb, variadic names text[]) returns boolean
language sql immutable parallel safe
return case when lower(app.said(given, variadic names)) in ('t', 'true', '1', 'yes', 'on') then true
            when lower(app.said(given, variadic names)) in ('f', 'false', '0', 'no', 'off') then false end;
comment on function app.said_flag(jsonb, text[]) is 'What a row says under the first of these names, as true or false.';

-- app.said_count: the same as a whole number from 0 to 1,000,000,000; NULL for anything else.
create or replace function app.said_count(given jsonb, variadic names text[]) returns integer
language sql immutable parallel safe
return case when app.said(given, variadic names) ~ '^[0-9]{1,9}$' then app.said(given, variadic names)::integer end;
comment on function app.said_count(jsonb, text[]) is 'What a row says under the first of these names, as a count.';

-- app.field_name: a name as a field has it here: small letters, digits and underscores. NULL for what has no letter to begin with.
create or replace function app.field_name(given text) returns text
language sql immutable parallel safe
return nullif(left(regexp_replace(regexp_replace(lower(regexp_replace(given, '([a-z0-9])([A-Z])', '\1_\2', 'g')), '[^a-z0-9]+', '_', 'g'),
                                  '^[_0-9]+|_+$', '', 'g'), 60), '');
comment on function app.field_name(text) is 'A name as a field has it here.';

-- app.field_type: a type of field by any of the names that it goes by; NULL for one that is none.
create or replace function app.field_type(given text) returns text
language sql immutable parallel safe
return case regexp_replace(lower(given), '[^a-z]', '', 'g')
    when 'text' then 'text' when 'textarea' then 'text' when 'string' then 'text' when 'longtext' then 'text' when 'shorttext' then 'text'
    when 'url' then 'text'
    when 'number' then 'number' when 'integer' then 'number' when 'int' then 'number' when 'decimal' then 'number'
    when 'numeric' then 'number' when 'float' then 'number'
    when 'money' then 'money' when 'currency' then 'money'
    when 'date' then 'date'
    when 'select' then 'select' when 'dropdown' then 'select' when 'radio' then 'select' when 'singleselect' then 'select'
    when 'enum' then 'select'
    when 'multiselect' then 'multi_select' when 'checkboxes' then 'multi_select' when 'tags' then 'multi_select'
    when 'boolean' then 'boolean' when 'bool' then 'boolean' when 'checkbox' then 'boolean' when 'switch' then 'boolean'
    when 'toggle' then 'boolean' when 'yesno' then 'boolean'
    when 'email' then 'email'
    when 'phone' then 'phone' when 'tel' then 'phone' when 'telephone' then 'phone' end;
comment on function app.field_type(text) is 'A type of field by any of the names that it goes by.';

-- app.moved_id: which row here a row of a dump has become.
create or replace function app.moved_id(organization_id uuid, entity text, external_id text) returns uuid
language sql stable
begin atomic
    select k.row_id from app.import_keys as k
     where k.organization_id = moved_id.organization_id and k.entity = moved_id.entity and k.external_id = lower(moved_id.external_id);
end;
comment on function app.moved_id(uuid, text, text) is 'Which row here a row of a dump has become.';

-- app.move_connection: a connection without its secrets, inactive. Its id is in the address that the provider calls.
create or replace function app.move_connection(given jsonb, out row_id uuid, out problems jsonb, out notes jsonb) returns record
language plpgsql volatile set search_path = '' as $$
declare
    v_type constant text := lower(app.said(given, 'connection_type', 'type', 'provider'));
begin
    problems := '{}';
    notes := '{}';
    if v_type is null or v_type not in ('stripe', 'whop', 'calendly', 'acuity', 'manychat') then
        problems := '{"connection_type": "A connection is of a provider that is known here."}';
        return;
    end if;
    insert into app.webhook_connections as c (organization_id, id, name, connection_type, provider_account, is_active)
    values (app.metadata_id(given, 'organization_id'), app.metadata_id(given, 'id'), coalesce(app.said(given, 'name', 'label'), v_type),
            v_type, coalesce(app.said(given, 'provider_account', 'account_id', 'account', 'company_id'), ''), false)
    on conflict on constraint webhook_connections_pkey do nothing;
    row_id := app.metadata_id(given, 'id');
    notes := '{"webhook_secret": "It is inactive: give it a new secret and address at the provider, then activate it."}';
end;
$$;
comment on function app.move_connection(jsonb) is 'A connection of a dump, without its secrets.';

-- app.move_setter_activity: what a setter did on a day.
create or replace function app.move_setter_activity(given jsonb, out row_id uuid, out problems jsonb, out notes jsonb) returns record
language plpgsql volatile set search_path = '' as $$
declare
    v_organization_id constant uuid := app.metadata_id(given, 'organization_id');
    v_setter_id       constant uuid := app.moved_id(v_organization_id, 'setters', given ->> 'setter_id');
    v_day             constant text := app.said(given, 'activity_date', 'date', 'day');
    v_provider        constant text := lower(coalesce(app.said(given, 'provider', 'source'), 'close'));
    v_dials           constant integer := coalesce(app.said_count(given, 'dials', 'dial_count', 'calls'), 0);
    v_connects        constant integer := coalesce(app.said_count(given, 'connects', 'connect_count'), 0);
    v_name            text;
begin
    problems := '{}';
    notes := '{}';
    if v_setter_id is null then
        problems := '{"setter_id": "There is no such setter."}';
        return;
    elsif v_day is null or not pg_input_is_valid(v_day, 'timestamp') then
        problems := '{"activity_date": "Give a day."}';
        return;
    end if;
    foreach v_name in array array['dials', 'connects', 'talk_seconds'] loop
        if app.said(given, v_name) is not null and app.said_count(given, v_name) is null then
            problems := problems || jsonb_build_object(v_name, 'Give a whole number of zero or more.');
        end if;
    end loop;
    if problems <> '{}' then
        return;
    elsif exists (select from app.setter_activities as a
                    join app.import_keys as k
                      on k.organization_id = a.organization_id and k.entity = 'setter_activities' and k.row_id = a.id
                     and k.external_id <> app.metadata_id(given, 'id')::text
                   where a.organization_id = v_organization_id and a.setter_id = v_setter_id
                     and a.activity_date = v_day::timestamp::date and a.provider = v_provider) then
        problems := '{"activity_date": "Another row says what this setter did on this day."}';
        return;
    elsif v_connects > v_dials then
        notes := jsonb_build_object('connects', format('%s connects of %s dials: as many as there were dials.', v_connects, v_dials));
    end if;
    insert into app.setter_activities as a (organization_id, id, setter_id, activity_date, provider, dials, connects, talk_seconds)
    values (v_organization_id, app.metadata_id(given, 'id'), v_setter_id, v_day::timestamp::date, v_provider, v_dials,
            least(v_connects, v_dials), coalesce(app.said_count(given, 'talk_seconds', 'talk_time'), 0))
    on conflict on constraint setter_activities_day_key do update
       set dials = excluded.dials, connects = excluded.connects, talk_seconds = excluded.talk_seconds
    returning a.id into row_id;
end;
$$;
comment on function app.move_setter_activity(jsonb) is 'What a setter of a dump did on a day.';

-- app.move_integrations: the settings of an organization's integrations that are no secrets. Keys are sealed with another master key.
create or replace function app.move_integrations(given jsonb, out row_id uuid, out problems jsonb, out notes jsonb) returns record
language plpgsql volatile set search_path = '' as $$
declare
    v_crm       constant text := lower(app.said(given, 'primary_crm', 'crm'));
    v_booking   constant text := lower(app.said(given, 'primary_booking_platform', 'booking_platform'));
    v_processor constant text := lower(app.said(given, 'primary_payment_processor', 'payment_processor'));
    v_key       constant text := app.said(given, 'stripe_publishable_key');
begin
    problems := '{}';
    select coalesce(jsonb_object_agg(s.key, 'Enter it again: it is sealed with another master key.'), '{}') into notes
      from jsonb_object_keys(given) as s (key) where app.is_secret_name(s.key);
    notes := notes || jsonb_strip_nulls(jsonb_build_object(
        'primary_crm', case when v_crm not in ('ghl', 'close', 'hubspot', 'none') then 'One of ghl, close, hubspot, none.' end,
        'primary_booking_platform', case when v_booking not in ('calendly', 'acuity', 'none') then 'One of calendly, acuity, none.' end,
        'primary_payment_processor', case when v_processor not in ('whop', 'stripe', 'none') then 'One of whop, stripe, none.' end,
        'stripe_publishable_key', case when v_key !~ '^pk_[A-Za-z0-9_]{1,250}$' then 'The publishable key starts with pk_.' end,
        'ghl_location_id', case when length(app.said(given, 'ghl_location_id')) > 200 then 'At most 200 characters.' end,
        'whop_company_id', case when length(app.said(given, 'whop_company_id')) > 200 then 'At most 200 characters.' end));
    update app.organization_integrations as i
       set primary_crm = case when v_crm in ('ghl', 'close', 'hubspot', 'none') then v_crm else i.primary_crm end,
           primary_booking_platform = case when v_booking in ('calendly', 'acuity', 'none') then v_booking else i.primary_booking_platform end,
           primary_payment_processor = case when v_processor in ('whop', 'stripe', 'none') then v_processor
                                            else i.primary_payment_processor end,
           stripe_publishable_key = case when v_key ~ '^pk_[A-Za-z0-9_]{1,250}$' then v_key else i.stripe_publishable_key end,
           ghl_location_id = case when length(app.said(given, 'ghl_location_id')) <= 200 then app.said(given, 'ghl_location_id')
                                  else i.ghl_location_id end,
           whop_company_id = case when length(app.said(given, 'whop_company_id')) <= 200 then app.said(given, 'whop_company_id')
                                  else i.whop_company_id end
     where i.organization_id = app.metadata_id(given, 'organization_id')
    returning i.id into row_id;
end;
$$;
comment on function app.move_integrations(jsonb) is 'The integrations of an organization of a dump, without keys.';

-- app.integration_default: which default a provider can be; NULL for one that is not known here.
create or replace function app.integration_default(provider text) returns text
language sql immutable parallel safe
return case when provider in ('ghl', 'close', 'hubspot') then 'primary_crm'
            when provider in ('calendly', 'acuity') then 'primary_booking_platform'
            when provider in ('whop', 'stripe') then 'primary_payment_processor' end;
comment on function app.integration_default(text) is 'Which default of an organization a provider can be.';

-- app.move_old_integration: what the deprecated table says and organization_integrations does not. A provider is the default of its
-- kind where there is none yet, and where no other of its kind was in use. others: the other rows of the organization.
create or replace function app.move_old_integration(given jsonb, out row_id uuid, out problems jsonb, out notes jsonb) returns record
language plpgsql volatile set search_path = '' as $$
declare
    v_type     constant text := lower(app.said(given, 'type', 'integration_type', 'provider', 'name'));
    v_settings constant jsonb := app.json_object(app.said_json(given, 'config', 'settings', 'metadata')) || given;
    v_column   constant text := app.integration_default(v_type);
    v_is_chosen boolean;
begin
    problems := '{}';
    select coalesce(jsonb_object_agg(s.key, 'Enter it again: secrets do not move.'), '{}') into notes
      from jsonb_object_keys(v_settings) as s (key) where app.is_secret_name(s.key);
    if v_column is null then
        problems := '{"type": "An integration is of a provider that is known here."}';
        return;
    elsif app.said_flag(given, 'is_active', 'active', 'enabled') is false then
        return;
    end if;
    v_is_chosen := not exists (
            select from jsonb_array_elements(app.json_array(given -> 'others')) as o (entry)
             cross join lateral (select lower(app.said(o.entry, 'type', 'integration_type', 'provider', 'name')) as type) as t
             where t.type <> v_type and app.integration_default(t.type) = v_column
               and app.said_flag(o.entry, 'is_active', 'active', 'enabled') is not false);
    if not v_is_chosen then
        notes := notes || jsonb_build_object('type', format('More than one was in use: say which is %s.', v_column));
    end if;
    update app.organization_integrations as i
       set primary_crm = case when v_is_chosen and v_column = 'primary_crm' and i.primary_crm = 'none' then v_type else i.primary_crm end,
           primary_booking_platform = case when v_is_chosen and v_column = 'primary_booking_platform' and i.primary_booking_platform = 'none'
                                           then v_type else i.primary_booking_platform end,
           primary_payment_processor = case when v_is_chosen and v_column = 'primary_payment_processor' and i.primary_payment_processor = 'none'
                                            then v_type else i.primary_payment_processor end,
           ghl_location_id = coalesce(i.ghl_location_id, left(case when v_type = 'ghl'
               then app.said(v_settings, 'ghl_location_id', 'location_id', 'locationId') end, 200)),
           whop_company_id = coalesce(i.whop_company_id, left(case when v_type = 'whop'
               then app.said(v_settings, 'whop_company_id', 'company_id', 'companyId') end, 200))
     where i.organization_id = app.metadata_id(given, 'organization_id')
    returning i.id into row_id;
end;
$$;
comment on function app.move_old_integration(jsonb) is 'What the deprecated table of integrations says alone.';

-- app.move_portal_settings: what closers and setters see, from columns or one object of settings.
create or replace function app.move_portal_settings(given jsonb, out row_id uuid, out problems jsonb, out notes jsonb) returns record
language plpgsql volatile set search_path = '' as $$
declare
    v_said jsonb;
begin
    problems := '{}';
    select coalesce(jsonb_object_agg(app.field_name(s.key), s.value) filter (where app.field_name(s.key) is not null), '{}') into v_said
      from jsonb_each(app.json_object(app.said_json(given, 'settings', 'config'))
                      || (given - array['id', 'organization_id', 'settings', 'config', 'created_at', 'updated_at'])) as s;
    select coalesce(jsonb_object_agg(k.key, case
               when k.key like 'show\_%' or k.key = 'require_notes' then 'Neither true nor false.'
               when k.key like '%days%' then 'Days are from 0 to 365.'
               when k.key = 'leaderboard_visibility' then 'One of none, rank, rates, full.' end), '{}') into notes
      from jsonb_object_keys(v_said) as k (key)
     where k.key in ('show_cash', 'show_leaderboard', 'show_commission', 'require_notes') and app.said_flag(v_said, k.key) is null
        or k.key in ('allow_late_edit_days', 'days_ahead') and coalesce(app.said_count(v_said, k.key) > 365, true)
        or k.key = 'leaderboard_visibility' and coalesce(app.said(v_said, k.key) not in ('none', 'rank', 'rates', 'full'), true);
    select notes || coalesce(jsonb_object_agg(left(k.key, 60), 'There is no such setting here.'), '{}') into notes
      from jsonb_object_keys(v_said) as k (key)
     where k.key not in ('show_cash', 'show_leaderboard', 'show_commission', 'require_notes', 'allow_late_edit_days', 'days_ahead',
                         'leaderboard_visibility');
    v_said := v_said - array(select k from jsonb_object_keys(notes) as k);
    update app.portal_settings as s
       set show_cash = coalesce(app.said_flag(v_said, 'show_cash'), s.show_cash),
           show_leaderboard = coalesce(app.said_flag(v_said, 'show_leaderboard'), s.show_leaderboard),
           leaderboard_visibility = coalesce(app.said(v_said, 'leaderboard_visibility'), s.leaderboard_visibility),
           show_commission = coalesce(app.said_flag(v_said, 'show_commission'), s.show_commission),
           allow_late_edit_days = coalesce(app.said_count(v_said, 'allow_late_edit_days'), s.allow_late_edit_days),
           days_ahead = coalesce(app.said_count(v_said, 'days_ahead'), s.days_ahead),
           require_notes = coalesce(app.said_flag(v_said, 'require_notes'), s.require_notes)
     where s.organization_id = app.metadata_id(given, 'organization_id')
    returning s.id into row_id;
end;
$$;
comment on function app.move_portal_settings(jsonb) is 'What closers and setters of an organization of a dump see.';

-- app.move_layout: a dashboard that can be shown here, of a member or of the organization.
create or replace function app.move_layout(given jsonb, out row_id uuid, out problems jsonb, out notes jsonb) returns record
language plpgsql volatile set search_path = '' as $$
declare
    v_organization_id constant uuid := app.metadata_id(given, 'organization_id');
    v_user_id         constant uuid := app.metadata_id(given, 'user_id');
    v_layout          constant jsonb := app.said_json(given, 'layout', 'config', 'layout_config');
begin
    notes := '{}';
    problems := app.layout_errors(v_organization_id, v_layout, coalesce(app.said_count(given, 'schema_version'), 1));
    if given ? 'user_id' and not exists (
            select from app.organization_members as m where m.organization_id = v_organization_id and m.user_id = v_user_id) then
        problems := problems || '{"user_id": "There is no such member."}';
    end if;
    if problems <> '{}' then
        return;
    end if;
    insert into app.dashboard_layouts as l (organization_id, id, user_id, name, layout)
    values (v_organization_id, app.metadata_id(given, 'id'), v_user_id, coalesce(app.said(given, 'name'), 'default'), v_layout)
    on conflict on constraint dashboard_layouts_pkey do update set name = excluded.name, layout = excluded.layout
    returning l.id into row_id;
end;
$$;
comment on function app.move_layout(jsonb) is 'A dashboard of a dump, if it can be shown here.';

-- app.move_invitation: an invitation that is open, without a token that opens it, until somebody sends it again. One that was accepted
-- or taken back is history.
create or replace function app.move_invitation(given jsonb, out row_id uuid, out problems jsonb, out notes jsonb) returns record
language plpgsql volatile set search_path = '' as $$
declare
    v_organization_id constant uuid := app.metadata_id(given, 'organization_id');
    v_email           constant text := app.said(given, 'email', 'invited_email');
    v_role            constant text := lower(coalesce(app.said(given, 'role'), 'member'));
    v_expires_at      constant text := app.said(given, 'expires_at');
begin
    problems := '{}';
    notes := '{}';
    if given ?| array['accepted_at', 'revoked_at', 'used_at', 'canceled_at']
       or coalesce(lower(app.said(given, 'status')) not in ('pending', 'open', 'sent', 'expired'), false) then
        return;
    end if;
    perform app.require_invitable(v_organization_id, v_email, v_role, null, null);
    select i.id into row_id from app.invitations as i
     where i.organization_id = v_organization_id and i.email_norm = lower(v_email) and i.accepted_at is null and i.revoked_at is null;
    if row_id is null then
        insert into app.invitations as i (organization_id, id, email, role, token_hash, expires_at, invited_by)
        select v_organization_id, app.metadata_id(given, 'id'), v_email, v_role, app.unknown_token_hash(),
               case when pg_input_is_valid(v_expires_at, 'timestamptz') then least(v_expires_at::timestamptz, app.invitation_expiry(30))
                    else now() end,
               (select u.id from auth.users as u where u.id = app.metadata_id(given, 'invited_by'))
        returning i.id into row_id;
        notes := jsonb_build_object('email', 'The link of the other system opens nothing here: send the invitation again.');
    end if;
end;
$$;
comment on function app.move_invitation(jsonb) is 'An open invitation of a dump, to be sent again.';

-- app.moved_expression: an expression with the people, sources and types of a dump that have become others here. Each filter is set
-- where it stands: what one has become may be what the next one was.
create or replace function app.moved_expression(organization_id uuid, expression jsonb) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
    v_expression jsonb := moved_expression.expression;
    v_filter     record;
begin
    for v_filter in
        select array(select s.step
                       from unnest(n.path) with ordinality as p (position, level)
                      cross join lateral (values (1, 'args'), (2, (p.position - 1)::text)) as s (nth, step)
                      order by p.level, s.nth) || array['filters', f.key] as place,
               app.moved_id(moved_expression.organization_id, regexp_replace(f.key, '_id$', 's'), f.value) as ours
          from app.metric_nodes(moved_expression.expression) as n
         cross join lateral jsonb_each_text(app.leaf_filters(n.node)) as f
         where jsonb_typeof(n.node) = 'object'
    loop
        if v_filter.ours is not null then
            v_expression := jsonb_set(v_expression, v_filter.place, to_jsonb(v_filter.ours), false);
        end if;
    end loop;
    return v_expression;
end;
$$;
comment on function app.moved_expression(uuid, jsonb) is 'An expression with what its filters name in a dump replaced by what that became here.';

-- app.move_metric: an organization's own metric, as rpc/define_metric would take it. What was out of use stays so.
create or replace function app.move_metric(given jsonb, out row_id uuid, out problems jsonb, out notes jsonb) returns record
language plpgsql volatile set search_path = '' as $$
declare
    v_organization_id constant uuid := app.metadata_id(given, 'organization_id');
    v_id              constant uuid := app.metadata_id(given, 'id');
    v_name            constant text := app.field_name(app.said(given, 'name', 'label'));
    v_label           constant text := left(app.said(given, 'label', 'name'), 100);
    v_sentence        constant text := left(app.said(given, 'sentence', 'description'), 500);
    v_unit            constant text := case lower(app.said(given, 'unit', 'format'))
                                           when 'percent' then 'rate' when 'percentage' then 'rate' when 'currency' then 'money'
                                           when 'number' then 'count' else lower(app.said(given, 'unit', 'format')) end;
    v_given           constant jsonb := app.said_json(given, 'expression', 'formula', 'definition', 'config');
    v_expression      jsonb;
    v_wrong           record;
begin
    notes := '{}';
    problems := jsonb_strip_nulls(jsonb_build_object(
        'name', case when v_name is null then 'A metric has a name.'
                     when exists (select from app.metric_catalog as c where c.metric = v_name)
                     then format('%s is a metric of the catalog already.', v_name) end,
        'expression', case when jsonb_typeof(v_given) is distinct from 'object'
                           then 'A metric is an object over the catalog, never text or SQL: write it anew.' end,
        'unit', case when v_unit is null or v_unit not in ('count', 'rate', 'money', 'seconds', 'ratio', 'days')
                     then 'One of count, rate, money, seconds, ratio, days.' end));
    if problems <> '{}' then
        return;
    end if;
    v_expression := app.moved_expression(v_organization_id, v_given);
    v_wrong := app.metric_problem(v_organization_id, v_expression, v_unit);
    if v_wrong.problem is not null then
        problems := jsonb_build_object('expression', format('%s %s %s', v_wrong.place, v_wrong.problem, v_wrong.remedy));
        return;
    end if;

    row_id := case when exists (select from app.metric_definitions as m where m.organization_id = v_organization_id and m.id = v_id)
                   then uuidv7() else v_id end;
    if app.said_flag(given, 'is_active', 'active') is false then
        insert into app.metric_definitions as m (organization_id, id, name, label, expression, unit, sentence, version, is_active)
        select v_organization_id, row_id, v_name, v_label, v_expression, v_unit, v_sentence, coalesce(max(p.version), 0) + 1, false
          from app.metric_definitions as p
         where p.organization_id = v_organization_id and p.name = v_name;
        return;
    elsif exists (select from app.metric_definitions as m
                   where m.organization_id = v_organization_id and m.name = v_name and m.is_active
                     and m.id is distinct from app.moved_id(v_organization_id, 'metric_definitions', v_id::text)) then
        notes := '{"name": "Another row has this name: this is its next version, and in use."}';
    end if;
    row_id := app.define_metric(v_organization_id, v_name, v_label, v_unit, v_expression, v_sentence, row_id);
end;
$$;
comment on function app.move_metric(jsonb) is 'An own metric of a dump.';
