"""An organization's own fields beside its records, through the real PostgREST."""

import pytest

from tests.edge.requests import Api, outcome
from tests.fixtures.processes import Rest
from tests.world import Organization, World


@pytest.fixture
def acme(committed_world: World) -> Organization:
    return committed_world.organization("acme")


def test_a_field_is_defined_written_and_read_as_a_column_of_the_record(
    acme: Organization, rest: Rest
) -> None:
    api = Api(rest, acme.world)
    ada, dana, eli = acme.admin(), acme.closer("dana"), acme.closer("eli")
    elsewhere = acme.world.organization("umbrella").admin()
    call = acme.event(closer=dana)
    field = {
        "organization_id": str(acme.id),
        "entity": "event",
        "name": "mood",
        "label": "Mood",
        "field_type": "select",
    }
    assert outcome(api.send(dana, "POST", "custom_field_definitions", field)) == (403, "42501")
    (made,) = api.send(ada, "POST", "custom_field_definitions", field).json()
    option = {
        "organization_id": str(acme.id),
        "definition_id": made["id"],
        "value": "good",
        "label": "Good",
    }
    assert api.send(ada, "POST", "custom_field_options", option).status_code == 201
    value = {
        "organization_id": str(acme.id),
        "definition_id": made["id"],
        "event_id": str(call.id),
        "text_value": "bad",
    }
    assert outcome(api.send(ada, "POST", "custom_field_values", value)) == (422, "PT422")
    value["text_value"] = "good"
    assert outcome(api.send(dana, "POST", "custom_field_values", value)) == (403, "42501")
    assert api.send(ada, "POST", "custom_field_values", value).status_code == 201

    path = f"events?select=id,custom_fields&organization_id=eq.{acme.id}"
    expected = [{"id": str(call.id), "custom_fields": {"mood": "good"}}]
    assert api.send(ada, "GET", path).json() == expected
    assert api.send(dana, "GET", path).json() == expected
    assert api.send(eli, "GET", path).json() == []
    faked = {"event": {"organization_id": str(acme.id), "id": str(call.id)}}
    for stranger in (eli, elsewhere, acme.member()):
        answer = api.send(stranger, "POST", "rpc/custom_fields", faked)
        assert answer.is_error or answer.json() == {}
    assert outcome(api.send(ada, "DELETE", f"custom_field_definitions?id=eq.{made['id']}")) == (
        409,
        "PT409",
    )
