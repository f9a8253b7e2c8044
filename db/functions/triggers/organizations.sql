-- What rests on the settings of an organization follows them.

-- app.follow_timezone: days are computed from instants wherever they are read; what was counted by day, or waits for the rate of
-- a day, is looked at again. Amounts that were converted stay: the rate of their day was frozen.
create or replace function app.follow_timezone() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
begin
    perform app.restate_setter_days(new.id);
    perform app.convert_waiting_payments(new.id), app.convert_waiting_deals(new.id);
    return null;
end;
$$;
comment on function app.follow_timezone() is 'What is counted by local day follows the zone of the organization.';
create or replace trigger restates_days_of_changed_zones
    after update of timezone on app.organizations
    for each row when (old.timezone is distinct from new.timezone)
    execute function app.follow_timezone();
