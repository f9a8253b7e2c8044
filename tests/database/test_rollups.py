"""Whatever changed, and whatever of it is counted, numbers are what the base rows add up to."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import psycopg
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.fixtures.databases import Database
from tests.metrics.history import History, Question
from tests.metrics.loading import Stage
from tests.metrics.stages import make_stage
from tests.metrics.strategies import filters, histories
from tests.world import Organization, World

START = datetime(2026, 3, 9, 15, tzinfo=UTC)
PERIOD_METRICS = """select metric from app.metric_catalog
                     where family <> 'setters' and not app.is_standing(metric) order by metric"""
DIMENSIONS = ("closer", "setter", "source", "traffic_type", "call_type", "package")


@pytest.fixture(scope="module")
def stage(database: Database) -> Iterator[Stage]:
    """The organization in which histories are played."""
    with psycopg.connect(database.superuser_url, autocommit=True) as connection:
        connection.execute("set role salesdash")
        yield make_stage(World(connection))


def values(
    stage: Stage, question: Question, dimension: str | None = None, **given: object
) -> dict[tuple[int, object, str], tuple[Any, ...]]:
    """Every number of the question's period and the ten days before it."""
    closer = stage.person(stage.closers, question.closer)
    setter = stage.person(stage.setters, question.setter)
    arguments: dict[str, object] = {
        "organization": stage.organization.id,
        "days": [
            question.start - timedelta(days=10),
            question.start,
            question.end + timedelta(days=1),
        ],
        "as_of": question.as_of,
        "cash_role": "closer" if closer else "setter" if setter else None,
        "closers": closer and [closer],
        "setters": setter and [setter],
        "source": stage.row(stage.sources, question.source),
        "traffic_type": stage.row(stage.traffic_types, question.traffic_type),
        "call_type": stage.row(stage.call_types, question.call_type),
        "dimension": dimension,
        "metrics": None,
        **given,
    }
    rows = stage.organization.world.rows(
        "select m.* from app.organizations as o cross join lateral app.metric_values(o.id,"
        " array(select app.day_start(d, o.timezone) from unnest(%(days)s::date[]) as d),"
        " %(as_of)s, %(cash_role)s, %(closers)s, %(setters)s, %(source)s, %(traffic_type)s,"
        " %(call_type)s, %(dimension)s, %(metrics)s) as m where o.id = %(organization)s",
        **arguments,
    )
    found = {
        (row["period"], row["member_id"], row["metric"]): (
            row["numerator"],
            row["denominator"],
            row["coverage"],
        )
        for row in rows
    }
    assert len(found) == len(rows)
    return found


def differences(
    stage: Stage, start: date | None = None, end: date | None = None
) -> list[dict[str, Any]]:
    """Where sums are not what they should be, of all days or of these."""
    return stage.organization.world.rows(
        "select * from app.rollup_differences(%s, %s, %s)"
        " order by dimension, member_id, span, starts_on, measure",
        stage.organization.id,
        start,
        end,
    )


