-- An identity is its lead's, without whom it cannot be, and so of that lead's organization: one look at the lead says both.
-- depends: 0037_exports

alter table app.lead_identities drop constraint lead_identities_organization_id_fkey;
