-- Post-call forms, for people.

-- api.submit_post_call_form: say what happened on a call.
-- Callers:    the closer who is booked for it or took it, admins, super admins, through POST /rpc/submit_post_call_form.
-- Guarantees: one transaction: a new version rules, the call is restated, the claim of the money follows.
-- Definer:    nobody may write forms, calls and claims themselves; app.submit_form finds the tenant and the caller's right.
create or replace function api.submit_post_call_form(
    event_id uuid, form jsonb, organization_id uuid default null, as_of timestamptz default now()
) returns api.post_call_forms
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_row api.post_call_forms;
    v_form app.post_call_forms;
begin
    perform auth.require_user();
    if submit_post_call_form.as_of is distinct from now()
       and (submit_post_call_form.as_of is null or submit_post_call_form.as_of > now() or not auth.is_super_admin()) then
        raise exception using errcode = '42501', message = 'The time of a form is the time it is submitted.',
            hint = 'Leave as_of out.';
    end if;
    v_form := app.submit_form(
        submit_post_call_form.event_id, submit_post_call_form.form, submit_post_call_form.organization_id,
        submit_post_call_form.as_of);
    select f.* into v_row from api.post_call_forms as f
     where f.organization_id = v_form.organization_id and f.id = v_form.id;
    return v_row;
end;
$$;
comment on function api.submit_post_call_form(uuid, jsonb, uuid, timestamptz) is $$Say what happened on a call
For the closer of the call (booked for it, or credited with it) and for admins. `form` is a JSON object with `call_occurred`
(required), `lead_showed`, `offer_made`, `deal_closed`, `non_occurrence_reason` (lead_no_show, lead_canceled, reschedule_requested,
closer_absent, technical), `disqualified`, `cash_collected`, `contract_value`, `currency` (default: the organization's), `payment_type`
(pif, payment_plan, deposit, financed), `package_id`, `opportunity_status_id`, `call_outcome_id`, `closer_id` (admins: who took the
call), `event_outcome` (the result in one word; `showed` means showed_no_offer), `notes`.
Submitting again stores a new version and restates the call. Answers the version that rules now, a row of post_call_forms.
PT422: DETAIL is a JSON object of field and sentence, for all fields that cannot be used. PT409: the call takes no form now (it
starts more than 15 minutes later, was canceled or rescheduled, or the form is too old to change). 42501: a setter's call.
PT404: no such call for the caller. `as_of` is for super admins, and never in the future.$$;
grant execute on function api.submit_post_call_form(uuid, jsonb, uuid, timestamptz) to authenticated, org_admin, super_admin;

-- api.void_post_call_form: take a form back.
-- Callers:    owners and admins, super admins, through POST /rpc/void_post_call_form.
-- Guarantees: one transaction: the version before rules again, or the call waits for a form; its claim and deals follow.
-- Definer:    nobody may write forms, calls and claims themselves; auth.require_admin finds the tenant and the right.
create or replace function api.void_post_call_form(
    event_id uuid default null, form_id uuid default null, reason text default null, organization_id uuid default null
) returns api.post_call_forms
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(void_post_call_form.organization_id);
    v_row  api.post_call_forms;
    v_form app.post_call_forms;
begin
    v_form := app.void_form(
        v_organization_id, void_post_call_form.event_id, void_post_call_form.form_id, void_post_call_form.reason, now());
    select f.* into v_row from api.post_call_forms as f
     where f.organization_id = v_form.organization_id and f.id = v_form.id;
    return v_row;
end;
$$;
comment on function api.void_post_call_form(uuid, uuid, text, uuid) is $$Take a form back
For admins: the form that rules the call `event_id`, or the form `form_id`. `reason` is kept. The latest version that is left rules again
and restates the call; without one the call waits for its form, or is canceled again if it was before. The money that the form claimed
is withdrawn. Answers the form. PT409: a locked payout rests on the call or its money, it was rescheduled since, or it has no form.$$;
grant execute on function api.void_post_call_form(uuid, uuid, text, uuid) to authenticated, org_admin, super_admin;
