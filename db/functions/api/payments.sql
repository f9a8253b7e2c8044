-- Payments, for admins: what they record and decide by hand. Each change carries its reason into the audit trail.
-- Definers: nobody may write payments, refunds and credits themselves; auth.require_admin finds the tenant and the right.

-- app.shown_payment, app.shown_refund: a row as the API shows it. Volatile, since the statement that asks has just written it.
create or replace function app.shown_payment(organization_id uuid, payment_id uuid) returns api.payments
language sql volatile set search_path = '' as $$
    select p from api.payments as p
     where p.organization_id = shown_payment.organization_id and p.id = shown_payment.payment_id;
$$;
comment on function app.shown_payment(uuid, uuid) is 'A payment as the API shows it.';

create or replace function app.shown_refund(organization_id uuid, refund_id uuid) returns api.payment_refunds
language sql volatile set search_path = '' as $$
    select r from api.payment_refunds as r
     where r.organization_id = shown_refund.organization_id and r.id = shown_refund.refund_id;
$$;
comment on function app.shown_refund(uuid, uuid) is 'A refund as the API shows it.';

-- api.record_payment: money that no processor tells of.
-- Callers:    owners and admins, super admins, through POST /rpc/record_payment.
-- Guarantees: one transaction: the payment, its attribution, its credits. With an external_id a second call makes nothing.
-- Definer:    nobody may write payments themselves; auth.require_admin finds the tenant and the right.
create or replace function api.record_payment(
    amount numeric, currency text default null, paid_at timestamptz default null, reason text default null,
    lead_id uuid default null, event_id uuid default null, deal_id uuid default null, customer_email text default null,
    customer_name text default null, payment_type text default null, package_id uuid default null,
    description text default null, external_id text default null, organization_id uuid default null
) returns api.payments
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(record_payment.organization_id);
    v_reason          constant text := app.require_reason(record_payment.reason);
begin
    return app.shown_payment(v_organization_id, app.record_manual_payment(
        v_organization_id, record_payment.amount, record_payment.currency, record_payment.paid_at, v_reason,
        record_payment.lead_id, record_payment.event_id, record_payment.deal_id, record_payment.customer_email,
        record_payment.customer_name, record_payment.payment_type, record_payment.package_id, record_payment.description,
        record_payment.external_id));
end;
$$;
comment on function api.record_payment(
    numeric, text, timestamptz, text, uuid, uuid, uuid, text, text, text, uuid, text, text, uuid) is $$Record money by hand
A bank transfer, cash, a cheque: a payment of which no processor tells. For owners and admins; `reason` is required. `currency` is the
organization's if left out, `paid_at` now. `lead_id`, `event_id` or `deal_id` say whose sale it is: a deal brings its lead and call, a
lead the call that it was sold on. Without any of them it is attributed as a processor's payment is, by `customer_email`.
`external_id`, your own number of it, makes a second call answer the first payment. `payment_type` is pif, payment_plan, deposit or
financed. What a form claims already is confirmed with `confirm_claim`, not recorded again.
Answers the row of payments. PT422: no reason, an amount that is not positive or finer than its currency, a time to come, a lead,
call and deal of different people. PT404: no such lead, call or deal. PT409: the external id is another payment's; the deal is void.$$;

-- api.record_refund: money that went back, or that a dispute took or returned, and of which no processor tells.
-- Callers:    owners and admins, super admins, through POST /rpc/record_refund.
-- Guarantees: never more than is left, whoever records at the same moment. With an external_id a second call makes nothing.
-- Definer:    nobody may write refunds themselves; auth.require_admin finds the tenant and the right.
create or replace function api.record_refund(
    payment_id uuid, amount numeric, refunded_at timestamptz default null, kind text default 'refund',
    reason text default null, external_id text default null, organization_id uuid default null
) returns api.payment_refunds
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(record_refund.organization_id);
    v_reason          constant text := app.require_reason(record_refund.reason);
begin
    return app.shown_refund(v_organization_id, app.record_manual_refund(
        v_organization_id, record_refund.payment_id, record_refund.amount, record_refund.refunded_at, record_refund.kind,
        v_reason, record_refund.external_id));
end;
$$;
comment on function api.record_refund(uuid, numeric, timestamptz, text, text, text, uuid) is $$Record a refund or dispute by hand
For money that went back outside the processor: what the processor tells of comes by itself. For owners and admins; `reason` is
required. `kind` is refund, dispute or dispute_won; `amount` is in the currency of the payment; `refunded_at` (now if left out) is the
day on which it counts. `external_id` makes a second call answer the first refund.
Answers the row of payment_refunds. PT409: more than is left, which DETAIL names; the payment counts nowhere; the external id is
another refund's. PT422: no reason, an amount that is not positive or too fine, a time to come or before the payment. PT404: no such
payment.$$;

-- api.attribute_payment: a person says whose sale a payment is.
-- Callers:    owners and admins, super admins, through POST /rpc/attribute_payment.
-- Guarantees: one transaction: the payment, what its lead is known by, the other payments that this explains, exceptions.
-- Definer:    nobody may write payments themselves; auth.require_admin finds the tenant and the right.
create or replace function api.attribute_payment(
    payment_id uuid, lead_id uuid default null, event_id uuid default null, deal_id uuid default null,
    reason text default null, learn boolean default true, organization_id uuid default null
) returns api.payments
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(attribute_payment.organization_id);
begin
    perform app.require_reason(attribute_payment.reason);
    perform app.attribute_by_hand(
        v_organization_id, attribute_payment.payment_id, attribute_payment.lead_id, attribute_payment.event_id,
        attribute_payment.deal_id, coalesce(attribute_payment.learn, true));
    return app.shown_payment(v_organization_id, attribute_payment.payment_id);
