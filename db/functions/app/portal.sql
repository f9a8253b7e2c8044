-- What somebody with a personal link sees and does. Internal: nobody but the owner may call these; whoever does, has found out
-- whose link it is.

-- app.portal_form_answers: what a form says, as it would be sent again: the standard fields, and those of the organization.
create or replace function app.portal_form_answers(form app.post_call_forms) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
    return (
        select coalesce(jsonb_object_agg(a.key, a.value), '{}')
          from jsonb_each(coalesce(form.answers, '{}') || to_jsonb(form)) as a
         where jsonb_typeof(a.value) <> 'null'
           and (form.answers ? a.key or a.key in (select f.name from app.form_fields() as f)));
end;
$$;
comment on function app.portal_form_answers(app.post_call_forms) is 'What a form says, as it would be sent again.';

-- app.portal_form_fields: the form as a page can draw it: the standard fields that a closer answers, in the order of a
-- conversation, then those that the organization has published. What it publishes about a standard field comes first: label,
-- help, required, hidden, bounds, and when the field is asked. options: value and label.
create or replace function app.portal_form_fields(organization_id uuid, require_notes boolean) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
    v_occurred  constant jsonb := '{"field": "call_occurred", "equals": true}';
    v_offered   constant jsonb := '{"field": "offer_made", "equals": true}';
    v_published constant jsonb := (
        select f.fields from app.form_configs as f
         where f.organization_id = portal_form_fields.organization_id and f.form_type = 'post_call_form' and f.is_active);
