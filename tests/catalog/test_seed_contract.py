"""The document this product grew from names tables, columns, keys and helpers. None may go missing.

Written out by hand, so that nothing but a person changes it.
"""

import psycopg
import pytest

TENANT = "organization_id"

TABLES: dict[str, str] = {
    # identity and tenants
    "organizations": "id name",
    "organization_members": "user_id organization_id role",
    "profiles": "user_id",
    "user_roles": "user_id role",
    "organization_integrations": (
        "organization_id primary_crm primary_booking_platform primary_payment_processor"
        " calendly_api_key_encrypted close_api_key_encrypted ghl_api_key_encrypted"
        " hubspot_api_key_encrypted whop_api_key_encrypted stripe_api_key_encrypted"
        " ghl_location_id whop_company_id stripe_publishable_key"
    ),
    # sales
    "leads": (
        "organization_id full_name email phone source_id original_setter_name current_setter_name"
    ),
    "events": (
        "organization_id lead_id lead_name lead_email closer_id closer_name setter_id setter_name"
        " source_id traffic_type_id call_type_id scheduled_at booked_at call_status event_outcome"
        " pcf_submitted calendly_invitee_uuid ghl_contact_id hubspot_contact_id"
    ),
    "post_call_forms": (
        "organization_id event_id closer_id call_occurred lead_showed offer_made deal_closed"
        " cash_collected payment_type opportunity_status_id call_outcome_id notes"
    ),
    "payments": (
        "organization_id amount refund_amount net_revenue payment_date event_id closer_id setter_id"
        " source_id whop_connection_id package_id customer_email payment_type deal_type"
    ),
    "closers": "organization_id profile_id name is_active",
    "setters": "organization_id name close_user_id is_active",
    "sources": "organization_id name",
    "traffic_types": "organization_id name",
    # configuration
    "call_types": "organization_id name",
    "call_outcomes": "organization_id name",
    "opportunity_statuses": "organization_id name",
    "packages": "organization_id name",
    "form_configs": "organization_id form_type fields",
    "custom_field_definitions": "organization_id",
    "custom_field_options": "organization_id definition_id",
    "custom_field_values": "organization_id definition_id record_id",
    "webhook_connections": (
        "organization_id name connection_type api_key webhook_secret is_active last_webhook_at"
        " webhook_count"
    ),
    "portal_settings": "organization_id",
    "dashboard_layouts": "organization_id user_id layout",
    "closer_access_tokens": "organization_id closer_id",
    "invitations": "organization_id email role",
    # audit and reporting
    "audit_logs": "organization_id table_name action old_data new_data",
    "rate_limits": "organization_id",
    "payout_snapshots": "organization_id name period_start period_end",
    "payout_snapshot_details": "snapshot_id payment_id closer_id setter_id source_id",
    "payout_snapshot_summaries": "snapshot_id closer_id setter_id source_id",
    "metric_definitions": "organization_id name",
    "setter_activities": "organization_id setter_id dials talk_seconds",
}
"""Tables, with the columns that the document names or that its relations need."""

VIEWS: dict[str, str] = {
    "calendly_webhook_audit": "organization_id payload",
    "integrations": "organization_id",
}
"""What became a view in api: deliveries are kept once for all providers; a deprecated table."""

FOREIGN_KEYS = """
events.organization_id -> organizations.id
events.closer_id -> closers.id
events.setter_id -> setters.id
events.source_id -> sources.id
events.traffic_type_id -> traffic_types.id
events.call_type_id -> call_types.id
events.lead_id -> leads.id
post_call_forms.event_id -> events.id
post_call_forms.closer_id -> closers.id
post_call_forms.call_outcome_id -> call_outcomes.id
post_call_forms.opportunity_status_id -> opportunity_statuses.id
payments.event_id -> events.id
payments.closer_id -> closers.id
payments.setter_id -> setters.id
payments.source_id -> sources.id
payments.whop_connection_id -> webhook_connections.id
payments.package_id -> packages.id
organization_members.organization_id -> organizations.id
organization_members.user_id -> auth.users.id
closers.profile_id -> profiles.user_id
profiles.user_id -> auth.users.id
user_roles.user_id -> auth.users.id
custom_field_options.definition_id -> custom_field_definitions.id
custom_field_values.definition_id -> custom_field_definitions.id
leads.source_id -> sources.id
closer_access_tokens.closer_id -> closers.id
payout_snapshot_details.snapshot_id -> payout_snapshots.id
payout_snapshot_details.payment_id -> payments.id
payout_snapshot_summaries.snapshot_id -> payout_snapshots.id
setter_activities.setter_id -> setters.id
"""

