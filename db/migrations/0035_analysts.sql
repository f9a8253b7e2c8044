-- Analysts' logins: when their password was last replaced; and a channel of announcements that no login of theirs can guess.
-- depends: 0021_lean_audit

alter table app.analyst_logins add column rotated_at timestamptz;
comment on column app.analyst_logins.login_name is 'The role of the database: random, so that it tells no other login whose it is.';
comment on column app.analyst_logins.name is 'Who or what it is for.';
comment on column app.analyst_logins.rotated_at is 'When its password was last replaced.';

create table app.announcement_channels (
    id         uuid not null default uuidv7(),
    purpose    text not null,
    channel    text not null default 'announcements_' || replace(gen_random_uuid()::text, '-', ''),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint announcement_channels_pkey primary key (id),
    constraint announcement_channels_purpose_key unique (purpose)
);
comment on table app.announcement_channels is
    $$Channels of NOTIFY with names nobody can guess: whoever has a login of the database may LISTEN to any channel whose name they know.$$;
insert into app.announcement_channels (purpose) values ('platform_access');
