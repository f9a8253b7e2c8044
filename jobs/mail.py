"""E-mails from outbox messages: a text template for each kind, and one HTML layout around it.

A payload names its `template` and its `to`; the sealed secret is a JSON object of strings (`link`,
`code`) that only the rendered message holds. A text template's first line is the subject, its
paragraphs are what the HTML shows, with the link as a button.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import orjson
from jinja2 import ChainableUndefined, Environment, PackageLoader, TemplateError, select_autoescape

from vendors.resend import Email

TEMPLATES = frozenset(
    {"magiclink", "recovery", "signup", "invite", "portal-link", "commission-link"}
)
_ADDRESS = re.compile(r"[^\s@,;:<>()\"]+@[^\s@,;:<>()\"]+")

_environment = Environment(
    loader=PackageLoader("jobs", "mail_templates"),
    autoescape=select_autoescape(enabled_extensions=("html.j2",), default=False),
    undefined=ChainableUndefined,
    trim_blocks=True,
    keep_trailing_newline=True,
)


class MailUnusable(Exception):
    """This message cannot be made or read. The sentence is safe to keep: it holds no secret."""


def render(
    payload: Mapping[str, Any],
    secret: str | None,
    *,
    sender: str,
    site_url: str,
    message_id: UUID,
) -> Email:
    """Make the e-mail that a payload and its opened secret describe. Raises MailUnusable."""
    template, to = payload.get("template"), payload.get("to")
    if template not in TEMPLATES:
        raise MailUnusable("The payload names no known template.")
    if not isinstance(to, str) or _ADDRESS.fullmatch(to) is None:
        raise MailUnusable("The payload has no usable address.")
    secrets = _secrets(secret)
    link = secrets.get("link")
    if link is None or urlsplit(link).scheme not in {"http", "https"}:
        raise MailUnusable("The message has no link to carry.")
    values = {"site_url": site_url, **_one_line(payload), **secrets}
    try:
        text = _environment.get_template(f"{template}.txt.j2").render(values)
        subject, _, body = text.partition("\n")
        paragraphs = [part.strip() for part in re.split(r"\n\s*\n", body) if part.strip()]
        at = paragraphs.index(link)
        html = _environment.get_template("layout.html.j2").render(
            subject=subject.strip(),
            before=paragraphs[:at],
            link=link,
            after=paragraphs[at + 1 :],
        )
    except (TemplateError, ValueError):
        raise MailUnusable("The template cannot be filled from this payload.") from None
    return Email(
        sender=sender,
        to=to,
        subject=subject.strip(),
        text="\n\n".join(paragraphs) + "\n",
        html=html,
        tags=(("message", str(message_id)), ("template", template)),
    )


def dump(email: Email) -> str:
    """The e-mail as text, to be sealed and kept."""
    return orjson.dumps(email._asdict()).decode()


def load(text: str) -> Email:
    """What `dump` made. Raises MailUnusable for anything else."""
    try:
        fields = orjson.loads(text)
        tags = tuple((str(name), str(value)) for name, value in fields.pop("tags"))
        return Email(**fields, tags=tags)
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError, ValueError):
        raise MailUnusable("The kept message cannot be read.") from None


def _secrets(secret: str | None) -> dict[str, str]:
    if secret is None:
        return {}
    try:
        values = orjson.loads(secret)
    except orjson.JSONDecodeError:
        raise MailUnusable("The sealed part is not a JSON object.") from None
    if not isinstance(values, dict):
        raise MailUnusable("The sealed part is not a JSON object.")
    return {key: value for key, value in values.items() if isinstance(value, str)}


def _one_line(payload: Mapping[str, Any]) -> dict[str, Any]:
    """What people typed cannot start a new line, and so no new paragraph or subject."""
    return {
        key: " ".join(value.split()) if isinstance(value, str) else value
        for key, value in payload.items()
    }
