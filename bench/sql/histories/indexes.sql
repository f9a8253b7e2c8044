-- Which indexes of the loaded tables are away while rows come: all but primary keys, most of which others refer to.
create table if not exists bench.indexes (
    name text not null, table_name text not null, definition text not null, constraint_name text,
    constraint indexes_pkey primary key (name));
insert into bench.indexes (name, table_name, definition, constraint_name)
select format('%I.%I', n.nspname, c.relname), format('%I.%I', n.nspname, t.relname), pg_get_indexdef(i.indexrelid), k.conname
  from pg_index as i
  join pg_class as c on c.oid = i.indexrelid
  join pg_class as t on t.oid = i.indrelid
  join pg_namespace as n on n.oid = t.relnamespace
  left join pg_constraint as k on k.conindid = i.indexrelid and k.contype = 'u'
 where n.nspname = 'app' and t.relname = any (:tables) and not i.indisprimary
   and not exists (select from pg_constraint as f where f.conindid = i.indexrelid and f.contype = 'f');
do $$
declare
    v_index record;
begin
    for v_index in select i.name, i.table_name, i.constraint_name from bench.indexes as i loop
        if v_index.constraint_name is null then
            execute 'drop index ' || v_index.name;
        else
            execute format('alter table %s drop constraint %I', v_index.table_name, v_index.constraint_name);
        end if;
    end loop;
end;
$$;
