-- What people decided about payments, kept true when calls change.

-- app.follow_call_by_hand: whoever attributed a payment by hand chose its call, not its people: they follow the call, unless
-- a person named them, too.
create or replace function app.follow_call_by_hand() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    perform app.credit_sale(p.organization_id, p.id), app.review_payment(p.organization_id, p.id)
       from app.payments as p
      where p.organization_id = new.organization_id and p.event_id = new.id and p.attribution_method = 'manual'
        and p.deleted_at is null;
    return null;
end;
$$;
comment on function app.follow_call_by_hand() is 'Payments that a person attributed to a call are credited to its people.';

create or replace trigger payments_by_hand_follow_changed_calls after update on app.events
    for each row when ((old.credited_closer_id, old.credited_setter_id, old.lead_id)
                       is distinct from (new.credited_closer_id, new.credited_setter_id, new.lead_id))
    execute function app.follow_call_by_hand();
