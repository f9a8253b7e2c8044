-- Imports: rows of a file as rows of ours. What may stand in a file is one table (app.import_fields); reading and checking
-- is the same for all of it, and what becomes of good rows is one function per kind of rows (imports_*.sql).
-- Internal: nobody but the owner may call these; api.import_rows checks who is asking.

-- app.import_fields: what a file of each kind may say.
-- kind: id and external_id name the row itself; ref names another row, of the kind in refers; the others are kinds of values.
-- also: other headers that mean the same. fallback: of a new row that does not say it.
create or replace function app.import_fields()
returns table (
    entity text, name text, kind text, is_required boolean, refers text, choices text[], also text[], fallback text, sample text)
language sql immutable parallel safe
begin atomic
    select f.entity, f.name, f.kind, f.is_required, f.refers, f.choices, coalesce(f.also, '{}'), f.fallback, f.sample
      from (values
        ('leads', 'full_name', 'text', false, null::text, null::text[], array['name', 'lead_name'], null::text, 'Lee Park'),
        ('leads', 'email', 'email', false, null, null, array['lead_email'], null, 'lee@example.com'),
        ('leads', 'phone', 'text', false, null, null, array['lead_phone'], null, '+1 555 010 9999'),
        ('leads', 'source', 'ref', false, 'sources', null, null, null, 'YouTube'),
        ('leads', 'traffic_type', 'ref', false, 'traffic_types', null, null, null, 'Paid'),
        ('leads', 'original_setter', 'ref', false, 'setters', null, null, null, 'sam@example.com'),
        ('leads', 'original_setter_name', 'text', false, null, null, null, null, null),
        ('leads', 'current_setter', 'ref', false, 'setters', null, null, null, 'sam@example.com'),
        ('leads', 'current_setter_name', 'text', false, null, null, null, null, null),
        ('leads', 'is_test', 'boolean', false, null, null, null, 'false', null),
        ('leads', 'ghl_contact_id', 'text', false, null, null, null, null, null),
        ('leads', 'hubspot_contact_id', 'text', false, null, null, null, null, null),
        ('leads', 'close_lead_id', 'text', false, null, null, null, null, null),
        ('leads', 'created_at', 'instant', false, null, null, null, null, '2026-01-05 09:30'),

        ('events', 'lead', 'ref', false, 'leads', null, null, null, null),
        ('events', 'lead_name', 'text', false, null, null, array['full_name', 'invitee_name'], null, 'Lee Park'),
        ('events', 'lead_email', 'email', false, null, null, array['email', 'invitee_email'], null, 'lee@example.com'),
        ('events', 'lead_phone', 'text', false, null, null, array['phone'], null, null),
        ('events', 'closer', 'ref', false, 'closers', null, null, null, 'dana@example.com'),
        ('events', 'closer_name', 'text', false, null, null, null, null, null),
        ('events', 'setter', 'ref', false, 'setters', null, null, null, 'sam@example.com'),
        ('events', 'setter_name', 'text', false, null, null, null, null, null),
        ('events', 'source', 'ref', false, 'sources', null, null, null, 'YouTube'),
        ('events', 'traffic_type', 'ref', false, 'traffic_types', null, null, null, 'Paid'),
        ('events', 'call_type', 'ref', false, 'call_types', null, null, null, 'Strategy call'),
        ('events', 'scheduled_at', 'instant', true, null, null, array['start_time'], null, '2026-01-09 14:00'),
        ('events', 'scheduled_end_at', 'instant', false, null, null, array['end_time'], null, '2026-01-09 15:00'),
        ('events', 'booked_at', 'instant', false, null, null, null, null, '2026-01-05 09:30'),
        ('events', 'created_at', 'instant', false, null, null, null, null, null),
        ('events', 'call_status', 'choice', false, null,
            array['scheduled', 'completed', 'no_show', 'canceled', 'rescheduled'], array['status'], null, 'completed'),
        ('events', 'event_outcome', 'choice', false, null,
            array['showed_no_offer', 'showed_offer', 'closed', 'no_show'], array['outcome'], null, 'closed'),
        ('events', 'canceled_at', 'instant', false, null, null, null, null, null),
        ('events', 'canceled_by', 'choice', false, null, array['invitee', 'host'], null, null, null),
        ('events', 'cancel_reason', 'text', false, null, null, array['cancellation_reason'], null, null),
        ('events', 'rescheduled_from', 'external_ref', false, 'events', null, array['rescheduled_from_id'], null, null),
        ('events', 'provider', 'choice', false, null, array['manual', 'calendly', 'acuity', 'import'], null, null, null),
        ('events', 'provider_booking_id', 'text', false, null, null, null, null, null),
        ('events', 'calendly_event_uuid', 'text', false, null, null, null, null, null),
        ('events', 'calendly_invitee_uuid', 'text', false, null, null, null, null, null),
        ('events', 'utm_source', 'text', false, null, null, null, null, null),
        ('events', 'utm_medium', 'text', false, null, null, null, null, null),
        ('events', 'utm_campaign', 'text', false, null, null, null, null, null),
        ('events', 'utm_term', 'text', false, null, null, null, null, null),
        ('events', 'utm_content', 'text', false, null, null, null, null, null),
        ('events', 'notes', 'text', false, null, null, null, null, null),
        ('events', 'ghl_contact_id', 'text', false, null, null, null, null, null),
        ('events', 'hubspot_contact_id', 'text', false, null, null, null, null, null),
        ('events', 'close_lead_id', 'text', false, null, null, null, null, null),

        ('post_call_forms', 'event', 'ref', true, 'events', null, null, null, 'call-1'),
        ('post_call_forms', 'closer', 'ref', false, 'closers', null, null, null, 'dana@example.com'),
        ('post_call_forms', 'call_occurred', 'boolean', true, null, null, null, null, 'true'),
        ('post_call_forms', 'lead_showed', 'boolean', false, null, null, null, null, 'true'),
        ('post_call_forms', 'offer_made', 'boolean', false, null, null, null, null, 'true'),
        ('post_call_forms', 'deal_closed', 'boolean', false, null, null, null, null, 'true'),
        ('post_call_forms', 'non_occurrence_reason', 'choice', false, null,
            array['lead_no_show', 'lead_canceled', 'reschedule_requested', 'closer_absent', 'technical'], null, null, null),
        ('post_call_forms', 'disqualified', 'boolean', false, null, null, null, null, null),
        ('post_call_forms', 'cash_collected', 'money', false, null, null, null, null, '3000.00'),
        ('post_call_forms', 'contract_value', 'money', false, null, null, null, null, null),
        ('post_call_forms', 'currency', 'currency', false, null, null, null, null, 'USD'),
        ('post_call_forms', 'payment_type', 'choice', false, null, array['pif', 'payment_plan', 'deposit', 'financed'], null, null, 'pif'),
        ('post_call_forms', 'package', 'ref', false, 'packages', null, null, null, null),
        ('post_call_forms', 'call_outcome', 'ref', false, 'call_outcomes', null, null, null, null),
        ('post_call_forms', 'opportunity_status', 'ref', false, 'opportunity_statuses', null, null, null, null),
        ('post_call_forms', 'notes', 'text', false, null, null, null, null, 'Signed on the call.'),
        ('post_call_forms', 'submitted_at', 'instant', false, null, null, array['created_at'], null, '2026-01-09 15:10'),
        ('post_call_forms', 'answers', 'json', false, null, null, array['custom_fields'], null, null),

        ('payments', 'amount', 'amount', true, null, null, null, null, '3000.00'),
        ('payments', 'currency', 'currency', false, null, null, null, null, 'USD'),
        ('payments', 'payment_date', 'past', true, null, null, array['paid_at'], null, '2026-01-09 15:05'),
        ('payments', 'provider', 'choice', false, null, array['stripe', 'whop', 'manual', 'import'], null, null, 'stripe'),
        ('payments', 'provider_account', 'text', false, null, null, null, null, null),
        ('payments', 'provider_payment_id', 'text', false, null, null, array['transaction_id', 'whop_payment_id', 'stripe_payment_id',
            'stripe_payment_intent_id', 'payment_intent_id'], null, 'pi_1'),
        ('payments', 'provider_customer_id', 'text', false, null, null, null, null, null),
        ('payments', 'provider_subscription_id', 'text', false, null, null, null, null, null),
        ('payments', 'connection', 'ref', false, 'webhook_connections', null, array['whop_connection_id'], null, null),
        ('payments', 'status', 'choice', false, null, array['pending', 'succeeded', 'failed', 'canceled'], null, 'succeeded', null),
        ('payments', 'fee_amount', 'base_money', false, null, null, null, null, null),
        ('payments', 'tax_amount', 'base_money', false, null, null, null, null, null),
        ('payments', 'refund_amount', 'money', false, null, null, null, null, null),
        ('payments', 'refunded_at', 'past', false, null, null, array['refund_date'], null, null),
        ('payments', 'customer_email', 'email', false, null, null, array['lead_email', 'email'], null, 'lee@example.com'),
        ('payments', 'customer_name', 'text', false, null, null, array['lead_name'], null, 'Lee Park'),
        ('payments', 'customer_phone', 'text', false, null, null, null, null, null),
        ('payments', 'lead', 'ref', false, 'leads', null, null, null, null),
        ('payments', 'event', 'ref', false, 'events', null, null, null, 'call-1'),
        ('payments', 'closer', 'ref', false, 'closers', null, null, null, 'dana@example.com'),
        ('payments', 'setter', 'ref', false, 'setters', null, null, null, null),
        ('payments', 'source', 'ref', false, 'sources', null, null, null, null),
        ('payments', 'traffic_type', 'ref', false, 'traffic_types', null, null, null, null),
        ('payments', 'package', 'ref', false, 'packages', null, null, null, null),
        ('payments', 'payment_type', 'choice', false, null, array['pif', 'payment_plan', 'deposit', 'financed'], null, null, 'pif'),
        ('payments', 'deal_type', 'choice', false, null, array['new_deal', 'upsell'], null, null, null),
        ('payments', 'description', 'text', false, null, null, array['notes'], null, null),

        ('refunds', 'payment', 'ref', true, 'payments', null, array['provider_payment_id'], null, 'pi_1'),
        ('refunds', 'amount', 'amount', true, null, null, array['refund_amount'], null, '500.00'),
        ('refunds', 'refunded_at', 'past', true, null, null, array['refund_date'], null, '2026-02-01 10:00'),
        ('refunds', 'kind', 'choice', false, null, array['refund', 'dispute', 'dispute_won'], null, 'refund', 'refund'),
        ('refunds', 'provider_refund_id', 'text', false, null, null, null, null, 're_1'),
        ('refunds', 'reason', 'text', false, null, null, null, null, null),

        ('payees', 'name', 'text', true, null, null, array['full_name'], null, 'Dana Diaz'),
        ('payees', 'email', 'email', false, null, null, null, null, 'dana@example.com'),
        ('payees', 'is_active', 'boolean', false, null, null, array['active'], 'true', 'true'),
        ('payees', 'active_from', 'date', false, null, null, null, null, '2025-06-01'),
        ('payees', 'active_until', 'date', false, null, null, null, null, null),
        ('closers', 'name', 'text', true, null, null, array['full_name', 'closer_name'], null, 'Dana Diaz'),
        ('closers', 'email', 'email', false, null, null, null, null, 'dana@example.com'),
        ('closers', 'aliases', 'list', false, null, null, null, null, null),
        ('closers', 'payee', 'ref', false, 'payees', null, null, null, null),
        ('closers', 'is_active', 'boolean', false, null, null, array['active'], 'true', 'true'),
        ('closers', 'active_from', 'date', false, null, null, null, null, '2025-06-01'),
        ('closers', 'active_until', 'date', false, null, null, null, null, null),
        ('closers', 'calendly_user_uri', 'text', false, null, null, null, null, null),
        ('closers', 'close_user_id', 'text', false, null, null, null, null, null),
        ('setters', 'name', 'text', true, null, null, array['full_name', 'setter_name'], null, 'Sam Soto'),
        ('setters', 'email', 'email', false, null, null, null, null, 'sam@example.com'),
        ('setters', 'aliases', 'list', false, null, null, null, null, null),
        ('setters', 'payee', 'ref', false, 'payees', null, null, null, null),
        ('setters', 'is_active', 'boolean', false, null, null, array['active'], 'true', 'true'),
        ('setters', 'active_from', 'date', false, null, null, null, null, '2025-06-01'),
        ('setters', 'active_until', 'date', false, null, null, null, null, null),
        ('setters', 'close_user_id', 'text', false, null, null, null, null, null),

        ('sources', 'name', 'text', true, null, null, null, null, 'YouTube'),
        ('sources', 'is_active', 'boolean', false, null, null, array['active'], 'true', 'true'),
        ('traffic_types', 'name', 'text', true, null, null, null, null, 'Paid'),
        ('traffic_types', 'is_active', 'boolean', false, null, null, array['active'], 'true', 'true'),
        ('call_types', 'name', 'text', true, null, null, null, null, 'Strategy call'),
        ('call_types', 'category', 'text', false, null, null, null, 'sales', 'sales'),
        ('call_types', 'counts_in_rates', 'boolean', false, null, null, null, 'true', 'true'),
        ('call_types', 'duration_minutes', 'integer', false, null, null, array['duration'], '60', '45'),
        ('call_types', 'is_active', 'boolean', false, null, null, array['active'], 'true', 'true'),
        ('call_outcomes', 'name', 'text', true, null, null, array['label'], null, 'Closed'),
        ('call_outcomes', 'call_status', 'choice', false, null, array['completed', 'no_show', 'canceled'], null, null, 'completed'),
        ('call_outcomes', 'event_outcome', 'choice', false, null,
            array['showed_no_offer', 'showed_offer', 'closed', 'no_show'], array['outcome'], null, 'closed'),
        ('call_outcomes', 'position', 'integer', false, null, null, array['display_order', 'sort_order'], '0', '1'),
        ('opportunity_statuses', 'name', 'text', true, null, null, array['label'], null, 'Nurture'),
        ('opportunity_statuses', 'pipeline_external_id', 'text', false, null, null, array['ghl_pipeline_id'], null, null),
        ('opportunity_statuses', 'position', 'integer', false, null, null, array['display_order', 'sort_order'], '0', '1'),
        ('packages', 'name', 'text', true, null, null, null, null, 'Mentoring'),
        ('packages', 'price', 'money', false, null, null, array['amount'], null, '3000.00'),
        ('packages', 'currency', 'currency', false, null, null, null, null, 'USD'),
        ('packages', 'installment_count', 'integer', false, null, null, null, '1', '3'),
        ('packages', 'installment_interval_days', 'integer', false, null, null, null, '30', '30'),
        ('packages', 'is_commissionable', 'boolean', false, null, null, null, 'true', 'true'),
        ('fx_rates', 'day', 'date', true, null, null, array['date'], null, '2026-01-02'),
        ('fx_rates', 'from_currency', 'currency', true, null, null, array['from'], null, 'EUR'),
        ('fx_rates', 'to_currency', 'currency', true, null, null, array['to'], null, 'USD'),
        ('fx_rates', 'rate', 'number', true, null, null, null, null, '1.0842'),
        ('fx_rates', 'source', 'text', false, null, null, null, 'import', 'ECB')
      ) as f (entity, name, kind, is_required, refers, choices, also, fallback, sample);
