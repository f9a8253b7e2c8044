-- Database logins of analysts: one for each person or tool, bound to one organization. Internal, and run by the deployer as
-- itself, who alone may make roles; the owner of everything could not.

-- app.require_analyst_login: the living login of this name, locked. Raises PT404.
create or replace function app.require_analyst_login(login_name text) returns app.analyst_logins
language plpgsql volatile set search_path = '' as $$
declare
    v_login app.analyst_logins;
begin
    select l.* into v_login from app.analyst_logins as l
     where l.login_name = require_analyst_login.login_name and l.revoked_at is null
       for no key update;
    if not found then
        raise exception using errcode = 'PT404', message = 'No such analyst login.';
    end if;
    return v_login;
end;
$$;
comment on function app.require_analyst_login(text) is 'The living login of this name, locked.';

-- app.require_verifier: PT422 unless this is what Postgres keeps of a password, so that no password comes here.
create or replace function app.require_verifier(verifier text) returns void
language plpgsql immutable set search_path = '' as $$
begin
    if verifier is null or verifier not like 'SCRAM-SHA-256$%:%$%:%' then
        raise exception using errcode = 'PT422', message = 'This is no SCRAM verifier.';
    end if;
end;
$$;
comment on function app.require_verifier(text) is 'Raise PT422 unless this is a SCRAM verifier.';

-- app.set_analyst_defaults: the settings that sessions of this role begin with, and no others that the role gave itself.
-- statement_limit: what the worker holds from outside; PT422 unless it is between a second and a day.
create or replace function app.set_analyst_defaults(role_name text, statement_limit interval) returns void
language plpgsql volatile set search_path = '' as $$
declare
    v_database text;
begin
    if statement_limit is null or statement_limit not between interval '1 second' and interval '1 day' then
        raise exception using errcode = 'PT422', message = 'This limit cannot be.',
            detail = 'A statement may take between a second and a day.';
    end if;
    execute format('alter role %I reset all', role_name);
    for v_database in
        select d.datname
          from pg_catalog.pg_db_role_setting as s
          join pg_catalog.pg_roles as r on r.oid = s.setrole
          join pg_catalog.pg_database as d on d.oid = s.setdatabase
         where r.rolname = role_name
    loop
        execute format('alter role %I in database %I reset all', role_name, v_database);
    end loop;
    execute format('alter role %I set search_path = analytics', role_name);
    execute format('alter role %I set default_transaction_read_only = on', role_name);
    execute format('alter role %I set timezone = %L', role_name, 'UTC');
    execute format('alter role %I set statement_timeout = %L', role_name, (extract(epoch from statement_limit) * 1000)::bigint);
    execute format('alter role %I set idle_in_transaction_session_timeout = %L', role_name, '60s');
    execute format('alter role %I set idle_session_timeout = %L', role_name, '1h');
    if has_parameter_privilege('temp_file_limit', 'set') then
        execute format('alter role %I set temp_file_limit = %L', role_name, '2GB');
    end if;
end;
$$;
comment on function app.set_analyst_defaults(text, interval) is 'The settings that sessions of an analyst begin with.';

-- app.create_analyst_login: a login that reads analytics of one organization, and its role. Raises PT404 and PT422.
-- The role's settings are what it begins with; it may change them, so what must hold is in its grants, in its connection limit,
-- in temp_file_limit where the server lets the deployer set it, and in what the worker ends (jobs.end_analyst_statements).
-- Its name is random: every login of the cluster can read it. The owner inherits the login, and so the worker's function sees
-- and ends its sessions, and nobody else's; nobody becomes it, and it becomes nobody, not even the group.
create or replace function app.create_analyst_login(
    organization_id uuid, name text, verifier text, connection_limit integer, statement_limit interval
) returns app.analyst_logins
language plpgsql volatile set search_path = '' as $$
declare
    v_role  constant text := 'analyst_' || left(replace(gen_random_uuid()::text, '-', ''), 12);
    v_login app.analyst_logins;
