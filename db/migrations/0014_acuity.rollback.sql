alter table app.sync_runs drop column subject;
alter table app.events drop column provider_host_id;
