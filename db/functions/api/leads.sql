-- Leads, for admins: who is one person, and what a lead is known by. Each change carries its reason into the audit trail.
-- Definers: nobody may write identities, merges and what follows themselves; auth.require_admin finds the tenant and the right.

-- api.merge_leads: leads that turned out to be one person.
-- Callers:    owners and admins, super admins, through POST /rpc/merge_leads.
-- Guarantees: all or nothing; whoever merges the same leads at the same moment waits. Asked again, nothing changes.
-- Definer:    nobody may write merges themselves; auth.require_admin finds the tenant and the right.
create or replace function api.merge_leads(
    into_lead_id uuid, from_lead_ids uuid[], reason text default null, organization_id uuid default null
) returns setof api.lead_merges
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(merge_leads.organization_id);
    v_reason          constant text := app.require_reason(merge_leads.reason);
    v_merges          uuid[];
begin
    v_merges := app.merge_leads(v_organization_id, merge_leads.into_lead_id, merge_leads.from_lead_ids, v_reason);
    return query
    select m.* from api.lead_merges as m
     where m.organization_id = v_organization_id and m.id = any (v_merges) order by m.id;
end;
$$;
comment on function api.merge_leads(uuid, uuid[], text, uuid) is $$Make several leads one
For owners and admins; `reason` is required. Identities, touches, calls, payments, deals and custom fields of the leads in
`from_lead_ids` become those of `into_lead_id`, which learns what it lacks: name, e-mail, phone, source, current setter, contacts at CRMs.
Its original setter becomes that of the lead that was there first. Payments that no person decided are attributed anew; calls that
fitted several of the leads are its calls. The merged leads are still shown, with `merged_into_id`.
Answers the rows of lead_merges, one for each. PT409: a lead became part of another one, which DETAIL names. PT404: no such lead. PT422:
no reason, no lead, or a lead and itself.$$;

-- api.unmerge_leads: undo one merge.
-- Callers:    owners and admins, super admins, through POST /rpc/unmerge_leads.
-- Guarantees: all or nothing: exactly the rows that moved, and are still there, go back.
-- Definer:    nobody may write merges themselves; auth.require_admin finds the tenant and the right.
create or replace function api.unmerge_leads(
    merge_id uuid default null, lead_id uuid default null, reason text default null, organization_id uuid default null
) returns api.lead_merges
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(unmerge_leads.organization_id);
    v_reason          constant text := app.require_reason(unmerge_leads.reason);
    v_merge_id        uuid := unmerge_leads.merge_id;
    v_row             api.lead_merges;
begin
    if num_nonnulls(unmerge_leads.merge_id, unmerge_leads.lead_id) <> 1 then
        raise exception using errcode = 'PT422', message = 'Say which merge is undone.',
            hint = 'Pass merge_id, or lead_id of the lead that became part of another one.';
    elsif v_merge_id is null then
        select m.id into v_merge_id from app.lead_merges as m
         where m.organization_id = v_organization_id and m.from_lead_id = unmerge_leads.lead_id and m.unmerged_at is null;
        if not found then
            raise exception using errcode = 'PT404', message = 'No such merge in this organization.',
                hint = 'Name the lead that became part of another one.';
        end if;
    end if;
    perform app.unmerge_leads(v_organization_id, v_merge_id, v_reason);
    select m.* into v_row from api.lead_merges as m where m.organization_id = v_organization_id and m.id = v_merge_id;
    return v_row;
end;
$$;
comment on function api.unmerge_leads(uuid, uuid, text, uuid) is $$Undo a merge of leads
For owners and admins; `reason` is required. Give `merge_id`, or `lead_id` of the lead that became part of another one. The rows that
moved go back, as far as they are still with the lead that stayed; what came after the merge stays with that one. What the merge wrote
into that lead becomes what it was, unless somebody changed it since. Payments that no person decided are attributed anew.
Answers the row of lead_merges. PT409: undone before, or a later merge rests on it, which DETAIL names: undo that one first. PT404: no
such merge. PT422: no reason, not exactly one of the two.$$;

