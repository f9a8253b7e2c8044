-- Personal links: who holds one acts as one closer (scope pcf) or payee (scope statement) of one organization, without a
-- login. Internal: nobody but the owner may call these; the gateway's doors are in schema session.

-- app.is_open_link: does this link still stand for somebody who works here?
-- A closer who is not active, or whose person is no member any more, has no portal, whatever the link says.
create or replace function app.is_open_link(link app.closer_access_tokens) returns boolean
language sql stable
begin atomic
    select (link).revoked_at is null and (link).expires_at > now()
       and exists (
            select from app.organizations as o
             where o.id = (link).organization_id and o.deleted_at is null and o.suspended_at is null
               and case (link).scope
                    when 'pcf' then exists (
                        select from app.closers as c
                         where c.organization_id = o.id and c.id = (link).closer_id and c.is_active
                           and (now() at time zone o.timezone)::date between coalesce(c.active_from, '-infinity')
                                                                         and coalesce(c.active_until, 'infinity')
                           and (c.profile_id is null or exists (
                                select from app.organization_members as m
                                  join auth.users as u on u.id = m.user_id
                                 where m.organization_id = o.id and m.user_id = c.profile_id
                                   and u.disabled_at is null and u.deleted_at is null)))
                    else exists (
                        select from app.payees as p
                         where p.organization_id = o.id and p.id = (link).payee_id and p.is_active)
                   end);
end;
comment on function app.is_open_link(app.closer_access_tokens) is 'Does this link still stand for somebody who works here?';

-- app.follow_link: somebody presents the token of a link. Answers outcome open with the link, not_valid, or throttled.
-- Guarantees: unknown, expired, revoked and foreign tokens, and those of people who left, are all not_valid. Attempts are counted
--             per address before the look-up, uses per link. From here to the end of the transaction the audit trail
--             names the link as the actor. It is marked as used at most once a minute.
create or replace function app.follow_link(
    token_hash bytea, scope text, address inet, out outcome text, out link app.closer_access_tokens) returns record
language plpgsql volatile set search_path = '' as $$
begin
    outcome := 'throttled';
    if not auth.count_attempt('sign_in_address', auth.attempt_subject(follow_link.address)) then
        return;
    end if;
    outcome := 'not_valid';
    select t.* into link from app.closer_access_tokens as t
     where t.token_hash = follow_link.token_hash and t.scope = follow_link.scope;
    if link.id is null or not app.is_open_link(link) then
        link := null;
        return;
    end if;
    perform auth.attempt_succeeded(null, follow_link.address);
    if not auth.count_attempt('access_link', auth.attempt_subject(link.id::text)) then
        outcome := 'throttled';
        return;
    end if;
    outcome := 'open';
    perform set_config('app.access_link_id', link.id::text, true);
    update app.closer_access_tokens as t
       set last_used_at = now()
     where t.organization_id = link.organization_id and t.id = link.id
       and coalesce(t.last_used_at < now() - interval '1 minute', true);
end;
$$;
comment on function app.follow_link(bytea, text, inet) is 'The link that a token stands for, counted and marked as used.';

-- app.link_person: for whom a link may be made: the closer of a portal, the payee and locked payout of a statement.
-- snapshot_id NULL: the latest locked payout in which the payee has a part.
-- Raises PT422 for what names nobody, PT404 for who is not here, PT409 for who is not active, has no locked payout, or may
-- not see commission.
create or replace function app.link_person(
    organization_id uuid, scope text, inout closer_id uuid, inout payee_id uuid, inout snapshot_id uuid,
    out name text, out email text) returns record
language plpgsql stable set search_path = '' as $$
declare
    v_probe app.closer_access_tokens;
begin
    if coalesce(scope not in ('pcf', 'statement'), true) then
        raise exception using errcode = 'PT422', message = 'There is no such kind of link.',
            detail = '{"scope": "One of pcf, statement."}';
    elsif scope = 'pcf' and closer_id is null then
        raise exception using errcode = 'PT422', message = 'Say whose link it is.', detail = '{"closer_id": "The closer."}';
    elsif closer_id is null and payee_id is null then
        raise exception using errcode = 'PT422', message = 'Say whose link it is.',
            detail = '{"payee_id": "The payee, or the closer in closer_id."}';
    end if;
    if closer_id is not null then
        select c.name, c.email, coalesce(case scope when 'statement' then link_person.payee_id end, c.payee_id)
          into name, email, payee_id
          from app.closers as c where c.organization_id = link_person.organization_id and c.id = link_person.closer_id;
        if not found then
            raise exception using errcode = 'PT404', message = 'No such closer in this organization.';
        end if;
    end if;
    if scope = 'statement' then
        closer_id := null;
        select p.name, coalesce(p.email, c.email, s.email) into name, email
          from app.payees as p
          left join app.closers as c on c.organization_id = p.organization_id and c.payee_id = p.id and c.email is not null
          left join app.setters as s on s.organization_id = p.organization_id and s.payee_id = p.id and s.email is not null
         where p.organization_id = link_person.organization_id and p.id = link_person.payee_id
         order by c.id, s.id limit 1;
        if not found then
            raise exception using errcode = 'PT404', message = 'No such payee in this organization.';
        end if;
        select s.snapshot_id into snapshot_id
          from app.payee_statements(link_person.organization_id, link_person.payee_id) as s
         where link_person.snapshot_id is null or s.snapshot_id = link_person.snapshot_id
         limit 1;
        if snapshot_id is null then
            raise exception using errcode = 'PT409', message = 'There is no locked payout with a statement for this person.',
                hint = 'Statements come with locked payouts: lock one in which this person has a part.';
        elsif exists (select from app.portal_settings as t
                       where t.organization_id = link_person.organization_id and not t.show_commission) then
            raise exception using errcode = 'PT409', message = 'The portal settings hide commission from reps.',
                hint = 'Turn show_commission on first.';
        end if;
    else
        snapshot_id := null;
    end if;
    v_probe.organization_id := link_person.organization_id;
    v_probe.scope := link_person.scope;
    v_probe.closer_id := link_person.closer_id;
    v_probe.payee_id := link_person.payee_id;
    v_probe.expires_at := 'infinity';
    if not app.is_open_link(v_probe) then
        raise exception using errcode = 'PT409', message = 'This person is not active here.',
            hint = 'Make the roster entry active, and its person a member, first.';
    end if;
