"""The link pages as people meet them: in Chromium, on a phone and at a desk, by keyboard."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg.types.json import Jsonb
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait

from tests.clients.browser import DESK, PHONE, Browser, chromium, needs_chromium
from tests.fixtures.processes import Gateway
from tests.portal import Link, ago, link_of, locked_payout
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


OWN_FIELDS = [
    {"name": "objection", "type": "select", "label": "Objection", "options": ["price", "time"],
     "show_if": {"field": "deal_closed", "equals": False}},
    {"name": "price_named", "type": "money", "label": "Price named",
     "show_if": {"field": "objection", "in": ["price"]}},
    {"name": "channels", "type": "multi_select", "label": "Where did they hear of us?",
     "options": [{"value": "yt", "label": "YouTube"}, {"value": "ig", "label": "Instagram"}],
     "required": True},
    {"name": "calls_before", "type": "number", "label": "Calls before", "min": 0, "max": 9},
    {"name": "follow_up_on", "type": "date", "label": "Follow up on"},
    {"name": "is_couple", "type": "boolean", "label": "Was it a couple?", "required": True},
    {"name": "partner_email", "type": "email", "label": "Partner's e-mail",
     "help": "If they agree.", "show_if": {"field": "is_couple", "equals": True}},
    {"name": "partner_phone", "type": "phone", "label": "Partner's phone",
     "show_if": {"field": "partner_email", "answered": True}},
    {"name": "goal", "type": "text", "label": "Goal, in their words", "max": 80},
    {"name": "disqualified", "hidden": True},
]  # fmt: skip
"""A form with a field of each type, and with fields that depend on others."""


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
    assert browser.status() == "Thank you. Every call has its form."
    browser.press("#all")
    browser.shows("calls")
    assert browser.find("#pending-none").is_displayed()
    assert len(browser.all("#recent li")) == 2
    assert [entry for entry in browser.logged() if "status of 422" not in entry] == []


def test_the_form_is_what_the_organization_asks(
    browser: Browser, gateway: Gateway, acme: Organization, dana: Person
) -> None:
    publish = "select app.publish_form(%s, (app.read_form_config(%s)).fields, null)"
    acme.world.execute(publish, acme.id, Jsonb(OWN_FIELDS))
    one = call(acme, dana, "Lee", "2 hours")
    browser.size(PHONE)
    browser.open(address(gateway, link_of(acme, dana)), part="calls")
    browser.press("#pending button")
    browser.shows("report")
    browser.choose("call_occurred", "true")
    browser.choose("offer_made", "true")
    assert not browser.find("#field-objection").is_displayed()
    assert browser.driver.find_elements(By.ID, "field-disqualified-0") == []
    browser.choose("deal_closed", "false")
    browser.type("#field-objection", "price")
    browser.type("#field-price_named", "5000")
    browser.choose("is_couple", "true")
    browser.type("#field-partner_email", "Not an address")
    browser.type("#field-calls_before", "10")
    browser.press("#report-form button")
    assert browser.focused() == "field-channels-0"
    browser.choose("channels", "ig")
    browser.press("#report-form button")
    browser.waits("#field-partner_email[aria-invalid]")
    wrong = [one.get_attribute("id") for one in browser.all("[aria-invalid]")]
    assert wrong == ["field-calls_before", "field-partner_email"]
    assert browser.find("#problem").text == "2 answers need another look."
    looks_right(browser, "portal-own-fields")
    for field, text in (("calls_before", "2"), ("partner_email", "pat@lead.test")):
        browser.find(f"#field-{field}").clear()
        browser.type(f"#field-{field}", text)
    browser.type("#field-partner_phone", "+1 212 555 0100")
    browser.run("document.getElementById('field-follow_up_on').value = '2027-01-15'")
    browser.press("#report-form button")
    browser.shows("sent")
    (form,) = acme.world.rows("select * from app.post_call_forms where event_id = %s", one.id)
    assert form["answers"] == {
        "objection": "price",
        "price_named": 5000.00,
        "channels": ["ig"],
        "calls_before": 2,
        "follow_up_on": "2027-01-15",
        "is_couple": True,
        "partner_email": "pat@lead.test",
        "partner_phone": "+12125550100",
    }

    browser.press("#all")
    browser.shows("calls")
    browser.press("#recent button")
    browser.shows("report")
    assert browser.find("#field-partner_email").get_attribute("value") == "pat@lead.test"
    assert browser.find('input[name="channels"][value="ig"]').is_selected()
    assert browser.find('input[name="deal_closed"][value="false"]').is_selected()
    browser.choose("deal_closed", "true")
    assert not browser.find("#field-price_named").is_displayed()
    browser.press("#report-form button")
    browser.shows("sent")
    assert acme.state(one) == ("completed", "closed")


def test_what_stands_in_the_way_is_said_beside_the_button(
    browser: Browser, gateway: Gateway, acme: Organization, dana: Person
) -> None:
    one = call(acme, dana, "Lee", "-5 minutes")
    link = link_of(acme, dana)
    browser.size(PHONE)
    browser.open(address(gateway, link), part="calls")
    browser.press("#upcoming button")
    browser.shows("report")
    browser.choose("call_occurred", "false")
    browser.type("#field-non_occurrence_reason", "Technical problems")
    acme.cancel(one, at=ago(acme.world, "1 hour"))
    browser.press("#report-form button")
    WebDriverWait(browser.driver, 20, 0.05).until(lambda _: browser.find("#problem").text)
    assert browser.find("#problem").text.startswith("This call was canceled.")
    assert browser.find('input[name="call_occurred"][value="false"]').is_selected()
    acme.world.execute("update app.closer_access_tokens set revoked_at = now()")
    browser.press("#report-form button")
    browser.shows("missing")
    assert "not valid" in browser.status()
    assert browser.focused() == "status"


def test_a_link_that_is_good_stays_good_when_the_page_is_loaded_again(
    browser: Browser, gateway: Gateway, acme: Organization, dana: Person
) -> None:
    browser.open(address(gateway, link_of(acme, dana)), part="calls")
    browser.driver.refresh()
    browser.shows("calls")
    hosts = browser.run("return performance.getEntries().map(one => one.name)")
    assert [one for one in hosts if one.startswith("http") and gateway.url not in one] == []
    browser.open(address(gateway, link_of(acme, dana, days=-1)), part="missing")
    assert "not valid" in browser.status()
    browser.driver.refresh()
    browser.shows("missing")
    assert browser.status() == ""


def test_a_statement_is_what_a_locked_payout_says(
    browser: Browser, gateway: Gateway, acme: Organization, dana: Person
) -> None:
    payout = locked_payout(acme, dana)
    link = link_of(acme, dana, scope="statement", snapshot=payout)
    browser.open(address(gateway, link, "statement"), part="statement")
    assert browser.find("#statement-title").text == "November"
    assert "$1,250.00" in browser.find("#facts").text
    looks_right(browser, "statement")
    closed = "update app.portal_settings set show_commission = false where organization_id = %s"
    acme.world.execute(closed, acme.id)
    browser.open(address(gateway, link, "statement"), part="none")
    browser.open(f"{gateway.url}/statement#token=unknown", part="missing")
    assert "not valid" in browser.status()


@pytest.mark.parametrize(
    ("page", "part"),
    [
        ("sign-in", "ask"),
        ("sign-in#token_hash=some", "confirm"),
        ("sign-in#error=access_denied", "ask"),
        ("new-password", "ask"),
        ("new-password#token_hash=some", "set"),
        ("accept-invitation", "missing"),
        ("accept-invitation#token=some", "accept"),
        ("portal", "missing"),
        ("statement", "missing"),
    ],
)
def test_every_page_is_fit_for_phones_and_screen_readers(
    browser: Browser, gateway: Gateway, page: str, part: str
) -> None:
    browser.logged()
    browser.driver.get(gateway.url)
    browser.run("sessionStorage.clear()")
    browser.open(f"{gateway.url}/{page}", part=part)
    looks_right(browser, page.partition("#")[0] + "-" + part)
    refusals = [one for one in browser.logged() if "Content Security Policy" in one]
    assert refusals == []
