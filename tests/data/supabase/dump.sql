--
-- PostgreSQL database dump
--

SET client_encoding = 'UTF8';

--
-- Data for Name: users; Type: TABLE DATA; Schema: auth; Owner: postgres
--

COPY auth.users (id, email, encrypted_password, raw_user_meta_data) FROM stdin;
d3de9a05-c64a-5c94-9c69-a2ac1e03f513	olga@acme.test	$2a$10$not.a.real.hash	{}
a6623a58-5d24-5727-bbae-abe63f70bd7a	dana@acme.test	$2a$10$not.a.real.hash	{}
4d085d22-ab61-5b09-96f1-5f54cd6e31f5	bob@beta.test	\N	{}
\.

--
-- Data for Name: audit_logs; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.audit_logs (id, organization_id, table_name, action, old_data, new_data, created_at) FROM stdin;
353e4358-a064-545a-bb93-d39903005ea6	3a12c25d-46dd-5c1b-ae8b-37bdfa8479b5	events	INSERT	\N	{"note":"a\tb"}	2026-01-01 09:00:00+00
\.

--
-- Data for Name: calendly_webhook_audit; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.calendly_webhook_audit (id, organization_id, payload, created_at) FROM stdin;
46be37bf-25ac-53c9-ae20-e36bc340da6b	3a12c25d-46dd-5c1b-ae8b-37bdfa8479b5	{"event": "invitee.created"}	2026-01-01 09:00:00+00
\.

--
-- Data for Name: call_outcomes; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.call_outcomes (id, organization_id, name, created_at) FROM stdin;
3270f36d-93f4-538a-b671-23da5a1b4c5d	3a12c25d-46dd-5c1b-ae8b-37bdfa8479b5	Nobody says what this means	2026-01-01 09:00:00+00
\.

--
-- Data for Name: call_types; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.call_types (id, organization_id, name, created_at) FROM stdin;
3a94e142-6f86-55e3-8747-866dbed5aa84	3a12c25d-46dd-5c1b-ae8b-37bdfa8479b5	Strategy call	2026-01-01 09:00:00+00
e1d8cd9a-65c3-5b7b-b576-81636871e5ed	74b1a45f-4210-53b4-8c48-2abb59ced963	Strategy call	2026-01-01 09:00:00+00
\.

--
-- Data for Name: closer_access_tokens; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.closer_access_tokens (id, organization_id, closer_id, token, expires_at) FROM stdin;
70a83c6e-cbe5-5775-b3d6-fdc9be70769c	3a12c25d-46dd-5c1b-ae8b-37bdfa8479b5	8cbd10e5-c318-5305-be33-7f7a78dcb526	not-a-real-token	2026-01-01 09:00:00+00
\.

--
-- Data for Name: closers; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.closers (id, organization_id, name, email, profile_id, is_active, created_at) FROM stdin;
8cbd10e5-c318-5305-be33-7f7a78dcb526	3a12c25d-46dd-5c1b-ae8b-37bdfa8479b5	Dana Diaz	dana@acme.test	a6623a58-5d24-5727-bbae-abe63f70bd7a	t	2026-01-01 09:00:00+00
6b77085b-d1be-5e8d-901a-cc02c5a51a2d	3a12c25d-46dd-5c1b-ae8b-37bdfa8479b5	Eli East	\N	\N	f	2026-01-01 09:00:00+00
f9290cbf-b396-53b7-ac45-59ecc0d20907	74b1a45f-4210-53b4-8c48-2abb59ced963	Bob	bob@beta.test	4d085d22-ab61-5b09-96f1-5f54cd6e31f5	t	2026-01-01 09:00:00+00
\.

--
-- Data for Name: custom_field_definitions; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.custom_field_definitions (id, organization_id, name, entity_type, field_type, is_active, min_value, max_value) FROM stdin;
cfbbd0ff-f1f0-5797-bdbb-ca7f06edf1d7	3a12c25d-46dd-5c1b-ae8b-37bdfa8479b5	budget	\N	\N	t	\N	\N
1365dad1-3da3-5a75-838c-bdb4bc89a745	3a12c25d-46dd-5c1b-ae8b-37bdfa8479b5	Call Score	events	integer	t	1	10
3a35e23f-3b82-5b52-8ebc-4b70a0dfa756	3a12c25d-46dd-5c1b-ae8b-37bdfa8479b5	Signed	payment	checkbox	f	\N	\N
e6867abd-c1c7-5437-b5fe-567aa83070a3	3a12c25d-46dd-5c1b-ae8b-37bdfa8479b5	Nowhere	\N	text	t	\N	\N
5c023da7-e974-561b-b6a7-ba67db33a193	3a12c25d-46dd-5c1b-ae8b-37bdfa8479b5	Budget	leads	select	t	\N	\N
\.

