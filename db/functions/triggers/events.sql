-- What every call keeps true, whoever writes it: it starts scheduled, moves only along app.event_transitions, knows its
-- chain, and is credited to the person who took it and the person who first booked it.
-- All are definers: API roles that may edit a call have no usage on schema app.

-- app.prepare_event: complete a new call before it is written.
-- Guarantees: it is scheduled; its root is its own or its predecessor's; a successor takes over the root's setter, UTM fields,
--             source and traffic type where it brings none; a source that nobody set comes from the rules; an end, a booking
--             time and text snapshots exist.
create or replace function app.prepare_event() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_root  app.events;
    v_known record;
begin
    if new.call_status <> 'scheduled' or new.event_outcome is not null or new.pcf_submitted or new.canceled_at is not null then
        raise exception using errcode = 'PT422', message = 'A new call starts scheduled.',
            hint = 'Insert it without status, outcome and cancellation, then record what happened to it.';
    end if;

    if new.rescheduled_from_id is null then
        new.root_event_id := new.id;
        new.credited_setter_id := new.setter_id;
    else
        select r.* into v_root
          from app.events as p
          join app.events as r on r.organization_id = p.organization_id and r.id = p.root_event_id
         where p.organization_id = new.organization_id and p.id = new.rescheduled_from_id;
        new := app.inherit_from_root(new, v_root);
    end if;
    if new.source_origin is null and coalesce(new.source_id, new.traffic_type_id) is not null then
        new.source_origin := 'manual';
    end if;
    -- Who set a source has decided: neither rules nor call type are asked.
    if new.source_origin is null or new.source_origin not in ('manual', 'crm') then
        new := app.with_source(new, v_root);
    end if;
    new.credited_closer_id := new.closer_id;

    if new.booked_at is null then
        new.booked_at := new.scheduled_at;
        new.is_booked_at_estimated := true;
    end if;
    select t.duration_minutes, l.full_name, l.email, l.phone, c.name as closer_name, s.name as setter_name into v_known
      from (select) as one
      left join app.call_types as t on t.organization_id = new.organization_id and t.id = new.call_type_id
      left join app.leads as l on l.organization_id = new.organization_id and l.id = new.lead_id
      left join app.closers as c on c.organization_id = new.organization_id and c.id = new.closer_id
      left join app.setters as s on s.organization_id = new.organization_id and s.id = new.setter_id;
    new.scheduled_end_at := coalesce(
        new.scheduled_end_at, new.scheduled_at + make_interval(mins => coalesce(v_known.duration_minutes, 60)));
    new.lead_name := coalesce(new.lead_name, v_known.full_name);
    new.lead_email := coalesce(new.lead_email, v_known.email);
    new.lead_phone := coalesce(new.lead_phone, v_known.phone);
    new.closer_name := coalesce(new.closer_name, v_known.closer_name);
    new.setter_name := coalesce(new.setter_name, v_known.setter_name);
    return new;
end;
$$;
comment on function app.prepare_event() is 'Completes a new call: scheduled, with its chain, end, credits and text snapshots.';

-- app.inherit_from_root: a successor as its chain makes it: setter and UTM fields of the root where the booking itself brought none.
-- root: NULL for a predecessor that does not exist, of which the foreign key then speaks.
create or replace function app.inherit_from_root(event app.events, root app.events) returns app.events
language plpgsql immutable set search_path = '' as $$
begin
    event.root_event_id := coalesce(root.id, event.rescheduled_from_id);
    event.credited_setter_id := root.setter_id;
    if event.setter_id is null or 'setter' = any (event.inherits) then
        event.setter_id := root.setter_id;
        event.setter_name := coalesce(root.setter_name, event.setter_name);
        event.inherits := array_remove(event.inherits, 'setter') || 'setter'::text;
    end if;
    if 'utm' = any (event.inherits)
       or coalesce(event.utm_source, event.utm_medium, event.utm_campaign, event.utm_term, event.utm_content) is null then
        event.utm_source := root.utm_source;
        event.utm_medium := root.utm_medium;
        event.utm_campaign := root.utm_campaign;
        event.utm_term := root.utm_term;
        event.utm_content := root.utm_content;
        event.inherits := array_remove(event.inherits, 'utm') || 'utm'::text;
    end if;
    return event;