end;
comment on function app.import_fields() is 'What a file of each kind may say: fields, kinds of values, other headers, examples.';

-- app.import_headers: the headers that mean something in a file of this kind, and of several for one field their order.
-- Rows may say id (a uuid, which they keep where it is free) and external_id; references are by id, external id, e-mail or name.
create or replace function app.import_headers(entity text)
returns table (header text, name text, kind text, refers text, choices text[], rank bigint)
language sql immutable parallel safe
begin atomic
    select h.header, f.name, f.kind, f.refers, f.choices, h.rank
      from (select i.name, i.kind, i.refers, i.choices, i.also
              from app.import_fields() as i where i.entity = import_headers.entity
            union all
            select 'id', 'id', null, null, '{}'
            union all
            select 'external_id', 'external_id', null, null, '{}') as f
     cross join lateral unnest(
        case when f.kind = 'ref' then array[f.name || '_id', f.name || '_external_id'] else '{}' end || f.name || f.also
        || case when f.kind = 'ref' and f.refers in ('closers', 'setters', 'payees') then array[f.name || '_email'] else '{}' end
        || case when f.kind = 'ref' and f.refers not in ('leads', 'events', 'payments') then array[f.name || '_name'] else '{}' end
        ) with ordinality as h (header, rank);
end;
comment on function app.import_headers(text) is 'The headers that mean something in a file of this kind.';

