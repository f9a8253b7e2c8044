-- Whose numbers a caller gets. Internal: nobody but the owner may call these.

-- app.metric_scope: the filters that a caller's request for numbers comes down to.
-- Owners, admins and super admins: the filters as given. Everybody else: their own rows. As closer, if they name an entry
-- of their own, or name no closer and have one; as setter likewise; narrowed by the other filter. Without an entry: nothing.
-- cash_role: whose parts of payments count; NULL for whole payments. seen_as: organization, closer or setter.
-- Raises 42501 when the filters name only others.
create or replace function app.metric_scope(
    organization_id uuid, closer_id uuid, setter_id uuid,
    out closers uuid[], out setters uuid[], out cash_role text, out seen_as text
) returns record
language plpgsql stable set search_path = '' as $$
declare
    v_own_closers uuid[];
    v_own_setters uuid[];
begin
    closers := case when closer_id is not null then array[closer_id] end;
    setters := case when setter_id is not null then array[setter_id] end;
    if auth.is_admin_of(organization_id) then
        seen_as := 'organization';
        cash_role := case when closers is not null then 'closer' when setters is not null then 'setter' end;
        return;
    end if;

    select coalesce(array_agg(c.id), '{}') into v_own_closers
      from app.closers as c
     where c.organization_id = metric_scope.organization_id and c.id = any (auth.own_closer_ids());
    select coalesce(array_agg(s.id), '{}') into v_own_setters
      from app.setters as s
     where s.organization_id = metric_scope.organization_id and s.id = any (auth.own_setter_ids());
    if closer_id = any (v_own_closers) then
        seen_as := 'closer';
    elsif setter_id = any (v_own_setters) then
        seen_as := 'setter';
    elsif closer_id is null and v_own_closers <> '{}' then
        seen_as := 'closer';
        closers := v_own_closers;
    elsif setter_id is null and v_own_setters <> '{}' then
        seen_as := 'setter';
        setters := v_own_setters;
    elsif closer_id is null and setter_id is null then
        seen_as := 'closer';
        closers := '{}';
    else
        raise exception using errcode = '42501', message = 'Only your own numbers are yours to see.',
            hint = 'Leave closer_id and setter_id out, or ask an admin of your organization.';
    end if;
    cash_role := seen_as;
end;
$$;
comment on function app.metric_scope(uuid, uuid, uuid) is 'Whose numbers a caller gets.';

-- app.hides_metric: is a number not for this caller, given what it rests on and its unit?
-- Setters see calls they set, their dials and their own parts of payments; closers neither dials nor what setters are credited
-- with; portal settings may hide money from everybody but admins.
create or replace function app.hides_metric(seen_as text, shows_cash boolean, rests_on text, unit text) returns boolean
language sql immutable parallel safe
return case seen_as
    when 'organization' then false
    else seen_as = 'setter' and rests_on not in ('calls', 'credits', 'activities', 'set_credits')
         or seen_as = 'closer' and rests_on in ('activities', 'set_credits')
         or not shows_cash and (rests_on in ('credits', 'payments', 'set_credits') or unit = 'money')
end;
comment on function app.hides_metric(text, boolean, text, text) is 'True when a number is not for this caller.';
