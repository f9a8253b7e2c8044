"""Money is under the account that its connection names, and follows it: nothing is there twice."""

import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.database.importing import importer
from tests.database.inbox import Inbox, handed, open_inbox
from tests.fixtures.databases import Database
from tests.fixtures.ports import wait_until
from tests.stripe_events import payment, refund, session
from tests.whop_events import fresh as whop_event
from tests.world import Organization, World


@pytest.fixture
def acme(world: World) -> Organization:
    return world.organization("acme")


def name(inbox: Inbox, account: str) -> None:
    """The connection is of this account from now on."""
    inbox.organization.world.execute(
        "update app.webhook_connections set provider_account = %s where id = %s",
        account,
        inbox.connection_id,
    )


def money(acme: Organization) -> list[tuple[str, Decimal, Decimal]]:
    """(account, amount, refunded) of each payment."""
    rows: list[dict[str, Any]] = acme.world.rows(
        "select provider_account, amount, refund_amount from app.payments"
        " where organization_id = %s order by provider_account, id",
        acme.id,
    )
    return [tuple(row.values()) for row in rows]  # type: ignore[misc]


def test_a_connection_that_names_its_account_later_tells_of_the_same_money(
    acme: Organization,
) -> None:
    inbox = open_inbox(acme)
    charge, intent = payment()
    waits, _ = payment()
    for event in (charge, refund(waits, 9900), session(charge), session(waits)):
        inbox.take(event)
    name(inbox, "acct_1")
    for event in (intent, refund(charge, 50000), waits):
        assert inbox.take(event) == "processed"
    assert sorted(money(acme)) == [
        ("acct_1", Decimal("1499.00"), Decimal("99.00")),
        ("acct_1", Decimal("1499.00"), Decimal("500.00")),
    ]
    assert all(row["customer_email"] is not None for row in inbox.rows("payments"))


def test_of_several_connections_each_takes_what_came_through_it(acme: Organization) -> None:
    first, second = open_inbox(acme), open_inbox(acme)
    (ours, again), (theirs, _) = payment(), payment(amount=9900)
    for event in (ours, session(ours), refund(ours, 50000)):
        first.take(event)
    second.take(theirs)
    name(first, "acct_1")
    first.take(again)
    assert money(acme) == [
        ("", Decimal("99.00"), 0),
        ("acct_1", Decimal("1499.00"), Decimal("500.00")),
    ]
    assert {row["provider_account"] for row in first.rows("payment_carriers")} == {"acct_1"}


def test_a_corrected_account_leaves_connected_accounts_alone(acme: Organization) -> None:
    inbox = open_inbox(acme, provider_account="acct_wrong")
    charge, intent = payment()
    connected, _ = payment(amount=9900)
    inbox.take(charge)
    inbox.take({**connected, "account": "acct_connected"})
    name(inbox, "acct_right")
    inbox.take(intent)
    assert money(acme) == [
        ("acct_connected", Decimal("99.00"), 0),
        ("acct_right", Decimal("1499.00"), 0),
    ]


def test_what_is_there_under_both_accounts_stays(acme: Organization) -> None:
    unnamed, named = open_inbox(acme), open_inbox(acme, provider_account="acct_1")
    charge, intent = payment()
    unnamed.take(charge)
    named.take(intent)
    name(unnamed, "acct_1")
    assert [account for account, _, _ in money(acme)] == ["", "acct_1"]


def test_a_connection_made_again_with_a_name_tells_of_the_same_money(acme: Organization) -> None:
    old = open_inbox(acme)
    charge, intent = payment()
    old.take(charge)
    acme.world.execute("update app.webhook_connections set deleted_at = now(), is_active = false")
    open_inbox(acme, provider_account="acct_1").take(intent)
    assert money(acme) == [("acct_1", Decimal("1499.00"), 0)]


def test_imported_money_of_whop_has_no_account_either(acme: Organization) -> None:
    event = whop_event("v1-unpinned.payment.succeeded")
    inbox = open_inbox(acme, provider="whop", provider_account="biz_1")
    importer(acme)(
        "payments",
        [
            {
                "provider": "whop",
                "provider_payment_id": event["data"]["id"],
                "provider_account": "biz_1",
                "amount": "297.00",
                "payment_date": event["data"]["paid_at"],
            }
        ],
    )
    name(inbox, "biz_2")
    assert inbox.take(event) == "processed"
    assert [account for account, _, _ in money(acme)] == [""]


