-- What no longer counts, and what counts again: calls and payments that were deleted or restored, calls that are duplicates. Nothing
-- is ever lost: rows are marked, and what follows from them is derived anew in either direction.
-- Internal: nobody but the owner may call these; the functions of the API check who is asking.

-- app.follow_counting: money follows calls that count no more, or again: the claims of their forms, the deals that were closed on
-- them, the payments that were attributed to them, and what waits for a person. Called by the trigger on calls, for all calls
-- that one statement changed.
-- Guarantees: the same end whatever was deleted, marked and restored in which order. A fixed number of statements for all calls
--             together, and one settlement for each lead of whom there is money.
create or replace function app.follow_counting(organization_id uuid, event_ids uuid[]) returns void
language plpgsql volatile set search_path = '' as $$
declare
    v_leads uuid[];
begin
    select coalesce(array_agg(distinct e.lead_id order by e.lead_id), '{}') into v_leads
      from app.events as e
     where e.organization_id = follow_counting.organization_id and e.id = any (follow_counting.event_ids) and e.lead_id is not null
       and (e.event_outcome = 'closed'
            or exists (select from app.payments as p
                        where p.organization_id = e.organization_id and p.lead_id = e.lead_id)
            or exists (select from app.deals as d where d.organization_id = e.organization_id and d.lead_id = e.lead_id));
    if v_leads <> '{}' then
        perform from app.leads as l
          where l.organization_id = follow_counting.organization_id and l.id = any (v_leads)
          order by l.id for no key update;
    end if;

    -- A claim rests on its call. What took its place is free for another claim.
    update app.payments as c
       set deleted_at = now(), deleted_reason = 'Its call counts nowhere.', superseded_by_id = null,
           claim_state = case when c.claim_state <> 'superseded' then c.claim_state
                              when c.claim_decided_at is null then 'pending' else 'confirmed' end
      from app.events as e
      join app.post_call_forms as f on f.organization_id = e.organization_id and f.event_id = e.id
     where e.organization_id = follow_counting.organization_id and e.id = any (follow_counting.event_ids)
       and (e.deleted_at is not null or e.duplicate_of_id is not null)
       and c.organization_id = f.organization_id and c.post_call_form_id = f.id and c.deleted_at is null;
    perform app.record_claim(f.organization_id, f.id)
       from app.events as e
       join app.post_call_forms as f on f.organization_id = e.organization_id and f.event_id = e.id and f.is_active
      where e.organization_id = follow_counting.organization_id and e.id = any (follow_counting.event_ids)
        and e.deleted_at is null and e.duplicate_of_id is null and f.cash_collected > 0;

    perform app.match_claims(follow_counting.organization_id, l.lead_id), app.settle_deals(follow_counting.organization_id, l.lead_id)
       from unnest(v_leads) as l (lead_id);
    perform app.attribute_payment(w.organization_id, w.id)
       from (select p.organization_id, p.id
               from app.events as e
               join app.payments as p on p.organization_id = e.organization_id and p.event_id = e.id
              where e.organization_id = follow_counting.organization_id and e.id = any (follow_counting.event_ids)
                and p.lead_id is distinct from e.lead_id and p.deleted_at is null
                and app.is_attributed_by_rule(p.attribution_method)
             union
             select p.organization_id, p.id
               from app.events as e
               join app.payments as p on p.organization_id = e.organization_id and p.customer_email_norm = e.lead_email_norm
              where e.organization_id = follow_counting.organization_id and e.id = any (follow_counting.event_ids)
                and p.lead_id is distinct from e.lead_id and p.deleted_at is null
                and app.is_attributed_by_rule(p.attribution_method)) as w;

    update app.exceptions as x
       set state = case when w.counts then 'open' else 'resolved' end, resolved_at = case when not w.counts then now() end,
           updated_at = now()
      from (select e.id::text as key, e.deleted_at is null and e.duplicate_of_id is null as counts,
                   array_remove(array[case when e.closer_id is null then 'unknown_host' end,
                                      case when e.setter_id is null then 'unknown_setter' end,
                                      case when e.lead_id is null then 'ambiguous_lead' end], null) as waits_for
              from app.events as e
             where e.organization_id = follow_counting.organization_id and e.id = any (follow_counting.event_ids)) as w
     where x.organization_id = follow_counting.organization_id and x.dedupe_key = w.key
       and x.check_name in ('unknown_host', 'unknown_setter', 'ambiguous_lead', 'open_outcome', 'event_without_closer')
       and case when w.counts then x.state = 'resolved' and x.check_name = any (w.waits_for) else x.state = 'open' end;
