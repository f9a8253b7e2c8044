-- What organizations know of their records beside the columns that everybody has.

-- api.custom_fields: the values of a record's own fields, as a column that clients ask for: select=*,custom_fields.
-- Callers:    whoever reads the record, through GET /leads, /events, /payments, /closers, /setters.
-- Guarantees: values that the caller may see, of fields that are in use, by name; an empty object for none.
create or replace function api.custom_fields(lead api.leads) returns jsonb
language sql stable
begin atomic
    select coalesce(jsonb_object_agg(d.name, coalesce(
               to_jsonb(v.text_value), to_jsonb(v.number_value), to_jsonb(v.date_value), to_jsonb(v.boolean_value),
               to_jsonb(v.option_values))), '{}')
      from app.custom_field_values as v
      join app.custom_field_definitions as d on d.organization_id = v.organization_id and d.id = v.definition_id
     where v.organization_id = (lead).organization_id and v.lead_id = (lead).id and d.archived_at is null;
end;
comment on function api.custom_fields(api.leads) is 'Values of the fields that the organization added to a lead, by name.';
grant execute on function api.custom_fields(api.leads) to authenticated, org_admin, super_admin;

create or replace function api.custom_fields(event api.events) returns jsonb
language sql stable
begin atomic
    select coalesce(jsonb_object_agg(d.name, coalesce(
               to_jsonb(v.text_value), to_jsonb(v.number_value), to_jsonb(v.date_value), to_jsonb(v.boolean_value),
               to_jsonb(v.option_values))), '{}')
      from app.custom_field_values as v
      join app.custom_field_definitions as d on d.organization_id = v.organization_id and d.id = v.definition_id
     where v.organization_id = (event).organization_id and v.event_id = (event).id and d.archived_at is null;
end;
comment on function api.custom_fields(api.events) is 'Values of the fields that the organization added to a call, by name.';
grant execute on function api.custom_fields(api.events) to authenticated, org_admin, super_admin;

create or replace function api.custom_fields(payment api.payments) returns jsonb
language sql stable
begin atomic
    select coalesce(jsonb_object_agg(d.name, coalesce(
               to_jsonb(v.text_value), to_jsonb(v.number_value), to_jsonb(v.date_value), to_jsonb(v.boolean_value),
               to_jsonb(v.option_values))), '{}')
      from app.custom_field_values as v
      join app.custom_field_definitions as d on d.organization_id = v.organization_id and d.id = v.definition_id
     where v.organization_id = (payment).organization_id and v.payment_id = (payment).id and d.archived_at is null;
end;
comment on function api.custom_fields(api.payments) is 'Values of the fields that the organization added to a payment, by name.';
grant execute on function api.custom_fields(api.payments) to authenticated, org_admin, super_admin;

create or replace function api.custom_fields(closer api.closers) returns jsonb
language sql stable
begin atomic
    select coalesce(jsonb_object_agg(d.name, coalesce(
               to_jsonb(v.text_value), to_jsonb(v.number_value), to_jsonb(v.date_value), to_jsonb(v.boolean_value),
               to_jsonb(v.option_values))), '{}')
      from app.custom_field_values as v
      join app.custom_field_definitions as d on d.organization_id = v.organization_id and d.id = v.definition_id
     where v.organization_id = (closer).organization_id and v.closer_id = (closer).id and d.archived_at is null;
end;
comment on function api.custom_fields(api.closers) is 'Values of the fields that the organization added to a closer, by name.';
grant execute on function api.custom_fields(api.closers) to authenticated, org_admin, super_admin;

create or replace function api.custom_fields(setter api.setters) returns jsonb
language sql stable
begin atomic
    select coalesce(jsonb_object_agg(d.name, coalesce(
               to_jsonb(v.text_value), to_jsonb(v.number_value), to_jsonb(v.date_value), to_jsonb(v.boolean_value),
               to_jsonb(v.option_values))), '{}')
      from app.custom_field_values as v
      join app.custom_field_definitions as d on d.organization_id = v.organization_id and d.id = v.definition_id
     where v.organization_id = (setter).organization_id and v.setter_id = (setter).id and d.archived_at is null;
end;
comment on function api.custom_fields(api.setters) is 'Values of the fields that the organization added to a setter, by name.';
grant execute on function api.custom_fields(api.setters) to authenticated, org_admin, super_admin;
