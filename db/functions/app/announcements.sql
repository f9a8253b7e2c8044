-- Channels of NOTIFY. Whoever has a login of the database, an analyst for one, may listen to every channel, and announce on every
-- channel, whose name they know: so the names are random, and told to those alone who need one. Internal.

insert into app.announcement_channels (purpose)
values ('platform_access'), ('webhook_connections')
    on conflict on constraint announcement_channels_purpose_key do nothing;

-- app.announcement_channel: the name of the channel for this purpose.
create or replace function app.announcement_channel(purpose text) returns text
language sql stable set search_path = '' as $$
    select c.channel from app.announcement_channels as c where c.purpose = announcement_channel.purpose;
$$;
comment on function app.announcement_channel(text) is 'The name of the channel for this purpose.';
