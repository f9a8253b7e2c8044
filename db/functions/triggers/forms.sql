-- Forms, whoever writes them: people and systems, one or many.
-- Writing through api.post_call_forms: an insert does what api.submit_post_call_form does; nothing else is written that way.
-- Definers: API roles have no usage on schema app; app.submit_form finds the tenant and the caller's right.

-- app.submit_form_row: an inserted form, submitted by the caller now.
create or replace function app.submit_form_row() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_answers jsonb;
    v_form    app.post_call_forms;
begin
    select coalesce(jsonb_object_agg(a.key, a.value), '{}') into v_answers
      from jsonb_each(to_jsonb(new)) as a
     where jsonb_typeof(a.value) <> 'null' and (a.key = 'answers' or a.key in (select f.name from app.form_fields() as f));
    v_form := app.submit_form(new.event_id, v_answers, new.organization_id, now());
    select f.* into new from api.post_call_forms as f
     where f.organization_id = v_form.organization_id and f.id = v_form.id;
    return new;
end;
$$;
comment on function app.submit_form_row() is 'Does for a form inserted through the view what submit_post_call_form does.';

-- app.refuse_form_change: a form that was submitted is never edited or deleted.
create or replace function app.refuse_form_change() returns trigger
language plpgsql volatile set search_path = '' as $$
begin
    raise exception using errcode = '42501', message = 'A submitted form is not changed in place.',
        hint = 'Submit it again through rpc/submit_post_call_form: the new version rules.';
end;
$$;
comment on function app.refuse_form_change() is 'Refuses to edit or delete a submitted form, and names the function that corrects it.';

create or replace trigger submits_form instead of insert on api.post_call_forms
    for each row execute function app.submit_form_row();
create or replace trigger refuses_form_changes instead of update or delete on api.post_call_forms
    for each row execute function app.refuse_form_change();
grant insert (organization_id, event_id, closer_id, call_occurred, lead_showed, offer_made, deal_closed, non_occurrence_reason,
              disqualified, cash_collected, currency, payment_type, package_id, contract_value, call_outcome_id,
              opportunity_status_id, answers, notes) on api.post_call_forms to authenticated, org_admin, super_admin;
grant update, delete on api.post_call_forms to authenticated, org_admin, super_admin;

-- app.tell_crm_of_forms: what the CRM is told of new forms goes out after commit; what waited of the versions before does not.
create or replace function app.tell_crm_of_forms() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
begin
    if not exists (select from new_rows as n
                     join app.organization_integrations as i on i.organization_id = n.organization_id and i.primary_crm <> 'none') then
        return null;
    end if;
    perform app.cancel_crm_messages(n.organization_id, array_agg(p.id))
       from new_rows as n
       join app.post_call_forms as p on p.organization_id = n.organization_id and p.event_id = n.event_id and not p.is_active
      group by n.organization_id;
    insert into app.outbox (organization_id, kind, payload, dedupe_key)
    select n.organization_id, m.kind, m.payload, m.kind || ':' || m.form_id
      from (select r.organization_id, array_agg(r.id) as ids from new_rows as r where r.is_active group by r.organization_id) as n
     cross join lateral app.crm_messages(n.organization_id, n.ids) as m
    on conflict on constraint outbox_dedupe_key do nothing;
    return null;
end;
$$;
comment on function app.tell_crm_of_forms() is 'Queues what the CRM is told of new forms.';

-- app.tell_crm_of_voided_forms: of a form that was taken back nothing waits to be told; where the CRM has heard of it, it hears that it
-- does not count, or what the version before said, which rules again.
create or replace function app.tell_crm_of_voided_forms() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
begin
    -- In a full join, which is never planned as a nested loop: app.pass_on_event_people.
    if (select bool_or(n.voided_at is not null and o.voided_at is null or n.is_active and not o.is_active)
          from new_rows as n
          full join old_rows as o on o.organization_id = n.organization_id and o.id = n.id) is not true then
        return null;
    end if;
    perform app.cancel_crm_messages(n.organization_id, array_agg(f.id))
       from new_rows as n
       join app.post_call_forms as f on f.organization_id = n.organization_id and f.event_id = n.event_id
      group by n.organization_id;
    insert into app.outbox (organization_id, kind, payload, dedupe_key)
    select n.organization_id, m.kind,
           case when n.is_active then m.payload
                else '{"voided": true}' || m.payload - array[
                    'call_status', 'event_outcome', 'non_occurrence_reason', 'answers', 'opportunity_status_id', 'opportunity_status',
                    'stage_external_id', 'pipeline_external_id'] end,
           case when n.is_active then 'crm-update:' || v.id || ':again' else 'crm-update:' || n.id || ':void' end
      from new_rows as n
      left join lateral (
            select f.id from app.post_call_forms as f
             where f.organization_id = n.organization_id and f.event_id = n.event_id and f.voided_at is not null
             order by f.voided_at desc, f.id desc limit 1) as v on true
     cross join lateral app.crm_messages(n.organization_id, array[n.id]) as m
     where m.kind = 'crm-update' and (n.is_active or exists (
            select from app.outbox as o
             where o.organization_id = n.organization_id and o.dedupe_key = 'crm-update:' || n.id and o.state in ('sending', 'sent')))
    on conflict on constraint outbox_dedupe_key do nothing;
    return null;
end;
$$;
comment on function app.tell_crm_of_voided_forms() is 'Queues what the CRM is told of forms that were taken back.';

create or replace trigger tells_crm_of_forms after insert on app.post_call_forms
    referencing new table as new_rows for each statement execute function app.tell_crm_of_forms();
create or replace trigger tells_crm_of_voided_forms after update on app.post_call_forms
    referencing old table as old_rows new table as new_rows for each statement execute function app.tell_crm_of_voided_forms();
