-- app.mask_value: a part of a payload, masked; what lies more than levels deep is masked whole, since nothing that a provider
-- means lies there, and a recursion must end.
create or replace function app.mask_value(value jsonb, levels integer) returns jsonb
language plpgsql immutable parallel safe security definer set search_path = '' as $$
begin
    return case
        when jsonb_typeof(value) not in ('object', 'array') then value
        when levels = 0 then '"***"'
        when jsonb_typeof(value) = 'object' then coalesce((
            select jsonb_object_agg(e.key, case
                when jsonb_typeof(e.value) = 'null' then e.value
                when e.key ~* '(secret|token|signature|password|api_?key|fingerprint|iban|account_?number|routing_?number|card_?number)'
                     or e.key ~* '(^|_)(last_?4|last_?four|exp|exp_?month|exp_?year|expiry|iin|bin|cvc|cvv|pan)$'
                     or e.key in ('number', 'network_transaction_id') then '"***"'
                else app.mask_value(e.value, levels - 1)
            end) from jsonb_each(value) as e), '{}')
        else coalesce((
            select jsonb_agg(app.mask_value(e.value, levels - 1) order by e.ordinality)
              from jsonb_array_elements(value) with ordinality as e), '[]')
    end;
end;
$$;
comment on function app.mask_value(jsonb, integer) is 'A part of a payload, masked; what lies deeper than levels is masked whole.';

-- app.mask_body: a provider's payload as admins may read it: card, bank and token fields masked at any depth.
create or replace function app.mask_body(body jsonb) returns jsonb
language sql immutable parallel safe security definer set search_path = ''
return app.mask_value(body, 64);
comment on function app.mask_body(jsonb) is 'A payload with card, bank and token fields masked at any depth.';
grant execute on function app.mask_body(jsonb) to authenticated, org_admin, super_admin;
