-- Claims: money that a form says was collected, until a processor's payment confirms it.
-- Internal: nobody but the owner may call these.

-- app.record_claim: bring the claim of a call up to what its ruling form says: made, changed, or withdrawn.
-- One claim per call, whatever number of form versions: it keeps its payment date and moves to the newest version.
-- A changed amount makes it pending again. A call that counts nowhere claims no money.
-- Answers the claim's payment id, NULL when the call claims no money.
create or replace function app.record_claim(organization_id uuid, post_call_form_id uuid) returns uuid
language plpgsql volatile set search_path = '' as $$
declare
    v_event   app.events;
    v_form    app.post_call_forms;
    v_old     app.payments;
    v_base    numeric;
    v_org     app.organizations;
    v_paid_at timestamptz;
    v_id      uuid;
begin
    select e.* into v_event
      from app.post_call_forms as f
      join app.events as e on e.organization_id = f.organization_id and e.id = f.event_id
     where f.organization_id = record_claim.organization_id and f.id = record_claim.post_call_form_id;
    if not found then
        raise exception using errcode = 'PT404', message = 'No such form in this organization.';
    end if;
    -- Waits for payments of this lead that are being recorded: their rows refer to the lead. Later ones wait for us.
    perform 1 from app.leads as l where l.organization_id = v_event.organization_id and l.id = v_event.lead_id for update;
    select f.* into v_form from app.post_call_forms as f
     where f.organization_id = v_event.organization_id and f.event_id = v_event.id and f.is_active and f.cash_collected > 0
       and v_event.deleted_at is null and v_event.duplicate_of_id is null;
    select p.* into v_old
      from app.payments as p
      join app.post_call_forms as f on f.organization_id = p.organization_id and f.id = p.post_call_form_id
     where f.organization_id = v_event.organization_id and f.event_id = v_event.id
       for no key update of p;
    select o.* into strict v_org from app.organizations as o where o.id = v_event.organization_id;

    if v_form.id is null then
        if v_old.id is not null and v_old.deleted_at is null then
            update app.payments as p
               set deleted_at = now(), deleted_reason = 'The form claims no money any more.', superseded_by_id = null,
                   claim_state = case p.claim_state when 'superseded' then 'pending' else p.claim_state end
             where p.organization_id = v_old.organization_id and p.id = v_old.id;
            perform app.review_payment(v_old.organization_id, v_old.id);
        end if;
        perform app.settle_deals(v_event.organization_id, v_event.lead_id);
        return null;
    end if;

    if v_old.id is null then
        v_paid_at := least(v_form.submitted_at, now());
        v_base := app.convert(v_org.id, v_form.cash_collected, v_form.currency, (v_paid_at at time zone v_org.timezone)::date);
        insert into app.payments as p (
            organization_id, lead_id, event_id, post_call_form_id, source_id, traffic_type_id, package_id, source, provider,
            status, amount, currency, amount_base, base_currency, payment_date, customer_email, customer_name, payment_type,
            claim_state, attribution_method, attribution_confidence, attribution_steps, recorded_by)
        values (
            v_org.id, v_event.lead_id, v_event.id, v_form.id, v_event.source_id, v_event.traffic_type_id, v_form.package_id,
            'manual', 'manual', 'succeeded', v_form.cash_collected, v_form.currency, v_base, v_org.currency, v_paid_at,
            v_event.lead_email, v_event.lead_name, v_form.payment_type, 'pending', 'form', 1,
            jsonb_build_array(app.step('form', 'call', 'the form of this call claims the money')), v_form.submitted_by)
        returning p.id into v_id;
    else
        v_id := v_old.id;
        v_paid_at := v_old.payment_date;
        v_base := case
            when (v_old.amount, v_old.currency) = (v_form.cash_collected, v_form.currency) and v_old.amount_base is not null
                then v_old.amount_base
            else app.convert(v_org.id, v_form.cash_collected, v_form.currency, (v_paid_at at time zone v_org.timezone)::date)
        end;
        update app.payments as p
           set lead_id = v_event.lead_id, event_id = v_event.id, post_call_form_id = v_form.id,
               source_id = v_event.source_id, traffic_type_id = v_event.traffic_type_id, package_id = v_form.package_id,
               amount = v_form.cash_collected, currency = v_form.currency, amount_base = v_base,
               payment_type = v_form.payment_type, deleted_at = null, deleted_reason = null,
               superseded_by_id = case when (p.amount, p.currency) = (v_form.cash_collected, v_form.currency) then p.superseded_by_id end,
               claim_state = case when (p.amount, p.currency) = (v_form.cash_collected, v_form.currency) then p.claim_state else 'pending' end,
               claim_decided_at = case when (p.amount, p.currency) = (v_form.cash_collected, v_form.currency) then p.claim_decided_at end
         where p.organization_id = v_old.organization_id and p.id = v_old.id;
    end if;
    perform app.credit_claim(v_org.id, v_id);
    perform app.match_claims(v_org.id, v_event.lead_id);
    perform app.settle_deals(v_org.id, v_event.lead_id);
    perform app.review_payment(v_org.id, v_id);
    return v_id;
