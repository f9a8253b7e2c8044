-- The lists of an organization's drop-downs: archived, ordered and named alike; names are unique among what is offered.
-- depends: 0021_lean_audit

alter table app.sources add column position integer not null default 0;
alter table app.traffic_types add column position integer not null default 0;
alter table app.call_types add column position integer not null default 0;
alter table app.packages add column position integer not null default 0;

update app.sources as t set position = r.n
  from (select s.organization_id, s.id, row_number() over (partition by s.organization_id order by s.id) as n from app.sources as s) as r
 where r.organization_id = t.organization_id and r.id = t.id;
update app.traffic_types as t set position = r.n
  from (select s.organization_id, s.id, row_number() over (partition by s.organization_id order by s.id) as n from app.traffic_types as s) as r
 where r.organization_id = t.organization_id and r.id = t.id;
update app.call_types as t set position = r.n
  from (select s.organization_id, s.id, row_number() over (partition by s.organization_id order by s.id) as n from app.call_types as s) as r
 where r.organization_id = t.organization_id and r.id = t.id;
update app.packages as t set position = r.n
  from (select s.organization_id, s.id, row_number() over (partition by s.organization_id order by s.id) as n from app.packages as s) as r
 where r.organization_id = t.organization_id and r.id = t.id;
comment on column app.sources.position is $$Order of display, ascending; a new row comes last.$$;
comment on column app.traffic_types.position is $$Order of display, ascending; a new row comes last.$$;
comment on column app.call_types.position is $$Order of display, ascending; a new row comes last.$$;
comment on column app.packages.position is $$Order of display, ascending; a new row comes last.$$;

alter table app.traffic_types add column external_id text;
alter table app.traffic_types add column provider text not null default 'manual';
alter table app.traffic_types add constraint traffic_types_external_id_key unique (organization_id, provider, external_id);
comment on column app.traffic_types.external_id is $$Identity at the other system.$$;
comment on column app.traffic_types.provider is $$The system it came from.$$;
create unique index opportunity_statuses_external_id_key
    on app.opportunity_statuses (organization_id, pipeline_external_id, external_id) nulls not distinct
 where external_id is not null;

-- What is not in use is archived; two columns say the same.
update app.sources set archived_at = case when is_active then null else coalesce(archived_at, updated_at) end
 where is_active = (archived_at is not null);
update app.traffic_types set archived_at = case when is_active then null else coalesce(archived_at, updated_at) end
 where is_active = (archived_at is not null);
update app.call_types set archived_at = case when is_active then null else coalesce(archived_at, updated_at) end
 where is_active = (archived_at is not null);

alter table app.sources add column name_norm text generated always as (lower(btrim(name))) stored;
alter table app.traffic_types add column name_norm text generated always as (lower(btrim(name))) stored;
alter table app.call_types add column name_norm text generated always as (lower(btrim(name))) stored;
alter table app.call_outcomes add column name_norm text generated always as (lower(btrim(name))) stored;
alter table app.opportunity_statuses add column name_norm text generated always as (lower(btrim(name))) stored;
alter table app.packages add column name_norm text generated always as (lower(btrim(name))) stored;

-- Of rows whose names differ in case or blanks alone, the first stays offered.
update app.sources as t set archived_at = now(), is_active = false
 where t.archived_at is null and exists (select from app.sources as f where f.organization_id = t.organization_id
   and f.name_norm = t.name_norm and f.archived_at is null and f.id < t.id);
update app.traffic_types as t set archived_at = now(), is_active = false
 where t.archived_at is null and exists (select from app.traffic_types as f where f.organization_id = t.organization_id
   and f.name_norm = t.name_norm and f.archived_at is null and f.id < t.id);
update app.call_types as t set archived_at = now(), is_active = false
 where t.archived_at is null and exists (select from app.call_types as f where f.organization_id = t.organization_id
   and f.name_norm = t.name_norm and f.archived_at is null and f.id < t.id);
update app.call_outcomes as t set archived_at = now()
 where t.archived_at is null and exists (select from app.call_outcomes as f where f.organization_id = t.organization_id
   and f.name_norm = t.name_norm and f.archived_at is null and f.id < t.id);
update app.opportunity_statuses as t set archived_at = now()
 where t.archived_at is null and exists (select from app.opportunity_statuses as f where f.organization_id = t.organization_id
   and f.name_norm = t.name_norm and f.archived_at is null and f.id < t.id);
update app.packages as t set archived_at = now()
 where t.archived_at is null and exists (select from app.packages as f where f.organization_id = t.organization_id
   and f.name_norm = t.name_norm and f.archived_at is null and f.id < t.id);

alter table app.sources drop constraint sources_name_key;
alter table app.traffic_types drop constraint traffic_types_name_key;
alter table app.call_types drop constraint call_types_name_key;
alter table app.call_outcomes drop constraint call_outcomes_name_key;
alter table app.opportunity_statuses drop constraint opportunity_statuses_name_key;
alter table app.packages drop constraint packages_name_key;
create unique index sources_name_key on app.sources (organization_id, name_norm) where archived_at is null;
create unique index traffic_types_name_key on app.traffic_types (organization_id, name_norm) where archived_at is null;
create unique index call_types_name_key on app.call_types (organization_id, name_norm) where archived_at is null;
create unique index call_outcomes_name_key on app.call_outcomes (organization_id, name_norm) where archived_at is null;
create unique index opportunity_statuses_name_key on app.opportunity_statuses (organization_id, name_norm) where archived_at is null;
create unique index packages_name_key on app.packages (organization_id, name_norm) where archived_at is null;

alter table app.sources
    add constraint sources_is_active_until_archived check (is_active = (archived_at is null)),
    add constraint sources_external_id_is_not_blank check (btrim(external_id) <> ''),
    add constraint sources_provider_is_not_blank check (btrim(provider) <> '');
alter table app.traffic_types
    add constraint traffic_types_is_active_until_archived check (is_active = (archived_at is null)),
    add constraint traffic_types_external_id_is_not_blank check (btrim(external_id) <> ''),
    add constraint traffic_types_provider_is_not_blank check (btrim(provider) <> '');
alter table app.call_types
    add constraint call_types_is_active_until_archived check (is_active = (archived_at is null)),
    add constraint call_types_external_id_is_not_blank check (btrim(external_id) <> ''),
    add constraint call_types_category_is_not_blank check (btrim(category) <> '');
alter table app.opportunity_statuses
    add constraint opportunity_statuses_external_id_is_not_blank check (btrim(external_id) <> '');
