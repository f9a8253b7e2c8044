-- Roles of the cluster, what each may become, and its limits.
-- Idempotent, run by the deployer before the migrations, never reverted; writes only where something differs, so
-- that a deploy which changes nothing locks nothing. Passwords of the logins are set by the deploy, as verifiers.
do $$
declare
    v_role record;
    v_setting text;
begin
    for v_role in
        select r.name, r.can_login, r.inherits, r.settings
          from (values
            -- Owns every object; nobody logs in as it.
            ('salesdash',     false, true,  array[]::text[]),
            -- PostgREST's login; it becomes one of the next five for each request, whose limits then hold.
            ('authenticator', true,  false, array['idle_in_transaction_session_timeout=60s']),
            ('anon',          false, true,  array['statement_timeout=5s']),
            ('authenticated', false, true,  array['statement_timeout=15s']),
            ('org_admin',     false, true,  array['statement_timeout=15s']),
            ('super_admin',   false, true,  array['statement_timeout=30s']),
            ('reader',        false, true,  array['statement_timeout=15s']),
            -- What PostgREST's login becomes instead when more is known of the caller (auth.admit_request); no token names them.
            ('admin_of_one',  false, true,  array[]::text[]),
            ('member_of_one', false, true,  array[]::text[]),
            ('closer_of_one', false, true,  array[]::text[]),
            -- The gateway's and the worker's logins: they execute the functions granted to them by name.
            ('gateway',       true,  true,  array['statement_timeout=15s', 'idle_in_transaction_session_timeout=30s']),
            ('worker',        true,  true,  array['statement_timeout=5min', 'idle_in_transaction_session_timeout=5min']),
            -- Group of the logins that analysts get, one for each person.
            ('analyst',       false, true,  array[]::text[])
          ) as r (name, can_login, inherits, settings)
    loop
        if not exists (select from pg_catalog.pg_roles as p where p.rolname = v_role.name) then
            execute format('create role %I', v_role.name);
        end if;
        if exists (
            select from pg_catalog.pg_roles as p
             where p.rolname = v_role.name
               and (p.rolcanlogin, p.rolinherit) is distinct from (v_role.can_login, v_role.inherits)
        ) then
            execute format('alter role %I %s %s', v_role.name,
                case when v_role.can_login then 'login' else 'nologin' end,
                case when v_role.inherits then 'inherit' else 'noinherit' end);
        end if;
        if v_role.settings <> '{}' and exists (
            select from pg_catalog.pg_roles as p
             where p.rolname = v_role.name and p.rolconfig is distinct from v_role.settings
        ) then
            execute format('alter role %I reset all', v_role.name);
            foreach v_setting in array v_role.settings loop
                execute format('alter role %I set %I = %L', v_role.name,
                    split_part(v_setting, '=', 1), split_part(v_setting, '=', 2));
            end loop;
        end if;
    end loop;
end;
$$;

-- Who may become whom.
do $$
declare
    v_grant record;
begin
    for v_grant in
        select g.role, g.member, g.inherits
          from (values
            ('salesdash',     session_user::text, true),
            ('anon',          'authenticator',    false),
            ('authenticated', 'authenticator',    false),
            ('org_admin',     'authenticator',    false),
            ('super_admin',   'authenticator',    false),
            ('reader',        'authenticator',    false),
            ('admin_of_one',  'authenticator',    false),
            ('member_of_one', 'authenticator',    false),
            ('closer_of_one', 'authenticator',    false),
            -- Who is narrowed may do what they might before, and reads through the same doors.
            ('org_admin',     'admin_of_one',     true),
            ('authenticated', 'member_of_one',    true),
            ('member_of_one', 'closer_of_one',    true)
          ) as g (role, member, inherits)
         where not exists (
            select from pg_catalog.pg_auth_members as m
             where m.roleid = g.role::regrole and m.member = quote_ident(g.member)::regrole
               and m.inherit_option = g.inherits and m.set_option
         )
    loop
        execute format('grant %I to %I with inherit %s, set true', v_grant.role, v_grant.member,
            case when v_grant.inherits then 'true' else 'false' end);
    end loop;
end;
$$;

-- This database: closed to everybody, open to its owner. logins.sql lets the logins in, at the end of a deploy.
do $$
declare
    v_database constant text := current_database();
    v_lock     regprocedure;
begin
    if exists (
        select from pg_catalog.pg_database as d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) as a
         where d.datname = v_database and a.grantee = 0
    ) then
        execute format('revoke all on database %I from public', v_database);
    end if;
    if not (
        has_database_privilege('salesdash', v_database, 'create')
        and has_database_privilege('salesdash', v_database, 'connect with grant option')
    ) then
        execute format('grant create on database %I to salesdash', v_database);
        execute format('grant connect on database %I to salesdash with grant option', v_database);
    end if;
    if has_schema_privilege('anon', 'public', 'usage') then
        revoke all on schema public from public;
    end if;
    -- Where advisory locks are nobody's (salesdash/postgres/bootstrap.py) they are still those of the pre-request check and of sqitch.
    for v_lock in
        select p.oid::regprocedure
          from pg_catalog.pg_proc as p
         where p.pronamespace = 'pg_catalog'::regnamespace and p.proname ~ '^pg_(try_)?advisory_(xact_)?lock(_shared)?$'
           and not has_function_privilege('salesdash', p.oid, 'execute')
    loop
        execute format('grant execute on function %s to salesdash', v_lock);
    end loop;
end;
$$;