end;
$$;
comment on function app.inherit_from_root(app.events, app.events) is 'A successor with what its chain''s first booking knew.';

-- app.guard_event: refuse what a call may never do, complete what a change implies.
-- Guarantees: state columns change only by an action that app.move_event has announced and app.event_transitions lists;
--             only a scheduled call changes its time; a chain link is set once and makes no circle. A setter or source that
--             somebody changes is the call's own from then on; whoever derives a source announces it in the setting
--             app.derives_source.
create or replace function app.guard_event() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_root      app.events;
    v_is_joined boolean := false;
begin
    -- Apart, so that rows whose state stays cost no look-up.
    if (new.call_status, new.event_outcome, new.pcf_submitted, new.canceled_at, new.canceled_by, new.cancel_reason)
       is distinct from
       (old.call_status, old.event_outcome, old.pcf_submitted, old.canceled_at, old.canceled_by, old.cancel_reason) then
        if not exists (
            select from app.event_transitions as t
             where t.from_status = old.call_status and t.to_status = new.call_status
               and t.action = current_setting('app.event_action', true)) then
            raise exception using errcode = '42501', message = 'The state of a call is not set by hand.',
                detail = format('From %s to %s.', old.call_status, new.call_status),
                hint = 'Submit a post-call form, cancel or reschedule the call.';
        end if;
    end if;

    if new.scheduled_at <> old.scheduled_at or new.scheduled_end_at <> old.scheduled_end_at then
        if old.call_status <> 'scheduled' then
            raise exception using errcode = 'PT409', message = 'Only a scheduled call can change its time.',
                detail = format('This call is %s.', old.call_status);
        elsif new.scheduled_end_at = old.scheduled_end_at then
            new.scheduled_end_at := old.scheduled_end_at + (new.scheduled_at - old.scheduled_at);
        end if;
    end if;

    if new.setter_id is distinct from old.setter_id then
        new.inherits := array_remove(new.inherits, 'setter');
    end if;
    if (new.source_id, new.traffic_type_id) is distinct from (old.source_id, old.traffic_type_id)
       and current_setting('app.derives_source', true) is distinct from 'on' then
        new.source_origin := 'manual';
    end if;
    if new.rescheduled_from_id is distinct from old.rescheduled_from_id then
        v_is_joined := true;
        select r.* into v_root
          from app.events as p
          join app.events as r on r.organization_id = p.organization_id and r.id = p.root_event_id
         where p.organization_id = new.organization_id and p.id = new.rescheduled_from_id;
        if old.rescheduled_from_id is not null or v_root.id = new.id then
            raise exception using errcode = 'PT409', message = 'A chain of rescheduled calls never branches.',
                detail = format('Call %s follows call %s.', new.id, old.rescheduled_from_id);
        end if;
    elsif new.root_event_id <> old.root_event_id
          or (new.utm_source, new.utm_medium, new.utm_campaign, new.utm_term, new.utm_content, new.referrer, new.answers,
              new.call_type_id) is distinct from
             (old.utm_source, old.utm_medium, old.utm_campaign, old.utm_term, old.utm_content, old.referrer, old.answers,
              old.call_type_id) then
        v_is_joined := new.root_event_id <> old.root_event_id;
        select r.* into v_root from app.events as r
         where r.organization_id = new.organization_id and r.id = new.root_event_id and r.id <> new.id;
        new := app.with_source(new, v_root);
    end if;
    if v_is_joined then
        new := app.with_source(app.inherit_from_root(new, v_root), v_root);
    end if;

    if new.closer_id is distinct from old.closer_id and new.closer_name is not distinct from old.closer_name then
        new.closer_name := (select c.name from app.closers as c
                             where c.organization_id = new.organization_id and c.id = new.closer_id);
    end if;
    if new.setter_id is distinct from old.setter_id and new.setter_name is not distinct from old.setter_name then
        new.setter_name := (select s.name from app.setters as s
                             where s.organization_id = new.organization_id and s.id = new.setter_id);
    end if;

    return new;
