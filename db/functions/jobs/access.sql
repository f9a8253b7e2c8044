-- Who used power over the whole platform, and which keys were used.

-- jobs.access_channel: where the pre-request check announces. A secret: it is what keeps other logins from listening.
create or replace function jobs.access_channel() returns text
language sql stable security definer set search_path = ''
begin atomic
    select c.channel from app.announcement_channels as c where c.purpose = 'platform_access';
end;
comment on function jobs.access_channel() is 'The channel on which the pre-request check announces.';
grant execute on function jobs.access_channel() to worker;

-- jobs.record_access: write down one announcement of the pre-request check. Answers whether it was news: of several
-- workers that hear it one writes it, and an announcement that names no living session or key is not believed.
-- announcement: {"id", "session_id" or "organization_id" and "key_id", "path", "method"}.
create or replace function jobs.record_access(announcement jsonb) returns boolean
language plpgsql volatile security definer set search_path = '' as $$
begin
    update app.api_keys as k set last_used_at = now()
     where k.organization_id = (announcement ->> 'organization_id')::uuid and k.id = (announcement ->> 'key_id')::uuid
       and k.revoked_at is null
       and (k.last_used_at is null or k.last_used_at <= now() - interval '1 minute');
    if found then
        return true;
    end if;
    insert into app.platform_audit_logs (
        id, table_name, row_id, action, actor_kind, actor_id, actor_role, actor_session_id, new_data)
    select (announcement ->> 'id')::uuid, coalesce(substring(announcement ->> 'path' from '([^/]{1,63})/?$'), '/'), s.user_id,
           'READ', 'user', s.user_id, 'super_admin', s.id,
           jsonb_build_object('path', announcement ->> 'path', 'method', announcement ->> 'method')
      from auth.sessions as s
     where s.id = (announcement ->> 'session_id')::uuid and auth.has_platform_power(s.user_id)
    on conflict on constraint platform_audit_logs_pkey do nothing;
    return found;
exception when invalid_text_representation then
    return false;
end;
$$;
comment on function jobs.record_access(jsonb) is 'Write down that a super admin or an API key asked.';
grant execute on function jobs.record_access(jsonb) to worker;
