drop index app.payments_provider_subscription_idx;
alter table app.payments drop column carried cascade;
drop table app.payment_carriers;
