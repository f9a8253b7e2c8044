-- Leads that turn out to be one person: what moves, what the one that stays learns, and how all of it is undone.
-- Internal: nobody but the owner may call these; the functions of the API check who is asking.

-- app.tables_of_leads: tables whose rows move when their lead becomes part of another one, in the order in which they move.
-- The history of a lead's setters and the merges themselves stay with the lead that they are about.
create or replace function app.tables_of_leads() returns text[]
language sql immutable parallel safe
return array['lead_identities', 'lead_touches', 'payments', 'deals', 'setter_calls', 'custom_field_values', 'events'];
comment on function app.tables_of_leads() is 'Tables whose rows move with their lead.';

-- app.move_lead_rows: give the rows of one lead to another. row_ids: which ones, by table; NULL for all.
-- A custom field that the other lead has a value of stays where it is. Answers the ids that moved, by table.
create or replace function app.move_lead_rows(organization_id uuid, from_lead_id uuid, into_lead_id uuid, row_ids jsonb default null)
returns jsonb
language plpgsql volatile set search_path = '' as $$
declare
    v_moved jsonb := '{}';
    v_table text;
    v_ids   jsonb;
begin
    foreach v_table in array app.tables_of_leads() loop
        continue when move_lead_rows.row_ids is not null and not move_lead_rows.row_ids ? v_table;
        execute format(
            'with moved as (
                 update app.%I as t set lead_id = $3
                  where t.organization_id = $1 and t.lead_id = $2
                    and ($4 is null or t.id in (select i.id::uuid from jsonb_array_elements_text($4) as i (id)))%s
                 returning t.id)
             select jsonb_agg(m.id order by m.id) from moved as m',
            v_table,
            case v_table when 'custom_field_values' then
                ' and not exists (select from app.custom_field_values as o
                                   where o.organization_id = $1 and o.lead_id = $3 and o.definition_id = t.definition_id)'
            else '' end)
           into v_ids
          using move_lead_rows.organization_id, move_lead_rows.from_lead_id, move_lead_rows.into_lead_id,
                move_lead_rows.row_ids -> v_table;
        v_moved := v_moved || case when v_ids is null then '{}' else jsonb_build_object(v_table, v_ids) end;
    end loop;
    return v_moved;
end;
$$;
comment on function app.move_lead_rows(uuid, uuid, uuid, jsonb) is 'Give the rows of one lead to another; answers what moved.';

-- app.lead_knowledge: what a lead may learn from another one.
create or replace function app.lead_knowledge(lead app.leads) returns jsonb
language sql immutable
return jsonb_build_object(
    'full_name', lead.full_name, 'email', lead.email, 'phone', lead.phone, 'source_id', lead.source_id,
    'traffic_type_id', lead.traffic_type_id, 'source_origin', lead.source_origin, 'original_setter_id', lead.original_setter_id,
    'original_setter_name', lead.original_setter_name, 'current_setter_id', lead.current_setter_id,
    'current_setter_name', lead.current_setter_name, 'ghl_contact_id', lead.ghl_contact_id,
    'hubspot_contact_id', lead.hubspot_contact_id, 'close_lead_id', lead.close_lead_id);
comment on function app.lead_knowledge(app.leads) is 'What a lead may learn from another one, by column.';

-- app.teach_merged: the lead that stays learns what it lacks. Its original setter is that of the lead that was there first,
-- of all that are one person now; its current setter stays, unless it has none.
create or replace function app.teach_merged(organization_id uuid, into_lead_id uuid, from_lead_id uuid) returns void
language plpgsql volatile set search_path = '' as $$
declare
    v_into  app.leads;
    v_from  app.leads;
    v_first record;
    v_new   jsonb;