HELPERS = {
    "user_is_org_member": ("user_id uuid, org_id uuid", "boolean"),
    "user_is_org_admin": ("user_id uuid, org_id uuid", "boolean"),
    "get_user_organization_ids": ("user_id uuid", "SETOF uuid"),
    "is_super_admin": ("user_id uuid", "boolean"),
}

AUDITED = [
    "organizations",
    "organization_members",
    "user_roles",
    "profiles",
    "organization_integrations",
    "webhook_connections",
    "events",
    "leads",
    "post_call_forms",
    "payments",
    "payment_refunds",
    "payment_credits",
    "deals",
    "closers",
    "setters",
    "payees",
    "commission_plans",
    "commission_plan_assignments",
    "payout_snapshots",
    "payouts",
    "statement_disputes",
    "closer_access_tokens",
    "api_keys",
    "invitations",
    "job_schedules",
    "form_configs",
    "custom_field_definitions",
]
"""Tables whose changes are written to the audit trail."""

CALL_STATUSES = {"scheduled", "completed", "no_show", "canceled", "rescheduled"}
MEMBER_ROLES = {"owner", "admin", "member"}
PLATFORM_ROLES = {"super_admin", "admin", "sales_rep"}
CRMS = {"ghl", "close", "hubspot", "none"}
BOOKING_PLATFORMS = {"calendly", "acuity", "none"}
PAYMENT_PROCESSORS = {"whop", "stripe", "none"}
PAYMENT_TYPES = {"pif", "payment_plan"}
DEAL_TYPES = {"new_deal", "upsell"}


def columns_of(db: psycopg.Connection, schema: str, relation: str, kinds: str) -> set[str]:
    return {
        name
        for (name,) in db.execute(
            """
            select a.attname from pg_class as c join pg_attribute as a on a.attrelid = c.oid
             where c.relnamespace = %s::regnamespace and c.relname = %s
               and c.relkind::text = any (%s)
               and a.attnum > 0 and not a.attisdropped
            """,
            (schema, relation, list(kinds)),
        )
    }


def test_there_are_thirty_five() -> None:
    assert len(TABLES) + len(VIEWS) == 35


@pytest.mark.parametrize("table", TABLES)
def test_the_table_exists_with_its_columns(db: psycopg.Connection, table: str) -> None:
    missing = set(TABLES[table].split()) - columns_of(db, "app", table, "rp")
    assert not missing, f"app.{table} lacks {sorted(missing)}"


@pytest.mark.parametrize("table", [name for name in TABLES if name != "rate_limits"])
def test_the_table_is_seen_under_its_name(db: psycopg.Connection, table: str) -> None:
    """Ciphertext and hashes stay inside; everything else that the document names is shown."""
    hidden = {"api_key", "webhook_secret"}
    named = {c for c in TABLES[table].split() if not c.endswith("_encrypted")} - hidden
    missing = named - columns_of(db, "api", table, "v")
    assert not missing, f"api.{table} lacks {sorted(missing)}"


@pytest.mark.parametrize("view", VIEWS)
def test_the_view_exists_with_its_columns(db: psycopg.Connection, view: str) -> None:
    missing = set(VIEWS[view].split()) - columns_of(db, "api", view, "v")
    assert not missing, f"api.{view} lacks {sorted(missing)}"


