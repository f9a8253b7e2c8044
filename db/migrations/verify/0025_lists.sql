select organization_id, id, name_norm, position, external_id, provider from app.traffic_types where false;
select 1 / (count(*) = 6 and bool_and(i.indpred is not null))::integer
  from pg_catalog.pg_index as i
 where i.indexrelid in ('app.sources_name_key'::regclass, 'app.traffic_types_name_key'::regclass, 'app.call_types_name_key'::regclass,
                        'app.call_outcomes_name_key'::regclass, 'app.opportunity_statuses_name_key'::regclass, 'app.packages_name_key'::regclass);
