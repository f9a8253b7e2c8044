-- What super admins may do with users through /auth/v1/admin. The gateway names the session of the person who asks, and
-- each function checks that session's power itself. All are definers: the gateway has no rights on tables.

-- auth.require_super_admin_session: raises unless the session lives and its person has super_admin power now; from here
-- on the transaction acts, and is audited, as that person.
create or replace function auth.require_super_admin_session(session_id uuid, user_id uuid) returns void
language plpgsql volatile set search_path = '' as $$
begin
    if not auth.is_live_session(require_super_admin_session.session_id, require_super_admin_session.user_id) then
        raise exception using errcode = 'PT401', message = 'This session is over.';
    elsif auth.database_role(require_super_admin_session.user_id) is distinct from 'super_admin' then
        raise exception using errcode = '42501', message = 'Only super admins may do this.';
    end if;
    perform set_config('request.jwt.claims', jsonb_build_object(
        'sub', require_super_admin_session.user_id, 'role', 'super_admin',
        'session_id', require_super_admin_session.session_id)::text, true);
end;
$$;
comment on function auth.require_super_admin_session(uuid, uuid) is 'Raise unless this live session belongs to a super admin.';

-- session.admin_list_users: one page of all people, newest first. page counts from 1.
create or replace function session.admin_list_users(session_id uuid, user_id uuid, page integer, per_page integer)
returns table (total bigint, users jsonb)
language plpgsql volatile security definer set search_path = '' as $$
begin
    perform auth.require_super_admin_session(admin_list_users.session_id, admin_list_users.user_id);
    return query
    select (select count(*) from auth.users as c where c.deleted_at is null),
           coalesce((
               select jsonb_agg(auth.user_document(p.id) order by p.created_at desc, p.id desc)
                 from (select u.id, u.created_at from auth.users as u
                        where u.deleted_at is null
                        order by u.created_at desc, u.id desc
                        limit least(greatest(admin_list_users.per_page, 1), 1000)
                       offset least(greatest(admin_list_users.page, 1), 1000000)::bigint
                              * least(greatest(admin_list_users.per_page, 1), 1000)
                              - least(greatest(admin_list_users.per_page, 1), 1000)) as p), '[]');
end;
$$;
comment on function session.admin_list_users(uuid, uuid, integer, integer) is 'One page of all people, newest first.';
grant execute on function session.admin_list_users(uuid, uuid, integer, integer) to gateway;

-- session.admin_get_user: one person; NULL for nobody.
create or replace function session.admin_get_user(session_id uuid, user_id uuid, target_id uuid) returns jsonb
language plpgsql volatile security definer set search_path = '' as $$
begin
    perform auth.require_super_admin_session(admin_get_user.session_id, admin_get_user.user_id);
    return auth.user_document(admin_get_user.target_id);
end;
$$;
comment on function session.admin_get_user(uuid, uuid, uuid) is 'One person; NULL for nobody.';
grant execute on function session.admin_get_user(uuid, uuid, uuid) to gateway;

-- session.admin_create_user: a person who can sign in, once their address is confirmed.
create or replace function session.admin_create_user(
    session_id uuid, user_id uuid, email text, password_hash text, is_confirmed boolean, user_metadata jsonb
) returns jsonb
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_user_id uuid;
begin
    perform auth.require_super_admin_session(admin_create_user.session_id, admin_create_user.user_id);
    v_user_id := app.create_user(
        email => admin_create_user.email, password_hash => admin_create_user.password_hash,
        is_confirmed => admin_create_user.is_confirmed, user_metadata => admin_create_user.user_metadata);
    return auth.user_document(v_user_id);
end;
$$;
comment on function session.admin_create_user(uuid, uuid, text, text, boolean, jsonb) is 'Make a person who can sign in.';
grant execute on function session.admin_create_user(uuid, uuid, text, text, boolean, jsonb) to gateway;

-- session.admin_update_user: change a person; NULL keeps what is. NULL comes back for nobody.
-- Guarantees: a new password, a new address or being disabled ends every session of that person. The only super admin
--             cannot be disabled (PT409).
create or replace function session.admin_update_user(
    session_id uuid, user_id uuid, target_id uuid, email text, password_hash text, is_confirmed boolean,
    is_disabled boolean, user_metadata jsonb
) returns jsonb
language plpgsql volatile security definer set search_path = '' as $$
begin
    perform auth.require_super_admin_session(admin_update_user.session_id, admin_update_user.user_id);
    if admin_update_user.is_disabled then
        perform app.require_super_admin_besides(admin_update_user.target_id);
    end if;
    update auth.users as u
       set email = coalesce(btrim(admin_update_user.email), u.email),
           password_hash = coalesce(admin_update_user.password_hash, u.password_hash),
           email_confirmed_at = case when admin_update_user.is_confirmed then coalesce(u.email_confirmed_at, now())
                                     else u.email_confirmed_at end,
           disabled_at = case when admin_update_user.is_disabled then coalesce(u.disabled_at, now())
                              when not admin_update_user.is_disabled then null
                              else u.disabled_at end,
           user_metadata = auth.merge_metadata(u.user_metadata, admin_update_user.user_metadata),
           updated_at = now()
     where u.id = admin_update_user.target_id and u.deleted_at is null;
    if num_nonnulls(admin_update_user.email, admin_update_user.password_hash) > 0 or admin_update_user.is_disabled then
        perform auth.end_sessions(admin_update_user.target_id);
        update auth.one_time_tokens as t
           set used_at = now()
         where t.user_id = admin_update_user.target_id and t.used_at is null;
    end if;
    return auth.user_document(admin_update_user.target_id);
end;
$$;
comment on function session.admin_update_user(uuid, uuid, uuid, text, text, boolean, boolean, jsonb) is 'Change a person.';
grant execute on function session.admin_update_user(uuid, uuid, uuid, text, text, boolean, boolean, jsonb) to gateway;

-- session.admin_delete_user: remove a person; false for nobody. PT409 for the only owner of an organization, and for the only
-- super admin.
create or replace function session.admin_delete_user(
    session_id uuid, user_id uuid, target_id uuid, keep_row boolean
) returns boolean
language plpgsql volatile security definer set search_path = '' as $$
begin
    perform auth.require_super_admin_session(admin_delete_user.session_id, admin_delete_user.user_id);
    return app.delete_user(admin_delete_user.target_id, admin_delete_user.keep_row);
end;
$$;
comment on function session.admin_delete_user(uuid, uuid, uuid, boolean) is 'Remove a person.';
grant execute on function session.admin_delete_user(uuid, uuid, uuid, boolean) to gateway;
