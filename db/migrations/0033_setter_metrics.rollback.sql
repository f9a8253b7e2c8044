drop view if exists api.metric_catalog, analytics.metric_catalog, api.setter_calls, analytics.setter_calls;
alter table app.metric_catalog drop column family;
delete from app.setter_calls where kind <> 'call';
alter table app.setter_calls drop column kind;
comment on table app.setter_calls is $$Single calls behind setter_activities, kept so that none counts twice.$$;
