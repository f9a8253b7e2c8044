-- Which booking takes a booking's place, as the one that is replaced tells it.
-- depends: 0021_lean_audit

alter table app.platform_bookings add column followed_by_booking_id text;
create index platform_bookings_followed_by_booking_id_idx
    on app.platform_bookings (organization_id, provider, followed_by_booking_id) where followed_by_booking_id is not null;
comment on column app.platform_bookings.followed_by_booking_id is $$The booking that takes its place, whether it has arrived or not.$$;
