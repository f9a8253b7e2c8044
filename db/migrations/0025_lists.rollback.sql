drop view if exists api.sources, api.traffic_types, api.call_types, api.packages, api.call_outcomes, api.opportunity_statuses cascade;

alter table app.sources drop constraint sources_is_active_until_archived, drop constraint sources_external_id_is_not_blank,
    drop constraint sources_provider_is_not_blank;
alter table app.traffic_types drop constraint traffic_types_is_active_until_archived,
    drop constraint traffic_types_external_id_is_not_blank, drop constraint traffic_types_provider_is_not_blank;
alter table app.call_types drop constraint call_types_is_active_until_archived, drop constraint call_types_external_id_is_not_blank,
    drop constraint call_types_category_is_not_blank;
alter table app.opportunity_statuses drop constraint opportunity_statuses_external_id_is_not_blank;

drop index app.sources_name_key, app.traffic_types_name_key, app.call_types_name_key, app.call_outcomes_name_key,
    app.opportunity_statuses_name_key, app.packages_name_key;

-- A name that came back after its row was archived is one that two rows have; the archived one says so.
update app.sources as t set name = left(t.name, 150) || ' (archived ' || t.id || ')'
 where t.archived_at is not null and exists (select from app.sources as o where o.organization_id = t.organization_id and o.name = t.name and o.id <> t.id);
update app.traffic_types as t set name = left(t.name, 150) || ' (archived ' || t.id || ')'
 where t.archived_at is not null and exists (select from app.traffic_types as o where o.organization_id = t.organization_id and o.name = t.name and o.id <> t.id);
update app.call_types as t set name = left(t.name, 150) || ' (archived ' || t.id || ')'
 where t.archived_at is not null and exists (select from app.call_types as o where o.organization_id = t.organization_id and o.name = t.name and o.id <> t.id);
update app.call_outcomes as t set name = left(t.name, 150) || ' (archived ' || t.id || ')'
 where t.archived_at is not null and exists (select from app.call_outcomes as o where o.organization_id = t.organization_id and o.name = t.name and o.id <> t.id);
update app.opportunity_statuses as t set name = left(t.name, 150) || ' (archived ' || t.id || ')'
 where t.archived_at is not null and exists (select from app.opportunity_statuses as o where o.organization_id = t.organization_id and o.name = t.name and o.id <> t.id);
update app.packages as t set name = left(t.name, 150) || ' (archived ' || t.id || ')'
 where t.archived_at is not null and exists (select from app.packages as o where o.organization_id = t.organization_id and o.name = t.name and o.id <> t.id);
alter table app.sources add constraint sources_name_key unique (organization_id, name);
alter table app.traffic_types add constraint traffic_types_name_key unique (organization_id, name);
alter table app.call_types add constraint call_types_name_key unique (organization_id, name);
alter table app.call_outcomes add constraint call_outcomes_name_key unique (organization_id, name);
alter table app.opportunity_statuses add constraint opportunity_statuses_name_key unique (organization_id, name);
alter table app.packages add constraint packages_name_key unique (organization_id, name);

alter table app.sources drop column name_norm, drop column position;
alter table app.traffic_types drop column name_norm, drop column position, drop constraint traffic_types_external_id_key,
    drop column external_id, drop column provider;
alter table app.call_types drop column name_norm, drop column position;
alter table app.packages drop column name_norm, drop column position;
alter table app.call_outcomes drop column name_norm;
alter table app.opportunity_statuses drop column name_norm;
drop index app.opportunity_statuses_external_id_key;
