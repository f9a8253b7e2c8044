alter table app.leads
    drop column source_origin;
alter table app.events
    drop column inherits,
    drop column source_origin,
    drop column referrer;
drop table app.platform_bookings;