begin
    select l.* into strict v_into from app.leads as l
     where l.organization_id = teach_merged.organization_id and l.id = teach_merged.into_lead_id;
    select l.* into strict v_from from app.leads as l
     where l.organization_id = teach_merged.organization_id and l.id = teach_merged.from_lead_id;
    -- The lead whose original setter the one that stays has now.
    select l.created_at, l.id into v_first
      from app.lead_merges as m
      join app.leads as l on l.organization_id = m.organization_id and l.id = m.from_lead_id
     where m.organization_id = v_into.organization_id and m.into_lead_id = v_into.id and m.unmerged_at is null
       and m.filled ? 'original_setter_id'
     order by l.created_at, l.id limit 1;

    select coalesce(jsonb_object_agg(n.key, n.value), '{}') into v_new
      from jsonb_each(app.lead_knowledge(v_from)) as n
     where n.value <> 'null'
       and case
            when n.key in ('source_id', 'traffic_type_id', 'source_origin') then
                coalesce(v_into.source_id, v_into.traffic_type_id) is null
                and coalesce(v_from.source_id, v_from.traffic_type_id) is not null
            when n.key in ('current_setter_id', 'current_setter_name') then v_into.current_setter_id is null
            when n.key in ('original_setter_id', 'original_setter_name') then
                v_into.original_setter_id is null
                or v_from.original_setter_id is not null
                   and (v_from.created_at, v_from.id)
                       < (coalesce(v_first.created_at, v_into.created_at), coalesce(v_first.id, v_into.id))
            else app.lead_knowledge(v_into) -> n.key = 'null'
           end;
    perform app.write_lead_knowledge(v_into.organization_id, v_into.id, v_new);
end;
$$;
comment on function app.teach_merged(uuid, uuid, uuid) is 'The lead that stays learns what it lacks from the one that became part of it.';

-- app.write_lead_knowledge: these columns of a lead become this. Only here does an original setter change that was written.
create or replace function app.write_lead_knowledge(organization_id uuid, lead_id uuid, knowledge jsonb) returns void
language plpgsql volatile set search_path = '' as $$
begin
    if write_lead_knowledge.knowledge = '{}' then
        return;
    end if;
    perform set_config('app.teaches_lead', 'on', true);
    update app.leads as l
       set (full_name, email, phone, source_id, traffic_type_id, source_origin, original_setter_id, original_setter_name,
            current_setter_id, current_setter_name, ghl_contact_id, hubspot_contact_id, close_lead_id)
           = (select k.full_name, k.email, k.phone, k.source_id, k.traffic_type_id, k.source_origin, k.original_setter_id,
                     k.original_setter_name, k.current_setter_id, k.current_setter_name, k.ghl_contact_id, k.hubspot_contact_id, k.close_lead_id
                from jsonb_populate_record(l, write_lead_knowledge.knowledge) as k)
     where l.organization_id = write_lead_knowledge.organization_id and l.id = write_lead_knowledge.lead_id;
    perform set_config('app.teaches_lead', '', true);
end;
$$;
comment on function app.write_lead_knowledge(uuid, uuid, jsonb) is 'These columns of a lead become this.';

-- app.lead_change: what changed of a lead's knowledge: [before, after] by column.
create or replace function app.lead_change(organization_id uuid, lead_id uuid, before jsonb) returns jsonb
language sql stable
begin atomic
    select coalesce(jsonb_object_agg(k.key, jsonb_build_array(lead_change.before -> k.key, k.value)), '{}')
      from app.leads as l
     cross join jsonb_each(app.lead_knowledge(l)) as k
     where l.organization_id = lead_change.organization_id and l.id = lead_change.lead_id
       and k.value <> lead_change.before -> k.key;
end;
comment on function app.lead_change(uuid, uuid, jsonb) is 'What changed of a lead since it was as before.';

-- app.find_calls: calls that fitted several leads of which one is left: they are its calls. Answers their ids.
create or replace function app.find_calls(organization_id uuid, lead_id uuid) returns jsonb
language plpgsql volatile set search_path = '' as $$
declare
    v_event app.events;
    v_found jsonb := '[]';
