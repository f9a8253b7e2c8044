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
