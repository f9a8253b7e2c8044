-- Imported leads, calls and forms: history as it was, in the states and by the transitions that every call has.
-- Internal: nobody but the owner may call these.

-- app.import_leads: leads of a file: known by their key, else by their e-mail address, else by their phone number.
-- A lead that was here before the file keeps what it has and learns what it lacks; one that the file brought follows the file.
-- Rows of one address are one lead. A phone number or address of another lead is left out, and said.
create or replace function app.import_leads(organization_id uuid, rows jsonb) returns jsonb
language plpgsql volatile set search_path = '' as $$
#variable_conflict use_column
declare
    v_rows    jsonb;
    v_changed uuid[];
begin
    perform app.release_identities(import_leads.organization_id, r.fields ->> 'email', r.fields ->> 'phone')
       from jsonb_to_recordset(import_leads.rows) as r (fields jsonb)
      where exists (
            select from app.lead_identity_values(r.fields ->> 'email', r.fields ->> 'phone') as v
              join app.lead_identities as i
                on i.organization_id = import_leads.organization_id and i.kind = v.kind and i.value = v.value
              join app.leads as l on l.organization_id = i.organization_id and l.id = i.lead_id and l.deleted_at is not null);

    with read as (
        select r.n, r.fields, lower(btrim(r.fields ->> 'email')) as email, app.phone_identity(r.fields ->> 'phone') as phone,
               coalesce(k.merged_into_id, k.id) as keyed_id, k.deleted_at is not null and k.merged_into_id is null as is_deleted,
               coalesce(el.merged_into_id, el.id) as email_id, coalesce(pl.merged_into_id, pl.id) as phone_id
          from jsonb_to_recordset(import_leads.rows) as r (n bigint, row_id uuid, fields jsonb)
          left join app.leads as k on k.organization_id = import_leads.organization_id and k.id = r.row_id
          left join app.lead_identities as e
            on e.organization_id = import_leads.organization_id and e.kind = 'email' and e.value = lower(btrim(r.fields ->> 'email'))
          left join app.leads as el on el.organization_id = e.organization_id and el.id = e.lead_id
          left join app.lead_identities as p
            on p.organization_id = import_leads.organization_id and p.kind = 'phone' and p.value = app.phone_identity(r.fields ->> 'phone')
          left join app.leads as pl on pl.organization_id = p.organization_id and pl.id = p.lead_id
    ), known as (
        select r.*, coalesce(r.keyed_id, r.email_id, case when r.email is null then r.phone_id end) as lead_id
          from read as r
    ), grouped as (
        -- Rows of one person: those of one lead, of one address, or without an address of one number.
        select k.*, min(k.n) over (partition by coalesce(
                    k.lead_id::text, k.email, case when not k.fields ?| array['id', 'external_id'] then k.phone end, k.n::text)) as first_n
          from known as k
    ), placed as (
        select g.*,
               coalesce(g.lead_id, case when g.first_n <> g.n then null
                    when g.fields ->> 'id' is not null and not exists (
                        select from app.leads as l
                         where l.organization_id = import_leads.organization_id and l.id = (g.fields ->> 'id')::uuid)
                        then (g.fields ->> 'id')::uuid
                    else uuidv7() end) as id,
               g.email_id is null and g.email is not null
                    and min(g.n) over (partition by g.email) <> g.first_n or g.email_id <> g.lead_id as is_email_taken,
               g.phone_id is not null and g.phone_id is distinct from g.lead_id
                    or min(g.first_n) over (partition by g.phone) <> g.first_n as is_phone_taken
          from grouped as g
    )
    select jsonb_agg(jsonb_build_object(
               'n', p.n, 'first_n', p.first_n, 'id', p.id,
               'step', case when p.is_deleted then 'deleted' when p.first_n <> p.n then 'repeated'
                            when p.keyed_id is not null then 'follow' when p.lead_id is not null then 'complete' else 'insert' end,
               'note', case when p.email is not null and p.is_email_taken then 'email'
                            when p.phone is not null and p.is_phone_taken then 'phone' end,
               'fields', p.fields - case when p.email is not null and p.is_email_taken then 'email' else '' end
                                  - case when p.phone is not null and p.is_phone_taken then 'phone' else '' end))
      into v_rows
      from placed as p;

    insert into app.leads (
        organization_id, id, full_name, email, phone, source_id, traffic_type_id, original_setter_id, original_setter_name,
        current_setter_id, current_setter_name, is_test, ghl_contact_id, hubspot_contact_id, close_lead_id, source_origin, created_at)
    select import_leads.organization_id, r.id, f.full_name, f.email, f.phone, f.source, f.traffic_type, f.original_setter,
           coalesce(f.original_setter_name, f.unknown_original_setter, o.name), f.current_setter,
           coalesce(f.current_setter_name, f.unknown_current_setter, c.name), coalesce(f.is_test, false), f.ghl_contact_id,
           f.hubspot_contact_id, f.close_lead_id, case when coalesce(f.source, f.traffic_type) is not null then 'crm' end,
           coalesce(f.created_at, now())
      from jsonb_to_recordset(v_rows) as r (n bigint, id uuid, step text, fields jsonb)
     cross join lateral jsonb_to_record(r.fields) as f (
        full_name text, email text, phone text, source uuid, traffic_type uuid, original_setter uuid, original_setter_name text,
        unknown_original_setter text, current_setter uuid, current_setter_name text, unknown_current_setter text, is_test boolean,
        ghl_contact_id text, hubspot_contact_id text, close_lead_id text, created_at timestamptz)
      left join app.setters as o on o.organization_id = import_leads.organization_id and o.id = f.original_setter
      left join app.setters as c on c.organization_id = import_leads.organization_id and c.id = f.current_setter
     where r.step = 'insert'
     order by r.n;

    with changed as (
        update app.leads as l
           set full_name = w.full_name, email = w.email, phone = w.phone, source_id = w.source_id, traffic_type_id = w.traffic_type_id,
               source_origin = case when (w.source_id, w.traffic_type_id) is distinct from (l.source_id, l.traffic_type_id)
                                    then 'crm' else l.source_origin end,
               original_setter_id = w.original_setter_id, original_setter_name = w.original_setter_name,
               current_setter_id = w.current_setter_id, is_test = w.is_test, ghl_contact_id = w.ghl_contact_id,
               hubspot_contact_id = w.hubspot_contact_id, close_lead_id = w.close_lead_id
          from (select o.id, i.is_ruled,
                       case when i.is_ruled then coalesce(f.full_name, o.full_name) else coalesce(o.full_name, f.full_name) end as full_name,
                       case when i.is_ruled then coalesce(f.email, o.email) else coalesce(o.email, f.email) end as email,
                       case when i.is_ruled then coalesce(f.phone, o.phone) else coalesce(o.phone, f.phone) end as phone,
                       case when i.is_ruled then coalesce(f.source, o.source_id) else coalesce(o.source_id, f.source) end as source_id,
                       case when i.is_ruled then coalesce(f.traffic_type, o.traffic_type_id)
                            else coalesce(o.traffic_type_id, f.traffic_type) end as traffic_type_id,
                       coalesce(o.original_setter_id, f.original_setter) as original_setter_id,
                       case when o.original_setter_id is null and f.original_setter is not null then s.name
                            else coalesce(o.original_setter_name, f.original_setter_name, f.unknown_original_setter) end as original_setter_name,
                       case when i.is_ruled then coalesce(f.current_setter, o.current_setter_id)
                            else coalesce(o.current_setter_id, f.current_setter) end as current_setter_id,
                       case when i.is_ruled then coalesce(f.is_test, o.is_test) else o.is_test end as is_test,
                       coalesce(o.ghl_contact_id, f.ghl_contact_id) as ghl_contact_id,
                       coalesce(o.hubspot_contact_id, f.hubspot_contact_id) as hubspot_contact_id,
                       coalesce(o.close_lead_id, f.close_lead_id) as close_lead_id
                  from jsonb_to_recordset(v_rows) as r (id uuid, step text, fields jsonb)
                 cross join lateral jsonb_to_record(r.fields) as f (
                    full_name text, email text, phone text, source uuid, traffic_type uuid, original_setter uuid,
                    original_setter_name text, unknown_original_setter text, current_setter uuid, is_test boolean,
                    ghl_contact_id text, hubspot_contact_id text, close_lead_id text)
                 cross join lateral (select r.step = 'follow' as is_ruled) as i
                  join app.leads as o on o.organization_id = import_leads.organization_id and o.id = r.id
                  left join app.setters as s on s.organization_id = o.organization_id and s.id = f.original_setter
                 where r.step in ('follow', 'complete')) as w
         where l.organization_id = import_leads.organization_id and l.id = w.id
           and (l.full_name, l.email, l.phone, l.source_id, l.traffic_type_id, l.original_setter_id, l.original_setter_name,
                l.current_setter_id, l.is_test, l.ghl_contact_id, l.hubspot_contact_id, l.close_lead_id)
               is distinct from
               (w.full_name, w.email, w.phone, w.source_id, w.traffic_type_id, w.original_setter_id, w.original_setter_name,
                w.current_setter_id, w.is_test, w.ghl_contact_id, w.hubspot_contact_id, w.close_lead_id)
        returning l.id
    )
    select array_agg(c.id) into v_changed from changed as c;

    perform app.report_unknown_people(import_leads.organization_id, 'leads', (
        select jsonb_agg(jsonb_build_object('role', 'setter', 'name', u.name, 'row_id', r.id))
          from jsonb_to_recordset(v_rows) as r (id uuid, step text, fields jsonb)
         cross join lateral (values (r.fields ->> 'unknown_original_setter'), (r.fields ->> 'unknown_current_setter')) as u (name)
         where u.name is not null and r.id is not null));
    return (
        select jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
                   'n', r.n, 'row_id', coalesce(r.id, f.id),
                   'outcome', case when r.step = 'insert' then 'inserted' when r.step in ('follow', 'complete') and r.id = any (v_changed)
                                   then 'updated' else 'unchanged' end,
                   'field', case r.step when 'deleted' then 'external_id' when 'repeated' then 'email' else r.note end,
                   'sentence', case when r.step = 'deleted' then 'The lead was deleted here and stays so.'
                                    when r.step = 'repeated' then format('It is the same person as row %s and is one lead here.', r.first_n)
                                    when r.note = 'email' then 'Another lead is known by this address; it was left out.'
                                    when r.note = 'phone' then 'Another lead is known by this number; it was left out.' end)))
          from jsonb_to_recordset(v_rows) as r (n bigint, id uuid, step text, first_n bigint, note text)
          left join jsonb_to_recordset(v_rows) as f (n bigint, id uuid) on f.n = r.first_n);
