"""/functions/v1/export-data: what the caller may see, as a file, and nothing else."""

import asyncio
import csv
import io
import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from threading import Event, Thread
from typing import Any

import httpx
import jwt
import openpyxl
import pytest

from gateway.exports import Limits
from gateway.turns import TooManyAtOnce
from salesdash.settings import Settings
from tests.fixtures.ports import free_port, wait_until
from tests.fixtures.processes import JWT_SECRET, Rest
from tests.gateway.inside import Between, Inside, gateway_inside
from tests.world import NOON, Organization, Person, Row, World

PATH = "/functions/v1/export-data"
LIMITS = Limits(
    page_rows=3,
    page_bytes=2_500_000,
    per_user=1,
    at_once=2,
    stall_s=0.5,
    pauses_s=(0, 0),
    workbook_bytes=600_000,
    spare_bytes=0,
)
TABLES = ("events", "leads", "post_call_forms", "payments", "my_credits", "closers", "sources")


@dataclass(frozen=True)
class Scene:
    """An organization with calls of two closers, and another one."""

    world: World
    acme: Organization
    beta: Organization
    people: Mapping[str, Person]
    calls: list[Row]

    def token(self, name: str) -> str:
        """An access token of this person."""
        return self.world.token(self.people[name], JWT_SECRET)


@pytest.fixture(scope="module")
def scene(committed_world: World) -> Scene:
    """Seven calls, on seven days; every second one closed with money."""
    acme, beta = committed_world.organization("acme"), committed_world.organization("beta")
    people = {
        "admin": acme.admin(),
        "dana": acme.closer("dana"),
        "eli": acme.closer("eli"),
        "sam": acme.setter("sam"),
        "stranger": beta.admin(),
        "root": committed_world.super_admin(),
        "busy": acme.admin("bea"),
    }
    for name in ("Ads", "=1+1", "Börse & Co"):
        acme.source(name)
    calls = []
    for number in range(7):
        closer = people["dana" if number % 2 else "eli"]
        call = acme.event(
            closer=closer,
            setter=people["sam"],
            lead=acme.lead(f"Lead {number}"),
            scheduled_at=NOON + timedelta(days=number),
            outcome="closed" if number % 2 else "showed_offer",
        )
        calls.append(call)
        if number % 2:
            acme.payment(
                closer=closer,
                event=call,
                amount=Decimal("1499.10"),
                paid_at=NOON + timedelta(days=8),
            )
    beta.event(closer=beta.closer("bo"))
    return Scene(committed_world, acme, beta, people, calls)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where workbooks are written."""
    folder = tmp_path_factory.mktemp("scratch")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tempfile.tempdir", str(folder))
        yield folder


@pytest.fixture(scope="module")
def inside(system: Settings, rest: Rest, scratch: Path) -> Iterator[Inside]:
    """A gateway that reads three rows at a time."""
    assert rest.url == system.postgrest_url
    with gateway_inside(system, LIMITS) as running:
        yield running
    assert list(scratch.iterdir()) == []


@pytest.fixture(autouse=True)
def between(inside: Inside) -> Iterator[Between]:
    """Nothing stands between the gateway and PostgREST, unless a test says so."""
    inside.between.asked.clear()
    yield inside.between
    inside.between.hook = None


@pytest.fixture
def client(inside: Inside) -> Iterator[httpx.Client]:
    """Requests to the gateway."""
    with httpx.Client(base_url=inside.url, trust_env=False, timeout=20) as made:
        yield made


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def get(
    client: httpx.Client, scene: Scene, who: str, table: str = "events", **given: object
) -> httpx.Response:
    """An export of acme's by one of its people; strangers and super admins name it, too."""
    arguments = {"table": table, "organization_id": str(scene.acme.id), **given}
    return client.get(PATH, params=arguments, headers=bearer(scene.token(who)))


def exact(content: bytes) -> Any:
    """JSON with its numbers to the last digit."""
    return json.loads(content, parse_float=Decimal)


def on_record(scene: Scene) -> dict[str, Any]:
    """The newest export; before there is one, an empty one."""
    rows = scene.world.rows(
        "select id, table_name, format, state, row_count, requested_by from app.exports"
        " order by id desc limit 1"
    )
    return rows[0] if rows else {"id": None, "state": None}


