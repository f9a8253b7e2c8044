-- Imported payments and refunds: one row of ours per payment, whether a file or its processor tells of it first.
-- Internal: nobody but the owner may call these.

-- app.import_payments: payments of a file, known by their key, else by provider, account and the provider's id.
-- A closer or setter that the file names is credited whole, and nobody else; named call or lead and no person: the people of the
-- call; none of them: the ladder decides, as for a processor's payment. A payment that a processor told of keeps its money and
-- learns what it lacks. refund_amount becomes a refund: a total that the processor's own refunds explain when they come.
create or replace function app.import_payments(organization_id uuid, rows jsonb) returns jsonb
language plpgsql volatile set search_path = '' as $$
#variable_conflict use_column
declare
    v_organization app.organizations;
    v_rows         jsonb;
    v_changed      uuid[];
begin
    select o.* into strict v_organization from app.organizations as o where o.id = import_payments.organization_id;

    with read as (
        select r.n, r.key, r.row_id, r.fields, c.id as connection_id,
               coalesce(r.fields ->> 'provider',
                        case when r.fields ? 'provider_payment_id' and c.connection_type in ('stripe', 'whop') then c.connection_type end,
                        'import') as provider,
               coalesce(r.fields ->> 'provider_account', c.provider_account) as named_account
          from jsonb_to_recordset(import_payments.rows) as r (n bigint, key text, row_id uuid, fields jsonb)
          left join app.webhook_connections as c
            on c.organization_id = v_organization.id and c.id = (r.fields ->> 'connection')::uuid
    ), placed as (
        select r.*, a.account, coalesce(r.fields ->> 'provider_payment_id', r.key) as provider_payment_id,
               coalesce(a.account, app.money_account(r.provider, (
                    select min(c.provider_account) from app.webhook_connections as c
                     where c.organization_id = v_organization.id and c.connection_type = r.provider and c.deleted_at is null
                    having count(distinct c.provider_account) = 1)), '') as provider_account
          from read as r
         cross join lateral app.money_account(r.provider, r.named_account) as a (account)
    ), known as (
        select p.*, k.id as keyed_id, coalesce(k.id, o.id) as known_id,
               min(p.n) over (partition by coalesce(k.id::text, o.id::text,
                                                    concat_ws(' ', p.provider, p.provider_account, p.provider_payment_id))) as first_n
          from placed as p
          left join app.payments as k on k.organization_id = v_organization.id and k.id = p.row_id
          left join lateral (
            select (array_agg(e.id))[1] as id
              from app.payments as e
             where e.organization_id = v_organization.id and e.provider = p.provider and e.provider_payment_id = p.provider_payment_id
               and (e.provider_account = p.provider_account or p.account is null)
            having count(*) = 1) as o on k.id is null
    )
    select jsonb_agg(jsonb_build_object(
               'n', k.n, 'id', coalesce(k.known_id, case when k.given_id is not null and not exists (
                        select from app.payments as t where t.organization_id = v_organization.id and t.id = k.given_id)
                   then k.given_id else uuidv7() end),
               'step', case
                   when k.first_n <> k.n then 'repeated'
                   when e.deleted_at is not null then 'deleted'
                   when e.id is null then 'insert'
                   when (e.amount, e.currency) = ((k.fields ->> 'amount')::numeric, k.fields ->> 'currency') then 'complete'
                   when e.source = 'import' and k.keyed_id is not null and e.currency = k.fields ->> 'currency'
                        and not app.has_locked_money(e.organization_id, e.id)
                        and (k.fields ->> 'amount')::numeric >= e.refund_amount then 'restate'
                   else 'refused' end,
               'is_ruled', e.id is null or k.keyed_id is not null and e.source = 'import',
               'first_n', k.first_n, 'provider', k.provider, 'provider_account', k.provider_account,
               'provider_payment_id', k.provider_payment_id, 'connection_id', k.connection_id,
               'is_given', k.fields ?| array['closer', 'setter', 'unknown_closer', 'unknown_setter', 'event', 'lead'],
               'has_people', k.fields ?| array['closer', 'setter', 'unknown_closer', 'unknown_setter'],
               'lead_id', coalesce(k.fields ->> 'lead', v.lead_id::text), 'fields', k.fields))
      into v_rows
      from (select n.*, (n.fields ->> 'id')::uuid as given_id from known as n) as k
      left join app.payments as e on e.organization_id = v_organization.id and e.id = k.known_id
      left join app.events as v on v.organization_id = v_organization.id and v.id = (k.fields ->> 'event')::uuid;

    -- Whose it is, where the file names people without a lead or call: whoever alone is known by the address.
    select jsonb_agg(case when r.value ->> 'lead_id' is null and (r.value ->> 'has_people')::boolean and k.lead_id is not null
                          then r.value || jsonb_build_object('lead_id', k.lead_id) else r.value end)
      into v_rows
      from jsonb_array_elements(v_rows) as r
      left join lateral (
        select coalesce(l.merged_into_id, l.id) as lead_id
          from app.lead_identities as i
          join app.leads as l on l.organization_id = i.organization_id and l.id = i.lead_id
         where i.organization_id = v_organization.id and i.kind = 'email'
           and i.value = lower(btrim(r.value -> 'fields' ->> 'customer_email'))) as k on true;

    insert into app.payments (
        organization_id, id, lead_id, event_id, closer_id, setter_id, source_id, traffic_type_id, package_id, whop_connection_id, source,
        provider, provider_account, provider_payment_id, status, amount, currency, amount_base, base_currency, fee_amount, tax_amount,
        payment_date, customer_email, customer_name, customer_phone, provider_customer_id, provider_subscription_id, payment_type,
        deal_type, description, attribution_method, attribution_confidence, attribution_steps, recorded_by, reason)
    select v_organization.id, r.id, r.lead_id, case when r.is_given then f.event end,
           case when r.has_people then f.closer when r.is_given then s.closer_id end,
           case when r.has_people then f.setter when r.is_given then s.setter_id end,
           coalesce(f.source, e.source_id, l.source_id), coalesce(f.traffic_type, e.traffic_type_id, l.traffic_type_id), f.package,
           r.connection_id, 'import', r.provider, r.provider_account, r.provider_payment_id, coalesce(f.status, 'succeeded'), f.amount,
           f.currency, app.convert(v_organization.id, f.amount, f.currency, (f.payment_date at time zone v_organization.timezone)::date),
           v_organization.currency, f.fee_amount, f.tax_amount, f.payment_date, f.customer_email, f.customer_name, f.customer_phone,
           f.provider_customer_id, f.provider_subscription_id, f.payment_type, f.deal_type, f.description,
           case when r.is_given then 'import' else 'none' end, case when r.is_given then 1 else 0 end,
           case when r.is_given then jsonb_build_array(app.step('import', case when r.has_people then 'people' else 'call' end,
                                                               'the imported file says whose sale it is')) else '[]' end,
           auth.uid(), 'Imported.'
      from jsonb_to_recordset(v_rows) as r (
        n bigint, id uuid, step text, lead_id uuid, connection_id uuid, provider text, provider_account text, provider_payment_id text,
        is_given boolean, has_people boolean, fields jsonb)
     cross join lateral jsonb_to_record(r.fields) as f (
        event uuid, closer uuid, setter uuid, source uuid, traffic_type uuid, package uuid, status text, amount numeric, currency text,
        fee_amount numeric, tax_amount numeric, payment_date timestamptz, customer_email text, customer_name text, customer_phone text,
        provider_customer_id text, provider_subscription_id text, payment_type text, deal_type text, description text)
      left join app.events as e on r.is_given and e.organization_id = v_organization.id and e.id = f.event
      left join app.leads as l on r.is_given and l.organization_id = v_organization.id and l.id = r.lead_id
     cross join lateral app.people_of_sale(v_organization.id, case when r.is_given then f.event end, null) as s
     where r.step = 'insert'
     order by r.n;

    with changed as (
        update app.payments as p
           set amount = w.amount, amount_base = case when w.amount = p.amount and p.amount_base is not null
                    and w.payment_date = p.payment_date then p.amount_base
                    else app.convert(p.organization_id, w.amount, p.currency, (w.payment_date at time zone v_organization.timezone)::date) end,
               payment_date = w.payment_date, status = w.status, package_id = w.package_id, payment_type = w.payment_type,
               customer_email = w.customer_email, customer_name = w.customer_name, customer_phone = w.customer_phone,
               description = w.description, lead_id = w.lead_id, event_id = w.event_id, attribution_method = w.attribution_method,
               attribution_confidence = case when w.attribution_method <> p.attribution_method then 1 else p.attribution_confidence end,
               attribution_steps = case when w.attribution_method <> p.attribution_method
                   then jsonb_build_array(app.step('import', 'people', 'the imported file says whose sale it is')) else p.attribution_steps end
          from (select o.id, f.amount,
                       case when r.is_ruled then f.payment_date else o.payment_date end as payment_date,
                       case when r.is_ruled then coalesce(f.status, o.status) else o.status end as status,
                       case when r.is_ruled then coalesce(f.package, o.package_id) else coalesce(o.package_id, f.package) end as package_id,
                       case when r.is_ruled then coalesce(f.payment_type, o.payment_type)
                            else coalesce(o.payment_type, f.payment_type) end as payment_type,
                       coalesce(o.customer_email, f.customer_email) as customer_email,
                       coalesce(o.customer_name, f.customer_name) as customer_name,
                       coalesce(o.customer_phone, f.customer_phone) as customer_phone,
                       coalesce(o.description, f.description) as description,
                       case when i.is_decided then coalesce(r.lead_id, o.lead_id) else o.lead_id end as lead_id,
                       case when i.is_decided then coalesce(f.event, o.event_id) else o.event_id end as event_id,
                       case when i.is_decided then 'import' else o.attribution_method end as attribution_method
                  from jsonb_to_recordset(v_rows) as r (
                    id uuid, step text, is_ruled boolean, is_given boolean, has_people boolean, lead_id uuid, fields jsonb)
                 cross join lateral jsonb_to_record(r.fields) as f (
                    event uuid, package uuid, status text, amount numeric, payment_date timestamptz, customer_email text,
                    customer_name text, customer_phone text, payment_type text, description text)
                  join app.payments as o on o.organization_id = v_organization.id and o.id = r.id
                 cross join lateral (
                    select r.is_given and (o.attribution_method = 'import' or r.has_people and o.attribution_method not in ('manual', 'form'))
                       as is_decided) as i
                 where r.step in ('complete', 'restate')) as w
         where p.organization_id = v_organization.id and p.id = w.id
           and (p.amount, p.payment_date, p.status, p.package_id, p.payment_type, p.customer_email, p.customer_name, p.customer_phone,
                p.description, p.lead_id, p.event_id, p.attribution_method)
               is distinct from
               (w.amount, w.payment_date, w.status, w.package_id, w.payment_type, w.customer_email, w.customer_name, w.customer_phone,
                w.description, w.lead_id, w.event_id, w.attribution_method)
        returning p.id
    )
    select array_agg(c.id) into v_changed from changed as c;

    -- Credits: of new payments in one set; of those that were there only where the file says otherwise.
    insert into app.payment_credits (
        organization_id, payment_id, role, closer_id, setter_id, payee_id, share, amount_base, base_currency)
    select p.organization_id, p.id, c.role, c.closer_id, c.setter_id, c.payee_id, 1, p.amount_base, p.base_currency
      from jsonb_to_recordset(v_rows) as r (id uuid, step text)
      join app.payments as p on p.organization_id = v_organization.id and p.id = r.id
     cross join lateral (
        select 'closer', k.id, null::uuid, k.payee_id from app.closers as k
         where k.organization_id = p.organization_id and k.id = p.closer_id
        union all
        select 'setter', null, k.id, k.payee_id from app.setters as k
         where k.organization_id = p.organization_id and k.id = p.setter_id) as c (role, closer_id, setter_id, payee_id)
     where r.step = 'insert';
    perform app.set_credits(p.organization_id, p.id,
                            array_remove(array[case when r.has_people then coalesce((r.fields ->> 'closer')::uuid, case when not r.fields ? 'unknown_closer' then p.closer_id end) else s.closer_id end], null),
                            array_remove(array[case when r.has_people then coalesce((r.fields ->> 'setter')::uuid, case when not r.fields ? 'unknown_setter' then p.setter_id end) else s.setter_id end], null))
       from jsonb_to_recordset(v_rows) as r (id uuid, step text, is_given boolean, has_people boolean, fields jsonb)
       join app.payments as p on p.organization_id = v_organization.id and p.id = r.id and p.attribution_method = 'import'
      cross join lateral app.people_of_sale(p.organization_id, p.event_id, null) as s
      where r.step in ('complete', 'restate') and r.is_given;
    perform app.spread_credits(p.organization_id, p.id)
       from jsonb_to_recordset(v_rows) as r (id uuid, step text, is_given boolean)
       join app.payments as p on p.organization_id = v_organization.id and p.id = r.id
      where r.step = 'restate' and not r.is_given;

    perform app.refresh_statistics();
    -- What was refunded in all, as a total that refunds of their own explain.
    insert into app.payment_refunds (
        organization_id, payment_id, kind, status, amount, currency, amount_base, base_currency, refunded_at, provider,
        provider_account, provider_refund_id, provider_payment_id, reason, recorded_by)
    select p.organization_id, p.id, 'refund', 'canceled', f.refund_amount, p.currency, app.refund_base(p, f.refund_amount), p.base_currency,
           coalesce(f.refunded_at, p.payment_date), p.provider, p.provider_account,
           replace(p.provider_payment_id, '@', '-') || '@' || f.refund_amount, p.provider_payment_id, 'Imported total.', auth.uid()
      from jsonb_to_recordset(v_rows) as r (id uuid, step text, fields jsonb)
     cross join lateral jsonb_to_record(r.fields) as f (refund_amount numeric, refunded_at timestamptz)
      join app.payments as p on p.organization_id = v_organization.id and p.id = r.id
     where r.step in ('insert', 'complete', 'restate') and f.refund_amount > p.refund_amount
    on conflict on constraint payment_refunds_provider_refund_id_key do nothing;
    perform app.link_refunds(p.organization_id, p.provider, p.provider_account, p.provider_payment_id),
            app.settle_refund_marks(p.organization_id, p.provider, p.provider_account, p.provider_payment_id)
       from jsonb_to_recordset(v_rows) as r (id uuid, step text, fields jsonb)
       join app.payments as p on p.organization_id = v_organization.id and p.id = r.id
      where r.step in ('insert', 'complete', 'restate')
        and exists (select from app.payment_refunds as t
                     where t.organization_id = p.organization_id and t.provider = p.provider
                       and t.provider_payment_id = p.provider_payment_id and (t.payment_id is null or t.provider_refund_id like '%@%'));

    -- Claims, deals, and what the ladder says of payments whose sale the file leaves open.
    perform app.attribute_payment(a.organization_id, a.id)
       from (select p.organization_id, p.id
               from jsonb_to_recordset(v_rows) as r (id uuid, step text)
               join app.payments as p on p.organization_id = v_organization.id and p.id = r.id
              where (r.step = 'insert' or r.step in ('complete', 'restate') and p.id = any (v_changed))
                and app.is_attributed_by_rule(p.attribution_method)
              order by p.payment_date, p.provider_payment_id) as a;
    perform app.match_claims(l.organization_id, l.lead_id), app.settle_deals(l.organization_id, l.lead_id)
       from (select distinct p.organization_id, p.lead_id
               from jsonb_to_recordset(v_rows) as r (id uuid, step text)
               join app.payments as p on p.organization_id = v_organization.id and p.id = r.id
              where (r.step = 'insert' or p.id = any (v_changed)) and p.lead_id is not null
                and not app.is_attributed_by_rule(p.attribution_method)) as l
      where exists (select from app.deals as d where d.organization_id = l.organization_id and d.lead_id = l.lead_id)
         or exists (select from app.payments as c where c.organization_id = l.organization_id and c.lead_id = l.lead_id
                       and (c.claim_state is not null or c.attribution_method <> 'import'));
    perform app.review_payment(p.organization_id, p.id)
       from jsonb_to_recordset(v_rows) as r (id uuid, step text)
       join app.payments as p on p.organization_id = v_organization.id and p.id = r.id
      where p.attribution_method = 'import' and (r.step <> 'insert' or p.closer_id is null or p.amount_base is null)
        and r.step in ('insert', 'complete', 'restate');
    perform app.report_unknown_people(v_organization.id, 'payments', (
        select jsonb_agg(jsonb_build_object('role', u.role, 'name', u.name, 'row_id', r.id))
          from jsonb_to_recordset(v_rows) as r (id uuid, step text, fields jsonb)
         cross join lateral (values ('closer', r.fields ->> 'unknown_closer'), ('setter', r.fields ->> 'unknown_setter')) as u (role, name)
         where u.name is not null and r.step in ('insert', 'complete', 'restate')));
    perform app.resolve_known_people(v_organization.id);

    return (
        select jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
                   'n', r.n, 'row_id', r.id,
                   'outcome', case r.step when 'insert' then 'inserted' when 'repeated' then 'refused' when 'refused' then 'refused'
                                          when 'deleted' then 'unchanged' else 'updated' end,
                   'field', case r.step when 'repeated' then 'provider_payment_id' when 'refused' then 'amount' when 'deleted' then 'external_id' end,
                   'sentence', case r.step
                       when 'repeated' then format('Row %s is the same payment.', r.first_n)
                       when 'deleted' then 'The payment was deleted here and stays so.'
                       when 'refused' then 'The payment is here with another amount or currency, which a file does not change.' end)))
          from jsonb_to_recordset(v_rows) as r (n bigint, id uuid, step text, first_n bigint));
