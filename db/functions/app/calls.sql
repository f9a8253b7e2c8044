-- Calls: how they are booked, and the one function that moves them from state to state.

-- app.lock_event: the call, locked until the end of the transaction, so that whoever acts on it at the same moment waits.
-- Raises PT404. Deleted calls are no calls, except to vendors, who do not know of it.
create or replace function app.lock_event(organization_id uuid, event_id uuid, even_deleted boolean default false)
returns app.events
language plpgsql volatile set search_path = '' as $$
declare
    v_event app.events;
begin
    select e.* into v_event from app.events as e
     where e.organization_id = lock_event.organization_id and e.id = lock_event.event_id
       and (e.deleted_at is null or lock_event.even_deleted)
       for no key update;
    if not found then
        raise exception using errcode = 'PT404', message = 'No such call in this organization.';
    end if;
    return v_event;
end;
$$;
comment on function app.lock_event(uuid, uuid, boolean) is 'The call, locked; PT404 when there is none.';

-- app.form_result: what a form says about a call, as a state. No row of it is refused by the table of forms, and nothing
-- else is accepted: status is NULL for answers that contradict each other.
create or replace function app.form_result(
    call_occurred boolean, lead_showed boolean, offer_made boolean, deal_closed boolean, non_occurrence_reason text,
    out call_status text, out event_outcome text, out canceled_by text)
language sql immutable parallel safe
begin atomic
    select r.call_status, r.event_outcome, r.canceled_by
      from (values
            (true,  true,  false, false, null,                   'completed', 'showed_no_offer', null),
            (true,  true,  true,  false, null,                   'completed', 'showed_offer',    null),
            (true,  true,  true,  true,  null,                   'completed', 'closed',          null),
            (false, false, false, false, 'lead_no_show',         'no_show',   'no_show',         null),
            (false, false, false, false, 'lead_canceled',        'canceled',  null,              'invitee'),
            (false, false, false, false, 'reschedule_requested', 'canceled',  null,              'invitee'),
            (false, false, false, false, 'closer_absent',        'canceled',  null,              'host'),
            (false, true,  false, false, 'closer_absent',        'canceled',  null,              'host'),
            (false, false, false, false, 'technical',            'canceled',  null,              'host'),
            (false, true,  false, false, 'technical',            'canceled',  null,              'host')
           ) as r (occurred, showed, offer, closed, reason, call_status, event_outcome, canceled_by)
     where r.occurred = form_result.call_occurred and r.showed = form_result.lead_showed
       and r.offer = form_result.offer_made and r.closed = form_result.deal_closed
       and r.reason is not distinct from form_result.non_occurrence_reason;
end;
comment on function app.form_result(boolean, boolean, boolean, boolean, text) is
    'Status, outcome and canceler that answers stand for; NULL when they contradict each other.';

-- app.event_decision: what an action does to a call in its present state. Pure: reads nothing, changes nothing.
-- action:  invitee_cancels, host_cancels, reschedule, form, vendor_no_show, vendor_no_show_withdrawn.
-- at:      when it happened. active: the form that rules now, or NULL. form: the new one, for action form.
-- Answers: to_status, or NULL when nothing changes; refusal, why a person who tries it is told no (NULL when allowed);
--          because, the sentence that is kept.
create or replace function app.event_decision(
    event app.events, action text, at timestamptz, active app.post_call_forms, form app.post_call_forms,
    out to_status text, out refusal text, out because text)
language plpgsql immutable set search_path = '' as $$
declare
    v_result  record;
    v_started constant boolean := event_decision.at >= event.scheduled_at;
