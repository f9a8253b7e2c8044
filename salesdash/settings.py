"""Every setting of every process, read from the environment and from a `.env` file.

One frozen object serves the command line, the gateway and the jobs. What a process cannot do
without it asks for with `Settings.required`, so that a missing value is one clear sentence.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

DEPRECATED: dict[str, str] = {
    "CALENDLY_API_KEY": "vendor keys belong to an organization: store it there",
    "CLOSE_API_KEY": "vendor keys belong to an organization: store it there",
    "WHOP_API_KEY": "vendor keys belong to an organization: store it there",
    "WHOP_COMPANY_ID": "it belongs to an organization: store it there",
    "SUPABASE_SERVICE_ROLE_KEY": "there is no service key: processes have database logins",
    "SUPABASE_URL": "use SITE_URL",
    "VITE_SUPABASE_URL": "use SITE_URL",
    "VITE_SUPABASE_PUBLISHABLE_KEY": "use ANON_KEY",
}
"""Names that older deployments set, and what to do instead. Nothing reads them."""


class SettingsError(Exception):
    """A setting is missing or wrong. The message is one sentence and holds no secret value."""


def _http_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("it must be an http or https URL")
    return value.rstrip("/")


def _postgres_url(value: str) -> str:
    if urlsplit(value).scheme not in {"postgresql", "postgres"}:
        raise ValueError("it must look like postgresql://login:password@host:5432/database")
    return value


def _long_enough(value: str) -> str:
    if len(value.encode()) < 32:
        raise ValueError("it must be at least 32 bytes long")
    return value


def _thirty_two_bytes(value: str) -> str:
    try:
        size = len(base64.b64decode(value, validate=True))
    except binascii.Error:
        size = 0
    if size != 32:
        raise ValueError("it must be 32 bytes written in base64")
    return value


def _split_commas(value: object) -> object:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


Port = Annotated[int, Field(ge=1, le=65535)]
HttpUrl = Annotated[str, AfterValidator(_http_url)]
PostgresUrl = Annotated[str, AfterValidator(_postgres_url)]
JwtSecret = Annotated[str, AfterValidator(_long_enough)]
MasterKey = Annotated[str, AfterValidator(_thirty_two_bytes)]


def _local_url(port_field: str) -> Any:
    return Field(default_factory=lambda data: f"http://127.0.0.1:{data[port_field]}")


class Settings(BaseSettings):
    """The whole configuration. Ports are TCP ports on 127.0.0.1, URLs carry no trailing slash.

    Values that hold a password or a key are kept out of `repr`.
    """

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    # Where things listen
    gateway_port: Port = 8000
    postgrest_port: Port = 3000
    postgrest_admin_port: Port = Field(
        default_factory=lambda data: data["postgrest_port"] + 1, validate_default=True
    )
    postgres_port: Port = 5433
    postgrest_url: HttpUrl = _local_url("postgrest_port")
    postgrest_admin_url: HttpUrl = _local_url("postgrest_admin_port")
    site_url: HttpUrl = _local_url("gateway_port")
    allowed_origins: Annotated[tuple[HttpUrl, ...], NoDecode, BeforeValidator(_split_commas)] = (
        Field(default_factory=lambda data: (data["site_url"],))
    )

    # Database logins
    database_url: PostgresUrl | None = Field(default=None, repr=False)
    gateway_database_url: PostgresUrl | None = Field(default=None, repr=False)
    jobs_database_url: PostgresUrl | None = Field(default=None, repr=False)
    pgrst_db_uri: PostgresUrl | None = Field(default=None, repr=False)

    # Keys
    jwt_secret: JwtSecret | None = Field(default=None, repr=False)
    jwt_secret_previous: JwtSecret | None = Field(default=None, repr=False)
    anon_key: str | None = Field(default=None, repr=False)
    encryption_master_key: MasterKey | None = Field(default=None, repr=False)
    encryption_master_key_previous: Annotated[
        tuple[MasterKey, ...], NoDecode, BeforeValidator(_split_commas)
    ] = Field(default=(), repr=False)

    # Sign-in, mail, alerts
    auth_autoconfirm: bool = False
    resend_api_key: str | None = Field(default=None, repr=False)
    mail_from: str = "Sales Dash <no-reply@localhost>"
    slack_webhook_url: HttpUrl | None = Field(default=None, repr=False)
    salesdash_dev: bool = False
    jobs_metrics_port: Port | None = None
    analyst_statement_limit_s: Annotated[int, Field(ge=1, le=86400)] = 300

    # The checkout
    demo: bool = True
    salesdash_home: Path | None = None
    postgrest_bin: Path | None = None
    log_format: Literal["json", "console"] = "json"
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    # Vendors
    calendly_base_url: HttpUrl = "https://api.calendly.com"
    close_base_url: HttpUrl = "https://api.close.com"
    ghl_base_url: HttpUrl = "https://services.leadconnectorhq.com"
    ghl_v1_base_url: HttpUrl = "https://rest.gohighlevel.com"
    hubspot_base_url: HttpUrl = "https://api.hubapi.com"
    whop_base_url: HttpUrl = "https://api.whop.com"
    stripe_base_url: HttpUrl = "https://api.stripe.com"
    slack_base_url: HttpUrl = "https://slack.com"
    resend_base_url: HttpUrl = "https://api.resend.com"
    manychat_base_url: HttpUrl = "https://api.manychat.com"
    acuity_base_url: HttpUrl = "https://acuityscheduling.com"

    def required(self, name: str) -> str:
        """The text of one setting, by its field name; SettingsError when nobody set it."""
        value = getattr(self, name)
        if value is None or value == "":
            raise SettingsError(
                f"{name.upper()} is not set: start everything with `make up`, "
                "or see docs/configuration.md."
            )
        return str(value)

    def environment(self, *, without: Iterable[str] = ()) -> dict[str, str]:
        """The settings as environment variables of a child process, but the named ones."""
        left_out = set(without)
        result: dict[str, str] = {}
        for name in type(self).model_fields:
            value = getattr(self, name)
            if name in left_out or value is None or value == ():
                continue
            if isinstance(value, bool):
                text = "1" if value else "0"
            elif isinstance(value, tuple):
                text = ",".join(value)
            else:
                text = str(value)
            result[name.upper()] = text
        return result


def load_settings() -> Settings:
    """Read the environment, then `.env` in the working folder for what the environment lacks.

    `SALESDASH_ENV_FILE` names another file; empty means none. Raises SettingsError.
    """
    options: dict[str, Any] = {"_env_file": os.environ.get("SALESDASH_ENV_FILE", ".env") or None}
    try:
        return Settings(**options)
    except ValidationError as invalid:
        raise SettingsError(_sentence(invalid)) from None


def _sentence(invalid: ValidationError) -> str:
    parts: list[str] = []
    for error in invalid.errors(include_url=False, include_input=False, include_context=False):
        if error["type"] == "default_factory_not_called":
            continue
        name = str(error["loc"][0]).upper() if error["loc"] else "The configuration"
        reason = error["msg"].removeprefix("Value error, ")
        parts.append(f"{name} is not valid ({reason[:1].lower()}{reason[1:]})")
    return "; ".join(parts) + "."