-- app.import_value: one cell as a value of its kind, or the sentence that says why it is none.
-- Times without a zone are local times of timezone.
create or replace function app.import_value(kind text, cell text, choices text[], timezone text, out value jsonb, out problem text)
language plpgsql stable set search_path = '' as $$
declare
    v_at timestamptz;
begin
    case
        when import_value.kind in ('text', 'external_id', 'external_ref') then
            if length(cell) > (case import_value.kind when 'text' then 10000 else 320 end) then
                problem := format('Give at most %s characters.', case import_value.kind when 'text' then 10000 else 320 end);
            else
                value := to_jsonb(cell);
            end if;
        when import_value.kind = 'id' then
            if pg_input_is_valid(cell, 'uuid') then
                value := to_jsonb(cell::uuid);
            else
                problem := 'An id is a UUID; give other ids as external_id.';
            end if;
        when import_value.kind = 'email' then
            if length(cell) <= 254 and cell ~ '^[^@[:space:][:cntrl:]]+@[^@[:space:][:cntrl:]]+$' then
                value := to_jsonb(cell);
            else
                problem := 'Give an e-mail address.';
            end if;
        when import_value.kind in ('instant', 'past') then
            if cell ~ '^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?)?\s?(Z|[+-]\d\d(:?\d\d)?)?$'
               and pg_input_is_valid(cell, 'timestamptz') then
                v_at := case when cell ~ '[T ]\d\d:\d\d.*(Z|[+-]\d\d(:?\d\d)?)$' then cell::timestamptz
                             else cell::timestamp at time zone import_value.timezone end;
            end if;
            if v_at is null or v_at not between '1970-01-01 00:00:00+00' and '2100-01-01 00:00:00+00' then
                problem := 'Give a time such as 2026-01-09T14:00:00Z, or without a zone the organization''s local time.';
            elsif import_value.kind = 'past' and v_at > now() then
                problem := 'Money moves in the past.';
            else
                value := to_jsonb(v_at);
            end if;
        when import_value.kind = 'date' then
            if cell ~ '^\d{4}-\d\d-\d\d$' and pg_input_is_valid(cell, 'date') then
                value := to_jsonb(cell::date);
            else
                problem := 'Give a day such as 2026-01-09.';
            end if;
        when import_value.kind in ('amount', 'money', 'base_money', 'number') then
            if cell !~ '^\d{1,12}(\.\d{1,12})?$' then
                problem := 'Give a plain number, for example 1500.00.';
            elsif import_value.kind in ('amount', 'number') and cell::numeric = 0 then
                problem := 'Give more than nothing.';
            else
                value := to_jsonb(cell::numeric);
            end if;
        when import_value.kind = 'integer' then
            if cell ~ '^\d{1,6}$' then
                value := to_jsonb(cell::integer);
            else
                problem := 'Give a whole number.';
            end if;
        when import_value.kind = 'boolean' then
            value := case when lower(cell) in ('true', 't', 'yes', 'y', '1') then 'true'
                          when lower(cell) in ('false', 'f', 'no', 'n', '0') then 'false' end;
            problem := case when value is null then 'Answer true or false.' end;
        when import_value.kind = 'choice' then
            value := (select to_jsonb(c.choice)
                        from unnest(import_value.choices) as c (choice)
                       where c.choice = case replace(lower(cell), '-', '_')
                                            when 'showed' then 'showed_no_offer' when 'cancelled' then 'canceled' when 'active' then 'scheduled'
                                            when 'noshow' then 'no_show' else replace(lower(cell), '-', '_') end);
            problem := case when value is null then 'Choose one of ' || array_to_string(import_value.choices, ', ') || '.' end;
        when import_value.kind = 'currency' then
            if app.currency_exponent(upper(cell)) is null then
                problem := 'Give the three letters of a currency, for example USD.';
            else
                value := to_jsonb(upper(cell));
            end if;
        when import_value.kind = 'list' then
            value := case when cell like '[%' and pg_input_is_valid(cell, 'jsonb') then cell::jsonb
                          when cell like '{%}' and pg_input_is_valid(cell, 'text[]') then to_jsonb(lower(cell)::text[])
                          else to_jsonb(regexp_split_to_array(lower(cell), '\s*[;,]\s*')) end;
            if jsonb_typeof(value) <> 'array' or jsonb_path_exists(value, '$[*] ? (@.type() != "string")') then
                value := null;
                problem := 'Give names with semicolons between them.';
            end if;
        when import_value.kind = 'json' then
            if pg_input_is_valid(cell, 'jsonb') and jsonb_typeof(cell::jsonb) = 'object' then
                value := cell::jsonb;
            else
                problem := 'Give a JSON object.';
            end if;
    end case;
