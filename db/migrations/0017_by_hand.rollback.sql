drop table app.lead_merges;
drop index app.payments_unattributed_idx;
alter table app.payments drop column claim_decided_at cascade;
alter table app.payments drop column credited_by_hand cascade;
