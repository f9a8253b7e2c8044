"""Who did how much, in which order, and who may see it."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from tests.world import NOON, Organization, Person, Row, World

MARCH = {"start_date": "2026-03-01", "end_date": "2026-03-31"}
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Scene:
    """Dana closes two of sam's three sets, eli one of sue's; each is credited with 1,000."""

    acme: Organization
    ada: Person
    dana: Person
    eli: Person
    sam: Person
    sue: Person
    youtube: Row


@pytest.fixture
def scene(world: World) -> Scene:
    acme = world.organization("acme")
    people = Scene(
        acme,
        acme.admin(),
        acme.closer("dana"),
        acme.closer("eli"),
        acme.setter("sam"),
        acme.setter("sue"),
        acme.source(),
    )
    calls(people, people.dana, people.sam, closed=2, missed=1)
    calls(people, people.eli, people.sue, closed=1)
    acme.event(closer=people.eli, outcome="closed", source=people.youtube)
    acme.payment(closer=people.dana, setter=people.sam, amount=Decimal("1000.00"))
    paid = acme.payment(closer=people.eli, setter=people.sue, amount=Decimal("1000.00"))
    acme.refund(paid, amount=Decimal("1.00"), refunded_at=NOON + DAY)
    acme.payment(amount=Decimal("5.00"))
    return people


def calls(
    scene: Scene, closer: Person, setter: Person | None, *, closed: int = 0, missed: int = 0
) -> None:
    for number, outcome in enumerate(["closed"] * closed + ["no_show"] * missed):
        at = NOON + number * DAY
        scene.acme.event(closer=closer, setter=setter, outcome=outcome, scheduled_at=at)


def ask(scene: Scene, who: Person, board: str = "closer", **given: object) -> list[dict[str, Any]]:
    arguments = {**MARCH, **given}
    names = ", ".join(f"{name} => %({name})s" for name in arguments)
    with scene.acme.world.acting_as(who) as db:
        return db.rows(f"select * from api.{board}_leaderboard({names})", **arguments)


def refused(scene: Scene, who: Person, code: str, board: str = "closer", **given: object) -> str:
    with pytest.raises(psycopg.Error) as error:
        ask(scene, who, board, **given)
    assert error.value.sqlstate == code
    return error.value.diag.message_detail or ""


def board(rows: list[dict[str, Any]], *columns: str) -> list[tuple[Any, ...]]:
    names = [name for name in rows[0] if name.endswith("_name")]
    return [(row["rank"], *(row[name] for name in (*names, *columns))) for row in rows]


def allow(scene: Scene, **settings: object) -> None:
    values = ", ".join(f"{name} = %({name})s" for name in settings)
    scene.acme.world.execute(
        f"update app.portal_settings set {values} where organization_id = %(id)s",
        id=scene.acme.id,
        **settings,
    )


# -- the numbers


def test_closers_are_ranked_by_cash_and_equals_share_a_rank(scene: Scene) -> None:
    fay = scene.acme.closer("fay")
    rows = ask(scene, scene.ada)
    assert board(rows, "cash_collected", "net_cash") == [
        (1, "dana", Decimal("1000.00"), Decimal("1000.00")),
        (1, "eli", Decimal("1000.00"), Decimal("999.00")),
        (3, "fay", Decimal("0.00"), Decimal("0.00")),
    ]
    assert {row["is_self"] for row in rows} == {False}
    assert [row["is_self"] for row in ask(scene, fay)] == [False, False, True]


def test_a_row_has_what_the_closer_did(scene: Scene) -> None:
    dana = ask(scene, scene.ada)[0]
    assert {name: dana[name] for name in ("booked_calls", "shows", "no_shows", "offers")} == {
        "booked_calls": 3,
        "shows": 2,
        "no_shows": 1,
        "offers": 2,
    }
    assert round(dana["show_rate"], 4) == Decimal("0.6667")
    assert (dana["offer_rate"], dana["closes"], dana["close_rate"], dana["coverage"]) == (
        1,
        2,
        1,
        1,
    )


def test_ties_stand_by_net_cash_then_closes_then_name(scene: Scene) -> None:
    scene.acme.closer("zed")
    scene.acme.closer("abe")
    names = [row["closer_name"] for row in ask(scene, scene.ada, order_by="closes")]
    assert names == ["dana", "eli", "abe", "zed"]
    assert [row["rank"] for row in ask(scene, scene.ada, order_by="closes")] == [1, 1, 3, 3]


def test_a_rate_over_too_few_calls_has_no_rank_and_stands_below(scene: Scene) -> None:
    calls(scene, scene.acme.closer("fay"), None, closed=2, missed=3)
    rows = ask(scene, scene.ada, order_by="show_rate")
    assert board(rows) == [(1, "fay"), (None, "eli"), (None, "dana")]
    scene.acme.world.execute(
        "update app.organizations set min_sample = 3 where id = %s", scene.acme.id
    )
    rows = ask(scene, scene.ada, order_by="show_rate")
    assert board(rows) == [(1, "dana"), (2, "fay"), (None, "eli")]


def test_setters_are_ranked_by_sets_and_show_their_work(scene: Scene) -> None:
    scene.acme.world.insert(
        "setter_activities",
        organization_id=scene.acme.id,
        setter_id=scene.sue.setter_id,
        activity_date="2026-03-03",
        provider="close",
        dials=30,
        connects=6,
        talk_seconds=600,
    )
    rows = ask(scene, scene.ada, "setter")
    assert board(rows, "sets", "shows", "closes", "cash_from_sets", "dials", "talk_seconds") == [
        (1, "sam", 3, 2, 2, Decimal("1000.00"), 0, 0),
        (2, "sue", 1, 1, 1, Decimal("1000.00"), 30, 600),
    ]
    assert board(ask(scene, scene.ada, "setter", order_by="dials"), "connects") == [
        (1, "sue", 6),
        (2, "sam", 0),
    ]
    filtered = ask(scene, scene.ada, "setter", source_id=scene.youtube.id)
    assert [(row["sets"], row["dials"]) for row in filtered] == [(0, None), (0, None)]


def test_a_filter_by_source_leaves_the_calls_of_that_source(scene: Scene) -> None:
    rows = ask(scene, scene.ada, source_id=scene.youtube.id, order_by="closes")
    assert board(rows, "shows", "cash_collected") == [
        (1, "eli", 1, Decimal("0.00")),
        (2, "dana", 0, Decimal("0.00")),
    ]


def test_with_what_is_nobodys_the_rows_are_the_organizations_numbers(scene: Scene) -> None:
    scene.acme.event(outcome="closed", scheduled_at=NOON + 5 * DAY)
    rows = ask(scene, scene.ada)
    with scene.acme.world.acting_as(scene.ada) as db:
        core = {
            row["metric"]: row["value"]
            for row in db.rows("select * from core_metrics('2026-03-01', '2026-03-31')")
        }
        for metric in ("booked_calls", "shows", "closes", "cash_collected", "net_cash"):
            nobodys = db.value(
                "select value from metric_breakdown(%s, 'closer', '2026-03-01', '2026-03-31')"
                " where member_id is null",
                metric,
            )
            assert sum(row[metric] for row in rows) + nobodys == core[metric], metric
    total = sum(row["cash_collected"] for row in rows)
    assert total + core["unattributed_cash"] == core["cash_collected"]


def test_who_left_is_there_while_they_were_there_or_did_something(scene: Scene) -> None:
    gone = scene.acme.closer("gone")
    for person, until in ((gone, "2026-02-28"), (scene.eli, "2026-03-01")):
        scene.acme.world.execute(
            "update app.closers set is_active = false, active_until = %s where id = %s",
            until,
            person.closer_id,
        )
    assert [row["closer_name"] for row in ask(scene, scene.ada)] == ["dana", "eli"]
    april = {"start_date": "2026-04-01", "end_date": "2026-04-30"}
    assert [row["closer_name"] for row in ask(scene, scene.ada, **april)] == ["dana"]
    february = {"start_date": "2026-02-28", "end_date": "2026-02-28"}
    assert [row["closer_name"] for row in ask(scene, scene.ada, **february)] == [
        "dana",
        "eli",
        "gone",
    ]


# -- who sees what


@pytest.mark.parametrize(
    ("visibility", "ranks", "rates", "counts"),
    [
        ("none", [None], [], []),
        ("rank", [1, 1], [None], [None]),
        ("rates", [1, 1], [1], [None]),
        ("full", [1, 1], [1], [2]),
    ],
)
def test_closers_see_their_own_row_and_of_others_what_is_permitted(
    scene: Scene,
    visibility: str,
    ranks: list[int | None],
    rates: list[int | None],
    counts: list[int | None],
) -> None:
    allow(scene, leaderboard_visibility=visibility)
    rows = ask(scene, scene.dana)
    (mine,) = [row for row in rows if row["is_self"]]
    others = [row for row in rows if not row["is_self"]]
    assert mine["closer_id"] == scene.dana.closer_id
    assert (mine["shows"], mine["cash_collected"]) == (2, Decimal("1000.00"))
    assert [row["rank"] for row in rows] == ranks
    assert [row["close_rate"] for row in others] == rates
    assert [row["shows"] for row in others] == counts
    cash = Decimal("1000.00") if visibility == "full" else None
    assert {row["cash_collected"] for row in others} <= {cash}
    assert ask(scene, scene.ada)[1]["cash_collected"] == Decimal("1000.00")


def test_a_leaderboard_that_is_not_shown_is_ones_own_row(scene: Scene) -> None:
    allow(scene, show_leaderboard=False, leaderboard_visibility="full")
    assert board(ask(scene, scene.dana), "shows") == [(None, "dana", 2)]
    assert ask(scene, scene.sam) == []
    assert board(ask(scene, scene.sam, "setter"), "sets") == [(None, "sam", 3)]
    assert len(ask(scene, scene.ada)) == 2


def test_where_money_is_hidden_closes_rank_and_no_row_has_it(scene: Scene) -> None:
    calls(scene, scene.eli, None, closed=3)
    allow(scene, show_cash=False, leaderboard_visibility="full")
    rows = ask(scene, scene.dana)
    assert board(rows, "closes", "cash_collected") == [(1, "eli", 5, None), (2, "dana", 2, None)]
    assert {row["cash_from_sets"] for row in ask(scene, scene.sam, "setter")} == {None}
    refused(scene, scene.dana, "42501", order_by="net_cash")
    refused(scene, scene.sam, "42501", "setter", order_by="cash_from_sets")
    assert ask(scene, scene.ada, order_by="net_cash")[0]["net_cash"] == Decimal("1000.00")


def test_orders_that_there_are_none_of_name_those_that_there_are(scene: Scene) -> None:
    assert "show_rate" in refused(scene, scene.ada, "PT422", order_by="charm")
    assert "talk_seconds" in refused(scene, scene.ada, "PT422", "setter", order_by="booked_calls")
    refused(scene, scene.ada, "PT422", start_date="2026-04-01")


def test_strangers_are_refused(scene: Scene, world: World) -> None:
    stranger = world.organization("other").admin()
    refused(scene, stranger, "PT404", organization_id=scene.acme.id)
    assert ask(scene, stranger) == []
    refused(scene, world.person("nadia"), "PT422")


# -- the homes


def test_the_home_and_the_leaderboard_agree(scene: Scene) -> None:
    def numbers(function: str, who: Person) -> dict[str, dict[str, Any]]:
        with scene.acme.world.acting_as(who) as db:
            home = db.value(f"select {function}('2026-03-01', '2026-03-31')")
        found: dict[str, dict[str, Any]] = {
            row["name"]: {"rank": row.get("rank"), **row["numbers"]}
            for row in home["closers" if function == "admin_home" else "leaderboard"]
        }
        return found

    for who, function in ((scene.ada, "admin_home"), (scene.dana, "rep_home")):
        home = numbers(function, who)
        rows = ask(scene, who)
        assert {row["closer_name"] for row in rows} == set(home)
        for row in rows:
            told = home[row["closer_name"]]
            assert told["rank"] == row["rank"]
            for metric in ("shows", "closes", "booked_calls", "net_cash", "close_rate"):
                seen = told[metric]["value"] if metric in told else None
                assert seen == (row[metric] and float(row[metric])), (who.name, metric)
