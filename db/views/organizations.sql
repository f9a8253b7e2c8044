-- Organizations, their people, settings and invitations.

drop view if exists api.organizations;
create view api.organizations with (security_invoker = true) as
select
    t.id,
    t.name,
    t.slug,
    t.timezone,
    t.currency,
    t.week_start,
    t.pay_calendar,
    t.pay_anchor_on,
    t.pcf_grace,
    t.slot_minutes,
    t.attribution_window_days,
    t.setter_attribution,
    t.report_hour,
    t.min_sample,
    t.suspended_at,
    t.deleted_at,
    t.deleted_reason,
    t.created_at,
    t.updated_at
  from app.organizations as t
 where t.deleted_at is null;
grant select on api.organizations to authenticated, org_admin, super_admin;
comment on view api.organizations is $$Tenants: the companies whose sales this platform runs.$$;
comment on column api.organizations.id is 'Identity of the row; ordered by time of creation.';
comment on column api.organizations.name is 'Name shown to people.';
comment on column api.organizations.slug is 'Its name in addresses and commands: lower-case letters, digits and hyphens.';
comment on column api.organizations.timezone is 'IANA name; every local day and period of this organization is in it.';
comment on column api.organizations.currency is 'ISO 4217; metrics, ledger and statements are in it.';
comment on column api.organizations.week_start is 'ISO weekday on which weeks start: 1 Monday to 7 Sunday.';
comment on column api.organizations.pay_calendar is 'How long a pay period is: weekly, biweekly, semimonthly or monthly.';
comment on column api.organizations.pay_anchor_on is 'A day on which a weekly or biweekly pay period starts.';
comment on column api.organizations.pcf_grace is 'How long after its end a call may wait for its form before it is overdue.';
comment on column api.organizations.slot_minutes is 'Minutes of one bookable slot; utilization counts in slots.';
comment on column api.organizations.attribution_window_days is 'How many days after a call a payment may still be attributed to it.';
comment on column api.organizations.setter_attribution is 'Which setter a call credits: event (who booked its chain), original or current (of the lead).';
comment on column api.organizations.report_hour is 'Local hour, 0 to 23, at which daily reports go out.';
comment on column api.organizations.min_sample is 'Rates over fewer calls are listed unranked.';
comment on column api.organizations.suspended_at is 'When the platform stopped it; NULL: it runs.';
comment on column api.organizations.deleted_at is 'When it was deleted; NULL while it counts.';
comment on column api.organizations.deleted_reason is 'Why it was deleted.';
comment on column api.organizations.created_at is 'When the row was made.';
comment on column api.organizations.updated_at is 'When the row last changed.';

drop view if exists api.organization_members;
create view api.organization_members with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.user_id,
    t.role,
    t.created_at,
    t.updated_at
  from app.organization_members as t;
grant select on api.organization_members to authenticated, org_admin, super_admin;
comment on view api.organization_members is $$Who belongs to an organization, and as what: the only source of power inside it.$$;
comment on column api.organization_members.organization_id is 'The tenant.';
comment on column api.organization_members.id is 'Identity of the row; ordered by time of creation.';
comment on column api.organization_members.user_id is 'Who belongs to it.';
comment on column api.organization_members.role is 'owner, admin or member; the only source of power in the organization.';
comment on column api.organization_members.created_at is 'When the row was made.';
comment on column api.organization_members.updated_at is 'When the row last changed.';

drop view if exists api.profiles;
create view api.profiles with (security_invoker = true) as
select
    t.user_id,
    t.full_name,
    t.email,
    t.avatar_url,
    t.timezone,
    t.created_at,
    t.updated_at
  from app.profiles as t;
grant select on api.profiles to authenticated, org_admin, super_admin;
grant update (full_name, avatar_url, timezone) on api.profiles to authenticated, org_admin, super_admin;
comment on view api.profiles is $$Extended user data, one row per user, made with the user; holds no tenant's data.$$;
comment on column api.profiles.user_id is 'Whose profile it is.';
comment on column api.profiles.full_name is 'Name of the person.';
comment on column api.profiles.email is 'E-mail address.';
comment on column api.profiles.avatar_url is 'Address of a picture.';
comment on column api.profiles.timezone is 'Display only; never changes a number.';
comment on column api.profiles.created_at is 'When the row was made.';
comment on column api.profiles.updated_at is 'When the row last changed.';

drop view if exists api.user_roles;
create view api.user_roles with (security_invoker = true) as
select
    t.id,
    t.user_id,
    t.role,
    t.granted_by,
    t.created_at,
    t.updated_at
  from app.user_roles as t;
