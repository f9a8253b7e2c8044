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
    v_rules constant app.source_rules[] := app.source_rules_in_use(event.organization_id);
    v_rule            app.source_rules;
    v_source_id       uuid;
    v_traffic_type_id uuid;
    v_decided         record;
begin
    if v_rules <> '{}' then
        select r.* into v_rule from app.matching_source_rule(event, v_rules) as r;
    end if;
    if event.call_type_id is not null then
        select t.default_source_id, t.default_traffic_type_id into v_source_id, v_traffic_type_id from app.call_types as t
         where t.organization_id = event.organization_id and t.id = event.call_type_id;
    end if;
    v_decided := app.decide_source(event, v_rule, root.source_id, root.traffic_type_id, root.source_origin,
                                   v_source_id, v_traffic_type_id);
    event.source_id := v_decided.source_id;
    event.traffic_type_id := v_decided.traffic_type_id;
    event.source_origin := v_decided.source_origin;
    return event;
end;
$$;
comment on function app.with_source(app.events, app.events) is 'A call with the source that rules, chain and call type give it.';

-- app.derived_sources: for every call booked in [start_at, end_at) what these rules would give it. A later booking takes after its
-- root as the same rules would have it; a root booked outside of the range is as it is.
create or replace function app.derived_sources(
    organization_id uuid, start_at timestamptz, end_at timestamptz, rules app.source_rules[]
) returns table (
    event_id uuid, old_source_id uuid, old_traffic_type_id uuid, source_id uuid, traffic_type_id uuid, source_origin text)
language sql stable
begin atomic
    with own as materialized (
        select e.id, e.root_event_id, e as event, m as rule, t.default_source_id, t.default_traffic_type_id
          from app.events as e
          left join lateral app.matching_source_rule(e, derived_sources.rules) as m on true
          left join app.call_types as t on t.organization_id = e.organization_id and t.id = e.call_type_id
         where e.organization_id = derived_sources.organization_id and e.booked_at >= derived_sources.start_at
           and e.booked_at < derived_sources.end_at and e.deleted_at is null
    ), roots as (
        select o.id, d.source_id, d.traffic_type_id, d.source_origin
          from own as o
         cross join lateral app.decide_source(
                o.event, o.rule, null, null, null, o.default_source_id, o.default_traffic_type_id) as d
         where o.root_event_id = o.id
        union all
        select r.id, r.source_id, r.traffic_type_id, r.source_origin
          from (select distinct o.root_event_id from own as o where o.root_event_id <> o.id) as w
          join app.events as r on r.organization_id = derived_sources.organization_id and r.id = w.root_event_id
         where not exists (select from own as o where o.id = r.id)
    )
    select o.id, (o.event).source_id, (o.event).traffic_type_id, d.source_id, d.traffic_type_id, d.source_origin
      from own as o
      left join roots as r on r.id = o.root_event_id and o.root_event_id <> o.id
     cross join lateral app.decide_source(o.event, o.rule, r.source_id, r.traffic_type_id, r.source_origin,
                                          o.default_source_id, o.default_traffic_type_id) as d;
end;
comment on function app.derived_sources(uuid, timestamptz, timestamptz, app.source_rules[]) is
    'What source rules would give to the calls booked in a range.';

-- app.read_source_rules: rules as a person wrote them down: [{"field", "operator", "value", "source_id", "traffic_type_id"}], in
-- their order; NULL for those in use. Raises PT422 for what could not be a rule of this organization.
create or replace function app.read_source_rules(organization_id uuid, rules jsonb) returns app.source_rules[]
language plpgsql stable set search_path = '' as $$
declare
    v_rule  app.source_rules;
    v_rules app.source_rules[] := '{}';
    v_given record;
