-- Schedules follow their organization.
create or replace trigger organizations_have_their_schedules
    after insert on app.organizations
    for each row execute function app.keep_organization_schedules();
create or replace trigger organizations_move_their_schedules
    after update of timezone on app.organizations
    for each row when (old.timezone is distinct from new.timezone)
    execute function app.keep_organization_schedules();