end;
$$;
comment on function app.import_leads(uuid, jsonb) is 'Leads of a file, known by key, address or number.';

-- app.imported_state: the state that a row of a file says a call was in: status and outcome that go together.
-- A call that is said to be completed, without saying how it ended, ended without an offer; an outcome of a canceled or
-- rescheduled call is dropped. Only what is read leniently needs that: note says it.
create or replace function app.imported_state(status text, outcome text, out call_status text, out event_outcome text, out note text)
language sql immutable parallel safe
begin atomic
    select case when s.status in ('canceled', 'rescheduled') then s.status
                when s.outcome = 'no_show' or s.outcome is null and s.status = 'no_show' then 'no_show'
                when s.outcome is not null or s.status = 'completed' then 'completed'
                else coalesce(s.status, 'scheduled') end,
           case when s.status in ('canceled', 'rescheduled') then null
                when s.outcome is null then case s.status when 'completed' then 'showed_no_offer' when 'no_show' then 'no_show' end
                else s.outcome end,
           case when s.status in ('canceled', 'rescheduled') and s.outcome is not null
                    then format('A %s call has no outcome: %s was dropped.', s.status, s.outcome)
                when s.status = 'completed' and s.outcome is null then 'Completed, and it does not say how: showed_no_offer was taken.'
                when s.status in ('scheduled', 'completed', 'no_show')
                     and s.outcome is not null and (s.status <> case s.outcome when 'no_show' then 'no_show' else 'completed' end)
                    then format('Status %s and outcome %s contradict each other: the outcome was taken.', s.status, s.outcome) end
      from (select imported_state.status, imported_state.outcome) as s;
