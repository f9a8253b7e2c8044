select credited_by_hand, claim_decided_at from app.payments where false;
select moved, filled from app.lead_merges where false;
select 1 / (to_regclass('app.payments_unattributed_idx') is not null)::integer;
