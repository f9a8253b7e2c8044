-- A refund that a person entered and that its processor tells of, too, counts once.
-- depends: 0021_lean_audit

alter table app.payment_refunds
    add column superseded_by_id uuid,
    add constraint payment_refunds_superseded_by_id_fkey
        foreign key (organization_id, superseded_by_id) references app.payment_refunds (organization_id, id),
    add constraint payment_refunds_superseded_ones_do_not_count
        check (superseded_by_id is null or (provider = 'manual' and status = 'canceled'));
create index payment_refunds_superseded_by_id_idx on app.payment_refunds (organization_id, superseded_by_id)
    where superseded_by_id is not null;
comment on column app.payment_refunds.superseded_by_id is $$The processor's refund that this one, entered by hand, turned out to be.$$;
