select 1 / (to_regclass('app.deals_automatic_event_key') is not null)::integer;
select 1 / (to_regclass('app.payments_customer_evidence_idx') is not null)::integer;
