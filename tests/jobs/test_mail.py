"""What e-mails look like."""

import json
from uuid import UUID

import pytest

from jobs.mail import TEMPLATES, MailUnusable, dump, load, render
from salesdash.sealing import open_rendered, open_secret, seal_rendered, seal_secret
from salesdash.secretbox import SecretBox, SecretUnreadable, generate_key
from vendors.resend import Email

ID = UUID("0198c0de-0000-7000-8000-000000000001")
LINK = "https://sales.example/sign-in#token_hash=abc&type=magiclink"
SECRET = json.dumps({"link": LINK, "code": "042017"})
PERSONAL = {"portal-link", "commission-link"}
"""Templates of links that are followed again and again: there is no code to type."""


def made(secret: str | None = SECRET, **payload: object) -> Email:
    values = {"template": "magiclink", "to": "ines@example.test", "minutes": 60} | payload
    return render(
        values,
        secret,
        sender="Sales Dash <no-reply@sales.example>",
        site_url="https://sales.example",
        message_id=ID,
    )


@pytest.mark.parametrize("template", sorted(TEMPLATES))
def test_every_template_carries_the_link_and_the_code_in_both_forms(template: str) -> None:
    email = made(template=template)
    assert LINK in email.text.splitlines()
    assert ("042017" in email.text) == (template not in PERSONAL)
    assert 'href="https://sales.example/sign-in#token_hash=abc&amp;type=magiclink"' in email.html
    assert ("042017" in email.html) == (template not in PERSONAL)
    assert email.subject
    assert "\n" not in email.subject
    assert "{{" not in email.text
    assert "\n\n\n" not in email.text
    assert ".If you" not in email.text


def test_an_invitation_names_who_invites_to_what() -> None:
    email = made(
        template="invite", organization_name="Acme", invited_by="Ada", role="member", minutes=None
    )
    assert email.subject == "You are invited to Acme"
    assert "Ada invites you to join Acme as member." in email.text


def test_what_people_typed_stays_text() -> None:
    email = made(
        template="invite",
        organization_name="<b>Acme</b>\nBcc: all@example.test\n\nNew paragraph",
    )
    assert "<b>" not in email.html
    assert "&lt;b&gt;Acme&lt;/b&gt;" in email.html
    assert "\n" not in email.subject
    assert "Bcc" not in [line.partition(":")[0] for line in email.text.splitlines()]


@pytest.mark.parametrize(
    "address", ["", "ines", "a@b, c@d", "a@b\nBcc: c@d", "Ines <ines@example.test>", 7, None]
)
def test_what_is_no_single_address_is_refused(address: object) -> None:
    with pytest.raises(MailUnusable):
        made(to=address)


@pytest.mark.parametrize(
    "secret", [None, "no json", "[]", "{}", json.dumps({"link": "javascript:alert(1)"})]
)
def test_a_message_without_a_link_is_refused(secret: str | None) -> None:
    with pytest.raises(MailUnusable):
        made(secret)


def test_a_message_of_unknown_template_is_refused() -> None:
    with pytest.raises(MailUnusable):
        made(template="../../etc/passwd")


def test_a_kept_message_is_the_same_message() -> None:
    email = made()
    assert load(dump(email)) == email
    with pytest.raises(MailUnusable):
        load('{"sender": "x"}')


def test_sealed_parts_open_only_where_they_belong() -> None:
    box = SecretBox(generate_key())
    sealed = seal_secret(box, SECRET, organization_id=None, kind="email")
    assert open_secret(box, sealed, organization_id=None, kind="email") == SECRET
    rendered = seal_rendered(box, "text", organization_id=ID, message_id=ID)
    assert open_rendered(box, rendered, organization_id=ID, message_id=ID) == "text"
    with pytest.raises(SecretUnreadable):
        open_secret(box, sealed, organization_id=ID, kind="email")
    with pytest.raises(SecretUnreadable):
        open_rendered(box, rendered, organization_id=ID, message_id=UUID(int=7))
    with pytest.raises(SecretUnreadable):
        open_secret(SecretBox(generate_key()), sealed, organization_id=None, kind="email")
    with pytest.raises(SecretUnreadable):
        open_secret(box, b"\xff" * 40, organization_id=None, kind="email")


def test_what_was_sealed_with_the_previous_key_still_opens() -> None:
    old, new = generate_key(), generate_key()
    sealed = seal_secret(SecretBox(old), SECRET, organization_id=None, kind="email")
    rotated = SecretBox(new, (old,))
    assert open_secret(rotated, sealed, organization_id=None, kind="email") == SECRET
