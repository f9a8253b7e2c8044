alter table app.leads drop column full_name_norm;
drop index app.payments_unknown_phone_idx;
drop index app.payments_claimed_amount_idx;
drop index app.payments_customer_evidence_idx;
drop index app.deals_without_rate_idx;
alter table app.deals
    drop column is_automatic,
    drop column origin_payment_id,
    drop column contract_value_source,
    drop column reason,
    drop column recorded_by,
    drop column voided_by;