begin
    if action in ('invitee_cancels', 'host_cancels') then
        if event.call_status = 'canceled' then
            refusal := 'canceled';
            because := 'The call was canceled before.';
        elsif event.call_status = 'rescheduled' then
            refusal := 'rescheduled';
            because := 'The call was rescheduled before.';
        elsif event.call_status <> 'scheduled' then
            refusal := 'has_outcome';
            because := 'The call has its outcome; a cancellation no longer changes it.';
        elsif not v_started then
            to_status := 'canceled';
            because := case action when 'invitee_cancels' then 'The invitee canceled before the start.'
                                   else 'The host canceled before the start.' end;
        elsif action = 'invitee_cancels' then
            to_status := 'no_show';
            because := 'The invitee canceled at or after the start: a no-show.';
        elsif event.canceled_at is null then
            to_status := 'scheduled';
            because := 'The host canceled after the start: only a person knows what happened.';
        else
            refusal := 'canceled';
            because := 'The host had canceled already.';
        end if;

    elsif action = 'reschedule' then
        if event.call_status in ('scheduled', 'canceled') then
            to_status := 'rescheduled';
            because := 'A later booking takes its place.';
        elsif event.call_status = 'rescheduled' then
            refusal := 'rescheduled';
            because := 'The call was rescheduled before; chains never branch.';
        else
            refusal := 'has_outcome';
            because := 'The call has its outcome; the later booking is a second call.';
        end if;

    elsif action = 'form' then
        v_result := app.form_result(
            form.call_occurred, form.lead_showed, form.offer_made, form.deal_closed, form.non_occurrence_reason);
        if event.call_status = 'rescheduled' then
            refusal := 'rescheduled';
            because := 'The call was rescheduled; its form belongs to the later booking.';
        elsif event.call_status = 'canceled' and v_result.call_status <> 'completed' then
            refusal := 'canceled';
            because := 'The call was canceled; only a call that took place after all takes a form.';
        elsif event.call_status in ('scheduled', 'canceled')
              and event_decision.at < event.scheduled_at - interval '15 minutes'
              and form.non_occurrence_reason is distinct from 'lead_canceled'
              and form.non_occurrence_reason is distinct from 'reschedule_requested' then
            refusal := 'too_early';
            because := 'The call starts more than 15 minutes later.';
        else
            to_status := v_result.call_status;
            because := case when active is null then 'The form says so.' else 'A new version of the form restates the call.' end;
        end if;

    elsif action = 'vendor_no_show' then
        if event.call_status = 'scheduled' or event.call_status = 'completed' and not active.is_human then
            to_status := 'no_show';
            because := 'The booking platform marked a no-show.';
        else
            because := case event.call_status
                when 'canceled' then 'The call was canceled before.'
                when 'rescheduled' then 'The call was rescheduled before.'
                when 'no_show' then 'The call is a no-show already.'
                else 'A person said what happened.' end;
        end if;

    elsif action = 'vendor_no_show_withdrawn' then
        if event.call_status = 'no_show' and active.answers ->> 'cause' = 'vendor_no_show' and not active.is_human then
            to_status := 'scheduled';
            because := 'The booking platform withdrew the no-show.';
        else
            because := 'No no-show of the booking platform rules this call.';
        end if;

    else
        raise exception using errcode = '22023', message = 'Unknown action on a call.', detail = event_decision.action;
    end if;
end;
$$;
comment on function app.event_decision(app.events, text, timestamptz, app.post_call_forms, app.post_call_forms) is
    'What an action does to a call in its present state, and why.';

-- app.refuse_move: tell a person why this call cannot move that way.
create or replace function app.refuse_move(event app.events, refusal text, because text) returns void
language plpgsql stable set search_path = '' as $$
declare
    v_successor record;
begin
    if refusal = 'too_early' then
        raise exception using errcode = 'PT409', message = 'It is too early for this form.',
            detail = format('The call starts at %s; forms are open from 15 minutes before.', event.scheduled_at),
            hint = 'Before that, only lead_canceled and reschedule_requested can be reported.';
    elsif refusal = 'rescheduled' then
        select e.id, e.scheduled_at into v_successor from app.events as e
         where e.organization_id = event.organization_id and e.rescheduled_from_id = event.id;
        raise exception using errcode = 'PT409', message = 'This call was rescheduled.',
            detail = coalesce(format('Its successor is call %s at %s.', v_successor.id, v_successor.scheduled_at),
                              'Its successor has not arrived yet.'),
            hint = 'Act on the successor instead.';
    elsif refusal = 'canceled' then
        raise exception using errcode = 'PT409', message = 'This call was canceled.',
            detail = because || format(' Canceled by the %s at %s.', event.canceled_by, event.canceled_at),
            hint = 'If it took place after all, say in the form that it occurred and that the lead showed.';
    end if;
    raise exception using errcode = 'PT409', message = 'This call already has its outcome.',
        detail = format('It is %s. %s', event.call_status, because),
        hint = 'Submit the post-call form again to correct it.';
end;
$$;
comment on function app.refuse_move(app.events, text, text) is 'Raises PT409 with the reason a call cannot move.';

-- app.move_event: the only way a call changes its state.
-- actor:   person (a refused move raises PT409) or vendor (it answers changed = false, and the sentence why).
-- form:    for action form, validated by app.record_form. successor_id: for action reschedule, an existing later booking;
--          NULL while only the cancellation of a rescheduled vendor booking has arrived.
-- Answers: changed, the status now, the form that rules now if the move wrote one, and why.
-- Guarantees: the call is locked first, so moves at the same moment happen one after the other; every move is a row of
--             app.event_transitions; a refused one changes nothing.
create or replace function app.move_event(
    organization_id uuid, event_id uuid, action text, at timestamptz, actor text default 'person',
    form app.post_call_forms default null, successor_id uuid default null, reason text default null,
    out changed boolean, out call_status text, out form_id uuid, out because text)
language plpgsql volatile set search_path = '' as $$
declare
    v_event    app.events := app.lock_event(
        move_event.organization_id, move_event.event_id, even_deleted => move_event.actor = 'vendor');
    v_active   app.post_call_forms;
    v_form     app.post_call_forms := move_event.form;
    v_decision record;
    v_result   record;
