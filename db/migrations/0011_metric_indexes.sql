-- Indexes of the rows that metrics leave out: few in any organization, asked for with every number.
-- depends: 0005_sales

create index leads_test_idx on app.leads (organization_id, id) where is_test;
create index post_call_forms_disqualified_idx on app.post_call_forms (organization_id, event_id) where is_active and disqualified;
