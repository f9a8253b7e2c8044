-- Post-call forms: what a person may say about a call, checked as a whole, and what follows from it.

-- app.form_contradictions: answers that cannot all be true, each with the sentence that says which other they contradict.
create or replace function app.form_contradictions(form app.post_call_forms) returns jsonb
language sql immutable parallel safe
return jsonb_strip_nulls(jsonb_build_object(
    'lead_showed', case
        when form.call_occurred and not form.lead_showed then 'If the call took place, the lead showed.'
        when not form.call_occurred and form.lead_showed
             and form.non_occurrence_reason in ('lead_no_show', 'lead_canceled', 'reschedule_requested')
            then 'The lead did not show for this reason; if the lead did, the reason is closer_absent or technical.' end,
    'offer_made', case
        when not form.call_occurred and form.offer_made then 'No offer is made on a call that did not take place.'
        when form.deal_closed and not form.offer_made then 'A closed deal had an offer.' end,
    'deal_closed', case
        when not form.call_occurred and form.deal_closed then 'No deal is closed on a call that did not take place.' end,
    'non_occurrence_reason', case
        when form.call_occurred and form.non_occurrence_reason is not null then 'A call that took place has no such reason.' end,
    'payment_type', case
        when form.deal_closed and form.payment_type = 'deposit' then 'A deposit is not a close: close the deal, or call it a deposit.' end));
comment on function app.form_contradictions(app.post_call_forms) is 'Answers that contradict each other, each with a sentence.';

-- app.form_reference_errors: chosen entries that do not exist here, or are archived and were not chosen before.
-- active: the version that rules now, or NULL.
create or replace function app.form_reference_errors(form app.post_call_forms, active app.post_call_forms) returns jsonb
language sql stable
begin atomic
    select jsonb_strip_nulls(jsonb_build_object(
        'package_id', case when form.package_id is not null and not exists (
            select from app.packages as p where p.organization_id = form.organization_id and p.id = form.package_id
               and (p.archived_at is null or p.id = active.package_id)) then 'There is no such package.' end,
        'opportunity_status_id', case when form.opportunity_status_id is not null and not exists (
            select from app.opportunity_statuses as s where s.organization_id = form.organization_id
               and s.id = form.opportunity_status_id and (s.archived_at is null or s.id = active.opportunity_status_id))
            then 'There is no such status.' end,
        'call_outcome_id', case when form.call_outcome_id is not null and not exists (
            select from app.call_outcomes as c where c.organization_id = form.organization_id
               and c.id = form.call_outcome_id and (c.archived_at is null or c.id = active.call_outcome_id))
            then 'There is no such outcome.' end,
        'closer_id', case when form.closer_id is not null and not exists (
            select from app.closers as c where c.organization_id = form.organization_id and c.id = form.closer_id)
            then 'There is no such closer.' end));
end;
comment on function app.form_reference_errors(app.post_call_forms, app.post_call_forms) is 'Chosen entries that do not exist.';

-- app.read_form: answers as a row, and everything that is wrong with them, all at once.
-- answers, problems: as app.read_answers answers them. own_closer_id: set when a closer speaks for themselves.
-- Answers left out: see app.implied_answers; the organization's currency; whoever is credited now took the call.
create or replace function app.read_form(
    event app.events, answers jsonb, problems jsonb, own_closer_id uuid, active app.post_call_forms,
    out result app.post_call_forms, out errors jsonb)
language plpgsql stable set search_path = '' as $$
declare
    v_answers constant jsonb := app.implied_answers(read_form.answers);
    v_said    constant text := case read_form.answers ->> 'event_outcome' when 'showed' then 'showed_no_offer'
                                                                          else read_form.answers ->> 'event_outcome' end;
    v_status  text;
    v_outcome text;
