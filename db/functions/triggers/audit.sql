-- The audit trail: who changed what, in one set per statement, secrets left out.

-- app.audit_secret_columns: columns of a table that never enter the audit trail.
create or replace function app.audit_secret_columns(table_name text) returns text[]
language sql immutable parallel safe
return case table_name
    when 'organization_integrations' then array[
        'calendly_api_key_encrypted', 'close_api_key_encrypted', 'ghl_api_key_encrypted', 'hubspot_api_key_encrypted',
        'whop_api_key_encrypted', 'stripe_api_key_encrypted', 'slack_webhook_url_encrypted']
    when 'webhook_connections' then array[
        'api_key', 'webhook_secret', 'webhook_secret_previous', 'last_webhook_at', 'webhook_count', 'duplicate_count',
        'rejected_count', 'failed_count', 'refused_count', 'refused_since', 'last_refused_at', 'updated_at']
    when 'closer_access_tokens' then array['token_hash']
    when 'invitations' then array['token_hash', 'email_norm']
    when 'payments' then array['metadata', 'attribution_steps', 'customer_email_norm']
    when 'events' then array['lead_email_norm']
    when 'leads' then array['email_norm', 'phone_norm', 'full_name_norm']
    -- What the clock notes on a schedule is no change that anybody made.
    when 'job_schedules' then array['due_after', 'next_fire_at', 'last_fire_at', 'error', 'updated_at']
    else array['email_norm']
end;
comment on function app.audit_secret_columns(text) is 'Columns that never enter the audit trail: ciphertext, hashes, and copies.';

-- app.current_actor: who is acting, as the audit trail names them.
create or replace function app.current_actor(
    out kind text, out id uuid, out role text, out session_id uuid, out request_id text, out reason text) returns record
language plpgsql stable set search_path = '' as $$
declare
    v_claims constant jsonb := auth.claims();
    v_link   constant uuid := nullif(current_setting('app.access_link_id', true), '')::uuid;
begin
    id := nullif(v_claims ->> 'sub', '')::uuid;
    session_id := nullif(v_claims ->> 'session_id', '')::uuid;
    kind := case
        when v_link is not null then 'access_link'
        when session_user = 'gateway' then 'gateway'
        when session_user = 'worker' then 'worker'
        when id is not null then 'user'
        when v_claims ? 'key_id' then 'api_key'
        when session_user = 'authenticator' then 'system'
        else 'operator'
    end;
    id := coalesce(v_link, id, nullif(v_claims ->> 'key_id', '')::uuid);
    role := coalesce(nullif(auth.token_role(), 'none'), session_user);
    request_id := left(nullif(current_setting('request.headers', true), '')::json ->> 'x-request-id', 128);
    reason := nullif(current_setting('app.reason', true), '');
end;
$$;
comment on function app.current_actor() is 'Kind, id, database role and session of who is acting, and the reason given for it.';

-- app.differing_values: what of a row another version of it does not have. What is NULL is left out.
create or replace function app.differing_values(version jsonb, other jsonb) returns jsonb
language sql immutable strict parallel safe
return (select coalesce(jsonb_object_agg(v.key, v.value), '{}') from jsonb_each(version) as v
         where v.value <> 'null' and v.value is distinct from other -> v.key);
comment on function app.differing_values(jsonb, jsonb) is 'What of a row another version of it does not have.';

-- app.audit_log_trigger: statement trigger of sensitive tenant tables. A new or deleted row is kept whole, a changed one as the values
-- that changed, before and after, which tells with later changes what it was at any time. What is NULL is left out.
-- Tables of which a statement writes thousands of rows have one of their own, app.audit_log_trigger_of_events and its like: it names
-- their columns, as they are at each deploy, and makes no JSON of values that stay.
-- Full joins of old and new versions are never planned as nested loops: app.pass_on_event_people.
do $do$
declare
    v_function record;
