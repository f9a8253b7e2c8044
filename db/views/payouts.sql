-- Payees, plans, ledger and payouts.

drop view if exists api.payees;
create view api.payees with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.profile_id,
    t.name,
    t.email,
    t.external_id,
    t.is_active,
    t.active_from,
    t.active_until,
    t.created_at,
    t.updated_at
  from app.payees as t;
grant select on api.payees to authenticated, org_admin, super_admin;
grant insert on api.payees to authenticated, org_admin, super_admin;
grant update on api.payees to authenticated, org_admin, super_admin;
grant delete on api.payees to authenticated, org_admin, super_admin;
comment on view api.payees is $$People who can be paid: one row per person, whatever their roles.$$;
comment on column api.payees.organization_id is 'The tenant.';
comment on column api.payees.id is 'Identity of the row; ordered by time of creation.';
comment on column api.payees.profile_id is 'The user this roster entry belongs to.';
comment on column api.payees.name is 'Name shown to people.';
comment on column api.payees.email is 'E-mail address.';
comment on column api.payees.external_id is 'The payroll system''s id.';
comment on column api.payees.is_active is 'False: earns no more; history keeps them.';
comment on column api.payees.active_from is 'First local day on which the person can be paid; NULL: since always.';
comment on column api.payees.active_until is 'Last local day on which the person can be paid; NULL: open.';
comment on column api.payees.created_at is 'When the row was made.';
comment on column api.payees.updated_at is 'When the row last changed.';

drop view if exists api.commission_plans;
create view api.commission_plans with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.name,
    t.description,
    t.archived_at,
    t.created_at,
    t.updated_at
  from app.commission_plans as t;
grant select on api.commission_plans to authenticated, org_admin, super_admin;
comment on view api.commission_plans is $$Named commission plans.$$;
comment on column api.commission_plans.organization_id is 'The tenant.';
comment on column api.commission_plans.id is 'Identity of the row; ordered by time of creation.';
comment on column api.commission_plans.name is 'Name shown to people.';
comment on column api.commission_plans.description is 'What the plan is for, in an admin''s words.';
comment on column api.commission_plans.archived_at is 'When it was taken out of use; NULL while offered.';
comment on column api.commission_plans.created_at is 'When the row was made.';
comment on column api.commission_plans.updated_at is 'When the row last changed.';

drop view if exists api.commission_plan_versions;
create view api.commission_plan_versions with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.plan_id,
    t.version,
    t.tier_measure,
    t.tier_mode,
    t.tier_period,
    t.rate_basis,
    t.is_net_of_fees,
    t.hold_days,
    t.reserve_share,
    t.reserve_days,
    t.clawback_window_days,
    t.cap_amount,
    t.floor_amount,
    t.draw_amount,
    t.minimum_payable,
    t.currency,
    t.activated_at,
    t.created_at,
    t.updated_at
  from app.commission_plan_versions as t;
grant select on api.commission_plan_versions to authenticated, org_admin, super_admin;
comment on view api.commission_plan_versions is $$What a plan pays, in one version; active versions are immutable.$$;
comment on column api.commission_plan_versions.organization_id is 'The tenant.';
comment on column api.commission_plan_versions.id is 'Identity of the row; ordered by time of creation.';
comment on column api.commission_plan_versions.plan_id is 'The commission plan.';
comment on column api.commission_plan_versions.version is 'Counts up from 1.';
comment on column api.commission_plan_versions.tier_measure is 'What tiers are reached by: cash, closes or shows; NULL: the plan has none.';
comment on column api.commission_plan_versions.tier_mode is 'marginal: each bracket pays its own part; retroactive: the reached bracket pays all.';
comment on column api.commission_plan_versions.tier_period is 'Over what attainment is counted: month, quarter, year or pay_period.';
comment on column api.commission_plan_versions.rate_basis is 'Which day chooses the version: deal_closed or payment_day.';
comment on column api.commission_plan_versions.is_net_of_fees is 'True: the processor''s fee is taken off before the rate.';
comment on column api.commission_plan_versions.hold_days is 'Days from earning until a line is available.';
comment on column api.commission_plan_versions.reserve_share is 'Part of each earning that is held back: a share from 0 to 1.';
comment on column api.commission_plan_versions.reserve_days is 'Days until what is held back is freed.';
comment on column api.commission_plan_versions.clawback_window_days is 'Days after a payment within which a refund takes commission back; NULL: always.';
comment on column api.commission_plan_versions.cap_amount is 'Most that a period pays, in currency; NULL: no limit.';
comment on column api.commission_plan_versions.floor_amount is 'Least that a period pays, in currency; NULL: nothing.';
comment on column api.commission_plan_versions.draw_amount is 'Advance of each period, in currency, taken from later lines; NULL: none.';
comment on column api.commission_plan_versions.minimum_payable is 'What a balance must reach to be paid, in currency; less is carried.';
comment on column api.commission_plan_versions.currency is 'ISO 4217 code.';
comment on column api.commission_plan_versions.activated_at is 'When it came into force; NULL: a draft.';
comment on column api.commission_plan_versions.created_at is 'When the row was made.';
comment on column api.commission_plan_versions.updated_at is 'When the row last changed.';