begin
    errors := read_form.problems;

    -- What happened.
    result.organization_id := event.organization_id;
    result.event_id := event.id;
    result.call_occurred := (v_answers ->> 'call_occurred')::boolean;
    result.lead_showed := (v_answers ->> 'lead_showed')::boolean;
    result.offer_made := (v_answers ->> 'offer_made')::boolean;
    result.deal_closed := (v_answers ->> 'deal_closed')::boolean;
    result.non_occurrence_reason := v_answers ->> 'non_occurrence_reason';
    result.disqualified := (v_answers ->> 'disqualified')::boolean;
    result.payment_type := v_answers ->> 'payment_type';
    if result.call_occurred is null then
        errors := jsonb_build_object('call_occurred', 'Say whether the call took place.') || errors;
    elsif not errors ?| array['call_occurred', 'lead_showed', 'offer_made', 'deal_closed', 'non_occurrence_reason', 'event_outcome'] then
        errors := app.form_contradictions(result) || errors;
        select r.call_status, r.event_outcome into v_status, v_outcome from app.form_result(
            result.call_occurred, result.lead_showed, result.offer_made, result.deal_closed, result.non_occurrence_reason) as r;
        if v_said is not null and v_status is not null and v_outcome is distinct from v_said then
            errors := errors || jsonb_build_object('event_outcome', 'The other answers say something else.');
        end if;
    end if;

    result.currency := coalesce(v_answers ->> 'currency', (
        select o.currency from app.organizations as o where o.id = event.organization_id));
    result.cash_collected := (v_answers ->> 'cash_collected')::numeric;
    result.contract_value := (v_answers ->> 'contract_value')::numeric;

    -- Who and what was chosen.
    result.package_id := (v_answers ->> 'package_id')::uuid;
    result.opportunity_status_id := (v_answers ->> 'opportunity_status_id')::uuid;
    result.call_outcome_id := (v_answers ->> 'call_outcome_id')::uuid;
    result.closer_id := coalesce((v_answers ->> 'closer_id')::uuid, own_closer_id, event.credited_closer_id);
    result.notes := v_answers ->> 'notes';
    result.answers := read_form.answers - array(select f.name from app.form_fields() as f);
    errors := app.form_reference_errors(result, active) || errors;
    if own_closer_id is not null and result.closer_id <> own_closer_id then
        errors := errors || jsonb_build_object('closer_id', 'Closers report for themselves; an admin can name somebody else.');
    end if;
    if result.call_outcome_id is not null and v_status is not null and not errors ? 'call_outcome_id'
       and not exists (
            select from app.call_outcomes as c
             where c.organization_id = event.organization_id and c.id = result.call_outcome_id
               and c.call_status = v_status and c.event_outcome is not distinct from v_outcome) then
        errors := errors || jsonb_build_object('call_outcome_id', 'This outcome means something else than the other answers.');
    end if;
    if own_closer_id is not null and result.notes is null and not errors ? 'notes' and exists (
            select from app.portal_settings as s where s.organization_id = event.organization_id and s.require_notes) then
        errors := errors || jsonb_build_object('notes', 'Write a note about the call.');
    end if;
end;
$$;
comment on function app.read_form(app.events, jsonb, jsonb, uuid, app.post_call_forms) is
    'The answers of a form as a row, and everything that is wrong with them.';

-- app.record_form: somebody says what happened on a call.
-- form:          a JSON object of the fields of app.asked_fields; the organization's own may also stand together under "answers".
-- at:            when it was submitted. submitted_via: of an import, no field is required.
-- own_closer_id: the closer who speaks for themselves; NULL for those who may speak for everybody (admins, imports).
-- Raises PT404 for no such call, PT422 with DETAIL a JSON object of field and sentence, PT409 for a call that takes no form
--        now (too early, rescheduled, canceled), and for a closer who edits later than the organization allows.
-- Guarantees: one transaction under a lock of the call: a new version rules, the call and its credits are restated, and
--             the claim of the money follows. Two people at the same moment make two versions, one after the other.
create or replace function app.record_form(
    organization_id uuid, event_id uuid, form jsonb, at timestamptz default now(), submitted_by uuid default null,
    submitted_via text default 'admin', own_closer_id uuid default null
) returns app.post_call_forms
language plpgsql volatile set search_path = '' as $$
declare
    v_event   constant app.events := app.lock_event(record_form.organization_id, record_form.event_id);
    v_active  app.post_call_forms;
    v_config  constant record := app.form_in_use(record_form.organization_id);
    v_read    record;
    v_form    app.post_call_forms;
    v_form_id uuid;
    v_open_until timestamptz;
