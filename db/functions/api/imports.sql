-- Imports, for admins: rows of a file, and what may stand in one.

-- api.import_rows: rows of a file become rows of the organization.
-- Callers:    owners and admins, super admins, through POST /rpc/import_rows.
-- Guarantees: one transaction. A row is taken whole or refused with a reason for each field; the same rows again change nothing.
--             dry_run does all of it and keeps none of it.
-- Definer:    nobody may write states, payments and credits themselves; auth.require_admin finds the tenant and the right.
create or replace function api.import_rows(
    entity text, rows jsonb, dry_run boolean default false, organization_id uuid default null
) returns jsonb
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_organization_id constant uuid := auth.require_admin(import_rows.organization_id);
begin
    return app.try_import(v_organization_id, import_rows.entity, import_rows.rows, coalesce(import_rows.dry_run, false));
end;
$$;
comment on function api.import_rows(text, jsonb, boolean, uuid) is $$Import rows of a file
For owners and admins. `entity` is leads, events, post_call_forms, payments, refunds, closers, setters, payees, sources, traffic_types,
call_types, call_outcomes, opportunity_statuses, packages or fx_rates; `rows` a list of up to 5000 objects of header and text, as
`import_fields` lists them. `external_id` is the row's id where it comes from: with it the same file can be imported again, which changes
nothing, and a changed row updates its row here. Other rows are named by external id, id, e-mail address or name. Times without a zone are
local times of the organization; money is a plain number at the scale of its currency. A closer or setter whom nobody is known as is left
out and becomes an exception; other references to nothing refuse the row.
Answers an object: received, inserted, updated, unchanged, refused; errors and notes as lists of row (from 1), field and sentence; ignored,
the headers that mean nothing. With `dry_run` the answer is the same and nothing is kept. PT422: no such entity, no list, too many rows.$$;

-- api.import_fields: what a file of this kind may say.
-- Callers:    everybody who is signed in, through GET /rpc/import_fields.
-- Definer:    reads no row; what may be imported is told by an internal function.
create or replace function api.import_fields(entity text default null)
returns table (entity_name text, field text, kind text, is_required boolean, choices text[], headers text[], sample text)
language sql stable security definer set search_path = ''
begin atomic
    select f.entity, f.name, case f.kind when 'ref' then 'reference' when 'external_ref' then 'reference' when 'past' then 'instant'
                                         when 'base_money' then 'money' else f.kind end,
           f.is_required, case when f.kind = 'choice' then f.choices end,
           (select array_agg(h.header order by h.rank) from app.import_headers(f.entity) as h where h.name = f.name), f.sample
      from app.import_fields() as f
     where import_fields.entity is null or f.entity = import_fields.entity;
end;
comment on function api.import_fields(text) is $$What a file may say
One row per field of what `import_rows` takes: the kind of its values, whether a row needs it, its choices, every header under which it is
found, and an example.$$;
grant execute on function api.import_rows(text, jsonb, boolean, uuid), api.import_fields(text)
    to authenticated, org_admin, super_admin;