--
-- Data for Name: custom_field_options; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.custom_field_options (id, definition_id, value, is_active) FROM stdin;
68d7c2db-244a-5e9f-8dd6-ee26afa90c7c	cfbbd0ff-f1f0-5797-bdbb-ca7f06edf1d7	high	t
625cf09b-7a98-51ce-bfa8-9e29390cc4c8	cfbbd0ff-f1f0-5797-bdbb-ca7f06edf1d7	low	f
f5bd9f90-c209-5244-962a-14e6afae30fd	1365dad1-3da3-5a75-838c-bdb4bc89a745	seven	t
\.

--
-- Data for Name: custom_field_values; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.custom_field_values (id, definition_id, record_id, value) FROM stdin;
ffea93f3-af36-5d54-a878-cb7fdffa2af3	cfbbd0ff-f1f0-5797-bdbb-ca7f06edf1d7	b7d54f3f-df11-5f1e-93e8-4a3948efa035	High
f6e98c0e-b291-54e6-adcb-20b2cabce8a3	cfbbd0ff-f1f0-5797-bdbb-ca7f06edf1d7	964a32e5-285f-5342-87c7-8aee5295e6b8	"low"
f06ef86f-e7f4-5fef-9508-7545e937d863	cfbbd0ff-f1f0-5797-bdbb-ca7f06edf1d7	b8fc8147-141c-502d-9254-c2dd55e30e94	low
384150eb-106b-5a30-afe7-bf3535738796	cfbbd0ff-f1f0-5797-bdbb-ca7f06edf1d7	964a32e5-285f-5342-87c7-8aee5295e6b8	\N
3b051963-42ab-519f-9503-c0a4b2616f8a	1365dad1-3da3-5a75-838c-bdb4bc89a745	da2c628b-9de1-5a23-9815-31f99e864e8e	7
fedbc9be-c0bf-55a9-b2f6-e28b4a2b6a3a	1365dad1-3da3-5a75-838c-bdb4bc89a745	cd2591cc-86f4-5cdc-b5e2-e54be4b57dbd	11
b1c48e66-b5bd-5998-aa59-38aec7f6a95b	1365dad1-3da3-5a75-838c-bdb4bc89a745	bba0e4a1-796a-52d9-8d4d-03b6597e8ae6	a lot
72d08350-7f30-52cc-95b8-19fa7643bfa1	1365dad1-3da3-5a75-838c-bdb4bc89a745	3523cd61-678d-5f0b-a6c6-eba62e34cfc6	5
44c7c4a6-2074-5d15-99bc-80b8f4d26772	3a35e23f-3b82-5b52-8ebc-4b70a0dfa756	47909931-faba-58d0-adde-63a2322a6d29	t
\.

--
-- Data for Name: dashboard_layouts; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.dashboard_layouts (id, organization_id, user_id, layout) FROM stdin;
6c12f8e3-d6b9-581c-bdd9-3d2410a8d009	3a12c25d-46dd-5c1b-ae8b-37bdfa8479b5	d3de9a05-c64a-5c94-9c69-a2ac1e03f513	{}
19c33a91-760c-53d9-8cab-6d8a58550906	3a12c25d-46dd-5c1b-ae8b-37bdfa8479b5	a6623a58-5d24-5727-bbae-abe63f70bd7a	{"widgets": [{"type": "number", "metric": "close_rate", "position": {"x": 0, "y": 0, "width": 3, "height": 2}}]}
6a719b30-fecd-5983-93cd-f75abb0bec4e	3a12c25d-46dd-5c1b-ae8b-37bdfa8479b5	044f5064-a7f2-5d15-9993-173d1e7c9fdb	{"widgets": []}
\.

