-- Genuine deliveries that were turned away, apart from forged ones, and since when.
-- depends: 0011_metric_indexes

alter table app.connection_stats add column refused integer not null default 0;
comment on column app.connection_stats.refused is $$Genuine deliveries turned away: over the limit, or nobody could take them in.$$;

alter table app.webhook_connections
    add column refused_count bigint not null default 0,
    add column refused_since timestamptz,
    add column last_refused_at timestamptz;
comment on column app.webhook_connections.refused_count is $$Genuine deliveries turned away: over the limit, or nobody could take them in.$$;
comment on column app.webhook_connections.refused_since is $$When the latest spell of such refusals began; a pause of 15 minutes ends a spell.$$;
comment on column app.webhook_connections.last_refused_at is $$The latest of them.$$;
