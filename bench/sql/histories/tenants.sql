-- The organizations of bench.tenants that are not there yet, their people and drop-downs.
insert into app.organizations (id, name, slug, timezone, currency)
select t.organization_id, format('Organization %s', t.n), format('organization-%s', t.n), t.timezone, t.currency
  from bench.tenants as t where not t.is_loaded
    on conflict (id) do nothing;

-- Number 0 owns the organization, 1 to 15 are closers, 16 to 20 are setters; all of them have a session.
insert into auth.users (id, email)
select bench.id(2, t.n, k), format('user%s-%s@bench.example', t.n, k)
  from bench.tenants as t, generate_series(0, 20) as k where not t.is_loaded;
insert into app.profiles (user_id, email)
select bench.id(2, t.n, k), format('user%s-%s@bench.example', t.n, k)
  from bench.tenants as t, generate_series(0, 20) as k where not t.is_loaded;
insert into auth.sessions (id, user_id, expires_at)
select bench.id(3, t.n, k), bench.id(2, t.n, k), now() + interval '7 days'
  from bench.tenants as t, generate_series(0, 20) as k where not t.is_loaded;
insert into app.organization_members (organization_id, user_id, role)
select t.organization_id, bench.id(2, t.n, k), case k when 0 then 'owner' else 'member' end
  from bench.tenants as t, generate_series(0, 20) as k where not t.is_loaded;
insert into app.closers (organization_id, id, profile_id, name, email)
select t.organization_id, bench.id(4, t.n, k), case when k <= 15 then bench.id(2, t.n, k) end,
       format('Closer %s', k), format('closer%s-%s@bench.example', t.n, k)
  from bench.tenants as t, generate_series(1, t.closers) as k where not t.is_loaded;
insert into app.setters (organization_id, id, profile_id, name, email)
select t.organization_id, bench.id(5, t.n, k), case when k <= 5 then bench.id(2, t.n, 15 + k) end,
       format('Setter %s', k), format('setter%s-%s@bench.example', t.n, k)
  from bench.tenants as t, generate_series(1, t.setters) as k where not t.is_loaded;
insert into app.sources (organization_id, id, name)
select t.organization_id, bench.id(6, t.n, k), format('Source %s', k)
  from bench.tenants as t, generate_series(1, 12) as k where not t.is_loaded;
insert into app.traffic_types (organization_id, id, name)
select t.organization_id, bench.id(7, t.n, k), (array['Advertised', 'Organic', 'Warm', 'Cold'])[k]
  from bench.tenants as t, generate_series(1, 4) as k where not t.is_loaded;
insert into app.call_types (organization_id, id, name, counts_in_rates, duration_minutes)
select t.organization_id, bench.id(8, t.n, k), format('Call type %s', k), k < 6, case when k % 2 = 0 then 45 else 60 end
  from bench.tenants as t, generate_series(1, 6) as k where not t.is_loaded;
insert into app.packages (organization_id, id, name, price, currency, installment_count)
select t.organization_id, bench.id(9, t.n, k), format('Package %s', k), round(bench.price(k) * t.unit, t.scale), t.currency, bench.installments(k)
  from bench.tenants as t, generate_series(1, 3) as k where not t.is_loaded;
