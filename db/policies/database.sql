-- Who may connect to this database. Granted together with the walls, so that on a first deploy nobody comes before them.
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