@pytest.mark.parametrize("line", FOREIGN_KEYS.strip().splitlines())
def test_the_foreign_key_exists(db: psycopg.Connection, line: str) -> None:
    """Between tenant tables it carries the tenant beside the column."""
    own, other = line.split(" -> ")
    table, column = own.split(".")
    *schema, other_table, other_column = other.split(".")
    found = db.execute(
        """
        select (select array_agg(a.attname::text order by p.n)
                  from unnest(k.conkey) with ordinality as p (attnum, n)
                  join pg_attribute as a on a.attrelid = k.conrelid and a.attnum = p.attnum),
               (select array_agg(a.attname::text order by p.n)
                  from unnest(k.confkey) with ordinality as p (attnum, n)
                  join pg_attribute as a on a.attrelid = k.confrelid and a.attnum = p.attnum)
          from pg_constraint as k
         where k.contype = 'f' and k.conrelid = %s::regclass and k.confrelid = %s::regclass
           and k.conname = %s
        """,
        (
            f"app.{table}",
            f"{schema[0] if schema else 'app'}.{other_table}",
            f"{table}_{column}_fkey",
        ),
    ).fetchall()
    assert found in (
        [([column], [other_column])],
        [([TENANT, column], [TENANT, other_column])],
    )


@pytest.mark.parametrize("name", HELPERS)
def test_the_helper_has_its_arguments_and_answer(db: psycopg.Connection, name: str) -> None:
    found = db.execute(
        """
        select pg_get_function_arguments(p.oid), pg_get_function_result(p.oid)
          from pg_proc as p where p.pronamespace = 'api'::regnamespace and p.proname = %s
        """,
        (name,),
    ).fetchall()
    assert found == [HELPERS[name]]


def test_the_audit_trigger_stands_on_every_sensitive_table(db: psycopg.Connection) -> None:
    """By its name, or with the table's; a sibling of it on the few tables of nobody's."""
    found = db.execute(
        """
        select t.name
          from unnest(%s::text[]) as t (name)
         where (select count(distinct e.verb)
                  from pg_trigger as g
                  join pg_proc as p on p.oid = g.tgfoid
                 cross join (values (4), (8), (16)) as e (verb)
                 where g.tgrelid = ('app.' || t.name)::regclass and g.tgenabled in ('O', 'A')
                   and p.proname in ('audit_log_trigger', 'audit_log_trigger_of_' || t.name,
                                     'audit_global_row')
                   and g.tgtype & e.verb <> 0) < 3
        """,
        (AUDITED,),
    ).fetchall()
    assert found == []
    named = db.execute("select 'app.audit_log_trigger'::regproc::text").fetchall()
    assert named == [("app.audit_log_trigger",)]


@pytest.mark.parametrize(
    ("constraint", "values"),
    [
        ("events.events_status_is_known", CALL_STATUSES),
        ("organization_members.organization_members_role_is_known", MEMBER_ROLES),
        ("user_roles.user_roles_role_is_known", PLATFORM_ROLES),
        ("organization_integrations.organization_integrations_crm_is_known", CRMS),
        (
            "organization_integrations.organization_integrations_booking_platform_is_known",
            BOOKING_PLATFORMS,
        ),
        (
            "organization_integrations.organization_integrations_payment_processor_is_known",
            PAYMENT_PROCESSORS,
        ),
        ("payments.payments_payment_type_is_known", PAYMENT_TYPES),
        ("payments.payments_deal_type_is_known", DEAL_TYPES),
        ("webhook_connections.webhook_connections_type_is_known", {"whop", "stripe"}),
    ],
)
def test_the_values_it_names_are_accepted(
    db: psycopg.Connection, constraint: str, values: set[str]
) -> None:
    table, name = constraint.split(".")
    (definition,) = db.execute(  # type: ignore[misc]
        "select pg_get_constraintdef(oid) from pg_constraint"
        " where conrelid = %s::regclass and conname = %s",
        (f"app.{table}", name),
    ).fetchone()
    missing = {value for value in values if f"'{value}'::text" not in definition}
    assert not missing, f"{name} refuses {sorted(missing)}: {definition}"
