-- Moving in from the original Supabase system: what only an operator may bring: organizations, people, members, settings.
-- Internal: nobody but the owner may call these; leads, calls and money come through app.import_rows.

-- app.move_in: rows of one table, with the ids that they have. Again changes nothing.
-- entity: organizations, users, organization_members, roster_links, or what app.move_setting takes.
-- A person who is known here by the address already is that person: user_ids says whom an id of theirs stands for.
-- Answers {"inserted", "updated", "unchanged", "refused", "errors": [{"row", "field", "sentence"}], "notes": the same of rows that are
-- taken, "ignored": [columns that nothing was read from], "user_ids": {"theirs": "ours"}}.
create or replace function app.move_in(entity text, rows jsonb) returns jsonb
language plpgsql volatile set search_path = '' as $$
#variable_conflict use_column
declare
    r          record;
    v_id       uuid;
    v_inserted integer := 0;
    v_updated  integer := 0;
    v_same     integer := 0;
    v_refused  integer := 0;
    v_setting  record;
    v_errors   jsonb := '[]';
    v_notes    jsonb := '[]';
    v_users    jsonb := '{}';
    v_problem  text;
    v_field    text;
begin
    for r in
        select i.n, i.given from jsonb_array_elements(move_in.rows) with ordinality as i (given, n) order by i.n
    loop
        v_problem := null;
        v_field := 'id';
        v_id := app.metadata_id(r.given, 'id');
        if move_in.entity = 'organizations' then
            if v_id is null or btrim(coalesce(r.given ->> 'name', '')) = '' then
                v_problem := 'An organization has an id and a name.';
            elsif exists (select from app.organizations as o where o.id = v_id) then
                v_same := v_same + 1;
            else
                perform app.create_organization(
                    r.given ->> 'name',
                    coalesce(nullif(left(btrim(regexp_replace(lower(coalesce(r.given ->> 'slug', r.given ->> 'name')), '[^a-z0-9]+', '-', 'g'), '-'), 40), ''), 'organization')
                    || case when exists (select from app.organizations as o where o.slug = btrim(regexp_replace(
                                            lower(coalesce(r.given ->> 'slug', r.given ->> 'name')), '[^a-z0-9]+', '-', 'g'), '-'))
                            then '-' || right(v_id::text, 8) else '' end,
                    case when app.is_timezone(r.given ->> 'timezone') then r.given ->> 'timezone' else 'UTC' end,
                    case when app.currency_exponent(upper(r.given ->> 'currency')) is not null then upper(r.given ->> 'currency') else 'USD' end,
                    v_id);
                v_inserted := v_inserted + 1;
            end if;
        elsif move_in.entity = 'users' then
            v_field := 'email';
            if v_id is null or coalesce(r.given ->> 'email', '') !~ '^[^@[:space:][:cntrl:]]+@[^@[:space:][:cntrl:]]+$' then
                v_problem := 'A person has an id and an e-mail address.';
            else
                select u.id into v_id from auth.users as u
                 where u.email_norm = lower(btrim(r.given ->> 'email')) or u.id = v_id
                 order by u.id = v_id desc limit 1;
                if found then
                    v_same := v_same + 1;
                else
                    v_id := app.create_user(r.given ->> 'email', null, nullif(btrim(r.given ->> 'full_name'), ''), true, '{}', (r.given ->> 'id')::uuid);
                    v_inserted := v_inserted + 1;
                end if;
                v_users := v_users || jsonb_build_object(r.given ->> 'id', v_id);
            end if;
        elsif move_in.entity = 'organization_members' then
            if not exists (select from app.organizations as o where o.id = app.metadata_id(r.given, 'organization_id')) then
                v_field := 'organization_id';
                v_problem := 'There is no such organization.';
            elsif not exists (select from auth.users as u where u.id = app.metadata_id(r.given, 'user_id')) then
                v_field := 'user_id';
                v_problem := 'There is no such person.';
            elsif r.given ->> 'role' is null or r.given ->> 'role' not in ('owner', 'admin', 'member') then
                v_field := 'role';
                v_problem := 'A member is owner, admin or member.';
            elsif exists (select from app.organization_members as m
                           where m.organization_id = (r.given ->> 'organization_id')::uuid and m.user_id = (r.given ->> 'user_id')::uuid) then
                v_same := v_same + 1;
            else
                insert into app.organization_members (organization_id, user_id, role)
                values ((r.given ->> 'organization_id')::uuid, (r.given ->> 'user_id')::uuid, r.given ->> 'role');
                v_inserted := v_inserted + 1;
            end if;
        elsif move_in.entity = 'roster_links' then
            update app.closers as c set profile_id = (r.given ->> 'profile_id')::uuid
              from app.import_keys as k
             where k.organization_id = (r.given ->> 'organization_id')::uuid and k.entity = 'closers' and k.external_id = r.given ->> 'id'
               and c.organization_id = k.organization_id and c.id = k.row_id and c.profile_id is null
               and exists (select from app.profiles as p where p.user_id = (r.given ->> 'profile_id')::uuid);
            if found then
                v_inserted := v_inserted + 1;
            else
                v_same := v_same + 1;
            end if;
        else
            v_setting := app.move_setting(move_in.entity, r.given);
            v_inserted := v_inserted + (v_setting.state is not distinct from 'inserted')::integer;
            v_updated := v_updated + (v_setting.state is not distinct from 'updated')::integer;
            v_same := v_same + (v_setting.state is not distinct from 'unchanged')::integer;
            v_refused := v_refused + (v_setting.state is null)::integer;
            v_errors := v_errors || app.told_of(r.n, v_setting.problems);
            v_notes := v_notes || app.told_of(r.n, v_setting.notes);
        end if;
        if v_problem is not null then
            v_refused := v_refused + 1;
            v_errors := v_errors || app.told_of(r.n, jsonb_build_object(v_field, v_problem));
        end if;
    end loop;
    return jsonb_build_object('inserted', v_inserted, 'updated', v_updated, 'unchanged', v_same, 'refused', v_refused,
                              'errors', v_errors, 'notes', v_notes, 'user_ids', v_users, 'ignored', (
        select coalesce(jsonb_agg(distinct k.key order by k.key), '[]')
          from jsonb_array_elements(move_in.rows) as i (given)
         cross join lateral jsonb_object_keys(i.given) as k (key)
         where k.key not in ('id', 'organization_id', 'created_at', 'updated_at')
           and k.key <> all (app.setting_columns(move_in.entity)) and not app.is_secret_name(k.key)));
end;
$$;
comment on function app.move_in(text, jsonb) is 'Rows of one table of a system that somebody moves here from.';

-- app.told_of: an object of field and sentence, as what is told of a row.
create or replace function app.told_of(n bigint, sentences jsonb) returns jsonb
language sql immutable parallel safe
begin atomic
    select coalesce(jsonb_agg(jsonb_build_object('row', told_of.n, 'field', s.key, 'sentence', s.value) order by s.key), '[]')
      from jsonb_each_text(told_of.sentences) as s;
end;
comment on function app.told_of(bigint, jsonb) is 'Sentences of fields, as what is told of a row.';