begin
    return (
        with standard (place, name, type, label, is_required, show_if) as (
            values
                (1,    'call_occurred',         'boolean',  'Did the call take place?',    true,  null::jsonb),
                (2,    'non_occurrence_reason', 'select',   'Why not?',                    true,
                       jsonb_build_object('field', 'call_occurred', 'equals', false)),
                (3,    'offer_made',            'boolean',  'Did you make an offer?',      true,  v_occurred),
                (4,    'deal_closed',           'boolean',  'Did you close the deal?',     true,  v_offered),
                (5,    'package_id',            'select',   'Package',                     false, v_offered),
                (6,    'contract_value',        'money',    'Contract value',              false,
                       jsonb_build_object('field', 'deal_closed', 'equals', true)),
                (7,    'cash_collected',        'money',    'Cash collected on the call',  false, v_occurred),
                (8,    'payment_type',          'select',   'Kind of payment',             false, v_offered),
                (9,    'disqualified',          'boolean',  'Is the lead disqualified?',   false, v_occurred),
                (10,   'opportunity_status_id', 'select',   'Status of the opportunity',   false, null),
                (11,   'call_outcome_id',       'select',   'Outcome, in your own words',  false, null),
                (1000, 'notes',                 'textarea', 'Notes',                       portal_form_fields.require_notes, null)
        ), choices (name, place, value, label) as (
            select c.name, c.place, c.value, c.label
              from (values
                    ('non_occurrence_reason', 1, 'lead_no_show',         'The lead did not show up'),
                    ('non_occurrence_reason', 2, 'lead_canceled',        'The lead canceled'),
                    ('non_occurrence_reason', 3, 'reschedule_requested', 'The lead asked for another time'),
                    ('non_occurrence_reason', 4, 'closer_absent',        'I could not be there'),
                    ('non_occurrence_reason', 5, 'technical',            'Technical problems'),
                    ('payment_type',          1, 'pif',                  'Paid in full'),
                    ('payment_type',          2, 'payment_plan',         'Payment plan'),
                    ('payment_type',          3, 'deposit',              'Deposit'),
                    ('payment_type',          4, 'financed',             'Financed')) as c (name, place, value, label)
            union all
            select 'package_id', 1, p.id::text, p.name from app.packages as p
             where p.organization_id = portal_form_fields.organization_id and p.archived_at is null
            union all
            select 'opportunity_status_id', 1, s.id::text, s.name from app.opportunity_statuses as s
             where s.organization_id = portal_form_fields.organization_id and s.archived_at is null
            union all
            select 'call_outcome_id', 1, o.id::text, o.name from app.call_outcomes as o
             where o.organization_id = portal_form_fields.organization_id and o.archived_at is null
        ), published as (
            select e.entry, e.entry ->> 'name' as name, e.place
              from jsonb_array_elements(v_published) with ordinality as e (entry, place)
             where jsonb_typeof(e.entry) = 'object'
        ), named as (
            -- An option is a text, or an object of value and label.
            select p.name, o.place, coalesce(o.option ->> 'value', o.option #>> '{}') as value,
                   coalesce(o.option ->> 'label', c.label, o.option #>> '{}') as label
              from published as p
             cross join jsonb_array_elements(p.entry -> 'options') with ordinality as o (option, place)
              left join choices as c on c.name = p.name and c.value = coalesce(o.option ->> 'value', o.option #>> '{}')
        ), options as (
            select n.name, jsonb_agg(jsonb_build_object('value', n.value, 'label', n.label) order by n.place, n.label) as options
              from (
                select n.name, n.place, n.value, n.label from named as n
                union all
                select c.name, c.place, c.value, c.label from choices as c
                 where c.name not in (select n.name from named as n)) as n
             group by n.name
        ), asked as (
            select s.place,
                   jsonb_build_object('label', s.label)
                   || coalesce(p.entry, '{}')
                   || jsonb_build_object(
                       'name', s.name, 'type', s.type, 'options', o.options,
                       'required', s.is_required or coalesce((p.entry ->> 'required')::boolean, false),
                       -- What is required whenever it is asked must not be hidden by our own condition.
                       'show_if', case when p.entry ? 'show_if' then p.entry -> 'show_if'
                                       when coalesce((p.entry ->> 'required')::boolean, false) then null
                                       else s.show_if end) as field
              from standard as s
              left join published as p on p.name = s.name
              left join options as o on o.name = s.name
             where not coalesce((p.entry ->> 'hidden')::boolean, false) and (s.type <> 'select' or o.options is not null)
            union all
            select 100 + p.place,
                   jsonb_build_object('label', initcap(replace(p.name, '_', ' ')), 'required', false)
                   || p.entry || jsonb_build_object('options', o.options)
              from published as p
              left join options as o on o.name = p.name
             where p.name not in (select f.name from app.form_fields() as f)
        )
        select jsonb_agg(jsonb_strip_nulls(a.field) order by a.place) from asked as a);
end;
$$;
comment on function app.portal_form_fields(uuid, boolean) is 'The fields of a post-call form, as a page can draw them.';

-- app.portal_calls: the calls of a closer that their portal lists: booked for them, or taken by them.
-- part: pending (ended, without a form; what ended first is first, so that overdue ones are on top), upcoming (until days_ahead
-- local days from now), recent (with an outcome that may still be changed; latest first). can_submit: a form is open from 15 minutes before the start.
create or replace function app.portal_calls(
    organization_id uuid, closer_id uuid, as_of timestamptz, timezone text, pcf_grace interval, days_ahead integer,
    allow_late_edit_days integer
) returns table (
    part text, event_id uuid, lead_name text, call_type text, setter_name text, scheduled_at timestamptz,
    scheduled_end_at timestamptz, call_status text, event_outcome text, is_overdue boolean, can_submit boolean,
    open_until timestamptz, form jsonb, place bigint
)
language sql stable
begin atomic
    with calls as (
        select c.*,
               case when c.call_status <> 'scheduled' then 'recent'
                    when c.scheduled_end_at <= portal_calls.as_of then 'pending'
                    else 'upcoming' end as part,
               c.scheduled_end_at + make_interval(days => allow_late_edit_days) as open_until
          from app.events as c
         where c.organization_id = portal_calls.organization_id
           and (c.credited_closer_id = portal_calls.closer_id or c.closer_id = portal_calls.closer_id)
           and c.deleted_at is null and c.duplicate_of_id is null
           and (c.call_status = 'scheduled'
                and c.scheduled_at < app.day_start((portal_calls.as_of at time zone timezone)::date + days_ahead + 1, timezone)
                or c.call_status in ('completed', 'no_show')
                and c.scheduled_end_at >= portal_calls.as_of - make_interval(days => allow_late_edit_days))
    ), listed as (
        select e.part, e.id, coalesce(l.full_name, e.lead_name, e.lead_email) as lead_name, t.name as call_type, e.setter_name,
               e.scheduled_at, e.scheduled_end_at, e.call_status, e.event_outcome,
               e.part = 'pending' and e.scheduled_end_at + pcf_grace <= portal_calls.as_of as is_overdue,
               e.part <> 'upcoming' or e.scheduled_at - interval '15 minutes' <= portal_calls.as_of as can_submit,
               case when e.part = 'recent' then e.open_until end as open_until,
               case when f.is_human then app.portal_form_answers(f) end as form,
               row_number() over (
                   partition by e.part
                   order by case e.part when 'recent' then portal_calls.as_of - e.scheduled_at
                                        when 'pending' then e.scheduled_end_at - portal_calls.as_of
                                        else e.scheduled_at - portal_calls.as_of end, e.id) as place
          from calls as e
          left join app.leads as l on l.organization_id = e.organization_id and l.id = e.lead_id
          left join app.call_types as t on t.organization_id = e.organization_id and t.id = e.call_type_id
          left join app.post_call_forms as f
            on f.organization_id = e.organization_id and f.event_id = e.id and f.is_active and e.part = 'recent'
    )
    select p.* from listed as p where p.place <= 200 order by p.part, p.place;
end;
comment on function app.portal_calls(uuid, uuid, timestamptz, text, interval, integer, integer) is
    'The calls that a closer''s portal lists.';

-- app.portal_numbers: this month so far: the closer's own numbers, and beside them what the portal settings let them see of
-- the others. show_cash hides amounts. Of others, leaderboard_visibility shows nobody (none), place and name (rank),
-- also their rates (rates), or everything (full).
create or replace function app.portal_numbers(
    organization_id uuid, closer_id uuid, as_of timestamptz, settings app.portal_settings,
    out numbers jsonb, out leaderboard jsonb) returns record
language plpgsql stable set search_path = '' as $$
declare
    v_organization app.organizations;
    v_start        date;
    v_sees_others  constant boolean := settings.show_leaderboard and settings.leaderboard_visibility <> 'none';
begin
    select o.* into strict v_organization from app.organizations as o where o.id = portal_numbers.organization_id;
    v_start := date_trunc('month', portal_numbers.as_of at time zone v_organization.timezone)::date;
    with standings as (
        select s.place, s.rank, s.is_self,
               jsonb_build_object('name', s.person_name, 'is_self', s.is_self)
               || case when v_sees_others then jsonb_build_object('rank', s.rank) else '{}' end
               || case when s.is_self or settings.leaderboard_visibility in ('rates', 'full') then jsonb_build_object(
                      'show_rate', s.show_rate, 'offer_rate', s.offer_rate, 'close_rate', s.close_rate) else '{}' end
               || case when s.is_whole then jsonb_build_object(
                      'booked_calls', s.booked_calls, 'shows', s.shows, 'no_shows', s.no_shows, 'offers', s.offers,
                      'closes', s.closes, 'coverage', s.coverage) else '{}' end
               || case when settings.show_cash and s.is_whole then
                      jsonb_build_object('cash_collected', s.cash_collected, 'net_cash', s.net_cash) else '{}' end as line
          from app.leaderboard(
                   portal_numbers.organization_id, 'closer', v_start, (v_start + interval '1 month' - interval '1 day')::date,
                   portal_numbers.as_of, null, array[portal_numbers.closer_id],
                   case when v_sees_others then settings.leaderboard_visibility else 'none' end, settings.show_cash) as s
    )
    select (array_agg(s.line - 'rank' - 'name' - 'is_self') filter (where s.is_self))[1]
               || jsonb_build_object('since', v_start, 'currency', v_organization.currency),
           case when settings.show_leaderboard then coalesce(jsonb_agg(s.line order by s.place), '[]') end
      into numbers, leaderboard
      from standings as s;
end;
$$;
comment on function app.portal_numbers(uuid, uuid, timestamptz, app.portal_settings) is
    'A closer''s numbers of this month, and the leaderboard as the portal settings allow.';

-- app.payee_statements: locked and paid payouts in which a payee has a part, latest first.
create or replace function app.payee_statements(organization_id uuid, payee_id uuid)
returns table (
    snapshot_id uuid, name text, period_start date, period_end date, state text, currency text, commission numeric,
    locked_at timestamptz, paid_amount numeric, paid_at timestamptz
)
language sql stable
begin atomic
    select s.id, s.name, s.period_start, s.period_end, s.state, s.currency, u.commission, s.locked_at, p.amount, p.paid_at
      from app.payout_snapshot_summaries as u
      join app.payout_snapshots as s on s.organization_id = u.organization_id and s.id = u.snapshot_id
      left join app.payouts as p
        on p.organization_id = s.organization_id and p.snapshot_id = s.id and p.payee_id = u.payee_id
     where u.organization_id = payee_statements.organization_id and u.payee_id = payee_statements.payee_id
       and u.dimension = 'payee' and s.state in ('locked', 'paid')
     order by s.period_end desc, s.locked_at desc, s.id desc;
end;
comment on function app.payee_statements(uuid, uuid) is 'Locked payouts in which a payee has a part, latest first.';

-- app.settings_of_portal: the portal settings of an organization, or those it would have.
create or replace function app.settings_of_portal(organization_id uuid) returns app.portal_settings
language plpgsql stable set search_path = '' as $$
declare
    v_settings app.portal_settings;
begin
    select s.* into v_settings from app.portal_settings as s where s.organization_id = settings_of_portal.organization_id;
    if not found then
        v_settings := jsonb_populate_record(v_settings, jsonb_build_object(
            'show_cash', true, 'show_leaderboard', true, 'leaderboard_visibility', 'rates', 'show_commission', true,
            'allow_late_edit_days', 7, 'days_ahead', 14, 'require_notes', false));
    end if;
    return v_settings;
end;
$$;
comment on function app.settings_of_portal(uuid) is 'The portal settings of an organization, or the usual ones.';

-- app.portal_document: everything that a closer's portal shows.
create or replace function app.portal_document(link app.closer_access_tokens, as_of timestamptz) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
    v_settings     constant app.portal_settings := app.settings_of_portal(link.organization_id);
    v_organization app.organizations;
    v_closer       app.closers;
    v_calls        jsonb;
    v_numbers      record;
begin
    select o.* into strict v_organization from app.organizations as o where o.id = link.organization_id;
    select c.* into strict v_closer from app.closers as c
     where c.organization_id = link.organization_id and c.id = link.closer_id;
    select coalesce(jsonb_object_agg(p.part, p.calls), '{}') into v_calls
      from (
        select c.part, jsonb_agg(to_jsonb(c) - 'part' - 'place' order by c.place) as calls
          from app.portal_calls(
                   link.organization_id, link.closer_id, portal_document.as_of, v_organization.timezone,
                   v_organization.pcf_grace, v_settings.days_ahead, v_settings.allow_late_edit_days) as c
         group by c.part
      ) as p;
    v_numbers := app.portal_numbers(link.organization_id, link.closer_id, portal_document.as_of, v_settings);
    return jsonb_build_object(
        'organization', jsonb_build_object(
            'name', v_organization.name, 'timezone', v_organization.timezone, 'currency', v_organization.currency),
        'closer', jsonb_build_object('id', v_closer.id, 'name', v_closer.name),
        'expires_at', link.expires_at,
        'as_of', portal_document.as_of,
        'settings', to_jsonb(v_settings) - 'organization_id' - 'id' - 'created_at' - 'updated_at',
        'pending', coalesce(v_calls -> 'pending', '[]'),
        'upcoming', coalesce(v_calls -> 'upcoming', '[]'),
        'recent', coalesce(v_calls -> 'recent', '[]'),
        'form', jsonb_build_object('fields', app.portal_form_fields(link.organization_id, v_settings.require_notes)),
        'numbers', v_numbers.numbers,
        'leaderboard', v_numbers.leaderboard,
        'commission', case when v_settings.show_commission then (
            select coalesce(jsonb_agg(to_jsonb(s) order by s.period_end desc), '[]')
              from (select t.* from app.payee_statements(link.organization_id, v_closer.payee_id) as t limit 6) as s) end);
end;
$$;
comment on function app.portal_document(app.closer_access_tokens, timestamptz) is 'Everything that a closer''s portal shows.';

-- app.portal_submit: a form through a portal link, about a call of its closer.
-- Raises what app.record_form raises; PT404 for a call that is not booked for the closer and was not taken by them.
create or replace function app.portal_submit(
    link app.closer_access_tokens, event_id uuid, form jsonb, as_of timestamptz) returns jsonb
language plpgsql volatile set search_path = '' as $$
declare
    v_form  app.post_call_forms;
    v_event app.events;
begin
    if not exists (
        select from app.events as e
         where e.organization_id = link.organization_id and e.id = portal_submit.event_id and e.deleted_at is null
           and link.closer_id in (e.credited_closer_id, e.closer_id)) then
        raise exception using errcode = 'PT404', message = 'No such call in this organization.';
    end if;
    v_form := app.record_form(
        organization_id => link.organization_id, event_id => portal_submit.event_id, form => portal_submit.form,
        at => portal_submit.as_of, submitted_via => 'portal', own_closer_id => link.closer_id);
    select e.* into strict v_event from app.events as e
     where e.organization_id = v_form.organization_id and e.id = v_form.event_id;
    return jsonb_build_object(
        'event_id', v_event.id, 'call_status', v_event.call_status, 'event_outcome', v_event.event_outcome,
        'version', v_form.version, 'form', app.portal_form_answers(v_form));
end;
$$;
comment on function app.portal_submit(app.closer_access_tokens, uuid, jsonb, timestamptz) is
    'A form through a portal link, about a call of its closer.';

-- app.statement_document: what the holder of a statement link sees: the locked payout that it is for, and nothing else.
-- statement is NULL once the payout was voided, or while the portal settings hide commission.
create or replace function app.statement_document(link app.closer_access_tokens) returns jsonb
language plpgsql stable set search_path = '' as $$
begin
    return (
        select jsonb_build_object(
            'organization', jsonb_build_object('name', o.name, 'timezone', o.timezone, 'currency', o.currency),
            'payee', jsonb_build_object('id', p.id, 'name', p.name),
            'expires_at', link.expires_at,
            'statement', (
                select to_jsonb(s) from app.payee_statements(o.id, p.id) as s
                 where s.snapshot_id = link.snapshot_id and (app.settings_of_portal(o.id)).show_commission))
          from app.organizations as o
          join app.payees as p on p.organization_id = o.id and p.id = link.payee_id
         where o.id = link.organization_id);
end;
$$;
comment on function app.statement_document(app.closer_access_tokens) is 'What the holder of a statement link sees.';