begin
    for v_event in
        select e.*
          from app.exceptions as x
          join app.events as e on e.organization_id = x.organization_id and e.id = x.row_ids[1]
         where x.organization_id = find_calls.organization_id and x.check_name = 'ambiguous_lead' and x.state = 'open'
           and e.lead_id is null and e.deleted_at is null
           and app.leads_of_identities(e.organization_id, e.lead_email, e.lead_phone) = array[find_calls.lead_id]
         order by e.booked_at, e.id
    loop
        update app.events as e set lead_id = find_calls.lead_id
         where e.organization_id = v_event.organization_id and e.id = v_event.id;
        perform app.teach_lead(v_event.organization_id, v_event.id);
        perform app.resolve_exception(v_event.organization_id, 'ambiguous_lead', v_event.id::text);
        v_found := v_found || to_jsonb(v_event.id);
    end loop;
    return v_found;
end;
$$;
comment on function app.find_calls(uuid, uuid) is 'Calls that fitted several leads of which one is left are its calls.';

-- app.lose_calls: calls that were found when leads became one, and that fit several leads again.
create or replace function app.lose_calls(organization_id uuid, lead_id uuid, event_ids jsonb) returns void
language plpgsql volatile set search_path = '' as $$
declare
    v_event app.events;
begin
    for v_event in
        select e.* from app.events as e
         where e.organization_id = lose_calls.organization_id and e.lead_id = lose_calls.lead_id
           and e.id in (select i.id::uuid from jsonb_array_elements_text(lose_calls.event_ids) as i (id))
           and cardinality(app.leads_of_identities(e.organization_id, e.lead_email, e.lead_phone)) > 1
         order by e.id
    loop
        update app.events as e set lead_id = null where e.organization_id = v_event.organization_id and e.id = v_event.id;
        perform app.report_ambiguous_lead(v_event.organization_id, v_event.id, v_event.lead_email, v_event.lead_phone, '{}');
    end loop;
end;
$$;
comment on function app.lose_calls(uuid, uuid, jsonb) is 'Calls that fit several leads again are nobody''s.';

-- app.attribute_lead: climb the ladder again for the payments of a lead, and for those that nobody has and that carry
-- something it is known by; its deals follow. What a person or form decided stays; its credits follow the call.
create or replace function app.attribute_lead(organization_id uuid, lead_id uuid) returns void
language plpgsql volatile set search_path = '' as $$
declare
    p app.payments;
begin
    for p in
        select t.* from app.payments as t
         where t.organization_id = attribute_lead.organization_id and t.deleted_at is null
           and (t.lead_id = attribute_lead.lead_id
                or t.attribution_method = 'none'
                   and (exists (select from app.payment_identities(t) as i
                                  join app.lead_identities as k
                                    on k.organization_id = t.organization_id and k.kind = i.kind and k.value = i.value
                                 where k.lead_id = attribute_lead.lead_id)
                        or t.customer_email_norm in (
                            select e.lead_email_norm from app.events as e
                             where e.organization_id = attribute_lead.organization_id and e.lead_id = attribute_lead.lead_id
                               and e.deleted_at is null)))
         order by t.payment_date, t.id
    loop
        if p.claim_state is not null then
            perform app.credit_claim(p.organization_id, p.id);
        else
            if p.attribution_method = 'manual' then
                perform app.credit_sale(p.organization_id, p.id);
            end if;
            perform app.attribute_payment(p.organization_id, p.id);
        end if;
    end loop;
    perform app.release_claims(attribute_lead.organization_id, attribute_lead.lead_id);
    perform app.settle_deals(attribute_lead.organization_id, attribute_lead.lead_id);
end;
$$;
comment on function app.attribute_lead(uuid, uuid) is 'Attribute the payments of a lead anew.';