--
-- Data for Name: events; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.events (id, organization_id, lead_id, lead_name, lead_email, closer_id, closer_name, setter_id, setter_name, source_id, traffic_type_id, call_type_id, scheduled_at, booked_at, call_status, event_outcome, pcf_submitted, calendly_invitee_uuid, ghl_contact_id, hubspot_contact_id, created_at) FROM stdin;
da2c628b-9de1-5a23-9815-31f99e864e8e	3a12c25d-46dd-5c1b-ae8b-37bdfa8479b5	b7d54f3f-df11-5f1e-93e8-4a3948efa035	\N	lee@lead.test	8cbd10e5-c318-5305-be33-7f7a78dcb526	\N	37f5e5d3-5d42-59d0-9b13-40c3f3f5de5c	\N	\N	\N	3a94e142-6f86-55e3-8747-866dbed5aa84	2026-01-09 19:00:00+00	2026-01-05 14:00:00+00	completed	closed	t	inv-1	\N	\N	2026-01-05 14:00:01+00
cd2591cc-86f4-5cdc-b5e2-e54be4b57dbd	3a12c25d-46dd-5c1b-ae8b-37bdfa8479b5	b7d54f3f-df11-5f1e-93e8-4a3948efa035	\N	lee@lead.test	8cbd10e5-c318-5305-be33-7f7a78dcb526	\N	37f5e5d3-5d42-59d0-9b13-40c3f3f5de5c	\N	\N	\N	3a94e142-6f86-55e3-8747-866dbed5aa84	2026-01-12 19:00:00+00	2026-01-05 14:00:00+00	completed	\N	t	\N	\N	\N	2026-01-05 14:00:01+00
36d1864c-a20a-5174-b675-a2a2997b2655	3a12c25d-46dd-5c1b-ae8b-37bdfa8479b5	964a32e5-285f-5342-87c7-8aee5295e6b8	\N	kim@lead.test	8cbd10e5-c318-5305-be33-7f7a78dcb526	\N	37f5e5d3-5d42-59d0-9b13-40c3f3f5de5c	\N	\N	\N	3a94e142-6f86-55e3-8747-866dbed5aa84	2026-01-13 19:00:00+00	2026-01-05 14:00:00+00	canceled	showed	f	\N	\N	\N	2026-01-05 14:00:01+00
52d5616f-1ee4-5f60-9c97-7bcdff0329e2	3a12c25d-46dd-5c1b-ae8b-37bdfa8479b5	964a32e5-285f-5342-87c7-8aee5295e6b8	\N	kim@lead.test	8cbd10e5-c318-5305-be33-7f7a78dcb526	\N	37f5e5d3-5d42-59d0-9b13-40c3f3f5de5c	\N	\N	\N	3a94e142-6f86-55e3-8747-866dbed5aa84	2026-01-14 19:00:00+00	2026-01-05 14:00:00+00	scheduled	no_show	f	\N	\N	\N	2026-01-05 14:00:01+00
bba0e4a1-796a-52d9-8d4d-03b6597e8ae6	3a12c25d-46dd-5c1b-ae8b-37bdfa8479b5	da64eae7-015f-5af7-8a4f-58937bbfb4d9	\N	pat@lead.test	63c41b24-5a98-57c7-9424-02fed6f3130f	\N	37f5e5d3-5d42-59d0-9b13-40c3f3f5de5c	\N	\N	\N	3a94e142-6f86-55e3-8747-866dbed5aa84	2026-01-15 19:00:00+00	\N	scheduled	\N	f	\N	\N	\N	2026-01-05 14:00:01+00
924c2f58-2c10-5216-9b57-4801057cf209	3a12c25d-46dd-5c1b-ae8b-37bdfa8479b5	964a32e5-285f-5342-87c7-8aee5295e6b8	\N	kim@lead.test	8cbd10e5-c318-5305-be33-7f7a78dcb526	\N	37f5e5d3-5d42-59d0-9b13-40c3f3f5de5c	\N	\N	\N	3a94e142-6f86-55e3-8747-866dbed5aa84	2026-01-16 19:00:00+00	2026-01-05 14:00:00+00	rescheduled	\N	f	\N	\N	\N	2026-01-05 14:00:01+00
d05dcb2c-1ee1-5889-a47e-bc10ca0f74f1	3a12c25d-46dd-5c1b-ae8b-37bdfa8479b5	964a32e5-285f-5342-87c7-8aee5295e6b8	\N	kim@lead.test	8cbd10e5-c318-5305-be33-7f7a78dcb526	\N	37f5e5d3-5d42-59d0-9b13-40c3f3f5de5c	\N	\N	\N	3a94e142-6f86-55e3-8747-866dbed5aa84	2026-01-31 15:00:00+00	2026-01-05 14:00:00+00	no_show	no_show	t	\N	\N	\N	2026-01-05 14:00:01+00
59e08f91-4f09-5b0d-81bd-646a6071ca0d	74b1a45f-4210-53b4-8c48-2abb59ced963	7867d8d5-3a81-58fb-b830-3e5593ce99d9	\N	lee@lead.test	f9290cbf-b396-53b7-ac45-59ecc0d20907	\N	\N	\N	\N	\N	\N	2026-01-09 19:00:00+00	2026-01-05 14:00:00+00	completed	showed_offer	t	\N	\N	\N	2026-01-05 14:00:01+00
\.