end;
$$;
comment on function app.import_value(text, text, text[], text) is 'One cell as a value of its kind, or why it is none.';

-- app.import_references: which rows these texts name: by external id, by id, by what people and platforms call them.
-- Nothing is guessed: what fits several rows names none.
create or replace function app.import_references(organization_id uuid, entity text, named text[])
returns table (name text, row_id uuid)
language plpgsql stable set search_path = '' as $$
#variable_conflict use_column
begin
    return query
    select n.name, coalesce(k.row_id, f.row_id)
      from unnest(import_references.named) as n (name)
      left join app.import_keys as k
        on k.organization_id = import_references.organization_id and k.entity = import_references.entity and k.external_id = n.name
     cross join lateral (
        select case import_references.entity
            when 'closers' then coalesce(
                (select c.id from app.closers as c where c.organization_id = import_references.organization_id
                    and c.id = case when pg_input_is_valid(n.name, 'uuid') then n.name::uuid end),
                app.closer_known_as(import_references.organization_id, n.name))
            when 'setters' then coalesce(
                (select s.id from app.setters as s where s.organization_id = import_references.organization_id
                    and s.id = case when pg_input_is_valid(n.name, 'uuid') then n.name::uuid end),
                app.setter_known_as(import_references.organization_id, n.name))
            when 'payees' then (
                select (array_agg(p.id))[1] from app.payees as p
                 where p.organization_id = import_references.organization_id
                   and (p.id::text = lower(n.name) or p.external_id = n.name or p.email_norm = lower(n.name) or lower(p.name) = lower(n.name))
                having count(*) = 1)
            when 'leads' then coalesce(
                (select coalesce(l.merged_into_id, l.id) from app.leads as l
                  where l.organization_id = import_references.organization_id
                    and l.id = case when pg_input_is_valid(n.name, 'uuid') then n.name::uuid end),
                (select coalesce(l.merged_into_id, l.id)
                   from app.lead_identities as i
                   join app.leads as l on l.organization_id = i.organization_id and l.id = i.lead_id and l.deleted_at is null
                  where i.organization_id = import_references.organization_id and i.kind = 'email' and i.value = lower(n.name)))
            when 'events' then (
                select (array_agg(e.id))[1]
                  from (select e.id from app.events as e
                         where e.organization_id = import_references.organization_id
                           and e.id = case when pg_input_is_valid(n.name, 'uuid') then n.name::uuid end
                        union
                        select e.id from app.events as e
                         where e.organization_id = import_references.organization_id and e.calendly_invitee_uuid = n.name
                        union
                        select e.id from app.events as e
                         where e.organization_id = import_references.organization_id and e.provider in ('calendly', 'acuity', 'import', 'manual')
                           and e.provider_booking_id = n.name) as e
                having count(*) = 1)
            when 'payments' then (
                select (array_agg(p.id))[1]
                  from (select p.id from app.payments as p
                         where p.organization_id = import_references.organization_id
                           and p.id = case when pg_input_is_valid(n.name, 'uuid') then n.name::uuid end
                        union
                        select p.id from app.payments as p
                         where p.organization_id = import_references.organization_id
                           and p.provider in ('stripe', 'whop', 'manual', 'import') and p.provider_payment_id = n.name) as p
                having count(*) = 1)
            when 'sources' then (select s.id from app.sources as s where s.organization_id = import_references.organization_id
                                  and (s.id::text = lower(n.name) or lower(s.name) = lower(n.name))
                                order by s.archived_at is null desc, s.name = n.name desc, s.id limit 1)
            when 'traffic_types' then (select s.id from app.traffic_types as s where s.organization_id = import_references.organization_id
                                  and (s.id::text = lower(n.name) or lower(s.name) = lower(n.name))
                                order by s.archived_at is null desc, s.name = n.name desc, s.id limit 1)
            when 'call_types' then (select s.id from app.call_types as s where s.organization_id = import_references.organization_id
                                  and (s.id::text = lower(n.name) or lower(s.name) = lower(n.name) or s.external_id = n.name)
                                order by s.archived_at is null desc, s.name = n.name desc, s.id limit 1)
            when 'packages' then (select s.id from app.packages as s where s.organization_id = import_references.organization_id
                                  and (s.id::text = lower(n.name) or lower(s.name) = lower(n.name))
                                order by s.archived_at is null desc, s.name = n.name desc, s.id limit 1)
            when 'call_outcomes' then (select s.id from app.call_outcomes as s where s.organization_id = import_references.organization_id
                                  and (s.id::text = lower(n.name) or lower(s.name) = lower(n.name))
                                order by s.archived_at is null desc, s.name = n.name desc, s.id limit 1)
            when 'opportunity_statuses' then (
                select s.id from app.opportunity_statuses as s where s.organization_id = import_references.organization_id
                   and (s.id::text = lower(n.name) or lower(s.name) = lower(n.name))
                 order by s.archived_at is null desc, s.name = n.name desc, s.id limit 1)
            when 'webhook_connections' then (
                select c.id from app.webhook_connections as c where c.organization_id = import_references.organization_id
                   and c.deleted_at is null and (c.id::text = lower(n.name) or c.name = n.name) limit 1)
        end as row_id) as f;
