select 1 / (count(*) = 7)::integer from pg_namespace
 where nspname in ('api', 'analytics', 'app', 'auth', 'ingest', 'session', 'jobs');
select 1 / (app.currency_exponent('KWD') = 3 and app.is_money(1.25, 'USD') and not app.is_money(1.250, 'USD'))::integer;
select 1 / (app.is_timezone('Europe/Berlin') and not app.is_timezone('Mars/Olympus'))::integer;
