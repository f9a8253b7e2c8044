-- Who a booking, a payment or a form is about: leads by their identities. More than one lead is never guessed.

-- app.phone_identity: the digits of a phone number; NULL for what is too short to know anybody by.
create or replace function app.phone_identity(phone text) returns text
language sql immutable parallel safe
return case when length(regexp_replace(phone, '[^0-9]', '', 'g')) between 7 and 15
            then regexp_replace(phone, '[^0-9]', '', 'g') end;
comment on function app.phone_identity(text) is 'Digits of a phone number that can identify a person, else NULL.';

-- app.lead_identity_values: identities in the form in which they are stored and compared.
-- identities: further ones as {"kind": "value"}, for example {"stripe_customer": "cus_1"}.
create or replace function app.lead_identity_values(email text, phone text, identities jsonb default '{}')
returns table (kind text, value text)
language sql immutable
begin atomic
    select i.kind, i.value
      from (select 'email' as kind, nullif(lower(btrim(lead_identity_values.email)), '') as value
            union all
            select 'phone', app.phone_identity(lead_identity_values.phone)
            union all
            select e.key, nullif(btrim(e.value), '') from jsonb_each_text(lead_identity_values.identities) as e) as i
     where i.value is not null;
end;
comment on function app.lead_identity_values(text, text, jsonb) is 'Identities as they are stored: one row per kind and value.';

-- Whose an identity is is asked of each by its key, in a subquery of its own: as a join or an anti-join it may be planned to read all
-- identities of an organization, or all of its deleted leads.

-- app.leads_of_identities: the living leads that any of these identities belongs to; merged ones as what they became.
create or replace function app.leads_of_identities(organization_id uuid, email text, phone text, identities jsonb default '{}')
returns uuid[]
language sql stable
begin atomic
    select coalesce(array_agg(distinct k.lead_id), '{}')
      from app.lead_identity_values(leads_of_identities.email, leads_of_identities.phone, leads_of_identities.identities) as v
     cross join lateral (
        select coalesce(l.merged_into_id, l.id) as lead_id
          from app.lead_identities as i
          join app.leads as l on l.organization_id = i.organization_id and l.id = i.lead_id
         where i.organization_id = leads_of_identities.organization_id and i.kind = v.kind and i.value = v.value
           and l.deleted_at is null
        offset 0) as k;
end;
comment on function app.leads_of_identities(uuid, text, text, jsonb) is 'Leads that any of these identities belongs to.';

-- app.release_identities: identities of deleted leads go free, for whoever is known by them from now on.
create or replace function app.release_identities(organization_id uuid, email text, phone text, identities jsonb default '{}')
returns void
language sql volatile
begin atomic
    delete from app.lead_identities as i
     where i.organization_id = release_identities.organization_id
       and i.id = any (array(
            select k.id
              from app.lead_identity_values(release_identities.email, release_identities.phone, release_identities.identities) as v
             cross join lateral (
                select f.id
                  from app.lead_identities as f
                  join app.leads as l on l.organization_id = f.organization_id and l.id = f.lead_id
                 where f.organization_id = release_identities.organization_id and f.kind = v.kind and f.value = v.value
                   and l.deleted_at is not null
                offset 0) as k));
end;
comment on function app.release_identities(uuid, text, text, jsonb) is 'Takes identities away from deleted leads.';

-- app.keep_identities: what these living leads are reached by is an identity of each. A value that is another lead's is refused by
-- lead_identities_value_key; earlier values stay, since a lead is still known by them. Most leads bring what nobody is known by:
-- one look tells, and then nothing is deleted, nor any value looked up again.
create or replace function app.keep_identities(organization_id uuid, lead_ids uuid[]) returns void
language plpgsql volatile set search_path = '' set plan_cache_mode = force_generic_plan as $$
declare
    v_is_known constant boolean := exists (
        select from app.leads as n
         cross join lateral (values ('email', nullif(lower(btrim(n.email)), '')), ('phone', app.phone_identity(n.phone))) as v (kind, value)
          join app.lead_identities as i on i.organization_id = n.organization_id and i.kind = v.kind and i.value = v.value
         where n.organization_id = keep_identities.organization_id and n.id = any (keep_identities.lead_ids));
