select 1 / (not exists (select from pg_constraint where conname = 'lead_identities_organization_id_fkey'))::integer;