grant select on api.user_roles to authenticated, org_admin, super_admin;
comment on view api.user_roles is $$Platform roles. Only super_admin has power; admin and sales_rep are accepted and powerless.$$;
comment on column api.user_roles.id is 'Identity of the row; ordered by time of creation.';
comment on column api.user_roles.user_id is 'Who has the role.';
comment on column api.user_roles.role is 'super_admin has power over the platform; admin and sales_rep are kept from the original and have none.';
comment on column api.user_roles.granted_by is 'The super admin who gave it; NULL: an operator did.';
comment on column api.user_roles.created_at is 'When the row was made.';
comment on column api.user_roles.updated_at is 'When the row last changed.';

drop view if exists api.organization_integrations;
create view api.organization_integrations with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.primary_crm,
    t.primary_booking_platform,
    t.primary_payment_processor,
    t.calendly_api_key_encrypted is not null as calendly_configured,
    t.calendly_api_key_last4,
    t.calendly_api_key_key_id,
    t.calendly_api_key_validated_at,
    t.close_api_key_encrypted is not null as close_configured,
    t.close_api_key_last4,
    t.close_api_key_key_id,
    t.close_api_key_validated_at,
    t.ghl_api_key_encrypted is not null as ghl_configured,
    t.ghl_api_key_last4,
    t.ghl_api_key_key_id,
    t.ghl_api_key_validated_at,
    t.hubspot_api_key_encrypted is not null as hubspot_configured,
    t.hubspot_api_key_last4,
    t.hubspot_api_key_key_id,
    t.hubspot_api_key_validated_at,
    t.whop_api_key_encrypted is not null as whop_configured,
    t.whop_api_key_last4,
    t.whop_api_key_key_id,
    t.whop_api_key_validated_at,
    t.stripe_api_key_encrypted is not null as stripe_configured,
    t.stripe_api_key_last4,
    t.stripe_api_key_key_id,
    t.stripe_api_key_validated_at,
    t.slack_webhook_url_encrypted is not null as slack_configured,
    t.slack_webhook_url_last4,
    t.slack_webhook_url_key_id,
    t.slack_webhook_url_validated_at,
    t.ghl_location_id,
    t.whop_company_id,
    t.stripe_publishable_key,
    t.created_at,
    t.updated_at
  from app.organization_integrations as t;
grant select on api.organization_integrations to authenticated, org_admin, super_admin;
comment on view api.organization_integrations is $$API keys and defaults of one organization; keys are ciphertext (AES-256-GCM) and shown to nobody.$$;
comment on column api.organization_integrations.organization_id is 'The tenant.';
comment on column api.organization_integrations.id is 'Identity of the row; ordered by time of creation.';
comment on column api.organization_integrations.primary_crm is 'Which CRM gets look-ups, notes and write-back: ghl, close, hubspot or none.';
comment on column api.organization_integrations.primary_booking_platform is 'What forms offer first: calendly, acuity or none.';
comment on column api.organization_integrations.primary_payment_processor is 'What forms offer first: whop, stripe or none.';
comment on column api.organization_integrations.calendly_configured is 'Whether a key of Calendly is stored.';
comment on column api.organization_integrations.calendly_api_key_last4 is 'Last four characters of the key of Calendly, to tell two apart.';
comment on column api.organization_integrations.calendly_api_key_key_id is 'Which master key sealed it.';
comment on column api.organization_integrations.calendly_api_key_validated_at is 'When Calendly last accepted the key; NULL: never tried.';
comment on column api.organization_integrations.close_configured is 'Whether a key of Close is stored.';
comment on column api.organization_integrations.close_api_key_last4 is 'Last four characters of the key of Close, to tell two apart.';
comment on column api.organization_integrations.close_api_key_key_id is 'Which master key sealed it.';
comment on column api.organization_integrations.close_api_key_validated_at is 'When Close last accepted the key; NULL: never tried.';
comment on column api.organization_integrations.ghl_configured is 'Whether a key of GoHighLevel is stored.';
comment on column api.organization_integrations.ghl_api_key_last4 is 'Last four characters of the key of GoHighLevel, to tell two apart.';
comment on column api.organization_integrations.ghl_api_key_key_id is 'Which master key sealed it.';
comment on column api.organization_integrations.ghl_api_key_validated_at is 'When GoHighLevel last accepted the key; NULL: never tried.';
comment on column api.organization_integrations.hubspot_configured is 'Whether a key of HubSpot is stored.';
comment on column api.organization_integrations.hubspot_api_key_last4 is 'Last four characters of the key of HubSpot, to tell two apart.';
comment on column api.organization_integrations.hubspot_api_key_key_id is 'Which master key sealed it.';
comment on column api.organization_integrations.hubspot_api_key_validated_at is 'When HubSpot last accepted the key; NULL: never tried.';
comment on column api.organization_integrations.whop_configured is 'Whether a key of Whop is stored.';
comment on column api.organization_integrations.whop_api_key_last4 is 'Last four characters of the key of Whop, to tell two apart.';
comment on column api.organization_integrations.whop_api_key_key_id is 'Which master key sealed it.';
comment on column api.organization_integrations.whop_api_key_validated_at is 'When Whop last accepted the key; NULL: never tried.';
comment on column api.organization_integrations.stripe_configured is 'Whether a key of Stripe is stored.';
comment on column api.organization_integrations.stripe_api_key_last4 is 'Last four characters of the key of Stripe, to tell two apart.';
comment on column api.organization_integrations.stripe_api_key_key_id is 'Which master key sealed it.';
comment on column api.organization_integrations.stripe_api_key_validated_at is 'When Stripe last accepted the key; NULL: never tried.';
comment on column api.organization_integrations.slack_configured is 'Whether an address for messages is stored.';
comment on column api.organization_integrations.slack_webhook_url_last4 is 'Last four characters of the address, to tell two apart.';
comment on column api.organization_integrations.slack_webhook_url_key_id is 'Which master key sealed it.';
comment on column api.organization_integrations.slack_webhook_url_validated_at is 'When Slack last accepted the address; NULL: never tried.';
comment on column api.organization_integrations.ghl_location_id is 'The location at GoHighLevel that its API version 2 asks for.';
comment on column api.organization_integrations.whop_company_id is 'The company at Whop whose payments are read.';
comment on column api.organization_integrations.stripe_publishable_key is 'Stripe''s public key, for forms in a browser; no secret.';
comment on column api.organization_integrations.created_at is 'When the row was made.';
comment on column api.organization_integrations.updated_at is 'When the row last changed.';