begin
    for v_function in
        select 'audit_log_trigger' as name,
               'app.differing_values(to_jsonb(n) - v_secret, ''{}'')' as new_row,
               'app.differing_values(to_jsonb(o) - v_secret, ''{}'')' as old_row,
               'app.differing_values(to_jsonb(n) - v_secret, to_jsonb(o) - v_secret) - ''updated_at''' as new_values,
               'app.differing_values(to_jsonb(o) - v_secret, to_jsonb(n) - v_secret) - ''updated_at''' as old_values
        union all
        select 'audit_log_trigger_of_' || c.table_name,
               format('json_object(%s absent on null returning jsonb)', string_agg(format('%1$L: n.%1$I', c.name), ', ')),
               format('json_object(%s absent on null returning jsonb)', string_agg(format('%1$L: o.%1$I', c.name), ', ')),
               format('json_object(%s absent on null returning jsonb)',
                      string_agg(format('%1$L: case when n.%1$I is distinct from o.%1$I then n.%1$I end', c.name), ', ')
                      filter (where c.name <> 'updated_at')),
               format('json_object(%s absent on null returning jsonb)',
                      string_agg(format('%1$L: case when n.%1$I is distinct from o.%1$I then o.%1$I end', c.name), ', ')
                      filter (where c.name <> 'updated_at'))
          from (select t.table_name, a.attname as name
                  from unnest(array['events', 'leads', 'post_call_forms', 'payments', 'payment_credits', 'deals']) as t (table_name)
                  join pg_catalog.pg_attribute as a
                    on a.attrelid = format('app.%I', t.table_name)::regclass and a.attnum > 0 and not a.attisdropped
                   and a.attname <> all (app.audit_secret_columns(t.table_name))) as c
         group by c.table_name
    loop
        execute format($create$
create or replace function app.%I() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_actor  constant record := app.current_actor();
    v_secret constant text[] := app.audit_secret_columns(tg_table_name);
begin
    if tg_op = 'INSERT' then
        insert into app.audit_logs (organization_id, table_name, row_id, action, actor_kind, actor_id, actor_role,
                                    actor_session_id, request_id, reason, new_data)
        select n.organization_id, tg_table_name, n.id, tg_op, v_actor.kind, v_actor.id, v_actor.role,
               v_actor.session_id, v_actor.request_id, v_actor.reason, %s
          from new_rows as n;
    elsif tg_op = 'UPDATE' then
        insert into app.audit_logs (organization_id, table_name, row_id, action, actor_kind, actor_id, actor_role,
                                    actor_session_id, request_id, reason, old_data, new_data)
        select n.organization_id, tg_table_name, n.id, tg_op, v_actor.kind, v_actor.id, v_actor.role,
               v_actor.session_id, v_actor.request_id, v_actor.reason, %s, %s
          from new_rows as n
          full join old_rows as o on o.organization_id = n.organization_id and o.id = n.id
         where o.* is distinct from n.*
           and (tg_table_name not in ('job_schedules', 'webhook_connections') or to_jsonb(o) - v_secret is distinct from to_jsonb(n) - v_secret);
    else
        insert into app.audit_logs (organization_id, table_name, row_id, action, actor_kind, actor_id, actor_role,
                                    actor_session_id, request_id, reason, old_data)
        select o.organization_id, tg_table_name, o.id, tg_op, v_actor.kind, v_actor.id, v_actor.role,
               v_actor.session_id, v_actor.request_id, v_actor.reason, %s
          from old_rows as o;
    end if;
    return null;
end;
$$;
comment on function app.%1$I() is 'Writes what a statement inserted, updated or deleted to the audit trail.';
$create$, v_function.name, v_function.new_row, v_function.old_values, v_function.new_values, v_function.old_row);
    end loop;
end;
$do$;

-- app.audit_global_row: row trigger of the few tables without organization_id. Its argument names the key column;
-- organizations are their own tenant, the others belong to the platform.
create or replace function app.audit_global_row() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_before constant jsonb := case when tg_op <> 'INSERT' then to_jsonb(old) end;
    v_after  constant jsonb := case when tg_op <> 'DELETE' then to_jsonb(new) end;
    v_stamp  constant text[] := case tg_op when 'UPDATE' then array['updated_at'] else '{}' end;
    v_old    constant jsonb := app.differing_values(v_before, coalesce(v_after, '{}')) - v_stamp;
    v_new    constant jsonb := app.differing_values(v_after, coalesce(v_before, '{}')) - v_stamp;
    v_id     constant uuid := (coalesce(v_after, v_before) ->> tg_argv[0])::uuid;
    v_actor  constant record := app.current_actor();
begin
    if v_before is not distinct from v_after then
        return null;
    elsif tg_table_name = 'organizations' then
        insert into app.audit_logs (organization_id, table_name, row_id, action, actor_kind, actor_id, actor_role,
                                    actor_session_id, request_id, reason, old_data, new_data)
        values (v_id, tg_table_name, v_id, tg_op, v_actor.kind, v_actor.id, v_actor.role,
                v_actor.session_id, v_actor.request_id, v_actor.reason, v_old, v_new);
    else
        insert into app.platform_audit_logs (table_name, row_id, action, actor_kind, actor_id, actor_role,
                                             actor_session_id, request_id, reason, old_data, new_data)
        values (tg_table_name, v_id, tg_op, v_actor.kind, v_actor.id, v_actor.role,
                v_actor.session_id, v_actor.request_id, v_actor.reason, v_old, v_new);
    end if;
    return null;
end;
$$;
comment on function app.audit_global_row() is 'Writes a change of a table without organization_id to the audit trail.';

do $$
declare
    v_table    text;
    v_function text;
begin
    foreach v_table in array array[
        'organization_members', 'organization_integrations', 'webhook_connections', 'events', 'leads', 'post_call_forms',
        'payments', 'payment_refunds', 'payment_credits', 'deals', 'deal_installments', 'closers', 'setters', 'payees',
        'commission_plans', 'commission_plan_versions', 'commission_plan_components', 'commission_plan_assignments',
        'payout_snapshots', 'payouts', 'statement_disputes', 'closer_access_tokens', 'api_keys', 'invitations',
        'job_schedules', 'form_configs', 'custom_field_definitions', 'custom_field_options', 'portal_settings',
        'fx_rates', 'analyst_logins', 'metric_definitions', 'exports']
    loop
        v_function := coalesce(to_regproc('app.audit_log_trigger_of_' || v_table)::text, 'app.audit_log_trigger');
        execute format('create or replace trigger audits_inserts after insert on app.%I referencing new table as new_rows'
                       ' for each statement execute function %s()', v_table, v_function);
        execute format('create or replace trigger audits_updates after update on app.%I'
                       ' referencing old table as old_rows new table as new_rows'
                       ' for each statement execute function %s()', v_table, v_function);
        execute format('create or replace trigger audits_deletes after delete on app.%I referencing old table as old_rows'
                       ' for each statement execute function %s()', v_table, v_function);
    end loop;
end;
$$;
create or replace trigger audits_changes after insert or update or delete on app.organizations
    for each row execute function app.audit_global_row('id');
create or replace trigger audits_changes after insert or update or delete on app.profiles
    for each row execute function app.audit_global_row('user_id');
create or replace trigger audits_changes after insert or update or delete on app.user_roles
    for each row execute function app.audit_global_row('id');