end;
$$;
comment on function api.attribute_payment(uuid, uuid, uuid, uuid, text, boolean, uuid) is $$Say whose sale a payment is
For owners and admins; `reason` is required. A deal brings its lead and call, a call its deal, a lead the call that it was sold on. What
was decided stays, whatever is delivered later; the credits follow the people of the call unless `set_payment_credits` named others.
Unless `learn` is false, the payment's e-mail, phone, customer and subscription become identities of the lead: the next such payment
is the lead's by itself, and those that nobody has are attributed at once. With neither lead, call nor deal the decision is taken back,
and the payment is attributed as it would have been; what was learned stays until `remove_lead_identity`.
Answers the row of payments. PT409: an identity belongs to another lead, which DETAIL names; a claim; a void deal. PT422: no reason,
a lead, call and deal of different people. PT404: no such payment, lead, call or deal.$$;

-- api.set_payment_credits: a person says who is credited with a payment.
-- Callers:    owners and admins, super admins, through POST /rpc/set_payment_credits.
-- Guarantees: the shares of a role add up to 1, the amounts to the payment. Deliveries, changes of the call and another
--             attribution change the amounts at most.
-- Definer:    nobody may write credits themselves; auth.require_admin finds the tenant and the right.
create or replace function api.set_payment_credits(
    payment_id uuid, credits jsonb, reason text default null, organization_id uuid default null
) returns setof api.payment_credits
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(set_payment_credits.organization_id);
begin
    perform app.require_reason(set_payment_credits.reason);
    perform app.credit_by_hand(v_organization_id, set_payment_credits.payment_id, set_payment_credits.credits);
    return query
    select c.* from api.payment_credits as c
     where c.organization_id = v_organization_id and c.payment_id = set_payment_credits.payment_id
     order by c.role, c.share desc, c.id;
end;
$$;
comment on function api.set_payment_credits(uuid, jsonb, text, uuid) is $$Say who is credited with a payment
For owners and admins; `reason` is required. `credits` is a list such as [{"role": "closer", "closer_id": "...", "share": 0.7},
{"role": "closer", "closer_id": "...", "share": 0.3}, {"role": "setter", "setter_id": "...", "share": 1}]: the shares of a role add up
to exactly 1, the amounts to the payment, by largest remainder. A role that is left out credits nobody. These credits stay until they
are set again; null gives the payment back to the rules.
Answers the rows of payment_credits. PT422: no reason; credits that cannot be used, with the place or the sum in DETAIL. PT404: no such
payment.$$;

-- api.confirm_claim, api.reject_claim: what a form claims is money that no processor tells of, or is no money.
-- Callers:    owners and admins, super admins, through POST /rpc/confirm_claim and /rpc/reject_claim.
-- Guarantees: the claim and the payments of its lead are matched anew in the same transaction. Asked again, nothing changes.
-- Definer:    nobody may write payments themselves; auth.require_admin finds the tenant and the right.
create or replace function api.confirm_claim(payment_id uuid, reason text default null, organization_id uuid default null)
returns api.payments
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(confirm_claim.organization_id);
begin
    perform app.require_reason(confirm_claim.reason);
    perform app.decide_claim(v_organization_id, confirm_claim.payment_id, 'confirmed');
    return app.shown_payment(v_organization_id, confirm_claim.payment_id);
end;
$$;
comment on function api.confirm_claim(uuid, text, uuid) is $$Confirm the money that a form claims
For owners and admins; `reason` is required. The claim may then enter payouts. Payments that are there by now are other money and
count beside it; one that comes later, of the same lead and amount within 72 hours, takes its place. Confirming takes back a rejection.
Answers the row of payments. PT409: no claim, or a payment took its place, which DETAIL names. PT404: no such payment.$$;

create or replace function api.reject_claim(payment_id uuid, reason text default null, organization_id uuid default null)
returns api.payments
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(reject_claim.organization_id);
begin
    perform app.require_reason(reject_claim.reason);
    perform app.decide_claim(v_organization_id, reject_claim.payment_id, 'rejected');
    return app.shown_payment(v_organization_id, reject_claim.payment_id);
end;
$$;
comment on function api.reject_claim(uuid, text, uuid) is $$Reject the money that a form claims
For owners and admins; `reason` is required. The claim is still shown and counts nowhere, until the form claims another amount or it is
confirmed after all. Answers the row of payments. PT409: no claim, a payment took its place, or a locked payout rests on it. PT404: no
such payment.$$;

grant execute on function
    api.record_payment(numeric, text, timestamptz, text, uuid, uuid, uuid, text, text, text, uuid, text, text, uuid),
    api.record_refund(uuid, numeric, timestamptz, text, text, text, uuid),
    api.attribute_payment(uuid, uuid, uuid, uuid, text, boolean, uuid),
    api.set_payment_credits(uuid, jsonb, text, uuid),
    api.confirm_claim(uuid, text, uuid), api.reject_claim(uuid, text, uuid)
    to authenticated, org_admin, super_admin;