begin
    select f.* into v_active from app.post_call_forms as f
     where f.organization_id = v_event.organization_id and f.event_id = v_event.id and f.is_active;
    v_decision := app.event_decision(v_event, move_event.action, move_event.at, v_active, v_form);
    changed := false;
    call_status := v_event.call_status;
    because := v_decision.because;

    if v_event.deleted_at is not null then
        because := 'The call was deleted.';
        return;
    elsif move_event.action = 'reschedule' then
        if move_event.successor_id is null and move_event.actor = 'person' then
            raise exception using errcode = 'PT422', message = 'Say which call takes the place of this one.';
        elsif move_event.actor = 'vendor' and not app.can_follow(v_event, move_event.successor_id) then
            because := 'The later booking follows another call, or was deleted.';
            return;
        elsif v_event.call_status = 'rescheduled' and move_event.successor_id is not null
           and not exists (select from app.events as e where e.organization_id = v_event.organization_id
                              and e.rescheduled_from_id = v_event.id) then
            perform app.link_successor(v_event, move_event.successor_id);
            changed := true;
            because := 'The later booking that was announced has arrived.';
            return;
        elsif v_event.call_status = 'canceled' and move_event.successor_id is null then
            because := 'The call was canceled before; it becomes rescheduled when its successor arrives.';
            return;
        end if;
    end if;

    if v_decision.to_status is null then
        if move_event.actor = 'person' or move_event.action = 'form' then
            perform app.refuse_move(v_event, v_decision.refusal, v_decision.because);
        elsif move_event.action = 'reschedule' and v_decision.refusal = 'has_outcome' then
            perform app.record_exception(
                v_event.organization_id, 'rescheduled_after_outcome', v_event.id::text, 'warning', 'events',
                array_remove(array[v_event.id, move_event.successor_id], null),
                'The booking platform rescheduled a call that already has its outcome.',
                'Check the post-call form; if the call did not take place, submit it again.',
                as_of => move_event.at);
        end if;
        return;
    end if;

    if move_event.action in ('invitee_cancels', 'vendor_no_show') and v_decision.to_status = 'no_show' then
        v_form := app.system_no_show_form(v_event, move_event.action, move_event.at);
    end if;
    if v_form.call_occurred is not null then
        v_form := app.write_form_version(v_event, v_form);
        form_id := v_form.id;
        v_result := app.form_result(
            v_form.call_occurred, v_form.lead_showed, v_form.offer_made, v_form.deal_closed, v_form.non_occurrence_reason);
        v_event.event_outcome := v_result.event_outcome;
        v_event.pcf_submitted := true;
        v_event.credited_closer_id := case when v_form.is_human then v_form.closer_id else v_event.closer_id end;
        if v_result.canceled_by is not null then
            v_event.canceled_at := move_event.at;
            v_event.canceled_by := v_result.canceled_by;
            v_event.cancel_reason := v_form.non_occurrence_reason;
        end if;
    elsif move_event.action = 'vendor_no_show_withdrawn' then
        update app.post_call_forms as f
           set is_active = false, voided_at = move_event.at, voided_reason = 'The booking platform withdrew the no-show.'
         where f.organization_id = v_event.organization_id and f.id = v_active.id;
        v_event.event_outcome := null;
        v_event.pcf_submitted := false;
    elsif v_decision.to_status = 'rescheduled' then
        v_event.event_outcome := null;
    end if;
    if move_event.action in ('invitee_cancels', 'host_cancels') then
        v_event.canceled_at := move_event.at;
        v_event.canceled_by := case move_event.action when 'invitee_cancels' then 'invitee' else 'host' end;
        v_event.cancel_reason := nullif(btrim(move_event.reason), '');
    end if;

    perform set_config('app.event_action', move_event.action, true);
    update app.events as e
       set call_status = v_decision.to_status, event_outcome = v_event.event_outcome,
           pcf_submitted = v_event.pcf_submitted, credited_closer_id = v_event.credited_closer_id,
           canceled_at = v_event.canceled_at, canceled_by = v_event.canceled_by, cancel_reason = v_event.cancel_reason
     where e.organization_id = v_event.organization_id and e.id = v_event.id;
    perform set_config('app.event_action', '', true);
    if move_event.successor_id is not null then
        perform app.link_successor(v_event, move_event.successor_id);
    end if;
    changed := true;
    call_status := v_decision.to_status;
end;
$$;
comment on function app.move_event(uuid, uuid, text, timestamptz, text, app.post_call_forms, uuid, text) is
    'The only way a call changes its state: decides by the transition table, under a lock.';

-- app.link_successor: the later booking follows this one, and takes over what the chain knows.
create or replace function app.link_successor(event app.events, successor_id uuid) returns void
language plpgsql volatile set search_path = '' as $$
declare
    v_successor app.events := app.lock_event(event.organization_id, link_successor.successor_id);
