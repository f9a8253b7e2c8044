"""Whatever arrives is stored or refused with a reason, and never by half."""

from urllib.parse import urlsplit

import pytest

from tests.fixtures.processes import Gateway
from tests.fuzz.driver import run_cases, tally, use_up
from tests.fuzz.mutations import make_case
from tests.senders import SENDERS
from tests.world import World

CASES = 2_000


def test_thousands_of_mutated_deliveries_are_stored_whole_or_refused(
    gateway: Gateway, committed_world: World
) -> None:
    port = urlsplit(gateway.url).port
    assert port is not None
    results = run_cases(committed_world, port, [make_case(number) for number in range(CASES)])
    wrong = [f"{result.case.told()}: {each}" for result in results for each in result.wrong]
    wrong += use_up(committed_world, results)
    assert wrong == []
    outcomes = tally(results)
    # The cases reach every way of ending; otherwise they prove little.
    assert {
        "200 processed",
        "200 queued",
        "200 ignored",
        "200 duplicate",
        "400 not_json",
        "400 not_an_event",
        "400 not_storable",
        "401 not_genuine",
        "413 body_too_large",
    } <= set(outcomes), outcomes


@pytest.mark.parametrize("provider", sorted(SENDERS))
def test_a_case_is_the_same_every_time(provider: str) -> None:
    senders = [SENDERS[provider]]
    assert [make_case(n, senders) for n in range(50)] == [make_case(n, senders) for n in range(50)]