def lies_within(row: dict[str, Any], start: date, end: date) -> bool:
    """Does the day or the whole month of this difference lie between these days?"""
    last = row["starts_on"]
    if row["span"] == "month":
        last = (last + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return bool(start <= row["starts_on"] and last <= end)


def everything(
    stage: Stage, questions: tuple[Question, ...], dimensions: tuple[str | None, ...]
) -> list[object]:
    """The answers to some questions, whole and grouped. Members of nothing are as good as none."""
    return [
        {key: numbers for key, numbers in values(stage, asked, by).items() if any(numbers)}
        for asked in questions
        for by in dimensions
    ]


@settings(max_examples=8, phases=[Phase.explicit, Phase.generate])
@given(histories(), histories(), filters(), st.randoms(use_true_random=False))
def test_whatever_changed_and_whatever_of_it_is_counted_numbers_are_those_of_the_base_rows(
    stage: Stage,
    made: tuple[History, Question],
    other: tuple[History, Question],
    chosen: dict[str, int | None],
    luck: Random,
) -> None:
    (old, _), (new, question) = made, other
    asked = (question, replace(question, **chosen))
    by = (None, *luck.sample(DIMENSIONS, 2))
    with stage.playing(old):
        stage.build()
        stage.become(
            old, new, lambda: stage.fold(luck.randint(1, 20)) if luck.random() < 0.3 else None
        )
        assert differences(stage) == []
        seen = everything(stage, asked, by)
        stage.fold()
        assert differences(stage) == []
        assert everything(stage, asked, by) == seen
        stage.organization.world.execute(
            "insert into app.metric_changes (organization_id, unit) values (%s, 'all')",
            stage.organization.id,
        )
        assert everything(stage, asked, by) == seen


@settings(max_examples=8, phases=[Phase.explicit, Phase.generate])
@given(histories(), st.integers(0, 40))
def test_some_days_are_proved_by_their_own_rows_alone(
    stage: Stage, made: tuple[History, Question], longer: int
) -> None:
    """Without any sums, what a recount of some days names is what one of all days says of them."""
    history, question = made
    end = question.end + timedelta(days=longer)
    with stage.playing(history):
        stage.build()
        assert differences(stage, question.start, end) == []
        stage.organization.world.execute(
            "delete from app.metric_sums where organization_id = %s", stage.organization.id
        )
        assert differences(stage, question.start, end) == [
            row for row in differences(stage) if lies_within(row, question.start, end)
        ]


@settings(max_examples=2, phases=[Phase.explicit, Phase.generate])
@given(histories(), st.sampled_from(DIMENSIONS))
def test_a_metric_asked_for_alone_is_what_it_is_among_all_of_them(
    stage: Stage, made: tuple[History, Question], dimension: str
) -> None:
    history, question = made
    names = [row["metric"] for row in stage.organization.world.rows(PERIOD_METRICS)]
    with stage.playing(history):
        stage.build()
        for by in (None, dimension):
            together = values(stage, question, by, metrics=names)
            told = values(stage, question, by)
            assert together == told | {
                key: numbers for key, numbers in together.items() if key[2] == "pcf_median_delay"
            }
            for name in names:
                assert values(stage, question, by, metrics=[name]) == {
                    key: numbers for key, numbers in together.items() if key[2] == name
                }, name


def test_several_writers_and_folders_at_once_leave_every_sum_exact(
    committed_world: World, database: Database
) -> None:
    """Calls, their ends and their payments, while two others fold: nobody waits for ever."""
    acme = committed_world.organization("acme")
    closers = [acme.closer(f"closer{n}") for n in range(3)]

    def write(number: int) -> None:
        with psycopg.connect(database.superuser_url, autocommit=True) as connection:
            connection.execute("set role salesdash")
            luck = Random(number)
            for turn in range(8):
                event = connection.execute(
                    "insert into app.events (organization_id, closer_id, scheduled_at, booked_at)"
                    " values (%s, %s, %s, %s) returning id",
                    (
                        acme.id,
                        luck.choice(closers).closer_id,
                        START + timedelta(days=luck.randrange(40)),
                        START,
                    ),
                ).fetchone()
                assert event is not None
                with connection.transaction():
                    connection.execute(
                        "insert into app.payments (organization_id, event_id, source, provider,"
                        " provider_payment_id, status, amount, currency, amount_base,"
                        " base_currency, payment_date) values (%s, %s, 'import', 'import', %s,"
                        " 'succeeded', 10.00, 'USD', 10.00, 'USD', %s)",
                        (acme.id, event[0], f"{number}-{turn}", START),
                    )
                    connection.execute(
                        "update app.events set closer_id = %s"
                        " where organization_id = %s and id = %s",
                        (luck.choice(closers).closer_id, acme.id, event[0]),
                    )

    def fold(_number: int) -> None:
        with psycopg.connect(database.superuser_url, autocommit=True) as connection:
            for _ in range(8):
                connection.execute("select app.fold_metrics(%s, 7)", (acme.id,))

    with ThreadPoolExecutor(6) as pool:
        work = [pool.submit(write, n) for n in range(4)] + [pool.submit(fold, n) for n in range(2)]
        for done in work:
            done.result()
    query = "select * from app.rollup_differences(%s)"
    assert committed_world.rows(query, acme.id) == []
    while committed_world.value("select app.fold_metrics(%s, 1000)", acme.id):
        pass
    assert committed_world.rows(query, acme.id) == []
    booked = "select sum(booked) from app.metric_sums where organization_id = %s and {}"
    for which in ("dimension = 'all' and span = 'day'", "dimension = 'closer' and span = 'month'"):
        assert committed_world.value(booked.format(which), acme.id) == 32


def test_a_sum_that_is_wrong_is_named_and_building_mends_it(world: World) -> None:
    acme = world.organization("acme")
    admin = acme.admin()
    acme.event(closer=acme.closer(), scheduled_at=START)
    assert world.value("select app.fold_metrics(%s, 1000)", acme.id) > 0
    world.execute(
        "update app.metric_sums set booked = booked + 1"
        " where organization_id = %s and dimension = 'all' and span = 'day' and booked > 0",
        acme.id,
    )
    with world.acting_as(admin) as db:
        (wrong,) = db.rows("select * from verify_rollups()")
    assert (wrong["dimension"], wrong["measure"]) == ("all", "booked")
    assert (wrong["stored"], wrong["recounted"]) == (2, 1)
    with world.acting_as(admin) as db:
        for days, found in (((-1, 0), [wrong]), ((-9, -1), []), ((1, 9), [])):
            asked = [wrong["starts_on"] + timedelta(days=day) for day in days]
            assert db.rows("select * from verify_rollups(%s, %s)", *asked) == found
    assert world.value("select app.build_rollup(%s)", acme.id)
    with world.acting_as(admin) as db:
        assert db.rows("select * from verify_rollups()") == []


def test_a_recount_that_takes_too_long_is_asked_for_in_parts(world: World) -> None:
    acme = world.organization("acme")
    admin = acme.admin()
    acme.event(closer=acme.closer(), scheduled_at=START, booked_at=START)
    assert world.value("select app.build_rollup(%s)", acme.id)
    world.execute(
        "insert into app.metric_facts (organization_id, unit, unit_id, day, grains, measures)"
        " select f.organization_id, f.unit, f.unit_id, f.day + 1, f.grains, 0"
        "   from app.metric_facts as f, generate_series(1, 30000)"
        "  where f.organization_id = %s",
        acme.id,
    )
    with world.acting_as(admin) as db:
        with pytest.raises(psycopg.Error) as refused:
            db.rows("select * from verify_rollups()")
        assert refused.value.sqlstate == "PT422"
        assert "salesdash rollups verify" in (refused.value.diag.message_hint or "")
    with world.acting_as(admin) as db:
        assert db.rows("select * from verify_rollups(%s, %s)", START.date(), START.date()) == []


def test_sums_that_are_not_built_have_nothing_to_prove(world: World) -> None:
    acme = world.organization("acme")
    world.execute(
        "insert into app.metric_changes (organization_id, unit) values (%s, 'all')", acme.id
    )
    with world.acting_as(acme.admin()) as db, pytest.raises(psycopg.Error) as refused:
        db.rows("select * from verify_rollups()")
    assert refused.value.sqlstate == "PT409"


def test_a_writer_that_meets_too_many_changes_counts_a_thousand_of_them_itself(
    world: World,
) -> None:
    acme = world.organization("acme")
    event = acme.event(closer=acme.closer(), scheduled_at=START)
    waiting = "select count(*) from app.metric_changes where organization_id = %s"
    many = """insert into app.metric_changes (organization_id, unit, unit_id)
              select %s, 'chain', %s from generate_series(1, %s)"""
    write = """insert into app.events (organization_id, scheduled_at, booked_at)
               select %s, %s, %s from generate_series(1, 1000)"""
    world.execute(write, acme.id, START, START)
    few = world.value(waiting, acme.id)
    assert few >= 1000  # nobody counted them
    world.execute(many, acme.id, event.id, 20_000 - few)
    world.execute(write, acme.id, START, START)
    assert world.value(waiting, acme.id) == 20_000
    booked = "select sum(booked) from app.metric_sums where organization_id = %s and span = 'day'"
    assert world.value(f"{booked} and dimension = 'all'", acme.id) > 0


def test_what_changed_is_found_out_once_for_all_numbers_of_a_request(world: World) -> None:
    """Whoever knows it hands it on: told that nothing has, numbers are those that were counted."""
    acme = world.organization("acme")
    dana = acme.closer("dana")
    acme.event(closer=dana, scheduled_at=START, outcome="closed")
    assert world.value("select app.fold_metrics(%s, 1000)", acme.id) > 0
    nothing = world.value("select cardinality(app.differences(%s))", acme.id)
    acme.event(closer=dana, scheduled_at=START + timedelta(hours=2), outcome="closed")
    shows = {
        "core_metrics": "select value from app.core_metrics(%s, '2026-03-01', '2026-03-31', now(),"
        " 'organization', differences => {}) where metric = 'shows'",
        "standings": "select shows from app.person_standings(%s, 'closer', '2026-03-01',"
        " '2026-03-31', now(), differences => {})",
        "leaderboard": "select app.home_leaderboard(%s, 'closer', '2026-03-01', '2026-03-31',"
        " now(), 5, differences => {}) #>> '{{0,numbers,shows,value}}'",
        "home": "select app.home_numbers(%s, '2026-03-01', '2026-03-31', now(), '{{shows}}',"
        " 'organization', differences => {}) #>> '{{shows,value}}'",
    }
    known = f"(select app.differences('{acme.id}'))"
    for what, query in shows.items():
        told = [int(world.value(query.format(given), acme.id)) for given in ("null", known, "'{}'")]
        assert told == [2, 2, 1], what
    assert nothing == 0


def test_what_moves_everything_is_counted_from_the_base_rows_until_it_is_built_anew(
    world: World,
) -> None:
    acme = world.organization("acme")
    call_type = acme.call_type("one")
    acme.event(closer=acme.closer(), scheduled_at=START, outcome="closed", call_type=call_type)
    admin = acme.admin()
    shows = "select value from core_metrics('2026-03-01', '2026-03-31') where metric = 'shows'"
    assert world.value("select app.build_rollup(%s)", acme.id)
    with world.acting_as(admin) as db:
        assert db.value(shows) == 1
    world.execute(
        "update app.call_types set counts_in_rates = false where organization_id = %s", acme.id
    )
    assert not world.value("select app.has_rollup(%s)", acme.id)
    with world.acting_as(admin) as db:
        assert db.value(shows) == 0
    assert world.value("select app.build_rollup(%s)", acme.id)
    assert world.value("select app.has_rollup(%s)", acme.id)
    with world.acting_as(admin) as db:
        assert db.value(shows) == 0


def test_every_measure_has_its_place_in_sums_and_contributions(world: World) -> None:
    listed = world.rows("select measure, app.measure_bit(measure) as bit from app.measures()")
    assert [row["bit"] for row in listed] == [1 << n for n in range(len(listed))]
    columns = world.rows(
        "select attname from pg_attribute where attrelid = 'app.metric_sums'::regclass"
        " and attnum > 6 and not attisdropped order by attnum"
    )
    assert [row["attname"] for row in columns] == [row["measure"] for row in listed]


def test_a_rollup_of_an_earlier_layout_is_built_anew_when_no_change_waits(world: World) -> None:
    acme, other = world.organization("acme"), world.organization("other")
    old = "update app.metric_rollups set layout = 0, built_at = 'epoch' where organization_id = %s"
    world.execute(old, acme.id)
    other.event(closer=other.closer(), scheduled_at=START)
    is_old = "select built_at = 'epoch' from app.metric_rollups where organization_id = %s"
    with world.acting_as_role("worker") as worker:
        while worker.value("select changes from jobs.rollup_lag()"):
            assert worker.value("select jobs.fold_rollup(100)") is not None
    assert (world.value(is_old, acme.id), has_rollup(acme)) == (True, True)
    with world.acting_as_role("worker") as worker:
        assert worker.value("select jobs.fold_rollup(100)") is not None
        assert worker.value("select jobs.fold_rollup(100)") is None
    assert (world.value(is_old, acme.id), has_rollup(acme)) == (False, True)


def has_rollup(acme: Organization) -> bool:
    found: bool = acme.world.value("select app.has_rollup(%s)", acme.id)
    return found


def test_the_worker_builds_what_is_not_built_and_counts_what_changed(world: World) -> None:
    acme = world.organization("acme")
    acme.event(closer=acme.closer(), scheduled_at=START)
    world.execute(
        "update app.metric_rollups set built_at = null where organization_id = %s", acme.id
    )
    with world.acting_as_role("worker") as worker:
        while worker.value("select jobs.fold_rollup(100)") is not None:
            pass
        lag = worker.rows("select not_built, changes from jobs.rollup_lag()")
    assert lag == [{"not_built": 0, "changes": 0}]
    booked = "select sum(booked) from app.metric_sums where organization_id = %s and span = 'day'"
    assert world.value(f"{booked} and dimension = 'all'", acme.id) == 1
