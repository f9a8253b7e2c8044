"""What the documents say about configuration is what the code reads."""

import re

import pytest

from salesdash.home import ROOT
from salesdash.settings import DEPRECATED, Settings

FIELDS = sorted(name.upper() for name in Settings.model_fields)
DOCUMENTED = (ROOT / "docs" / "configuration.md").read_text()
EXAMPLE = (ROOT / ".env.example").read_text()


@pytest.mark.parametrize("name", [*FIELDS, *sorted(DEPRECATED)])
def test_every_setting_is_documented(name: str) -> None:
    assert f"`{name}`" in DOCUMENTED


def test_the_example_lists_exactly_the_settings() -> None:
    assert sorted(re.findall(r"^#?([A-Z][A-Z0-9_]*)=", EXAMPLE, re.MULTILINE)) == FIELDS


def test_the_example_shows_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in FIELDS:
        monkeypatch.delenv(name, raising=False)
    shown = dict(re.findall(r"^#([A-Z][A-Z0-9_]*)=(.+)$", EXAMPLE, re.MULTILINE))
    shown.pop("DATABASE_URL")
    shown.pop("SALESDASH_HOME")
    real = Settings(_env_file=None).environment()
    assert {name: value for name, value in shown.items() if real.get(name) != value} == {}


def test_postgrest_conf_uses_documented_settings_only() -> None:
    documented = {
        "admin-server-port",
        "db-aggregates-enabled",
        "db-anon-role",
        "db-channel",
        "db-channel-enabled",
        "db-max-rows",
        "db-plan-enabled",
        "db-pool",
        "db-pool-acquisition-timeout",
        "db-pre-request",
        "db-schemas",
        "db-uri",
        "jwt-secret",
        "log-level",
        "openapi-mode",
        "server-host",
        "server-port",
        "server-trace-header",
    }
    used = re.findall(r"^([a-z-]+) = ", (ROOT / "postgrest.conf").read_text(), re.MULTILINE)
    assert set(used) <= documented
    assert len(used) == len(set(used))
