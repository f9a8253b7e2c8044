-- Whom a booking names: its setter by what links and answers say, its closer by who hosts it. Nobody is ever made up.
-- Internal: nobody but the owner may call these.

-- app.setter_texts: what a booking says that may name its setter, in the order in which it is believed.
-- is_meant: it can only be meant for a setter: a UTM content or term that starts with "setter", or the answer to a question that
-- asks who set or booked the call. A question about referrals may name a setter as well as a friend.
create or replace function app.setter_texts(utm jsonb, answers jsonb)
returns table (ordinal bigint, said text, origin text, is_meant boolean)
language sql immutable
begin atomic
    select u.ordinal::bigint, utm ->> u.field, u.field,
           u.field in ('utm_content', 'utm_term') and utm ->> u.field ~* '^\s*setter[-_:= ]+\S'
      from (values (1, 'utm_content'), (2, 'utm_term'), (3, 'utm_source'), (4, 'utm_medium'), (5, 'utm_campaign'))
           as u (ordinal, field)
     where btrim(utm ->> u.field) <> ''
    union all
    select 5 + a.ordinal, a.value ->> 'answer', 'answer',
           a.value ->> 'question' ~* '\m(setter|booked by|set by|who (booked|set))\M'
      from jsonb_array_elements(app.json_array(answers)) with ordinality as a (value, ordinal)
     where a.value ->> 'question' ~* '\m(setter|referred|booked by|set by|who (booked|set))\M'
       and lower(btrim(a.value ->> 'answer')) <> all (array['', '-', 'no', 'none', 'nobody', 'no one', 'n/a', 'na']);
end;
comment on function app.setter_texts(jsonb, jsonb) is 'What a booking says that may name its setter, most trusted first.';

-- app.booking_setter: whom UTM fields and answers name as the setter: the first text that somebody is known as,
-- or that says so after the word "setter".
-- setter_name alone: a text that was meant for a setter, but is nobody's.
create or replace function app.booking_setter(
    organization_id uuid, utm jsonb, answers jsonb, out setter_id uuid, out setter_name text, out because text
) returns record
language sql stable
begin atomic
    select t.setter_id, case when t.setter_id is null then left(btrim(t.said), 200) end,
           case when t.setter_id is null then format('%s was meant for a setter, but is nobody''s alias', t.origin)
                else format('%s is an alias of the setter', t.origin) end
      from (select x.ordinal, x.said, x.origin, x.is_meant,
                   coalesce(app.setter_known_as(booking_setter.organization_id, x.said),
                            app.setter_known_as(booking_setter.organization_id,
                                                substring(x.said from '^\s*[Ss][Ee][Tt][Tt][Ee][Rr][-_:= ]+(.*)$'))) as setter_id
              from app.setter_texts(booking_setter.utm, booking_setter.answers) as x) as t
     where t.setter_id is not null or t.is_meant
     order by t.setter_id is null, t.ordinal
     limit 1;
end;
comment on function app.booking_setter(uuid, jsonb, jsonb) is 'Whom UTM fields and answers of a booking name as its setter.';

-- app.closer_of_hosts: the closer among the hosts of a booking: known by the platform's user, by address, or by an alias. Of
-- several, the first who is active, else the first. user_uris, emails: of one length, in the order in which they were given.
create or replace function app.closer_of_hosts(organization_id uuid, user_uris text[], emails text[]) returns uuid
language sql stable
begin atomic
    select c.id
      from rows from (unnest(closer_of_hosts.user_uris), unnest(closer_of_hosts.emails)) with ordinality
           as h (user_uri, email, ordinal)
      join app.closers as c
        on c.organization_id = closer_of_hosts.organization_id
       and (c.calendly_user_uri = h.user_uri or c.email_norm = lower(h.email)
            or lower(h.email) = any (lower(c.aliases::text)::text[]))
     order by c.is_active desc, h.ordinal, c.calendly_user_uri is distinct from h.user_uri,
              c.email_norm is distinct from lower(h.email), c.id
     limit 1;
end;
comment on function app.closer_of_hosts(uuid, text[], text[]) is 'The closer among the hosts of a booking; NULL when none is.';

-- app.review_booking_people: a booking whose host is no closer, or whose setter's spelling is nobody's, waits for a person; the
-- host is proposed for the roster.
-- Closed by the trigger on calls when somebody is found.
create or replace function app.review_booking_people(organization_id uuid, event_id uuid, hosts text[], at timestamptz) returns void
language plpgsql volatile set search_path = '' as $$
declare
    e app.events;