--
-- Data for Name: form_configs; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.form_configs (id, organization_id, form_type, fields) FROM stdin;
e37eb4ed-1ff2-514d-9f75-c7f376d3304e	3a12c25d-46dd-5c1b-ae8b-37bdfa8479b5	post_call_form	[{"name": "custom_field", "type": "select", "options": ["a"]}, {"key": "Budget Range", "type": "dropdown", "choices": [{"value": "high", "label": "High", "color": "red"}, 5], "required": "yes"}, {"name": "mood", "type": "slider"}, {"name": "cash_collected", "type": "number", "required": true, "defaultValue": 0}, {"name": "objection", "type": "textarea", "required": true, "showIf": {"field": "nowhere", "equals": 1}}, {"name": "budget_range", "type": "text"}, "oops"]
dd3e1e45-20c9-56df-be90-9d431fdcefd2	74b1a45f-4210-53b4-8c48-2abb59ced963	application	[]
\.

--
-- Data for Name: integrations; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.integrations (id, organization_id, type, is_active, config) FROM stdin;
9549d488-36a5-5df1-868c-037bf43feeba	3a12c25d-46dd-5c1b-ae8b-37bdfa8479b5	calendly	t	{"api_key": "not-a-real-key"}
99b3d208-372a-5561-be5a-dc741323d1bd	3a12c25d-46dd-5c1b-ae8b-37bdfa8479b5	whop	f	\N
7d0feefc-8fc1-596a-8a8e-b3948cfcb21a	74b1a45f-4210-53b4-8c48-2abb59ced963	close	t	\N
04a51ee2-c4ad-50f0-847e-5805bf2053f0	74b1a45f-4210-53b4-8c48-2abb59ced963	hubspot	t	\N
\.

--
-- Data for Name: invitations; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.invitations (id, organization_id, email, token, role, expires_at, accepted_at) FROM stdin;
063dc9a7-6e2f-5001-bcc7-0c337c98bb3b	3a12c25d-46dd-5c1b-ae8b-37bdfa8479b5	new@acme.test	not-a-real-token	member	2026-01-01 09:00:00+00	\N
73582938-0a28-5de5-b1a4-2cb9f8818993	3a12c25d-46dd-5c1b-ae8b-37bdfa8479b5	dana@acme.test	not-a-real-token	member	2026-01-01 09:00:00+00	2025-12-28 09:00:00+00
fe339536-c2a0-549f-b413-6b8c82914ab7	3a12c25d-46dd-5c1b-ae8b-37bdfa8479b5	olga@acme.test	not-a-real-token	member	2026-01-01 09:00:00+00	\N
c2907e22-a5e0-5c67-9756-792fa1867255	3a12c25d-46dd-5c1b-ae8b-37bdfa8479b5	nobody	not-a-real-token	boss	2026-01-01 09:00:00+00	\N
\.

--
-- Data for Name: leads; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.leads (id, organization_id, full_name, email, phone, source_id, original_setter_name, current_setter_name, created_at) FROM stdin;
b7d54f3f-df11-5f1e-93e8-4a3948efa035	3a12c25d-46dd-5c1b-ae8b-37bdfa8479b5	Lee Park	lee@lead.test	+1 555 010 9999	a9a6b124-02b3-539d-9281-5f6dfaeeb50e	Sam Soto	Sam Soto	2026-01-01 09:00:00+00
964a32e5-285f-5342-87c7-8aee5295e6b8	3a12c25d-46dd-5c1b-ae8b-37bdfa8479b5	Kim\tKo	kim@lead.test	1 (555) 010-9999	\N	Nobody Known	\N	2026-01-01 09:00:00+00
b8fc8147-141c-502d-9254-c2dd55e30e94	3a12c25d-46dd-5c1b-ae8b-37bdfa8479b5	Lee P.	LEE@lead.test	\N	\N	\N	\N	2026-01-01 09:00:00+00
7867d8d5-3a81-58fb-b830-3e5593ce99d9	74b1a45f-4210-53b4-8c48-2abb59ced963	Lee Park	lee@lead.test	\N	\N	\N	\N	2026-01-01 09:00:00+00
\.

