-- Payments that admins delete and restore. Reasons go into the audit trail.
-- Definers: nobody may write payments themselves; auth.require_admin finds the tenant and the right.

-- api.delete_payments, api.batch_restore_payments: payments that shall count nowhere, and that count again.
-- Callers:    owners and admins, super admins, through POST /rpc/delete_payments and /rpc/batch_restore_payments.
-- Guarantees: deals, attributions, credits and claims follow in the same transaction, in both directions. What a locked payout rests
--             on stays, and is told.
-- Definer:    nobody may write payments themselves; auth.require_admin finds the tenant and the right.
create or replace function api.delete_payments(payment_ids uuid[], reason text default null, organization_id uuid default null)
returns table (payment_id uuid, is_done boolean, because text)
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(delete_payments.organization_id);
    v_reason          constant text := app.require_reason(delete_payments.reason);
begin
    return query
    select d.payment_id, d.is_done, d.because
      from app.delete_payments(v_organization_id, app.require_ids(delete_payments.payment_ids), v_reason, now()) as d;
end;
$$;
comment on function api.delete_payments(uuid[], text, uuid) is $$Delete payments
For owners and admins; `reason` is required. Nothing is lost: the payments and their refunds are shown no more and count nowhere, later
deliveries about them change nothing of that, and `batch_restore_payments` brings them back. Claims that they took the place of count
again. Money that a form claims is not deleted: reject it, or correct the form. Up to 10,000 at once.
Answers one row per id: `is_done`, and `because`, why it was or was not: what a locked payout rests on is not deleted, and the others
are. PT422: no reason, no ids.$$;

create or replace function api.batch_restore_payments(payment_ids uuid[], reason text default null, organization_id uuid default null)
returns table (payment_id uuid, is_done boolean, because text)
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(batch_restore_payments.organization_id);
begin
    perform app.require_reason(batch_restore_payments.reason);
    return query
    select r.payment_id, r.is_done, r.because
      from app.restore_payments(v_organization_id, app.require_ids(batch_restore_payments.payment_ids)) as r;
end;
$$;
comment on function api.batch_restore_payments(uuid[], text, uuid) is $$Restore deleted payments
For owners and admins; `reason` is required. They count again, attributed as the facts say now, or as a person had decided; claims that
they confirm give way to them again. Answers one row per id: `is_done`, and `because`. PT422: no reason, no ids.$$;

grant execute on function api.delete_payments(uuid[], text, uuid), api.batch_restore_payments(uuid[], text, uuid)
    to authenticated, org_admin, super_admin;