end;
$$;
comment on function app.import_payments(uuid, jsonb) is 'Payments of a file; each is there once, whoever tells of it.';

-- app.import_refunds: refunds and disputes of a file, each on its own day and never more than is left of its payment.
-- One that is here already, by key or by the provider's id, is not changed.
create or replace function app.import_refunds(organization_id uuid, rows jsonb) returns jsonb
language plpgsql volatile set search_path = '' as $$
#variable_conflict use_column
declare
    v_rows jsonb;
begin
    -- Money that is left is used up in the order of the rows.
    with read as (
        select r.n, r.key, r.row_id, f.amount, f.refunded_at, coalesce(f.kind, 'refund') as kind, f.reason,
               coalesce(f.provider_refund_id, r.key) as provider_refund_id, (r.fields ->> 'id')::uuid as given_id, p.id as payment_id,
               p.currency, p.payment_date, p.amount as paid, p.provider, p.provider_account, p.deleted_at,
               p.status = 'succeeded' and p.superseded_by_id is null and p.claim_state is distinct from 'rejected' as is_counted,
               coalesce(k.id, o.id) as known_id,
               min(r.n) over (partition by p.provider, p.provider_account, coalesce(f.provider_refund_id, r.key), coalesce(f.kind, 'refund')) as first_n
          from jsonb_to_recordset(import_refunds.rows) as r (n bigint, key text, row_id uuid, fields jsonb)
         cross join lateral jsonb_to_record(r.fields) as f (
            payment uuid, amount numeric, refunded_at timestamptz, kind text, provider_refund_id text, reason text)
          join app.payments as p on p.organization_id = import_refunds.organization_id and p.id = f.payment
          left join app.payment_refunds as k on k.organization_id = import_refunds.organization_id and k.id = r.row_id
          left join app.payment_refunds as o
            on o.organization_id = import_refunds.organization_id and o.provider = p.provider and o.provider_account = p.provider_account
           and o.provider_refund_id = coalesce(f.provider_refund_id, r.key) and o.kind = coalesce(f.kind, 'refund')
    ), counted as (
        select r.*, t.back, t.disputed,
               sum(case r.kind when 'dispute_won' then -r.amount else r.amount end) filter (where r.known_id is null and r.first_n = r.n)
                   over (partition by r.payment_id order by r.n) as now_back,
               sum(case r.kind when 'dispute' then r.amount when 'dispute_won' then -r.amount end)
                   filter (where r.known_id is null and r.first_n = r.n) over (partition by r.payment_id order by r.n) as now_disputed
          from read as r
         cross join lateral (
            -- A total that a file told of is explained by what is imported now.
            select coalesce(sum(case t.kind when 'dispute_won' then -t.amount else t.amount end)
                                filter (where not coalesce(t.provider_refund_id like '%@%', false)), 0) as back,
                   coalesce(sum(case t.kind when 'dispute' then t.amount when 'dispute_won' then -t.amount end), 0) as disputed
              from app.payment_refunds as t
             where t.organization_id = import_refunds.organization_id and t.payment_id = r.payment_id and t.status = 'succeeded') as t
    )
    select jsonb_agg(to_jsonb(c) || jsonb_build_object(
               'id', coalesce(c.known_id, case when c.given_id is not null and not exists (
                        select from app.payment_refunds as t where t.organization_id = import_refunds.organization_id and t.id = c.given_id)
                    then c.given_id else uuidv7() end),
               'amount', round(c.amount, app.currency_exponent(c.currency)),
               'step', case
                   when c.known_id is not null then 'known'
                   when c.first_n <> c.n then 'repeated'
                   when c.deleted_at is not null or not c.is_counted then 'uncounted'
                   when scale(trim_scale(c.amount)) > app.currency_exponent(c.currency) then 'fine'
                   when c.refunded_at < c.payment_date then 'early'
                   when c.kind <> 'dispute_won' and c.back + c.now_back > c.paid
                        or c.kind = 'dispute_won' and c.disputed + c.now_disputed < 0 then 'much'
                   else 'insert' end))
      into v_rows
      from counted as c;

    insert into app.payment_refunds (
        organization_id, id, payment_id, kind, status, amount, currency, amount_base, base_currency, refunded_at, provider,
        provider_account, provider_refund_id, provider_payment_id, reason, recorded_by)
    select p.organization_id, r.id, p.id, r.kind, 'succeeded', r.amount, p.currency, app.refund_base(p, r.amount), p.base_currency,
           r.refunded_at, p.provider, p.provider_account, r.provider_refund_id, p.provider_payment_id, coalesce(r.reason, 'Imported.'), auth.uid()
      from jsonb_to_recordset(v_rows) as r (
        n bigint, id uuid, payment_id uuid, kind text, amount numeric, refunded_at timestamptz, provider_refund_id text, reason text, step text)
      join app.payments as p on p.organization_id = import_refunds.organization_id and p.id = r.payment_id
     where r.step = 'insert'
     order by r.n;
    perform app.settle_refund_marks(p.organization_id, p.provider, p.provider_account, p.provider_payment_id)
       from (select distinct r.payment_id from jsonb_to_recordset(v_rows) as r (payment_id uuid, step text) where r.step = 'insert') as r
       join app.payments as p on p.organization_id = import_refunds.organization_id and p.id = r.payment_id
      where exists (select from app.payment_refunds as t
                     where t.organization_id = p.organization_id and t.payment_id = p.id and t.provider_refund_id like '%@%');

    return (
        select jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
                   'n', r.n, 'row_id', r.id,
                   'outcome', case r.step when 'insert' then 'inserted' when 'known' then 'unchanged' else 'refused' end,
                   'field', case r.step when 'insert' then null when 'known' then null when 'repeated' then 'external_id' when 'early' then 'refunded_at'
                                        when 'uncounted' then 'payment' else 'amount' end,
                   'sentence', case r.step
                       when 'repeated' then format('Row %s is the same refund.', r.first_n)
                       when 'uncounted' then 'The payment counts nowhere.'
                       when 'fine' then format('%s has %s decimal places.', r.currency, app.currency_exponent(r.currency))
                       when 'early' then 'Money goes back after it came.'
                       when 'much' then 'This is more than is left of the payment.' end)))
          from jsonb_to_recordset(v_rows) as r (n bigint, id uuid, step text, first_n bigint, currency text));
end;
$$;
comment on function app.import_refunds(uuid, jsonb) is 'Refunds and disputes of a file.';
