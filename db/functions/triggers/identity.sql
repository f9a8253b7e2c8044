-- Every row keeps its organization and its identity, and knows when it last changed.
create or replace function app.keep_row_identity() returns trigger
language plpgsql set search_path = '' as $$
begin
    if new.organization_id <> old.organization_id or new.id <> old.id then
        raise exception using errcode = '42501', message = 'A row keeps its organization and its id.',
            hint = 'Leave organization_id and id out, or send them unchanged.';
    end if;
    return new;
end;
$$;
comment on function app.keep_row_identity() is 'Refuses any change of organization_id or id.';

create or replace function app.keep_row_identity_and_touch() returns trigger
language plpgsql set search_path = '' as $$
begin
    if new.organization_id <> old.organization_id or new.id <> old.id then
        raise exception using errcode = '42501', message = 'A row keeps its organization and its id.',
            hint = 'Leave organization_id and id out, or send them unchanged.';
    end if;
    new.updated_at := now();
    return new;
end;
$$;
comment on function app.keep_row_identity_and_touch() is 'Refuses any change of organization_id or id; sets updated_at.';

create or replace function app.touch_row() returns trigger
language plpgsql set search_path = '' as $$
begin
    new.updated_at := now();
    return new;
end;
$$;
comment on function app.touch_row() is 'Sets updated_at.';

do $$
declare
    v_table record;
begin
    for v_table in
        select c.relname,
               bool_or(a.attname = 'organization_id') and bool_or(a.attname = 'id') as is_tenant,
               bool_or(a.attname = 'updated_at') as is_touched
          from pg_catalog.pg_class as c
          join pg_catalog.pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
         where c.relnamespace = 'app'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
         group by c.oid, c.relname
    loop
        continue when not v_table.is_tenant and not v_table.is_touched;
        execute format('create or replace trigger keeps_row_identity before update on app.%I for each row execute function app.%I()',
            v_table.relname,
            case when not v_table.is_tenant then 'touch_row'
                 when v_table.is_touched then 'keep_row_identity_and_touch'
                 else 'keep_row_identity' end);
    end loop;
end;
$$;