end;
$$;
comment on function app.import_references(uuid, text, text[]) is 'Which rows these texts name; NULL for none, and for several.';

-- app.import_problems: what is wrong with a row as a whole, whose values are each right: field and sentence.
-- is_lenient: what the row merely leaves open is no problem.
create or replace function app.import_problems(entity text, fields jsonb, is_lenient boolean) returns jsonb
language plpgsql stable set search_path = '' as $$
declare
    v_form app.post_call_forms;
begin
    return jsonb_strip_nulls(case entity
        when 'leads' then jsonb_build_object('email', case
            when not fields ?| array['id', 'external_id', 'email'] and app.phone_identity(fields ->> 'phone') is null
                then 'Give an external_id, an e-mail address, or a phone number.' end)
        when 'events' then jsonb_build_object(
            'external_id', case
                when not fields ?| array['id', 'external_id', 'calendly_invitee_uuid', 'provider_booking_id', 'lead_email', 'lead']
                    then 'Give an external_id, the id of the booking, or the lead''s e-mail address.' end,
            'scheduled_end_at', case
                when (fields ->> 'scheduled_end_at')::timestamptz <= (fields ->> 'scheduled_at')::timestamptz
                    then 'A call ends after it starts.' end,
            'event_outcome', case
                when is_lenient then null
                when fields ->> 'call_status' = 'completed' and coalesce(fields ->> 'event_outcome', 'no_show') = 'no_show'
                    then 'Say how the call ended: showed_no_offer, showed_offer or closed.'
                when fields ->> 'call_status' = 'no_show' and fields ->> 'event_outcome' <> 'no_show'
                    then 'The lead did not show: leave the outcome out, or say no_show.'
                when fields ->> 'call_status' in ('scheduled', 'canceled', 'rescheduled') and fields ? 'event_outcome'
                    then 'Only a call that took place, or a no-show, has an outcome.' end)
        when 'payments' then jsonb_build_object(
            'external_id', case when not fields ?| array['id', 'external_id', 'provider_payment_id']
                then 'Give an external_id or the provider''s id, so that the payment is there once.' end,
            'provider_payment_id', case when fields ->> 'provider' in ('stripe', 'whop') and not fields ? 'provider_payment_id'
                then 'A processor''s payment has the processor''s id.' end,
            'refund_amount', case when (fields ->> 'refund_amount')::numeric > (fields ->> 'amount')::numeric
                then 'More was refunded than paid.' end,
            'refunded_at', case when (fields ->> 'refunded_at')::timestamptz < (fields ->> 'payment_date')::timestamptz
                then 'Money goes back after it came.' end)
        when 'refunds' then jsonb_build_object('external_id', case
            when not fields ?| array['id', 'external_id', 'provider_refund_id']
                then 'Give an external_id or the provider''s id, so that the refund is there once.' end)
        when 'call_outcomes' then jsonb_build_object('event_outcome', case
            when fields ->> 'event_outcome' is null and coalesce(fields ->> 'call_status', 'completed') = 'completed'
                then 'Say what it means: showed_no_offer, showed_offer, closed, no_show, or status canceled.'
            when fields ->> 'call_status' = 'canceled' and fields ? 'event_outcome'
                 or fields ->> 'call_status' = 'completed' and fields ->> 'event_outcome' = 'no_show'
                 or fields ->> 'call_status' = 'no_show' and fields ->> 'event_outcome' <> 'no_show'
                then 'Status and outcome contradict each other.' end)
        when 'call_types' then jsonb_build_object('duration_minutes', case
            when (fields ->> 'duration_minutes')::integer not between 1 and 1440 then 'Give 1 to 1440 minutes.' end)
        when 'packages' then jsonb_build_object(
            'installment_count', case when (fields ->> 'installment_count')::integer not between 1 and 120
                then 'Give 1 to 120 instalments.' end,
            'installment_interval_days', case when (fields ->> 'installment_interval_days')::integer not between 1 and 366
                then 'Give 1 to 366 days.' end)
        when 'fx_rates' then jsonb_build_object('to_currency', case
            when fields ->> 'from_currency' = fields ->> 'to_currency' then 'A rate is between two currencies.' end)
        when 'post_call_forms' then (
            select app.form_contradictions(jsonb_populate_record(null::app.post_call_forms, app.import_answers(fields) || jsonb_build_object(
                        'payment_type', fields -> 'payment_type')))
                   || case when (select r.call_status from jsonb_populate_record(null::app.post_call_forms, app.import_answers(fields)) as f
                                  cross join lateral app.form_result(f.call_occurred, f.lead_showed, f.offer_made, f.deal_closed,
                                                                     f.non_occurrence_reason) as r) is null
                           then '{"call_occurred": "These answers contradict each other."}'::jsonb else '{}' end)
        when 'closers' then jsonb_build_object('active_until', case
            when (fields ->> 'active_until')::date < (fields ->> 'active_from')::date then 'It ends before it starts.' end)
        when 'setters' then jsonb_build_object('active_until', case
            when (fields ->> 'active_until')::date < (fields ->> 'active_from')::date then 'It ends before it starts.' end)
        when 'payees' then jsonb_build_object('active_until', case
            when (fields ->> 'active_until')::date < (fields ->> 'active_from')::date then 'It ends before it starts.' end)
        else '{}' end);
