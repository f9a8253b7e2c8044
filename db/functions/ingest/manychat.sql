-- What ManyChat tells us: contacts that reach a step of a flow, in whatever words the flow's builder chose.
-- Internal: nobody but the owner may call these; ingest.record_deliveries does.

-- ingest.manychat_field: the first of these fields that says something, of the body itself before its custom fields.
-- Values come as text or numbers; empty ones are unset, and so is what is too long to be what its name says.
create or replace function ingest.manychat_field(body jsonb, variadic names text[]) returns text
language sql immutable
begin atomic
    select f.value
      from (select i.place, n.position, nullif(btrim(i.fields ->> n.name), '') as value
              from (values (1, manychat_field.body), (2, app.json_object(manychat_field.body -> 'custom_fields'))) as i (place, fields)
             cross join unnest(manychat_field.names) with ordinality as n (name, position)
             where jsonb_typeof(i.fields -> n.name) in ('string', 'number')) as f
     where length(f.value) <= 500
     order by f.place, f.position
     limit 1;
end;
comment on function ingest.manychat_field(jsonb, text[]) is 'The first of these fields of a contact that says something.';

-- ingest.manychat_envelope: ManyChat gives its calls neither id nor time. An event_id that the flow sends makes one, together
-- with the contact; else the whole body does, so that only what says nothing new is a duplicate.
create or replace function ingest.manychat_envelope(
    body jsonb, out id text, out event_type text, out occurred_at timestamptz, out livemode boolean
) returns record
language plpgsql immutable set search_path = '' as $$
declare
    v_event constant text := ingest.manychat_field(body - 'custom_fields', 'event_id');
    v_known constant text := case when v_event is null then body::text
        else concat_ws('/', ingest.manychat_field(body - 'custom_fields', 'subscriber_id', 'contact_id', 'id'), v_event) end;
begin
    id := case when v_event is not null and length(v_known) <= 200 then v_known
               else encode(sha256(convert_to(v_known, 'UTF8')), 'hex') end;
    event_type := coalesce(left(ingest.manychat_field(body - 'custom_fields', 'event'), 100), 'contact');
    occurred_at := coalesce(app.json_instant(body -> 'occurred_at'), app.json_instant(body -> 'sent_at'),
                            app.json_instant(body -> 'last_interaction'));
    livemode := true;
end;
$$;
comment on function ingest.manychat_envelope(jsonb) is 'What a call of ManyChat says about itself.';

-- ingest.manychat_details: what else a contact says, as it is kept with the touch. A contact that says more than 16 kB is cut to
-- the step and the setter: masking takes time with the number of fields, and the inbox has the rest.
create or replace function ingest.manychat_details(body jsonb) returns jsonb
language sql stable
begin atomic
    select case when octet_length(manychat_details.body::text) <= 16384
        then app.mask_body(jsonb_strip_nulls(manychat_details.body - array[
            'event_id', 'email', 'phone', 'whatsapp_phone', 'full_name', 'name', 'first_name', 'last_name', 'profile_pic',
            'utm_source', 'utm_medium', 'utm_campaign', 'utm_term', 'utm_content']))
        else jsonb_strip_nulls(jsonb_build_object(
            'event', ingest.manychat_field(manychat_details.body, 'event'),
            'setter', ingest.manychat_field(manychat_details.body, 'setter', 'setter_name'))) end;
end;
comment on function ingest.manychat_details(jsonb) is 'What else a contact says, as it is kept with the touch.';

-- ingest.process_manychat: the contact is a lead, reaching the step a touch of it, and a setter that is named its setter.
-- Guarantees: one touch for each event; the lead's current setter is the one whom its latest touch names.
-- Raises PT422 for a contact that is nobody, or several leads.
create or replace function ingest.process_manychat(
    organization_id uuid, connection_id uuid, provider_account text, livemode boolean, body jsonb,
    out status text, out steps jsonb, out lead_id uuid, out event_id uuid, out payment_id uuid
) returns record
language plpgsql volatile set search_path = '' as $$
declare
    v_envelope   constant record := ingest.manychat_envelope(body);
    v_account    constant text := nullif(provider_account, '');
    -- When it first came, where the flow does not say.
    v_occurred   constant timestamptz := least(now(), coalesce(v_envelope.occurred_at, (
        select k.received_at from app.webhook_event_keys as k
         where k.organization_id = process_manychat.organization_id and k.connection_id = process_manychat.connection_id
           and k.provider_event_id = v_envelope.id)));
    v_email      text := ingest.manychat_field(body, 'email');
    v_phone      constant text := ingest.manychat_field(body, 'phone', 'whatsapp_phone');
    -- Ids of contacts are ManyChat's per account.
    v_identities constant jsonb := jsonb_build_object('manychat_subscriber', coalesce(v_account || ':', '')
        || ingest.manychat_field(body - 'custom_fields', 'subscriber_id', 'contact_id', 'id'));
    v_setter     constant text := ingest.manychat_field(body, 'setter', 'setter_name');
    v_leads      uuid[];
    v_touch_id   uuid;
    v_setter_id  uuid;
