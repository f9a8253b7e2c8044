-- The form that an organization asks after a call.

-- api.publish_form_config: say which fields the post-call form asks, or try it.
-- Callers:    owners and admins, super admins, through POST /rpc/publish_form_config.
-- Guarantees: one version is in use; earlier ones stay, and so do the forms that answered them. A preview changes nothing.
-- Definer:    nobody may write forms of an organization themselves; auth.require_admin finds the tenant and the right.
create or replace function api.publish_form_config(fields jsonb, preview boolean default false, organization_id uuid default null)
returns jsonb
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(publish_form_config.organization_id);
    v_read    record := app.read_form_config(publish_form_config.fields);
    v_failing jsonb;
    v_id      uuid;
begin
    if v_read.problems <> '{}' then
        raise exception using errcode = 'PT422', message = 'Some fields of this form cannot be used.',
            detail = v_read.problems::text, hint = 'DETAIL names each field, its setting and what is wrong with it.';
    end if;
    select coalesce(jsonb_agg(to_jsonb(f)), '[]') into v_failing from app.failing_forms(v_organization_id, v_read.fields) as f;
    if publish_form_config.preview is not true then
        v_id := app.publish_form(v_organization_id, v_read.fields, auth.uid());
    end if;
    return jsonb_build_object(
        'form_config_id', v_id,
        'version', (select c.version from app.form_configs as c where c.organization_id = v_organization_id and c.id = v_id),
        'fields', v_read.fields, 'failing', v_failing);
end;
$$;
comment on function api.publish_form_config(jsonb, boolean, uuid) is $$Say which fields the post-call form asks
For admins. `fields` is a list of objects with `name`, `type` (text, number, money, date, select, multi_select, boolean, email,
phone), `label`, `help`, `placeholder`, `required`, `options` (texts, or objects with value and label), `min`, `max` (of numbers and days
the value, of texts their length, of multi_select how many) and `show_if` ({"field": an earlier or standard field, and one of
"equals": value, "in": [values], "answered": true}). An entry with the name of a standard field makes it required, hides it
(`hidden`), narrows its choices or bounds, or asks it under a condition.
Answers {"form_config_id", "version", "fields", "failing": [{"field", "sentence", "forms", "form_ids"}]}: which of the newest 20,000 forms
that rule now could not be submitted again like this, how many, and five of them. With `preview` nothing is published.
Publishing what is in use changes nothing; earlier versions are rows of form_configs. PT422: DETAIL is a JSON object of field, setting
and sentence.$$;
grant execute on function api.publish_form_config(jsonb, boolean, uuid) to authenticated, org_admin, super_admin;