end;
comment on function app.imported_state(text, text) is 'The state that a row of a file says a call was in.';

-- app.import_events: calls of a file, with what became of them.
-- Each is made scheduled and then moved by the transitions that every call has, in sets: a held call gets the form that stands for
-- what the file says (submitted_via import), until the form itself is imported or a person submits one.
-- A call that is here already, by key or by its platform's id, changes its people and facts as the file says, and moves on where
-- a transition leads there; what a form or a platform has said stays. Leads are found or made by e-mail and phone.
create or replace function app.import_events(organization_id uuid, rows jsonb) returns jsonb
language plpgsql volatile set search_path = '' as $$
#variable_conflict use_column
declare
    v_rows    jsonb;
    v_leads   jsonb;
    v_changed uuid[];
    v_moved   uuid[];
    v_linked  jsonb;
begin
    v_leads := app.import_leads(import_events.organization_id, (
        select jsonb_agg(jsonb_build_object('n', r.n, 'fields', jsonb_strip_nulls(jsonb_build_object(
                   'email', r.fields ->> 'lead_email', 'phone', r.fields ->> 'lead_phone', 'full_name', r.fields ->> 'lead_name')))
                   order by r.n)
          from jsonb_to_recordset(import_events.rows) as r (n bigint, row_id uuid, fields jsonb)
         where r.fields ->> 'lead' is null
           and (r.fields ? 'lead_email' or app.phone_identity(r.fields ->> 'lead_phone') is not null)));

    select jsonb_agg(jsonb_build_object(
               'n', m.n, 'key', m.key, 'content', m.content, 'id', coalesce(m.known_id, case when m.first_n <> m.n then null
                    when m.given_id is not null and not exists (
                        select from app.events as e where e.organization_id = import_events.organization_id and e.id = m.given_id)
                        then m.given_id else uuidv7() end),
               'step', case when m.first_n <> m.n then 'refused' when m.is_deleted then 'deleted'
                            when m.keyed_id is not null then 'follow' when m.known_id is not null then 'complete' else 'insert' end,
               'first_n', m.first_n, 'note', m.note,
               'fields', m.fields || jsonb_strip_nulls(jsonb_build_object(
                    'lead', m.lead_id, 'call_status', m.call_status, 'event_outcome', m.event_outcome))))
      into v_rows
      from (select r.n, r.key, r.content, r.fields - 'event_outcome' as fields, (r.fields ->> 'id')::uuid as given_id, k.id as keyed_id,
                   coalesce(k.id, b.id) as known_id, coalesce(k.deleted_at, b.deleted_at) is not null as is_deleted,
                   min(r.n) over (partition by coalesce(
                        k.id::text, b.id::text, 'invitee ' || (r.fields ->> 'calendly_invitee_uuid'),
                        'booking ' || coalesce(r.fields ->> 'provider', '') || ' ' || (r.fields ->> 'provider_booking_id'), 'row ' || r.n)) as first_n,
                   coalesce(r.fields ->> 'lead', l.row_id::text) as lead_id, s.call_status, s.event_outcome, s.note
              from jsonb_to_recordset(import_events.rows) as r (n bigint, key text, content text, row_id uuid, fields jsonb)
             cross join lateral app.imported_state(r.fields ->> 'call_status', r.fields ->> 'event_outcome') as s
              left join app.events as k on k.organization_id = import_events.organization_id and k.id = r.row_id
              left join lateral (
                select e.id, e.deleted_at from app.events as e
                 where e.organization_id = import_events.organization_id and e.calendly_invitee_uuid = r.fields ->> 'calendly_invitee_uuid'
                union
                select e.id, e.deleted_at from app.events as e
                 where e.organization_id = import_events.organization_id
                   and e.provider = coalesce(r.fields ->> 'provider', case when r.fields ? 'calendly_invitee_uuid' then 'calendly' else 'import' end)
                   and e.provider_booking_id = coalesce(r.fields ->> 'provider_booking_id', r.fields ->> 'calendly_invitee_uuid')
                 limit 1) as b on k.id is null
              left join jsonb_to_recordset(v_leads) as l (n bigint, row_id uuid) on l.n = r.n) as m;

    insert into app.events (
        organization_id, id, lead_id, lead_name, lead_email, lead_phone, closer_id, closer_name, setter_id, setter_name, source_id,
        traffic_type_id, call_type_id, scheduled_at, scheduled_end_at, booked_at, is_booked_at_estimated, provider,
        provider_booking_id, calendly_event_uuid, calendly_invitee_uuid, utm_source, utm_medium, utm_campaign, utm_term, utm_content,
        notes, ghl_contact_id, hubspot_contact_id, close_lead_id, created_at)
    select import_events.organization_id, r.id, f.lead, f.lead_name, f.lead_email, f.lead_phone, f.closer,
           coalesce(f.closer_name, f.unknown_closer), f.setter, coalesce(f.setter_name, f.unknown_setter), f.source, f.traffic_type,
           f.call_type, f.scheduled_at, f.scheduled_end_at, coalesce(f.booked_at, f.created_at, f.scheduled_at), f.booked_at is null,
           coalesce(f.provider, case when f.calendly_invitee_uuid is not null then 'calendly' else 'import' end),
           coalesce(f.provider_booking_id, f.calendly_invitee_uuid), f.calendly_event_uuid, f.calendly_invitee_uuid, f.utm_source,
           f.utm_medium, f.utm_campaign, f.utm_term, f.utm_content, f.notes, f.ghl_contact_id, f.hubspot_contact_id, f.close_lead_id,
           coalesce(f.created_at, now())
      from jsonb_to_recordset(v_rows) as r (n bigint, id uuid, step text, fields jsonb)
     cross join lateral jsonb_to_record(r.fields) as f (
        lead uuid, lead_name text, lead_email text, lead_phone text, closer uuid, closer_name text, unknown_closer text, setter uuid,
        setter_name text, unknown_setter text, source uuid, traffic_type uuid, call_type uuid, scheduled_at timestamptz,
        scheduled_end_at timestamptz, booked_at timestamptz, created_at timestamptz, provider text, provider_booking_id text,
        calendly_event_uuid text, calendly_invitee_uuid text, utm_source text, utm_medium text, utm_campaign text, utm_term text,
        utm_content text, notes text, ghl_contact_id text, hubspot_contact_id text, close_lead_id text)
     where r.step = 'insert'
     order by r.n;

    with changed as (
        update app.events as e
           set lead_id = w.lead_id, closer_id = w.closer_id, setter_id = w.setter_id, source_id = w.source_id,
               traffic_type_id = w.traffic_type_id, call_type_id = w.call_type_id, notes = w.notes,
               scheduled_at = w.scheduled_at, scheduled_end_at = w.scheduled_end_at, ghl_contact_id = w.ghl_contact_id,
               hubspot_contact_id = w.hubspot_contact_id, close_lead_id = w.close_lead_id
          from (select o.id, coalesce(o.lead_id, f.lead) as lead_id,
                       case when i.is_ruled then coalesce(f.closer, o.closer_id) else coalesce(o.closer_id, f.closer) end as closer_id,
                       case when i.is_ruled then coalesce(f.setter, o.setter_id) else coalesce(o.setter_id, f.setter) end as setter_id,
                       case when i.is_ruled then coalesce(f.source, o.source_id) else coalesce(o.source_id, f.source) end as source_id,
                       case when i.is_ruled then coalesce(f.traffic_type, o.traffic_type_id)
                            else coalesce(o.traffic_type_id, f.traffic_type) end as traffic_type_id,
                       case when i.is_ruled then coalesce(f.call_type, o.call_type_id)
                            else coalesce(o.call_type_id, f.call_type) end as call_type_id,
                       case when i.is_ruled then coalesce(f.notes, o.notes) else coalesce(o.notes, f.notes) end as notes,
                       case when i.is_ruled and o.call_status = 'scheduled' then f.scheduled_at else o.scheduled_at end as scheduled_at,
                       case when i.is_ruled and o.call_status = 'scheduled'
                            then coalesce(f.scheduled_end_at, f.scheduled_at + (o.scheduled_end_at - o.scheduled_at))
                            else o.scheduled_end_at end as scheduled_end_at,
                       coalesce(o.ghl_contact_id, f.ghl_contact_id) as ghl_contact_id,
                       coalesce(o.hubspot_contact_id, f.hubspot_contact_id) as hubspot_contact_id,
                       coalesce(o.close_lead_id, f.close_lead_id) as close_lead_id
                  from jsonb_to_recordset(v_rows) as r (id uuid, step text, fields jsonb)
                 cross join lateral jsonb_to_record(r.fields) as f (
                    lead uuid, closer uuid, setter uuid, source uuid, traffic_type uuid, call_type uuid, notes text,
                    scheduled_at timestamptz, scheduled_end_at timestamptz, ghl_contact_id text, hubspot_contact_id text, close_lead_id text)
                 cross join lateral (select r.step = 'follow' as is_ruled) as i
                  join app.events as o on o.organization_id = import_events.organization_id and o.id = r.id
                 where r.step in ('follow', 'complete')) as w
         where e.organization_id = import_events.organization_id and e.id = w.id
           and (e.lead_id, e.closer_id, e.setter_id, e.source_id, e.traffic_type_id, e.call_type_id, e.notes, e.scheduled_at,
                e.scheduled_end_at, e.ghl_contact_id, e.hubspot_contact_id, e.close_lead_id)
               is distinct from
               (w.lead_id, w.closer_id, w.setter_id, w.source_id, w.traffic_type_id, w.call_type_id, w.notes, w.scheduled_at,
                w.scheduled_end_at, w.ghl_contact_id, w.hubspot_contact_id, w.close_lead_id)
        returning e.id
    )
    select array_agg(c.id) into v_changed from changed as c;

    perform app.refresh_statistics();
    v_moved := app.move_imported_events(import_events.organization_id, v_rows);
    v_linked := app.link_imported_events(import_events.organization_id, v_rows);

    perform app.teach_leads(import_events.organization_id, array(
        select (array_agg(e.id order by e.booked_at desc, e.id desc))[1]
          from jsonb_to_recordset(v_rows) as r (id uuid, step text)
          join app.events as e on e.organization_id = import_events.organization_id and e.id = r.id
         where r.step = 'insert' and e.lead_id is not null
           and (e.setter_id is not null and not 'setter' = any (e.inherits) or coalesce(e.source_id, e.traffic_type_id) is not null)
         group by e.lead_id));
    perform app.mark_duplicate(import_events.organization_id, e.id, d.id)
       from jsonb_to_recordset(v_rows) as r (id uuid, step text)
       join app.events as e on e.organization_id = import_events.organization_id and e.id = r.id and e.call_status = 'scheduled'
       join lateral (select c.candidate_id as id from app.duplicate_candidates(e.organization_id, e.id) as c
                      where c.is_certain and c.candidate_id < e.id order by c.candidate_id limit 1) as d on true
      where r.step = 'insert';
    perform app.report_unknown_people(import_events.organization_id, 'events', (
        select jsonb_agg(jsonb_build_object('role', u.role, 'name', u.name, 'row_id', r.id))
          from jsonb_to_recordset(v_rows) as r (id uuid, step text, fields jsonb)
         cross join lateral (values ('closer', r.fields ->> 'unknown_closer'), ('setter', r.fields ->> 'unknown_setter')) as u (role, name)
         where u.name is not null and r.step in ('insert', 'follow', 'complete')));
    perform app.resolve_known_people(import_events.organization_id);

    return (
        select jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
                   'n', r.n, 'row_id', r.id,
                   'outcome', case r.step when 'insert' then 'inserted' when 'refused' then 'refused' when 'deleted' then 'unchanged'
                        else case when r.id = any (v_changed) or r.id = any (v_moved) or l.is_linked then 'updated' else 'unchanged' end end,
                   'field', case when r.step in ('refused', 'deleted') then 'external_id' when l.sentence is not null then 'rescheduled_from'
                                 when m.sentence is not null then 'call_status' end,
                   'sentence', case r.step when 'refused' then format('Row %s is the same booking.', r.first_n)
                                           when 'deleted' then 'The call was deleted here and stays so.'
                                           else coalesce(l.sentence, m.sentence) end)))
          from jsonb_to_recordset(v_rows) as r (n bigint, id uuid, step text, first_n bigint, note text, fields jsonb)
          left join jsonb_to_recordset(v_linked) as l (n bigint, is_linked boolean, sentence text) on l.n = r.n
          left join app.events as e on e.organization_id = import_events.organization_id and e.id = r.id
         cross join lateral (
            select coalesce(case when r.fields ? 'call_status' and e.call_status <> r.fields ->> 'call_status'
                                      and not (e.call_status = 'rescheduled' or r.fields ->> 'call_status' = 'scheduled')
                                 then format('The call is %s here, which a file does not undo.', e.call_status) end, r.note) as sentence) as m);