end;
$$;
comment on function app.link_person(uuid, text, uuid, uuid, uuid) is 'For whom a link may be made.';

-- app.revoke_links: take back every open link of these people, for good. Answers how many there were.
create or replace function app.revoke_links(organization_id uuid, closers uuid[], payees uuid[]) returns bigint
language sql volatile
begin atomic
    with revoked as (
        update app.closer_access_tokens as t
           set revoked_at = now()
         where t.organization_id = revoke_links.organization_id and t.revoked_at is null
           and (t.closer_id = any (closers) or t.payee_id = any (payees))
        returning t.id)
    select count(*) from revoked;
end;
comment on function app.revoke_links(uuid, uuid[], uuid[]) is 'Take back every open link of these people.';

-- app.create_link: a personal link, known by the hash of its token; with a secret, which is the sealed link, its e-mail is queued.
-- Raises PT404, PT409 and PT422 as app.link_person does, and PT429 when this address got ten e-mails within the hour.
create or replace function app.create_link(
    organization_id uuid, scope text, token_hash bytea, closer_id uuid default null, payee_id uuid default null,
    snapshot_id uuid default null, valid_days integer default 30, secret bytea default null, created_by uuid default null
) returns app.closer_access_tokens
language plpgsql volatile set search_path = '' as $$
declare
    v_person constant record := app.link_person(
        create_link.organization_id, create_link.scope, create_link.closer_id, create_link.payee_id, create_link.snapshot_id);
    v_days   constant integer := coalesce(create_link.valid_days, 30);
    v_sent   constant boolean := create_link.secret is not null;
    v_link   app.closer_access_tokens;
begin
    if v_days not between 1 and 365 then
        raise exception using errcode = 'PT422', message = 'A link is good for at most a year.',
            detail = '{"valid_days": "From 1 to 365 days."}';
    elsif coalesce(octet_length(create_link.token_hash), 0) <> 32 then
        raise exception using errcode = 'PT422', message = 'A link is known by the SHA-256 of its token.',
            hint = 'Use POST /functions/v1/create-portal-link, which makes the token.';
    elsif v_sent and v_person.email is null then
        raise exception using errcode = 'PT422', message = 'There is no address to send this link to.',
            detail = '{"email": "Enter the e-mail address of this person on the roster."}';
    elsif v_sent and not auth.count_attempt('mail_account', auth.attempt_subject(v_person.email)) then
        raise exception using errcode = 'PT429', message = 'This person got many e-mails within the hour.',
            hint = 'Try again later, or hand the link over yourself.';
    end if;
    insert into app.closer_access_tokens as t
        (organization_id, closer_id, payee_id, snapshot_id, scope, token_hash, expires_at, created_by, sent_to)
    values (
        create_link.organization_id, v_person.closer_id, v_person.payee_id, v_person.snapshot_id, create_link.scope,
        create_link.token_hash, now() + make_interval(days => v_days), create_link.created_by,
        case when v_sent then v_person.email end)
    returning t.* into v_link;
    if v_sent then
        perform app.enqueue_outbox(
            organization_id => v_link.organization_id, kind => 'email',
            payload => (
                select jsonb_strip_nulls(jsonb_build_object(
                    'template', case v_link.scope when 'pcf' then 'portal-link' else 'commission-link' end,
                    'to', v_person.email, 'name', v_person.name, 'organization_name', o.name,
                    'statement_name', (select s.name from app.payout_snapshots as s
                                        where s.organization_id = o.id and s.id = v_link.snapshot_id),
                    'expires_on', to_char(v_link.expires_at at time zone o.timezone, 'FMDD FMMonth YYYY')))
                  from app.organizations as o where o.id = v_link.organization_id),
            dedupe_key => 'access-link:' || v_link.id,
            secret => app.require_sealed(create_link.secret));
    end if;
    return v_link;
end;
$$;
comment on function app.create_link(uuid, text, bytea, uuid, uuid, uuid, integer, bytea, uuid) is
    'A personal link, known by the hash of its token.';