# -- the moment in which a connection is named

Work = Callable[[psycopg.Connection], object]


def at_once(database: Database, first: Work, second: Work) -> None:
    """The second begins when the first is done and not committed, and has to wait for it."""
    with (
        psycopg.connect(database.deployer_url) as earlier,
        psycopg.connect(database.deployer_url) as later,
        psycopg.connect(database.deployer_url, autocommit=True) as watching,
    ):
        for connection in (earlier, later):
            connection.execute("set role salesdash")
        first(earlier)
        waiting = threading.Thread(target=second, args=(later,))
        waiting.start()
        pids = (earlier.info.backend_pid, later.info.backend_pid)
        wait_until(
            lambda: (
                watching.execute("select %s = any (pg_blocking_pids(%s))", pids).fetchone()
                == (True,)
            ),
            lambda: "the second did not wait for the first",
        )
        earlier.commit()
        waiting.join(timeout=30)
        assert not waiting.is_alive()
        later.commit()


def naming(inbox: Inbox) -> Work:
    return lambda connection: connection.execute(
        "update app.webhook_connections set provider_account = 'acct_1' where id = %s",
        [inbox.connection_id],
    )


def delivering(inbox: Inbox, event: dict[str, Any]) -> Work:
    return lambda connection: connection.execute(
        "select ingest.record_deliveries(%s)", [Jsonb(handed([(inbox, event)]))]
    )


def test_a_payment_of_the_moment_in_which_its_connection_is_named_moves_too(
    database: Database, committed_world: World
) -> None:
    inbox = open_inbox(committed_world.organization("acme"))
    charge, intent = payment()
    at_once(database, delivering(inbox, charge), naming(inbox))
    inbox.take(intent)
    assert money(inbox.organization) == [("acct_1", Decimal("1499.00"), 0)]


def test_a_payment_of_the_moment_in_which_its_connection_is_made_again_moves_too(
    database: Database, committed_world: World
) -> None:
    old = open_inbox(committed_world.organization("acme"))
    charge, intent = payment()

    def make_again(connection: psycopg.Connection) -> None:
        connection.execute(
            "update app.webhook_connections set deleted_at = now(), is_active = false"
            " where id = %s",
            [old.connection_id],
        )
        connection.execute(
            "insert into app.webhook_connections"
            " (organization_id, name, connection_type, provider_account)"
            " values (%s, 'again', 'stripe', 'acct_1')",
            [old.organization.id],
        )

    at_once(database, delivering(old, charge), make_again)
    open_inbox(old.organization).take({**intent, "account": "acct_1"})
    assert money(old.organization) == [("acct_1", Decimal("1499.00"), 0)]


def replaying(inbox: Inbox, charge: dict[str, Any]) -> Work:
    """A delivery whose payment is there."""
    assert inbox.take(charge) == "processed"
    ids = [row["id"] for row in inbox.rows("webhook_events")]
    return lambda connection: connection.execute(
        "select ingest.reprocess(%s, %s)", [inbox.organization.id, ids]
    )


@pytest.mark.parametrize("told", [delivering, replaying])
def test_what_is_told_while_a_connection_is_named_is_of_the_new_account(
    database: Database, committed_world: World, told: Callable[[Inbox, dict[str, Any]], Work]
) -> None:
    inbox = open_inbox(committed_world.organization("acme"))
    charge, intent = payment()
    at_once(database, naming(inbox), told(inbox, charge))
    inbox.take(intent)
    assert money(inbox.organization) == [("acct_1", Decimal("1499.00"), 0)]


def test_a_delivery_is_not_tried_again_while_its_connection_is_named(
    database: Database, committed_world: World
) -> None:
    inbox = open_inbox(committed_world.organization("acme"))
    charge, _ = payment()
    broken = {**charge, "data": {"object": {**charge["data"]["object"], "currency": "xqz"}}}
    assert inbox.take(broken) == "queued"
    committed_world.execute(
        "update app.webhook_events set body = %s where organization_id = %s",
        Jsonb(charge),
        inbox.organization.id,
    )
    retry = "select jobs.retry_webhook_events(100, now() + interval '1 day')"
    with psycopg.connect(database.deployer_url) as connection:
        connection.execute("set role salesdash")
        naming(inbox)(connection)
        assert committed_world.value(retry) == 0
    assert committed_world.value(retry) == 1
    assert money(inbox.organization) == [("acct_1", Decimal("1499.00"), 0)]
