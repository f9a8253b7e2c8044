-- Messages beside calls, so that a lead's first contact may be either; and which part of the sales a metric is of.
-- depends: 0021_lean_audit

alter table app.setter_calls
    add column kind text not null default 'call',
    add constraint setter_calls_kind_is_known check (kind in ('call', 'sms'));
comment on table app.setter_calls is $$Single calls behind setter_activities, kept so that none counts twice, and text messages.$$;
comment on column app.setter_calls.kind is $$call or sms. Only calls are dials; either is a contact.$$;

alter table app.metric_catalog
    add column family text not null default 'calls',
    add constraint metric_catalog_family_is_known check (family in ('calls', 'cash', 'utilization', 'setters'));
comment on column app.metric_catalog.family is $$calls, cash, utilization or setters.$$;