begin
    update app.events as e
       set rescheduled_from_id = event.id
     where e.organization_id = v_successor.organization_id and e.id = v_successor.id;
    perform app.teach_lead(v_successor.organization_id, v_successor.id);
end;
$$;
comment on function app.link_successor(app.events, uuid) is 'Makes a booking the successor of a rescheduled one.';

-- app.can_follow: may this booking become the successor? NULL, one that has not arrived, may.
create or replace function app.can_follow(event app.events, successor_id uuid) returns boolean
language sql stable
begin atomic
    select can_follow.successor_id is null or exists (
        select from app.events as e
         where e.organization_id = (event).organization_id and e.id = can_follow.successor_id
           and e.deleted_at is null and e.rescheduled_from_id is null and e.id <> (event).root_event_id);
end;
comment on function app.can_follow(app.events, uuid) is 'May this booking become the successor of the call?';

-- app.write_form_version: the next version of a call's form, and the only active one. The call must be locked.
create or replace function app.write_form_version(event app.events, form app.post_call_forms) returns app.post_call_forms
language plpgsql volatile set search_path = '' as $$
declare
    v_form app.post_call_forms;
begin
    update app.post_call_forms as f set is_active = false
     where f.organization_id = event.organization_id and f.event_id = event.id and f.is_active;
    insert into app.post_call_forms as f (
        organization_id, event_id, closer_id, version, submitted_via, submitted_at, submitted_by,
        call_occurred, lead_showed, offer_made, deal_closed, non_occurrence_reason, disqualified,
        cash_collected, currency, payment_type, package_id, contract_value, call_outcome_id, opportunity_status_id,
        form_config_id, answers, notes)
    select event.organization_id, event.id, form.closer_id,
           coalesce((select max(p.version) from app.post_call_forms as p
                      where p.organization_id = event.organization_id and p.event_id = event.id), 0) + 1,
           form.submitted_via, form.submitted_at, form.submitted_by,
           form.call_occurred, form.lead_showed, form.offer_made, form.deal_closed, form.non_occurrence_reason,
           form.disqualified, form.cash_collected, form.currency, form.payment_type, form.package_id,
           form.contract_value, form.call_outcome_id, form.opportunity_status_id, form.form_config_id,
           coalesce(form.answers, '{}'), form.notes
    returning f.* into v_form;
    return v_form;
end;
$$;
comment on function app.write_form_version(app.events, app.post_call_forms) is 'Writes the next version of a call''s form.';

-- app.system_no_show_form: the form that stands for a person's when a booking platform says that the lead did not come.
create or replace function app.system_no_show_form(event app.events, cause text, at timestamptz) returns app.post_call_forms
language plpgsql immutable set search_path = '' as $$
declare
    v_form app.post_call_forms;
begin
    v_form.closer_id := event.closer_id;
    v_form.submitted_via := case event.provider when 'calendly' then 'calendly' else 'system' end;
    v_form.submitted_at := system_no_show_form.at;
    v_form.call_occurred := false;
    v_form.lead_showed := false;
    v_form.offer_made := false;
    v_form.deal_closed := false;
    v_form.disqualified := false;
    v_form.non_occurrence_reason := 'lead_no_show';
    v_form.answers := jsonb_build_object('cause', system_no_show_form.cause);
    return v_form;
end;
$$;
comment on function app.system_no_show_form(app.events, text, timestamptz) is 'The form of a no-show that no person reported.';

-- app.cancel_call: somebody canceled. canceled_by: invitee or host.
create or replace function app.cancel_call(
    organization_id uuid, event_id uuid, canceled_by text, at timestamptz, reason text default null, actor text default 'person',
    out changed boolean, out call_status text, out because text)
language plpgsql volatile set search_path = '' as $$
begin
    if cancel_call.canceled_by is null or cancel_call.canceled_by not in ('invitee', 'host') then
        raise exception using errcode = 'PT422', message = 'A call is canceled by the invitee or by the host.';
    end if;
    select m.changed, m.call_status, m.because
      into cancel_call.changed, cancel_call.call_status, cancel_call.because
      from app.move_event(cancel_call.organization_id, cancel_call.event_id, cancel_call.canceled_by || '_cancels',
                          cancel_call.at, actor => cancel_call.actor, reason => cancel_call.reason) as m;
end;
$$;
comment on function app.cancel_call(uuid, uuid, text, timestamptz, text, text) is 'The invitee or the host canceled a call.';

-- app.reschedule_call: a later booking takes the place of a call. successor_id: NULL while it has not arrived.
create or replace function app.reschedule_call(
    organization_id uuid, event_id uuid, successor_id uuid, at timestamptz, actor text default 'person',
    out changed boolean, out call_status text, out because text)
