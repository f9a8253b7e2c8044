create index payments_provider_charge_idx on app.payments (organization_id, provider, provider_charge_id);
