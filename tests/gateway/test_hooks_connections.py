"""What the gateway remembers of connections, and what it makes of bodies and refusals."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import orjson
import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.connections import Connection, Connections
from gateway.inbox import ConnectionRow
from gateway.rejections import NotTaken, Rejections
from salesdash.jsontext import storable_object
from salesdash.secretbox import SecretBox, SecretUnreadable, generate_key
from tests.fixtures.databases import Database
from tests.fixtures.processes import MASTER_KEY
from tests.gateway.endpoint import sealed

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
ANNOUNCE = "select pg_notify(app.announcement_channel('webhook_connections'), %s)"


class Shelf:
    """Connections that can be looked up, counting how often somebody does."""

    def __init__(self) -> None:
        self.rows: dict[UUID, ConnectionRow] = {}
        self.looked_up = 0

    def add(self) -> UUID:
        organization_id, connection_id = uuid4(), uuid4()
        secret = sealed("whsec_1", organization_id, connection_id)
        self.rows[connection_id] = ConnectionRow(
            organization_id, connection_id, "stripe", secret, None, None
        )
        return connection_id

    async def find(self, connection_id: UUID) -> ConnectionRow | None:
        self.looked_up += 1
        return self.rows.get(connection_id)

    async def ids(self) -> set[UUID]:
        return set(self.rows)


async def forgotten(connections: Connections, connection_id: UUID) -> None:
    """Let others run until the connection is not remembered."""
    async with asyncio.timeout(20):
        while connections.is_known(connection_id):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def remembered(connections: Connections, connection_id: UUID) -> None:
    """Ask for the connection until it is remembered."""
    async with asyncio.timeout(20):
        while not connections.is_known(connection_id):
            await connections.get(connection_id)
            await asyncio.sleep(0.01)


def test_nothing_is_remembered_while_nobody_listens() -> None:
    async def scene() -> None:
        shelf = Shelf()
        connections = Connections(shelf.find, shelf.ids, SecretBox(MASTER_KEY))
        known = shelf.add()
        for _ in range(3):
            assert await connections.get(known) is not None
        assert shelf.looked_up == 3

    asyncio.run(scene())


def test_a_connection_is_remembered_until_it_changes(database: Database) -> None:
    async def scene() -> None:
        shelf = Shelf()
        connections = Connections(shelf.find, shelf.ids, SecretBox(MASTER_KEY))
        first, second = shelf.add(), shelf.add()
        listening = asyncio.create_task(connections.listen(database.gateway_url))

        try:
            await remembered(connections, first)
            await remembered(connections, second)
            before = shelf.looked_up
            await connections.get(first)
            assert shelf.looked_up == before
            async with await psycopg.AsyncConnection.connect(
                database.deployer_url, autocommit=True
            ) as announcer:
                await announcer.execute(ANNOUNCE, (str(first),))
                await forgotten(connections, first)
                assert connections.is_known(second)
                await announcer.execute(ANNOUNCE, ("everything",))
                await forgotten(connections, second)
                await remembered(connections, second)
        finally:
            listening.cancel()
            with pytest.raises(asyncio.CancelledError):
                await listening
        assert not connections.is_known(second)

    asyncio.run(scene())


def test_what_does_not_verify_is_looked_up_again_but_not_for_every_forgery(
    database: Database,
) -> None:
    async def scene() -> None:
        shelf = Shelf()
        connection_id = shelf.add()
        connections = Connections(shelf.find, shelf.ids, SecretBox(MASTER_KEY))
        listener = asyncio.create_task(connections.listen(database.gateway_url))
        await remembered(connections, connection_id)
        known = await connections.get(connection_id)
        assert known is not None
        rotated = sealed("whsec_2", known.organization_id, connection_id)
        shelf.rows[connection_id] = shelf.rows[connection_id]._replace(webhook_secret=rotated)
        before = shelf.looked_up

        assert (await connections.look_again(known, 100.0)).secret == b"whsec_2"
        for _ in range(50):
            assert await connections.look_again(known, 100.9) is known
        assert shelf.looked_up == before + 1
        assert (await connections.look_again(known, 101.0)).secret == b"whsec_2"
        assert shelf.looked_up == before + 2
        listener.cancel()

    asyncio.run(scene())


def test_a_lost_listener_forgets_everything_and_comes_back(database: Database) -> None:
    async def scene() -> None:
        shelf = Shelf()
        connections = Connections(shelf.find, shelf.ids, SecretBox(MASTER_KEY))
        known = shelf.add()
        listening = asyncio.create_task(connections.listen(database.gateway_url))

        try:
            await remembered(connections, known)
            async with await psycopg.AsyncConnection.connect(
                database.superuser_url, autocommit=True
            ) as killer:
                await killer.execute(
                    "select pg_terminate_backend(pid) from pg_stat_activity"
                    " where application_name = 'salesdash-gateway-listener'"
                    " and datname = current_database()"
                )
            await forgotten(connections, known)
            await remembered(connections, known)
        finally:
            listening.cancel()
            with pytest.raises(asyncio.CancelledError):
                await listening

    asyncio.run(scene())


def test_what_is_in_use_is_heard_of_without_asking(database: Database) -> None:
    async def scene() -> None:
        shelf = Shelf()
        connections = Connections(shelf.find, shelf.ids, SecretBox(MASTER_KEY))
        known, never = shelf.add(), uuid4()
        listening = asyncio.create_task(connections.listen(database.gateway_url))

        async def heard(connection_id: UUID) -> None:
            async with asyncio.timeout(20):
                while not connections.heard_of(connection_id):  # noqa: ASYNC110
                    await asyncio.sleep(0.01)

        try:
            await heard(known)
            assert shelf.looked_up == 0
            later = shelf.add()
            assert not connections.heard_of(later)
            with psycopg.connect(database.deployer_url, autocommit=True) as connection:
                connection.execute(ANNOUNCE, [str(later)])
            await heard(later)
            del shelf.rows[known]
            connections.forget(known)
            assert await connections.get(known) is None
            assert await connections.get(never) is None
            assert not connections.heard_of(known)
            assert not connections.heard_of(never)
        finally:
            listening.cancel()
            with pytest.raises(asyncio.CancelledError):
                await listening
        assert connections.heard_of(later)

    asyncio.run(scene())


def test_a_secret_sealed_with_another_key_is_unreadable() -> None:
    shelf = Shelf()
    connections = Connections(shelf.find, shelf.ids, SecretBox(generate_key()))
    with pytest.raises(SecretUnreadable):
        asyncio.run(connections.get(shelf.add()))


def test_the_previous_secret_counts_until_its_time() -> None:
    connection = Connection(uuid4(), uuid4(), "stripe", b"new", b"old", NOW)
    before, after = NOW - timedelta(seconds=1), NOW + timedelta(seconds=1)
    assert connection.secrets(before.timestamp()) == [b"new", b"old"]
    assert connection.secrets(after.timestamp()) == [b"new"]
    assert "new" not in repr(connection)


def test_refusals_that_cannot_be_written_down_are_kept() -> None:
    async def scene() -> None:
        written: list[dict[UUID, NotTaken]] = []
        broken = True

        async def record(counts: Mapping[UUID, NotTaken]) -> None:
            if broken:
                raise psycopg.OperationalError("away")
            written.append(dict(counts))

        rejections = Rejections(record)
        connection_id = uuid4()
        for reason in ("a", "a", "b"):
            rejections.add(connection_id, reason)
        rejections.add(connection_id, "c", is_refusal=True)
        rejections.add(None, "unknown connection")
        await rejections.flush()
        broken = False
        await rejections.flush()
        await rejections.flush()
        assert written == [{connection_id: NotTaken(rejected=3, refused=1)}]

    asyncio.run(scene())


# -- bodies

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=6,
)


@settings(max_examples=50)
@given(st.dictionaries(st.text(), json_values))
def test_an_object_is_kept_but_for_nul(document: dict[str, object]) -> None:
    try:
        body = orjson.dumps(document)
    except orjson.JSONEncodeError:  # a lone surrogate is no JSON
        return
    assert storable_object(body) == body.decode().replace("\\\\", "\0").replace(
        "\\u0000", "\\ufffd"
    ).replace("\0", "\\\\")


@given(st.binary())
def test_bytes_are_an_object_or_refused(body: bytes) -> None:
    try:
        text = storable_object(body)
    except ValueError:
        return
    assert isinstance(orjson.loads(text), dict)