drop view if exists api.invitations;
create view api.invitations with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.email,
    t.role,
    t.expires_at,
    t.sent_at,
    t.accepted_at,
    t.accepted_by,
    t.revoked_at,
    t.invited_by,
    t.closer_id,
    t.setter_id,
    t.becomes_closer,
    t.becomes_setter,
    t.created_at,
    t.updated_at
  from app.invitations as t;
grant select on api.invitations to authenticated, org_admin, super_admin;
comment on view api.invitations is $$Who is invited, and what became of it; the token itself is stored only as a hash.
Make and send them with POST /functions/v1/send-invite-email, end them with rpc/revoke_invitation.$$;
comment on column api.invitations.organization_id is 'The tenant.';
comment on column api.invitations.id is 'Identity of the row; ordered by time of creation.';
comment on column api.invitations.email is 'E-mail address.';
comment on column api.invitations.role is 'What the person becomes: owner, admin or member.';
comment on column api.invitations.expires_at is 'When it ends by itself.';
comment on column api.invitations.sent_at is 'When its present link was sent; NULL while it waits for that.';
comment on column api.invitations.accepted_at is 'When it was accepted; NULL: not yet.';
comment on column api.invitations.accepted_by is 'The user who accepted it.';
comment on column api.invitations.revoked_at is 'When it was taken back.';
comment on column api.invitations.invited_by is 'The user who sent it.';
comment on column api.invitations.closer_id is 'The roster entry the person becomes on acceptance.';
comment on column api.invitations.setter_id is 'The roster entry the person becomes on acceptance.';
comment on column api.invitations.becomes_closer is 'Make a closer on acceptance when closer_id names none.';
comment on column api.invitations.becomes_setter is 'Make a setter on acceptance when setter_id names none.';
comment on column api.invitations.created_at is 'When the row was made.';
comment on column api.invitations.updated_at is 'When the row last changed.';

drop view if exists api.closer_access_tokens;
create view api.closer_access_tokens with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.closer_id,
    t.payee_id,
    t.snapshot_id,
    t.scope,
    t.expires_at,
    t.revoked_at,
    t.last_used_at,
    t.sent_to,
    t.created_by,
    t.created_at,
    t.updated_at
  from app.closer_access_tokens as t;
grant select on api.closer_access_tokens to authenticated, org_admin, super_admin;
comment on view api.closer_access_tokens is $$Magic links of the rep portal and of statements; the token itself is stored only as a hash.$$;
comment on column api.closer_access_tokens.organization_id is 'The tenant.';
comment on column api.closer_access_tokens.id is 'Identity of the row; ordered by time of creation.';
comment on column api.closer_access_tokens.closer_id is 'The closer whose portal it opens; NULL for a statement.';
comment on column api.closer_access_tokens.payee_id is 'The person it belongs to.';
comment on column api.closer_access_tokens.snapshot_id is 'The locked payout that a statement link is for.';
comment on column api.closer_access_tokens.scope is 'pcf: the portal of a closer. statement: a part of one payout.';
comment on column api.closer_access_tokens.expires_at is 'When it ends by itself.';
comment on column api.closer_access_tokens.revoked_at is 'When it was taken back, by an admin or because its person left.';
comment on column api.closer_access_tokens.last_used_at is 'When it was last used, to the minute.';
comment on column api.closer_access_tokens.sent_to is 'The address it was e-mailed to; NULL when it was shown to whoever made it.';
comment on column api.closer_access_tokens.created_by is 'The user who made it.';
comment on column api.closer_access_tokens.created_at is 'When the row was made.';
comment on column api.closer_access_tokens.updated_at is 'When the row last changed.';

