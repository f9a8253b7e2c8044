-- With the functions that were made on it; the release that is gone back to makes its own.
alter table app.platform_bookings drop column followed_by_booking_id cascade;