-- app.identity_value: what somebody typed, as identities of this kind are stored. Raises PT422 for what can be none.
create or replace function app.identity_value(kind text, value text) returns text
language plpgsql stable set search_path = '' as $$
declare
    v_value text;
begin
    if identity_value.kind is null or identity_value.kind not in (
        'email', 'phone', 'stripe_customer', 'stripe_subscription', 'whop_user', 'whop_membership', 'manychat_subscriber',
        'acuity_client', 'ghl_contact', 'hubspot_contact', 'close_lead') then
        raise exception using errcode = 'PT422', message = 'Leads are not known by this.',
            hint = 'Kinds are email, phone, stripe_customer, stripe_subscription, whop_user, whop_membership, manychat_subscriber,'
                   ' acuity_client, ghl_contact, hubspot_contact and close_lead.';
    end if;
    v_value := case identity_value.kind
        when 'email' then (select v.value from app.lead_identity_values(identity_value.value, null) as v)
        when 'phone' then app.phone_identity(identity_value.value)
        else nullif(btrim(identity_value.value), '') end;
    if v_value is null or length(v_value) > 320 or identity_value.kind = 'email' and v_value !~ '^[^@\s]+@[^@\s]+$' then
        raise exception using errcode = 'PT422', message = 'Nobody can be known by this.',
            hint = 'Give an e-mail address, a phone number of 7 to 15 digits, or an id.';
    end if;
    return v_value;
end;
$$;
comment on function app.identity_value(text, text) is 'An identity as it is stored; PT422 for what can be none.';

-- api.add_lead_identity, api.remove_lead_identity: what a lead is known by.
-- Callers:    owners and admins, super admins, through POST /rpc/add_lead_identity and /rpc/remove_lead_identity.
-- Guarantees: payments that no person decided follow in the same transaction. Asked again, adding changes nothing.
-- Definer:    nobody may write identities themselves; auth.require_admin finds the tenant and the right.
create or replace function api.add_lead_identity(
    lead_id uuid, kind text, value text, reason text default null, organization_id uuid default null
) returns api.lead_identities
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(add_lead_identity.organization_id);
    v_id              uuid;
    v_row             api.lead_identities;
begin
    perform app.require_reason(add_lead_identity.reason);
    perform app.lock_leads(v_organization_id, array[add_lead_identity.lead_id]);
    perform app.require_own_lead(v_organization_id, add_lead_identity.lead_id);
    v_id := app.give_identity(v_organization_id, add_lead_identity.lead_id, add_lead_identity.kind,
                              app.identity_value(add_lead_identity.kind, add_lead_identity.value));
    perform app.attribute_lead(v_organization_id, add_lead_identity.lead_id);
    select i.* into v_row from api.lead_identities as i where i.organization_id = v_organization_id and i.id = v_id;
    return v_row;
end;
$$;
comment on function api.add_lead_identity(uuid, text, text, text, uuid) is $$Say what a lead is known by
For owners and admins; `reason` is required. `kind` is email, phone, stripe_customer, stripe_subscription, whop_user, whop_membership,
manychat_subscriber, acuity_client, ghl_contact, hubspot_contact or close_lead. Payments that nobody has and that carry it are attributed.
Answers the row of lead_identities. PT409: another lead is known by it, which DETAIL names; the lead became part of another one. PT422: no
reason, a kind or value that can be none. PT404: no such lead.$$;

create or replace function api.remove_lead_identity(
    lead_id uuid, kind text, value text, reason text default null, organization_id uuid default null
) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(remove_lead_identity.organization_id);
    v_value           text;
    v_lead            app.leads;