drop view if exists api.api_keys;
create view api.api_keys with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.name,
    t.last4,
    t.created_by,
    t.last_used_at,
    t.revoked_at,
    t.created_at,
    t.updated_at
  from app.api_keys as t;
grant select on api.api_keys to authenticated, org_admin, super_admin;
comment on view api.api_keys is $$Read-only keys of an organization for BI tools; a key is a signed token naming this row, so revoking the row ends it.$$;
comment on column api.api_keys.organization_id is 'The tenant.';
comment on column api.api_keys.id is 'Identity of the row; ordered by time of creation.';
comment on column api.api_keys.name is 'Name shown to people.';
comment on column api.api_keys.last4 is 'Last four characters of the key, to tell two apart.';
comment on column api.api_keys.created_by is 'The user who made it.';
comment on column api.api_keys.last_used_at is 'When it was last used.';
comment on column api.api_keys.revoked_at is 'When it was taken back.';
comment on column api.api_keys.created_at is 'When the row was made.';
comment on column api.api_keys.updated_at is 'When the row last changed.';

drop view if exists api.portal_settings;
create view api.portal_settings with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.show_cash,
    t.show_leaderboard,
    t.leaderboard_visibility,
    t.show_commission,
    t.allow_late_edit_days,
    t.days_ahead,
    t.require_notes,
    t.created_at,
    t.updated_at
  from app.portal_settings as t;
grant select on api.portal_settings to authenticated, org_admin, super_admin;
grant insert on api.portal_settings to authenticated, org_admin, super_admin;
grant update on api.portal_settings to authenticated, org_admin, super_admin;
grant delete on api.portal_settings to authenticated, org_admin, super_admin;
comment on view api.portal_settings is $$What reps see and may do in their portal.$$;
comment on column api.portal_settings.organization_id is 'The tenant.';
comment on column api.portal_settings.id is 'Identity of the row; ordered by time of creation.';
comment on column api.portal_settings.show_cash is 'Reps see amounts: their own cash, and in a full leaderboard that of others.';
comment on column api.portal_settings.show_leaderboard is 'The portal shows a leaderboard.';
comment on column api.portal_settings.leaderboard_visibility is 'What reps see of others: none, rank (place and name), rates (also their rates), full.';
comment on column api.portal_settings.show_commission is 'Reps see their part of locked payouts, and statement links open.';
comment on column api.portal_settings.allow_late_edit_days is 'Days after a call within which its closer may change the form.';
comment on column api.portal_settings.days_ahead is 'How many days of calls to come the portal lists.';
comment on column api.portal_settings.require_notes is 'Closers must write a note with every form.';
comment on column api.portal_settings.created_at is 'When the row was made.';
comment on column api.portal_settings.updated_at is 'When the row last changed.';

drop view if exists api.dashboard_layouts;
create view api.dashboard_layouts with (security_invoker = true) as
select
    t.organization_id,
    t.id,
    t.user_id,
    t.name,
    t.layout,
    t.schema_version,
    t.created_at,
    t.updated_at
  from app.dashboard_layouts as t;
grant select on api.dashboard_layouts to authenticated, org_admin, super_admin;
grant insert on api.dashboard_layouts to authenticated, org_admin, super_admin;
grant update on api.dashboard_layouts to authenticated, org_admin, super_admin;
grant delete on api.dashboard_layouts to authenticated, org_admin, super_admin;
comment on view api.dashboard_layouts is $$Saved dashboards: one per user and name; user_id NULL is the organization's default.$$;
comment on column api.dashboard_layouts.organization_id is 'The tenant.';
comment on column api.dashboard_layouts.id is 'Identity of the row; ordered by time of creation.';
comment on column api.dashboard_layouts.user_id is 'Whose layout it is; NULL: the organization''s default.';
comment on column api.dashboard_layouts.name is 'Name shown to people.';
comment on column api.dashboard_layouts.layout is 'Widgets with their places and settings, as JSON of its schema_version.';
comment on column api.dashboard_layouts.schema_version is 'Which form the JSON has.';
comment on column api.dashboard_layouts.created_at is 'When the row was made.';
comment on column api.dashboard_layouts.updated_at is 'When the row last changed.';