drop view if exists api.commission_plan_components;
create view api.commission_plan_components with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.plan_version_id,
    t.role,
    t.component,
    t.rate,
    t.flat_amount,
    t.currency,
    t.tier_from,
    t.created_at,
    t.updated_at
  from app.commission_plan_components as t;
grant select on api.commission_plan_components to authenticated, org_admin, super_admin;
comment on view api.commission_plan_components is $$Typed parts of a plan version: a rate on cash by bracket, or a flat amount per set, show or close.$$;
comment on column api.commission_plan_components.organization_id is 'The tenant.';
comment on column api.commission_plan_components.id is 'Identity of the row; ordered by time of creation.';
comment on column api.commission_plan_components.plan_version_id is 'The version of the commission plan.';
comment on column api.commission_plan_components.role is 'Whom it pays: closer, setter or override (somebody above them).';
comment on column api.commission_plan_components.component is 'What is paid for: cash, set, show or close.';
comment on column api.commission_plan_components.rate is 'Share between 0 and 1, or the exchange rate.';
comment on column api.commission_plan_components.flat_amount is 'Paid for each set, show or close, in the version''s currency; NULL: a rate is.';
comment on column api.commission_plan_components.currency is 'ISO 4217 code.';
comment on column api.commission_plan_components.tier_from is 'Lower bound of the bracket, in the tier measure.';
comment on column api.commission_plan_components.created_at is 'When the row was made.';
comment on column api.commission_plan_components.updated_at is 'When the row last changed.';

drop view if exists api.commission_plan_assignments;
create view api.commission_plan_assignments with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.plan_id,
    t.payee_id,
    t.role,
    t.effective,
    t.overrides_payee_ids,
    t.created_at,
    t.updated_at
  from app.commission_plan_assignments as t;
grant select on api.commission_plan_assignments to authenticated, org_admin, super_admin;
comment on view api.commission_plan_assignments is $$Which plan pays a person in a role, and when; ranges of one person and role never overlap.$$;
comment on column api.commission_plan_assignments.organization_id is 'The tenant.';
comment on column api.commission_plan_assignments.id is 'Identity of the row; ordered by time of creation.';
comment on column api.commission_plan_assignments.plan_id is 'The commission plan.';
comment on column api.commission_plan_assignments.payee_id is 'Who is paid by the plan.';
comment on column api.commission_plan_assignments.role is 'As what it pays them: closer, setter or override.';
comment on column api.commission_plan_assignments.effective is 'Local days on which it applies, from and to before.';
comment on column api.commission_plan_assignments.overrides_payee_ids is 'Whose bases an override is paid on; NULL means everybody''s.';
comment on column api.commission_plan_assignments.created_at is 'When the row was made.';
comment on column api.commission_plan_assignments.updated_at is 'When the row last changed.';

drop view if exists api.commission_ledger;
create view api.commission_ledger with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.payee_id,
    t.role,
    t.kind,
    t.component,
    t.payment_id,
    t.refund_id,
    t.event_id,
    t.deal_id,
    t.plan_version_id,
    t.reverses_id,
    t.base,
    t.share,
    t.rate,
    t.tier,
    t.attainment_version,
    t.amount,
    t.currency,
    t.earned_on,
    t.available_on,
    t.reason,
    t.created_at,
    t.created_by
  from app.commission_ledger as t;
