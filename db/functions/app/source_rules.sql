-- Where a call comes from: by hand, else by the CRM, else by the first rule that its UTM fields, referrer and answers match, else
-- from the root of its chain, else by its call type. What is set by hand stays.

-- app.source_rules_in_use: the rules of an organization in their order.
create or replace function app.source_rules_in_use(organization_id uuid) returns app.source_rules[]
language sql stable
begin atomic
    select coalesce(array_agg(r order by r.position), '{}') from app.source_rules as r
     where r.organization_id = source_rules_in_use.organization_id and r.archived_at is null;
end;
comment on function app.source_rules_in_use(uuid) is 'The source rules of an organization in their order.';

-- app.matching_source_rule: the first of these rules that a call matches; case does not count. A rule about answers looks at each.
create or replace function app.matching_source_rule(event app.events, rules app.source_rules[]) returns setof app.source_rules
language sql immutable rows 1
begin atomic
    select r.organization_id, r.id, r.position, r.field, r.operator, r.value, r.source_id, r.traffic_type_id, r.archived_at,
           r.created_at, r.updated_at
      from unnest(matching_source_rule.rules) as r
     where exists (
            select from (
                select case r.field when 'utm_source' then (event).utm_source when 'utm_medium' then (event).utm_medium
                                    when 'utm_campaign' then (event).utm_campaign when 'utm_term' then (event).utm_term
                                    when 'utm_content' then (event).utm_content when 'referrer' then (event).referrer end
                union all
                select a.value ->> 'answer' from jsonb_array_elements(app.json_array((event).answers)) as a
                 where r.field = 'answer') as t (said)
             where case r.operator when 'is_present' then btrim(t.said) <> ''
                                   when 'equals' then lower(btrim(t.said)) = lower(btrim(r.value))
                                   when 'contains' then strpos(lower(t.said), lower(r.value)) > 0
                                   when 'starts_with' then starts_with(lower(btrim(t.said)), lower(r.value)) end)
     order by r.position
     limit 1;
end;
comment on function app.matching_source_rule(app.events, app.source_rules[]) is 'The first rule that a call matches.';

-- app.decide_source: source and traffic type of a call, each from the strongest that says one. Pure.
-- root_*: of the chain's first booking, when the call is a later one. default_*: of its call type.
-- source_origin: the strongest that said anything. A source without an origin was written before origins were kept: by hand.
create or replace function app.decide_source(
    event app.events, rule app.source_rules, root_source_id uuid, root_traffic_type_id uuid, root_origin text,
    default_source_id uuid, default_traffic_type_id uuid,
    out source_id uuid, out traffic_type_id uuid, out source_origin text
) returns record
language plpgsql immutable set search_path = '' as $$
declare
    v_has_root constant boolean := coalesce(root_source_id, root_traffic_type_id) is not null;
begin
    if event.source_origin in ('manual', 'crm')
       or event.source_origin is null and coalesce(event.source_id, event.traffic_type_id) is not null then
        source_id := event.source_id;
        traffic_type_id := event.traffic_type_id;
        source_origin := event.source_origin;
        return;
    elsif root_origin in ('manual', 'crm') then
        source_id := root_source_id;
        traffic_type_id := root_traffic_type_id;
    end if;
    source_origin := case when root_origin in ('manual', 'crm') and v_has_root then 'inherited'
                          when rule.id is not null then 'rule'
                          when v_has_root then 'inherited'
                          when coalesce(default_source_id, default_traffic_type_id) is not null then 'call_type' end;
    source_id := coalesce(source_id, rule.source_id, root_source_id, default_source_id);
    traffic_type_id := coalesce(traffic_type_id, rule.traffic_type_id, root_traffic_type_id, default_traffic_type_id);
end;
$$;
comment on function app.decide_source(app.events, app.source_rules, uuid, uuid, text, uuid, uuid) is
    'Source and traffic type of a call, each from the strongest that says one.';

-- app.with_source: a call with the source that rules, chain and call type give it. root: NULL for the first of a chain.
create or replace function app.with_source(event app.events, root app.events) returns app.events
language plpgsql stable set search_path = '' as $$
declare
    v_rule    app.source_rules;
    v_default record;
    v_decided record;
begin
    select r.* into v_rule from app.matching_source_rule(event, app.source_rules_in_use(event.organization_id)) as r;
    select t.default_source_id, t.default_traffic_type_id into v_default from app.call_types as t
     where t.organization_id = event.organization_id and t.id = event.call_type_id;
    v_decided := app.decide_source(event, v_rule, root.source_id, root.traffic_type_id, root.source_origin,
                                   v_default.default_source_id, v_default.default_traffic_type_id);
    event.source_id := v_decided.source_id;
    event.traffic_type_id := v_decided.traffic_type_id;
    event.source_origin := v_decided.source_origin;
    return event;
end;
$$;
comment on function app.with_source(app.events, app.events) is 'A call with the source that rules, chain and call type give it.';
