select t.sent_to from app.closer_access_tokens as t where false;
select 1 / count(*) from pg_catalog.pg_constraint as c
 where c.conrelid = 'auth.attempts'::regclass and pg_get_constraintdef(c.oid) like '%access_link%';