end;
$$;
comment on function app.import_events(uuid, jsonb) is 'Calls of a file, with what became of them.';

-- app.move_imported_events: bring calls to the states that a file says, in sets and by the transitions that every call has.
-- A held call whose form a file made changes that form; one with any other form stays as that form says. Answers whom it moved.
create or replace function app.move_imported_events(organization_id uuid, rows jsonb) returns uuid[]
language plpgsql volatile set search_path = '' as $$
#variable_conflict use_column
declare
    v_action text;
    v_moves  jsonb;
    v_moved  uuid[] := '{}';
begin
    select jsonb_agg(jsonb_build_object(
               'id', e.id, 'call_status', r.fields ->> 'call_status', 'event_outcome', r.fields ->> 'event_outcome',
               'at', coalesce(r.fields ->> 'canceled_at', e.scheduled_at::text), 'by', coalesce(r.fields ->> 'canceled_by', 'invitee'),
               'reason', r.fields ->> 'cancel_reason', 'closer_id', e.closer_id, 'scheduled_end_at', e.scheduled_end_at, 'form_id', f.id,
               'action', case
                   when r.fields ->> 'call_status' in ('completed', 'no_show') then 'form'
                   when r.fields ->> 'call_status' = 'rescheduled' then 'reschedule'
                   else coalesce(r.fields ->> 'canceled_by', 'invitee') || '_cancels' end))
      into v_moves
      from jsonb_to_recordset(move_imported_events.rows) as r (id uuid, step text, fields jsonb)
      join app.events as e on e.organization_id = move_imported_events.organization_id and e.id = r.id
      left join app.post_call_forms as f on f.organization_id = e.organization_id and f.event_id = e.id and f.is_active
     where r.step in ('insert', 'follow', 'complete')
       and (e.call_status, e.event_outcome) is distinct from (r.fields ->> 'call_status', r.fields ->> 'event_outcome')
       and case r.fields ->> 'call_status'
               when 'scheduled' then false
               when 'completed' then e.call_status in ('scheduled', 'canceled') or f.answers ->> 'cause' = 'import' and e.call_status <> 'rescheduled'
               when 'no_show' then e.call_status = 'scheduled'
                                   or f.answers ->> 'cause' = 'import' and e.call_status in ('completed', 'no_show')
               when 'rescheduled' then e.call_status in ('scheduled', 'canceled')
               else e.call_status = 'scheduled' end;
    if v_moves is null then
        return v_moved;
    end if;

    -- The form of a held call: what the outcome says, at its end.
    update app.post_call_forms as f
       set call_occurred = m.call_status = 'completed', lead_showed = m.call_status = 'completed',
           offer_made = m.event_outcome in ('showed_offer', 'closed'), deal_closed = m.event_outcome = 'closed',
           non_occurrence_reason = case m.call_status when 'no_show' then 'lead_no_show' end
      from jsonb_to_recordset(v_moves) as m (form_id uuid, action text, call_status text, event_outcome text)
     where m.action = 'form' and f.organization_id = move_imported_events.organization_id and f.id = m.form_id;
    insert into app.post_call_forms (
        organization_id, event_id, closer_id, version, submitted_via, submitted_at, submitted_by, call_occurred, lead_showed,
        offer_made, deal_closed, non_occurrence_reason, answers)
    select move_imported_events.organization_id, m.id, m.closer_id,
           1 + coalesce((select max(p.version) from app.post_call_forms as p
                          where p.organization_id = move_imported_events.organization_id and p.event_id = m.id), 0),
           'import', least(m.scheduled_end_at, now()), auth.uid(), m.call_status = 'completed', m.call_status = 'completed',
           m.event_outcome in ('showed_offer', 'closed'), m.event_outcome = 'closed',
           case m.call_status when 'no_show' then 'lead_no_show' end, '{"cause": "import"}'
      from jsonb_to_recordset(v_moves) as m (
        id uuid, form_id uuid, action text, closer_id uuid, scheduled_end_at timestamptz, call_status text, event_outcome text)
     where m.action = 'form' and m.form_id is null;

    foreach v_action in array array['form', 'invitee_cancels', 'host_cancels', 'reschedule'] loop
        perform set_config('app.event_action', v_action, true);
        with moved as (
            update app.events as e
               set call_status = m.call_status, event_outcome = m.event_outcome,
                   pcf_submitted = e.pcf_submitted or v_action = 'form',
                   credited_closer_id = case when v_action = 'form' then m.closer_id else e.credited_closer_id end,
                   canceled_at = case when v_action like '%cancels' then m.at else e.canceled_at end,
                   canceled_by = case when v_action like '%cancels' then m.by else e.canceled_by end,
                   cancel_reason = case when v_action like '%cancels' then m.reason else e.cancel_reason end
              from jsonb_to_recordset(v_moves) as m (
                id uuid, action text, call_status text, event_outcome text, closer_id uuid, at timestamptz, by text, reason text)
             where m.action = v_action and e.organization_id = move_imported_events.organization_id and e.id = m.id
            returning e.id
        )
        select v_moved || coalesce(array_agg(m.id), '{}') into v_moved from moved as m;
    end loop;
    perform set_config('app.event_action', '', true);
    return v_moved;