begin
    if jsonb_typeof(record_form.form) is distinct from 'object' then
        raise exception using errcode = 'PT422', message = 'A form is a JSON object.',
            hint = 'Send {"call_occurred": true, "lead_showed": true}, for example.';
    end if;
    select f.* into v_active from app.post_call_forms as f
     where f.organization_id = v_event.organization_id and f.event_id = v_event.id and f.is_active;
    select r.result, r.errors into v_read
      from app.organizations as o
     cross join lateral app.read_answers(
            v_config.fields, array[record_form.form], o.currency, record_form.submitted_via = 'import') as a
     cross join lateral app.read_form(v_event, a.answers, a.problems, record_form.own_closer_id, v_active) as r
     where o.id = v_event.organization_id;
    if v_read.errors <> '{}' then
        raise exception using errcode = 'PT422', message = 'Some answers of this form cannot be used.',
            detail = v_read.errors::text, hint = 'DETAIL names each field and what is wrong with it.';
    end if;
    if record_form.own_closer_id is not null and v_active.is_human then
        select v_event.scheduled_end_at + make_interval(days => s.allow_late_edit_days) into v_open_until
          from app.portal_settings as s where s.organization_id = v_event.organization_id;
        if record_form.at > v_open_until then
            raise exception using errcode = 'PT409', message = 'This form can no longer be changed.',
                detail = format('It was open until %s.', v_open_until), hint = 'Ask an admin to correct it.';
        end if;
    end if;

    v_form := v_read.result;
    v_form.form_config_id := v_config.id;
    v_form.submitted_via := record_form.submitted_via;
    v_form.submitted_at := record_form.at;
    v_form.submitted_by := record_form.submitted_by;
    v_form_id := (select m.form_id from app.move_event(
        v_event.organization_id, v_event.id, 'form', record_form.at, form => v_form) as m);
    if v_form.cash_collected > 0 or v_active.cash_collected > 0 then
        perform app.record_claim(v_event.organization_id, v_form_id);
    end if;
    select f.* into v_form from app.post_call_forms as f
     where f.organization_id = v_event.organization_id and f.id = v_form_id;
    return v_form;
end;
$$;
comment on function app.record_form(uuid, uuid, jsonb, timestamptz, uuid, text, uuid) is
    'A new version of what a person says happened on a call, and all that follows from it.';

-- app.submit_form: as app.record_form, for the caller of an API function: the closer who is booked for the call or took
-- it, admins of its organization, super admins.
-- Raises PT404 for a call the caller cannot see, 42501 for a setter who sees it.
create or replace function app.submit_form(event_id uuid, form jsonb, organization_id uuid, at timestamptz)
returns app.post_call_forms
language plpgsql volatile set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_member(submit_form.organization_id);
    v_is_admin        constant boolean := auth.is_admin_of(v_organization_id);
    v_closers         constant uuid[] := auth.own_closer_ids();
    v_event           app.events;
    v_own_closer_id   uuid;
begin
    select e.* into v_event from app.events as e
     where e.organization_id = v_organization_id and e.id = submit_form.event_id and e.deleted_at is null;
    v_own_closer_id := case when v_event.credited_closer_id = any (v_closers) then v_event.credited_closer_id
                            when v_event.closer_id = any (v_closers) then v_event.closer_id end;
    if not v_is_admin and v_own_closer_id is null then
        if v_event.setter_id = any (auth.own_setter_ids()) or v_event.credited_setter_id = any (auth.own_setter_ids()) then
            raise exception using errcode = '42501', message = 'Only the closer of a call submits its form.',
                hint = 'Ask the closer, or an admin of your organization.';
        end if;
        raise exception using errcode = 'PT404', message = 'No such call in this organization.';
    end if;
    return app.record_form(
        v_organization_id, submit_form.event_id, submit_form.form, submit_form.at, auth.uid(),
        case when v_own_closer_id is null then 'admin' else 'app' end,
        case when not v_is_admin then v_own_closer_id end);
end;
$$;
comment on function app.submit_form(uuid, jsonb, uuid, timestamptz) is 'A form of the caller, if the call is theirs to report.';

