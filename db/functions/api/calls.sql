-- Calls, for admins: what they book, change, hand over and delete by hand. Reasons go into the audit trail.
-- Only admins: closers say what became of a call in its form, which also cancels it or asks for another time.
-- Definers: nobody may write states, chains and what follows from them themselves; auth.require_admin finds the tenant and the right.

-- app.shown_event: a call as the API shows it. Volatile, since the statement that asks has just written it.
create or replace function app.shown_event(organization_id uuid, event_id uuid) returns api.events
language sql volatile set search_path = '' as $$
    select e from api.events as e where e.organization_id = shown_event.organization_id and e.id = shown_event.event_id;
$$;
comment on function app.shown_event(uuid, uuid) is 'A call as the API shows it.';

-- app.require_ids: ids of which something is asked, at most so many that it is done within a request. Raises PT422.
create or replace function app.require_ids(ids uuid[]) returns uuid[]
language plpgsql immutable set search_path = '' as $$
begin
    if coalesce(cardinality(require_ids.ids), 0) between 1 and 10000 and array_position(require_ids.ids, null) is null then
        return require_ids.ids;
    end if;
    raise exception using errcode = 'PT422', message = 'Name the rows that are meant.',
        detail = format('%s were given.', coalesce(cardinality(require_ids.ids), 0)), hint = 'Pass 1 to 10000 ids.';
end;
$$;
comment on function app.require_ids(uuid[]) is 'Ids of which something is asked: 1 to 10000, else PT422.';

-- api.create_event: a call that no booking platform tells of.
-- Callers:    owners and admins, super admins, through POST /rpc/create_event.
-- Guarantees: the same columns are derived as of a booked one: lead, chain, end, source, credits. With an external_id a second
--             call makes nothing.
-- Definer:    nobody may write calls themselves; auth.require_admin finds the tenant and the right.
create or replace function api.create_event(
    scheduled_at timestamptz, lead_id uuid default null, email text default null, phone text default null,
    full_name text default null, closer_id uuid default null, setter_id uuid default null,
    scheduled_end_at timestamptz default null, booked_at timestamptz default null, call_type_id uuid default null,
    source_id uuid default null, traffic_type_id uuid default null, notes text default null, external_id text default null,
    reason text default null, organization_id uuid default null
) returns api.events
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(create_event.organization_id);
begin
    perform app.note_reason(create_event.reason);
    return app.shown_event(v_organization_id, app.create_call(
        v_organization_id, create_event.scheduled_at, create_event.scheduled_end_at, create_event.booked_at, create_event.lead_id,
        create_event.email, create_event.phone, create_event.full_name, create_event.closer_id, create_event.setter_id,
        create_event.source_id, create_event.traffic_type_id, create_event.call_type_id, create_event.notes,
        create_event.external_id));
end;
$$;
comment on function api.create_event(
    timestamptz, uuid, text, text, text, uuid, uuid, timestamptz, timestamptz, uuid, uuid, uuid, text, text, text, uuid) is
$$Book a call by hand
For owners and admins. Who it is with: `lead_id`, or `email` and `phone`, by which the lead is found or made. `scheduled_end_at` is the
start and the length of the call type if left out, `booked_at` now, of a past call unknown. Without `source_id` and `traffic_type_id`
the source rules decide. A booking with the lead, closer and start of one that is still scheduled is marked its duplicate.
`external_id`, your own number of it, makes a second call answer the first one. `reason` may be given.
Answers the row of events. PT409: several leads are known by this, or the external id is another call's; DETAIL names them. PT404: no
such lead, closer, setter, source or type. PT422: no time, no lead, what nobody can be known by, an archived entry.$$;

-- api.update_event: change the time, people, type, source or notes of a call.
-- Callers:    owners and admins, super admins, through POST /rpc/update_event.
-- Guarantees: all or nothing; credits, deals and attributions follow in the same transaction.
-- Definer:    nobody may write the time and the lead of a call themselves; auth.require_admin finds the tenant and the right.
create or replace function api.update_event(
    event_id uuid, changes jsonb, reason text default null, organization_id uuid default null
) returns api.events
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(update_event.organization_id);
begin
    perform app.require_reason(update_event.reason);
    perform app.change_call(v_organization_id, update_event.event_id, update_event.changes);
    return app.shown_event(v_organization_id, update_event.event_id);