end;
$$;
comment on function app.move_imported_events(uuid, jsonb) is 'Bring calls to the states that a file says; answers whom it moved.';

-- app.link_imported_events: chains of rescheduled calls, by the external ids of the calls they follow, in any order of rows:
-- a successor whose predecessor has not come waits for it. A predecessor that was held stays so, and the later call stands alone.
-- Answers [{"n", "is_linked", "sentence"}].
create or replace function app.link_imported_events(organization_id uuid, rows jsonb) returns jsonb
language plpgsql volatile set search_path = '' as $$
#variable_conflict use_column
declare
    v_links  jsonb;
    v_next   uuid[];
    v_answer jsonb;
begin
    -- What the rows say themselves, and what earlier rows waited for.
    with arrived as (
        select r.n, r.key, r.id, r.fields from jsonb_to_recordset(link_imported_events.rows) as r (n bigint, key text, id uuid, step text, fields jsonb)
         where r.step in ('insert', 'follow', 'complete')
    ), said as (
        select a.n, a.id as successor_id, coalesce(b.id, k.row_id, e.id) as predecessor_id, a.fields ->> 'rescheduled_from' as follows
          from arrived as a
          left join arrived as b on b.key = a.fields ->> 'rescheduled_from'
          left join app.import_keys as k
            on k.organization_id = link_imported_events.organization_id and k.entity = 'events' and k.external_id = a.fields ->> 'rescheduled_from'
          left join app.events as e
            on e.organization_id = link_imported_events.organization_id
           and e.id = case when pg_input_is_valid(a.fields ->> 'rescheduled_from', 'uuid') then (a.fields ->> 'rescheduled_from')::uuid end
         where a.fields ? 'rescheduled_from'
        union all
        select null, k.row_id, a.id, null
          from arrived as a
          join app.import_keys as k
            on k.organization_id = link_imported_events.organization_id and k.entity = 'events' and k.follows = a.key
    )
    select jsonb_agg(jsonb_build_object(
               'n', s.n, 'successor_id', s.successor_id, 'predecessor_id', s.predecessor_id, 'follows', s.follows,
               'step', case
                   when s.predecessor_id is null then 'wait'
                   when s.rescheduled_from_id = s.predecessor_id then 'done'
                   when s.rescheduled_from_id is not null or s.nth > 1 or s.predecessor_id = s.successor_id
                        or exists (select from app.events as o where o.organization_id = link_imported_events.organization_id
                                      and o.rescheduled_from_id = s.predecessor_id) then 'branch'
                   when s.call_status in ('completed', 'no_show') then 'held'
                   else 'link' end))
      into v_links
      from (select s.*, e.rescheduled_from_id, p.call_status,
                   row_number() over (partition by s.predecessor_id, s.predecessor_id is null order by s.n nulls first, s.successor_id) as nth
              from said as s
              join app.events as e on e.organization_id = link_imported_events.organization_id and e.id = s.successor_id
              left join app.events as p on p.organization_id = link_imported_events.organization_id and p.id = s.predecessor_id) as s;
    if v_links is null then
        return '[]';
    end if;

    perform set_config('app.event_action', 'reschedule', true);
    update app.events as e set call_status = 'rescheduled', event_outcome = null
      from jsonb_to_recordset(v_links) as l (predecessor_id uuid, step text)
     where l.step = 'link' and e.organization_id = link_imported_events.organization_id and e.id = l.predecessor_id
       and e.call_status in ('scheduled', 'canceled');
    perform set_config('app.event_action', '', true);

    -- From the root on: a successor takes over what its chain knows, which its predecessor has to know first. As many rounds as
    -- the longest chain has calls; what goes in a circle is never next.
    loop
        select array_agg(l.successor_id) into v_next
          from jsonb_to_recordset(v_links) as l (successor_id uuid, predecessor_id uuid, step text)
          join app.events as e on e.organization_id = link_imported_events.organization_id and e.id = l.successor_id
         where l.step = 'link' and e.rescheduled_from_id is null
           and not exists (
                select from jsonb_to_recordset(v_links) as p (successor_id uuid, step text)
                  join app.events as o on o.organization_id = link_imported_events.organization_id and o.id = p.successor_id
                 where p.step = 'link' and p.successor_id = l.predecessor_id and o.rescheduled_from_id is null);
        exit when v_next is null;
        update app.events as e set rescheduled_from_id = l.predecessor_id
          from jsonb_to_recordset(v_links) as l (successor_id uuid, predecessor_id uuid, step text)
         where l.step = 'link' and l.successor_id = any (v_next)
           and e.organization_id = link_imported_events.organization_id and e.id = l.successor_id;
    end loop;
    update app.import_keys as k set follows = null
      from jsonb_to_recordset(v_links) as l (n bigint, successor_id uuid)
     where l.n is null and k.organization_id = link_imported_events.organization_id and k.entity = 'events'
       and k.row_id = l.successor_id and k.follows is not null;
    insert into app.import_keys as k (organization_id, entity, external_id, row_id, content, follows)
    select link_imported_events.organization_id, 'events', r.key, r.id, decode(r.content, 'hex'), l.follows
      from jsonb_to_recordset(v_links) as l (n bigint, follows text, step text)
      join jsonb_to_recordset(link_imported_events.rows) as r (n bigint, key text, id uuid, content text) on r.n = l.n
     where l.step = 'wait'
    on conflict on constraint import_keys_external_id_key do update set follows = excluded.follows;

    select jsonb_agg(jsonb_build_object(
               'n', l.n, 'is_linked', l.step = 'link' and e.rescheduled_from_id is not null,
               'sentence', case
                   when l.step = 'wait' then format('It waits for call %s, from which it was rescheduled.', left(l.follows, 100))
                   when l.step = 'branch' then 'The call it follows has another successor; it stands for itself.'
                   when l.step = 'held' then 'The call it follows took place; it is a second call.'
                   when l.step = 'link' and e.rescheduled_from_id is null then 'The calls follow each other in a circle; it stands for itself.' end))
      into v_answer
      from jsonb_to_recordset(v_links) as l (n bigint, successor_id uuid, follows text, step text)
      join app.events as e on e.organization_id = link_imported_events.organization_id and e.id = l.successor_id
     where l.n is not null;
    return coalesce(v_answer, '[]');
