alter table app.platform_bookings drop column followed_by_booking_id;