def next_end(scene: Scene, before: dict[str, Any]) -> dict[str, Any]:
    """The newest export, once it is another one than before, and has ended."""

    def has_ended() -> bool:
        newest = on_record(scene)
        return newest["id"] != before["id"] and newest["state"] != "running"

    wait_until(has_ended, lambda: f"still {on_record(scene)}")
    return on_record(scene)


# -- what is in the file


@pytest.mark.parametrize("who", ["admin", "dana", "eli", "sam", "root"])
def test_a_file_holds_what_the_api_shows_its_caller(
    client: httpx.Client, scene: Scene, rest: Rest, who: str
) -> None:
    counts = {}
    for table in TABLES:
        shown = httpx.get(
            f"{rest.url}/{table}",
            params={"organization_id": f"eq.{scene.acme.id}", "order": "id"},
            headers=bearer(scene.token(who)),
            trust_env=False,
        )
        answer = get(client, scene, who, table)
        assert answer.status_code == 200, answer.text
        assert exact(answer.content) == exact(shown.content)
        counts[table] = len(exact(answer.content))
        assert (
            on_record(scene).items()
            >= {
                "table_name": table,
                "format": "json",
                "state": "delivered",
                "row_count": counts[table],
                "requested_by": scene.people[who].user_id,
            }.items()
        )
    expected = {
        "admin": {"events": 7, "post_call_forms": 7, "payments": 3, "leads": 7},
        "root": {"events": 7, "post_call_forms": 7, "payments": 3, "leads": 7},
        "dana": {"events": 3, "post_call_forms": 3, "payments": 3, "leads": 3},
        "eli": {"events": 4, "post_call_forms": 4, "payments": 0, "leads": 4},
        "sam": {"events": 7, "post_call_forms": 0, "payments": 0, "leads": 7},
    }[who]
    assert {table: counts[table] for table in expected} == expected


def test_nobody_takes_out_rows_of_another_organization(client: httpx.Client, scene: Scene) -> None:
    answer = get(client, scene, "stranger")
    assert (answer.status_code, answer.json()["code"]) == (404, "PT404")
    own = client.get(PATH, params={"table": "events"}, headers=bearer(scene.token("stranger")))
    assert [row["organization_id"] for row in own.json()] == [str(scene.beta.id)]