-- app.void_form: take a form back, as if it had never been submitted.
-- event_id: the form that rules this call; form_id: this one; either is enough.
-- Raises PT404 for none such, PT409 for a call without a form, for one that was rescheduled since, and for one on which a line of a
-- locked payout rests.
-- Guarantees: the latest version that is left rules and restates the call, with its money and deals; without one the call is what it
--             was before: canceled if it was canceled before its start, else scheduled. Asked again, nothing changes.
create or replace function app.void_form(organization_id uuid, event_id uuid, form_id uuid, reason text, at timestamptz)
returns app.post_call_forms
language plpgsql volatile set search_path = '' as $$
declare
    v_reason   constant text := app.require_reason(void_form.reason);
    v_event    app.events := app.lock_event(void_form.organization_id, coalesce(void_form.event_id, (
        select f.event_id from app.post_call_forms as f
         where f.organization_id = void_form.organization_id and f.id = void_form.form_id)));
    v_form     app.post_call_forms;
    v_previous app.post_call_forms;
    v_result   record;
begin
    select f.* into v_form from app.post_call_forms as f
     where f.organization_id = v_event.organization_id and f.event_id = v_event.id
       and (f.id = void_form.form_id or void_form.form_id is null and f.is_active);
    if not found and void_form.form_id is not null then
        raise exception using errcode = 'PT404', message = 'No such form of this call.';
    elsif not found then
        raise exception using errcode = 'PT409', message = 'This call has no form.', detail = format('It is %s.', v_event.call_status);
    elsif v_form.voided_at is not null then
        return v_form;
    elsif v_form.is_active and v_event.call_status = 'rescheduled' then
        perform app.refuse_move(v_event, 'rescheduled', 'The call was rescheduled after its form.');
    elsif v_form.is_active and exists (select from app.locked_calls(v_event.organization_id, array[v_event.id])) then
        raise exception using errcode = 'PT409', message = 'A locked payout rests on this call.',
            hint = 'Submit a corrected form; the payout keeps its lines, the difference is posted in the open period.';
    end if;

    update app.post_call_forms as f set is_active = false, voided_at = void_form.at, voided_reason = v_reason
     where f.organization_id = v_form.organization_id and f.id = v_form.id;
    if v_form.is_active then
        update app.post_call_forms as f set is_active = true
         where f.organization_id = v_event.organization_id and f.id = (
                select p.id from app.post_call_forms as p
                 where p.organization_id = v_event.organization_id and p.event_id = v_event.id and p.voided_at is null
                 order by p.version desc limit 1)
        returning f.* into v_previous;
        select r.call_status, r.event_outcome, r.canceled_by into v_result from app.form_result(
            v_previous.call_occurred, v_previous.lead_showed, v_previous.offer_made, v_previous.deal_closed,
            v_previous.non_occurrence_reason) as r;
        if v_result.canceled_by is not null then
            v_event.canceled_at := v_previous.submitted_at;
            v_event.canceled_by := v_result.canceled_by;
            v_event.cancel_reason := v_previous.non_occurrence_reason;
        elsif exists (
            select from app.post_call_forms as f
             where f.organization_id = v_event.organization_id and f.event_id = v_event.id
               and f.submitted_at = v_event.canceled_at and f.non_occurrence_reason = v_event.cancel_reason) then
            v_event.canceled_at := null;
            v_event.canceled_by := null;
            v_event.cancel_reason := null;
        end if;
        perform set_config('app.event_action', 'void_form', true);
        update app.events as e
           set call_status = coalesce(
                   v_result.call_status, case when v_event.canceled_at < e.scheduled_at then 'canceled' else 'scheduled' end),
               event_outcome = v_result.event_outcome, pcf_submitted = v_previous.id is not null,
               credited_closer_id = case when v_previous.is_human then v_previous.closer_id else v_event.closer_id end,
               canceled_at = v_event.canceled_at, canceled_by = v_event.canceled_by, cancel_reason = v_event.cancel_reason
         where e.organization_id = v_event.organization_id and e.id = v_event.id;
        perform set_config('app.event_action', '', true);
        if v_form.cash_collected > 0 or v_previous.cash_collected > 0 then
            perform app.record_claim(v_event.organization_id, v_form.id);
        end if;
        if v_event.lead_id is not null then
            perform app.settle_deals(v_event.organization_id, v_event.lead_id);
        end if;
    end if;
    select f.* into v_form from app.post_call_forms as f
     where f.organization_id = v_event.organization_id and f.id = v_form.id;
    return v_form;
end;
$$;
comment on function app.void_form(uuid, uuid, uuid, text, timestamptz) is 'Take a form back, as if it had never been submitted.';
