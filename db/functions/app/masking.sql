-- app.mask_body: a provider's payload as admins may read it: card, bank and token fields masked at any depth.
create or replace function app.mask_body(body jsonb) returns jsonb
language plpgsql immutable parallel safe security definer set search_path = '' as $$
begin
    return case jsonb_typeof(body)
        when 'object' then coalesce((
            select jsonb_object_agg(e.key, case
                when e.key ~* '(secret|token|signature|password|api_key|fingerprint|iban|account_number|routing_number)'
                     and jsonb_typeof(e.value) <> 'null' then '"***"'::jsonb
                when e.key in ('last4', 'exp_month', 'exp_year', 'iin', 'number', 'cvc', 'network_transaction_id')
                     and jsonb_typeof(e.value) <> 'null' then '"***"'::jsonb
                else app.mask_body(e.value)
            end) from jsonb_each(body) as e), '{}')
        when 'array' then coalesce((
            select jsonb_agg(app.mask_body(e.value) order by e.ordinality)
              from jsonb_array_elements(body) with ordinality as e), '[]')
        else body
    end;
end;
$$;
comment on function app.mask_body(jsonb) is 'A payload with card, bank and token fields masked at any depth.';
grant execute on function app.mask_body(jsonb) to authenticated, org_admin, super_admin;
