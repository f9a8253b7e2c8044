-- Which unit of the base rows a statement changed, for the rollups (app/rollups.sql): appended by the transaction itself, once per
-- statement, computing nothing and locking nothing. Rows in which nothing changed that a number rests on are passed over: of calls and
-- payments, of which one statement changes thousands, both versions are compared; of others such versions stand twice among the old
-- and the new ones, and one that stands once is a change. A row that moves from one unit to
-- another changes both; what rests on a unit is found by whoever reads. All are definers: API roles that may edit a row have no
-- usage on schema app.

-- app.note_changed_calls: A call changes its chain, and the lead that it leaves.
create or replace function app.note_changed_calls() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
    v_changes bigint;
begin
    if tg_op = 'INSERT' then
        insert into app.metric_changes (organization_id, unit, unit_id)
        select x.organization_id, 'chain', x.root_event_id from new_rows as x;
    elsif tg_op = 'DELETE' then
        insert into app.metric_changes (organization_id, unit, unit_id)
        select x.organization_id, 'chain', x.root_event_id from old_rows as x
        union
        select o.organization_id, 'lead', o.lead_id from old_rows as o where o.lead_id is not null;
    else
        insert into app.metric_changes (organization_id, unit, unit_id)
        select distinct n.organization_id, u.unit, u.unit_id
          from new_rows as n
          full join old_rows as o on o.organization_id = n.organization_id and o.id = n.id
         cross join lateral (values ('chain', n.root_event_id), ('chain', o.root_event_id),
                                    ('lead', case when n.lead_id is distinct from o.lead_id then o.lead_id end)) as u (unit, unit_id)
         where (n.lead_id, n.root_event_id, n.credited_closer_id, n.credited_setter_id, n.source_id, n.traffic_type_id,
                n.call_type_id, n.scheduled_at, n.scheduled_end_at, n.booked_at, n.call_status, n.event_outcome, n.canceled_by,
                n.rescheduled_from_id, n.duplicate_of_id, n.deleted_at)
               is distinct from
               (o.lead_id, o.root_event_id, o.credited_closer_id, o.credited_setter_id, o.source_id, o.traffic_type_id,
                o.call_type_id, o.scheduled_at, o.scheduled_end_at, o.booked_at, o.call_status, o.event_outcome, o.canceled_by,
                o.rescheduled_from_id, o.duplicate_of_id, o.deleted_at)
           and u.unit_id is not null;
    end if;
    get diagnostics v_changes = row_count;
    if tg_op <> 'DELETE' and (v_changes >= 1000 or v_changes > 0 and random() < 0.004) then
        perform app.help_folding((select n.organization_id from new_rows as n limit 1));
    end if;
    return null;
end;
$$;
comment on function app.note_changed_calls() is 'A call changes its chain, and the lead that it leaves.';

create or replace trigger notes_new_rows_for_rollups after insert on app.events
    referencing new table as new_rows for each statement execute function app.note_changed_calls();
create or replace trigger notes_changed_rows_for_rollups after update on app.events
    referencing old table as old_rows new table as new_rows for each statement execute function app.note_changed_calls();
create or replace trigger notes_deleted_rows_for_rollups after delete on app.events
    referencing old table as old_rows for each statement execute function app.note_changed_calls();

-- app.note_changed_forms: A form changes the chain of its call.
create or replace function app.note_changed_forms() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
    v_changes bigint;
