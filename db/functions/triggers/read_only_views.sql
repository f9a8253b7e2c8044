-- Views that take no writes say so with 403 (401 without a token). Without a trigger the database finds that a view with a
-- join cannot be written before it looks at rights, and clients get a 500.

create or replace function app.refuse_write() returns trigger
language plpgsql volatile set search_path = '' as $$
begin
    raise exception using errcode = '42501', message = 'This view is only for reading.',
        hint = 'Write to the view or call the function that its description names.';
end;
$$;
comment on function app.refuse_write() is 'Refuses to write to a view that is only for reading.';

do $$
declare
    v_view text;
begin
    foreach v_view in array array[
        'api.integrations', 'api.webhook_connections', 'analytics.events', 'analytics.post_call_forms', 'analytics.payments',
        'analytics.payment_refunds', 'analytics.payment_credits', 'analytics.deals', 'analytics.leads']
    loop
        execute format('create or replace trigger refuses_writes instead of insert or update or delete on %s'
                       ' for each row execute function app.refuse_write()', v_view::regclass);
    end loop;
end;
$$;
