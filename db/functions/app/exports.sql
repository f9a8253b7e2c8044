-- What can be taken out as a file. Internal: nobody but the owner may call these.

-- app.export_tables: the views that can be exported, and the column that says of when a row is.
-- Not here: bodies of deliveries and messages, queues, sign-in, and what is computed from other rows.
create or replace function app.export_tables() returns table (table_name text, date_column text)
language sql immutable parallel safe
begin atomic
    select t.table_name, t.date_column
      from (values
        ('events', 'scheduled_at'), ('leads', 'created_at'), ('lead_identities', 'created_at'), ('lead_touches', 'occurred_at'),
        ('lead_setter_changes', 'changed_at'), ('lead_merges', 'merged_at'), ('post_call_forms', 'submitted_at'),
        ('custom_field_values', 'created_at'), ('setter_activities', 'activity_date'), ('setter_calls', 'activity_date'),
        ('capacity_snapshots', 'day'),
        ('payments', 'payment_date'), ('payment_refunds', 'refunded_at'), ('payment_credits', 'created_at'),
        ('my_credits', 'created_at'), ('deals', 'closed_at'), ('deal_installments', 'due_on'), ('fx_rates', 'day'),
        ('commission_plans', 'created_at'), ('commission_plan_versions', 'created_at'),
        ('commission_plan_components', 'created_at'), ('commission_plan_assignments', 'created_at'),
        ('commission_ledger', 'earned_on'), ('payout_snapshots', 'period_end'), ('payout_snapshot_details', 'day'),
        ('payout_snapshot_summaries', 'created_at'), ('payouts', 'paid_at'), ('payee_balances', 'created_at'),
        ('statement_disputes', 'created_at'),
        ('closers', 'created_at'), ('setters', 'created_at'), ('payees', 'created_at'), ('organization_members', 'created_at'),
        ('sources', 'created_at'), ('traffic_types', 'created_at'), ('call_types', 'created_at'),
        ('call_outcomes', 'created_at'), ('opportunity_statuses', 'created_at'), ('packages', 'created_at'),
        ('source_rules', 'created_at'), ('form_configs', 'created_at'), ('custom_field_definitions', 'created_at'),
        ('custom_field_options', 'created_at'), ('portal_settings', 'created_at'), ('dashboard_layouts', 'created_at'),
        ('metric_definitions', 'created_at'), ('webhook_connections', 'created_at'),
        ('organization_integrations', 'created_at'), ('closer_access_tokens', 'created_at'),
        ('exceptions', 'first_seen_at'), ('exports', 'created_at'), ('audit_logs', 'changed_at')
      ) as t (table_name, date_column);
end;
comment on function app.export_tables() is 'The views that can be exported, and the column that says of when a row is.';

-- app.export_columns: the columns of a view of the API, as they stand there.
create or replace function app.export_columns(table_name text) returns table (name text, type text, "position" integer)
language sql stable set search_path = '' as $$
    select a.attname::text, pg_catalog.format_type(a.atttypid, null), a.attnum::integer
      from pg_catalog.pg_class as c
      join pg_catalog.pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     where c.relnamespace = 'api'::regnamespace and c.relkind = 'v' and c.relname = export_columns.table_name;
$$;
comment on function app.export_columns(text) is 'The columns of a view of the API: name, type and place.';

-- app.wrong_export_fields: what each argument of an export needs that cannot be; an empty object when all can.
create or replace function app.wrong_export_fields(
    table_name text, format text, start_date date, end_date date, date_column text, columns text[]) returns jsonb
language sql stable set search_path = '' as $$
    select jsonb_strip_nulls(jsonb_build_object(
        'table', case when not wrong_export_fields.table_name = any (t.names) or wrong_export_fields.table_name is null
                      then format('Choose one of: %s.', array_to_string(t.names, ', ')) end,
        'format', case when wrong_export_fields.format = any (array['csv', 'json', 'ndjson', 'xlsx']) is not true
                       then 'Choose one of: csv, json, ndjson, xlsx.' end,
        'start_date', case when wrong_export_fields.start_date not between date '0001-01-01' and date '9999-12-31'
                           then 'Give a day between 0001-01-01 and 9999-12-31.' end,
        'end_date', case when wrong_export_fields.end_date not between date '0001-01-01' and date '9999-12-31'
                         then 'Give a day between 0001-01-01 and 9999-12-31.'
                         when wrong_export_fields.end_date < wrong_export_fields.start_date
                         then 'The last day comes before the first one.' end,
        'date_column', case when wrong_export_fields.date_column <> all (c.dates)
                            then format('Choose one of: %s.', array_to_string(c.dates, ', ')) end,
        'columns', case when cardinality(wrong_export_fields.columns) = 0 then 'Name at least one column.'
                        when not wrong_export_fields.columns <@ c.names or array_position(wrong_export_fields.columns, null) > 0
                        then format('Choose from: %s.', array_to_string(c.names, ', '))
                        when (select count(distinct u.name) from unnest(wrong_export_fields.columns) as u (name))
                             < cardinality(wrong_export_fields.columns)
                        then 'Name each column once.' end))
      from (select array_agg(e.table_name order by e.table_name) as names from app.export_tables() as e) as t,
           (select array_agg(e.name order by e."position") as names,
                   array_agg(e.name order by e."position")
                       filter (where e.type in ('date', 'timestamp with time zone')) as dates
              from app.export_columns(wrong_export_fields.table_name) as e) as c;
$$;
comment on function app.wrong_export_fields(text, text, date, date, text, text[]) is
    'What each argument of an export needs that cannot be, as one JSON object.';
