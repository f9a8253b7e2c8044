-- Taking rows out as a file: /functions/v1/export-data asks here first, then reads the view page by page as the caller.

-- api.begin_export: write down that somebody takes out rows, and tell how to read them.
-- Callers:    every member; super admins. Rows are then read from the view itself, under the caller's own policies.
-- Guarantees: PT422 with each wrong argument in DETAIL; otherwise the row of api.exports (and the trail's) is there before the
--             first row leaves, in the caller's own name.
-- Definer:    members may not write exports; the tenant is filtered by hand.
create or replace function api.begin_export(
    "table" text, format text default 'json', start_date date default null, end_date date default null,
    date_column text default null, columns text[] default null, organization_id uuid default null) returns jsonb
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_member(begin_export.organization_id);
    v_wrong           constant jsonb := app.wrong_export_fields(
        begin_export."table", begin_export.format, begin_export.start_date, begin_export.end_date, begin_export.date_column,
        begin_export.columns);
    v_organization    record;
    v_date_column     text;
    v_is_instant      boolean;
    v_columns         text[];
    v_export          app.exports;
begin
    if v_wrong <> '{}' then
        raise exception using errcode = 'PT422', message = 'This export cannot be made.', detail = v_wrong::text,
            hint = 'DETAIL names each argument and what it needs.';
    end if;
    select o.slug, o.timezone into strict v_organization from app.organizations as o where o.id = v_organization_id;
    v_date_column := coalesce(begin_export.date_column,
        (select t.date_column from app.export_tables() as t where t.table_name = begin_export."table"));
    v_is_instant := exists (select from app.export_columns(begin_export."table") as c
                             where c.name = v_date_column and c.type = 'timestamp with time zone');
    v_columns := coalesce(begin_export.columns,
        (select array_agg(c.name order by c."position") from app.export_columns(begin_export."table") as c));
    insert into app.exports (organization_id, requested_by, table_name, date_column, start_date, end_date, columns, format)
    values (v_organization_id, auth.uid(), begin_export."table", v_date_column, begin_export.start_date, begin_export.end_date,
            v_columns, begin_export.format)
    returning * into v_export;
    return jsonb_build_object(
        'organization_id', v_organization_id, 'export_id', v_export.id, 'organization_slug', v_organization.slug,
        'timezone', v_organization.timezone, 'began_at', v_export.created_at, 'date_column', v_date_column,
        'since', case when v_is_instant then to_jsonb(app.day_start(begin_export.start_date, v_organization.timezone))
                      else to_jsonb(begin_export.start_date) end,
        'until', case when v_is_instant then to_jsonb(app.day_start(begin_export.end_date + 1, v_organization.timezone))
                      else to_jsonb(begin_export.end_date + 1) end,
        'columns', (select jsonb_agg(jsonb_build_object('name', c.name, 'type', c.type)
                                     order by array_position(v_columns, c.name))
                      from app.export_columns(begin_export."table") as c where c.name = any (v_columns)));
end;
$$;
comment on function api.begin_export(text, text, date, date, text, text[], uuid) is $$Write down that rows are taken out
Use GET /functions/v1/export-data, which calls this and then delivers the file. Answers which columns of the view to read, in
which order, and between which instants (since, before until) the date column lies. The export is then in api.exports.$$;
grant execute on function api.begin_export(text, text, date, date, text, text[], uuid) to authenticated, org_admin, super_admin;