def test_every_format_has_the_same_rows(client: httpx.Client, scene: Scene) -> None:
    answers = {
        name: get(client, scene, "admin", "payments", format=name)
        for name in ("json", "ndjson", "csv", "xlsx")
    }
    newest = on_record(scene)
    assert (newest["format"], newest["state"], newest["row_count"]) == ("xlsx", "delivered", 3)
    rows = exact(answers["json"].content)
    assert [exact(line) for line in answers["ndjson"].content.splitlines()] == rows
    lines = list(csv.DictReader(io.StringIO(answers["csv"].text, newline="")))
    assert [line["amount"] for line in lines] == ["1499.10"] * 3
    assert [list(line) for line in lines] == [list(row) for row in rows]
    assert [line["id"] for line in lines] == [row["id"] for row in rows]
    book = openpyxl.load_workbook(io.BytesIO(answers["xlsx"].content))
    cells = list(book["payments"].iter_rows(values_only=True))
    assert list(cells[0]) == list(rows[0])
    column = cells[0].index
    assert [line[column("id")] for line in cells[1:]] == [row["id"] for row in rows]
    assert [line[column("amount")] for line in cells[1:]] == [1499.1] * 3
    # 16:00 UTC on March 18 is noon in New York, whose times a workbook shows.
    assert {str(line[column("payment_date")]) for line in cells[1:]} == {"2026-03-18 12:00:00"}
    assert {row["payment_date"] for row in rows} == {"2026-03-18T16:00:00+00:00"}
    told = {name: answer.headers["content-type"] for name, answer in answers.items()}
    assert told == {
        "json": "application/json",
        "ndjson": "application/x-ndjson",
        "csv": "text/csv; charset=utf-8; header=present",
        "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    }


def test_every_table_has_its_file(client: httpx.Client, scene: Scene) -> None:
    tables = [row["table_name"] for row in scene.world.rows("select * from app.export_tables()")]
    answers = {table: get(client, scene, "admin", table, format="xlsx") for table in tables}
    assert {answer.status_code for answer in answers.values()} == {200}
    for table, answer in answers.items():
        book = openpyxl.load_workbook(io.BytesIO(answer.content), read_only=True)
        assert book.sheetnames == [table, "about this file"]


def test_days_are_inclusive_and_local_in_both_spellings(client: httpx.Client, scene: Scene) -> None:
    # The calls are at noon of March 10 to 16; in both spellings, by GET and by POST.
    given = {"table": "events", "start_date": "2026-03-11", "end_date": "2026-03-13"}
    camel = {"table": "events", "startDate": "2026-03-11", "endDate": "2026-03-13"}
    headers = bearer(scene.token("admin"))
    answers = [
        client.get(PATH, params=given, headers=headers),
        client.get(PATH, params=camel, headers=headers),
        client.post(PATH, json=given, headers=headers),
        client.post("/export", json={**camel, "columns": ["id"]}, headers=headers),
    ]
    wanted = {str(call.id) for call in scene.calls[1:4]}
    assert [answer.status_code for answer in answers] == [200] * 4
    assert [{row["id"] for row in answer.json()} for answer in answers] == [wanted] * 4
    name = answers[0].headers["content-disposition"]
    assert name.startswith('attachment; filename="acme-')
    assert name.endswith('-events-2026-03-11-to-2026-03-13.json"')


def test_who_asks_chooses_columns_and_the_column_of_the_days(
    client: httpx.Client, scene: Scene
) -> None:
    answer = get(
        client, scene, "admin", columns="lead_name,scheduled_at", date_column="created_at",
        start_date="2020-01-01",
    )  # fmt: skip
    assert [list(row) for row in answer.json()] == [["lead_name", "scheduled_at"]] * 7
    long_ago = get(client, scene, "admin", date_column="created_at", end_date="2020-01-01")
    assert long_ago.json() == []


def test_csv_is_harmless_to_a_spreadsheet_unless_a_program_asks(
    client: httpx.Client, scene: Scene
) -> None:
    given = {"table": "sources", "format": "csv", "columns": "name"}
    names = get(client, scene, "admin", **given).content.decode().split("\r\n")
    assert {"'=1+1", "Börse & Co", "name"} <= set(names)
    plain = get(client, scene, "admin", **given, escape_formulas="false", bom="true")
    assert plain.content.startswith(b"\xef\xbb\xbfname\r\n")
    assert "=1+1" in plain.content.decode("utf-8-sig").split("\r\n")


def test_csv_straight_from_postgrest_has_the_same_columns_and_rows(
    client: httpx.Client, scene: Scene, rest: Rest
) -> None:
    select = "id,lead_name,scheduled_at,pcf_submitted,notes"
    straight = httpx.get(
        f"{rest.url}/events",
        params={"organization_id": f"eq.{scene.acme.id}", "order": "id", "select": select},
        headers={**bearer(scene.token("dana")), "accept": "text/csv"},
        trust_env=False,
    )
    export = get(client, scene, "dana", format="csv", columns=select)
    there, here = (
        list(csv.DictReader(io.StringIO(answer.text, newline=""))) for answer in (straight, export)
    )
    assert [list(row) for row in there] == [list(row) for row in here]
    assert [row["id"] for row in there] == [row["id"] for row in here]


def test_what_differs_in_csv_straight_from_postgrest_is_as_documented(
    client: httpx.Client, scene: Scene, rest: Rest
) -> None:
    source = scene.acme.source("=back\\slash")
    answer = httpx.get(
        f"{rest.url}/sources",
        params={"id": f"eq.{source.id}", "select": "name,is_active"},
        headers={**bearer(scene.token("admin")), "accept": "text/csv"},
        trust_env=False,
    )
    assert answer.text == 'name,is_active\n"=back\\\\slash",t'
    export = get(client, scene, "admin", "sources", format="csv", columns="name,is_active").text
    assert "'=back\\slash,true\r\n" in export


# -- what is refused


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({}, {"table"}),
        ({"table": "users"}, {"table"}),
        ({"table": "events", "format": "pdf"}, {"format"}),
        ({"table": "events", "start_date": "01/02/2026"}, {"start_date"}),
        ({"table": "events", "start_date": "2026-02-02", "end_date": "2026-02-01"}, {"end_date"}),
        ({"table": "events", "columns": "id,password"}, {"columns"}),
        ({"table": "events", "bom": "perhaps", "sort": "id"}, {"bom", "sort"}),
        ({"table": "events", "organization_id": "acme"}, {"organization_id"}),
        ({"table": "events", "date_column": "lead_name"}, {"date_column"}),
    ],
)
def test_what_cannot_be_is_named_field_by_field(
    client: httpx.Client, scene: Scene, given: dict[str, str], wrong: set[str]
) -> None:
    answer = client.get(PATH, params=given, headers=bearer(scene.token("admin")))
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_fields")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["errors"].keys() == wrong


