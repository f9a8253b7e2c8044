-- session.check_access_link: whose personal portal or statement link this is.
-- Guarantees: no row for unknown, expired and revoked tokens, of another scope, or when the address tried too often.
-- Definer: the gateway has no rights on tables.
create or replace function session.check_access_link(token_hash bytea, scope text, address inet)
returns table (organization text, person text, expires_at timestamptz)
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_token app.closer_access_tokens;
begin
    if not auth.count_attempt('sign_in_address', auth.attempt_subject(check_access_link.address)) then
        return;
    end if;
    update app.closer_access_tokens as t
       set last_used_at = now()
     where t.token_hash = check_access_link.token_hash and t.scope = check_access_link.scope
       and t.revoked_at is null and t.expires_at > now()
    returning t.* into v_token;
    if not found then
        return;
    end if;
    perform auth.attempt_succeeded(null, check_access_link.address);
    return query
    select o.name, coalesce(c.name, p.name), v_token.expires_at
      from app.organizations as o
      left join app.closers as c on c.organization_id = o.id and c.id = v_token.closer_id
      left join app.payees as p on p.organization_id = o.id and p.id = v_token.payee_id
     where o.id = v_token.organization_id and o.deleted_at is null and o.suspended_at is null;
end;
$$;
comment on function session.check_access_link(bytea, text, inet) is 'Whose personal portal or statement link this is.';
grant execute on function session.check_access_link(bytea, text, inet) to gateway;
