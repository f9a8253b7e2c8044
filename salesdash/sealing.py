"""Sealed secrets of outbox messages and connections, as the one `bytea` that the database keeps.

Layout: 12 bytes of ASCII, the id of the master key; then the ciphertext of `SecretBox.seal`. The
gateway seals the token that a message will carry, the jobs open it and seal the rendered message.
Messages of the platform itself (sign-in mails) belong to no organization: they are bound to the
nil UUID, which is no organization's id.
"""

from __future__ import annotations

from uuid import UUID

from salesdash.secretbox import Sealed, SecretBox

PLATFORM = UUID(int=0)
_KEY_ID_BYTES = 12


def seal_secret(box: SecretBox, value: str, *, organization_id: UUID | None, kind: str) -> bytes:
    """Seal what a message of this kind must not show, such as its token.

    The result is the argument `secret` of `app.enqueue_outbox`.
    """
    return _seal(box, value, organization_id, f"outbox/{kind}")


def open_secret(box: SecretBox, sealed: bytes, *, organization_id: UUID | None, kind: str) -> str:
    """Open what `seal_secret` made; SecretUnreadable for anything else."""
    return _open(box, sealed, organization_id, f"outbox/{kind}")


def seal_rendered(
    box: SecretBox, value: str, *, organization_id: UUID | None, message_id: UUID
) -> bytes:
    """Seal a whole rendered message; it opens for this one message only."""
    return _seal(box, value, organization_id, f"outbox/rendered/{message_id}")


def open_rendered(
    box: SecretBox, sealed: bytes, *, organization_id: UUID | None, message_id: UUID
) -> str:
    """Open what `seal_rendered` made; SecretUnreadable for anything else."""
    return _open(box, sealed, organization_id, f"outbox/rendered/{message_id}")


def _seal(box: SecretBox, value: str, organization_id: UUID | None, name: str) -> bytes:
    sealed = box.seal(value.encode(), organization_id=organization_id or PLATFORM, name=name)
    return sealed.key_id.encode("ascii") + sealed.ciphertext


def _open(box: SecretBox, sealed: bytes, organization_id: UUID | None, name: str) -> str:
    named = sealed[:_KEY_ID_BYTES].decode("ascii", "replace")
    parts = Sealed(named, sealed[_KEY_ID_BYTES:])
    return box.open(parts, organization_id=organization_id or PLATFORM, name=name).decode()


def seal_connection_secret(
    box: SecretBox, value: str, *, organization_id: UUID, connection_id: UUID
) -> bytes:
    """Seal the signing secret of a webhook connection, for webhook_connections.webhook_secret."""
    return _seal(box, value, organization_id, f"connection/{connection_id}/webhook_secret")


def open_connection_secret(
    box: SecretBox, sealed: bytes, *, organization_id: UUID, connection_id: UUID
) -> str:
    """Open what `seal_connection_secret` made; SecretUnreadable for anything else."""
    return _open(box, sealed, organization_id, f"connection/{connection_id}/webhook_secret")


def seal_connection_api_key(
    box: SecretBox, value: str, *, organization_id: UUID, connection_id: UUID
) -> bytes:
    """Seal the key by which the provider is asked, for webhook_connections.api_key."""
    return _seal(box, value, organization_id, f"connection/{connection_id}/api_key")


def open_connection_api_key(
    box: SecretBox, sealed: bytes, *, organization_id: UUID, connection_id: UUID
) -> str:
    """Open what `seal_connection_api_key` made; SecretUnreadable for anything else."""
    return _open(box, sealed, organization_id, f"connection/{connection_id}/api_key")


def seal_integration_key(
    box: SecretBox, value: str, *, organization_id: UUID, key_name: str
) -> bytes:
    """Seal a key of an organization, for organization_integrations.<key_name>_encrypted.

    key_name: as app.integration_keys() has it, such as stripe_api_key.
    """
    return _seal(box, value, organization_id, f"integration/{key_name}")


def open_integration_key(
    box: SecretBox, sealed: bytes, *, organization_id: UUID, key_name: str
) -> str:
    """Open what `seal_integration_key` made; SecretUnreadable for anything else."""
    return _open(box, sealed, organization_id, f"integration/{key_name}")