begin
    perform from app.organizations as o where o.id = create_analyst_login.organization_id and o.deleted_at is null;
    if not found then
        raise exception using errcode = 'PT404', message = 'No such organization.';
    elsif coalesce(btrim(create_analyst_login.name), '') = '' or connection_limit not between 1 and 100 then
        raise exception using errcode = 'PT422', message = 'This login cannot be.',
            detail = 'It needs a name, and 1 to 100 connections.';
    end if;
    perform app.require_verifier(verifier);
    execute format('create role %I with login inherit connection limit %s password %L', v_role, connection_limit, verifier);
    execute format('grant analyst to %I with inherit true, set false', v_role);
    execute format('grant %I to salesdash with inherit true, set false', v_role);
    perform app.set_analyst_defaults(v_role, statement_limit);
    insert into app.analyst_logins (organization_id, login_name, name)
    values (create_analyst_login.organization_id, v_role, btrim(create_analyst_login.name))
    returning * into v_login;
    return v_login;
end;
$$;
comment on function app.create_analyst_login(uuid, text, text, integer, interval) is
    'A login that reads analytics of one organization, and its role.';

-- app.lock_analyst_login: from the moment this is committed nobody logs in with it, until app.rotate_analyst_login. Raises PT404.
-- Who is connected may set a password as well as we: first nobody comes in, then their sessions end, then there is a new password.
create or replace function app.lock_analyst_login(login_name text) returns void
language plpgsql volatile set search_path = '' as $$
declare
    v_login constant app.analyst_logins := app.require_analyst_login(lock_analyst_login.login_name);
begin
    execute format('alter role %I nologin', v_login.login_name);
end;
$$;
comment on function app.lock_analyst_login(text) is 'Let nobody in with an analyst login until it has another password.';

-- app.rotate_analyst_login: another password, and the defaults of a new login, whatever the role has made of its own. Raises PT404
-- and PT422.
create or replace function app.rotate_analyst_login(
    login_name text, verifier text, statement_limit interval
) returns app.analyst_logins
language plpgsql volatile set search_path = '' as $$
declare
    v_login app.analyst_logins := app.require_analyst_login(rotate_analyst_login.login_name);
begin
    perform app.require_verifier(verifier);
    execute format('alter role %I login password %L', v_login.login_name, verifier);
    perform app.set_analyst_defaults(v_login.login_name, statement_limit);
    update app.analyst_logins as l set rotated_at = now()
     where l.organization_id = v_login.organization_id and l.id = v_login.id
    returning l.* into v_login;
    return v_login;
end;
$$;
comment on function app.rotate_analyst_login(text, text, interval) is 'Give an analyst login another password, and its first defaults.';

-- app.revoke_analyst_login: from the moment this is committed the login reads nothing, and nobody logs in with it. Raises PT404.
create or replace function app.revoke_analyst_login(login_name text) returns app.analyst_logins
language plpgsql volatile set search_path = '' as $$
declare
    v_login app.analyst_logins := app.require_analyst_login(revoke_analyst_login.login_name);
begin
    update app.analyst_logins as l set revoked_at = now()
     where l.organization_id = v_login.organization_id and l.id = v_login.id
    returning l.* into v_login;
    if to_regrole(quote_ident(v_login.login_name)) is not null then
        execute format('alter role %I nologin password null', v_login.login_name);
    end if;
    return v_login;
end;
$$;
comment on function app.revoke_analyst_login(text) is 'Take an analyst login back; it reads nothing from now on.';

-- app.end_analyst_sessions: end the sessions of a login, in every database of the server; answers how many there were.
create or replace function app.end_analyst_sessions(login_name text) returns integer
language sql volatile set search_path = '' as $$
    select count(*) filter (where pg_catalog.pg_terminate_backend(a.pid, 10000))::integer
      from pg_catalog.pg_stat_activity as a
      join app.analyst_logins as l on l.login_name = a.usename
     where l.login_name = end_analyst_sessions.login_name;
$$;
comment on function app.end_analyst_sessions(text) is 'End the sessions of an analyst login; answers how many there were.';

-- app.drop_analyst_role: drop the role of a revoked login, with what it may have left here, such as default privileges of its own.
-- False where something in another database keeps it; then it stays, without a password and without the right to log in.
create or replace function app.drop_analyst_role(login_name text) returns boolean
language plpgsql volatile set search_path = '' as $$
begin
    perform from app.analyst_logins as l where l.login_name = drop_analyst_role.login_name and l.revoked_at is not null;
    if not found or to_regrole(quote_ident(drop_analyst_role.login_name)) is null then
        return false;
    end if;
    execute format('drop owned by %I', drop_analyst_role.login_name);
    execute format('drop role %I', drop_analyst_role.login_name);
    return true;
exception when dependent_objects_still_exist then
    return false;
end;
$$;
comment on function app.drop_analyst_role(text) is 'Drop the role of a revoked login; false where something keeps it.';