language sql volatile
begin atomic
    select m.changed, m.call_status, m.because
      from app.move_event(reschedule_call.organization_id, reschedule_call.event_id, 'reschedule', reschedule_call.at,
                          actor => reschedule_call.actor, successor_id => reschedule_call.successor_id) as m;
end;
comment on function app.reschedule_call(uuid, uuid, uuid, timestamptz, text) is 'A later booking takes the place of a call.';

-- app.report_no_show: the booking platform says that the lead did not come.
create or replace function app.report_no_show(
    organization_id uuid, event_id uuid, at timestamptz, out changed boolean, out call_status text, out because text)
language sql volatile
begin atomic
    select m.changed, m.call_status, m.because
      from app.move_event(report_no_show.organization_id, report_no_show.event_id, 'vendor_no_show', report_no_show.at,
                          actor => 'vendor') as m;
end;
comment on function app.report_no_show(uuid, uuid, timestamptz) is 'The booking platform marked a no-show.';

-- app.withdraw_no_show: the booking platform takes its no-show back.
create or replace function app.withdraw_no_show(
    organization_id uuid, event_id uuid, at timestamptz, out changed boolean, out call_status text, out because text)
language sql volatile
begin atomic
    select m.changed, m.call_status, m.because
      from app.move_event(withdraw_no_show.organization_id, withdraw_no_show.event_id, 'vendor_no_show_withdrawn',
                          withdraw_no_show.at, actor => 'vendor') as m;
end;
comment on function app.withdraw_no_show(uuid, uuid, timestamptz) is 'The booking platform withdrew a no-show.';

-- app.delete_event: a call that shall count nowhere. Raises PT409 while a locked payout rests on it.
create or replace function app.delete_event(organization_id uuid, event_id uuid, reason text, at timestamptz) returns void
language plpgsql volatile set search_path = '' as $$
declare
    v_event app.events := app.lock_event(delete_event.organization_id, delete_event.event_id);
begin
    if coalesce(btrim(delete_event.reason), '') = '' then
        raise exception using errcode = 'PT422', message = 'Say why the call is deleted.';
    end if;
    update app.events as e set deleted_at = delete_event.at, deleted_reason = btrim(delete_event.reason)
     where e.organization_id = v_event.organization_id and e.id = v_event.id;
end;
$$;
comment on function app.delete_event(uuid, uuid, text, timestamptz) is 'Soft deletion of a call, with its reason.';

-- app.mark_duplicate: this call is the same booking as another one, and counts nowhere. Marked so before, nothing changes.
-- Raises PT404 for a call that is not there; PT422 for calls of one chain and for an original that is a duplicate itself; PT409
-- for a call that is another's duplicate, has duplicates itself, or that a locked payout rests on.
create or replace function app.mark_duplicate(organization_id uuid, event_id uuid, duplicate_of_id uuid) returns void
language plpgsql volatile set search_path = '' as $$
declare
    v_event    app.events;
    v_original app.events;
    v_other_id uuid;
begin
    -- Both, in the order of their ids: the original neither goes nor becomes a duplicate in this moment.
    perform from app.events as e
      where e.organization_id = mark_duplicate.organization_id and e.id in (mark_duplicate.event_id, mark_duplicate.duplicate_of_id)
      order by e.id for no key update;
    v_event := app.lock_event(mark_duplicate.organization_id, mark_duplicate.event_id);
    v_original := app.lock_event(mark_duplicate.organization_id, mark_duplicate.duplicate_of_id);
    if v_original.duplicate_of_id is not null or v_original.root_event_id = v_event.root_event_id then
        raise exception using errcode = 'PT422', message = 'A call is the duplicate of a call of another chain that counts itself.';
    elsif v_event.duplicate_of_id = v_original.id then
        return;
    elsif v_event.duplicate_of_id is not null then
        raise exception using errcode = 'PT409', message = 'This call is a duplicate.',
            detail = format('It is the same booking as call %s.', v_event.duplicate_of_id),
            hint = 'Take that mark away first, with rpc/unmark_duplicate.';
    end if;
    select d.id into v_other_id from app.events as d
     where d.organization_id = v_event.organization_id and d.duplicate_of_id = v_event.id limit 1;
    if found then
        raise exception using errcode = 'PT409', message = 'Other calls are duplicates of this one.',
            detail = format('Call %s is.', v_other_id), hint = 'Mark them as duplicates of the other call first.';
    end if;
    update app.events as e set duplicate_of_id = v_original.id
     where e.organization_id = v_event.organization_id and e.id = v_event.id;
end;
$$;
comment on function app.mark_duplicate(uuid, uuid, uuid) is 'Marks a call as the duplicate of another one.';

-- app.unmark_duplicate: this call is a booking of its own after all, and counts. Raises PT404, and PT409 for one that is marked so
-- already.
create or replace function app.unmark_duplicate(organization_id uuid, event_id uuid) returns void
language plpgsql volatile set search_path = '' as $$
declare
    v_event constant app.events := app.lock_event(unmark_duplicate.organization_id, unmark_duplicate.event_id);
