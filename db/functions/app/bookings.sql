-- Bookings of platforms: what they told, in whatever order, and the calls brought to what follows from it.
-- A message only adds to what is known (app.note_booking); what follows is then decided from all that is known
-- (app.settle_booking), so that the order in which messages arrive leaves no trace.
-- Internal: nobody but the owner may call these.

-- app.note_booking: add what one message tells of a booking.
-- told_at: the moment that the message describes; the newest that names hosts says who they are.
-- follows_booking_id, followed_by_booking_id: the booking whose place it takes, and the one that takes its place: either of the two
-- tells of both. rescheduled_at: another booking takes its place.
-- Answers whether the hosts are others now than they were known to be.
create or replace function app.note_booking(
    organization_id uuid, event_id uuid, provider text, booking_id text, told_at timestamptz, hosts text[],
    follows_booking_id text default null, followed_by_booking_id text default null, rescheduled_at timestamptz default null,
    canceled_at timestamptz default null, canceled_by text default null, cancel_reason text default null,
    no_show_marked_at timestamptz default null, no_show_withdrawn_at timestamptz default null
) returns boolean
language sql volatile
begin atomic
    insert into app.platform_bookings as b (
        organization_id, event_id, provider, booking_id, told_at, hosts, follows_booking_id, followed_by_booking_id,
        rescheduled_at, canceled_at, canceled_by, cancel_reason, no_show_marked_at, no_show_withdrawn_at)
    values (
        note_booking.organization_id, note_booking.event_id, note_booking.provider, note_booking.booking_id,
        note_booking.told_at, note_booking.hosts, note_booking.follows_booking_id, note_booking.followed_by_booking_id,
        note_booking.rescheduled_at, note_booking.canceled_at, note_booking.canceled_by, note_booking.cancel_reason,
        note_booking.no_show_marked_at, note_booking.no_show_withdrawn_at)
    on conflict on constraint platform_bookings_event_id_key do update
       set told_at = greatest(b.told_at, excluded.told_at),
           hosts = case when b.hosts = '{}' or excluded.told_at >= b.told_at and excluded.hosts <> '{}' then excluded.hosts
                        else b.hosts end,
           follows_booking_id = coalesce(b.follows_booking_id, excluded.follows_booking_id),
           followed_by_booking_id = coalesce(b.followed_by_booking_id, excluded.followed_by_booking_id),
           rescheduled_at = coalesce(b.rescheduled_at, excluded.rescheduled_at),
           canceled_at = coalesce(b.canceled_at, excluded.canceled_at),
           canceled_by = coalesce(b.canceled_by, excluded.canceled_by),
           cancel_reason = case when b.canceled_at is null then excluded.cancel_reason else b.cancel_reason end,
           no_show_marked_at = greatest(b.no_show_marked_at, excluded.no_show_marked_at),
           no_show_withdrawn_at = greatest(b.no_show_withdrawn_at, excluded.no_show_withdrawn_at)
    returning old.hosts <> new.hosts;
end;
comment on function app.note_booking(
    uuid, uuid, text, text, timestamptz, text[], text, text, timestamptz, timestamptz, text, text, timestamptz, timestamptz) is
    'Add what one message tells of a booking; answers whether its hosts are others now.';

-- app.settle_booking: bring a call to what its platform has told so far. steps: what moved and why; none when nothing did.
-- A rescheduled booking waits for its successor, which may have come before. A cancellation before a no-show rules the call even
-- if it arrives later; a no-show counts from its newest mark, while that is not withdrawn. What a person said stays.
create or replace function app.settle_booking(organization_id uuid, event_id uuid, out changed boolean, out steps jsonb)
language plpgsql volatile set search_path = '' as $$
declare
    b            app.platform_bookings;
    e            app.events;
    v_form       app.post_call_forms;
    v_successor  record;
    v_is_marked  boolean;
    m            record;
begin
    changed := false;
    steps := '[]';
    select t.* into b from app.platform_bookings as t
     where t.organization_id = settle_booking.organization_id and t.event_id = settle_booking.event_id;
    if not found then
        return;
    end if;
    select s.event_id, e2.booked_at into v_successor
      from (select f.event_id, f.booking_id from app.platform_bookings as f
             where f.organization_id = b.organization_id and f.provider = b.provider and f.follows_booking_id = b.booking_id
            union all
            select f.event_id, f.booking_id from app.platform_bookings as f
             where f.organization_id = b.organization_id and f.provider = b.provider and f.booking_id = b.followed_by_booking_id) as s
      join app.events as e2 on e2.organization_id = b.organization_id and e2.id = s.event_id and e2.deleted_at is null
     order by e2.booked_at, s.booking_id
     limit 1;
    if found or b.rescheduled_at is not null then
        m := app.reschedule_call(b.organization_id, b.event_id, v_successor.event_id,
                                 coalesce(v_successor.booked_at, b.rescheduled_at), actor => 'vendor');
        changed := m.changed;
        steps := jsonb_build_array(app.step('reschedule', m.call_status, m.because));
        return;
    end if;

    v_is_marked := coalesce(b.no_show_marked_at > coalesce(b.no_show_withdrawn_at, '-infinity'), false);
    e := app.lock_event(b.organization_id, b.event_id, even_deleted => true);
    select f.* into v_form from app.post_call_forms as f
     where f.organization_id = e.organization_id and f.event_id = e.id and f.is_active;
    if e.call_status = 'no_show' and not v_form.is_human and v_form.answers ->> 'cause' = 'vendor_no_show'
       and (not v_is_marked or v_form.submitted_at <> b.no_show_marked_at
            or b.canceled_at is not null and e.canceled_at is null) then
        m := app.withdraw_no_show(e.organization_id, e.id, coalesce(b.no_show_withdrawn_at, b.canceled_at, b.no_show_marked_at));
        changed := changed or m.changed;
        steps := steps || app.step('no-show', m.call_status, m.because);
    end if;
    if b.canceled_at is not null then
        m := app.cancel_call(e.organization_id, e.id, b.canceled_by, b.canceled_at, b.cancel_reason, actor => 'vendor');
        changed := changed or m.changed;
        steps := steps || app.step('cancellation', m.call_status, m.because);
    end if;
    if v_is_marked then
        m := app.report_no_show(e.organization_id, e.id, b.no_show_marked_at);
        changed := changed or m.changed;
        steps := steps || app.step('no-show', m.call_status, m.because);
    end if;