-- app.lock_leads: leads, and those that became part of them, locked in the order of their ids, so that two who merge wait for
-- each other.
create or replace function app.lock_leads(organization_id uuid, lead_ids uuid[]) returns void
language sql volatile
begin atomic
    select l.id from app.leads as l
     where l.organization_id = lock_leads.organization_id
       and (l.id = any (lock_leads.lead_ids) or l.merged_into_id = any (lock_leads.lead_ids))
     order by l.id for update;
end;
comment on function app.lock_leads(uuid, uuid[]) is 'Locks leads in the order of their ids.';

-- app.merge_leads: some leads are the same person as another one, which stays. All that was theirs is its now: identities,
-- touches, calls, payments, deals, custom fields that it lacks. Payments that no person decided are attributed anew.
-- A lead that is part of it already stays so. Answers the merges.
-- Raises PT404 for no such lead, PT409 for one that became part of another one, PT422 for none and for itself.
create or replace function app.merge_leads(organization_id uuid, into_lead_id uuid, from_lead_ids uuid[], reason text)
returns uuid[]
language plpgsql volatile set search_path = '' as $$
declare
    v_from_ids constant uuid[] := array(select distinct f.id from unnest(merge_leads.from_lead_ids) as f (id) where f.id is not null order by f.id);
    v_into     app.leads;
    v_from     app.leads;
    v_merge_id uuid;
    v_merges   uuid[] := '{}';
    v_before   jsonb;
    v_moved    jsonb;
    v_found    jsonb;
begin
    if cardinality(v_from_ids) not between 1 and 100 then
        raise exception using errcode = 'PT422', message = 'Say which leads become part of this one.',
            detail = format('%s were named.', cardinality(v_from_ids)), hint = 'Name one to a hundred.';
    elsif merge_leads.into_lead_id = any (v_from_ids) then
        raise exception using errcode = 'PT422', message = 'A lead does not become part of itself.';
    end if;
    perform app.lock_leads(merge_leads.organization_id, v_from_ids || merge_leads.into_lead_id);
    v_into := app.require_own_lead(merge_leads.organization_id, merge_leads.into_lead_id);

    for v_from in
        select l.* from unnest(v_from_ids) with ordinality as f (id, position)
          left join app.leads as l
            on l.organization_id = merge_leads.organization_id and l.id = f.id and (l.deleted_at is null or l.merged_into_id is not null)
         order by f.position
    loop
        if v_from.merged_into_id = v_into.id then
            v_merges := v_merges || (select m.id from app.lead_merges as m
                                      where m.organization_id = v_from.organization_id and m.from_lead_id = v_from.id
                                        and m.unmerged_at is null);
            continue;
        end if;
        v_from := app.require_own_lead(merge_leads.organization_id, v_from.id);

        select app.lead_knowledge(l) into v_before from app.leads as l
         where l.organization_id = v_into.organization_id and l.id = v_into.id;
        insert into app.lead_merges as m (organization_id, into_lead_id, from_lead_id, reason, merged_by)
        values (v_into.organization_id, v_into.id, v_from.id, merge_leads.reason, auth.uid())
        returning m.id into v_merge_id;
        with followers as (
            update app.leads as l set merged_into_id = v_into.id
             where l.organization_id = v_from.organization_id and l.merged_into_id = v_from.id
            returning l.id
        )
        select case when count(*) = 0 then '{}' else jsonb_build_object('leads', jsonb_agg(f.id order by f.id)) end
          into v_moved from followers as f;
        update app.leads as l set merged_into_id = v_into.id
         where l.organization_id = v_from.organization_id and l.id = v_from.id;
        v_moved := v_moved || app.move_lead_rows(v_from.organization_id, v_from.id, v_into.id);
        perform app.teach_merged(v_into.organization_id, v_into.id, v_from.id);
        v_found := app.find_calls(v_into.organization_id, v_into.id);
        if v_found <> '[]' then
            v_moved := v_moved || jsonb_build_object('events_found', v_found);
        end if;
        update app.lead_merges as m
           set moved = v_moved, filled = app.lead_change(v_into.organization_id, v_into.id, v_before)
         where m.organization_id = v_into.organization_id and m.id = v_merge_id;
        v_merges := v_merges || v_merge_id;
    end loop;
    perform app.attribute_lead(v_into.organization_id, v_into.id);
    return v_merges;
