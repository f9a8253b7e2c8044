import base64
from pathlib import Path

import pytest

from salesdash.settings import Settings, SettingsError, load_settings


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("SALESDASH_ENV_FILE", "")


def test_everything_has_a_default() -> None:
    settings = load_settings()
    assert (settings.gateway_port, settings.postgrest_port, settings.postgres_port) == (
        8000,
        3000,
        5433,
    )
    assert settings.site_url == "http://127.0.0.1:8000"
    assert settings.allowed_origins == ("http://127.0.0.1:8000",)
    assert settings.postgrest_url == "http://127.0.0.1:3000"
    assert settings.postgrest_admin_url == "http://127.0.0.1:3001"
    assert settings.demo is True
    assert settings.auth_autoconfirm is False


def test_addresses_follow_the_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWAY_PORT", "9000")
    monkeypatch.setenv("POSTGREST_PORT", "9001")
    settings = load_settings()
    assert settings.site_url == "http://127.0.0.1:9000"
    assert settings.postgrest_admin_url == "http://127.0.0.1:9002"


def test_the_environment_wins_over_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "settings"
    file.write_text("GATEWAY_PORT=9000\nMAIL_FROM=Acme <hello@acme.example>\nSOMETHING_ELSE=1\n")
    monkeypatch.setenv("SALESDASH_ENV_FILE", str(file))
    monkeypatch.setenv("GATEWAY_PORT", "9001")
    settings = load_settings()
    assert settings.gateway_port == 9001
    assert settings.mail_from == "Acme <hello@acme.example>"


def test_an_empty_variable_is_as_good_as_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "")
    monkeypatch.setenv("DEMO", "0")
    settings = load_settings()
    assert settings.database_url is None
    assert settings.demo is False


def test_lists_are_written_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOWED_ORIGINS", "https://a.example/, https://b.example")
    assert load_settings().allowed_origins == ("https://a.example", "https://b.example")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GATEWAY_PORT", "eighty"),
        ("POSTGRES_PORT", "70000"),
        ("SITE_URL", "app.example.com"),
        ("ALLOWED_ORIGINS", "*"),
        ("DATABASE_URL", "mysql://somebody:hunter22@127.0.0.1/x"),
        ("JWT_SECRET", "hunter22"),
        ("ENCRYPTION_MASTER_KEY", "hunter22"),
        ("ENCRYPTION_MASTER_KEY_PREVIOUS", base64.b64encode(b"hunter22").decode()),
        ("STRIPE_BASE_URL", "ftp://stripe.example"),
        ("DEMO", "perhaps"),
    ],
)
def test_a_wrong_value_is_one_sentence_that_names_it(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as wrong:
        load_settings()
    sentence = str(wrong.value)
    assert sentence.startswith(f"{name} is not valid (")
    assert "\n" not in sentence
    assert "hunter22" not in sentence


def test_what_is_required_and_missing_is_named() -> None:
    with pytest.raises(SettingsError, match="GATEWAY_DATABASE_URL is not set"):
        load_settings().required("gateway_database_url")


def test_secrets_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWT_SECRET", "hunter22" * 8)
    monkeypatch.setenv("DATABASE_URL", "postgresql://deployer:hunter22@127.0.0.1/x")
    settings = load_settings()
    assert settings.required("jwt_secret") == "hunter22" * 8
    assert "hunter22" not in repr(settings)


def test_a_child_reads_back_what_it_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOWED_ORIGINS", "https://a.example,https://b.example")
    monkeypatch.setenv("DEMO", "0")
    monkeypatch.setenv("DATABASE_URL", "postgresql://deployer:secret@127.0.0.1/x")
    settings = load_settings()
    environment = settings.environment(without={"database_url"})
    assert "DATABASE_URL" not in environment
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("DATABASE_URL")
    assert load_settings() == settings.model_copy(update={"database_url": None})
