"""Each check of the catalog notices what it is there for."""

from collections.abc import Callable

import psycopg
import pytest

from salesdash import doctor
from salesdash.doctor import CATALOG_CHECKS, Finding

DROPS_A_PARTITION = (
    "do $$ begin execute format('drop table app.audit_logs_%s',"
    " to_char((now() at time zone 'UTC') + interval '1 month', 'YYYY_MM')); end $$"
)


@pytest.mark.parametrize("check", CATALOG_CHECKS, ids=lambda check: check.__name__)
def test_a_deployed_database_is_healthy(
    db: psycopg.Connection, check: Callable[[psycopg.Connection], Finding]
) -> None:
    assert check(db).outcome == "good", check(db)


@pytest.mark.parametrize(
    ("check", "damage", "named"),
    [
        (doctor.public_execute, "grant execute on function api.me() to public", "api.me()"),
        (
            doctor.process_grants,
            "grant usage on schema api to gateway; grant execute on function api.me() to gateway",
            "gateway may execute in api",
        ),
        (
            doctor.process_grants,
            "revoke usage on schema jobs from worker",
            "worker may execute nothing in jobs",
        ),
        (
            doctor.memberships,
            "reset role; revoke org_admin from authenticator",
            "not org_admin",
        ),
        (doctor.memberships, "reset role; grant worker to authenticator", "also worker"),
        (doctor.powers, "reset role; alter role worker createrole", "worker"),
        (
            doctor.partitions,
            DROPS_A_PARTITION,
            "no audit_logs_",
        ),
    ],
)
def test_damage_is_named_with_its_remedy(
    db: psycopg.Connection,
    check: Callable[[psycopg.Connection], Finding],
    damage: str,
    named: str,
) -> None:
    db.execute(damage.encode())
    finding = check(db)
    assert finding.outcome == "bad"
    assert named in finding.found
    assert finding.mend


def test_advisory_locks_of_analysts_are_a_warning(db: psycopg.Connection) -> None:
    db.execute("reset role; grant execute on function pg_advisory_lock(bigint) to analyst")
    finding = doctor.advisory_locks(db)
    assert finding.outcome == "warning"
    assert finding.mend


def test_the_month_after_the_next_is_a_warning(db: psycopg.Connection) -> None:
    db.execute(DROPS_A_PARTITION.replace("'1 month'", "'2 months'").encode())
    finding = doctor.partitions(db)
    assert finding.outcome == "warning"
    assert "no audit_logs_" in finding.found
    assert finding.mend