end;
$$;
comment on function app.import_problems(text, jsonb, boolean) is 'What is wrong with a row as a whole: field and sentence.';

-- app.import_answers: the five answers of a form with what they leave out: the lead showed if the call took place, no offer,
-- no close; of a call that did not take place the lead did not show up.
create or replace function app.import_answers(fields jsonb) returns jsonb
language sql immutable parallel safe
return jsonb_build_object(
    'call_occurred', fields -> 'call_occurred',
    'lead_showed', coalesce(fields -> 'lead_showed', fields -> 'call_occurred'),
    'offer_made', coalesce(fields -> 'offer_made', 'false'),
    'deal_closed', coalesce(fields -> 'deal_closed', 'false'),
    'non_occurrence_reason', coalesce(fields -> 'non_occurrence_reason',
                                      case when fields -> 'call_occurred' = 'false' then '"lead_no_show"'::jsonb end));
comment on function app.import_answers(jsonb) is 'The five answers of a form with what they leave out.';

-- app.read_import: the rows of a file, read and checked.
-- Answers one row each: its number, what it is known by, SHA-256 of what it says, its fields, what is wrong with it, what is
-- left out of it. is_lenient: a value that is none, money apart, and a reference to nothing are left out and noted, where the row can
-- be without.
create or replace function app.read_import(organization_id uuid, entity text, rows jsonb, is_lenient boolean)
returns table (n bigint, key text, content bytea, fields jsonb, problems jsonb, notes jsonb)
language plpgsql stable set search_path = '' as $$
#variable_conflict use_column
declare
    v_timezone text;
    v_currency text;