end;
$$;
comment on function app.follow_counting(uuid, uuid[]) is 'Money follows calls that count no more, or again.';

-- app.locked_calls: those of these calls on which a line of a locked or paid payout rests: on the call itself, on its deal and what
-- was paid for it, or on the money that its form claims.
create or replace function app.locked_calls(organization_id uuid, event_ids uuid[]) returns setof uuid
language sql stable
begin atomic
    select r.event_id
      from (
        select l.event_id, l.id as line_id
          from app.commission_ledger as l
         where l.organization_id = locked_calls.organization_id and l.event_id = any (locked_calls.event_ids)
        union all
        select d.origin_event_id, l.id
          from app.deals as d
          join app.commission_ledger as l on l.organization_id = d.organization_id and l.deal_id = d.id
         where d.organization_id = locked_calls.organization_id and d.origin_event_id = any (locked_calls.event_ids)
        union all
        select d.origin_event_id, l.id
          from app.deals as d
          join app.payments as p on p.organization_id = d.organization_id and p.deal_id = d.id
          join app.commission_ledger as l on l.organization_id = p.organization_id and l.payment_id = p.id
         where d.organization_id = locked_calls.organization_id and d.origin_event_id = any (locked_calls.event_ids)
        union all
        select f.event_id, l.id
          from app.post_call_forms as f
          join app.payments as p on p.organization_id = f.organization_id and p.post_call_form_id = f.id
          join app.commission_ledger as l on l.organization_id = p.organization_id and l.payment_id = p.id
         where f.organization_id = locked_calls.organization_id and f.event_id = any (locked_calls.event_ids)
      ) as r
      join app.payout_snapshot_details as d
        on d.organization_id = locked_calls.organization_id and d.line_id = r.line_id and d.is_live
      join app.payout_snapshots as s on s.organization_id = d.organization_id and s.id = d.snapshot_id
     where s.state in ('locked', 'paid')
     group by r.event_id;
end;
comment on function app.locked_calls(uuid, uuid[]) is 'Those of these calls on which a locked payout rests.';

-- app.locked_payments: those of these payments on which a line of a locked or paid payout rests.
create or replace function app.locked_payments(organization_id uuid, payment_ids uuid[]) returns setof uuid
language sql stable
begin atomic
    select l.payment_id
      from app.commission_ledger as l
      join app.payout_snapshot_details as d on d.organization_id = l.organization_id and d.line_id = l.id and d.is_live
      join app.payout_snapshots as s on s.organization_id = d.organization_id and s.id = d.snapshot_id
     where l.organization_id = locked_payments.organization_id and l.payment_id = any (locked_payments.payment_ids)
       and s.state in ('locked', 'paid')
     group by l.payment_id;
end;
comment on function app.locked_payments(uuid, uuid[]) is 'Those of these payments on which a locked payout rests.';

-- app.delete_calls: calls that shall count nowhere, in one statement. One row per id: whether it was deleted, and why not.
create or replace function app.delete_calls(organization_id uuid, event_ids uuid[], reason text, at timestamptz)
returns table (event_id uuid, is_done boolean, because text)
language sql volatile set search_path = '' as $$
    with asked as (
        select distinct i.id from unnest(delete_calls.event_ids) as i (id)
    ), found as (
        select e.id, e.deleted_at
          from app.events as e
         where e.organization_id = delete_calls.organization_id and e.id = any (delete_calls.event_ids)
         order by e.id
           for no key update
    ), judged as materialized (
        select f.id, f.deleted_at is not null as is_deleted, k.id is not null as is_locked
          from found as f
          left join app.locked_calls(delete_calls.organization_id, delete_calls.event_ids) as k (id) on k.id = f.id
    ), deleted as (
        update app.events as e set deleted_at = delete_calls.at, deleted_reason = delete_calls.reason
          from judged as j
         where e.organization_id = delete_calls.organization_id and e.id = j.id and not j.is_deleted and not j.is_locked
        returning e.id
    )
    select a.id, d.id is not null,
           case when j.id is null then 'There is no such call in this organization.'
                when j.is_deleted then 'It was deleted before.'
                when j.is_locked then 'A locked payout rests on it; post the difference as an adjustment in the open period.'
                when exists (select from app.events as t
                              where t.organization_id = delete_calls.organization_id and t.duplicate_of_id = a.id and t.deleted_at is null)
                    then 'It counts nowhere any more; calls that are its duplicates still do not.'
                else 'It counts nowhere any more.' end
      from asked as a
      left join judged as j on j.id = a.id
      left join deleted as d on d.id = a.id
     order by a.id;
