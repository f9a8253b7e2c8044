drop table app.report_runs;
drop table app.metric_days;
drop table app.metric_deltas;
drop table app.metric_definitions;
drop table app.metric_catalog;
drop table app.exceptions;
drop table app.platform_audit_logs;
drop table app.audit_logs;