end;
$$;
comment on function app.record_claim(uuid, uuid) is 'Bring the claim of a call up to what its ruling form says.';

-- app.match_claims: a claim and a processor's payment of one lead, equal in amount and currency and at most 72 hours apart,
-- are the same money: the payment supersedes the claim if each is the other's only candidate, else a person must decide.
-- A person decides about a payment recorded by hand, too. Payments that were there when an admin confirmed the claim are other money.
-- Answers whether it superseded any: money of the lead's deals then counts once where it counted twice.
create or replace function app.match_claims(organization_id uuid, lead_id uuid) returns boolean
language plpgsql volatile set search_path = '' as $$
declare
    v_claim  record;
    v_change boolean := false;
begin
    if not exists (
        select from app.payments as c
         where c.organization_id = match_claims.organization_id and c.lead_id = match_claims.lead_id
           and c.claim_state in ('pending', 'confirmed') and c.deleted_at is null
    ) then
        return false;
    end if;
    for v_claim in
        with claims as (
            select c.id, c.amount, c.currency, c.payment_date,
                   case c.claim_state when 'confirmed' then date_trunc('milliseconds', c.claim_decided_at) end as confirmed_at
              from app.payments as c
             where c.organization_id = match_claims.organization_id and c.lead_id = match_claims.lead_id
               and c.claim_state in ('pending', 'confirmed') and c.deleted_at is null
        ), pairs as (
            select c.id as claim_id, p.id as payment_id, p.provider = 'manual' as is_manual
              from claims as c
              join app.payments as p
                on p.organization_id = match_claims.organization_id and p.lead_id = match_claims.lead_id
               and p.amount = c.amount and p.currency = c.currency
               and p.payment_date between c.payment_date - interval '72 hours' and c.payment_date + interval '72 hours'
             where p.claim_state is null and p.status = 'succeeded' and p.livemode and p.deleted_at is null
               and (c.confirmed_at is null or uuid_extract_timestamp(p.id) >= c.confirmed_at)
               and not exists (
                    select from app.payments as s
                     where s.organization_id = p.organization_id and s.superseded_by_id = p.id)
        )
        select c.id, c.amount, c.currency, array_agg(p.payment_id) filter (where p.payment_id is not null) as payment_ids,
               count(p.payment_id) = 1 and not coalesce(bool_or(p.is_manual), false)
               and (select count(*) from pairs as o where o.payment_id = (array_agg(p.payment_id))[1]) = 1 as is_certain
          from claims as c
          left join pairs as p on p.claim_id = c.id
         group by c.id, c.amount, c.currency
    loop
        if v_claim.is_certain then
            update app.payments as c set superseded_by_id = v_claim.payment_ids[1], claim_state = 'superseded'
             where c.organization_id = match_claims.organization_id and c.id = v_claim.id;
            perform app.review_payment(match_claims.organization_id, v_claim.id);
            v_change := true;
        end if;
        if v_claim.is_certain or v_claim.payment_ids is null then
            perform app.resolve_exception(match_claims.organization_id, 'ambiguous_claim', v_claim.id::text);
        else
            perform app.record_exception(
                match_claims.organization_id, 'ambiguous_claim', v_claim.id::text, 'warning', 'payments',
                v_claim.id || v_claim.payment_ids,
                format('A form claims %s %s; payments fit it in more than one way, or were recorded by hand.',
                       v_claim.amount, v_claim.currency),
                'Confirm the claim if it is other money, or reject it if a payment covers it.',
                jsonb_build_object('claim_id', v_claim.id, 'payment_ids', v_claim.payment_ids));
        end if;
    end loop;
    return v_change;
