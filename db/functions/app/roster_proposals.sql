-- People whom booking platforms and CRMs list, and who they are on the rosters. Nobody is put on a roster by themselves.
-- Internal: nobody but the owner may call these.

-- app.is_on_roster: is a closer or setter known by this address, or by this id at the platform?
create or replace function app.is_on_roster(organization_id uuid, provider_user_id text, email text) returns boolean
language sql stable
begin atomic
    select exists (
            select from app.closers as c
             where c.organization_id = is_on_roster.organization_id
               and (is_on_roster.provider_user_id in (c.calendly_user_uri, c.close_user_id)
                    or c.email_norm = lower(btrim(is_on_roster.email))
                    or lower(c.aliases::text)::text[] && array[lower(btrim(is_on_roster.email)), lower(is_on_roster.provider_user_id)]))
        or exists (
            select from app.setters as s
             where s.organization_id = is_on_roster.organization_id
               and (is_on_roster.provider_user_id = s.close_user_id
                    or s.email_norm = lower(btrim(is_on_roster.email))
                    or lower(s.aliases::text)::text[] && array[lower(btrim(is_on_roster.email)), lower(is_on_roster.provider_user_id)]));
end;
comment on function app.is_on_roster(uuid, text, text) is 'Whether a closer or setter is known by this address or id.';

-- app.propose_hosts: people whom a platform lists: who is on no roster becomes a proposal. In sets.
-- rows: [{"user_id", "name", "email"}, …]; a row with neither user_id nor email names nobody. Who is listed by address alone and
-- later by id is one proposal.
-- Guarantees: nobody is put on a roster; a dismissed person stays dismissed; told twice it is one proposal. Answers how many of
--             the listed people are on no roster, dismissed ones aside.
create or replace function app.propose_hosts(
    organization_id uuid, provider text, rows jsonb, as_of timestamptz default now()
) returns bigint
language plpgsql volatile set search_path = '' as $$
declare
    v_unknown bigint;
begin
    with told as (
        select left(btrim(app.json_id(r.value -> 'user_id')), 300) as user_id,
               left(nullif(btrim(app.json_text(r.value -> 'name')), ''), 200) as name,
               case when app.json_text(r.value -> 'email') ~ '^\s*[^@[:space:]]{1,100}@[^@[:space:]]{1,150}\s*$'
                    then lower(btrim(app.json_text(r.value -> 'email'))) end as email
          from jsonb_array_elements(app.json_array(propose_hosts.rows)) as r (value)
    ), listed as (
        select distinct on (coalesce(t.email, t.user_id)) t.user_id, t.name, t.email
          from (select coalesce(nullif(t.user_id, ''), t.email) as user_id, t.name, t.email from told as t) as t
         where t.user_id is not null
         order by coalesce(t.email, t.user_id), t.user_id = t.email, t.user_id
    ), unknown as materialized (
        select l.user_id, l.name, l.email
          from listed as l
         where not app.is_on_roster(propose_hosts.organization_id, l.user_id, l.email)
    ), renamed as (
        update app.roster_proposals as p
           set provider_user_id = u.user_id, name = coalesce(u.name, p.name), last_seen_at = propose_hosts.as_of
          from unknown as u
         where p.organization_id = propose_hosts.organization_id and p.provider = propose_hosts.provider
           and p.provider_user_id = u.email and u.user_id <> u.email
           and not exists (select from app.roster_proposals as k
                            where k.organization_id = propose_hosts.organization_id and k.provider = propose_hosts.provider
                              and k.provider_user_id = u.user_id)
        returning p.provider_user_id
    ), added as (
        insert into app.roster_proposals as p (
            organization_id, provider, provider_user_id, name, email, first_seen_at, last_seen_at)
        select propose_hosts.organization_id, propose_hosts.provider, u.user_id, u.name, u.email,
               propose_hosts.as_of, propose_hosts.as_of
          from unknown as u
         where not exists (select from renamed as r where r.provider_user_id = u.user_id)
           and not (u.user_id = u.email and exists (
                select from app.roster_proposals as k
                 where k.organization_id = propose_hosts.organization_id and k.provider = propose_hosts.provider
                   and k.email_norm = u.email and k.state in ('open', 'dismissed')))
        on conflict on constraint roster_proposals_provider_user_id_key do update
           set name = coalesce(excluded.name, p.name), email = coalesce(excluded.email, p.email),
               last_seen_at = greatest(excluded.last_seen_at, p.last_seen_at),
               state = case when p.state in ('accepted', 'known') then 'open' else p.state end,
               closer_id = null, setter_id = null, decided_by = case p.state when 'dismissed' then p.decided_by end,
               decided_at = case p.state when 'dismissed' then p.decided_at end
         where p.last_seen_at < excluded.last_seen_at - interval '1 hour' or p.state in ('accepted', 'known')
            or (excluded.name, excluded.email) is distinct from (p.name, p.email)
    )
    select count(*) into v_unknown from unknown as u
     where not exists (select from app.roster_proposals as p
                        where p.organization_id = propose_hosts.organization_id and p.provider = propose_hosts.provider
                          and u.user_id = p.provider_user_id and p.state = 'dismissed');
    return v_unknown;
