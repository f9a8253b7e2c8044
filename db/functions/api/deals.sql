-- Deals, for admins: what they record and void by hand. Each change carries its reason into the audit trail.
-- Definers: nobody may write deals themselves; auth.require_admin finds the tenant and the right.

-- app.shown_deal: a deal as the API shows it. Volatile, since the statement that asks has just written it.
create or replace function app.shown_deal(organization_id uuid, deal_id uuid) returns api.deals
language sql volatile set search_path = '' as $$
    select d from api.deals as d where d.organization_id = shown_deal.organization_id and d.id = shown_deal.deal_id;
$$;
comment on function app.shown_deal(uuid, uuid) is 'A deal as the API shows it.';

-- api.create_deal: a sale that a person answers for.
-- Callers:    owners and admins, super admins, through POST /rpc/create_deal.
-- Guarantees: one transaction: the deal, its schedule, the automatic deal whose place it takes, the payments that are of it.
-- Definer:    nobody may write deals themselves; auth.require_admin finds the tenant and the right.
create or replace function api.create_deal(
    lead_id uuid default null, contract_value numeric default null, currency text default null,
    closed_at timestamptz default null, origin_event_id uuid default null, closer_id uuid default null,
    setter_id uuid default null, package_id uuid default null, payment_type text default null, deal_type text default null,
    installments jsonb default null, reason text default null, organization_id uuid default null
) returns api.deals
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(create_deal.organization_id);
    v_reason          constant text := app.require_reason(create_deal.reason);
begin
    return app.shown_deal(v_organization_id, app.create_deal(
        v_organization_id, create_deal.lead_id, create_deal.contract_value, create_deal.currency, create_deal.closed_at,
        create_deal.origin_event_id, create_deal.closer_id, create_deal.setter_id, create_deal.package_id,
        create_deal.payment_type, create_deal.deal_type, create_deal.installments, v_reason));
end;
$$;
comment on function api.create_deal(
    uuid, numeric, text, timestamptz, uuid, uuid, uuid, uuid, text, text, jsonb, text, uuid) is $$Record a sale by hand
For owners and admins; `reason` is required. No rule changes the deal afterwards, and it takes the place of the one that followed its call.
`origin_event_id` brings the lead, the closing time and the people of the call, where they are left out; `package_id` the value and the
schedule. `installments` is a list of `{"due_on": "2026-03-10", "amount": "1000.00"}` that adds up to `contract_value`. `payment_type` is
pif, payment_plan or financed; `deal_type` new_deal or upsell, by the lead's earlier deals if left out. Payments of the lead find the deal
at once. Answers the row of deals. PT422: no reason, lead or value, a time to come, instalments that do not add up, a call of another
lead. PT404: no such lead, call, closer, setter or package. PT409: the call has a hand-made deal, or a locked payout rests on its deal.$$;

-- api.void_deal: a person says that this is no sale.
-- Callers:    owners and admins, super admins, through POST /rpc/void_deal.
-- Guarantees: one transaction: the deal and where its payments belong; a locked payout's deal stays.
-- Definer:    nobody may write deals themselves; auth.require_admin finds the tenant and the right.
create or replace function api.void_deal(deal_id uuid, reason text default null, organization_id uuid default null)
returns api.deals
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(void_deal.organization_id);
    v_reason          constant text := app.require_reason(void_deal.reason);
begin
    return app.shown_deal(v_organization_id, app.void_deal(v_organization_id, void_deal.deal_id, v_reason));
end;
$$;
comment on function api.void_deal(uuid, text, uuid) is $$Void a deal
For owners and admins; `reason` is required. The deal counts nowhere and no rule brings it back; its payments are attributed anew.
Answers the row of deals. PT409: it is void already, or a locked payout rests on it. PT404: no such deal. PT422: no reason.$$;

grant execute on function
    api.create_deal(uuid, numeric, text, timestamptz, uuid, uuid, uuid, uuid, text, text, jsonb, text, uuid),
    api.void_deal(uuid, text, uuid)
    to authenticated, org_admin, super_admin;
