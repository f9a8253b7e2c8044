select refused from app.connection_stats where false;
select refused_count, refused_since, last_refused_at from app.webhook_connections where false;
