"""Importing through the API, from the token to the HTTP status."""

from tests.edge.requests import Api, outcome
from tests.fixtures.processes import Rest
from tests.world import World

ROWS = [{"external_id": "1", "name": "Radio"}, {"external_id": "2"}]


def test_admins_import_and_others_do_not(committed_world: World, rest: Rest) -> None:
    api, acme = Api(rest, committed_world), committed_world.organization("acme")
    ada, dana = acme.admin(), acme.closer("dana")
    stranger = committed_world.organization("beta").admin()
    given = {"entity": "sources", "rows": ROWS, "organization_id": acme.id}
    assert outcome(api.call(dana, "import_rows", **given)) == (403, "42501")
    assert outcome(api.call(acme.setter(), "import_rows", **given)) == (403, "42501")
    assert outcome(api.call(stranger, "import_rows", **given)) == (404, "PT404")
    assert outcome(api.call(None, "import_rows", **given)) == (401, "42501")
    assert outcome(api.call(ada, "import_rows", **given | {"entity": "x"})) == (422, "PT422")
    tried = api.call(ada, "import_rows", **given, dry_run=True).json()
    assert (tried["inserted"], tried["refused"], tried["dry_run"]) == (1, 1, True)
    assert api.send(ada, "GET", "sources?select=name").json() == []
    done = api.call(ada, "import_rows", **given).json()
    assert done["errors"] == [{"row": 2, "field": "name", "sentence": "This is needed."}]
    assert api.send(ada, "GET", "sources?select=name").json() == [{"name": "Radio"}]
    fields = api.send(dana, "GET", "rpc/import_fields?entity=sources&select=field,is_required")
    assert {"field": "name", "is_required": True} in fields.json()
