-- Personal links at the gateway. All are definers: the gateway has no rights on tables. outcome says what became of it: open,
-- not_valid (one answer for unknown, expired and revoked links, and those of people who left), throttled, or refused.

-- session.portal_get: what the portal of a link shows.
-- Guarantees: no row is written but that the link was used; the audit trail names the link.
create or replace function session.portal_get(token_hash bytea, address inet, out outcome text, out document jsonb) returns record
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_followed constant record := app.follow_link(portal_get.token_hash, 'pcf', portal_get.address);
begin
    outcome := v_followed.outcome;
    if outcome = 'open' then
        document := app.portal_document(v_followed.link, now());
    end if;
end;
$$;
comment on function session.portal_get(bytea, inet) is 'What the portal of a link shows.';
grant execute on function session.portal_get(bytea, inet) to gateway;

-- session.portal_submit: a form through the portal of a link.
-- Guarantees: outcome refused and the reason in document (code, message, details, hint), and nothing written but the
--             attempt, for a form that cannot be taken.
create or replace function session.portal_submit(
    token_hash bytea, event_id uuid, form jsonb, address inet, out outcome text, out document jsonb) returns record
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_followed constant record := app.follow_link(portal_submit.token_hash, 'pcf', portal_submit.address);
    v_message  text;
    v_detail   text;
    v_hint     text;
begin
    outcome := v_followed.outcome;
    if outcome = 'open' then
        document := app.portal_submit(v_followed.link, portal_submit.event_id, portal_submit.form, now());
    end if;
exception when sqlstate 'PT404' or sqlstate 'PT409' or sqlstate 'PT422' then
    get stacked diagnostics v_message = message_text, v_detail = pg_exception_detail, v_hint = pg_exception_hint;
    outcome := 'refused';
    document := jsonb_build_object('code', sqlstate, 'message', v_message, 'details', v_detail, 'hint', v_hint);
end;
$$;
comment on function session.portal_submit(bytea, uuid, jsonb, inet) is 'A form through the portal of a link.';
grant execute on function session.portal_submit(bytea, uuid, jsonb, inet) to gateway;

-- session.statement_get: the commission statement of a link.
create or replace function session.statement_get(token_hash bytea, address inet, out outcome text, out document jsonb) returns record
language plpgsql volatile security definer set search_path = '' as $$
declare
    v_followed constant record := app.follow_link(statement_get.token_hash, 'statement', statement_get.address);
begin
    outcome := v_followed.outcome;
    if outcome = 'open' then
        document := app.statement_document(v_followed.link);
    end if;
end;
$$;
comment on function session.statement_get(bytea, inet) is 'The commission statement of a link.';
grant execute on function session.statement_get(bytea, inet) to gateway;