grant select on api.commission_ledger to authenticated, org_admin, super_admin;
comment on view api.commission_ledger is $$Append-only lines of what is earned, clawed back and paid.$$;
comment on column api.commission_ledger.organization_id is 'The tenant.';
comment on column api.commission_ledger.id is 'Identity of the row; ordered by time of creation.';
comment on column api.commission_ledger.payee_id is 'Who earns or owes it.';
comment on column api.commission_ledger.role is 'As what they earn: closer, setter or override.';
comment on column api.commission_ledger.kind is 'Why there is a line: earning, reversal, clawback, restore, tier_delta, cap, floor, reserve, reserve_release, draw, draw_recovery, adjustment or bonus.';
comment on column api.commission_ledger.component is 'What it is paid for: cash, set, show or close.';
comment on column api.commission_ledger.payment_id is 'The payment that it rests on.';
comment on column api.commission_ledger.refund_id is 'The refund or dispute that takes it back.';
comment on column api.commission_ledger.event_id is 'The call that it rests on.';
comment on column api.commission_ledger.deal_id is 'The sale that it rests on.';
comment on column api.commission_ledger.plan_version_id is 'The version of the commission plan.';
comment on column api.commission_ledger.reverses_id is 'The line that this one takes back.';
comment on column api.commission_ledger.base is 'What the rate was applied to, in currency.';
comment on column api.commission_ledger.share is 'Their part of the payment: a share above 0, up to 1.';
comment on column api.commission_ledger.rate is 'Share between 0 and 1, or the exchange rate.';
comment on column api.commission_ledger.tier is 'Which bracket''s rate it is, counted from 1; NULL: no tiers.';
comment on column api.commission_ledger.attainment_version is 'Counts up when attainment crosses a bracket; one correction per line each.';
comment on column api.commission_ledger.amount is 'Major units of currency, at exactly its scale: 125.00 USD, 500 JPY.';
comment on column api.commission_ledger.currency is 'ISO 4217 code.';
comment on column api.commission_ledger.earned_on is 'Local day on which it was earned.';
comment on column api.commission_ledger.available_on is 'Local day from which it may be paid: earned_on and the days it is held.';
comment on column api.commission_ledger.reason is 'Why, in a person''s words.';
comment on column api.commission_ledger.created_at is 'When the row was made.';
comment on column api.commission_ledger.created_by is 'The user who made it.';

drop view if exists api.payout_snapshots;
create view api.payout_snapshots with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.name,
    t.period_start,
    t.period_end,
    t.timezone,
    t.definitions_version,
    t.state,
    t.currency,
    t.gross,
    t.refunds,
    t.net,
    t.commission,
    t.created_by,
    t.approved_at,
    t.approved_by,
    t.locked_at,
    t.locked_by,
    t.paid_at,
    t.voided_at,
    t.void_reason,
    t.override_reason,
    t.created_at,
    t.updated_at
  from app.payout_snapshots as t;
grant select on api.payout_snapshots to authenticated, org_admin, super_admin;
comment on view api.payout_snapshots is $$Point-in-time payout reports.$$;
comment on column api.payout_snapshots.organization_id is 'The tenant.';
comment on column api.payout_snapshots.id is 'Identity of the row; ordered by time of creation.';
comment on column api.payout_snapshots.name is 'Name shown to people.';
comment on column api.payout_snapshots.period_start is 'First local day of the period.';
comment on column api.payout_snapshots.period_end is 'Last local day of the period, inclusive.';
comment on column api.payout_snapshots.timezone is 'IANA time zone name.';
comment on column api.payout_snapshots.definitions_version is 'Which version of the definitions its numbers follow.';
comment on column api.payout_snapshots.state is 'draft, approved, locked (frozen, shown to payees), paid or void.';
comment on column api.payout_snapshots.currency is 'ISO 4217 code.';
comment on column api.payout_snapshots.gross is 'Payments, in the organization''s currency.';
comment on column api.payout_snapshots.refunds is 'Refunds and disputes, in the organization''s currency.';
comment on column api.payout_snapshots.net is 'Payments less refunds, in the organization''s currency.';
comment on column api.payout_snapshots.commission is 'Commission, in the organization''s currency.';
comment on column api.payout_snapshots.created_by is 'The user who made it.';
comment on column api.payout_snapshots.approved_at is 'When it was approved; NULL: not yet.';
comment on column api.payout_snapshots.approved_by is 'The user who approved it.';
comment on column api.payout_snapshots.locked_at is 'When it was frozen, and shown to payees; NULL: not yet.';
comment on column api.payout_snapshots.locked_by is 'The user who froze it.';
comment on column api.payout_snapshots.paid_at is 'When it was paid.';
comment on column api.payout_snapshots.voided_at is 'When it was voided; NULL: it stands.';
comment on column api.payout_snapshots.void_reason is 'Why it was voided, in a person''s words.';
comment on column api.payout_snapshots.override_reason is 'Why an owner locked it in spite of critical checks.';
comment on column api.payout_snapshots.created_at is 'When the row was made.';
comment on column api.payout_snapshots.updated_at is 'When the row last changed.';

