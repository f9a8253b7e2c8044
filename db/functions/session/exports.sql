-- How exports end. The gateway tells it in its own name: who takes rows out must not be the one who says how many left, and
-- their session may have ended meanwhile.

-- session.finish_export: an export has ended; false when it had ended before.
-- state: delivered, aborted (by who asked) or failed. row_count: rows that left.
-- Definer: the gateway has no rights on tables.
create or replace function session.finish_export(organization_id uuid, export_id uuid, state text, row_count bigint) returns boolean
language plpgsql volatile security definer set search_path = '' as $$
begin
    update app.exports as e
       set state = finish_export.state, row_count = finish_export.row_count, finished_at = now()
     where e.organization_id = finish_export.organization_id and e.id = finish_export.export_id and e.state = 'running';
    return found;
end;
$$;
comment on function session.finish_export(uuid, uuid, text, bigint) is 'An export has ended: how, and after how many rows.';
grant execute on function session.finish_export(uuid, uuid, text, bigint) to gateway;
