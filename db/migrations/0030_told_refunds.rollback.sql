drop view if exists api.payment_refunds;
alter table app.payment_refunds drop column superseded_by_id;
