-- What the CRM of an organization is told of its forms: the outcome with its pipeline stage, and a note. The outbox holds it until a
-- sender carries it; ids only, so that the sender finds the contact as it is then.
-- Internal: nobody but the owner may call these.

-- app.crm_messages: what the CRM is told of forms, as rows of the outbox. Nothing of imports, nothing where the organization has
-- no CRM, nothing of calls whose contact nobody could find there. form_ids: of one organization.
create or replace function app.crm_messages(organization_id uuid, form_ids uuid[])
returns table (kind text, form_id uuid, event_id uuid, payload jsonb)
language sql stable
begin atomic
    with told as (
        select f.id, f.event_id, f.notes, f.answers - 'cause' as answers,
               jsonb_build_object(
                   'crm', i.primary_crm, 'form_id', f.id, 'version', f.version, 'event_id', e.id, 'lead_id', e.lead_id,
                   'ghl_contact_id', coalesce(e.ghl_contact_id, l.ghl_contact_id),
                   'hubspot_contact_id', coalesce(e.hubspot_contact_id, l.hubspot_contact_id),
                   'close_lead_id', coalesce(e.close_lead_id, l.close_lead_id),
                   'call_status', r.call_status, 'event_outcome', r.event_outcome,
                   'non_occurrence_reason', f.non_occurrence_reason, 'disqualified', f.disqualified) as ids,
               jsonb_build_object(
                   'opportunity_status_id', s.id, 'opportunity_status', s.name, 'stage_external_id', s.external_id,
                   'pipeline_external_id', s.pipeline_external_id) as stage
          from app.post_call_forms as f
          join app.organization_integrations as i on i.organization_id = f.organization_id and i.primary_crm <> 'none'
          join app.events as e on e.organization_id = f.organization_id and e.id = f.event_id
          left join app.leads as l on l.organization_id = e.organization_id and l.id = e.lead_id
          left join app.opportunity_statuses as s on s.organization_id = f.organization_id and s.id = f.opportunity_status_id
         cross join lateral app.form_result(
                f.call_occurred, f.lead_showed, f.offer_made, f.deal_closed, f.non_occurrence_reason) as r
         where f.organization_id = crm_messages.organization_id and f.id = any (crm_messages.form_ids)
           and f.submitted_via <> 'import' and l.is_test is not true
           and coalesce(e.ghl_contact_id, e.hubspot_contact_id, e.close_lead_id, l.ghl_contact_id, l.hubspot_contact_id,
                        l.close_lead_id, e.lead_email, e.lead_phone, l.email, l.phone) is not null
    )
    select 'crm-update', t.id, t.event_id, jsonb_strip_nulls(t.ids || t.stage) || jsonb_build_object('answers', t.answers)
      from told as t
    union all
    select 'crm-note', t.id, t.event_id,
           jsonb_strip_nulls(t.ids || jsonb_build_object('notes', t.notes)) || jsonb_build_object('answers', t.answers)
      from told as t
     where t.notes is not null or t.answers <> '{}';
end;
comment on function app.crm_messages(uuid, uuid[]) is 'What the CRM is told of forms, as rows of the outbox.';

-- app.cancel_crm_messages: what waits to be told of these forms is not told any more. What is being sent, is.
create or replace function app.cancel_crm_messages(organization_id uuid, form_ids uuid[]) returns void
language sql volatile
begin atomic
    update app.outbox as o set state = 'cancelled'
     where o.organization_id = cancel_crm_messages.organization_id and o.state = 'pending'
       and o.dedupe_key in (
            select k.kind || f.id || k.cause
              from unnest(cancel_crm_messages.form_ids) as f (id)
             cross join (values ('crm-update:', ''), ('crm-note:', ''), ('crm-update:', ':void'), ('crm-update:', ':again'))
                     as k (kind, cause));
end;
comment on function app.cancel_crm_messages(uuid, uuid[]) is 'What waits to be told of these forms is not told any more.';