end;
$$;
comment on function app.merge_leads(uuid, uuid, uuid[], text) is 'Leads that are one person become part of the one that stays.';

-- app.require_own_lead: a lead that stands for itself. Raises PT404, and PT409 for one that became part of another one.
create or replace function app.require_own_lead(organization_id uuid, lead_id uuid) returns app.leads
language plpgsql stable set search_path = '' as $$
declare
    v_lead app.leads;
begin
    select l.* into v_lead from app.leads as l
     where l.organization_id = require_own_lead.organization_id and l.id = require_own_lead.lead_id
       and (l.deleted_at is null or l.merged_into_id is not null);
    if not found then
        raise exception using errcode = 'PT404', message = 'No such lead in this organization.';
    elsif v_lead.merged_into_id is not null then
        raise exception using errcode = 'PT409', message = 'This lead became part of another one.',
            detail = format('Lead %s became part of lead %s.', v_lead.id, v_lead.merged_into_id), hint = 'Use that lead instead.';
    end if;
    return v_lead;
end;
$$;
comment on function app.require_own_lead(uuid, uuid) is 'A lead that stands for itself, else PT404 or PT409.';

-- app.unmerge_leads: undo one merge: what moved goes back, as far as it is still with the lead that stayed; what came since
-- stays with that one. Merges into the lead that stayed are undone in any order; those of it into a third one first.
-- Raises PT404, and PT409 for a merge that is undone already or on which a later one rests.
create or replace function app.unmerge_leads(organization_id uuid, merge_id uuid, reason text) returns void
language plpgsql volatile set search_path = '' as $$
declare
    m       app.lead_merges;
    v_from  app.leads;
    v_other app.lead_merges;
    v_before jsonb;
begin
    select t.* into m from app.lead_merges as t
     where t.organization_id = unmerge_leads.organization_id and t.id = unmerge_leads.merge_id;
    if not found then
        raise exception using errcode = 'PT404', message = 'No such merge in this organization.';
    end if;
    perform app.lock_leads(m.organization_id, array[m.from_lead_id, m.into_lead_id]);
    select t.* into strict m from app.lead_merges as t
     where t.organization_id = unmerge_leads.organization_id and t.id = unmerge_leads.merge_id for update;
    select l.* into strict v_from from app.leads as l where l.organization_id = m.organization_id and l.id = m.from_lead_id;
    if m.unmerged_at is not null then
        raise exception using errcode = 'PT409', message = 'This merge was undone before.',
            detail = format('It was undone at %s.', m.unmerged_at);
    elsif v_from.merged_into_id is distinct from m.into_lead_id then
        raise exception using errcode = 'PT409', message = 'A later merge rests on this one.',
            detail = format('Lead %s became part of lead %s.', m.into_lead_id, v_from.merged_into_id),
            hint = 'Undo that merge first.';
    end if;

    update app.lead_merges as t
       set unmerged_at = now(), unmerged_by = auth.uid(), unmerge_reason = unmerge_leads.reason
     where t.organization_id = m.organization_id and t.id = m.id;
    perform app.forget_merged(m);
    update app.leads as l set merged_into_id = null where l.organization_id = m.organization_id and l.id = m.from_lead_id;
    update app.leads as l set merged_into_id = m.from_lead_id
     where l.organization_id = m.organization_id and l.merged_into_id = m.into_lead_id
       and l.id in (select i.id::uuid from jsonb_array_elements_text(m.moved -> 'leads') as i (id));
    perform app.move_lead_rows(m.organization_id, m.into_lead_id, m.from_lead_id, m.moved);
    perform app.lose_calls(m.organization_id, m.into_lead_id, coalesce(m.moved -> 'events_found', '[]'));

    -- What this one had told, another one may have to tell now.
    for v_other in
        select t.* from app.lead_merges as t
         where t.organization_id = m.organization_id and t.into_lead_id = m.into_lead_id and t.unmerged_at is null
         order by t.merged_at, t.id
    loop
        select app.lead_knowledge(l) into v_before from app.leads as l
         where l.organization_id = m.organization_id and l.id = m.into_lead_id;
        perform app.teach_merged(m.organization_id, m.into_lead_id, v_other.from_lead_id);
        update app.lead_merges as t set filled = app.lead_change(m.organization_id, m.into_lead_id, v_before) || t.filled
         where t.organization_id = v_other.organization_id and t.id = v_other.id
           and app.lead_change(m.organization_id, m.into_lead_id, v_before) <> '{}';
    end loop;
    perform app.attribute_lead(m.organization_id, m.from_lead_id);
    perform app.attribute_lead(m.organization_id, m.into_lead_id);
