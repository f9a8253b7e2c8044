-- Organizations with one Stripe connection, a closer and a setter each, and a closed call for every address of a lead, whose
-- deal is worth more than what will be paid. As a superuser.
create table bench.sold (
    organization_id uuid, connection_id uuid, email text, lead_id uuid, event_id uuid, deal_id uuid, closer_id uuid, setter_id uuid);
grant select on bench.sold to gateway;
grant insert on bench.sold to salesdash;

-- One sale of each organization is made by the product.
create procedure bench.sell_one(organizations integer)
language plpgsql as $$
declare
    v_organization_id uuid;
    v_connection_id   uuid;
    v_closer_id       uuid;
    v_setter_id       uuid;
    v_event_id        uuid;
begin
    for n in 1 .. organizations loop
        v_organization_id := app.create_organization('Bench ' || n, 'bench-' || n, 'America/New_York', 'USD');
        insert into app.closers (organization_id, name) values (v_organization_id, 'Closer') returning id into v_closer_id;
        insert into app.setters (organization_id, name) values (v_organization_id, 'Setter') returning id into v_setter_id;
        insert into app.webhook_connections (organization_id, name, connection_type, rate_limit_per_minute)
        values (v_organization_id, 'Stripe', 'stripe', 100000) returning id into v_connection_id;
        v_event_id := app.book_call(
            organization_id => v_organization_id, scheduled_at => now() - interval '1 day', booked_at => now() - interval '3 days',
            email => 'lead1@bench.test', closer_id => v_closer_id, setter_id => v_setter_id);
        perform app.record_form(v_organization_id, v_event_id,
            '{"call_occurred": true, "offer_made": true, "deal_closed": true, "contract_value": "500000.00"}');
        insert into bench.sold
        select e.organization_id, v_connection_id, e.lead_email, e.lead_id, e.id, d.id, v_closer_id, v_setter_id
          from app.events as e
          join app.deals as d on d.organization_id = e.organization_id and d.origin_event_id = e.id
         where e.organization_id = v_organization_id;
    end loop;
end;
$$;

-- The others are copies of it, without triggers: the same rows with ids and an address of their own.
create procedure bench.sell_again(leads integer)
language plpgsql set session_replication_role = replica as $$
declare
    v_table record;
begin
    create temporary table copies on commit drop as
    select s.*, n, 'lead' || n || '@bench.test' as new_email, uuidv7() as new_lead_id, uuidv7() as new_event_id, uuidv7() as new_deal_id
      from bench.sold as s cross join generate_series(2, leads) as n;
    for v_table in
        select t.name, t.of_row, t.changes, string_agg(quote_ident(a.attname), ', ' order by a.attnum) as columns,
               string_agg('(r.copy).' || quote_ident(a.attname), ', ' order by a.attnum) as copied
          from (values
                ('leads', 't.id = c.lead_id', '{"id": "new_lead_id", "email": "new_email"}'::jsonb),
                ('lead_identities', 't.lead_id = c.lead_id', '{"lead_id": "new_lead_id", "value": "new_email"}'),
                ('events', 't.id = c.event_id',
                 '{"id": "new_event_id", "root_event_id": "new_event_id", "lead_id": "new_lead_id", "lead_email": "new_email"}'),
                ('post_call_forms', 't.event_id = c.event_id', '{"event_id": "new_event_id"}'),
                ('deals', 't.id = c.deal_id',
                 '{"id": "new_deal_id", "lead_id": "new_lead_id", "origin_event_id": "new_event_id"}'),
                ('deal_installments', 't.deal_id = c.deal_id', '{"deal_id": "new_deal_id"}')) as t (name, of_row, changes)
          join pg_attribute as a on a.attrelid = ('app.' || t.name)::regclass and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
         group by t.name, t.of_row, t.changes
    loop
        execute format(
            'insert into app.%1$I (%2$s) select %3$s from ('
            ' select jsonb_populate_record(t, jsonb_build_object(''id'', uuidv7()) || %4$s) as copy'
            '   from copies as c join app.%1$I as t on t.organization_id = c.organization_id and %5$s) as r',
            v_table.name, v_table.columns, v_table.copied,
            (select 'jsonb_build_object(' || string_agg(format('%L, c.%I', k.key, k.value), ', ') || ')' from jsonb_each_text(v_table.changes) as k),
            v_table.of_row);
    end loop;
    insert into bench.sold
    select c.organization_id, c.connection_id, c.new_email, c.new_lead_id, c.new_event_id, c.new_deal_id, c.closer_id, c.setter_id
      from copies as c;
end;
$$;