--
-- Data for Name: metric_definitions; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.metric_definitions (id, organization_id, name, expression, unit) FROM stdin;
e9a2dacb-c267-58a3-b119-c2b81d12f2cb	3a12c25d-46dd-5c1b-ae8b-37bdfa8479b5	custom	shows / booked	percentage
65b35264-2a0d-500b-91d9-9c94438374a5	3a12c25d-46dd-5c1b-ae8b-37bdfa8479b5	Shows per Booking	{"op": "divide", "args": [{"metric": "shows"}, {"metric": "booked_calls"}]}	percentage
7d2f4c10-53a6-5b0e-8f6c-0d5b1a1f9e42	3a12c25d-46dd-5c1b-ae8b-37bdfa8479b5	other shape	{"divide": ["shows", "booked_calls"]}	percentage
\.

--
-- Data for Name: opportunity_statuses; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.opportunity_statuses (id, organization_id, name) FROM stdin;
9f511123-5592-5269-9fa2-bd8057456851	3a12c25d-46dd-5c1b-ae8b-37bdfa8479b5	Nurture
\.

--
-- Data for Name: organization_integrations; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.organization_integrations (id, organization_id, primary_crm, primary_booking_platform, calendly_api_key_encrypted, ghl_location_id, stripe_publishable_key) FROM stdin;
738eb315-d46e-52d7-8aa1-02e3ee903da5	3a12c25d-46dd-5c1b-ae8b-37bdfa8479b5	ghl	\N	c2VhbGVk	loc_1	sk_live_not_real
\.

--
-- Data for Name: organization_members; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.organization_members (id, organization_id, user_id, role) FROM stdin;
887cf86a-b817-5073-96b7-5e477a9b31a4	3a12c25d-46dd-5c1b-ae8b-37bdfa8479b5	d3de9a05-c64a-5c94-9c69-a2ac1e03f513	owner
d76e4639-cfcb-5f0c-b721-9facb3cfc3ee	3a12c25d-46dd-5c1b-ae8b-37bdfa8479b5	a6623a58-5d24-5727-bbae-abe63f70bd7a	member
d2345ed4-2aca-5767-b1ea-86bd55be76f0	74b1a45f-4210-53b4-8c48-2abb59ced963	4d085d22-ab61-5b09-96f1-5f54cd6e31f5	owner
5927f186-0ceb-5fa9-9769-70d32b0109bb	3a12c25d-46dd-5c1b-ae8b-37bdfa8479b5	312a0a34-26a7-5d0d-af93-ac49cecc66f8	member
\.

--
-- Data for Name: organizations; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.organizations (id, name, slug, created_at) FROM stdin;
3a12c25d-46dd-5c1b-ae8b-37bdfa8479b5	Acme Coaching	acme-coaching	2026-01-01 09:00:00+00
74b1a45f-4210-53b4-8c48-2abb59ced963	Beta	\N	2026-01-01 09:00:00+00
\.

--
-- Data for Name: packages; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.packages (id, organization_id, name, price) FROM stdin;
9a78c91f-9b67-571f-a8ca-40e1b1bd1d0f	3a12c25d-46dd-5c1b-ae8b-37bdfa8479b5	Mentoring	3000
\.