begin
    select o.timezone, o.currency into strict v_timezone, v_currency
      from app.organizations as o where o.id = read_import.organization_id;
    return query
    with headers as materialized (
        select h.* from app.import_headers(read_import.entity) as h
    ), wanted as materialized (
        select f.name, f.is_required from app.import_fields() as f where f.entity = read_import.entity
    ), given as materialized (
        select g.n, g.given, jsonb_typeof(g.given) = 'object' as is_object
          from jsonb_array_elements(read_import.rows) with ordinality as g (given, n)
    ), cells as materialized (
        select g.n, h.name, h.kind, h.refers, h.choices, h.rank, btrim(c.value, E' \t\r\n') as cell
          from given as g
         cross join lateral jsonb_each_text(case when g.is_object then g.given else '{}' end) as c
          join headers as h on h.header = replace(lower(btrim(c.key)), ' ', '_')
         where btrim(c.value, E' \t\r\n') <> ''
    ), found as materialized (
        select r.refers, f.name as cell, f.row_id
          from (select c.refers, array_agg(distinct c.cell) as cells from cells as c where c.kind = 'ref' group by c.refers) as r
         cross join lateral app.import_references(read_import.organization_id, r.refers, r.cells) as f
         where f.row_id is not null
    ), read as (
        select distinct on (c.n, c.name) c.n, c.name, c.kind, v.value,
               case when not l.may_be_left_out then v.problem end as problem,
               case when l.may_be_left_out and v.problem is not null then format('%s was left out: %s', left(c.cell, 100), v.problem) end as note,
               null::jsonb as unknown
          from cells as c
         cross join lateral app.import_value(c.kind, c.cell, c.choices, v_timezone) as v
         cross join lateral (
            select read_import.is_lenient and c.kind not in ('amount', 'money', 'base_money', 'id', 'external_id')
                   and not exists (select from wanted as w where w.name = c.name and w.is_required) as may_be_left_out) as l
         where c.kind <> 'ref'
         order by c.n, c.name, c.rank
    ), referred as (
        select distinct on (c.n, c.name) c.n, c.name, c.kind, to_jsonb(f.row_id) as value,
               case when f.row_id is null and c.refers not in ('closers', 'setters')
                         and (not read_import.is_lenient or i.is_required) then format('No %s is known as %s.',
                    case c.refers when 'opportunity_statuses' then 'status' when 'webhook_connections' then 'connection'
                                  when 'events' then 'call' else replace(rtrim(c.refers, 's'), '_', ' ') end, left(c.cell, 100)) end as problem,
               case when f.row_id is null and (c.refers in ('closers', 'setters') or read_import.is_lenient and not i.is_required)
                    then format('%s is not known here and was left out.', left(c.cell, 100)) end as note,
               case when f.row_id is null and c.refers in ('closers', 'setters') then to_jsonb(c.cell) end as unknown
          from cells as c
          join wanted as i on i.name = c.name
          left join found as f on f.refers = c.refers and f.cell = c.cell
         where c.kind = 'ref'
         order by c.n, c.name, f.row_id is null, case when f.row_id is null then -c.rank else c.rank end
    ), known as (
        select a.n,
               coalesce(jsonb_object_agg(a.name, case
                   when a.kind in ('amount', 'money') then to_jsonb(round(a.value::numeric, coalesce(app.currency_exponent(a.currency), 0)))
                   when a.kind = 'base_money' then to_jsonb(round(a.value::numeric, app.currency_exponent(v_currency)))
                   else a.value end) filter (where a.value is not null), '{}')
               || coalesce(jsonb_object_agg('unknown_' || a.name, a.unknown) filter (where a.unknown is not null), '{}') as fields,
               coalesce(jsonb_object_agg(a.name, coalesce(a.problem, a.too_fine))
                            filter (where coalesce(a.problem, a.too_fine) is not null), '{}') as problems,
               coalesce(jsonb_object_agg(a.name, a.note) filter (where a.note is not null), '{}') as notes
          from (select b.*,
                       case when b.kind in ('amount', 'money', 'base_money')
                                 and scale(trim_scale(b.value::numeric)) > app.currency_exponent(b.currency)
                            then format('%s has %s decimal places.', b.currency, app.currency_exponent(b.currency)) end as too_fine
                  from (select r.*, case r.kind when 'base_money' then v_currency
                                         else coalesce(max(r.value #>> '{}') filter (where r.name = 'currency') over (partition by r.n),
                                                       v_currency) end as currency
                          from (select * from read union all select * from referred) as r) as b) as a
         group by a.n
    ), complete as (
        select g.n,
               coalesce(k.fields, '{}') || case when i.has_currency and not coalesce(k.fields, '{}') ? 'currency'
                                                then jsonb_build_object('currency', v_currency) else '{}' end as fields,
               coalesce(k.problems, '{}')
               || case when g.is_object then '{}'::jsonb else '{"row": "A row is an object of fields and values."}' end
               || coalesce((select jsonb_object_agg(f.name, 'This is needed.') from wanted as f
                             where f.is_required and g.is_object and not coalesce(k.fields, '{}') ? f.name and not coalesce(k.problems, '{}') ? f.name), '{}') as problems,
               coalesce(k.notes, '{}') as notes
          from given as g
          left join known as k on k.n = g.n
         cross join (select coalesce(bool_or(f.name = 'currency'), false) as has_currency
                       from wanted as f) as i
    ), keyed as materialized (
        select c.n, c.fields, c.notes,
               case when c.problems = '{}' then app.import_problems(read_import.entity, c.fields, read_import.is_lenient)
                    else c.problems end as problems,
               case when c.problems = '{}' then left(app.import_key(read_import.entity, c.fields), 320) end as key
          from complete as c
    )
    select k.n, k.key, sha256(convert_to(k.fields::text, 'UTF8')), k.fields,
           case when k.problems = '{}' and row_number() over (partition by k.key, k.problems = '{}' order by k.n) > 1
                     and k.fields is distinct from first_value(k.fields) over (partition by k.key, k.problems = '{}' order by k.n)
                then jsonb_build_object('external_id', format('Row %s is the same one and says something else.',
                                        first_value(k.n) over (partition by k.key, k.problems = '{}' order by k.n)))
                when k.problems = '{}' and k.fields ? 'id'
                     and row_number() over (partition by k.fields ->> 'id', k.key, k.problems = '{}' order by k.n)
                         <> row_number() over (partition by k.fields ->> 'id', k.problems = '{}' order by k.n)
                then '{"id": "Another row has this id."}'::jsonb
                else k.problems end,
           k.notes
      from keyed as k
     order by k.n;
end;
$$;
comment on function app.read_import(uuid, text, jsonb, boolean) is 'The rows of a file, read and checked.';

-- app.import_key: what a row is known by from one import to the next: its id elsewhere, else what makes it what it is.
create or replace function app.import_key(entity text, fields jsonb) returns text
language sql immutable parallel safe
return coalesce(
    fields ->> 'external_id', fields ->> 'id',
    case entity
        when 'leads' then coalesce(lower(fields ->> 'email'), fields ->> 'phone')
        when 'events' then coalesce(fields ->> 'calendly_invitee_uuid', fields ->> 'provider_booking_id',
            concat_ws(' ', coalesce(fields ->> 'lead', lower(fields ->> 'lead_email')), fields ->> 'scheduled_at'))
        when 'post_call_forms' then concat_ws(' ', fields ->> 'event', fields ->> 'submitted_at')
        when 'payments' then fields ->> 'provider_payment_id'
        when 'refunds' then fields ->> 'provider_refund_id'
        when 'fx_rates' then concat_ws(' ', fields ->> 'day', fields ->> 'from_currency', fields ->> 'to_currency')
        when 'closers' then coalesce(lower(fields ->> 'email'), lower(fields ->> 'name'))
        when 'setters' then coalesce(lower(fields ->> 'email'), lower(fields ->> 'name'))
        when 'payees' then coalesce(lower(fields ->> 'email'), lower(fields ->> 'name'))
        else lower(fields ->> 'name') end);
comment on function app.import_key(text, jsonb) is 'What a row is known by from one import to the next.';

-- app.refresh_statistics: tables that have grown beyond what the planner knows of them are looked at again. Whoever moves in
-- fills empty tables within minutes; plans made for empty tables read all of an organization's rows per row.
create or replace function app.refresh_statistics() returns void
language plpgsql volatile set search_path = '' as $$
declare
    v_table regclass;
begin
    for v_table in
        select c.oid from pg_catalog.pg_class as c
         where c.oid in ('app.leads'::regclass, 'app.lead_identities'::regclass, 'app.events'::regclass, 'app.post_call_forms'::regclass,
                         'app.payments'::regclass, 'app.payment_credits'::regclass, 'app.payment_refunds'::regclass,
                         'app.deals'::regclass, 'app.import_keys'::regclass)
           and pg_catalog.pg_relation_size(c.oid) > 8192 * (2 * c.relpages + 8)
    loop
        execute format('analyze %s', v_table);
    end loop;
end;
$$;
comment on function app.refresh_statistics() is 'Looks again at tables that have grown beyond what the planner knows of them.';

-- app.import_rows: rows of a file become rows of the organization; answers what became of them.
-- Answers {"received", "inserted", "updated", "unchanged", "refused", "errors": [{"row", "field", "sentence"}], "notes":
-- [the same, of rows that were taken], "ignored": [headers that mean nothing]}. Rows are numbered from 1.
-- Guarantees: a row is taken whole or refused with a reason; the same row again changes nothing; the number of statements does
--             not depend on the number of rows, except where a rule is one of a lead or a payment (deals, the ladder, claims).
--             One import at a time in an organization.
create or replace function app.import_rows(organization_id uuid, entity text, rows jsonb, is_lenient boolean default false)
returns jsonb
language plpgsql volatile set search_path = '' as $$
declare
    v_headers constant text[] := array(select h.header from app.import_headers(import_rows.entity) as h);
    v_rows   jsonb;
    v_done   jsonb := '[]';
    v_report jsonb;
begin
    perform app.refresh_statistics();
    perform from app.organizations as o where o.id = import_rows.organization_id for no key update;
    select jsonb_agg(jsonb_build_object(
               'n', r.n, 'key', r.key, 'content', encode(r.content, 'hex'), 'fields', r.fields, 'problems', r.problems,
               'notes', r.notes, 'row_id', k.row_id, 'is_same', k.content = r.content or r.is_repeated) order by r.n)
      into v_rows
      from (select i.*, row_number() over (partition by i.key, i.problems = '{}' order by i.n) > 1 as is_repeated
              from app.read_import(import_rows.organization_id, import_rows.entity, import_rows.rows, import_rows.is_lenient) as i) as r
      left join app.import_keys as k
        on k.organization_id = import_rows.organization_id and k.entity = import_rows.entity and k.external_id = r.key;
    if v_rows is not null then
        v_done := app.import_good_rows(import_rows.organization_id, import_rows.entity, (
            select jsonb_agg(r.row - 'problems' - 'notes' order by r.n)
              from (select r.value as row, (r.value ->> 'n')::bigint as n from jsonb_array_elements(v_rows) as r) as r
             where r.row -> 'problems' = '{}' and r.row ->> 'is_same' is distinct from 'true'));
    end if;

    insert into app.import_keys as k (organization_id, entity, external_id, row_id, content)
    select import_rows.organization_id, import_rows.entity, r.key, d.row_id, decode(r.content, 'hex')
      from jsonb_to_recordset(v_rows) as r (n bigint, key text, content text)
      join jsonb_to_recordset(v_done) as d (n bigint, row_id uuid, outcome text) on d.n = r.n
     where d.outcome <> 'refused'
    on conflict on constraint import_keys_external_id_key do update
       set content = excluded.content, row_id = excluded.row_id
     where (k.content, k.row_id) is distinct from (excluded.content, excluded.row_id);

    with outcomes as (
        select r.n, r.problems, r.notes, case
                   when r.problems <> '{}' then 'refused'
                   when r.is_same then 'unchanged'
                   else d.outcome end as outcome, d.field, d.sentence
          from jsonb_to_recordset(v_rows) as r (n bigint, problems jsonb, notes jsonb, is_same boolean)
          left join jsonb_to_recordset(v_done) as d (n bigint, outcome text, field text, sentence text) on d.n = r.n
    ), said as (
        select o.n, o.outcome = 'refused' as is_refused, p.key as field, p.value as sentence
          from outcomes as o cross join lateral jsonb_each_text(o.problems) as p
        union all
        select o.n, o.outcome = 'refused', o.field, o.sentence from outcomes as o where o.sentence is not null
        union all
        select o.n, false, p.key, p.value
          from outcomes as o cross join lateral jsonb_each_text(o.notes) as p where o.outcome <> 'refused'
    )
    select jsonb_build_object(
        'entity', import_rows.entity,
        'received', coalesce(jsonb_array_length(v_rows), 0),
        'inserted', (select count(*) from outcomes as o where o.outcome = 'inserted'),
        'updated', (select count(*) from outcomes as o where o.outcome = 'updated'),
        'unchanged', (select count(*) from outcomes as o where o.outcome = 'unchanged'),
        'refused', (select count(*) from outcomes as o where o.outcome = 'refused'),
        'errors', (select coalesce(jsonb_agg(jsonb_build_object('row', s.n, 'field', s.field, 'sentence', s.sentence)
                                             order by s.n, s.field), '[]') from said as s where s.is_refused),
        'notes', (select coalesce(jsonb_agg(jsonb_build_object('row', s.n, 'field', s.field, 'sentence', s.sentence)
                                            order by s.n, s.field), '[]') from said as s where not s.is_refused),
        'ignored', (select coalesce(jsonb_agg(distinct left(c.key, 100)), '[]')
                      from jsonb_array_elements(import_rows.rows) as g
                     cross join lateral jsonb_object_keys(case jsonb_typeof(g.value) when 'object' then g.value else '{}' end) as c (key)
                     where replace(lower(btrim(c.key)), ' ', '_') <> all (v_headers)))
      into v_report;
    return v_report;
end;
$$;
comment on function app.import_rows(uuid, text, jsonb, boolean) is 'Rows of a file become rows of the organization; answers what became of them.';

-- app.import_good_rows: what becomes of rows that were read, by their kind.
-- rows: [{"n", "key", "row_id" (the row they were before), "fields"}]. Answers [{"n", "row_id", "outcome", "field", "sentence"}].
create or replace function app.import_good_rows(organization_id uuid, entity text, rows jsonb) returns jsonb
language plpgsql volatile set search_path = '' as $$
begin
    if rows is null then
        return '[]';
    end if;
    return case entity
        when 'leads' then app.import_leads(organization_id, rows)
        when 'events' then app.import_events(organization_id, rows)
        when 'post_call_forms' then app.import_forms(organization_id, rows)
        when 'payments' then app.import_payments(organization_id, rows)
        when 'refunds' then app.import_refunds(organization_id, rows)
        else app.import_lists(organization_id, entity, rows) end;
end;
$$;
comment on function app.import_good_rows(uuid, text, jsonb) is 'What becomes of rows that were read, by their kind.';

-- app.try_import: the same for rows from outside: what is no list of rows is refused, and a dry run leaves nothing behind.
-- Without sequential scans: whoever moves in fills empty tables, and triggers planned for empty tables read all of them per row.
-- Raises PT422.
create or replace function app.try_import(
    organization_id uuid, entity text, rows jsonb, is_dry_run boolean, is_lenient boolean default false
) returns jsonb
language plpgsql volatile set search_path = '' set enable_seqscan = off as $$
declare
    v_report jsonb;
begin
    if not exists (select from app.import_fields() as f where f.entity = try_import.entity) then
        raise exception using errcode = 'PT422', message = 'There is nothing of this kind to import.',
            detail = format('%s was given.', coalesce(quote_literal(left(try_import.entity, 40)), 'Nothing')),
            hint = 'Kinds are ' || (select string_agg(distinct f.entity, ', ') from app.import_fields() as f) || '.';
    elsif jsonb_typeof(try_import.rows) is distinct from 'array' then
        raise exception using errcode = 'PT422', message = 'Rows are a list of objects.',
            hint = 'Send [{"external_id": "1", "name": "YouTube"}], for example.';
    elsif jsonb_array_length(try_import.rows) > 5000 then
        raise exception using errcode = 'PT422', message = 'These are too many rows for one call.',
            detail = format('%s were given.', jsonb_array_length(try_import.rows)), hint = 'Send at most 5000 in one call.';
    end if;
    begin
        v_report := app.import_rows(try_import.organization_id, try_import.entity, try_import.rows, try_import.is_lenient);
        set constraints all immediate;
        if try_import.is_dry_run then
            raise exception using errcode = 'SDDRY', message = 'Nothing of this is kept.';
        end if;
    exception when sqlstate 'SDDRY' then
        null;
    end;
    return v_report || jsonb_build_object('dry_run', try_import.is_dry_run);
end;
$$;
comment on function app.try_import(uuid, text, jsonb, boolean, boolean) is 'Rows from outside become rows here, or are only tried.';