begin
    if tg_op = 'INSERT' then
        insert into app.metric_changes (organization_id, unit, unit_id)
        select distinct x.organization_id, 'event', x.event_id from new_rows as x where x.event_id is not null;
    elsif tg_op = 'DELETE' then
        insert into app.metric_changes (organization_id, unit, unit_id)
        select x.organization_id, 'event', x.event_id from old_rows as x where x.event_id is not null;
    else
        insert into app.metric_changes (organization_id, unit, unit_id)
        select distinct d.organization_id, 'event', d.event_id
          from (
                select n.organization_id, n.id, n.event_id, n.version, n.is_active, n.disqualified, n.submitted_via,
                       n.submitted_at, n.voided_at
                  from new_rows as n
                 union all
                select o.organization_id, o.id, o.event_id, o.version, o.is_active, o.disqualified, o.submitted_via,
                       o.submitted_at, o.voided_at
                  from old_rows as o
          ) as d
         where d.event_id is not null
         group by d.organization_id, d.event_id, d
        having count(*) = 1;
    end if;
    get diagnostics v_changes = row_count;
    if tg_op <> 'DELETE' and (v_changes >= 1000 or v_changes > 0 and random() < 0.004) then
        perform app.help_folding((select n.organization_id from new_rows as n limit 1));
    end if;
    return null;
end;
$$;
comment on function app.note_changed_forms() is 'A form changes the chain of its call.';

create or replace trigger notes_new_rows_for_rollups after insert on app.post_call_forms
    referencing new table as new_rows for each statement execute function app.note_changed_forms();
create or replace trigger notes_changed_rows_for_rollups after update on app.post_call_forms
    referencing old table as old_rows new table as new_rows for each statement execute function app.note_changed_forms();
create or replace trigger notes_deleted_rows_for_rollups after delete on app.post_call_forms
    referencing old table as old_rows for each statement execute function app.note_changed_forms();

-- app.note_changed_payments: A payment changes itself, and the deal and the call that it leaves.
create or replace function app.note_changed_payments() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
    v_changes bigint;
begin
    if tg_op = 'INSERT' then
        insert into app.metric_changes (organization_id, unit, unit_id)
        select x.organization_id, 'payment', x.id from new_rows as x;
    elsif tg_op = 'DELETE' then
        insert into app.metric_changes (organization_id, unit, unit_id)
        select x.organization_id, 'payment', x.id from old_rows as x
        union
        select o.organization_id, 'deal', o.deal_id from old_rows as o where o.deal_id is not null
        union
        select o.organization_id, 'event', o.event_id from old_rows as o where o.event_id is not null;
    else
        insert into app.metric_changes (organization_id, unit, unit_id)
        select distinct n.organization_id, u.unit, u.unit_id
          from new_rows as n
          full join old_rows as o on o.organization_id = n.organization_id and o.id = n.id
         cross join lateral (values ('payment', n.id),
                                    ('deal', case when n.deal_id is distinct from o.deal_id then o.deal_id end),
                                    ('event', case when n.event_id is distinct from o.event_id then o.event_id end)) as u (unit, unit_id)
         where (n.lead_id, n.event_id, n.deal_id, n.source_id, n.traffic_type_id, n.package_id, n.source, n.status, n.livemode,
                n.deleted_at, n.superseded_by_id, n.claim_state, n.amount_base, n.base_currency, n.payment_date, n.deal_type)
               is distinct from
               (o.lead_id, o.event_id, o.deal_id, o.source_id, o.traffic_type_id, o.package_id, o.source, o.status, o.livemode,
                o.deleted_at, o.superseded_by_id, o.claim_state, o.amount_base, o.base_currency, o.payment_date, o.deal_type)
           and u.unit_id is not null;
    end if;
    get diagnostics v_changes = row_count;
    if tg_op <> 'DELETE' and (v_changes >= 1000 or v_changes > 0 and random() < 0.004) then
        perform app.help_folding((select n.organization_id from new_rows as n limit 1));
    end if;
    return null;
end;
$$;
comment on function app.note_changed_payments() is 'A payment changes itself, and the deal and the call that it leaves.';

create or replace trigger notes_new_rows_for_rollups after insert on app.payments
    referencing new table as new_rows for each statement execute function app.note_changed_payments();
create or replace trigger notes_changed_rows_for_rollups after update on app.payments
    referencing old table as old_rows new table as new_rows for each statement execute function app.note_changed_payments();
create or replace trigger notes_deleted_rows_for_rollups after delete on app.payments
    referencing old table as old_rows for each statement execute function app.note_changed_payments();

