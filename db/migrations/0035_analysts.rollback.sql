drop table app.announcement_channels;

comment on column app.analyst_logins.login_name is null;
comment on column app.analyst_logins.name is null;
alter table app.analyst_logins drop column rotated_at;