end;
$$;
comment on function app.unmerge_leads(uuid, uuid, text) is 'Undo one merge: what moved goes back, what came since stays.';

-- app.forget_merged: what a merge wrote into the lead that stayed becomes what it was before, unless somebody changed it
-- since. Where a later merge wrote over it, that one remembers what was before this one instead.
create or replace function app.forget_merged(merge app.lead_merges) returns void
language plpgsql volatile set search_path = '' as $$
declare
    v_now jsonb;
    v_old jsonb;
begin
    select app.lead_knowledge(l) into strict v_now from app.leads as l
     where l.organization_id = merge.organization_id and l.id = merge.into_lead_id;
    select coalesce(jsonb_object_agg(f.key, f.value -> 0), '{}') into v_old
      from jsonb_each(merge.filled) as f where v_now -> f.key = f.value -> 1;
    perform app.write_lead_knowledge(merge.organization_id, merge.into_lead_id, v_old);
    update app.lead_merges as t
       set filled = (select jsonb_object_agg(
                            f.key, case when merge.filled ? f.key and merge.filled -> f.key -> 1 = f.value -> 0
                                        then jsonb_build_array(merge.filled -> f.key -> 0, f.value -> 1) else f.value end)
                       from jsonb_each(t.filled) as f)
     where t.organization_id = merge.organization_id and t.into_lead_id = merge.into_lead_id and t.unmerged_at is null
       and exists (select from jsonb_each(t.filled) as f
                    where merge.filled ? f.key and merge.filled -> f.key -> 1 = f.value -> 0);
end;
$$;
comment on function app.forget_merged(app.lead_merges) is 'What a merge wrote into the lead that stayed becomes what it was.';

-- app.settle_merges: rows that were written for a lead at the moment when it became part of another one follow it.
-- since: merges from then on are looked at. Answers how many merges had some.
create or replace function app.settle_merges(since timestamptz) returns bigint
language plpgsql volatile set search_path = '' as $$
declare
    m       app.lead_merges;
    v_moved jsonb;
    v_count bigint := 0;
begin
    for m in
        select t.* from app.lead_merges as t where t.merged_at >= settle_merges.since and t.unmerged_at is null order by t.merged_at, t.id
    loop
        v_moved := app.move_lead_rows(m.organization_id, m.from_lead_id, m.into_lead_id);
        continue when v_moved - 'custom_field_values' = '{}';
        update app.lead_merges as t
           set moved = (select jsonb_object_agg(k.key, coalesce(t.moved -> k.key, '[]') || coalesce(v_moved -> k.key, '[]'))
                          from jsonb_each(t.moved || v_moved) as k)
         where t.organization_id = m.organization_id and t.id = m.id;
        perform app.attribute_lead(m.organization_id, m.into_lead_id);
        v_count := v_count + 1;
    end loop;
    return v_count;
end;
$$;
comment on function app.settle_merges(timestamptz) is 'Rows that were written for a lead while it became part of another one follow it.';
