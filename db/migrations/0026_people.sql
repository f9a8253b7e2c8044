-- When an invitation went out, and whom booking platforms and CRMs list who is on no roster.
-- depends: 0021_lean_audit

alter table app.invitations
    add column sent_at timestamptz,
    add constraint invitations_email_is_an_address
        check (length(email) <= 254 and btrim(email) ~ '^[^@[:space:][:cntrl:]]+@[^@[:space:][:cntrl:]]+$');
update app.invitations set sent_at = created_at;
comment on column app.invitations.sent_at is
    'When its present token was made and put into the outbox; NULL while it waits for that, when no token opens it.';

create table app.roster_proposals (
    organization_id  uuid        not null,
    id               uuid        not null default uuidv7(),
    provider         text        not null,
    provider_user_id text        not null,
    name             text,
    email            text,
    email_norm       text        generated always as (lower(btrim(email))) stored,
    state            text        not null default 'open',
    first_seen_at    timestamptz not null default now(),
    last_seen_at     timestamptz not null default now(),
    closer_id        uuid,
    setter_id        uuid,
    decided_by       uuid,
    decided_at       timestamptz,
    created_at       timestamptz not null default now(),
    updated_at       timestamptz not null default now(),
    constraint roster_proposals_pkey primary key (organization_id, id),
    constraint roster_proposals_organization_id_fkey foreign key (organization_id) references app.organizations (id),
    constraint roster_proposals_closer_id_fkey
        foreign key (organization_id, closer_id) references app.closers (organization_id, id) on delete set null (closer_id),
    constraint roster_proposals_setter_id_fkey
        foreign key (organization_id, setter_id) references app.setters (organization_id, id) on delete set null (setter_id),
    constraint roster_proposals_decided_by_fkey
        foreign key (decided_by) references auth.users (id) on delete set null,
    constraint roster_proposals_provider_is_known check (provider in ('calendly', 'acuity', 'close', 'hubspot', 'ghl')),
    constraint roster_proposals_provider_user_id_is_not_blank check (btrim(provider_user_id) <> ''),
    constraint roster_proposals_texts_are_short
        check (length(provider_user_id) <= 300 and length(name) <= 200 and length(email) <= 254),
    constraint roster_proposals_state_is_known check (state in ('open', 'accepted', 'dismissed', 'known')),
    constraint roster_proposals_open_ones_are_undecided check (state <> 'open' or decided_at is null),
    constraint roster_proposals_provider_user_id_key unique (organization_id, provider, provider_user_id)
);
create index roster_proposals_closer_id_idx on app.roster_proposals (organization_id, closer_id) where closer_id is not null;
create index roster_proposals_setter_id_idx on app.roster_proposals (organization_id, setter_id) where setter_id is not null;
create index roster_proposals_decided_by_idx on app.roster_proposals (decided_by) where decided_by is not null;
comment on table app.roster_proposals is $$People whom a booking platform or CRM lists and nobody on a roster is
An admin accepts one as a closer or setter, new or existing, or dismisses it; nobody is put on a roster by themselves.$$;
comment on column app.roster_proposals.provider_user_id is
    'How the platform names the person: its user id or URI, or their address in lower case where it tells no id.';
comment on column app.roster_proposals.state is
    'open, accepted, dismissed, or known: somebody on a roster has the address or id by now.';
comment on column app.roster_proposals.closer_id is 'The closer they were accepted as.';
comment on column app.roster_proposals.setter_id is 'The setter they were accepted as.';

-- One payee for each person on the rosters who has none, known by profile, else by address. A trigger does so from now on.
with entry as (
    select c.organization_id, c.id, c.name, c.email, c.email_norm, c.profile_id from app.closers as c where c.payee_id is null
    union all
    select s.organization_id, s.id, s.name, s.email, s.email_norm, s.profile_id from app.setters as s where s.payee_id is null
), person as materialized (
    select e.organization_id, coalesce(e.profile_id::text, e.email_norm, e.id::text) as key, uuidv7() as new_id,
           array_agg(e.id) as entry_ids, min(e.name) as name, min(e.email) as email,
           (array_agg(e.profile_id))[1] as profile_id,
           (select p.id from app.payees as p
             where p.organization_id = e.organization_id
               and (p.profile_id = any (array_agg(e.profile_id)) or p.profile_id is null and p.email_norm = any (array_agg(e.email_norm)))
             order by p.profile_id is null, p.is_active desc, p.id limit 1) as known_id
      from entry as e
     group by e.organization_id, coalesce(e.profile_id::text, e.email_norm, e.id::text)
), made as (
    insert into app.payees (organization_id, id, profile_id, name, email)
    select w.organization_id, w.new_id, w.profile_id, w.name, w.email from person as w where w.known_id is null
), closer as (
    update app.closers as c set payee_id = coalesce(w.known_id, w.new_id)
      from person as w
     where c.organization_id = w.organization_id and c.id = any (w.entry_ids) and c.payee_id is null
), setter as (
    update app.setters as s set payee_id = coalesce(w.known_id, w.new_id)
      from person as w
     where s.organization_id = w.organization_id and s.id = any (w.entry_ids) and s.payee_id is null
)
update app.payment_credits as k set payee_id = coalesce(w.known_id, w.new_id)
  from person as w
 where k.organization_id = w.organization_id and k.payee_id is null
   and coalesce(k.closer_id, k.setter_id) = any (w.entry_ids);