begin
    perform app.require_reason(remove_lead_identity.reason);
    perform app.lock_leads(v_organization_id, array[remove_lead_identity.lead_id]);
    v_lead := app.require_own_lead(v_organization_id, remove_lead_identity.lead_id);
    v_value := app.identity_value(remove_lead_identity.kind, remove_lead_identity.value);
    if remove_lead_identity.kind = 'email' and v_value = v_lead.email_norm
       or remove_lead_identity.kind = 'phone' and v_value = app.phone_identity(v_lead.phone) then
        raise exception using errcode = 'PT409', message = 'The lead itself has this address or number.',
            detail = format('It is the %s of lead %s.', remove_lead_identity.kind, v_lead.id),
            hint = 'Change the lead first: its earlier values stay identities until they are removed.';
    end if;
    delete from app.lead_identities as i
     where i.organization_id = v_organization_id and i.lead_id = v_lead.id and i.kind = remove_lead_identity.kind
       and i.value = v_value;
    if not found then
        raise exception using errcode = 'PT404', message = 'The lead is not known by this.';
    end if;
    perform app.attribute_lead(v_organization_id, v_lead.id);
end;
$$;
comment on function api.remove_lead_identity(uuid, text, text, text, uuid) is $$Say that a lead is not known by this any more
For owners and admins; `reason` is required. Payments that no person decided are attributed anew, without it.
PT404: no such lead, or it is not known by this. PT409: it is the e-mail or phone of the lead itself, which is changed there; the lead
became part of another one. PT422: no reason, a kind or value that can be none.$$;

-- api.upsert_lead: a lead, by what it is known by.
-- Callers:    owners and admins, super admins, through POST /rpc/upsert_lead.
-- Guarantees: one lead per identity, whoever asks at the same moment; payments that no person decided follow.
-- Definer:    nobody may write identities themselves; auth.require_admin finds the tenant and the right.
create or replace function api.upsert_lead(
    email text default null, phone text default null, full_name text default null, identities jsonb default null,
    source_id uuid default null, traffic_type_id uuid default null, current_setter_id uuid default null,
    is_test boolean default null, lead_id uuid default null, reason text default null, organization_id uuid default null
) returns api.leads
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(upsert_lead.organization_id);
    v_id              uuid;
    v_row             api.leads;
begin
    perform app.note_reason(upsert_lead.reason);
    v_id := app.upsert_lead(
        v_organization_id, upsert_lead.lead_id, upsert_lead.email, upsert_lead.phone, upsert_lead.full_name,
        upsert_lead.identities, upsert_lead.source_id, upsert_lead.traffic_type_id, upsert_lead.current_setter_id,
        upsert_lead.is_test);
    select l.* into v_row from api.leads as l where l.organization_id = v_organization_id and l.id = v_id;
    return v_row;
end;
$$;
comment on function api.upsert_lead(text, text, text, jsonb, uuid, uuid, uuid, boolean, uuid, text, uuid) is $$Make or change a lead
For owners and admins. The lead is found by any of `email`, `phone` and `identities` (`{"ghl_contact": "..."}`, kinds as in
`add_lead_identity`), compared as they are stored: e-mails in lower case, digits of numbers; made when nobody is known by them. `lead_id`
names it instead, and they are given to it. What is left out stays. Who brings a new lead (`current_setter_id`) is its original setter;
later only the current one changes, with its history in lead_setter_changes. `reason` may be given.
Answers the row of leads. PT409: several leads are known by this, or another one is; DETAIL names them. PT404: no such lead, setter, source
or traffic type. PT422: nothing that anybody is known by, or what nobody can be known by.$$;

grant execute on function
    api.upsert_lead(text, text, text, jsonb, uuid, uuid, uuid, boolean, uuid, text, uuid),
    api.merge_leads(uuid, uuid[], text, uuid), api.unmerge_leads(uuid, uuid, text, uuid),
    api.add_lead_identity(uuid, text, text, text, uuid), api.remove_lead_identity(uuid, text, text, text, uuid)
    to authenticated, org_admin, super_admin;
