-- Closers, setters and what the caller is credited with.

drop view if exists api.closers;
create view api.closers with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    case when t.organization_id = any (a.ids) or a.is_platform or t.profile_id = a.uid then t.profile_id end as profile_id,
    case when t.organization_id = any (a.ids) or a.is_platform or t.profile_id = a.uid then t.payee_id end as payee_id,
    t.name,
    case when t.organization_id = any (a.ids) or a.is_platform or t.profile_id = a.uid then t.email end as email,
    case when t.organization_id = any (a.ids) or a.is_platform or t.profile_id = a.uid then t.aliases end as aliases,
    t.is_active,
    case when t.organization_id = any (a.ids) or a.is_platform or t.profile_id = a.uid then t.active_from end as active_from,
    case when t.organization_id = any (a.ids) or a.is_platform or t.profile_id = a.uid then t.active_until end as active_until,
    case when t.organization_id = any (a.ids) or a.is_platform or t.profile_id = a.uid then t.calendly_user_uri end as calendly_user_uri,
    case when t.organization_id = any (a.ids) or a.is_platform or t.profile_id = a.uid then t.close_user_id end as close_user_id,
    t.created_at,
    t.updated_at
  from app.closers as t
 cross join (select auth.admin_organization_ids() as ids, auth.uid() as uid, auth.is_super_admin() as is_platform offset 0) as a;
grant select, insert, update, delete on api.closers to authenticated, org_admin, super_admin;
comment on view api.closers is $$Sales reps who take calls.
Members see names; the private columns are for admins and the person.$$;
comment on column api.closers.organization_id is 'The tenant.';
comment on column api.closers.id is 'Identity of the row; ordered by time of creation.';
comment on column api.closers.profile_id is 'The member who signs in as this closer; NULL unlinks them.';
comment on column api.closers.payee_id is 'Who is paid for it; left out, the payee of the same person, or a new one.';
comment on column api.closers.name is 'Name shown to people.';
comment on column api.closers.email is 'E-mail address.';
comment on column api.closers.aliases is 'Other names and addresses under which hosts are known, lower case.';
comment on column api.closers.is_active is 'False: takes calls no more; history keeps them.';
comment on column api.closers.active_from is 'First local day on the roster; NULL: since always.';
comment on column api.closers.active_until is 'Last local day on the roster; NULL: open.';
comment on column api.closers.calendly_user_uri is 'The host at Calendly, whose bookings become theirs.';
comment on column api.closers.close_user_id is 'The user at Close, whose work becomes theirs.';
comment on column api.closers.created_at is 'When the row was made.';
comment on column api.closers.updated_at is 'When the row last changed.';

drop view if exists api.setters;
create view api.setters with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    case when t.organization_id = any (a.ids) or a.is_platform or t.profile_id = a.uid then t.profile_id end as profile_id,
    case when t.organization_id = any (a.ids) or a.is_platform or t.profile_id = a.uid then t.payee_id end as payee_id,
    t.name,
    case when t.organization_id = any (a.ids) or a.is_platform or t.profile_id = a.uid then t.email end as email,
    case when t.organization_id = any (a.ids) or a.is_platform or t.profile_id = a.uid then t.aliases end as aliases,
    t.is_active,
    case when t.organization_id = any (a.ids) or a.is_platform or t.profile_id = a.uid then t.active_from end as active_from,
    case when t.organization_id = any (a.ids) or a.is_platform or t.profile_id = a.uid then t.active_until end as active_until,
    case when t.organization_id = any (a.ids) or a.is_platform or t.profile_id = a.uid then t.close_user_id end as close_user_id,
    t.created_at,
    t.updated_at
  from app.setters as t
 cross join (select auth.admin_organization_ids() as ids, auth.uid() as uid, auth.is_super_admin() as is_platform offset 0) as a;
