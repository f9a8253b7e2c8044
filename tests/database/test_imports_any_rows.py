"""Whatever a file holds: each row is taken or refused with a reason, and nothing is half there."""

from collections.abc import Mapping

import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.database.importing import Importer, importer
from tests.world import World

TIMES = st.sampled_from(
    ["2026-01-09 14:00", "2026-01-09T14:00:00Z", "2026-03-08 02:30", "soon", "2026-13-01", ""]
)
IDS = st.sampled_from(["1", "2", "3", "4", ""])
PEOPLE = st.sampled_from(["dana", "sam", "nobody", ""])
MONEY = st.sampled_from(["10", "10.00", "10.005", "-1", "0", "1e3", "ten", ""])
ADDRESSES = st.sampled_from(["a@x.test", "A@X.test", "b@x.test", "nowhere", ""])
STATES = st.sampled_from(["scheduled", "completed", "no_show", "cancelled", "rescheduled", "?", ""])
OUTCOMES = st.sampled_from(["showed", "closed", "no_show", "maybe", ""])
FLAGS = st.sampled_from(["yes", "no", "perhaps", ""])

LEADS = st.fixed_dictionaries(
    {
        "external_id": IDS,
        "email": ADDRESSES,
        "phone": st.sampled_from(["5550109999", "5550108888", "12", ""]),
        "current_setter": PEOPLE,
        "created_at": TIMES,
    }
)
EVENTS = st.fixed_dictionaries(
    {
        "external_id": IDS,
        "lead_email": ADDRESSES,
        "closer": PEOPLE,
        "scheduled_at": TIMES,
        "call_status": STATES,
        "event_outcome": OUTCOMES,
        "rescheduled_from": IDS,
        "calendly_invitee_uuid": st.sampled_from(["inv-1", "inv-2", "", "", ""]),
    }
)
FORMS = st.fixed_dictionaries(
    {
        "event": IDS,
        "call_occurred": FLAGS,
        "offer_made": FLAGS,
        "deal_closed": FLAGS,
        "cash_collected": MONEY,
    }
)
PAYMENTS = st.fixed_dictionaries(
    {
        "external_id": IDS,
        "provider_payment_id": st.sampled_from(["pi_1", "pi_2", "pi_3", ""]),
        "provider": st.sampled_from(["stripe", "import", "paypal", ""]),
        "amount": MONEY,
        "payment_date": TIMES,
        "customer_email": ADDRESSES,
        "event": IDS,
        "closer": PEOPLE,
        "refund_amount": MONEY,
    }
)
REFUNDS = st.fixed_dictionaries(
    {"external_id": IDS, "payment": IDS, "amount": MONEY, "refunded_at": TIMES}
)
FILES: Mapping[str, st.SearchStrategy[dict[str, str]]] = {
    "leads": LEADS,
    "events": EVENTS,
    "post_call_forms": FORMS,
    "payments": PAYMENTS,
    "refunds": REFUNDS,
}
ANY_FILES = st.lists(
    st.one_of(
        st.tuples(st.just(entity), st.lists(rows, min_size=1, max_size=7))
        for entity, rows in FILES.items()
    ),
    min_size=1,
    max_size=4,
)
TABLES = ("leads", "events", "post_call_forms", "payments", "payment_refunds", "import_keys")


def check(imports: Importer, entity: str, rows: list[dict[str, str]]) -> None:
    """Import the rows twice."""
    report = imports(entity, rows)
    assert sum(report.counts) == len(rows) == report.said["received"]
    refused = {row for row, _ in report.errors}
    assert len(refused) == report.counts[3]
    assert not {row for row, _ in report.notes} & refused
    kept = contents(imports)
    again = imports(entity, rows)
    assert again.counts[3] >= report.counts[3] or entity != "leads"
    if not refused:
        assert again.counts == (0, 0, len(rows), 0)
        assert contents(imports) == kept


def contents(imports: Importer) -> dict[str, int]:
    """How many rows of each table there are."""
    acme = imports.organization
    return {
        table: acme.world.value(
            f"select count(*) from app.{table} where organization_id = %s", acme.id
        )
        for table in TABLES
    }


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(files=ANY_FILES)
def test_every_row_is_taken_or_refused_with_a_reason(
    db: psycopg.Connection, files: list[tuple[str, list[dict[str, str]]]]
) -> None:
    world = World(db)
    with db.transaction(force_rollback=True):
        acme = world.organization("acme")
        acme.closer("dana")
        acme.setter("sam")
        imports = importer(acme)
        for entity, rows in files:
            check(imports, entity, rows)
        db.execute("set constraints all immediate")