end;
$$;
comment on function api.update_event(uuid, jsonb, text, uuid) is $$Change a call
For owners and admins; `reason` is required. `changes` is a JSON object of what changes: `scheduled_at` (the end moves with it) and
`scheduled_end_at` while the call is scheduled; at any time `closer_id`, `setter_id`, `call_type_id`, `source_id`, `traffic_type_id`
(null for none), `lead_id` (of all calls of its chain; the money that their forms claim goes with them) and `notes`.
Answers the row of events. PT409: the time of a call that is not scheduled, which DETAIL names; a lead that became part of another one.
PT422: DETAIL is a JSON object of field and sentence. PT404: no such call, or what the change refers to.$$;

-- api.cancel_event: the invitee or the host canceled.
-- Callers:    owners and admins, super admins, through POST /rpc/cancel_event.
-- Guarantees: the transition table decides; a refused cancellation changes nothing.
-- Definer:    nobody may write states themselves; auth.require_admin finds the tenant and the right.
create or replace function api.cancel_event(
    event_id uuid, canceled_by text, reason text default null, canceled_at timestamptz default null,
    organization_id uuid default null
) returns api.events
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(cancel_event.organization_id);
    v_reason          constant text := app.require_reason(cancel_event.reason);
begin
    perform app.require_counting_call(v_organization_id, cancel_event.event_id);
    perform from app.cancel_call(v_organization_id, cancel_event.event_id, cancel_event.canceled_by,
                                 app.require_past(cancel_event.canceled_at), v_reason);
    return app.shown_event(v_organization_id, cancel_event.event_id);
end;
$$;
comment on function api.cancel_event(uuid, text, text, timestamptz, uuid) is $$Cancel a call
For owners and admins; `reason` is required and shown as cancel_reason. `canceled_by` is invitee or host; `canceled_at` is when they did
(now if left out). Before its start the call is canceled. At or after it, an invitee who cancels is a no-show, and of a host's
cancellation only the time is kept: somebody has to say in the form what happened.
Answers the row of events. PT409: the call is canceled, rescheduled, has its outcome or is a duplicate; DETAIL says which. PT422: no
reason, somebody else, a time to come. PT404: no such call.$$;

-- api.reschedule_event: the call takes place at another time.
-- Callers:    owners and admins, super admins, through POST /rpc/reschedule_event.
-- Guarantees: all or nothing: the call is rescheduled and has its successor. A chain never branches.
-- Definer:    nobody may write chains themselves; auth.require_admin finds the tenant and the right.
create or replace function api.reschedule_event(
    event_id uuid, scheduled_at timestamptz default null, scheduled_end_at timestamptz default null, closer_id uuid default null,
    call_type_id uuid default null, successor_id uuid default null, notes text default null, reason text default null,
    organization_id uuid default null
) returns api.events
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(reschedule_event.organization_id);
begin
    perform app.require_reason(reschedule_event.reason);
    return app.shown_event(v_organization_id, app.move_call_by_hand(
        v_organization_id, reschedule_event.event_id, reschedule_event.scheduled_at, reschedule_event.scheduled_end_at,
        reschedule_event.closer_id, reschedule_event.call_type_id, reschedule_event.successor_id, reschedule_event.notes));
end;
$$;
comment on function api.reschedule_event(uuid, timestamptz, timestamptz, uuid, uuid, uuid, text, text, uuid) is $$Move a call to another time
For owners and admins; `reason` is required. With `scheduled_at` a new booking takes the place of the call, with its closer, type and
length unless others are given, and the setter, source and UTM fields of the chain. With `successor_id` a booking of the same lead that
is there already does; so is a call linked whose form said that another time was wanted.
Answers the row of events of the successor. PT409: the call was rescheduled before (DETAIL names its successor), has its outcome, or is
a duplicate; the chain would branch. PT422: no reason, both or neither of time and successor, a successor of another lead. PT404: no such
call.$$;

-- api.reassign_events: calls of one closer become another's.
-- Callers:    owners and admins, super admins, through POST /rpc/reassign_events.
-- Guarantees: one statement for all of them; credits and attributions follow in the same transaction.
-- Definer:    the set is chosen past policies; auth.require_admin finds the tenant and the right.
create or replace function api.reassign_events(
    to_closer_id uuid, event_ids uuid[] default null, from_closer_id uuid default null, start_date date default null,
    end_date date default null, reason text default null, organization_id uuid default null
) returns table (event_id uuid, is_done boolean, because text)
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(reassign_events.organization_id);
    v_closer          app.closers;
    v_ids             uuid[] := reassign_events.event_ids;