end;
$$;
comment on function app.match_claims(uuid, uuid) is 'Claims that a processor''s payment confirms are superseded by it.';

-- app.release_claims: claims of a lead that a payment superseded which is no longer that lead's count again.
create or replace function app.release_claims(organization_id uuid, lead_id uuid) returns void
language plpgsql volatile set search_path = '' as $$
declare
    v_claim_id uuid;
begin
    for v_claim_id in
        update app.payments as c
           set superseded_by_id = null, claim_state = case when c.claim_decided_at is null then 'pending' else 'confirmed' end
          from app.payments as p
         where c.organization_id = release_claims.organization_id and c.lead_id = release_claims.lead_id
           and c.claim_state = 'superseded' and p.organization_id = c.organization_id and p.id = c.superseded_by_id
           and p.lead_id is distinct from c.lead_id
        returning c.id
    loop
        perform app.review_payment(release_claims.organization_id, v_claim_id);
    end loop;
    perform app.match_claims(release_claims.organization_id, release_claims.lead_id);
    perform app.settle_deals(release_claims.organization_id, release_claims.lead_id);
end;
$$;
comment on function app.release_claims(uuid, uuid) is 'Claims whose payment turned out to be another lead''s count again.';

-- app.has_locked_money: does a line of a locked or paid payout rest on this payment?
create or replace function app.has_locked_money(organization_id uuid, payment_id uuid) returns boolean
language sql stable
begin atomic
    select exists (
        select from app.commission_ledger as l
          join app.payout_snapshot_details as d on d.organization_id = l.organization_id and d.line_id = l.id and d.is_live
          join app.payout_snapshots as s on s.organization_id = d.organization_id and s.id = d.snapshot_id
         where l.organization_id = has_locked_money.organization_id and l.payment_id = has_locked_money.payment_id
           and s.state in ('locked', 'paid'));
end;
comment on function app.has_locked_money(uuid, uuid) is 'True when a line of a locked or paid payout rests on this payment.';

-- app.decide_claim: an admin says what a claim is: confirmed, money that no processor tells of, or rejected, no money at all.
-- Either may be taken back by the other. Asked again, nothing changes.
-- Raises PT404, and PT409 for what is no claim, for one that a payment superseded, and for rejecting what a locked payout
-- rests on.
create or replace function app.decide_claim(organization_id uuid, payment_id uuid, state text) returns void
language plpgsql volatile set search_path = '' as $$
declare
    p app.payments;
begin
    perform from app.leads as l
       join app.payments as t on t.organization_id = l.organization_id and t.lead_id = l.id
      where t.organization_id = decide_claim.organization_id and t.id = decide_claim.payment_id
        for update of l;
    p := app.lock_payment(decide_claim.organization_id, decide_claim.payment_id);
    if p.claim_state is null then
        raise exception using errcode = 'PT409', message = 'This payment is no claim.',
            detail = format('It came from %s.', p.provider), hint = 'Claims are the money that post-call forms say was collected.';
    elsif p.claim_state = 'superseded' then
        raise exception using errcode = 'PT409', message = 'A payment took the place of this claim.',
            detail = format('Payment %s took its place.', p.superseded_by_id),
            hint = 'If it is other money, attribute that payment to whom it belongs.';
    elsif p.claim_state = decide_claim.state then
        return;
    elsif decide_claim.state = 'rejected' and app.has_locked_money(p.organization_id, p.id) then
        raise exception using errcode = 'PT409', message = 'A locked payout rests on this payment.',
            hint = 'Post the difference as an adjustment in the open period.';
    end if;
    update app.payments as t set claim_state = decide_claim.state, claim_decided_at = clock_timestamp()
     where t.organization_id = p.organization_id and t.id = p.id;
    perform app.resolve_exception(p.organization_id, 'ambiguous_claim', p.id::text);
    perform app.match_claims(p.organization_id, p.lead_id);
    perform app.settle_deals(p.organization_id, p.lead_id);
    perform app.review_payment(p.organization_id, p.id);
end;
$$;
comment on function app.decide_claim(uuid, uuid, text) is 'An admin confirms or rejects a claim.';