begin
    if rules is null or rules = 'null' then
        return app.source_rules_in_use(read_source_rules.organization_id);
    elsif jsonb_typeof(rules) <> 'array' or jsonb_array_length(rules) > 500 then
        raise exception using errcode = 'PT422', message = 'Source rules are a list of at most 500 rules.';
    end if;
    for v_given in select r.value, r.ordinal from jsonb_array_elements(rules) with ordinality as r (value, ordinal) loop
        v_rule := null;
        v_rule.id := uuidv7();
        v_rule.position := v_given.ordinal;
        v_rule.field := v_given.value ->> 'field';
        v_rule.operator := v_given.value ->> 'operator';
        v_rule.value := coalesce(v_given.value ->> 'value', '');
        select s.id into v_rule.source_id from app.sources as s
         where s.organization_id = read_source_rules.organization_id and s.id::text = v_given.value ->> 'source_id';
        select t.id into v_rule.traffic_type_id from app.traffic_types as t
         where t.organization_id = read_source_rules.organization_id and t.id::text = v_given.value ->> 'traffic_type_id';
        if v_rule.field is null or v_rule.operator is null
           or v_rule.field <> all (array['utm_source', 'utm_medium', 'utm_campaign', 'utm_term', 'utm_content', 'referrer', 'answer'])
           or v_rule.operator <> all (array['equals', 'contains', 'starts_with', 'is_present'])
           or coalesce(v_rule.source_id, v_rule.traffic_type_id) is null
           or v_given.value ->> 'source_id' is not null and v_rule.source_id is null
           or v_given.value ->> 'traffic_type_id' is not null and v_rule.traffic_type_id is null then
            raise exception using errcode = 'PT422', message = 'This is no source rule.',
                detail = format('Rule %s.', v_given.ordinal),
                hint = 'A rule has a field, an operator, a value, and a source or traffic type of this organization.';
        end if;
        v_rules := v_rules || v_rule;
    end loop;
    return v_rules;
end;
$$;
comment on function app.read_source_rules(uuid, jsonb) is 'Source rules as a person wrote them down, else PT422.';

-- app.booked_range: the instants of a period of local days, both inclusive. Raises PT422 when it ends before it starts.
create or replace function app.booked_range(
    organization_id uuid, start_date date, end_date date, out start_at timestamptz, out end_at timestamptz
) returns record
language plpgsql stable set search_path = '' as $$
begin
    if start_date is null or end_date is null or end_date < start_date
       or start_date not between date '1970-01-01' and date '2100-01-01' or end_date > date '2100-01-01' then
        raise exception using errcode = 'PT422', message = 'A period starts before it ends.',
            detail = format('From %s to %s.', start_date, end_date);
    end if;
    select start_date::timestamp at time zone o.timezone, (end_date + 1)::timestamp at time zone o.timezone
      into start_at, end_at
      from app.organizations as o where o.id = booked_range.organization_id;
end;
$$;
comment on function app.booked_range(uuid, date, date) is 'The instants of a period of local days, both inclusive.';

-- app.apply_sources: give the calls booked in [start_at, end_at) what the rules in use say; what was set by hand or by a CRM stays.
-- Leads learn it; payments follow their calls. Answers how many calls changed.
create or replace function app.apply_sources(organization_id uuid, start_at timestamptz, end_at timestamptz) returns bigint
language plpgsql volatile set search_path = '' as $$
declare
    v_changed uuid[];
begin
    perform set_config('app.derives_source', 'on', true);
    with changed as (
        update app.events as e
           set source_id = d.source_id, traffic_type_id = d.traffic_type_id, source_origin = d.source_origin
          from app.derived_sources(apply_sources.organization_id, apply_sources.start_at, apply_sources.end_at,
                                   app.source_rules_in_use(apply_sources.organization_id)) as d
         where e.organization_id = apply_sources.organization_id and e.id = d.event_id
           and (e.source_id, e.traffic_type_id, e.source_origin)
               is distinct from (d.source_id, d.traffic_type_id, d.source_origin)
        returning e.id, (old.source_id, old.traffic_type_id) is distinct from (new.source_id, new.traffic_type_id) as is_other
    )
    select coalesce(array_agg(c.id) filter (where c.is_other), '{}') into v_changed from changed as c;
    perform set_config('app.derives_source', '', true);
    perform app.teach_leads(apply_sources.organization_id, array(
        select distinct on (e.lead_id) e.id from app.events as e
         where e.organization_id = apply_sources.organization_id and e.id = any (v_changed)
         order by e.lead_id, e.id));
    return cardinality(v_changed);
end;
$$;
comment on function app.apply_sources(uuid, timestamptz, timestamptz) is 'Give calls what the rules in use say; answers how many changed.';
