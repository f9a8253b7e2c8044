select organization_id, event_id, provider, booking_id, told_at, hosts, follows_booking_id, rescheduled_at, canceled_at, canceled_by,
       cancel_reason, no_show_marked_at, no_show_withdrawn_at
  from app.platform_bookings where false;
select referrer, source_origin, inherits from app.events where false;
select source_origin from app.leads where false;