$$;
comment on function app.delete_calls(uuid, uuid[], text, timestamptz) is 'Calls that shall count nowhere; one row per id.';

-- app.restore_calls: deleted calls count again, in one statement. One row per id: whether it was restored, and why not.
create or replace function app.restore_calls(organization_id uuid, event_ids uuid[])
returns table (event_id uuid, is_done boolean, because text)
language sql volatile set search_path = '' as $$
    with asked as (
        select distinct i.id from unnest(restore_calls.event_ids) as i (id)
    ), found as (
        select e.id, e.deleted_at
          from app.events as e
         where e.organization_id = restore_calls.organization_id and e.id = any (restore_calls.event_ids)
         order by e.id
           for no key update
    ), restored as (
        update app.events as e set deleted_at = null, deleted_reason = null
          from found as f
         where e.organization_id = restore_calls.organization_id and e.id = f.id and f.deleted_at is not null
        returning e.id, e.duplicate_of_id
    )
    select a.id, r.id is not null,
           case when f.id is null then 'There is no such call in this organization.'
                when r.id is null then 'It was not deleted.'
                when r.duplicate_of_id is not null then 'It is there again, as a duplicate.'
                else 'It counts again.' end
      from asked as a
      left join found as f on f.id = a.id
      left join restored as r on r.id = a.id
     order by a.id;
$$;
comment on function app.restore_calls(uuid, uuid[]) is 'Deleted calls count again; one row per id.';

-- app.follow_payments: what follows of payments that were deleted or restored: claims that they took the place of, the deals of
-- their leads, payments that know their customer by them, and what waits for a person.
create or replace function app.follow_payments(organization_id uuid, payment_ids uuid[]) returns void
language plpgsql volatile set search_path = '' as $$
declare
    v_leads uuid[];
begin
    update app.payments as c
       set superseded_by_id = null, claim_state = case when c.claim_decided_at is null then 'pending' else 'confirmed' end
      from app.payments as p
     where p.organization_id = follow_payments.organization_id and p.id = any (follow_payments.payment_ids)
       and p.deleted_at is not null
       and c.organization_id = p.organization_id and c.superseded_by_id = p.id and c.claim_state = 'superseded';
    update app.exceptions as x set state = 'resolved', resolved_at = now(), updated_at = now()
      from app.payments as p
     where p.organization_id = follow_payments.organization_id and p.id = any (follow_payments.payment_ids)
       and p.deleted_at is not null
       and x.organization_id = p.organization_id and x.dedupe_key = p.id::text and x.state = 'open'
       and x.check_name in ('unattributed_payment', 'missing_rate');

    select coalesce(array_agg(distinct p.lead_id order by p.lead_id) filter (where p.lead_id is not null), '{}') into v_leads
      from app.payments as p
     where p.organization_id = follow_payments.organization_id and p.id = any (follow_payments.payment_ids);
    perform app.match_claims(follow_payments.organization_id, l.lead_id), app.settle_deals(follow_payments.organization_id, l.lead_id)
       from unnest(v_leads) as l (lead_id);
    -- Those of a lead were placed with it, except what was imported; others, and who knows the customer by these, climb the ladder.
    perform app.attribute_payment(w.organization_id, w.id)
       from (select p.organization_id, p.id
               from app.payments as p
              where p.organization_id = follow_payments.organization_id and p.id = any (follow_payments.payment_ids)
                and p.deleted_at is null and (p.lead_id is null or p.attribution_method = 'import')
             union
             select o.organization_id, o.id
               from app.payments as p
               join app.payments as o
                 on o.organization_id = p.organization_id and o.provider = p.provider
                and o.provider_customer_id = p.provider_customer_id
              where p.organization_id = follow_payments.organization_id and p.id = any (follow_payments.payment_ids)
                and o.attribution_method in ('none', 'provider_customer') and o.deleted_at is null
             union
             select o.organization_id, o.id
               from app.payments as p
               join app.payments as o
                 on o.organization_id = p.organization_id and o.provider = p.provider
                and o.provider_subscription_id = p.provider_subscription_id
              where p.organization_id = follow_payments.organization_id and p.id = any (follow_payments.payment_ids)
                and o.attribution_method in ('none', 'provider_customer') and o.deleted_at is null) as w;