drop view if exists api.payout_snapshot_details;
create view api.payout_snapshot_details with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.snapshot_id,
    t.kind,
    t.payment_id,
    t.refund_id,
    t.line_id,
    t.is_live,
    t.day,
    t.closer_id,
    t.setter_id,
    t.source_id,
    t.package_id,
    t.payee_id,
    t.gross,
    t.refund,
    t.net,
    t.commission,
    t.is_prior_period,
    t.attribution_method,
    t.created_at
  from app.payout_snapshot_details as t;
grant select on api.payout_snapshot_details to authenticated, org_admin, super_admin;
comment on view api.payout_snapshot_details is $$The payments, refunds and commission lines frozen in a snapshot.$$;
comment on column api.payout_snapshot_details.organization_id is 'The tenant.';
comment on column api.payout_snapshot_details.id is 'Identity of the row; ordered by time of creation.';
comment on column api.payout_snapshot_details.snapshot_id is 'The payout snapshot.';
comment on column api.payout_snapshot_details.kind is 'What is listed: payment, refund or line (of the ledger).';
comment on column api.payout_snapshot_details.payment_id is 'The payment, where the row is one or rests on one.';
comment on column api.payout_snapshot_details.refund_id is 'The refund, where the row is one.';
comment on column api.payout_snapshot_details.line_id is 'The line of the ledger, where the row is one.';
comment on column api.payout_snapshot_details.is_live is 'False once the snapshot is void: its lines are free again.';
comment on column api.payout_snapshot_details.day is 'Local day of the organization.';
comment on column api.payout_snapshot_details.closer_id is 'The closer credited with the payment, or the line''s.';
comment on column api.payout_snapshot_details.setter_id is 'The setter credited with the payment, or the line''s.';
comment on column api.payout_snapshot_details.source_id is 'The lead source.';
comment on column api.payout_snapshot_details.package_id is 'What was paid.';
comment on column api.payout_snapshot_details.payee_id is 'Who is paid by it, where the row is a line.';
comment on column api.payout_snapshot_details.gross is 'Payments, in the organization''s currency.';
comment on column api.payout_snapshot_details.refund is 'Refund or dispute, in the organization''s currency.';
comment on column api.payout_snapshot_details.net is 'Payments less refunds, in the organization''s currency.';
comment on column api.payout_snapshot_details.commission is 'Commission, in the organization''s currency.';
comment on column api.payout_snapshot_details.is_prior_period is 'True: a late correction of a period before this one.';
comment on column api.payout_snapshot_details.attribution_method is 'How the payment''s call and credit were found.';
comment on column api.payout_snapshot_details.created_at is 'When the row was made.';

drop view if exists api.payout_snapshot_summaries;
create view api.payout_snapshot_summaries with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.snapshot_id,
    t.dimension,
    t.closer_id,
    t.setter_id,
    t.source_id,
    t.payee_id,
    t.label,
    t.payment_count,
    t.gross,
    t.refunds,
    t.net,
    t.commission,
    t.created_at
  from app.payout_snapshot_summaries as t;
grant select on api.payout_snapshot_summaries to authenticated, org_admin, super_admin;
comment on view api.payout_snapshot_summaries is $$Totals of a snapshot by closer, setter, source and payee; member NULL is Unassigned.$$;
comment on column api.payout_snapshot_summaries.organization_id is 'The tenant.';
comment on column api.payout_snapshot_summaries.id is 'Identity of the row; ordered by time of creation.';
comment on column api.payout_snapshot_summaries.snapshot_id is 'The payout snapshot.';
comment on column api.payout_snapshot_summaries.dimension is 'By what it sums: closer, setter, source or payee.';
comment on column api.payout_snapshot_summaries.closer_id is 'Whose sum it is, where dimension is closer; NULL: unassigned.';
comment on column api.payout_snapshot_summaries.setter_id is 'Whose sum it is, where dimension is setter; NULL: unassigned.';
comment on column api.payout_snapshot_summaries.source_id is 'The lead source.';
comment on column api.payout_snapshot_summaries.payee_id is 'Whose sum it is, where dimension is payee.';
comment on column api.payout_snapshot_summaries.label is 'Text shown beside it.';
comment on column api.payout_snapshot_summaries.payment_count is 'How many payments are in it.';
comment on column api.payout_snapshot_summaries.gross is 'Payments, in the organization''s currency.';
comment on column api.payout_snapshot_summaries.refunds is 'Refunds and disputes, in the organization''s currency.';
comment on column api.payout_snapshot_summaries.net is 'Payments less refunds, in the organization''s currency.';
comment on column api.payout_snapshot_summaries.commission is 'Commission, in the organization''s currency.';
comment on column api.payout_snapshot_summaries.created_at is 'When the row was made.';

