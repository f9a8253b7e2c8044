"""`salesdash webhooks`: what operators see of the inbox, and replays that they follow."""

import json
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from click.testing import Result
from psycopg.types.json import Jsonb
from typer.testing import CliRunner

from salesdash.cli import app
from tests.database.inbox import Inbox, open_inbox
from tests.fixtures.databases import Database
from tests.fixtures.processes import Worker
from tests.stripe_events import payment
from tests.world import World


@pytest.fixture
def inbox(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, committed_world: World
) -> Inbox:
    """An inbox, and the operator's environment."""
    monkeypatch.setenv("DATABASE_URL", database.deployer_url)
    monkeypatch.setenv("SALESDASH_HOME", str(tmp_path))
    monkeypatch.setenv("SALESDASH_ENV_FILE", "")
    return open_inbox(committed_world.organization("acme"))


def salesdash(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["webhooks", *arguments])


def dead(inbox: Inbox, *, mended: bool) -> UUID:
    """A delivery that was given up. mended: its cause is gone."""
    inbox.take(payment(currency="xqz")[0])
    stored: UUID = inbox.rows("webhook_events")[-1]["id"]
    inbox.organization.world.execute(
        "update app.webhook_events set status = 'dead', next_attempt_at = null where id = %s",
        stored,
    )
    if mended:
        inbox.organization.world.execute(
            "update app.webhook_events set body = %s where id = %s", Jsonb(payment()[0]), stored
        )
    return stored


def test_deliveries_are_listed_by_connection_and_how_they_stand(inbox: Inbox) -> None:
    inbox.take(payment()[0])
    given_up = dead(inbox, mended=False)
    of_ours = ("--connection", str(inbox.connection_id))
    every = json.loads(salesdash("list", *of_ours, "--json").stdout)
    assert [row["status"] for row in every] == ["dead", "processed"]
    assert str(given_up) in salesdash("dead", *of_ours).stdout
    assert "charge.succeeded" in salesdash("list", *of_ours, "--status", "processed").stdout
    assert salesdash("list", "--org", "nobody").stdout == "No deliveries.\n"


def test_a_delivery_is_shown_with_its_steps_and_masked(inbox: Inbox) -> None:
    inbox.take(payment()[0])
    stored = str(inbox.row("webhook_events")["id"])
    shown = salesdash("show", stored, "--body").stdout
    assert "payment: created" in shown
    assert "'last4': '***'" in shown
    assert json.loads(salesdash("show", stored, "--json").stdout)["body"] is None
    assert salesdash("show", str(uuid4())).exit_code == 1


def test_a_replay_is_followed_to_its_end(inbox: Inbox, worker: Worker) -> None:
    dead(inbox, mended=True)
    asked = ("replay", "--connection", str(inbox.connection_id), "--since", "2020-01-01")
    followed = salesdash(*asked, "--follow")
    assert followed.exit_code == 0, followed.output
    assert "succeeded (1 processed)" in followed.stdout
    assert inbox.row("webhook_events")["status"] == "processed"


@pytest.mark.parametrize(
    ("connection", "since"), [(None, "2020-01-01"), ("ours", "2999-01-01"), ("ours", "soon")]
)
def test_what_cannot_be_replayed_is_one_sentence(
    inbox: Inbox, connection: str | None, since: str
) -> None:
    chosen = str(inbox.connection_id if connection else uuid4())
    answer = salesdash("replay", "--connection", chosen, "--since", since)
    assert (answer.exit_code, answer.stdout) == (1, "")
    assert answer.stderr.startswith("error: ")
    assert answer.stderr.count("\n") == 1
