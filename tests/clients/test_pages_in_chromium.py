"""The link pages as people meet them: in Chromium, on a phone and at a desk, by keyboard."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.browser import DESK, PHONE, Browser, chromium, needs_chromium
from tests.fixtures.processes import Gateway
from tests.portal import Link, ago, link_of
from tests.world import Organization, Person, Row, World

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def browser(project: Path) -> Iterator[Browser]:
    """One Chromium for all tests of this module."""
    axe = (project / "node_modules/axe-core/axe.min.js").read_text()
    with chromium(axe) as made:
        yield made


@pytest.fixture
def acme(committed_world: World) -> Organization:
    committed_world.execute("truncate auth.attempts")
    return committed_world.organization("Acme")


@pytest.fixture
def dana(acme: Organization) -> Person:
    return acme.closer("dana")


def call(acme: Organization, closer: Person, lead: str, interval: str) -> Row:
    """A call of an hour with this lead that started this long ago."""
    return acme.event(closer=closer, lead=acme.lead(lead), scheduled_at=ago(acme.world, interval))


def address(gateway: Gateway, link: Link, page: str = "portal") -> str:
    return f"{gateway.url}/{page}#token={link.token}"


def looks_right(browser: Browser, name: str) -> None:
    """Nothing is cut off on a phone, nothing is wrong for a screen reader, in light and dark."""
    looks = {"phone": (PHONE, False), "phone-dark": (PHONE, True), "desk": (DESK, False)}
    for device, (size, dark) in looks.items():
        browser.size(size, dark=dark)
        assert browser.overflow() <= 0, device
        assert browser.violations() == [], device
        browser.picture(f"{name}-{device}")
    browser.size(PHONE)


def test_a_closer_reports_on_a_call_by_phone(
    browser: Browser, gateway: Gateway, acme: Organization, dana: Person
) -> None:
    late, young = call(acme, dana, "Lee", "3 days"), call(acme, dana, "Mo", "90 minutes")
    call(acme, dana, "Noor", "-1 day")
    acme.package("Mentoring")
    browser.size(PHONE)
    browser.open(address(gateway, link_of(acme, dana)), part="calls")
    assert "token" not in browser.driver.current_url
    assert [one.text.split("\n")[0] for one in browser.all("#pending li")] == ["Lee Overdue", "Mo"]
    looks_right(browser, "portal-calls")

    browser.press("#pending li:first-child button")
    browser.shows("report")
    assert browser.focused() == "report-title"
    browser.press("#report-form button")
    assert browser.focused() == "field-call_occurred-0"
    assert browser.find("#field-call_occurred-error").text == "Please answer this."
    assert [one.text for one in browser.all("legend")] == ["Did the call take place?"]
    looks_right(browser, "portal-missing")

    browser.choose("call_occurred", "true")
    browser.choose("offer_made", "true")
    browser.choose("deal_closed", "true")
    browser.type("#field-cash_collected", "1.005")
    browser.press("#report-form button")
    wrong = browser.waits("#field-cash_collected[aria-invalid]")
    assert browser.driver.switch_to.active_element == wrong
    described = (wrong.get_attribute("aria-describedby") or "").split()
    assert "USD has 2 decimal places." in [browser.find(f"#{one}").text for one in described]
    assert acme.state(late) == ("scheduled", None)
    looks_right(browser, "portal-refused")

    wrong.clear()
    browser.type("#field-cash_collected", "1500")
    browser.type("#field-notes", "Starts on Monday.")
    browser.press("#report-form button")
    browser.shows("sent")
    assert browser.focused() == "sent-title"
    assert browser.find("#sent-what").text == "Lee: Closed."
    assert browser.find("#next").text == "Next: Mo"
    assert acme.state(late) == ("completed", "closed")
    looks_right(browser, "portal-sent")

    browser.press("#next")
    browser.shows("report")
    browser.choose("call_occurred", "false")
    assert not browser.find("#field-offer_made-0").is_displayed()
    browser.type("#field-non_occurrence_reason", "The lead did not show up")
    browser.press("#report-form button")
    browser.shows("sent")
    assert acme.state(young) == ("no_show", "no_show")
    assert browser.status() == "Every call has its form."
    browser.press("#all")
    browser.shows("calls")
    assert browser.find("#pending-none").is_displayed()
    assert len(browser.all("#recent li")) == 2
    assert [entry for entry in browser.logged() if "status of 422" not in entry] == []