begin
    select t.* into e from app.events as t
     where t.organization_id = review_booking_people.organization_id and t.id = review_booking_people.event_id;
    if e.closer_id is null then
        perform app.record_exception(
            e.organization_id, 'unknown_host', e.id::text, 'warning', 'events', array[e.id],
            case when cardinality(hosts) = 0 then 'A booking names no host.' else 'The host of a booking is no closer.' end,
            'Accept the host as a closer, add the address to one, or assign a closer to the call.',
            jsonb_build_object('hosts', to_jsonb(hosts)), as_of => review_booking_people.at);
        -- Who was proposed by an earlier booking needs no lock of a row that every booking of theirs would wait for.
        if cardinality(hosts) > 0 and e.provider in ('calendly', 'acuity') and not exists (
            select from app.roster_proposals as p
             where p.organization_id = e.organization_id and p.provider = e.provider
               and (p.provider_user_id = any (hosts) or p.email_norm = any (hosts))) then
            perform app.propose_hosts(
                e.organization_id, e.provider, app.booking_hosts(e.provider, hosts), as_of => review_booking_people.at);
        end if;
    end if;
    if e.setter_id is null and e.setter_name is not null then
        perform app.record_exception(
            e.organization_id, 'unknown_setter', e.id::text, 'warning', 'events', array[e.id],
            'A booking names a setter who is not known by this spelling.',
            'Add the spelling to the aliases of a setter and replay the delivery, or choose the setter of the call.',
            jsonb_build_object('setter_name', e.setter_name), as_of => review_booking_people.at);
    end if;
end;
$$;
comment on function app.review_booking_people(uuid, uuid, text[], timestamptz) is
    'Exceptions for a booking whose host or setter is not known.';

-- app.setters_named: who was named as the setter of a lead, and when: by its bookings, and by chats. A setter whom a later booking
-- has only from its chain is not named by it, and a name in a chat that fits nobody names nobody.
create or replace function app.setters_named(organization_id uuid, lead_id uuid) returns table (setter_id uuid, named_at timestamptz)
language sql stable
begin atomic
    select e.setter_id, e.booked_at
      from app.events as e
     where e.organization_id = setters_named.organization_id and e.lead_id = setters_named.lead_id and e.deleted_at is null
       and e.setter_id is not null and not 'setter' = any (e.inherits)
    union all
    select c.setter_id, c.named_at
      from (select t.occurred_at as named_at,
                   app.setter_known_as(t.organization_id, coalesce(
                        app.json_text(t.details -> 'setter'), app.json_text(t.details -> 'setter_name'),
                        app.json_text(t.details #> '{custom_fields,setter}'),
                        app.json_text(t.details #> '{custom_fields,setter_name}'))) as setter_id
              from app.lead_touches as t
             where t.organization_id = setters_named.organization_id and t.lead_id = setters_named.lead_id
               and t.channel = 'manychat') as c
     where c.setter_id is not null;
end;
comment on function app.setters_named(uuid, uuid) is 'Who was named as the setter of a lead, and when.';

-- app.learn_setters: the first setter of each lead is whoever was named first, its current one whoever was named last, by bookings and
-- chats alike, in whatever order they are told. named_at: what is told now, one for each lead; only the last one says who is
-- current, so that whom a person chose stays until somebody is named anew. A first setter who was never named is a person's choice.
create or replace function app.learn_setters(organization_id uuid, lead_ids uuid[], named_at timestamptz[]) returns void
language plpgsql volatile set search_path = '' set plan_cache_mode = force_generic_plan as $$
begin
    -- Whoever else names a setter of these leads waits here, so that the later of two sees what the earlier one named.
    perform from app.leads as l
      where l.organization_id = learn_setters.organization_id and l.id = any (learn_setters.lead_ids)
      order by l.id for no key update;
    perform set_config('app.teaches_lead', 'on', true);
    update app.leads as l
       set original_setter_id = w.original_id,
           original_setter_name = case when w.original_id is distinct from l.original_setter_id
                then (select s.name from app.setters as s where s.organization_id = l.organization_id and s.id = w.original_id)
                else l.original_setter_name end,
           current_setter_id = w.current_id
      from (select o.id,
                   case when o.original_setter_id is null or o.original_setter_id = any (n.setter_ids)
                        then n.first_id else o.original_setter_id end as original_id,
                   case when t.named_at >= n.last_at then n.last_id else o.current_setter_id end as current_id
              from unnest(learn_setters.lead_ids, learn_setters.named_at) as t (lead_id, named_at)
              join app.leads as o on o.organization_id = learn_setters.organization_id and o.id = t.lead_id
             cross join lateral (
                select (array_agg(s.setter_id order by s.named_at, s.setter_id))[1] as first_id,
                       (array_agg(s.setter_id order by s.named_at desc, s.setter_id desc))[1] as last_id,
                       array_agg(s.setter_id) as setter_ids, max(s.named_at) as last_at
                  from app.setters_named(learn_setters.organization_id, t.lead_id) as s) as n
             where n.first_id is not null) as w
     where l.organization_id = learn_setters.organization_id and l.id = w.id
       and (l.original_setter_id, l.current_setter_id) is distinct from (w.original_id, w.current_id);
    perform set_config('app.teaches_lead', '', true);
end;
$$;
comment on function app.learn_setters(uuid, uuid[], timestamptz[]) is
    'First and current setters of leads, by whoever was named first and last.';

-- app.learn_setter: the same of one lead.
create or replace function app.learn_setter(organization_id uuid, lead_id uuid, named_at timestamptz) returns void
language plpgsql volatile set search_path = '' as $$
begin
    perform app.learn_setters(organization_id, array[lead_id], array[named_at]);
end;
$$;
comment on function app.learn_setter(uuid, uuid, timestamptz) is 'First and current setter of a lead, by whoever was named first and last.';
