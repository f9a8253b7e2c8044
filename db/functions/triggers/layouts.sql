-- Layouts that a dashboard can show.

-- app.refuse_wrong_layouts: a layout is one of its schema version, or is not kept. PT422 with every error by its place.
-- Definer: whoever keeps a layout has no way into app, where its schema is.
create or replace function app.refuse_wrong_layouts() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
    v_errors constant jsonb := app.layout_errors(new.organization_id, new.layout, new.schema_version);
begin
    if v_errors <> '{}' then
        raise exception using errcode = 'PT422', message = 'This layout cannot be shown.', detail = v_errors::text,
            hint = 'DETAIL names each place and what belongs there.';
    end if;
    return new;
end;
$$;
comment on function app.refuse_wrong_layouts() is 'Keeps layouts that are wrong by their schema out.';
create or replace trigger refuses_wrong_layouts before insert or update of layout, schema_version on app.dashboard_layouts
    for each row execute function app.refuse_wrong_layouts();
