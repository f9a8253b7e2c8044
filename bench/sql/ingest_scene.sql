-- Organizations with one Stripe connection, a closer and a setter each, and a closed call for every address of :leads.
set role salesdash;
create table bench.sold (
    organization_id uuid, connection_id uuid, email text, lead_id uuid, event_id uuid, closer_id uuid, setter_id uuid);
do $$
declare
    v_organization_id uuid;
    v_connection_id   uuid;
    v_closer_id       uuid;
    v_setter_id       uuid;
begin
    for n in 1 .. :organizations loop
        v_organization_id := app.create_organization('Bench ' || n, 'bench-' || n, 'America/New_York', 'USD');
        insert into app.closers (organization_id, name) values (v_organization_id, 'Closer') returning id into v_closer_id;
        insert into app.setters (organization_id, name) values (v_organization_id, 'Setter') returning id into v_setter_id;
        insert into app.webhook_connections (organization_id, name, connection_type, rate_limit_per_minute)
        values (v_organization_id, 'Stripe', 'stripe', 100000) returning id into v_connection_id;
        for l in 1 .. :leads loop
            perform app.book_call(
                organization_id => v_organization_id, scheduled_at => now() - interval '1 day', booked_at => now() - interval '3 days',
                email => 'lead' || l || '@bench.test', closer_id => v_closer_id, setter_id => v_setter_id);
        end loop;
        insert into bench.sold
        select e.organization_id, v_connection_id, e.lead_email, e.lead_id, e.id, v_closer_id, v_setter_id
          from app.events as e where e.organization_id = v_organization_id;
    end loop;
end;
$$;
grant select on bench.sold to gateway;
