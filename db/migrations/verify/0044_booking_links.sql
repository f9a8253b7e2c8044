select followed_by_booking_id from app.platform_bookings where false;
