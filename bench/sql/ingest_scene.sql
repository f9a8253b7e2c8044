-- Organizations with one Stripe connection, a closer and a setter each, and a closed call for every address of a lead, whose
-- deal is worth more than what will be paid.
set role salesdash;
create table bench.sold (
    organization_id uuid, connection_id uuid, email text, lead_id uuid, event_id uuid, deal_id uuid, closer_id uuid, setter_id uuid);
grant select on bench.sold to gateway;

-- Committed as it goes. To be called without sequential scans: plans that are made for empty tables are kept.
create procedure bench.sell(organizations integer, leads integer)
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
        for l in 1 .. leads loop
            v_event_id := app.book_call(
                organization_id => v_organization_id, scheduled_at => now() - interval '1 day', booked_at => now() - interval '3 days',
                email => 'lead' || l || '@bench.test', closer_id => v_closer_id, setter_id => v_setter_id);
            perform app.record_form(v_organization_id, v_event_id,
                '{"call_occurred": true, "offer_made": true, "deal_closed": true, "contract_value": "500000.00"}');
            if l % 100 = 0 then
                commit;
            end if;
        end loop;
        insert into bench.sold
        select e.organization_id, v_connection_id, e.lead_email, e.lead_id, e.id, d.id, v_closer_id, v_setter_id
          from app.events as e
          join app.deals as d on d.organization_id = e.organization_id and d.origin_event_id = e.id
         where e.organization_id = v_organization_id;
        commit;
    end loop;
end;
$$;
