-- Who may connect to this database. The last step of every deploy, so that on a first one nobody comes before the walls stand.
-- Idempotent: a dump of one database does not hold who may connect to it, so after a restore a deploy opens it again.
do $$
declare
    v_login text;
begin
    foreach v_login in array array['authenticator', 'gateway', 'worker', 'analyst'] loop
        if not has_database_privilege(v_login, current_database(), 'connect') then
            execute format('grant connect on database %I to %I', current_database(), v_login);
        end if;
    end loop;
end;
$$;