-- app.note_changed_refunds: A refund changes its payment.
create or replace function app.note_changed_refunds() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
    v_changes bigint;
begin
    if tg_op = 'INSERT' then
        insert into app.metric_changes (organization_id, unit, unit_id)
        select distinct x.organization_id, 'payment', x.payment_id from new_rows as x where x.payment_id is not null;
    elsif tg_op = 'DELETE' then
        insert into app.metric_changes (organization_id, unit, unit_id)
        select x.organization_id, 'payment', x.payment_id from old_rows as x where x.payment_id is not null;
    else
        insert into app.metric_changes (organization_id, unit, unit_id)
        select distinct d.organization_id, 'payment', d.payment_id
          from (
                select n.organization_id, n.id, n.payment_id, n.kind, n.status, n.amount_base, n.refunded_at
                  from new_rows as n
                 union all
                select o.organization_id, o.id, o.payment_id, o.kind, o.status, o.amount_base, o.refunded_at
                  from old_rows as o
          ) as d
         where d.payment_id is not null
         group by d.organization_id, d.payment_id, d
        having count(*) = 1;
    end if;
    get diagnostics v_changes = row_count;
    if tg_op <> 'DELETE' and (v_changes >= 1000 or v_changes > 0 and random() < 0.004) then
        perform app.help_folding((select n.organization_id from new_rows as n limit 1));
    end if;
    return null;
end;
$$;
comment on function app.note_changed_refunds() is 'A refund changes its payment.';

create or replace trigger notes_new_rows_for_rollups after insert on app.payment_refunds
    referencing new table as new_rows for each statement execute function app.note_changed_refunds();
create or replace trigger notes_changed_rows_for_rollups after update on app.payment_refunds
    referencing old table as old_rows new table as new_rows for each statement execute function app.note_changed_refunds();
create or replace trigger notes_deleted_rows_for_rollups after delete on app.payment_refunds
    referencing old table as old_rows for each statement execute function app.note_changed_refunds();

-- app.note_changed_credits: A credit changes its payment.
create or replace function app.note_changed_credits() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
    v_changes bigint;
begin
    if tg_op = 'INSERT' then
        insert into app.metric_changes (organization_id, unit, unit_id)
        select distinct x.organization_id, 'payment', x.payment_id from new_rows as x where x.payment_id is not null;
    elsif tg_op = 'DELETE' then
        insert into app.metric_changes (organization_id, unit, unit_id)
        select x.organization_id, 'payment', x.payment_id from old_rows as x where x.payment_id is not null;
    else
        insert into app.metric_changes (organization_id, unit, unit_id)
        select distinct d.organization_id, 'payment', d.payment_id
          from (
                select n.organization_id, n.id, n.payment_id, n.role, n.closer_id, n.setter_id, n.share, n.amount_base
                  from new_rows as n
                 union all
                select o.organization_id, o.id, o.payment_id, o.role, o.closer_id, o.setter_id, o.share, o.amount_base
                  from old_rows as o
          ) as d
         where d.payment_id is not null
         group by d.organization_id, d.payment_id, d
        having count(*) = 1;
    end if;
    get diagnostics v_changes = row_count;
    if tg_op <> 'DELETE' and (v_changes >= 1000 or v_changes > 0 and random() < 0.004) then
        perform app.help_folding((select n.organization_id from new_rows as n limit 1));
    end if;
    return null;
end;
$$;
comment on function app.note_changed_credits() is 'A credit changes its payment.';

create or replace trigger notes_new_rows_for_rollups after insert on app.payment_credits
    referencing new table as new_rows for each statement execute function app.note_changed_credits();
create or replace trigger notes_changed_rows_for_rollups after update on app.payment_credits
    referencing old table as old_rows new table as new_rows for each statement execute function app.note_changed_credits();
create or replace trigger notes_deleted_rows_for_rollups after delete on app.payment_credits
    referencing old table as old_rows for each statement execute function app.note_changed_credits();

-- app.note_changed_deals: A deal changes itself, and the call that it leaves.
create or replace function app.note_changed_deals() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
    v_changes bigint;
