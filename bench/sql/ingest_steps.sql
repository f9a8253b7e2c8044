-- What the steps of one delivery cost inside the database: of each over the same bodies, without the commits.
-- fellows: as many bodies again, of which eight are handed over in one call.
-- As the owner, like the gateway's calls: plans of tables with policies are made anew whenever the role changes.
set local role salesdash;
create function bench.ingest_steps(organization_id uuid, connection_id uuid, provider text, account text, bodies jsonb[], fellows jsonb[])
returns table (step text, ms numeric)
language plpgsql set search_path = '' set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
declare
    v_body     jsonb;
    v_payment  app.payments;
    v_envelope record;
    v_began    timestamptz;
    v_company  jsonb := '[]';
    v_took     interval[] := array_fill(interval '0', array[6]);
begin
    foreach v_body in array bodies loop
        v_began := clock_timestamp();
        v_envelope := ingest.envelope(provider, v_body);
        v_took[1] := v_took[1] + (clock_timestamp() - v_began);

        v_began := clock_timestamp();
        perform ingest.take_from_limits(array[organization_id], array[connection_id], array[1000000], array[0], now());
        v_took[2] := v_took[2] + (clock_timestamp() - v_began);

        v_began := clock_timestamp();
        insert into app.webhook_event_keys (organization_id, connection_id, provider_event_id, webhook_event_id)
        values (ingest_steps.organization_id, ingest_steps.connection_id, 'step ' || v_envelope.id, uuidv7())
        on conflict on constraint webhook_event_keys_provider_event_id_key do nothing;
        v_took[3] := v_took[3] + (clock_timestamp() - v_began);

        v_payment.organization_id := organization_id;
        v_payment.id := uuidv7();
        v_payment.provider := provider;
        v_payment.provider_account := account;
        v_payment.amount := 1499.00;
        v_payment.currency := 'USD';
        v_payment.payment_date := now();
        v_payment.metadata := '{}';
        v_payment.customer_email := v_body #>> '{data,object,billing_details,email}';
        v_payment.customer_email_norm := v_payment.customer_email;
        v_payment.provider_customer_id := v_body #>> '{data,object,customer}';
        v_began := clock_timestamp();
        perform app.find_attribution(v_payment);
        v_took[4] := v_took[4] + (clock_timestamp() - v_began);

        v_began := clock_timestamp();
        perform ingest.record_deliveries(jsonb_build_array(jsonb_build_object(
            'organization_id', organization_id, 'connection_id', connection_id, 'is_late', false, 'body', v_body)));
        v_took[5] := v_took[5] + (clock_timestamp() - v_began);
    end loop;
    for v_n in 1 .. cardinality(fellows) loop
        v_company := v_company || jsonb_build_object(
            'organization_id', organization_id, 'connection_id', connection_id, 'is_late', false, 'body', fellows[v_n]);
        continue when v_n % 8 <> 0;
        v_began := clock_timestamp();
        perform ingest.record_deliveries(v_company);
        v_took[6] := v_took[6] + (clock_timestamp() - v_began);
        v_company := '[]';
    end loop;
    return query
    select s.step, round(extract(epoch from v_took[s.position]) * 1000 / cardinality(bodies), 3)
      from unnest(array['read the envelope', 'limit', 'dedupe', 'attribute', 'whole', 'all of it, eight in one call']) with ordinality as s (step, position);
end;
$$;