end;
$$;
comment on function app.link_imported_events(uuid, jsonb) is 'Chains of rescheduled calls, by the external ids of the calls they follow.';

-- app.import_forms: forms of a file. One takes the place of the form that stands for what a file said of its call, and is a new
-- version of a form that a file brought before; what a person submitted here stays. Money that it says was collected is a claim.
create or replace function app.import_forms(organization_id uuid, rows jsonb) returns jsonb
language plpgsql volatile set search_path = '' as $$
#variable_conflict use_column
declare
    v_rows   jsonb;
    v_action text;
begin
    select jsonb_agg(jsonb_build_object(
               'n', r.n, 'event_id', r.event_id, 'fields', r.fields || app.import_answers(r.fields), 'form_id', r.form_id,
               'closer_id', coalesce((r.fields ->> 'closer')::uuid, r.closer_id),
               'call_status', r.to_status, 'event_outcome', r.to_outcome, 'canceled_by', r.canceled_by,
               'submitted_at', coalesce((r.fields ->> 'submitted_at')::timestamptz, least(r.scheduled_end_at, now())),
               'step', case
                   when r.first_n <> r.n then 'repeated'
                   when r.event_id is null or r.deleted_at is not null then 'missing'
                   when r.call_status = 'rescheduled' then 'rescheduled'
                   when r.form_id is not null and r.submitted_via <> 'import' then 'person'
                   when r.call_status = 'canceled' and r.form_id is null and r.to_status <> 'completed' then 'canceled'
                   when r.scheduled_at - interval '15 minutes' > now()
                        and coalesce(r.fields ->> 'non_occurrence_reason', '') not in ('lead_canceled', 'reschedule_requested') then 'early'
                   when r.form_id is not null and r.cause = 'import' then 'replace'
                   when r.form_id is not null and r.keyed_id = r.form_id then 'replace'
                   when r.form_id is not null then 'version' else 'insert' end,
               'first_n', r.first_n))
      into v_rows
      from (select i.n, i.fields, e.id as event_id, e.closer_id, e.call_status, e.scheduled_at, e.scheduled_end_at, e.deleted_at,
                   f.id as form_id, f.submitted_via, f.answers ->> 'cause' as cause, i.row_id as keyed_id,
                   s.call_status as to_status, s.event_outcome as to_outcome, s.canceled_by,
                   min(i.n) over (partition by i.fields ->> 'event') as first_n
              from jsonb_to_recordset(import_forms.rows) as i (n bigint, row_id uuid, fields jsonb)
             cross join lateral jsonb_to_record(app.import_answers(i.fields)) as a (
                call_occurred boolean, lead_showed boolean, offer_made boolean, deal_closed boolean, non_occurrence_reason text)
             cross join lateral app.form_result(a.call_occurred, a.lead_showed, a.offer_made, a.deal_closed, a.non_occurrence_reason) as s
              left join app.events as e on e.organization_id = import_forms.organization_id and e.id = (i.fields ->> 'event')::uuid
              left join app.post_call_forms as f on f.organization_id = e.organization_id and f.event_id = e.id and f.is_active) as r;

    update app.post_call_forms as f set is_active = false
      from jsonb_to_recordset(v_rows) as r (form_id uuid, step text)
     where r.step = 'version' and f.organization_id = import_forms.organization_id and f.id = r.form_id;
    update app.post_call_forms as f
       set closer_id = r.closer_id, submitted_at = r.submitted_at, submitted_by = auth.uid(), call_occurred = p.call_occurred,
           lead_showed = p.lead_showed, offer_made = p.offer_made, deal_closed = p.deal_closed,
           non_occurrence_reason = p.non_occurrence_reason, disqualified = coalesce(p.disqualified, false),
           cash_collected = p.cash_collected, currency = p.currency, payment_type = p.payment_type, package_id = p.package,
           contract_value = p.contract_value, call_outcome_id = p.call_outcome, opportunity_status_id = p.opportunity_status,
           answers = coalesce(p.answers, '{}'), notes = p.notes
      from jsonb_to_recordset(v_rows) as r (form_id uuid, closer_id uuid, submitted_at timestamptz, step text, fields jsonb)
     cross join lateral jsonb_to_record(r.fields) as p (
        call_occurred boolean, lead_showed boolean, offer_made boolean, deal_closed boolean, non_occurrence_reason text,
        disqualified boolean, cash_collected numeric, currency text, payment_type text, package uuid, contract_value numeric,
        call_outcome uuid, opportunity_status uuid, answers jsonb, notes text)
     where r.step = 'replace' and f.organization_id = import_forms.organization_id and f.id = r.form_id;
    with made as (
        insert into app.post_call_forms as f (
            organization_id, event_id, closer_id, version, submitted_via, submitted_at, submitted_by, call_occurred, lead_showed,
            offer_made, deal_closed, non_occurrence_reason, disqualified, cash_collected, currency, payment_type, package_id,
            contract_value, call_outcome_id, opportunity_status_id, answers, notes)
        select import_forms.organization_id, r.event_id, r.closer_id,
               1 + coalesce((select max(o.version) from app.post_call_forms as o
                              where o.organization_id = import_forms.organization_id and o.event_id = r.event_id), 0),
               'import', r.submitted_at, auth.uid(), p.call_occurred, p.lead_showed, p.offer_made, p.deal_closed,
               p.non_occurrence_reason, coalesce(p.disqualified, false), p.cash_collected, p.currency, p.payment_type, p.package,
               p.contract_value, p.call_outcome, p.opportunity_status, coalesce(p.answers, '{}'), p.notes
          from jsonb_to_recordset(v_rows) as r (event_id uuid, closer_id uuid, submitted_at timestamptz, step text, fields jsonb)
         cross join lateral jsonb_to_record(r.fields) as p (
            call_occurred boolean, lead_showed boolean, offer_made boolean, deal_closed boolean, non_occurrence_reason text,
            disqualified boolean, cash_collected numeric, currency text, payment_type text, package uuid, contract_value numeric,
            call_outcome uuid, opportunity_status uuid, answers jsonb, notes text)
         where r.step in ('insert', 'version')
        returning f.event_id, f.id
    )
    select jsonb_agg(r.value || jsonb_build_object('form_id', coalesce(m.id, (r.value ->> 'form_id')::uuid)))
      into v_rows
      from jsonb_array_elements(v_rows) as r
      left join made as m on m.event_id = (r.value ->> 'event_id')::uuid and r.value ->> 'step' in ('insert', 'version');

    perform set_config('app.event_action', 'form', true);
    update app.events as e
       set call_status = r.call_status, event_outcome = r.event_outcome, pcf_submitted = true, credited_closer_id = r.closer_id,
           canceled_at = case when r.canceled_by is not null then coalesce(e.canceled_at, r.submitted_at) else e.canceled_at end,
           canceled_by = coalesce(r.canceled_by, e.canceled_by),
           cancel_reason = case when r.canceled_by is not null then r.fields ->> 'non_occurrence_reason' else e.cancel_reason end
      from jsonb_to_recordset(v_rows) as r (
        event_id uuid, closer_id uuid, call_status text, event_outcome text, canceled_by text, submitted_at timestamptz, step text, fields jsonb)
     where r.step in ('insert', 'version', 'replace')
       and e.organization_id = import_forms.organization_id and e.id = r.event_id
       and (e.call_status, e.event_outcome, e.pcf_submitted, e.credited_closer_id)
           is distinct from (r.call_status, r.event_outcome, true, r.closer_id)
       and (e.call_status <> 'canceled' or r.call_status = 'completed');
    perform set_config('app.event_action', '', true);
    perform app.settle_deals(e.organization_id, e.lead_id)
       from (select distinct e.organization_id, e.lead_id
               from jsonb_to_recordset(v_rows) as r (event_id uuid, step text)
               join app.events as e on e.organization_id = import_forms.organization_id and e.id = r.event_id
              where r.step = 'replace' and e.event_outcome = 'closed') as e;
    perform app.record_claim(import_forms.organization_id, r.form_id)
       from jsonb_to_recordset(v_rows) as r (form_id uuid, step text, fields jsonb)
      where r.step in ('insert', 'version', 'replace')
        and ((r.fields ->> 'cash_collected')::numeric > 0
             or r.step <> 'insert' and exists (
                    select from app.payments as p
                      join app.post_call_forms as f on f.organization_id = p.organization_id and f.id = p.post_call_form_id
                      join app.post_call_forms as o on o.organization_id = f.organization_id and o.event_id = f.event_id
                     where o.organization_id = import_forms.organization_id and o.id = r.form_id));
    perform app.report_unknown_people(import_forms.organization_id, 'post_call_forms', (
        select jsonb_agg(jsonb_build_object('role', 'closer', 'name', r.fields ->> 'unknown_closer', 'row_id', r.form_id))
          from jsonb_to_recordset(v_rows) as r (form_id uuid, step text, fields jsonb)
         where r.fields ? 'unknown_closer' and r.step in ('insert', 'version', 'replace')));

    return (
        select jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
                   'n', r.n, 'row_id', r.form_id,
                   'outcome', case when r.step in ('insert', 'version') then 'inserted' when r.step = 'replace' then 'updated' else 'refused' end,
                   'field', case when r.step not in ('insert', 'version', 'replace') then 'event' end,
                   'sentence', case r.step
                       when 'repeated' then format('Row %s is of the same call; import its forms one after the other.', r.first_n)
                       when 'missing' then 'The call was deleted here.'
                       when 'rescheduled' then 'The call was rescheduled; its form belongs to the later call.'
                       when 'person' then 'Somebody submitted the form of this call here; it stays.'
                       when 'canceled' then 'The call was canceled; only a call that took place after all takes a form.'
                       when 'early' then 'The call has not taken place yet.' end)))
          from jsonb_to_recordset(v_rows) as r (n bigint, form_id uuid, step text, first_n bigint));
end;
$$;
comment on function app.import_forms(uuid, jsonb) is 'Forms of a file.';