begin
    if v_event.duplicate_of_id is null then
        raise exception using errcode = 'PT409', message = 'This call is no duplicate.',
            detail = format('Call %s is a booking of its own.', v_event.id);
    end if;
    update app.events as e set duplicate_of_id = null
     where e.organization_id = v_event.organization_id and e.id = v_event.id;
end;
$$;
comment on function app.unmark_duplicate(uuid, uuid) is 'A marked call is a booking of its own after all.';

-- app.may_be_one_booking: are two calls of one lead close enough to be one? They start within 60 minutes or on the same local day.
create or replace function app.may_be_one_booking(starts_at timestamptz, other_starts_at timestamptz, timezone text) returns boolean
language sql stable parallel safe
return other_starts_at between starts_at - interval '60 minutes' and starts_at + interval '60 minutes'
    or (other_starts_at at time zone timezone)::date = (starts_at at time zone timezone)::date;
comment on function app.may_be_one_booking(timestamptz, timestamptz, text) is
    'True when two calls of one lead are close enough to be one booking.';

-- app.duplicate_candidates: calls that may be the same booking: same lead and category, not one chain, close in time. is_certain:
-- closer and start are equal too, and both are still scheduled.
create or replace function app.duplicate_candidates(organization_id uuid, event_id uuid)
returns table (candidate_id uuid, is_certain boolean)
language sql stable
begin atomic
    select c.id,
           coalesce(c.closer_id = e.closer_id, false) and c.scheduled_at = e.scheduled_at
           and c.call_status = 'scheduled' and e.call_status = 'scheduled'
      from app.events as e
      join app.organizations as o on o.id = e.organization_id
      left join app.call_types as t on t.organization_id = e.organization_id and t.id = e.call_type_id
      join app.events as c on c.organization_id = e.organization_id and c.lead_id = e.lead_id and c.id <> e.id
      left join app.call_types as u on u.organization_id = c.organization_id and u.id = c.call_type_id
     where e.organization_id = duplicate_candidates.organization_id and e.id = duplicate_candidates.event_id
       and c.root_event_id <> e.root_event_id and c.deleted_at is null and c.duplicate_of_id is null
       and coalesce(t.category, 'sales') = coalesce(u.category, 'sales')
       and app.may_be_one_booking(e.scheduled_at, c.scheduled_at, o.timezone);
end;
comment on function app.duplicate_candidates(uuid, uuid) is 'Calls that may be the same booking as this one.';

-- app.book_call: a booking, from wherever it comes.
-- lead:      lead_id, or whoever is known by e-mail, phone and identities; several leads are an exception, never a guess.
-- provider_booking_id: makes the call idempotent. A known booking is answered again: its time moves if it changed and the
--            call is still scheduled; a canceled one is never revived.
-- rescheduled_from_id: the call it replaces. actor person: raises PT409 when that one cannot be rescheduled; vendor: the
--            booking then stands for itself.
-- Guarantees: the lead learns its first and current setter and its first source; a certain duplicate is marked; the CRM is asked
--             about the person of a call to come.
create or replace function app.book_call(
    organization_id uuid, scheduled_at timestamptz, booked_at timestamptz default null,
    scheduled_end_at timestamptz default null, lead_id uuid default null, email text default null, phone text default null,
    full_name text default null, identities jsonb default '{}', closer_id uuid default null, setter_id uuid default null,
    setter_name text default null, source_id uuid default null, traffic_type_id uuid default null,
    call_type_id uuid default null, provider text default 'manual', provider_booking_id text default null,
    calendly_event_uuid text default null, calendly_invitee_uuid text default null, rescheduled_from_id uuid default null,
    utm jsonb default '{}', answers jsonb default '[]', notes text default null, actor text default 'vendor'
) returns uuid
language plpgsql volatile set search_path = '' as $$
declare
    v_lead_id  uuid := book_call.lead_id;
    v_event_id uuid;
    v_original uuid;