end;
$$;
comment on function app.follow_payments(uuid, uuid[]) is 'What follows of payments that were deleted or restored.';

-- app.lock_payments: the leads of these payments, then the payments, in the order of their ids, as whoever attributes locks them.
create or replace function app.lock_payments(organization_id uuid, payment_ids uuid[]) returns void
language plpgsql volatile set search_path = '' as $$
begin
    perform from app.leads as l
      where l.organization_id = lock_payments.organization_id
        and l.id in (select p.lead_id from app.payments as p
                      where p.organization_id = lock_payments.organization_id and p.id = any (lock_payments.payment_ids))
      order by l.id for no key update;
    perform from app.payments as p
      where p.organization_id = lock_payments.organization_id and p.id = any (lock_payments.payment_ids)
      order by p.id for no key update;
end;
$$;
comment on function app.lock_payments(uuid, uuid[]) is 'Locks payments and their leads in the order of their ids.';

-- app.delete_payments: payments that shall count nowhere. Claims are not among them: they follow their forms. One row per id:
-- whether it was deleted, and why not.
create or replace function app.delete_payments(organization_id uuid, payment_ids uuid[], reason text, at timestamptz)
returns table (payment_id uuid, is_done boolean, because text)
language plpgsql volatile set search_path = '' as $$
#variable_conflict use_column
declare
    v_deleted uuid[];
begin
    perform app.lock_payments(delete_payments.organization_id, delete_payments.payment_ids);
    with locked as materialized (
        select k.id from app.locked_payments(delete_payments.organization_id, delete_payments.payment_ids) as k (id)
    ), deleted as (
        update app.payments as p set deleted_at = delete_payments.at, deleted_reason = delete_payments.reason
         where p.organization_id = delete_payments.organization_id and p.id = any (delete_payments.payment_ids)
           and p.deleted_at is null and p.claim_state is null and p.id not in (select k.id from locked as k)
        returning p.id
    )
    select coalesce(array_agg(d.id), '{}') into v_deleted from deleted as d;
    perform app.follow_payments(delete_payments.organization_id, v_deleted);
    return query
    select a.id, a.id = any (v_deleted),
           case when p.id is null then 'There is no such payment in this organization.'
                when a.id = any (v_deleted) then 'It counts nowhere any more.'
                when p.claim_state is not null then 'A form claims it; reject the claim, or correct the form.'
                when p.deleted_at is not null then 'It was deleted before.'
                else 'A locked payout rests on it; post the difference as an adjustment in the open period.' end
      from (select distinct i.id from unnest(delete_payments.payment_ids) as i (id)) as a
      left join app.payments as p on p.organization_id = delete_payments.organization_id and p.id = a.id
     order by a.id;
end;
$$;
comment on function app.delete_payments(uuid, uuid[], text, timestamptz) is 'Payments that shall count nowhere; one row per id.';

-- app.restore_payments: deleted payments count again. One row per id: whether it was restored, and why not.
create or replace function app.restore_payments(organization_id uuid, payment_ids uuid[])
returns table (payment_id uuid, is_done boolean, because text)
language plpgsql volatile set search_path = '' as $$
#variable_conflict use_column
declare
    v_restored uuid[];
begin
    perform app.lock_payments(restore_payments.organization_id, restore_payments.payment_ids);
    with restored as (
        update app.payments as p set deleted_at = null, deleted_reason = null
         where p.organization_id = restore_payments.organization_id and p.id = any (restore_payments.payment_ids)
           and p.deleted_at is not null and p.claim_state is null
        returning p.id
    )
    select coalesce(array_agg(r.id), '{}') into v_restored from restored as r;
    perform app.follow_payments(restore_payments.organization_id, v_restored);
    return query
    select a.id, a.id = any (v_restored),
           case when p.id is null then 'There is no such payment in this organization.'
                when a.id = any (v_restored) then 'It counts again.'
                when p.deleted_at is null then 'It was not deleted.'
                else 'A form claimed it; it counts again when its call does and the form says so.' end
      from (select distinct i.id from unnest(restore_payments.payment_ids) as i (id)) as a
      left join app.payments as p on p.organization_id = restore_payments.organization_id and p.id = a.id
     order by a.id;
end;
$$;
comment on function app.restore_payments(uuid, uuid[]) is 'Deleted payments count again; one row per id.';
