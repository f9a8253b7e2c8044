with given as (
    select %(body)s::jsonb as body, uuidv7() as event_row_id, uuidv7() as payment_id
), keyed as (
    insert into bench.webhook_event_keys (organization_id, connection_id, provider_event_id, webhook_event_id)
    select %(organization_id)s, %(connection_id)s, g.body ->> 'id', g.event_row_id from given as g
), stored as (
    insert into bench.webhook_events (
        organization_id, id, connection_id, provider, provider_event_id, event_type, occurred_at, body, status, processed_at,
        steps, lead_id, event_id, payment_id)
    select %(organization_id)s, g.event_row_id, %(connection_id)s, 'stripe', g.body ->> 'id', g.body ->> 'type',
           to_timestamp((g.body ->> 'created')::bigint), g.body, 'processed', now(),
           '[{"what": "payment", "because": "the first delivery about it", "decided": "created"}]',
           %(lead_id)s, %(event_id)s, g.payment_id
      from given as g
), paid as (
    insert into bench.payments (
        organization_id, id, lead_id, event_id, deal_id, closer_id, setter_id, whop_connection_id, source, provider,
        provider_payment_id, provider_charge_id, status, amount, currency, amount_base, base_currency, payment_date,
        customer_email, customer_name, provider_customer_id, description, metadata, attribution_method,
        attribution_confidence, attribution_steps)
    select %(organization_id)s, g.payment_id, %(lead_id)s, %(event_id)s, %(deal_id)s, %(closer_id)s, %(setter_id)s, %(connection_id)s,
           'stripe', 'stripe', g.body #>> '{data,object,payment_intent}', g.body #>> '{data,object,id}', 'succeeded',
           round((g.body #>> '{data,object,amount_captured}')::numeric / 100, 2), 'USD',
           round((g.body #>> '{data,object,amount_captured}')::numeric / 100, 2), 'USD',
           to_timestamp((g.body #>> '{data,object,created}')::bigint), g.body #>> '{data,object,billing_details,email}',
           g.body #>> '{data,object,billing_details,name}', g.body #>> '{data,object,customer}',
           g.body #>> '{data,object,description}', g.body #> '{data,object,metadata}', 'identity_deal', 0.9,
           '[{"what": "email", "because": "the latest call with this email before the payment", "decided": "call"}]'
      from given as g
    returning *
), counted as (
    insert into bench.connection_stats (organization_id, connection_id, accepted)
    values (%(organization_id)s, %(connection_id)s, 1)
), credited as (
    insert into bench.payment_credits (
        organization_id, payment_id, role, closer_id, setter_id, share, amount_base, base_currency)
    select %(organization_id)s, g.payment_id, r.role, case r.role when 'closer' then %(closer_id)s::uuid end,
           case r.role when 'setter' then %(setter_id)s::uuid end, 1,
           round((g.body #>> '{data,object,amount_captured}')::numeric / 100, 2), 'USD'
      from given as g cross join (values ('closer'), ('setter')) as r (role)
    returning *
)
insert into bench.audit_logs (organization_id, table_name, row_id, action, actor_kind, actor_role, new_data)
select w.organization_id, w.table_name, w.id, 'INSERT', 'gateway', 'gateway', w.new_data
  from (select p.organization_id, 'payments' as table_name, p.id, jsonb_strip_nulls(to_jsonb(p)) as new_data from paid as p
        union all
        select c.organization_id, 'payment_credits', c.id, jsonb_strip_nulls(to_jsonb(c)) from credited as c) as w