begin
    if book_call.scheduled_at is null then
        raise exception using errcode = 'PT422', message = 'A booking needs a time.';
    end if;
    v_event_id := app.known_booking(
        book_call.organization_id, book_call.provider, book_call.provider_booking_id, book_call.calendly_invitee_uuid,
        book_call.scheduled_at, book_call.scheduled_end_at);
    if v_event_id is not null then
        if book_call.rescheduled_from_id is not null then
            perform from app.reschedule_call(book_call.organization_id, book_call.rescheduled_from_id, v_event_id,
                                             coalesce(book_call.booked_at, now()), actor => 'vendor');
        end if;
        return v_event_id;
    end if;
    if v_lead_id is null then
        v_lead_id := app.identify_lead(
            book_call.organization_id, book_call.email, book_call.phone, book_call.full_name, book_call.identities);
    end if;

    insert into app.events as e (
        organization_id, lead_id, lead_name, lead_email, lead_phone, closer_id, setter_id, setter_name, source_id,
        traffic_type_id, call_type_id, scheduled_at, scheduled_end_at, booked_at, provider, provider_booking_id,
        calendly_event_uuid, calendly_invitee_uuid, utm_source, utm_medium, utm_campaign, utm_term, utm_content, referrer,
        answers, notes)
    values (
        book_call.organization_id, v_lead_id, book_call.full_name, book_call.email, book_call.phone, book_call.closer_id,
        book_call.setter_id, book_call.setter_name, book_call.source_id, book_call.traffic_type_id, book_call.call_type_id,
        book_call.scheduled_at, book_call.scheduled_end_at, book_call.booked_at, book_call.provider,
        book_call.provider_booking_id, book_call.calendly_event_uuid, book_call.calendly_invitee_uuid,
        book_call.utm ->> 'utm_source', book_call.utm ->> 'utm_medium', book_call.utm ->> 'utm_campaign',
        book_call.utm ->> 'utm_term', book_call.utm ->> 'utm_content', book_call.utm ->> 'referrer', book_call.answers,
        book_call.notes)
    on conflict do nothing
    returning e.id into v_event_id;
    if v_event_id is null then
        return app.known_booking(
            book_call.organization_id, book_call.provider, book_call.provider_booking_id, book_call.calendly_invitee_uuid,
            book_call.scheduled_at, book_call.scheduled_end_at);
    end if;

    if book_call.rescheduled_from_id is not null then
        perform from app.reschedule_call(
            book_call.organization_id, book_call.rescheduled_from_id, v_event_id,
            coalesce(book_call.booked_at, now()), actor => book_call.actor);
    end if;
    if v_lead_id is null then
        perform app.report_ambiguous_lead(
            book_call.organization_id, v_event_id, book_call.email, book_call.phone, book_call.identities);
    else
        perform app.teach_lead(book_call.organization_id, v_event_id);
        select d.candidate_id into v_original
          from app.duplicate_candidates(book_call.organization_id, v_event_id) as d where d.is_certain
         order by d.candidate_id limit 1;
        if v_original is not null then
            perform app.mark_duplicate(book_call.organization_id, v_event_id, v_original);
        end if;
    end if;
    if book_call.scheduled_at > now() then
        perform app.queue_contact_lookup(book_call.organization_id, v_event_id);
    end if;
    return v_event_id;
end;
$$;
comment on function app.book_call(
    uuid, timestamptz, timestamptz, timestamptz, uuid, text, text, text, jsonb, uuid, uuid, text, uuid, uuid, uuid, text,
    text, text, text, uuid, jsonb, jsonb, text, text) is 'A booking, from wherever it comes; once per provider booking.';

-- app.queue_contact_lookup: the organization's CRM, if it has one, is asked who the person of a booked call is; once per call.
create or replace function app.queue_contact_lookup(organization_id uuid, event_id uuid) returns void
language sql volatile
begin atomic
    insert into app.outbox as o (organization_id, kind, payload, dedupe_key)
    select e.organization_id, 'crm-lookup', jsonb_build_object('event_id', e.id, 'lead_id', e.lead_id, 'crm', i.primary_crm),
           'crm-lookup:' || e.id
      from app.organization_integrations as i
      join app.events as e on e.organization_id = i.organization_id
     where i.organization_id = queue_contact_lookup.organization_id and i.primary_crm <> 'none'
       and e.id = queue_contact_lookup.event_id and e.duplicate_of_id is null
       and coalesce(e.lead_email, e.lead_phone) is not null
    on conflict on constraint outbox_dedupe_key do nothing;
end;
comment on function app.queue_contact_lookup(uuid, uuid) is 'The CRM is asked who the person of a booked call is, once per call.';

-- app.known_booking: the call of a booking we have, moved to the time the provider gives now; NULL for a new one.
create or replace function app.known_booking(
    organization_id uuid, provider text, provider_booking_id text, calendly_invitee_uuid text,
    scheduled_at timestamptz, scheduled_end_at timestamptz
) returns uuid
language plpgsql volatile set search_path = '' as $$
declare
    v_event app.events;
begin
    select e.* into v_event from app.events as e
     where e.organization_id = known_booking.organization_id and e.provider = known_booking.provider
       and e.provider_booking_id = known_booking.provider_booking_id
       for no key update;
    if v_event.id is null then
        select e.* into v_event from app.events as e
         where e.organization_id = known_booking.organization_id
           and e.calendly_invitee_uuid = known_booking.calendly_invitee_uuid
           for no key update;
    end if;
    if v_event.call_status = 'scheduled' and v_event.deleted_at is null
       and (v_event.scheduled_at <> known_booking.scheduled_at
            or v_event.scheduled_end_at <> known_booking.scheduled_end_at) then
        update app.events as e
           set scheduled_at = known_booking.scheduled_at,
               scheduled_end_at = coalesce(known_booking.scheduled_end_at,
                                           known_booking.scheduled_at + (v_event.scheduled_end_at - v_event.scheduled_at))
         where e.organization_id = v_event.organization_id and e.id = v_event.id;
    end if;
    return v_event.id;
