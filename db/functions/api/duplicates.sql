-- Duplicates, for admins: which of two bookings counts. Reasons go into the audit trail.
-- Definers: nobody may write the mark themselves; auth.require_admin finds the tenant and the right.

-- api.mark_duplicate, api.unmark_duplicate: a call is the same booking as another one, or is not.
-- Callers:    owners and admins, super admins, through POST /rpc/mark_duplicate and /rpc/unmark_duplicate.
-- Guarantees: all or nothing: claims, deals, attributions and credits follow, and come back when the mark is taken away.
-- Definer:    nobody may write the mark themselves; auth.require_admin finds the tenant and the right.
create or replace function api.mark_duplicate(
    event_id uuid, duplicate_of_id uuid, reason text default null, organization_id uuid default null
) returns api.events
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(mark_duplicate.organization_id);
begin
    perform app.require_reason(mark_duplicate.reason);
    perform app.mark_duplicate(v_organization_id, mark_duplicate.event_id, mark_duplicate.duplicate_of_id);
    return app.shown_event(v_organization_id, mark_duplicate.event_id);
end;
$$;
comment on function api.mark_duplicate(uuid, uuid, text, uuid) is $$Say that two calls are one booking
For owners and admins; `reason` is required. `event_id` is shown with `duplicate_of_id` and counts nowhere from then on: neither it, nor
the money that its form claims, nor its deal; payments that no person decided are attributed anew. Its form stays, and
`unmark_duplicate` brings everything back.
Answers the row of events. PT409: it is another call's duplicate, other calls are its duplicates, or a locked payout rests on it. PT422: no
reason, calls of one chain, an original that is a duplicate itself. PT404: no such call.$$;

create or replace function api.unmark_duplicate(event_id uuid, reason text default null, organization_id uuid default null)
returns api.events
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(unmark_duplicate.organization_id);
begin
    perform app.require_reason(unmark_duplicate.reason);
    perform app.unmark_duplicate(v_organization_id, unmark_duplicate.event_id);
    return app.shown_event(v_organization_id, unmark_duplicate.event_id);
end;
$$;
comment on function api.unmark_duplicate(uuid, text, uuid) is $$Say that a call is a booking of its own
For owners and admins; `reason` is required. It counts again, with the claim and the deal that it had; no rule marks it anew.
Answers the row of events. PT409: it is no duplicate. PT422: no reason. PT404: no such call.$$;

grant execute on function api.mark_duplicate(uuid, uuid, text, uuid), api.unmark_duplicate(uuid, text, uuid)
    to authenticated, org_admin, super_admin;