grant select, insert, update, delete on api.setters to authenticated, org_admin, super_admin;
comment on view api.setters is $$People who book calls.
Members see names; the private columns are for admins and the person.$$;
comment on column api.setters.organization_id is 'The tenant.';
comment on column api.setters.id is 'Identity of the row; ordered by time of creation.';
comment on column api.setters.profile_id is 'The member who signs in as this setter; NULL unlinks them.';
comment on column api.setters.payee_id is 'Who is paid for it; left out, the payee of the same person, or a new one.';
comment on column api.setters.name is 'Name shown to people.';
comment on column api.setters.email is 'E-mail address.';
comment on column api.setters.aliases is 'Spellings under which UTM fields and answers name this person, lower case.';
comment on column api.setters.is_active is 'False: books calls no more; history keeps them.';
comment on column api.setters.active_from is 'First local day on the roster; NULL: since always.';
comment on column api.setters.active_until is 'Last local day on the roster; NULL: open.';
comment on column api.setters.close_user_id is 'The user at Close, whose calls become theirs.';
comment on column api.setters.created_at is 'When the row was made.';
comment on column api.setters.updated_at is 'When the row last changed.';

drop view if exists api.my_credits;
create view api.my_credits with (security_invoker = true) as
select
    c.organization_id,
    c.id,
    c.payment_id,
    c.role,
    c.closer_id,
    c.setter_id,
    c.payee_id,
    c.share,
    c.amount_base,
    c.base_currency,
    c.created_at
  from app.payment_credits as c
 where c.closer_id = any ((select auth.own_closer_ids())::uuid[])
    or c.setter_id = any ((select auth.own_setter_ids())::uuid[])
    or c.payee_id = any ((select auth.own_payee_ids())::uuid[]);
grant select on api.my_credits to authenticated, org_admin, super_admin;
comment on view api.my_credits is $$What the caller is credited with
One row per payment and role: a setter sees their amounts here without seeing the payments.$$;
comment on column api.my_credits.organization_id is 'The tenant.';
comment on column api.my_credits.id is 'Identity of the credit.';
comment on column api.my_credits.payment_id is 'What you are credited with.';
comment on column api.my_credits.role is 'As what you are credited: closer or setter.';
comment on column api.my_credits.closer_id is 'The closer, in that role.';
comment on column api.my_credits.setter_id is 'The setter, in that role.';
comment on column api.my_credits.payee_id is 'You, as somebody who is paid commission.';
comment on column api.my_credits.share is 'Your part of the payment: a share above 0, up to 1.';
comment on column api.my_credits.amount_base is 'The part of the payment, in base_currency.';
comment on column api.my_credits.base_currency is $$The organization's currency.$$;
comment on column api.my_credits.created_at is 'When the credit was given.';

drop view if exists api.roster_proposals;
create view api.roster_proposals with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.provider,
    t.provider_user_id,
    t.name,
    t.email,
    t.state,
    t.first_seen_at,
    t.last_seen_at,
    t.closer_id,
    t.setter_id,
    t.decided_by,
    t.decided_at,
    t.created_at,
    t.updated_at
  from app.roster_proposals as t;
grant select on api.roster_proposals to authenticated, org_admin, super_admin;
comment on view api.roster_proposals is $$People whom a booking platform or CRM lists and nobody on a roster is
Decide with rpc/accept_roster_proposal and rpc/dismiss_roster_proposal; nobody is put on a roster by themselves.$$;
comment on column api.roster_proposals.organization_id is 'The tenant.';
comment on column api.roster_proposals.id is 'Identity of the row; ordered by time of creation.';
comment on column api.roster_proposals.provider is 'The platform that lists them: calendly, acuity, close, hubspot or ghl.';
comment on column api.roster_proposals.provider_user_id is 'How the platform names the person: its user id or URI, or their address where it tells no id.';
comment on column api.roster_proposals.name is 'Name that the platform shows.';
comment on column api.roster_proposals.email is 'E-mail address.';
comment on column api.roster_proposals.state is 'open, accepted, dismissed, or known: somebody on a roster has the address or id by now.';
comment on column api.roster_proposals.first_seen_at is 'When the platform was first seen to list them.';
comment on column api.roster_proposals.last_seen_at is 'When it was last seen to.';
comment on column api.roster_proposals.closer_id is 'The closer they were accepted as.';
comment on column api.roster_proposals.setter_id is 'The setter they were accepted as.';
comment on column api.roster_proposals.decided_by is 'Who accepted or dismissed them.';
comment on column api.roster_proposals.decided_at is 'When they did.';
comment on column api.roster_proposals.created_at is 'When the row was made.';
comment on column api.roster_proposals.updated_at is 'When the row last changed.';
