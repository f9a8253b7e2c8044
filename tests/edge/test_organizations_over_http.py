"""Settings of an organization, from the token to the HTTP status."""

import pytest

from tests.edge.requests import Api, outcome
from tests.fixtures.processes import Rest
from tests.world import World

SETTINGS: dict[str, dict[str, object]] = {
    "update_organization": {"report_hour": 9, "pcf_grace": "90 minutes"},
    "update_integrations": {"primary_crm": "ghl", "ghl_location_id": "loc1"},
}


@pytest.mark.parametrize("function", sorted(SETTINGS))
def test_settings_are_changed_by_who_administers_the_organization(
    committed_world: World, rest: Rest, function: str
) -> None:
    api, acme = Api(rest, committed_world), committed_world.organization("acme")
    given = {**SETTINGS[function], "organization_id": acme.id}
    stranger = committed_world.organization("bolt").owner()
    assert outcome(api.call(acme.closer(), function, **given)) == (403, "42501")
    assert outcome(api.call(stranger, function, **given)) == (404, "PT404")
    assert outcome(api.call(None, function, **given)) == (401, "42501")
    for who in (acme.admin(), acme.owner(), committed_world.super_admin()):
        answer = api.call(who, function, **given)
        assert answer.status_code == 200, answer.text
        assert not any(name.endswith("_encrypted") for name in answer.json())
    assert answer.json()[next(iter(SETTINGS[function]))] == next(iter(SETTINGS[function].values()))


def test_each_wrong_setting_has_its_sentence(committed_world: World, rest: Rest) -> None:
    api, acme = Api(rest, committed_world), committed_world.organization("acme")
    answer = api.call(acme.admin(), "update_organization", timezone="Nowhere", report_hour=24)
    assert outcome(answer) == (422, "PT422")
    assert answer.json()["details"] == (
        '{"timezone": "The IANA name of a time zone, such as America/New_York.",'
        ' "report_hour": "From 0 to 23."}'
    )
