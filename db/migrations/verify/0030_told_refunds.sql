select superseded_by_id from app.payment_refunds where false;
