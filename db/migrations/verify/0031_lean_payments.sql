select 1 / (to_regclass('app.payments_provider_charge_idx') is null)::integer;
