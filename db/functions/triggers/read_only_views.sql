-- Views that take no writes say so with 403 (401 without a token). Without a trigger the database finds that a view with a
-- join cannot be written before it looks at rights, and clients get a 500.

-- app.refuse_write: its argument, if any, is the remedy.
create or replace function app.refuse_write() returns trigger
language plpgsql volatile set search_path = '' as $$
begin
    raise exception using errcode = '42501', message = 'This view is only for reading.',
        hint = coalesce(tg_argv[0], 'Write to the view or call the function that its description names.');
end;
$$;
comment on function app.refuse_write() is 'Refuses to write to a view that is only for reading, and names the remedy.';

do $$
declare
    v_view text;
begin
    foreach v_view in array array[
        'api.integrations', 'api.webhook_connections', 'api.connection_health', 'api.duplicate_candidates',
        'analytics.events', 'analytics.bookings', 'analytics.post_call_forms', 'analytics.payments', 'analytics.payment_refunds',
        'analytics.payment_credits', 'analytics.cash_movements', 'analytics.cash_credits', 'analytics.deals',
        'analytics.leads', 'analytics.lead_touches', 'analytics.setter_activities', 'analytics.setter_calls', 'analytics.capacity_snapshots',
        'analytics.custom_field_values', 'analytics.data_freshness', 'analytics.daily_closer_activity',
        'analytics.daily_setter_activity']
    loop
        execute format('create or replace trigger refuses_writes instead of insert or update or delete on %s'
                       ' for each row execute function app.refuse_write()', v_view::regclass);
    end loop;
end;
$$;

-- Money, deals and identities are written by functions, and clients that write the rows directly are told by which. The grant
-- lets the statement come as far as the trigger; the one for the statement refuses it when it would touch no row, too.
do $$
declare
    v_view record;
begin
    for v_view in
        select v.name, v.remedy
          from (values
                ('api.payments', 'Call rpc/record_payment, rpc/attribute_payment, rpc/confirm_claim or rpc/reject_claim.'),
                ('api.payment_refunds', 'Call rpc/record_refund.'),
                ('api.payment_credits', 'Call rpc/set_payment_credits.'),
                ('api.deals', 'Call rpc/create_deal or rpc/void_deal.'),
                ('api.deal_installments', 'Call rpc/create_deal or rpc/void_deal.'),
                ('api.lead_identities', 'Call rpc/add_lead_identity or rpc/remove_lead_identity.'),
                ('api.lead_merges', 'Call rpc/merge_leads or rpc/unmerge_leads.')
               ) as v (name, remedy)
    loop
        execute format('create or replace trigger refuses_writes instead of insert or update or delete on %s'
                       ' for each row execute function app.refuse_write(%L)', v_view.name::regclass, v_view.remedy);
        execute format('create or replace trigger refuses_statements before insert or update or delete on %s'
                       ' for each statement execute function app.refuse_write(%L)', v_view.name::regclass, v_view.remedy);
        execute format('grant insert, update, delete on %s to authenticated, org_admin, super_admin', v_view.name::regclass);
    end loop;
end;
$$;