begin
    status := 'processed';
    steps := '[]';
    if body ? 'unreadable_body' and body - 'unreadable_body' = '{}' then
        perform app.record_exception(
            organization_id, 'unreadable_delivery', connection_id::text, 'warning', 'webhook_connections', array[connection_id],
            'ManyChat sent a contact that is no JSON object; nobody was recorded.',
            'Put each variable of the External Request into quotes, and leave out texts that contacts type themselves.');
        status := 'ignored';
        steps := jsonb_build_array(app.step('contact', 'ignored', 'the body is no JSON object'));
        return;
    end if;

    if v_email !~ '^[^@[:space:]]+@[^@[:space:]]+\.[^@[:space:]]+$' then
        v_email := null;
    end if;
    lead_id := app.identify_lead(
        organization_id, v_email, v_phone,
        coalesce(ingest.manychat_field(body, 'full_name', 'name'),
                 nullif(concat_ws(' ', ingest.manychat_field(body, 'first_name'), ingest.manychat_field(body, 'last_name')), '')),
        v_identities);
    if lead_id is null then
        v_leads := app.leads_of_identities(organization_id, v_email, v_phone, v_identities);
        if cardinality(v_leads) > 1 then
            raise exception using errcode = 'PT422', message = 'The contact fits more than one lead.',
                detail = format('Leads %s.', array_to_string(v_leads, ', ')),
                hint = 'Merge the leads, then replay the delivery.';
        end if;
        raise exception using errcode = 'PT422', message = 'The contact has no id, e-mail or phone.',
            hint = 'Send subscriber_id with the External Request.';
    end if;

    insert into app.lead_touches as t (
        organization_id, lead_id, channel, occurred_at, utm_source, utm_medium, utm_campaign, utm_term, utm_content,
        external_id, details)
    values (
        process_manychat.organization_id, process_manychat.lead_id, 'manychat', v_occurred,
        ingest.manychat_field(body, 'utm_source'), ingest.manychat_field(body, 'utm_medium'),
        ingest.manychat_field(body, 'utm_campaign'), ingest.manychat_field(body, 'utm_term'),
        ingest.manychat_field(body, 'utm_content'), concat_ws(':', v_account, v_envelope.id),
        ingest.manychat_details(body))
    on conflict on constraint lead_touches_external_id_key do nothing
    returning t.id into v_touch_id;
    steps := steps || app.step('lead', 'lead ' || lead_id, 'it is known by the e-mail, phone or id of the contact')
                   || app.step('touch', coalesce('touch ' || v_touch_id, 'known'), 'a contact reached a step of a flow');

    if v_setter is not null then
        v_setter_id := app.named_setter(organization_id, v_setter, 'leads', lead_id);
        perform ingest.teach_setter(organization_id, lead_id, v_setter_id, v_setter, v_occurred);
        steps := steps || app.step('setter', coalesce('setter ' || v_setter_id, 'unknown'), 'the flow names one');
    end if;
end;
$$;
comment on function ingest.process_manychat(uuid, uuid, text, boolean, jsonb) is 'Carry out one verified call of ManyChat.';

-- ingest.teach_setter: what a lead learns from a chat that names its setter (app.learn_setter). A name that fits nobody stays as the
-- text of a lead without a first setter. at: when the chat named it.
create or replace function ingest.teach_setter(organization_id uuid, lead_id uuid, setter_id uuid, setter_name text, at timestamptz)
returns void
language plpgsql volatile set search_path = '' as $$
begin
    if setter_id is not null then
        perform app.learn_setter(organization_id, lead_id, at);
        return;
    end if;
    update app.leads as l set original_setter_name = left(teach_setter.setter_name, 200)
     where l.organization_id = teach_setter.organization_id and l.id = teach_setter.lead_id
       and l.original_setter_id is null and l.original_setter_name is null;
end;
$$;
comment on function ingest.teach_setter(uuid, uuid, uuid, text, timestamptz) is 'Setter of a lead, from a chat that names it.';