drop view if exists api.payouts;
create view api.payouts with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.snapshot_id,
    t.payee_id,
    t.amount,
    t.currency,
    t.method,
    t.reference,
    t.paid_at,
    t.recorded_by,
    t.created_at,
    t.updated_at
  from app.payouts as t;
grant select on api.payouts to authenticated, org_admin, super_admin;
comment on view api.payouts is $$Money paid to a payee for a snapshot.$$;
comment on column api.payouts.organization_id is 'The tenant.';
comment on column api.payouts.id is 'Identity of the row; ordered by time of creation.';
comment on column api.payouts.snapshot_id is 'The payout snapshot.';
comment on column api.payouts.payee_id is 'Who was paid.';
comment on column api.payouts.amount is 'Major units of currency, at exactly its scale: 125.00 USD, 500 JPY.';
comment on column api.payouts.currency is 'ISO 4217 code.';
comment on column api.payouts.method is 'How it was done.';
comment on column api.payouts.reference is 'Reference at the bank or processor.';
comment on column api.payouts.paid_at is 'When it was paid.';
comment on column api.payouts.recorded_by is 'The user who noted that it was paid.';
comment on column api.payouts.created_at is 'When the row was made.';
comment on column api.payouts.updated_at is 'When the row last changed.';

drop view if exists api.payee_balances;
create view api.payee_balances with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.payee_id,
    t.snapshot_id,
    t.carried,
    t.currency,
    t.created_at,
    t.updated_at
  from app.payee_balances as t;
grant select on api.payee_balances to authenticated, org_admin, super_admin;
comment on view api.payee_balances is $$What a payee carries over after a snapshot; negative is owed by the payee.$$;
comment on column api.payee_balances.organization_id is 'The tenant.';
comment on column api.payee_balances.id is 'Identity of the row; ordered by time of creation.';
comment on column api.payee_balances.payee_id is 'Whose balance it is.';
comment on column api.payee_balances.snapshot_id is 'The payout snapshot.';
comment on column api.payee_balances.carried is 'What earlier snapshots left unpaid or owing, in currency; negative: owed by the payee.';
comment on column api.payee_balances.currency is 'ISO 4217 code.';
comment on column api.payee_balances.created_at is 'When the row was made.';
comment on column api.payee_balances.updated_at is 'When the row last changed.';

drop view if exists api.statement_disputes;
create view api.statement_disputes with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.snapshot_id,
    t.line_id,
    t.payee_id,
    t.reason,
    t.answer,
    t.state,
    t.resolution_line_id,
    t.resolved_at,
    t.resolved_by,
    t.created_at,
    t.updated_at
  from app.statement_disputes as t;
grant select on api.statement_disputes to authenticated, org_admin, super_admin;
comment on view api.statement_disputes is $$A payee's objection to a line of a statement, and its answer.$$;
comment on column api.statement_disputes.organization_id is 'The tenant.';
comment on column api.statement_disputes.id is 'Identity of the row; ordered by time of creation.';
comment on column api.statement_disputes.snapshot_id is 'The payout snapshot.';
comment on column api.statement_disputes.line_id is 'The line of the statement that is objected to.';
comment on column api.statement_disputes.payee_id is 'Who objects.';
comment on column api.statement_disputes.reason is 'Why, in a person''s words.';
comment on column api.statement_disputes.answer is 'What the admin answers.';
comment on column api.statement_disputes.state is 'open, accepted (a line corrects it) or rejected.';
comment on column api.statement_disputes.resolution_line_id is 'The correcting line of the ledger; NULL: none was due.';
comment on column api.statement_disputes.resolved_at is 'When it was answered; NULL: still open.';
comment on column api.statement_disputes.resolved_by is 'The user who answered it.';
comment on column api.statement_disputes.created_at is 'When the row was made.';
comment on column api.statement_disputes.updated_at is 'When the row last changed.';
