-- The newest calls of a closer: the index that orders them says which rows cannot be theirs, and those are not fetched
-- (docs/decisions/tenancy.md). Without the id, by which calls of one moment are told apart: planners take the smaller index.
-- depends: 0021_lean_audit

create index events_newest_idx on app.events (
    organization_id, scheduled_at desc, least(closer_id, credited_closer_id), greatest(closer_id, credited_closer_id));
drop index app.events_scheduled_at_idx;