--
-- Data for Name: payments; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.payments (id, organization_id, amount, refund_amount, net_revenue, payment_date, event_id, closer_id, setter_id, source_id, package_id, whop_connection_id, customer_email, payment_type, deal_type) FROM stdin;
47909931-faba-58d0-adde-63a2322a6d29	3a12c25d-46dd-5c1b-ae8b-37bdfa8479b5	3000.00	500.00	2500.00	2026-01-09 19:30:00+00	da2c628b-9de1-5a23-9815-31f99e864e8e	8cbd10e5-c318-5305-be33-7f7a78dcb526	37f5e5d3-5d42-59d0-9b13-40c3f3f5de5c	a9a6b124-02b3-539d-9281-5f6dfaeeb50e	9a78c91f-9b67-571f-a8ca-40e1b1bd1d0f	ae7dcd5a-257f-57b9-8390-9ab20525bb4e	lee@lead.test	pif	new_deal
f6919275-f373-5af6-9a90-d5cfbc2dd3e2	3a12c25d-46dd-5c1b-ae8b-37bdfa8479b5	250	0	250	2026-01-31 15:00:00+00	5150bd63-6a57-545c-a973-99295928578e	\N	\N	\N	\N	\N	nobody@lead.test	subscription	\N
54705b19-d301-5087-beef-79c6d5168be3	3a12c25d-46dd-5c1b-ae8b-37bdfa8479b5	100.00	150.00	-50.00	2026-01-20 10:00:00+00	\N	6b77085b-d1be-5e8d-901a-cc02c5a51a2d	\N	\N	\N	\N	kim@lead.test	\N	\N
414fb61a-8534-5f9f-8af7-bf4c2791420b	3a12c25d-46dd-5c1b-ae8b-37bdfa8479b5	0.00	0	0	2026-01-20 10:00:00+00	\N	\N	\N	\N	\N	\N	\N	\N	\N
97976b3b-a54c-5c8b-a6a0-8cfd031d3dac	74b1a45f-4210-53b4-8c48-2abb59ced963	900.00	0	900.00	2026-01-10 10:00:00+00	59e08f91-4f09-5b0d-81bd-646a6071ca0d	f9290cbf-b396-53b7-ac45-59ecc0d20907	\N	\N	\N	\N	lee@lead.test	payment_plan	new_deal
\.

--
-- Data for Name: payout_snapshot_details; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.payout_snapshot_details (id, snapshot_id, payment_id, amount) FROM stdin;
7de1ac0c-7d97-5df8-9512-01247bd70ad9	3b458934-ef72-5d6d-8421-4225260fa1cf	47909931-faba-58d0-adde-63a2322a6d29	3000.00
102aaacf-c179-5a16-b59e-644803cdaac9	3b458934-ef72-5d6d-8421-4225260fa1cf	47909931-faba-58d0-adde-63a2322a6d29	-500.00
\.

--
-- Data for Name: payout_snapshot_summaries; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.payout_snapshot_summaries (id, snapshot_id, entity, total) FROM stdin;
cd90722f-7cca-53c6-8e03-62888e84a512	3b458934-ef72-5d6d-8421-4225260fa1cf	closer	3000.00
\.

--
-- Data for Name: payout_snapshots; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.payout_snapshots (id, organization_id, name, period_start, period_end) FROM stdin;
3b458934-ef72-5d6d-8421-4225260fa1cf	3a12c25d-46dd-5c1b-ae8b-37bdfa8479b5	January	2026-01-01	2026-01-31
\.

--
-- Data for Name: portal_settings; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.portal_settings (id, organization_id, settings) FROM stdin;
175ba89e-3356-5332-809f-0d52b161ba62	3a12c25d-46dd-5c1b-ae8b-37bdfa8479b5	{"showCash": false, "days_ahead": 900, "require_notes": true, "theme": "dark"}
\.

--
-- Data for Name: post_call_forms; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.post_call_forms (id, organization_id, event_id, closer_id, call_occurred, lead_showed, offer_made, deal_closed, cash_collected, payment_type, opportunity_status_id, call_outcome_id, notes, created_at) FROM stdin;
5c04e333-7133-5802-8d17-b9af1e1ab485	3a12c25d-46dd-5c1b-ae8b-37bdfa8479b5	da2c628b-9de1-5a23-9815-31f99e864e8e	8cbd10e5-c318-5305-be33-7f7a78dcb526	t	t	f	t	3000.00	pif	\N	\N	Signed.\nWrote \\o/	2026-01-09 20:00:00+00
a9ca74c6-2a4c-5b32-969f-54b766ed1c56	3a12c25d-46dd-5c1b-ae8b-37bdfa8479b5	d05dcb2c-1ee1-5889-a47e-bc10ca0f74f1	6b77085b-d1be-5e8d-901a-cc02c5a51a2d	t	f	f	f	\N	\N	\N	\N	\N	2026-01-31 16:00:00+00
3e17747e-498f-5d1d-80b9-b1b2718d551a	3a12c25d-46dd-5c1b-ae8b-37bdfa8479b5	5150bd63-6a57-545c-a973-99295928578e	8cbd10e5-c318-5305-be33-7f7a78dcb526	t	t	f	f	\N	\N	\N	\N	\N	2026-01-31 16:00:00+00
f81fe043-087e-5d0a-b27f-a92b4d2f2864	3a12c25d-46dd-5c1b-ae8b-37bdfa8479b5	924c2f58-2c10-5216-9b57-4801057cf209	8cbd10e5-c318-5305-be33-7f7a78dcb526	t	t	t	f	\N	\N	\N	\N	\N	2026-01-31 16:00:00+00
\.