def test_an_unknown_table_gets_the_choices(client: httpx.Client, scene: Scene) -> None:
    errors = get(client, scene, "admin", "users").json()["errors"]
    assert all(table in errors["table"] for table in TABLES)


@pytest.mark.parametrize("token", [None, "garbage", "anon"])
def test_nobody_gets_a_file_without_signing_in(
    client: httpx.Client, rest: Rest, token: str | None
) -> None:
    headers = bearer(rest.anon_key if token == "anon" else token) if token else {}
    answer = client.get(PATH, params={"table": "events"}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in")


def test_a_session_that_has_ended_gets_nothing(client: httpx.Client, scene: Scene) -> None:
    token = scene.token("eli")
    eli = scene.people["eli"]
    scene.world.execute(
        "update auth.sessions set revoked_at = now() where user_id = %s", eli.user_id
    )
    answer = client.get(PATH, params={"table": "events"}, headers=bearer(token))
    assert (answer.status_code, answer.json()["code"]) == (401, "PT401")
    del scene.world.sessions[eli.user_id]


def test_a_body_that_is_no_object_is_no_export(client: httpx.Client, scene: Scene) -> None:
    answer = client.post(PATH, content=b"[]", headers=bearer(scene.token("admin")))
    assert (answer.status_code, answer.json()["code"]) == (400, "not_json")
    assert client.delete(PATH).status_code == 405
    before = on_record(scene)
    assert client.head(PATH, headers=bearer(scene.token("admin"))).status_code == 405
    assert on_record(scene) == before


def test_an_api_key_gets_no_export_and_reads_csv_from_the_analysts_views(
    client: httpx.Client, scene: Scene
) -> None:
    key = scene.acme.reader_key()
    claims = {
        "role": "reader",
        "key_id": str(key.key_id),
        "organization_id": str(key.organization_id),
    }
    headers = bearer(jwt.encode(claims, JWT_SECRET, algorithm="HS256"))
    export = client.get(PATH, params={"table": "events"}, headers=headers)
    assert (export.status_code, export.json()["code"]) == (401, "not_signed_in")
    headers["accept-profile"] = "analytics"
    wanted = [str(call.id) for call in scene.calls]
    shown = client.get(
        "/rest/v1/events",
        params={"select": "id", "order": "id"},
        headers={**headers, "accept": "text/csv"},
    )
    assert shown.text.split() == ["id", *wanted]
    # And in pages, as the documents say, however many rows there are.
    got, after = [], "00000000-0000-0000-0000-000000000000"
    while page := client.get(
        "/rest/v1/events", params={"order": "id", "id": f"gt.{after}", "limit": 3}, headers=headers
    ).json():
        got += [row["id"] for row in page]
        after = got[-1]
    assert got == wanted


# -- what happens meanwhile


def test_rows_that_come_and_move_meanwhile_make_none_appear_twice(
    client: httpx.Client, scene: Scene, between: Between
) -> None:
    gamma = scene.world.organization("gamma")
    ada, gail = gamma.admin(), gamma.closer("gail")
    calls = [gamma.event(closer=gail, scheduled_at=NOON + timedelta(days=n)) for n in range(8)]
    new: list[Row] = []

    async def meanwhile(request: httpx.Request) -> None:
        if "order=id" in str(request.url):
            # One more call, and the first one moves behind all others.
            new.append(gamma.event(closer=gail, scheduled_at=datetime(2026, 1, 1, 15, tzinfo=UTC)))
            scene.world.execute(
                "update app.events set scheduled_at = scheduled_at + interval '30 days',"
                " scheduled_end_at = scheduled_end_at + interval '30 days'"
                " where organization_id = %s and id = %s",
                gamma.id,
                calls[0].id,
            )

    between.hook = meanwhile
    token = scene.world.token(ada, JWT_SECRET)
    answer = client.get(PATH, params={"table": "events"}, headers=bearer(token))
    got = [row["id"] for row in answer.json()]
    assert len(got) == len(set(got))
    assert {str(call.id) for call in calls} <= set(got)
    assert set(got) <= {str(call.id) for call in (*calls, *new)}
    assert len(between.pages) >= 3


@contextmanager
def session_lost(scene: Scene, between: Between) -> Iterator[None]:
    """A scene in which the session of an admin ends after the first page."""
    busy = scene.people["busy"]

    async def lose_the_session(request: httpx.Request) -> None:
        if "id=gt." in str(request.url):
            scene.world.execute(
                "update auth.sessions set revoked_at = now() where user_id = %s", busy.user_id
            )

    between.hook = lose_the_session
    yield
    del scene.world.sessions[busy.user_id]


@pytest.mark.parametrize("file_format", ["json", "ndjson", "csv"])
def test_a_file_that_breaks_off_is_never_taken_for_a_whole_one(
    client: httpx.Client, scene: Scene, between: Between, file_format: str
) -> None:
    before = on_record(scene)
    with session_lost(scene, between), pytest.raises(httpx.RemoteProtocolError):
        get(client, scene, "busy", format=file_format)
    told = next_end(scene, before)
    assert (told["state"], told["row_count"]) == ("failed", 3)


def test_a_workbook_that_cannot_be_finished_is_an_answer(
    client: httpx.Client, scene: Scene, between: Between, scratch: Path
) -> None:
    with session_lost(scene, between):
        answer = get(client, scene, "busy", format="xlsx")
    assert (answer.status_code, answer.json()["code"]) == (401, "PT401")
    assert answer.headers["content-type"] == "application/problem+json"
    told = on_record(scene)
    assert (told["state"], told["row_count"]) == ("failed", 0)
    assert files_in(scratch) == []


def files_in(folder: Path) -> list[Path]:
    """All files below."""
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_postgrest_that_is_away_for_a_moment_is_waited_for(
    client: httpx.Client, scene: Scene, between: Between
) -> None:
    troubles = iter(
        [httpx.ConnectError("away"), httpx.Response(503, json={"code": "PGRST001"}), None, None]
    )

    async def trouble(request: httpx.Request) -> httpx.Response | None:
        if "id=gt." not in str(request.url):
            return None
        match next(troubles):
            case Exception() as error:
                raise error
            case answer:
                return answer

    between.hook = trouble
    assert len(get(client, scene, "admin").json()) == 7


def test_a_first_page_that_fails_is_an_answer_and_on_record(
    client: httpx.Client, scene: Scene, between: Between
) -> None:
    async def slow(request: httpx.Request) -> httpx.Response | None:
        if "order=id" in str(request.url):
            return httpx.Response(500, json={"code": "57014", "message": "It took too long."})
        return None

    between.hook = slow
    answer = get(client, scene, "admin")
    assert (answer.status_code, answer.json()["code"]) == (500, "57014")
    assert answer.headers["content-type"] == "application/problem+json"
    told = on_record(scene)
    assert (told["state"], told["row_count"]) == ("failed", 0)

    async def away(request: httpx.Request) -> None:
        raise httpx.ConnectError("away")

    between.hook = away
    answer = get(client, scene, "admin")
    assert (answer.status_code, answer.json()["code"]) == (503, "rest_unavailable")


def test_who_asks_too_much_at_once_is_told_so(
    client: httpx.Client, scene: Scene, between: Between
) -> None:
    async def busy(request: httpx.Request) -> None:
        raise TooManyAtOnce("others of this token are under way", request=request)

    between.hook = busy
    answer = get(client, scene, "admin")
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_at_once")
    assert answer.headers["retry-after"]


def test_one_person_runs_few_exports_at_once_and_keeps_nobody_else_out(
    client: httpx.Client, scene: Scene, between: Between
) -> None:
    begun, released = Event(), Event()

    async def wait(request: httpx.Request) -> None:
        if "id=gt." in str(request.url):
            begun.set()
            await asyncio.to_thread(released.wait, 20)

    between.hook = wait
    first: list[httpx.Response] = []
    thread = Thread(target=lambda: first.append(get(client, scene, "admin")))
    thread.start()
    assert begun.wait(10)
    again = get(client, scene, "admin", "sources")
    assert (again.status_code, again.json()["code"]) == (429, "too_many_exports")
    assert int(again.headers["retry-after"]) > 0
    other = get(client, scene, "dana", "closers")
    assert other.status_code == 200
    released.set()
    thread.join()
    assert len(first[0].json()) == 7
    assert get(client, scene, "admin", "sources").status_code == 200


def test_people_of_one_organization_leave_places_to_others(system: Settings, scene: Scene) -> None:
    alone = system.model_copy(update={"gateway_port": free_port()})
    begun, released = Event(), Event()
    limits = replace(LIMITS, per_organization=1, at_once=9)
    with (
        gateway_inside(alone, limits) as running,
        httpx.Client(base_url=running.url, trust_env=False, timeout=20) as client,
    ):

        async def wait(request: httpx.Request) -> None:
            if "id=gt." in str(request.url):
                begun.set()
                await asyncio.to_thread(released.wait, 20)

        running.between.hook = wait
        first: list[httpx.Response] = []
        thread = Thread(target=lambda: first.append(get(client, scene, "admin")))
        thread.start()
        assert begun.wait(10)
        again = get(client, scene, "dana", "closers")
        assert (again.status_code, again.json()["code"]) == (429, "too_many_exports")
        assert (on_record(scene)["state"], on_record(scene)["row_count"]) == ("failed", 0)
        other = get(client, scene, "stranger", "closers", organization_id=str(scene.beta.id))
        assert other.status_code == 200
        released.set()
        thread.join()
        assert len(first[0].json()) == 7
        assert get(client, scene, "dana", "closers").status_code == 200


# -- who goes away


@pytest.fixture(scope="module")
def long_calls(scene: Scene) -> Person:
    """The admin of an organization whose file is twenty megabytes."""
    delta = scene.world.organization("delta")
    dan = delta.closer("dan")
    calls = [delta.event(closer=dan, scheduled_at=NOON + timedelta(days=n)) for n in range(20)]
    scene.world.execute(
        "update app.events set notes = repeat('x', 1000000) where organization_id = %s",
        calls[0].organization_id,
    )
    return delta.admin()


@contextmanager
def asking(inside: Inside, token: str, name: str = "json") -> Iterator[socket.socket]:
    """A client that has asked for the calls and takes only what it is told to."""
    url = httpx.URL(inside.url)
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
        connection.connect((url.host, url.port))
        connection.sendall(
            b"GET %s?table=events&format=%s HTTP/1.1\r\nhost: x\r\nauthorization: Bearer %s\r\n\r\n"
            % (PATH.encode(), name.encode(), token.encode())
        )
        yield connection


def test_who_goes_away_ends_the_export(
    inside: Inside, scene: Scene, between: Between, long_calls: Person
) -> None:
    before = on_record(scene)
    with asking(inside, scene.world.token(long_calls, JWT_SECRET)) as connection:
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")
    told = next_end(scene, before)
    assert told["state"] == "aborted"
    assert told["row_count"] < 20
    assert len(between.pages) < 10


def test_who_goes_away_while_the_end_is_written_down_has_had_the_whole_file(
    inside: Inside, client: httpx.Client, scene: Scene, between: Between
) -> None:
    begun, locked, before = Event(), Event(), on_record(scene)

    async def wait(request: httpx.Request) -> None:
        if "order=id" in str(request.url):
            begun.set()
            await asyncio.to_thread(locked.wait, 20)

    between.hook = wait
    token = scene.token("admin")
    with scene.world.connection.transaction():
        with asking(inside, token) as connection:
            assert begun.wait(10)
            scene.world.execute("select from app.exports where state = 'running' for update")
            locked.set()
            connection.settimeout(10)
            received = b""
            while b"\n]\n" not in received:
                received += connection.recv(1 << 16)
        # Answered after the gateway has seen them go.
        client.get("/livez").raise_for_status()
    told = next_end(scene, before)
    assert (told["state"], told["row_count"]) == ("delivered", 7)


def test_who_goes_away_before_a_workbook_is_whole_leaves_nothing_on_disk(
    inside: Inside, scene: Scene, between: Between, scratch: Path
) -> None:
    before, begun = on_record(scene), Event()

    async def hang(request: httpx.Request) -> None:
        if "id=gt." in str(request.url):
            begun.set()
            await asyncio.sleep(60)

    between.hook = hang
    with asking(inside, scene.token("admin"), "xlsx"):
        assert begun.wait(10)
        wait_until(lambda: bool(files_in(scratch)), lambda: "no page was written")
    told = next_end(scene, before)
    assert (told["state"], told["row_count"]) == ("aborted", 0)
    wait_until(lambda: not files_in(scratch), lambda: f"still {files_in(scratch)}")


def test_a_workbook_larger_than_one_may_be_is_refused(
    client: httpx.Client, scene: Scene, long_calls: Person, scratch: Path
) -> None:
    # Each note is cut to what a cell holds, and twenty such cells are too much here.
    answer = client.get(
        PATH,
        params={"table": "events", "format": "xlsx"},
        headers=bearer(scene.world.token(long_calls, JWT_SECRET)),
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "workbook_too_large")
    told = on_record(scene)
    assert (told["state"], told["row_count"]) == ("failed", 0)
    assert files_in(scratch) == []


def test_who_takes_nothing_is_given_up_and_no_more_is_read_than_they_take(
    inside: Inside, client: httpx.Client, scene: Scene, between: Between, long_calls: Person
) -> None:
    token, before = scene.world.token(long_calls, JWT_SECRET), on_record(scene)
    with asking(inside, token) as connection:
        told = next_end(scene, before)
        assert told["state"] == "aborted"
        assert len(between.pages) < 10
        received = b""
        while part := connection.recv(1 << 20):
            received += part
        assert not received.endswith(b"0\r\n\r\n")
    # Their place is free again, and at their own pace the file is whole.
    with client.stream("GET", PATH, params={"table": "events"}, headers=bearer(token)) as answer:
        size = sum(len(part) for part in answer.iter_bytes())
    assert size > 20_000_000
    assert on_record(scene)["row_count"] == 20
    # Of rows as large as these, only two make a page.
    assert {"limit=3", "limit=2"} == {
        part for path in between.pages for part in path.split("&") if "limit" in part
    }


def test_the_trail_names_who_asked_and_that_the_gateway_told_the_end(
    client: httpx.Client, scene: Scene
) -> None:
    get(client, scene, "dana", format="csv")
    trail = scene.world.rows(
        "select actor_kind, actor_id, new_data ->> 'state' as state from app.audit_logs"
        " where table_name = 'exports' and row_id = %s order by id",
        on_record(scene)["id"],
    )
    dana = scene.people["dana"].user_id
    assert trail == [
        {"actor_kind": "user", "actor_id": dana, "state": "running"},
        {"actor_kind": "gateway", "actor_id": None, "state": "delivered"},
    ]


def test_a_gateway_that_is_stopped_says_what_became_of_its_exports(
    system: Settings, scene: Scene
) -> None:
    alone = system.model_copy(update={"gateway_port": free_port()})
    begun, before = Event(), on_record(scene)
    with gateway_inside(alone, LIMITS) as running:

        async def hang(request: httpx.Request) -> None:
            if "id=gt." in str(request.url):
                begun.set()
                await asyncio.sleep(60)

        running.between.hook = hang
        with asking(running, scene.token("admin")):
            assert begun.wait(10)
            running.stop()
            told = next_end(scene, before)
    assert (told["state"], told["row_count"]) == ("failed", 3)


def test_exports_are_counted(client: httpx.Client, scene: Scene) -> None:
    rows = "salesdash_exported_rows_total"
    before, _ = counted(client, rows), get(client, scene, "admin")
    assert counted(client, rows) == before + 7
    assert counted(client, 'salesdash_exports_total{state="delivered"}') > 0


def counted(client: httpx.Client, name: str) -> float:
    """A number of /metrics; 0 for one that is not there yet."""
    lines = client.get("/metrics").text.splitlines()
    return next((float(line.split()[-1]) for line in lines if line.startswith(name)), 0.0)
