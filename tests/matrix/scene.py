"""Two organizations with the same things in each, even the ids: who compares ids alone leaks.

Rows are written as they are, without the product's triggers, so that the scene is the same whatever
those do. Each row knows whose it is; tests/matrix/expected.yaml says what that means.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

import psycopg
from psycopg import sql

from tests.matrix.people import (
    ACME,
    ANALYST_LOGIN,
    BETA,
    NAMES,
    PEOPLE,
    READER_KEY,
    fixed,
    session_of,
    user_of,
)

OUTSIDERS = ("beta closer", "beta setter", "beta payee", "beta colleague", "colleague")
"""Users who own rows and try nothing themselves."""

STAFF = {
    ACME: {"closer": "closer", "setter": "setter", "payee": "payee", "other": "colleague"},
    BETA: {
        "closer": "beta closer",
        "setter": "beta setter",
        "payee": "beta payee",
        "other": "beta colleague",
    },
}
"""In each organization: who the closer, the setter, the payee and everybody's colleague are."""

ROSTERS = {"closers", "setters", "payees"}


@dataclass(frozen=True)
class Row:
    """One row of a table, and whose it is.

    key: of the row inside its organization. closer, setter, payee, user: names of people, as
    whose row it counts in that capacity. locked: whether payees may see what is paid.
    """

    table: str
    organization_id: UUID | None
    key: str
    tag: str
    closer: str | None = None
    setter: str | None = None
    payee: str | None = None
    user: str | None = None

    @property
    def name(self) -> str:
        """How failures name it."""
        place = NAMES[self.organization_id] if self.organization_id else "platform"
        return f"{place}/{self.tag}"


def row_id(organization: UUID, table: str, tag: str) -> UUID:
    """Equal in both organizations, except for rosters, whose ids mean one person everywhere."""
    if table in ROSTERS:
        return fixed(NAMES[organization], table, tag)
    return fixed(table, tag)


