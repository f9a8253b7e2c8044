"""The named functions of schema `session`, one method each, same names and arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, LiteralString, NamedTuple, TypeVar
from uuid import UUID

from psycopg.rows import class_row, scalar_row
from psycopg.types.json import Jsonb

from gateway.database import Pool

Query = LiteralString
_Row = TypeVar("_Row")

Document = dict[str, Any]
"""A person as the clients read it: made by auth.user_document, passed on unread."""


class Visitor(NamedTuple):
    """Where a request comes from. address: IPv4 or IPv6 text, None when unknown."""

    user_agent: str | None
    address: str | None


class Opened(NamedTuple):
    """A session that has just been opened."""

    session_id: UUID
    user_document: Document


class Refreshed(NamedTuple):
    """nonces: lead from the presented refresh token to the one to use now, 32 bytes each."""

    nonces: list[bytes]
    session_id: UUID
    user_document: Document


class Followed(NamedTuple):
    """A link or code was good: a session was opened, or a browser code was left instead."""

    session_id: UUID | None
    user_document: Document | None
    redirect_to: str | None
    gave_browser_code: bool


class SignUp(NamedTuple):
    """What a sign-up needs. password_hash: of a person who exists already."""

    address_to_use: str
    exists_already: bool
    password_hash: str | None


class Invited(NamedTuple):
    """What whoever holds the token of an invitation may know of it."""

    organization_name: str
    role: str
    expires_at: datetime


class UserPage(NamedTuple):
    """One page of people, and how many there are in all."""

    total: int
    users: list[Document]


class Challenge(NamedTuple):
    """PKCE: what the asking client will have to prove. method: s256 or plain."""

    code_challenge: str
    code_challenge_method: str


class SessionStore:
    """The only door from /auth/v1 to the database. Every call is one transaction."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def begin_password_sign_in(self, *, email: str, address: str | None) -> str | None:
        return await self._scalar(
            str,
            "select session.begin_password_sign_in(email => %(email)s, address => %(address)s)",
            {"email": email, "address": address},
        )

    async def finish_password_sign_in(
        self,
        *,
        email: str,
        password_hash: str,
        new_password_hash: str | None,
        refresh_hash: bytes,
        visitor: Visitor,
    ) -> Opened | None:
        return await self._row(
            Opened,
            "select session_id, user_document from session.finish_password_sign_in("
            "email => %(email)s, password_hash => %(password_hash)s,"
            " new_password_hash => %(new_password_hash)s, refresh_hash => %(refresh_hash)s,"
            " user_agent => %(user_agent)s, address => %(address)s)",
            {
                "email": email,
                "password_hash": password_hash,
                "new_password_hash": new_password_hash,
                "refresh_hash": refresh_hash,
                **visitor._asdict(),
            },
        )

    async def refresh(
        self, *, token_hash: bytes, nonce: bytes, successor_hash: bytes, visitor: Visitor
    ) -> Refreshed | None:
        return await self._row(
            Refreshed,
            "select nonces, session_id, user_document from session.refresh("
            "token_hash => %(token_hash)s, nonce => %(nonce)s,"
            " successor_hash => %(successor_hash)s, user_agent => %(user_agent)s,"
            " address => %(address)s)",
            {
                "token_hash": token_hash,
                "nonce": nonce,
                "successor_hash": successor_hash,
                **visitor._asdict(),
            },
        )

    async def current_user_document(self, *, session_id: UUID, user_id: UUID) -> Document | None:
        return await self._scalar(
            dict,
            "select session.current_user_document("
            "session_id => %(session_id)s, user_id => %(user_id)s)",
            {"session_id": session_id, "user_id": user_id},
        )

    async def update_user(
        self,
        *,
        session_id: UUID,
        user_id: UUID,
        password_hash: str | None,
        user_metadata: Mapping[str, Any] | None,
    ) -> Document | None:
        return await self._scalar(
            dict,
            "select session.update_user(session_id => %(session_id)s, user_id => %(user_id)s,"
            " password_hash => %(password_hash)s, user_metadata => %(user_metadata)s)",
            {
                "session_id": session_id,
                "user_id": user_id,
                "password_hash": password_hash,
                "user_metadata": _json(user_metadata),
            },
        )

    async def sign_out(self, *, session_id: UUID, user_id: UUID, scope: str) -> bool:
        return bool(
            await self._scalar(
                bool,
                "select session.sign_out(session_id => %(session_id)s, user_id => %(user_id)s,"
                " scope => %(scope)s)",
                {"session_id": session_id, "user_id": user_id, "scope": scope},
            )
        )

    async def request_link(
        self,
        *,
        kind: str,
        email: str,
        token_hash: bytes,
        code_hash: bytes,
        redirect_to: str | None,
        challenge: Challenge | None,
        lifetime: timedelta,
        payload: Mapping[str, Any],
        secret: bytes,
        address: str | None,
    ) -> bool:
        return bool(
            await self._scalar(
                bool,
                "select session.request_link(kind => %(kind)s, email => %(email)s,"
                " token_hash => %(token_hash)s, code_hash => %(code_hash)s,"
                " redirect_to => %(redirect_to)s, code_challenge => %(code_challenge)s,"
                " code_challenge_method => %(code_challenge_method)s, lifetime => %(lifetime)s,"
                " payload => %(payload)s, secret => %(secret)s, address => %(address)s)",
                {
                    "kind": kind,
                    "email": email,
                    "token_hash": token_hash,
                    "code_hash": code_hash,
                    "redirect_to": redirect_to,
                    "code_challenge": challenge.code_challenge if challenge else None,
                    "code_challenge_method": challenge.code_challenge_method if challenge else None,
                    "lifetime": lifetime,
                    "payload": _json(payload),
                    "secret": secret,
                    "address": address,
                },
            )
        )

    async def verify_link(
        self,
        *,
        kinds: Sequence[str],
        token_hash: bytes,
        refresh_hash: bytes,
        browser_code_hash: bytes | None,
        visitor: Visitor,
    ) -> Followed | None:
        return await self._row(
            Followed,
            "select session_id, user_document, redirect_to, gave_browser_code"
            " from session.verify_link(kinds => %(kinds)s, token_hash => %(token_hash)s,"
            " refresh_hash => %(refresh_hash)s, browser_code_hash => %(browser_code_hash)s,"
            " user_agent => %(user_agent)s, address => %(address)s)",
            {
                "kinds": list(kinds),
                "token_hash": token_hash,
                "refresh_hash": refresh_hash,
                "browser_code_hash": browser_code_hash,
                **visitor._asdict(),
            },
        )

    async def verify_code(
        self,
        *,
        kinds: Sequence[str],
        email: str,
        code_hash: bytes,
        refresh_hash: bytes,
        visitor: Visitor,
    ) -> Followed | None:
        return await self._row(
            Followed,
            "select session_id, user_document, redirect_to, gave_browser_code"
            " from session.verify_code(kinds => %(kinds)s, email => %(email)s,"
            " code_hash => %(code_hash)s, refresh_hash => %(refresh_hash)s,"
            " user_agent => %(user_agent)s, address => %(address)s)",
            {
                "kinds": list(kinds),
                "email": email,
                "code_hash": code_hash,
                "refresh_hash": refresh_hash,
                **visitor._asdict(),
            },
        )

    async def exchange_code(
        self, *, code_hash: bytes, code_verifier: str, refresh_hash: bytes, visitor: Visitor
    ) -> Opened | None:
        return await self._row(
            Opened,
            "select session_id, user_document from session.exchange_code("
            "code_hash => %(code_hash)s, code_verifier => %(code_verifier)s,"
            " refresh_hash => %(refresh_hash)s, user_agent => %(user_agent)s,"
            " address => %(address)s)",
            {
                "code_hash": code_hash,
                "code_verifier": code_verifier,
                "refresh_hash": refresh_hash,
                **visitor._asdict(),
            },
        )

    async def begin_sign_up(
        self, *, email: str | None, invitation_hash: bytes | None, address: str | None
    ) -> SignUp | None:
        return await self._row(
            SignUp,
            "select address_to_use, exists_already, password_hash from session.begin_sign_up("
            "email => %(email)s, invitation_hash => %(invitation_hash)s,"
            " address => %(address)s)",
            {"email": email, "invitation_hash": invitation_hash, "address": address},
        )

    async def finish_sign_up(
        self,
        *,
        email: str,
        password_hash: str | None,
        verified_hash: str | None,
        user_metadata: Mapping[str, Any],
        invitation_hash: bytes | None,
        refresh_hash: bytes,
        visitor: Visitor,
    ) -> Opened | None:
        return await self._row(
            Opened,
            "select session_id, user_document from session.finish_sign_up("
            "email => %(email)s, password_hash => %(password_hash)s,"
            " verified_hash => %(verified_hash)s, user_metadata => %(user_metadata)s,"
            " invitation_hash => %(invitation_hash)s, refresh_hash => %(refresh_hash)s,"
            " user_agent => %(user_agent)s, address => %(address)s)",
            {
                "email": email,
                "password_hash": password_hash,
                "verified_hash": verified_hash,
                "user_metadata": _json(user_metadata),
                "invitation_hash": invitation_hash,
                "refresh_hash": refresh_hash,
                **visitor._asdict(),
            },
        )

    async def send_invitation(
        self,
        *,
        organization_id: UUID,
        invitation_id: UUID,
        token_hash: bytes,
        secret: bytes,
        site_url: str,
        address: str | None,
    ) -> bool:
        sent = await self._scalar(
            bool,
            "select session.send_invitation(organization_id => %(organization_id)s,"
            " invitation_id => %(invitation_id)s, token_hash => %(token_hash)s,"
            " secret => %(secret)s, site_url => %(site_url)s, address => %(address)s)",
            {
                "organization_id": organization_id,
                "invitation_id": invitation_id,
                "token_hash": token_hash,
                "secret": secret,
                "site_url": site_url,
                "address": address,
            },
        )
        return sent is True

    async def check_invitation(self, *, token_hash: bytes, address: str | None) -> Invited | None:
        return await self._row(
            Invited,
            "select organization_name, role, expires_at from session.check_invitation("
            "token_hash => %(token_hash)s, address => %(address)s)",
            {"token_hash": token_hash, "address": address},
        )

    async def join_by_invitation(
        self, *, session_id: UUID, user_id: UUID, token_hash: bytes, address: str | None
    ) -> Document | None:
        return await self._scalar(
            dict,
            "select session.join_by_invitation(session_id => %(session_id)s,"
            " user_id => %(user_id)s, token_hash => %(token_hash)s, address => %(address)s)",
            {
                "session_id": session_id,
                "user_id": user_id,
                "token_hash": token_hash,
                "address": address,
            },
        )

    async def admin_list_users(
        self, *, session_id: UUID, user_id: UUID, page: int, per_page: int
    ) -> UserPage:
        found = await self._row(
            UserPage,
            "select total, users from session.admin_list_users(session_id => %(session_id)s,"
            " user_id => %(user_id)s, page => %(page)s, per_page => %(per_page)s)",
            {"session_id": session_id, "user_id": user_id, "page": page, "per_page": per_page},
        )
        return found or UserPage(0, [])

    async def admin_get_user(
        self, *, session_id: UUID, user_id: UUID, target_id: UUID
    ) -> Document | None:
        return await self._scalar(
            dict,
            "select session.admin_get_user(session_id => %(session_id)s,"
            " user_id => %(user_id)s, target_id => %(target_id)s)",
            {"session_id": session_id, "user_id": user_id, "target_id": target_id},
        )

    async def admin_create_user(
        self,
        *,
        session_id: UUID,
        user_id: UUID,
        email: str,
        password_hash: str | None,
        is_confirmed: bool,
        user_metadata: Mapping[str, Any],
    ) -> Document | None:
        return await self._scalar(
            dict,
            "select session.admin_create_user(session_id => %(session_id)s,"
            " user_id => %(user_id)s, email => %(email)s, password_hash => %(password_hash)s,"
            " is_confirmed => %(is_confirmed)s, user_metadata => %(user_metadata)s)",
            {
                "session_id": session_id,
                "user_id": user_id,
                "email": email,
                "password_hash": password_hash,
                "is_confirmed": is_confirmed,
                "user_metadata": _json(user_metadata),
            },
        )

    async def admin_update_user(
        self,
        *,
        session_id: UUID,
        user_id: UUID,
        target_id: UUID,
        email: str | None,
        password_hash: str | None,
        is_confirmed: bool | None,
        is_disabled: bool | None,
        user_metadata: Mapping[str, Any] | None,
    ) -> Document | None:
        return await self._scalar(
            dict,
            "select session.admin_update_user(session_id => %(session_id)s,"
            " user_id => %(user_id)s, target_id => %(target_id)s, email => %(email)s,"
            " password_hash => %(password_hash)s, is_confirmed => %(is_confirmed)s,"
            " is_disabled => %(is_disabled)s, user_metadata => %(user_metadata)s)",
            {
                "session_id": session_id,
                "user_id": user_id,
                "target_id": target_id,
                "email": email,
                "password_hash": password_hash,
                "is_confirmed": is_confirmed,
                "is_disabled": is_disabled,
                "user_metadata": _json(user_metadata),
            },
        )

    async def admin_delete_user(
        self, *, session_id: UUID, user_id: UUID, target_id: UUID, keep_row: bool
    ) -> bool:
        return bool(
            await self._scalar(
                bool,
                "select session.admin_delete_user(session_id => %(session_id)s,"
                " user_id => %(user_id)s, target_id => %(target_id)s, keep_row => %(keep_row)s)",
                {
                    "session_id": session_id,
                    "user_id": user_id,
                    "target_id": target_id,
                    "keep_row": keep_row,
                },
            )
        )

    async def worker_seen_ago(self) -> float | None:
        return await self._scalar(float, "select session.worker_seen_ago()", {})

    async def partition_state(self) -> str | None:
        """ready, or warning or missing with what is not there."""
        return await self._scalar(str, "select session.partition_state()", {})

    async def _scalar(
        self, shape: type[_Row], query: Query, arguments: Mapping[str, Any]
    ) -> _Row | None:
        async with (
            self._pool.connection() as connection,
            connection.cursor(row_factory=scalar_row) as cursor,
        ):
            await cursor.execute(query, arguments)
            value = await cursor.fetchone()
        if value is None or isinstance(value, shape):
            return value
        raise TypeError(f"the database answered with {type(value).__name__}")

    async def _row(
        self, shape: type[_Row], query: Query, arguments: Mapping[str, Any]
    ) -> _Row | None:
        async with (
            self._pool.connection() as connection,
            connection.cursor(row_factory=class_row(shape)) as cursor,
        ):
            await cursor.execute(query, arguments)
            return await cursor.fetchone()


def _json(value: Mapping[str, Any] | None) -> Jsonb | None:
    return None if value is None else Jsonb(dict(value))
