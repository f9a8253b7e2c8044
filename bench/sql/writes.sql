-- Writes that bench/writes.py times. Each procedure writes so many rows in one statement; those that policies
-- bind go through the API's views, and have a twin that goes to the table.
create sequence bench.written;
grant usage on schema bench to org_admin, salesdash;
grant select on bench.tenants to org_admin, salesdash;
grant usage on sequence bench.written to org_admin, salesdash;
grant execute on all functions in schema bench to org_admin, salesdash;

-- Leads who have paid nothing, as most have who book: numbered from 0, over and over.
create table bench.callers as
select row_number() over (order by l.id) - 1 as n, l.id, l.email, count(*) over () as total
  from app.leads as l
 where l.organization_id = bench.id(1, 1, 0)
   and not exists (select from app.payments as p where p.organization_id = l.organization_id and p.lead_id = l.id);
create unique index callers_n_idx on bench.callers (n);
analyze bench.callers;
grant select on bench.callers to salesdash;

create procedure bench.insert_a_lead(size integer) language sql as $$
    insert into api.leads (organization_id, full_name, email)
    select bench.id(1, 1, 0), 'Lee', format('new%s@bench.example', nextval('bench.written')) from generate_series(1, size);
$$;
create procedure bench.insert_a_lead_plainly(size integer) language sql as $$
    insert into app.leads (organization_id, full_name, email)
    select bench.id(1, 1, 0), 'Lee', format('new%s@bench.example', nextval('bench.written')) from generate_series(1, size);
$$;

create procedure bench.note_on_a_call(size integer) language plpgsql as $$
begin
    update api.events as e set notes = 'Note ' || nextval('bench.written')
     where e.organization_id = bench.id(1, 1, 0)
       and e.id = any (array(select bench.id(12, 1, 1 + (currval('bench.written') + n) % (select t.events from bench.tenants as t where t.n = 1)) from generate_series(1, size) as n));
end;
$$;
create procedure bench.note_on_a_call_plainly(size integer) language plpgsql as $$
begin
    update app.events as e set notes = 'Note ' || nextval('bench.written')
     where e.organization_id = bench.id(1, 1, 0)
       and e.id = any (array(select bench.id(12, 1, 1 + (currval('bench.written') + n) % (select t.events from bench.tenants as t where t.n = 1)) from generate_series(1, size) as n));
end;
$$;

create procedure bench.insert_a_call(size integer) language sql as $$
    insert into app.events (
        organization_id, id, root_event_id, lead_id, lead_name, lead_email, closer_id, credited_closer_id, setter_id,
        credited_setter_id, source_id, scheduled_at, scheduled_end_at, booked_at)
    select bench.id(1, 1, 0), k.id, k.id, c.id, 'Lee', c.email, bench.id(4, 1, 1 + (k.n % 3)::integer), bench.id(4, 1, 1 + (k.n % 3)::integer),
           bench.id(5, 1, 1), bench.id(5, 1, 1), bench.id(6, 1, 1 + k.n % 12), k.at, k.at + interval '1 hour', now()
      from (
        select bench.id(12, 1, 10000000 + w.n) as id, w.n, now() + interval '1 day' + w.n % 10000 * interval '1 minute' as at
          from (select nextval('bench.written') as n from generate_series(1, size)) as w
      ) as k
      join bench.callers as c on c.n = k.n % (select t.total from bench.callers as t limit 1);
$$;

create procedure bench.insert_a_payment(size integer) language sql as $$
    insert into app.payments (
        organization_id, lead_id, closer_id, setter_id, source_id, source, provider, provider_payment_id, status, amount, currency,
        amount_base, base_currency, payment_date, customer_email)
    select bench.id(1, 1, 0), c.id, bench.id(4, 1, 1), bench.id(5, 1, 1), bench.id(6, 1, 1), 'stripe', 'stripe', 'new' || w.n, 'succeeded',
           100.00, o.currency, 100.00, o.currency, now(), c.email
      from (select nextval('bench.written') as n from generate_series(1, size)) as w
      join bench.callers as c on c.n = w.n % (select t.total from bench.callers as t limit 1)
      join app.organizations as o on o.id = bench.id(1, 1, 0);
$$;

-- One writer: calls, one in each transaction.
create procedure bench.write_calls(times integer) language plpgsql as $$
begin
    for n in 1 .. times loop
        call bench.insert_a_call(1);
        commit;
    end loop;
end;
$$;