class Scene:
    """Writes the rows, and remembers whose they are."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self.connection = connection
        self.rows: list[Row] = []

    def of(self, table: str) -> list[Row]:
        """The rows of one table."""
        return [row for row in self.rows if row.table == table]

    def build(self) -> None:
        """Write everything, without triggers. connection: a superuser's, in a transaction."""
        self.connection.execute("set local session_replication_role = replica")
        self._users()
        for organization in (ACME, BETA):
            self._organization(organization)
            self._rosters(organization)
            self._configuration(organization)
            self._sales(organization)
            self._money(organization)
            self._payouts(organization)
            self._operations(organization)
        self.connection.execute("set local session_replication_role = origin")

    def _insert(self, table: str, **columns: object) -> None:
        row = {
            name: json.dumps(value) if isinstance(value, dict) else value
            for name, value in columns.items()
        }
        self.connection.execute(
            sql.SQL("insert into {} ({}) values ({})").format(
                sql.Identifier(*table.split(".")),
                sql.SQL(", ").join(map(sql.Identifier, row)),
                sql.SQL(", ").join(map(sql.Placeholder, row)),
            ),
            row,
        )

    def add(
        self,
        organization: UUID,
        table: str,
        tag: str,
        *,
        whose: dict[str, str] | None = None,
        **columns: object,
    ) -> UUID:
        """A tenant's row. whose: capacity (closer, setter, payee, user) to a tag of STAFF."""
        new = row_id(organization, table, tag)
        self._insert(f"app.{table}", organization_id=organization, id=new, **columns)
        people = {role: STAFF[organization][staff] for role, staff in (whose or {}).items()}
        self.rows.append(Row(table, organization, str(new), tag, **people))
        return new

    def _users(self) -> None:
        members = [person for person in PEOPLE.values() if person.user_id]
        for name in (*(person.name for person in members), *OUTSIDERS):
            user, email = user_of(name), f"{name.replace(' ', '.')}@example.test"
            self._insert("auth.users", id=user, email=email)
            self._insert(
                "auth.sessions", id=session_of(user), user_id=user, expires_at="2100-01-01 00:00Z"
            )
            self._insert("app.profiles", user_id=user, email=email, full_name=name)
            self.rows.append(Row("profiles", None, str(user), name, user=name))
            role = "super_admin" if name == "super admin" else "sales_rep"
            self._insert("app.user_roles", id=fixed("role", name), user_id=user, role=role)
            self.rows.append(Row("user_roles", None, str(fixed("role", name)), name, user=name))
        self._insert(
            "app.platform_audit_logs",
            id=fixed("platform audit"),
            table_name="profiles",
            row_id=fixed("x"),
            action="UPDATE",
            actor_kind="user",
            actor_role="authenticated",
        )
        self.rows.append(Row("platform_audit_logs", None, str(fixed("platform audit")), "row"))
        for (metric,) in self.connection.execute("select metric from app.metric_catalog"):
            self.rows.append(Row("metric_catalog", None, metric, metric))

    def _organization(self, org: UUID) -> None:
        self._insert("app.organizations", id=org, name=NAMES[org].title(), slug=NAMES[org])
        self.rows.append(Row("organizations", org, str(org), "organization"))
        for name in (*PEOPLE, *OUTSIDERS):
            person = PEOPLE.get(name)
            role = "member" if name in STAFF[org].values() else None
            if person is not None:
                role = (
                    "owner"
                    if org in person.owner_of
                    else "admin"
                    if org in person.admin_of
                    else "member"
                    if org in person.member_of
                    else None
                )
            if role:
                self.add(org, "organization_members", name, user_id=user_of(name), role=role)
        self.add(
            org,
            "organization_integrations",
            "row",
            calendly_api_key_encrypted=b"ciphertext",
            calendly_api_key_last4="1234",
            slack_webhook_url_encrypted=b"ciphertext",
        )
        self.add(org, "portal_settings", "row")
        self.add(org, "invitations", "row", email="new@example.test", token_hash=b"i" * 32,
                 expires_at="2100-01-01 00:00Z")  # fmt: skip
        if org == ACME:
            self._insert(
                "app.api_keys", organization_id=org, id=READER_KEY, name="key", last4="0000"
            )
            self.rows.append(Row("api_keys", org, str(READER_KEY), "key"))
            self._insert("app.analyst_logins", organization_id=org, id=fixed("analyst"),
                         login_name=ANALYST_LOGIN, name="An Analyst")  # fmt: skip
        else:
            self.add(org, "api_keys", "key", name="key", last4="0000")
        for tag, whose in (("default", None), *((tag, tag) for tag in STAFF[org])):
            self.add(
                org,
                "dashboard_layouts",
                tag,
                whose={"user": whose} if whose else None,
                user_id=user_of(STAFF[org][whose]) if whose else None,
                layout={"widgets": []},
            )
        for tag in STAFF[org]:
            self.add(org, "exports", tag, whose={"user": tag}, table_name="events",
                     requested_by=user_of(STAFF[org][tag]), date_column="scheduled_at",
                     columns=["id"], format="csv")  # fmt: skip

    def _rosters(self, org: UUID) -> None:
        staff = STAFF[org]
        for tag, name in staff.items():
            self.add(org, "payees", tag, whose={"payee": tag}, name=name,
                     profile_id=user_of(name) if tag == "payee" else None)  # fmt: skip
        for table, own in (("closers", "closer"), ("setters", "setter")):
            for tag in (own, "other"):
                self.add(
                    org,
                    table,
                    tag,
                    whose={own: tag},
                    name=f"{staff[tag]} {table}",
                    email=f"{NAMES[org]}.{tag}@private.test",
                    profile_id=user_of(staff[tag]),
                    payee_id=row_id(org, "payees", tag),
                )

        self.add(org, "roster_proposals", "row", provider="calendly", provider_user_id="new host",
                 email="new.host@example.test")  # fmt: skip

    def _configuration(self, org: UUID) -> None:
        self.add(org, "sources", "row", name="YouTube")
        self.add(org, "traffic_types", "row", name="Paid")
        self.add(org, "call_types", "row", name="Strategy")
        self.add(org, "call_outcomes", "row", name="Showed", call_status="completed",
                 event_outcome="showed_offer")  # fmt: skip
        self.add(org, "opportunity_statuses", "row", name="Nurture")
        self.add(org, "packages", "row", name="Course", price="100.00", currency="USD")
        self.add(org, "source_rules", "row", position=1, field="utm_source", operator="equals",
                 value="yt", source_id=row_id(org, "sources", "row"))  # fmt: skip
        self.add(org, "form_configs", "row", version=1, is_active=True)
        definition = self.add(org, "custom_field_definitions", "row", entity="lead", name="goal",
                              label="Goal", field_type="select")  # fmt: skip
        self.add(org, "custom_field_definitions", "event", entity="event", name="mood",
                 label="Mood", field_type="text")  # fmt: skip
        self.add(org, "custom_field_options", "row", definition_id=definition, value="a", label="A")
        self.add(org, "fx_rates", "row", day="2026-01-02", from_currency="EUR", to_currency="USD",
                 rate="1.1")  # fmt: skip
        self.add(org, "metric_definitions", "row", name="own", label="Own", unit="count",
                 expression={"metric": "shows"})  # fmt: skip
        self.add(org, "webhook_connections", "row", name="Stripe", connection_type="stripe",
                 webhook_secret=b"ciphertext", webhook_secret_last4="abcd")  # fmt: skip

    def _sales(self, org: UUID) -> None:
        people = {"closer": "closer", "setter": "setter"}
        for tag in ("closer", "setter", "credit", "other"):
            # Of the lead "credit" the closer sees no call, only a payment.
            whose = {"closer": "closer"} if tag == "credit" else _mine(tag, people)
            lead = self.add(org, "leads", tag, whose=whose, full_name=f"Lead {tag}",
                            email=f"{NAMES[org]}.{tag}@lead.test")  # fmt: skip
            self.add(org, "lead_identities", tag, whose=whose, lead_id=lead, kind="email",
                     value=f"{NAMES[org]}.{tag}@lead.test")  # fmt: skip
            self.add(org, "lead_touches", tag, whose=whose, lead_id=lead, channel="utm",
                     occurred_at="2026-01-01 00:00Z")  # fmt: skip
            self.add(org, "lead_setter_changes", tag, whose=whose, lead_id=lead)
            self._value(org, f"lead {tag}", whose, lead_id=lead)
        self.add(org, "lead_merges", "row", into_lead_id=row_id(org, "leads", "other"),
                 from_lead_id=row_id(org, "leads", "credit"), reason="One person.")  # fmt: skip
        for tag, mine, booked, credited in (
            ("closer booked", "closer", "closer", "other"),
            ("closer took", "closer", "other", "closer"),
            ("setter set", "setter", "setter", "other"),
            ("setter set first", "setter", "other", "setter"),
            ("other", "other", "other", "other"),
        ):
            closers = (booked, credited) if mine == "closer" else ("other", "other")
            setters = (booked, credited) if mine == "setter" else ("other", "other")
            whose = _mine(mine, people)
            event = self.add(
                org,
                "events",
                tag,
                whose=whose,
                lead_id=row_id(org, "leads", mine),
                lead_name=f"Lead {mine}",
                closer_id=row_id(org, "closers", closers[0]),
                credited_closer_id=row_id(org, "closers", closers[1]),
                setter_id=row_id(org, "setters", setters[0]),
                credited_setter_id=row_id(org, "setters", setters[1]),
                root_event_id=row_id(org, "events", tag),
                booked_at="2026-01-01 10:00Z",
                scheduled_at="2026-01-05 10:00Z",
                scheduled_end_at="2026-01-05 11:00Z",
                provider_booking_id=f"{NAMES[org]} {tag}",
            )
            form_owner = "closer" if "took" in tag else "other"
            self.add(
                org,
                "post_call_forms",
                tag,
                whose=whose if mine == "closer" else None,
                event_id=event,
                closer_id=row_id(org, "closers", form_owner),
                version=1,
                is_active=False,
                call_occurred=False,
                lead_showed=False,
                non_occurrence_reason="lead_no_show",
            )
            self._value(org, f"event {tag}", whose, event_id=event)
        for tag in ("setter", "other"):
            whose = _mine(tag, people)
            setter = row_id(org, "setters", tag)
            self.add(org, "setter_activities", tag, whose=whose, setter_id=setter,
                     activity_date="2026-01-05", provider="close")  # fmt: skip
            self.add(org, "setter_calls", tag, whose=whose, setter_id=setter, provider="close",
                     provider_call_id=tag, activity_date="2026-01-05",
                     started_at="2026-01-05 10:00Z")  # fmt: skip
            self._value(org, f"setter {tag}", whose, setter_id=setter)
        for tag in ("closer", "other"):
            whose = _mine(tag, people)
            closer = row_id(org, "closers", tag)
            self.add(org, "capacity_snapshots", tag, whose=whose, closer_id=closer,
                     day="2026-01-05", captured_at="2026-01-04 00:00Z", free_slots=3,
                     booked_slots=1)  # fmt: skip
            self._value(org, f"closer {tag}", whose, closer_id=closer)

    def _value(self, org: UUID, tag: str, whose: dict[str, str] | None, **record: object) -> None:
        self.add(org, "custom_field_values", tag, whose=whose,
                 definition_id=row_id(org, "custom_field_definitions", "row"), text_value="x",
                 **record)  # fmt: skip

    def _money(self, org: UUID) -> None:
        for tag in ("closer", "setter", "other"):
            mine = {"closer": "closer"} if tag == "closer" else None
            deal = self.add(
                org,
                "deals",
                tag,
                whose=mine,
                lead_id=row_id(org, "leads", tag),
                closer_id=row_id(org, "closers", "other" if tag == "setter" else tag),
                setter_id=row_id(org, "setters", "setter" if tag == "setter" else "other"),
                contract_value="1000.00",
                currency="USD",
                closed_at="2026-01-05 12:00Z",
            )
            self.add(org, "deal_installments", tag, whose=mine, deal_id=deal, installment_no=1,
                     due_on="2026-02-01", amount="1000.00", currency="USD")  # fmt: skip
            payment = self.add(
                org,
                "payments",
                tag,
                whose=mine,
                lead_id=row_id(org, "leads", "credit" if tag == "closer" else tag),
                deal_id=deal if tag == "other" else None,
                source="stripe",
                provider="stripe",
                provider_payment_id=f"pi_{tag}",
                status="succeeded",
                amount="1000.00",
                currency="USD",
                amount_base="1000.00",
                base_currency="USD",
                payment_date="2026-01-05 12:00Z",
            )
            self._value(org, f"payment {tag}", mine, payment_id=payment)
            self.add(org, "payment_refunds", tag, whose=mine, payment_id=payment, kind="refund",
                     amount="10.00", currency="USD", base_currency="USD",
                     refunded_at="2026-01-06 12:00Z", provider="stripe",
                     provider_refund_id=f"re_{tag}")  # fmt: skip
            role = "setter" if tag == "setter" else "closer"
            self.add(
                org,
                "payment_credits",
                tag,
                whose={role: tag, "payee": tag},
                payment_id=payment,
                role=role,
                payee_id=row_id(org, "payees", tag),
                share=1,
                amount_base="1000.00",
                base_currency="USD",
                **{f"{role}_id": row_id(org, f"{role}s", tag)},
            )

    def _payouts(self, org: UUID) -> None:
        for state, locked_at in (("draft", None), ("locked", "2026-02-02 00:00Z")):
            self.add(org, "payout_snapshots", state, name=state, period_start="2026-01-01",
                     period_end="2026-01-31", timezone="UTC", state=state, currency="USD",
                     locked_at=locked_at)  # fmt: skip
        for payee in ("closer", "setter", "payee", "other"):
            mine = {"payee": payee}
            payee_id = row_id(org, "payees", payee)
            plan = self.add(org, "commission_plans", payee, whose=mine, name=f"Plan {payee}")
            version = self.add(org, "commission_plan_versions", payee, whose=mine, plan_id=plan,
                               version=1, currency="USD")  # fmt: skip
            self.add(org, "commission_plan_components", payee, whose=mine, plan_version_id=version,
                     role="closer", component="cash", rate="0.1", currency="USD")  # fmt: skip
            self.add(org, "commission_plan_assignments", payee, whose=mine, plan_id=plan,
                     payee_id=payee_id, role="closer", effective="[2026-01-01,)")  # fmt: skip
            for state in ("draft", "locked"):
                tag = f"{payee} {state}"
                seen = mine if state == "locked" else None
                snapshot = row_id(org, "payout_snapshots", state)
                line = self.add(org, "commission_ledger", tag, whose=seen, payee_id=payee_id,
                                role="closer", kind="earning", amount="100.00", currency="USD",
                                earned_on="2026-01-05", available_on="2026-01-05")  # fmt: skip
                self.add(org, "payout_snapshot_details", tag, whose=seen, snapshot_id=snapshot,
                         kind="line", line_id=line, payee_id=payee_id, day="2026-01-05",
                         commission="100.00")  # fmt: skip
                self.add(org, "payout_snapshot_summaries", tag, whose=seen, snapshot_id=snapshot,
                         dimension="payee", payee_id=payee_id, label=payee)  # fmt: skip
            locked = row_id(org, "payout_snapshots", "locked")
            self.add(org, "payouts", payee, whose=mine, snapshot_id=locked, payee_id=payee_id,
                     amount="100.00", currency="USD", method="bank",
                     paid_at="2026-02-03 00:00Z")  # fmt: skip
            self.add(org, "payee_balances", payee, whose=mine, snapshot_id=locked,
                     payee_id=payee_id, carried="0.00", currency="USD")  # fmt: skip
            self.add(org, "statement_disputes", payee, whose=mine, snapshot_id=locked,
                     line_id=row_id(org, "commission_ledger", f"{payee} locked"),
                     payee_id=payee_id, reason="Too little.")  # fmt: skip
        for payee in ("closer", "payee"):
            self.add(org, "closer_access_tokens", payee, scope="statement",
                     payee_id=row_id(org, "payees", payee), token_hash=payee[:1].encode() * 32,
                     created_at="2099-12-01 00:00Z",
                     expires_at="2100-01-01 00:00Z")  # fmt: skip

    def _operations(self, org: UUID) -> None:
        connection = row_id(org, "webhook_connections", "row")
        for provider in ("stripe", "calendly"):
            self.add(org, "webhook_events", provider, connection_id=connection, provider=provider,
                     provider_event_id=f"evt_{provider}", event_type="x", status="processed",
                     body={"data": {"token": "never", "list": [{"cvc": 1}], "ok": 1}})  # fmt: skip
        self.add(org, "webhook_event_keys", "row", connection_id=connection,
                 provider_event_id="evt", webhook_event_id=fixed("e"))  # fmt: skip
        self.add(org, "rate_limits", "row", connection_id=connection,
                 window_start="2026-01-01 00:00Z", hits=1)  # fmt: skip
        self.add(org, "connection_stats", "row", connection_id=connection)
        self.add(org, "audit_logs", "row", table_name="events", row_id=fixed("x"), action="UPDATE",
                 actor_kind="user", actor_role="org_admin", old_data={}, new_data={})  # fmt: skip
        for tag, check, state in (
            ("closer", "open_outcome", "open"),
            ("closer resolved", "open_outcome", "resolved"),
            ("closer, for admins", "unattributed_payment", "open"),
            ("setter", "open_outcome", "open"),
            ("other", "open_outcome", "open"),
        ):
            role = "setter" if tag == "setter" else "closer"
            person = "other" if tag == "other" else role
            self.add(
                org,
                "exceptions",
                tag,
                whose={role: person} if tag in ("closer", "setter", "other") else None,
                check_name=check,
                dedupe_key=tag,
                severity="warning",
                entity="events",
                sentence="x",
                remedy="y",
                state=state,
                **{f"{role}_id": row_id(org, f"{role}s", person)},
            )
        self.add(org, "report_runs", "row", kind="daily", report_on="2026-01-05")
        self.add(org, "metric_rollups", "row")
        self.add(org, "metric_changes", "row", unit="all")
        self.add(org, "metric_facts", "row", unit="chain", unit_id=row_id(org, "events", "closer"),
                 day="2026-01-05", grains=31, measures=1)  # fmt: skip
        self.add(org, "metric_sums", "row", dimension="all", span="day", starts_on="2026-01-05")
        self.add(org, "job_schedules", "row", kind="data-quality", interval_seconds=3600)
        self.add(org, "sync_runs", "row", kind="data-quality")
        self.add(org, "sync_cursors", "row", source="calendly", cursor="c")
        self.add(org, "outbox", "row", kind="email", dedupe_key="k", secret=b"ciphertext",
                 payload={"to": "x@example.test", "see": "https://a.test/secret"})  # fmt: skip


def _mine(tag: str, people: dict[str, str]) -> dict[str, str] | None:
    """{closer: closer} for the closer's row, {setter: setter} for the setter's, else None."""
    return {tag: people[tag]} if tag in people else None


def tables_of(connection: psycopg.Connection) -> Iterator[str]:
    """Every table of ours, as schema.name: what a fingerprint covers."""
    for (name,) in connection.execute(
        """
        select c.oid::regclass::text from pg_class as c
         where c.relkind in ('r', 'p') and not c.relispartition
           and c.relnamespace::regnamespace::text in ('app', 'auth')
         order by 1
        """
    ).fetchall():
        yield str(name)


def fingerprint(connection: psycopg.Connection) -> dict[str, str]:
    """A hash of the rows of every table. connection: a superuser's, as itself."""
    union = " union all ".join(
        f"select '{table}', md5(coalesce(string_agg(t::text, '|' order by t::text), ''))"
        f" from {table} as t"
        for table in tables_of(connection)
    )
    return {str(table): str(value) for table, value in connection.execute(union.encode())}
