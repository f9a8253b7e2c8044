alter table app.lead_identities add constraint lead_identities_organization_id_fkey
    foreign key (organization_id) references app.organizations (id);
