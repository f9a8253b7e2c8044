-- No statistics of what people write: names, addresses, numbers, notes, campaigns. An estimate is made before any policy is asked,
-- from the commonest values of everybody, and EXPLAIN shows it: with `lead_name < 'M'`, halved again and again, whoever writes SQL
-- of their own could spell the commonest names of other organizations. Nothing looks such a column up but by a copy of it that no
-- view shows, so no plan is worse. Of closed vocabularies, amounts, times and ids statistics are kept: they name nobody.
do $$
declare
    v_column record;
begin
    for v_column in
        select t.name as table_name, c.name as column_name
          from (values
            ('call_outcomes',            array['name']),
            ('call_types',               array['name']),
            ('closers',                  array['name']),
            ('custom_field_definitions', array['name', 'label']),
            ('custom_field_values',      array['text_value', 'option_values']),
            ('deals',                    array['void_reason']),
            ('events',                   array['lead_name', 'lead_email', 'lead_phone', 'closer_name', 'setter_name', 'notes',
                                               'cancel_reason', 'utm_source', 'utm_medium', 'utm_campaign', 'utm_term',
                                               'utm_content']),
            ('lead_touches',             array['utm_source', 'utm_medium', 'utm_campaign', 'utm_term', 'utm_content']),
            ('leads',                    array['full_name', 'email', 'phone', 'original_setter_name', 'current_setter_name']),
            ('metric_definitions',       array['name', 'label', 'sentence', 'expression']),
            ('opportunity_statuses',     array['name']),
            ('organizations',            array['name']),
            ('packages',                 array['name']),
            ('payment_refunds',          array['reason']),
            ('payments',                 array['customer_email', 'customer_name', 'customer_phone', 'description', 'reason']),
            ('post_call_forms',          array['notes', 'voided_reason']),
            ('setter_calls',             array['disposition']),
            ('setters',                  array['name']),
            ('sources',                  array['name']),
            ('traffic_types',            array['name']),
            ('webhook_connections',      array['name'])
          ) as t (name, columns)
         cross join unnest(t.columns) as c (name)
          join pg_catalog.pg_attribute as a on a.attrelid = format('app.%I', t.name)::regclass and a.attname = c.name
         where a.attstattarget is distinct from 0
    loop
        execute format('alter table app.%I alter column %I set statistics 0', v_column.table_name, v_column.column_name);
        perform pg_catalog.pg_clear_attribute_stats('app', v_column.table_name, v_column.column_name, false);
    end loop;
end;
$$;