begin
    if tg_op = 'INSERT' then
        insert into app.metric_changes (organization_id, unit, unit_id)
        select x.organization_id, 'deal', x.id from new_rows as x;
    elsif tg_op = 'DELETE' then
        insert into app.metric_changes (organization_id, unit, unit_id)
        select x.organization_id, 'deal', x.id from old_rows as x
        union
        select o.organization_id, 'event', o.origin_event_id from old_rows as o where o.origin_event_id is not null;
    else
        insert into app.metric_changes (organization_id, unit, unit_id)
        select d.organization_id, 'deal', d.id
          from (
                select n.organization_id, n.id, n.lead_id, n.origin_event_id, n.package_id, n.closer_id, n.setter_id,
                       n.contract_value, n.currency, n.contract_value_base, n.base_currency, n.status, n.deal_type,
                       n.closed_at, n.deleted_at
                  from new_rows as n
                 union all
                select o.organization_id, o.id, o.lead_id, o.origin_event_id, o.package_id, o.closer_id, o.setter_id,
                       o.contract_value, o.currency, o.contract_value_base, o.base_currency, o.status, o.deal_type,
                       o.closed_at, o.deleted_at
                  from old_rows as o
          ) as d
         group by d.organization_id, d.id, d
        having count(*) = 1
        union
        select l.organization_id, 'event', l.origin_event_id
          from (select o.organization_id, o.id, o.origin_event_id from old_rows as o
                except
                select n.organization_id, n.id, n.origin_event_id from new_rows as n) as l
         where l.origin_event_id is not null;
    end if;
    get diagnostics v_changes = row_count;
    if tg_op <> 'DELETE' and (v_changes >= 1000 or v_changes > 0 and random() < 0.004) then
        perform app.help_folding((select n.organization_id from new_rows as n limit 1));
    end if;
    return null;
end;
$$;
comment on function app.note_changed_deals() is 'A deal changes itself, and the call that it leaves.';

create or replace trigger notes_new_rows_for_rollups after insert on app.deals
    referencing new table as new_rows for each statement execute function app.note_changed_deals();
create or replace trigger notes_changed_rows_for_rollups after update on app.deals
    referencing old table as old_rows new table as new_rows for each statement execute function app.note_changed_deals();
create or replace trigger notes_deleted_rows_for_rollups after delete on app.deals
    referencing old table as old_rows for each statement execute function app.note_changed_deals();

-- app.note_changed_installments: An instalment changes its deal.
create or replace function app.note_changed_installments() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
    v_changes bigint;
begin
    if tg_op = 'INSERT' then
        insert into app.metric_changes (organization_id, unit, unit_id)
        select distinct x.organization_id, 'deal', x.deal_id from new_rows as x where x.deal_id is not null;
    elsif tg_op = 'DELETE' then
        insert into app.metric_changes (organization_id, unit, unit_id)
        select x.organization_id, 'deal', x.deal_id from old_rows as x where x.deal_id is not null;
    else
        insert into app.metric_changes (organization_id, unit, unit_id)
        select distinct d.organization_id, 'deal', d.deal_id
          from (
                select n.organization_id, n.id, n.deal_id, n.due_on, n.amount
                  from new_rows as n
                 union all
                select o.organization_id, o.id, o.deal_id, o.due_on, o.amount
                  from old_rows as o
          ) as d
         where d.deal_id is not null
         group by d.organization_id, d.deal_id, d
        having count(*) = 1;
    end if;
    get diagnostics v_changes = row_count;
    if tg_op <> 'DELETE' and (v_changes >= 1000 or v_changes > 0 and random() < 0.004) then
        perform app.help_folding((select n.organization_id from new_rows as n limit 1));
    end if;
    return null;
end;
$$;
comment on function app.note_changed_installments() is 'An instalment changes its deal.';

create or replace trigger notes_new_rows_for_rollups after insert on app.deal_installments
    referencing new table as new_rows for each statement execute function app.note_changed_installments();