begin
    perform app.require_reason(reassign_events.reason);
    if num_nonnulls(reassign_events.event_ids, reassign_events.from_closer_id) <> 1 then
        raise exception using errcode = 'PT422', message = 'Say which calls are meant.',
            hint = 'Pass event_ids, or from_closer_id with start_date and end_date.';
    end if;
    select c.* into v_closer from app.closers as c
     where c.organization_id = v_organization_id and c.id = reassign_events.to_closer_id;
    if not found or reassign_events.from_closer_id is not null and not exists (
            select from app.closers as c
             where c.organization_id = v_organization_id and c.id = reassign_events.from_closer_id) then
        raise exception using errcode = 'PT404', message = 'No such closer in this organization.';
    elsif not v_closer.is_active then
        raise exception using errcode = 'PT409', message = 'This closer is not active.',
            detail = format('%s takes no calls.', v_closer.name), hint = 'Choose another closer, or make this one active.';
    end if;
    if v_ids is null then
        v_ids := app.calls_to_hand_over(
            v_organization_id, reassign_events.from_closer_id, reassign_events.start_date, reassign_events.end_date);
        if v_ids = '{}' then
            return;
        end if;
    end if;
    return query
    select h.event_id, h.is_done, h.because from app.hand_over_calls(v_organization_id, app.require_ids(v_ids), v_closer.id) as h;
end;
$$;
comment on function api.reassign_events(uuid, uuid[], uuid, date, date, text, uuid) is $$Hand calls over to another closer
For owners and admins; `reason` is required. The calls in `event_ids`, in whatever state, or the scheduled calls of `from_closer_id` on
the local days from `start_date` to `end_date` (left out: open). Who a form says took a call keeps its credit.
Answers one row per call: `is_done`, and `because`, why it was or was not. PT409: the closer is not active. PT404: no such closer. PT422: no
reason, neither or both ways of naming calls, more than 10,000.$$;

-- api.delete_events, api.restore_events: calls that shall count nowhere, and that count again.
-- Callers:    owners and admins, super admins, through POST /rpc/delete_events and /rpc/restore_events.
-- Guarantees: a fixed number of statements for all calls, and one settlement for each lead of whom there is money: claims, deals,
--             attributions and credits follow in both directions. What a locked payout rests on stays, and is told.
-- Definer:    nobody may delete calls themselves; auth.require_admin finds the tenant and the right.
create or replace function api.delete_events(event_ids uuid[], reason text default null, organization_id uuid default null)
returns table (event_id uuid, is_done boolean, because text)
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(delete_events.organization_id);
    v_reason          constant text := app.require_reason(delete_events.reason);
begin
    return query
    select d.event_id, d.is_done, d.because
      from app.delete_calls(v_organization_id, app.require_ids(delete_events.event_ids), v_reason, now()) as d;
end;
$$;
comment on function api.delete_events(uuid[], text, uuid) is $$Delete calls
For owners and admins; `reason` is required. Nothing is lost: the calls are shown no more and count nowhere, and `restore_events` brings
them back. The money that their forms claim counts no more, their deals are void, and payments that no person decided are attributed
anew. Up to 10,000 at once.
Answers one row per id: `is_done`, and `because`, why it was or was not: what a locked payout rests on is not deleted, and the others
are. PT422: no reason, no ids.$$;

create or replace function api.restore_events(event_ids uuid[], reason text default null, organization_id uuid default null)
returns table (event_id uuid, is_done boolean, because text)
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(restore_events.organization_id);
begin
    perform app.require_reason(restore_events.reason);
    return query
    select r.event_id, r.is_done, r.because
      from app.restore_calls(v_organization_id, app.require_ids(restore_events.event_ids)) as r;
end;
$$;
comment on function api.restore_events(uuid[], text, uuid) is $$Restore deleted calls
For owners and admins; `reason` is required. They count again, with the claims and deals that they had; a call that was a duplicate is one
again. Answers one row per id: `is_done`, and `because`. PT422: no reason, no ids.$$;

grant execute on function
    api.create_event(timestamptz, uuid, text, text, text, uuid, uuid, timestamptz, timestamptz, uuid, uuid, uuid, text, text, text, uuid),
    api.update_event(uuid, jsonb, text, uuid), api.cancel_event(uuid, text, text, timestamptz, uuid),
    api.reschedule_event(uuid, timestamptz, timestamptz, uuid, uuid, uuid, text, text, uuid),
    api.reassign_events(uuid, uuid[], uuid, date, date, text, uuid), api.delete_events(uuid[], text, uuid),
    api.restore_events(uuid[], text, uuid)
    to authenticated, org_admin, super_admin;