begin
    if v_is_known then
        with reached as materialized (
            select n.organization_id, v.kind, v.value
              from app.leads as n
             cross join lateral (values ('email', nullif(lower(btrim(n.email)), '')), ('phone', app.phone_identity(n.phone))) as v (kind, value)
             where n.organization_id = keep_identities.organization_id and n.id = any (keep_identities.lead_ids) and v.value is not null
        )
        delete from app.lead_identities as i
         using reached as r
         where i.organization_id = r.organization_id and i.kind = r.kind and i.value = r.value
           and (select l.deleted_at from app.leads as l where l.organization_id = i.organization_id and l.id = i.lead_id) is not null;
    end if;
    insert into app.lead_identities (organization_id, lead_id, kind, value)
    select n.organization_id, n.id, v.kind, v.value
      from app.leads as n
     cross join lateral (values ('email', nullif(lower(btrim(n.email)), '')), ('phone', app.phone_identity(n.phone))) as v (kind, value)
     where n.organization_id = keep_identities.organization_id and n.id = any (keep_identities.lead_ids)
       and n.deleted_at is null and n.merged_into_id is null and v.value is not null
       and (not v_is_known
            or (select n.id in (l.id, l.merged_into_id)
                  from app.lead_identities as i
                  join app.leads as l on l.organization_id = i.organization_id and l.id = i.lead_id
                 where i.organization_id = n.organization_id and i.kind = v.kind and i.value = v.value) is not true);
end;
$$;
comment on function app.keep_identities(uuid, uuid[]) is 'Makes e-mail and phone of leads identities of them.';

-- app.identify_lead: the one lead these identities belong to, made if nobody is known by any of them.
-- Answers NULL when they belong to more than one lead, or when there is no identity at all.
-- Guarantees: what was missing of the lead (name, e-mail, phone, further identities) is added; two calls at the same
--             moment make one lead, since a value belongs to one lead: the later one finds what the earlier one made.
create or replace function app.identify_lead(
    organization_id uuid, email text, phone text default null, full_name text default null, identities jsonb default '{}'
) returns uuid
language plpgsql volatile set search_path = '' as $$
declare
    v_email constant text := nullif(btrim(identify_lead.email), '');
    v_phone constant text := nullif(btrim(identify_lead.phone), '');
    v_leads uuid[];
    v_lead  uuid;
begin
    if not exists (select from app.lead_identity_values(v_email, v_phone, identify_lead.identities)) then
        return null;
    end if;
    perform app.release_identities(identify_lead.organization_id, v_email, v_phone, identify_lead.identities);
    for v_attempt in 1 .. 10 loop
        v_leads := app.leads_of_identities(identify_lead.organization_id, v_email, v_phone, identify_lead.identities);
        if cardinality(v_leads) > 1 then
            return null;
        end if;
        begin
            if cardinality(v_leads) = 1 then
                v_lead := v_leads[1];
                update app.leads as l
                   set full_name = coalesce(l.full_name, identify_lead.full_name),
                       email = coalesce(l.email, v_email),
                       phone = coalesce(l.phone, v_phone)
                 where l.organization_id = identify_lead.organization_id and l.id = v_lead
                   and (l.full_name is null and identify_lead.full_name is not null
                        or l.email is null and v_email is not null
                        or l.phone is null and v_phone is not null);
            else
                insert into app.leads as l (organization_id, full_name, email, phone)
                values (identify_lead.organization_id, identify_lead.full_name, v_email, v_phone)
                returning l.id into v_lead;
            end if;
            insert into app.lead_identities (organization_id, lead_id, kind, value)
            select identify_lead.organization_id, v_lead, v.kind, v.value
              from app.lead_identity_values(v_email, v_phone, identify_lead.identities) as v
             where (select i.lead_id from app.lead_identities as i
                     where i.organization_id = identify_lead.organization_id and i.kind = v.kind and i.value = v.value) is null;
            return v_lead;
        exception when unique_violation then
            v_lead := null;
        end;
    end loop;
    raise exception using errcode = '40001', message = 'Identities of this lead are changing.', hint = 'Try again.';
end;
$$;
comment on function app.identify_lead(uuid, text, text, text, jsonb) is
    'The one lead of these identities, made if unknown; NULL when they belong to several.';
