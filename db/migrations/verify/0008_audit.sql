select 1 / (to_regclass('app.audit_logs') is not null)::integer;
select 1 / (to_regclass('app.platform_audit_logs') is not null)::integer;
select 1 / (to_regclass('app.exceptions') is not null)::integer;
select 1 / (to_regclass('app.metric_catalog') is not null)::integer;
select 1 / (to_regclass('app.metric_definitions') is not null)::integer;
select 1 / (to_regclass('app.report_runs') is not null)::integer;
