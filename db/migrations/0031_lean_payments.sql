-- An index that no question uses: payments are found by their payment's id, never by their charge's.
-- depends: 0030_told_refunds

drop index app.payments_provider_charge_idx;