--
-- Data for Name: profiles; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.profiles (id, user_id, full_name, email) FROM stdin;
5d350c25-0fbd-58e2-b51a-077032eb4c7d	d3de9a05-c64a-5c94-9c69-a2ac1e03f513	Olga Orr	olga@acme.test
7611a5f9-5bf9-5926-8757-a394389076e5	a6623a58-5d24-5727-bbae-abe63f70bd7a	Dana Diaz	dana@acme.test
2d9fb273-ee0f-57e4-9760-c074e14ed842	4d085d22-ab61-5b09-96f1-5f54cd6e31f5	Bob	bob@beta.test
\.

--
-- Data for Name: rate_limits; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.rate_limits (id, endpoint, count) FROM stdin;
3bafe512-314c-562a-bf5e-ec85d6fa659b	calendly-webhook	3
\.

--
-- Data for Name: setter_activities; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.setter_activities (id, organization_id, setter_id, activity_date, dials, connects, talk_seconds) FROM stdin;
819e7884-f51b-583d-9828-bcb233fbf8e9	3a12c25d-46dd-5c1b-ae8b-37bdfa8479b5	37f5e5d3-5d42-59d0-9b13-40c3f3f5de5c	2026-01-08	40	12	1800
379a0641-7000-57b6-8483-8c7906d05b68	3a12c25d-46dd-5c1b-ae8b-37bdfa8479b5	7af80314-bfe8-5d58-8adb-e2e4631a2dbf	2026-01-08	1	1	1
81f4809b-8bde-5394-81d5-33b34048a11a	3a12c25d-46dd-5c1b-ae8b-37bdfa8479b5	37f5e5d3-5d42-59d0-9b13-40c3f3f5de5c	2026-01-09	3	5	60
27150abc-a1c7-53db-8508-339328d3ba62	3a12c25d-46dd-5c1b-ae8b-37bdfa8479b5	37f5e5d3-5d42-59d0-9b13-40c3f3f5de5c	2026-01-10	many	0	0
\.

--
-- Data for Name: setters; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.setters (id, organization_id, name, close_user_id, is_active) FROM stdin;
37f5e5d3-5d42-59d0-9b13-40c3f3f5de5c	3a12c25d-46dd-5c1b-ae8b-37bdfa8479b5	Sam Soto	user_1	t
\.

--
-- Data for Name: sources; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.sources (id, organization_id, name) FROM stdin;
a9a6b124-02b3-539d-9281-5f6dfaeeb50e	3a12c25d-46dd-5c1b-ae8b-37bdfa8479b5	YouTube
b327610a-3730-5d96-b062-cdf3b1e7ccca	3a12c25d-46dd-5c1b-ae8b-37bdfa8479b5	youtube
\.

--
-- Data for Name: traffic_types; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.traffic_types (id, organization_id, name) FROM stdin;
5167ab1f-8a02-5413-9bac-3adf617453a2	3a12c25d-46dd-5c1b-ae8b-37bdfa8479b5	Paid
\.

--
-- Data for Name: user_roles; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.user_roles (id, user_id, role) FROM stdin;
c251b3e7-c9cd-5eb4-bbfb-108965e262aa	d3de9a05-c64a-5c94-9c69-a2ac1e03f513	super_admin
\.

--
-- Data for Name: webhook_connections; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.webhook_connections (id, organization_id, name, connection_type, api_key, webhook_secret, is_active, last_webhook_at, webhook_count) FROM stdin;
ae7dcd5a-257f-57b9-8390-9ab20525bb4e	3a12c25d-46dd-5c1b-ae8b-37bdfa8479b5	Whop	whop	not-a-real-key	not-a-real-secret	t	2026-01-01 09:00:00+00	12
4ea8f125-95b7-52c3-9990-4756928f0b5d	3a12c25d-46dd-5c1b-ae8b-37bdfa8479b5	PayPal	paypal	\N	\N	t	\N	0
\.

--
-- PostgreSQL database dump complete
--