create or replace trigger notes_changed_rows_for_rollups after update on app.deal_installments
    referencing old table as old_rows new table as new_rows for each statement execute function app.note_changed_installments();
create or replace trigger notes_deleted_rows_for_rollups after delete on app.deal_installments
    referencing old table as old_rows for each statement execute function app.note_changed_installments();

-- app.note_changed_leads: a lead changes what belongs to it by being a test, and by the source of what was sold without a call.
create or replace function app.note_changed_leads() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    insert into app.metric_changes (organization_id, unit, unit_id)
    select distinct d.organization_id, 'lead', d.id
      from (select n.organization_id, n.id, n.is_test, n.source_id, n.traffic_type_id from new_rows as n
            except
            select o.organization_id, o.id, o.is_test, o.source_id, o.traffic_type_id from old_rows as o) as d;
    return null;
end;
$$;
comment on function app.note_changed_leads() is 'A lead changes what belongs to it.';

create or replace trigger notes_changed_rows_for_rollups after update on app.leads
    referencing old table as old_rows new table as new_rows for each statement execute function app.note_changed_leads();

-- app.note_changed_capacity: a capture changes a closer's day.
create or replace function app.note_changed_capacity() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    if tg_op <> 'DELETE' then
        insert into app.metric_changes (organization_id, unit, unit_id, day)
        select distinct n.organization_id, 'slots', n.closer_id, n.day from new_rows as n;
    end if;
    if tg_op <> 'INSERT' then
        insert into app.metric_changes (organization_id, unit, unit_id, day)
        select distinct o.organization_id, 'slots', o.closer_id, o.day from old_rows as o;
    end if;
    return null;
end;
$$;
comment on function app.note_changed_capacity() is 'A capture changes a closer''s day.';

create or replace trigger notes_new_rows_for_rollups after insert on app.capacity_snapshots
    referencing new table as new_rows for each statement execute function app.note_changed_capacity();
create or replace trigger notes_changed_rows_for_rollups after update on app.capacity_snapshots
    referencing old table as old_rows new table as new_rows for each statement execute function app.note_changed_capacity();
create or replace trigger notes_deleted_rows_for_rollups after delete on app.capacity_snapshots
    referencing old table as old_rows for each statement execute function app.note_changed_capacity();

-- app.note_changed_call_types: whether a type counts in rates changes everything: it is in force for calls of all times.
create or replace function app.note_changed_call_types() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    insert into app.metric_changes (organization_id, unit)
    select distinct d.organization_id, 'all'
      from (select n.organization_id, n.id, n.counts_in_rates from new_rows as n
            except
            select o.organization_id, o.id, o.counts_in_rates from old_rows as o) as d;
    return null;
end;
$$;
comment on function app.note_changed_call_types() is 'Whether a call type counts in rates changes everything.';

create or replace trigger notes_changed_rows_for_rollups after update on app.call_types
    referencing old table as old_rows new table as new_rows for each statement execute function app.note_changed_call_types();

-- app.note_changed_organizations: the time zone decides every day, the length of a slot every slot. A new organization has
-- nothing to count: its rollup is built.
create or replace function app.note_changed_organizations() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    if tg_op = 'INSERT' then
        insert into app.metric_rollups (organization_id, built_at, layout) select n.id, now(), app.rollup_layout() from new_rows as n;
    else
        insert into app.metric_changes (organization_id, unit)
        select d.id, 'all'
          from (select n.id, n.timezone, n.slot_minutes from new_rows as n
                except
                select o.id, o.timezone, o.slot_minutes from old_rows as o) as d;
    end if;
    return null;
end;
$$;
comment on function app.note_changed_organizations() is 'The time zone and the length of a slot change everything.';

create or replace trigger notes_new_rows_for_rollups after insert on app.organizations
    referencing new table as new_rows for each statement execute function app.note_changed_organizations();
create or replace trigger notes_changed_rows_for_rollups after update on app.organizations
    referencing old table as old_rows new table as new_rows for each statement execute function app.note_changed_organizations();