end;
$$;
comment on function app.guard_event() is 'Refuses state changes that no transition allows, and completes what a change implies.';

-- app.pass_on_event_people: after calls were changed, in sets: a chain joined to another takes its root, and none of its calls is a
-- duplicate of another; every call of a chain is credited to the root's setter; a call is credited to its closer unless a
-- person's form says who took it; what waited for a closer or a setter is done; money follows calls that changed (app.follow_calls),
-- and those that count no more, or again (app.follow_counting); what a locked payout rests on goes on counting.
-- Old and new versions meet in a full join, since that is never planned as a nested loop: a session keeps the plan that it made when
-- a statement changed one row, and ten thousand rows would each be compared with all the others.
create or replace function app.pass_on_event_people() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_moved    boolean;
    v_counts   boolean;
    v_followed boolean;
begin
    select coalesce(bool_or((n.closer_id, n.setter_id, n.root_event_id) is distinct from (o.closer_id, o.setter_id, o.root_event_id)), false),
           coalesce(bool_or((n.deleted_at is null and n.duplicate_of_id is null) <> (o.deleted_at is null and o.duplicate_of_id is null)), false),
           coalesce(bool_or((n.credited_closer_id, n.credited_setter_id, n.lead_id, n.call_status, n.event_outcome, n.scheduled_at,
                             n.source_id, n.traffic_type_id)
                            is distinct from
                            (o.credited_closer_id, o.credited_setter_id, o.lead_id, o.call_status, o.event_outcome, o.scheduled_at,
                             o.source_id, o.traffic_type_id)), false)
      into v_moved, v_counts, v_followed
      from new_rows as n
      full join old_rows as o on o.organization_id = n.organization_id and o.id = n.id;
    if v_followed then
        perform app.follow_calls(c.organization_id, c.event_ids, c.lead_ids || c.old_lead_ids, c.recredited_ids)
           from (select n.organization_id, array_agg(n.id) as event_ids,
                        coalesce(array_agg(n.lead_id) filter (where n.lead_id is not null), '{}') as lead_ids,
                        coalesce(array_agg(o.lead_id) filter (where o.lead_id <> n.lead_id or n.lead_id is null and o.lead_id is not null),
                                 '{}') as old_lead_ids,
                        coalesce(array_agg(n.id) filter (
                            where (n.credited_closer_id, n.credited_setter_id, n.lead_id)
                                  is distinct from (o.credited_closer_id, o.credited_setter_id, o.lead_id)), '{}') as recredited_ids
                   from new_rows as n
                   full join old_rows as o on o.organization_id = n.organization_id and o.id = n.id
                  where (n.credited_closer_id, n.credited_setter_id, n.lead_id, n.call_status, n.event_outcome, n.scheduled_at,
                         n.source_id, n.traffic_type_id)
                        is distinct from
                        (o.credited_closer_id, o.credited_setter_id, o.lead_id, o.call_status, o.event_outcome, o.scheduled_at,
                         o.source_id, o.traffic_type_id)
                  group by n.organization_id) as c;
    end if;
    if v_counts then
        if exists (
            select from (
                select n.organization_id, array_agg(n.id) as event_ids
                  from new_rows as n
                  full join old_rows as o on o.organization_id = n.organization_id and o.id = n.id
                 where (n.deleted_at is null and n.duplicate_of_id is null) < (o.deleted_at is null and o.duplicate_of_id is null)
                 group by n.organization_id) as c
             cross join app.locked_calls(c.organization_id, c.event_ids)) then
            raise exception using errcode = 'PT409', message = 'A locked payout rests on this call.',
                hint = 'Post the difference as an adjustment in the open period.';
        end if;
        perform app.follow_counting(c.organization_id, c.event_ids)
           from (select n.organization_id, array_agg(n.id) as event_ids
                   from new_rows as n
                   full join old_rows as o on o.organization_id = n.organization_id and o.id = n.id
                  where (n.deleted_at is null and n.duplicate_of_id is null) <> (o.deleted_at is null and o.duplicate_of_id is null)
                  group by n.organization_id) as c;
    end if;
    if not v_moved then
        return null;
    end if;

    with joined as materialized (
        select n.organization_id, n.id, n.root_event_id
          from new_rows as n
          full join old_rows as o on o.organization_id = n.organization_id and o.id = n.id
         where n.root_event_id is distinct from o.root_event_id
    )
    update app.events as e
       set root_event_id = j.root_event_id
      from joined as j
     where e.organization_id = j.organization_id and e.root_event_id = j.id and e.id <> j.id;

    with joined as materialized (
        select n.organization_id, n.root_event_id
          from new_rows as n
          full join old_rows as o on o.organization_id = n.organization_id and o.id = n.id
         where n.root_event_id is distinct from o.root_event_id
    )
    update app.events as e
       set duplicate_of_id = null
      from joined as j
      join app.events as c on c.organization_id = j.organization_id and c.root_event_id = j.root_event_id
     where e.organization_id = c.organization_id and e.duplicate_of_id = c.id and e.root_event_id = c.root_event_id;

    with rooted as materialized (
        select n.organization_id, n.root_event_id
          from new_rows as n
          full join old_rows as o on o.organization_id = n.organization_id and o.id = n.id
         where n.root_event_id is distinct from o.root_event_id
            or n.id = n.root_event_id and n.setter_id is distinct from o.setter_id
    )
    update app.events as e
       set credited_setter_id = r.setter_id
      from rooted as w
      join app.events as r on r.organization_id = w.organization_id and r.id = w.root_event_id
     where e.organization_id = r.organization_id and e.root_event_id = r.id
       and e.credited_setter_id is distinct from r.setter_id;

    with taken as materialized (
        select n.organization_id, n.id, n.closer_id
          from new_rows as n
          full join old_rows as o on o.organization_id = n.organization_id and o.id = n.id
         where n.closer_id is distinct from o.closer_id
    )
    update app.events as e
       set credited_closer_id = t.closer_id
      from taken as t
     where e.organization_id = t.organization_id and e.id = t.id
       and e.credited_closer_id is distinct from t.closer_id
       and not exists (
            select from app.post_call_forms as f
             where f.organization_id = t.organization_id and f.event_id = t.id
               and f.is_active and f.is_human and f.closer_id is not null);

    perform app.resolve_exception(n.organization_id, w.check_name, n.id::text)
       from new_rows as n
       full join old_rows as o on o.organization_id = n.organization_id and o.id = n.id
      cross join lateral (values ('unknown_host', o.closer_id is null and n.closer_id is not null),
                                 ('unknown_setter', o.setter_id is null and n.setter_id is not null)) as w (check_name, is_known)
      where w.is_known;
    return null;
end;
$$;
comment on function app.pass_on_event_people() is 'Passes changed people and chain links on to the credits of all calls concerned, and what counts on to money.';

create or replace trigger prepares_event before insert on app.events
    for each row execute function app.prepare_event();
create or replace trigger guards_event before update on app.events
    for each row execute function app.guard_event();
create or replace trigger passes_on_event_people after update on app.events
    referencing old table as old_rows new table as new_rows
    for each statement execute function app.pass_on_event_people();