end;
$$;
comment on function app.settle_booking(uuid, uuid) is 'Bring a call to what its platform has told so far.';

-- app.platform_call_type: the type of calls that a platform knows by this id; made with its name when unknown, so that no booking
-- lacks its type. A type of that name without an id is taken to be it; a name that is another's gets the id's end added.
create or replace function app.platform_call_type(organization_id uuid, external_id text, name text, duration_minutes integer)
returns uuid
language plpgsql volatile set search_path = '' as $$
declare
    v_id   uuid;
    v_name constant text := coalesce(nullif(left(btrim(platform_call_type.name), 150), ''), 'Calls');
begin
    select t.id into v_id from app.call_types as t
     where t.organization_id = platform_call_type.organization_id and t.external_id = platform_call_type.external_id;
    if v_id is not null or platform_call_type.external_id is null then
        return v_id;
    end if;
    update app.call_types as t set external_id = platform_call_type.external_id
     where t.organization_id = platform_call_type.organization_id and t.name_norm = lower(v_name) and t.archived_at is null
       and t.external_id is null
    returning t.id into v_id;
    if v_id is not null then
        return v_id;
    end if;
    insert into app.call_types as t (organization_id, name, external_id, duration_minutes)
    select platform_call_type.organization_id, n.name, platform_call_type.external_id,
           least(greatest(coalesce(platform_call_type.duration_minutes, 60), 1), 1440)
      from (values (1, v_name), (2, v_name || ' (' || right(platform_call_type.external_id, 8) || ')'),
                   (3, v_name || ' (' || right(platform_call_type.external_id, 80) || ')')) as n (position, name)
     where not exists (select from app.call_types as o
                        where o.organization_id = platform_call_type.organization_id and o.archived_at is null
                          and o.name_norm = lower(n.name))
     order by n.position
     limit 1
    on conflict do nothing
    returning t.id into v_id;
    if v_id is null then
        select t.id into v_id from app.call_types as t
         where t.organization_id = platform_call_type.organization_id and t.external_id = platform_call_type.external_id;
    end if;
    return v_id;
end;
$$;
comment on function app.platform_call_type(uuid, text, text, integer) is
    'The type of calls that a platform knows by an id, made when unknown.';

-- app.complete_booking: give a call what a later message knows of its booking and an earlier one did not; nothing is replaced.
create or replace function app.complete_booking(
    organization_id uuid, event_id uuid, call_type_id uuid, utm jsonb, answers jsonb, setter_id uuid, setter_name text
) returns boolean
language plpgsql volatile set search_path = '' as $$
declare
    e app.events := app.lock_event(complete_booking.organization_id, complete_booking.event_id, even_deleted => true);
    n app.events := e;
begin
    n.call_type_id := coalesce(e.call_type_id, complete_booking.call_type_id);
    if jsonb_array_length(e.answers) = 0 then
        n.answers := complete_booking.answers;
    end if;
    if ('utm' = any (e.inherits) or coalesce(e.utm_source, e.utm_medium, e.utm_campaign, e.utm_term, e.utm_content) is null)
       and jsonb_strip_nulls(utm) <> '{}' then
        n.utm_source := utm ->> 'utm_source';
        n.utm_medium := utm ->> 'utm_medium';
        n.utm_campaign := utm ->> 'utm_campaign';
        n.utm_term := utm ->> 'utm_term';
        n.utm_content := utm ->> 'utm_content';
        n.inherits := array_remove(n.inherits, 'utm');
    end if;
    if complete_booking.setter_id is not null and (e.setter_id is null or 'setter' = any (e.inherits)) then
        n.setter_id := complete_booking.setter_id;
        n.setter_name := null;
        n.inherits := array_remove(n.inherits, 'setter');
    elsif e.setter_id is null then
        n.setter_name := coalesce(e.setter_name, complete_booking.setter_name);
    end if;
    if n is not distinct from e then
        return false;
    end if;
    update app.events as t
       set call_type_id = n.call_type_id, answers = n.answers, utm_source = n.utm_source, utm_medium = n.utm_medium,
           utm_campaign = n.utm_campaign, utm_term = n.utm_term, utm_content = n.utm_content, setter_id = n.setter_id,
           setter_name = coalesce(n.setter_name, (select s.name from app.setters as s
                                                   where s.organization_id = e.organization_id and s.id = n.setter_id)),
           inherits = n.inherits
     where t.organization_id = e.organization_id and t.id = e.id;
    perform app.teach_lead(e.organization_id, e.id);
    return true;
end;
$$;
comment on function app.complete_booking(uuid, uuid, uuid, jsonb, jsonb, uuid, text) is
    'Give a call what a later message knows of its booking.';