end;
$$;
comment on function app.propose_hosts(uuid, text, jsonb, timestamptz) is
    'Whom a platform lists and nobody on a roster is, as proposals; answers how many are unknown.';

-- app.booking_hosts: the hosts of a booking as app.propose_hosts takes them. hosts: as app.review_booking_people gets them: of
-- Calendly an address or a user of each, of Acuity all that its one calendar is called by.
create or replace function app.booking_hosts(provider text, hosts text[]) returns jsonb
language sql immutable
begin atomic
    select case booking_hosts.provider
        when 'acuity' then jsonb_build_array(jsonb_build_object(
            'user_id', booking_hosts.hosts[cardinality(booking_hosts.hosts)],
            'email', (select h.host from unnest(booking_hosts.hosts) as h (host) where strpos(h.host, '@') > 0 limit 1),
            'name', (select h.host from unnest(booking_hosts.hosts[:cardinality(booking_hosts.hosts) - 1]) as h (host)
                      where strpos(h.host, '@') = 0 limit 1)))
        else (select coalesce(jsonb_agg(jsonb_build_object(
                         case when strpos(h.host, '@') > 0 and h.host !~ '^https?:' then 'email' else 'user_id' end, h.host)), '[]')
                from unnest(booking_hosts.hosts) as h (host))
    end;
end;
comment on function app.booking_hosts(text, text[]) is 'The hosts of a booking as proposals for the roster.';

-- app.recognise_hosts: what a roster has learned: calls whose host was unknown get their closer, and proposals who are on a
-- roster by now are settled. In sets. Calls whose exception somebody dismissed stay as they are.
create or replace function app.recognise_hosts(organization_id uuid) returns void
language plpgsql volatile set search_path = '' as $$
begin
    update app.events as e
       set closer_id = k.closer_id
      from (select x.dedupe_key, coalesce(
                    app.closer_of_hosts(x.organization_id, h.hosts, h.hosts),
                    (select app.closer_known_as(x.organization_id, n.host) from unnest(h.hosts) with ordinality as n (host, ordinal)
                      where app.closer_known_as(x.organization_id, n.host) is not null order by n.ordinal limit 1)) as closer_id
              from app.exceptions as x
             cross join lateral (
                    select array(select j.value from jsonb_array_elements_text(app.json_array(x.details -> 'hosts')) as j (value))
                           as hosts) as h
             where x.organization_id = recognise_hosts.organization_id and x.check_name = 'unknown_host' and x.state = 'open') as k
     where e.organization_id = recognise_hosts.organization_id and e.id = k.dedupe_key::uuid and e.closer_id is null
       and k.closer_id is not null;
    update app.roster_proposals as p
       set state = 'known'
     where p.organization_id = recognise_hosts.organization_id and p.state = 'open'
       and app.is_on_roster(p.organization_id, p.provider_user_id, p.email);
end;
$$;
comment on function app.recognise_hosts(uuid) is 'Calls and proposals whose host is on a roster by now.';