end;
$$;
comment on function app.known_booking(uuid, text, text, text, timestamptz, timestamptz) is
    'The call of a known booking, at the time it has now; NULL for a new booking.';

-- app.teach_leads: what leads learn from calls of theirs, one call of each: their setters (app.learn_setters), source and traffic
-- type of the first booking that has them; a setter whom a later booking has only from its chain teaches nothing. A late message
-- about an earlier booking corrects what a later booking had taught; what a person set stays.
create or replace function app.teach_leads(organization_id uuid, event_ids uuid[]) returns void
language plpgsql volatile set search_path = '' set plan_cache_mode = force_generic_plan as $$
declare
    v_told record;
begin
    perform app.learn_setters(teach_leads.organization_id, array_agg(e.lead_id), array_agg(e.booked_at))
       from app.events as e
      where e.organization_id = teach_leads.organization_id and e.id = any (teach_leads.event_ids) and e.lead_id is not null
        and e.setter_id is not null and not 'setter' = any (e.inherits)
     having count(*) > 0;

    -- The calls first and by themselves, so that they are found by their keys; apart, so that what teaches nothing costs no update.
    with told as materialized (
        select e.lead_id, k.source_id, k.traffic_type_id,
               case when coalesce(k.source_id, k.traffic_type_id) is not null then 'event' end as source_origin
          from app.events as e
         cross join lateral (
            select (array_agg(t.source_id order by t.booked_at, t.id))[1] as source_id,
                   (array_agg(t.traffic_type_id order by t.booked_at, t.id))[1] as traffic_type_id
              from app.events as t
             where t.organization_id = e.organization_id and t.lead_id = e.lead_id and t.deleted_at is null
               and coalesce(t.source_id, t.traffic_type_id) is not null) as k
         where e.organization_id = teach_leads.organization_id and e.id = any (teach_leads.event_ids) and e.lead_id is not null
    )
    select array_agg(k.lead_id) as lead_ids, array_agg(k.source_id) as source_ids,
           array_agg(k.traffic_type_id) as traffic_type_ids, array_agg(k.source_origin) as source_origins
      into v_told
      from told as k
     where (select (l.source_origin = 'event' or coalesce(l.source_id, l.traffic_type_id) is null and l.source_origin is null)
                   and (l.source_id, l.traffic_type_id, l.source_origin) is distinct from (k.source_id, k.traffic_type_id, k.source_origin)
              from app.leads as l
             where l.organization_id = teach_leads.organization_id and l.id = k.lead_id);
    if v_told.lead_ids is not null then
        perform set_config('app.teaches_lead', 'on', true);
        update app.leads as l
           set source_id = k.source_id, traffic_type_id = k.traffic_type_id, source_origin = k.source_origin
          from unnest(v_told.lead_ids, v_told.source_ids, v_told.traffic_type_ids, v_told.source_origins)
               as k (lead_id, source_id, traffic_type_id, source_origin)
         where l.organization_id = teach_leads.organization_id and l.id = k.lead_id;
        perform set_config('app.teaches_lead', '', true);
    end if;
end;
$$;
comment on function app.teach_leads(uuid, uuid[]) is 'Setters and sources of leads, from a call of each.';

-- app.teach_lead: the same of one lead.
create or replace function app.teach_lead(organization_id uuid, event_id uuid) returns void
language plpgsql volatile set search_path = '' as $$
begin
    perform app.teach_leads(organization_id, array[event_id]);
end;
$$;
comment on function app.teach_lead(uuid, uuid) is 'Setter and source of a lead, from a call of it.';

-- app.report_ambiguous_lead: a booking whose identities belong to several leads waits for a person.
create or replace function app.report_ambiguous_lead(
    organization_id uuid, event_id uuid, email text, phone text, identities jsonb
) returns void
language plpgsql volatile set search_path = '' as $$
declare
    v_leads constant uuid[] := app.leads_of_identities(
        report_ambiguous_lead.organization_id, report_ambiguous_lead.email, report_ambiguous_lead.phone,
        report_ambiguous_lead.identities);
begin
    if cardinality(v_leads) > 1 then
        perform app.record_exception(
            report_ambiguous_lead.organization_id, 'ambiguous_lead', report_ambiguous_lead.event_id::text, 'warning', 'events',
            array[report_ambiguous_lead.event_id] || v_leads,
            'A booking fits more than one lead.', 'Merge the leads, or choose one of them for the call.');
    end if;
end;
$$;
comment on function app.report_ambiguous_lead(uuid, uuid, text, text, jsonb) is
    'An exception for a booking whose identities belong to several leads.';
