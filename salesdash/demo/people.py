"""Who is there before the first call: organizations, people, lists, connections."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from salesdash import passwords
from salesdash.demo.cast import (
    BOTH,
    CALL_OUTCOMES,
    COMPANIES,
    NORTHWIND,
    OPPORTUNITY_STATUSES,
    RHEINGOLD,
    SOURCES,
    SUPER_ADMIN,
    TRAFFIC_TYPES,
    Company,
    Someone,
)
from salesdash.demo.writer import Roster, Writer
from salesdash.sealing import seal_connection_secret
from salesdash.secretbox import SecretBox

RATE_LIMIT_PER_MINUTE = 600
PLATFORM_DOMAIN = "salesdash.example"


class People:
    """Makes both companies and everybody in them; remembers how each can sign in.

    logins: email, password, role, organization_id, user_id; one per person and organization.
    connections: provider, id, organization_id, secret.
    """

    def __init__(self, writer: Writer, box: SecretBox) -> None:
        self._writer = writer
        self._box = box
        self.logins: list[Mapping[str, Any]] = []
        self.connections: list[Mapping[str, Any]] = []

    def make(self) -> dict[str, Roster]:
        """Everybody; the rosters by the company's slug."""
        rosters = {company.slug: self._company(company) for company in COMPANIES}
        here, there = rosters[NORTHWIND.slug], rosters[RHEINGOLD.slug]
        both = self._person(BOTH, PLATFORM_DOMAIN, {"admin": here, "closer": there})
        there.closers.append(self._seat("closers", there, BOTH, PLATFORM_DOMAIN, both))
        root = self._person(SUPER_ADMIN, PLATFORM_DOMAIN, {"super_admin": None})
        self._writer.call("app.grant_super_admin", user_id=root)
        return rosters

    def _company(self, company: Company) -> Roster:
        organization_id = self._writer.call(
            "app.create_organization",
            name=company.name,
            slug=company.slug,
            timezone=company.timezone,
            currency=company.currency,
        )
        roster = Roster(organization_id, self._stripe(company, organization_id))
        self._person(company.admin, company.domain, {"admin": roster})
        self._person(company.owner, company.domain, {"owner": roster})
        for someone in company.closers:
            user = self._person(someone, company.domain, {"closer": roster})
            roster.closers.append(self._seat("closers", roster, someone, company.domain, user))
        for someone in company.setters:
            user = self._person(someone, company.domain, {"setter": roster})
            roster.setters.append(self._seat("setters", roster, someone, company.domain, user))
        self._lists(company, roster)
        return roster

    def _person(self, someone: Someone, domain: str, places: Mapping[str, Roster | None]) -> UUID:
        """A user with a fresh password, and a membership for each role that has a place."""
        email, password = f"{someone.handle}@{domain}", secrets.token_urlsafe(12)
        user: UUID = self._writer.call(
            "app.create_user",
            email=email,
            password_hash=passwords.derive(password),
            full_name=someone.name,
        )
        for role, roster in places.items():
            if roster is not None:
                self._writer.call(
                    "app.add_member",
                    organization_id=roster.organization_id,
                    user_id=user,
                    role=role if role in {"owner", "admin"} else "member",
                )
            self.logins.append(
                {
                    "email": email,
                    "password": password,
                    "role": role,
                    "organization_id": str(roster.organization_id) if roster else None,
                    "user_id": str(user),
                }
            )
        return user

    def _seat(self, table: str, roster: Roster, someone: Someone, domain: str, user: UUID) -> UUID:
        """An entry on a roster, and the payee behind it."""
        known = {"name": someone.name, "email": f"{someone.handle}@{domain}", "profile_id": user}
        payee = self._writer.insert("payees", roster, **known)
        return self._writer.insert(table, roster, **known, payee_id=payee, aliases=[someone.handle])

    def _lists(self, company: Company, roster: Roster) -> None:
        """What the organization offers in its dropdowns."""
        insert = self._writer.insert
        for name in TRAFFIC_TYPES:
            insert("traffic_types", roster, name=name)
        for name in SOURCES:
            insert("sources", roster, name=name)
        for position, name in enumerate(OPPORTUNITY_STATUSES, start=1):
            insert("opportunity_statuses", roster, name=name, position=position)
        for position, (name, status, outcome) in enumerate(CALL_OUTCOMES, start=1):
            result = {"call_status": status, "event_outcome": outcome}
            insert("call_outcomes", roster, name=name, **result, position=position)
        for package in company.packages:
            insert(
                "packages",
                roster,
                name=package.name,
                price=package.price,
                currency=company.currency,
                installment_count=package.installments,
            )
        insert("call_types", roster, name="Strategy call", duration_minutes=60)
        insert("call_types", roster, name="Follow-up", duration_minutes=30)
        insert(
            "call_types", roster, name="Onboarding", category="onboarding", counts_in_rates=False
        )

    def _stripe(self, company: Company, organization_id: UUID) -> UUID:
        secret = f"whsec_{secrets.token_hex(16)}"
        connection_id: UUID = self._writer.value("select uuidv7()")
        sealed = seal_connection_secret(
            self._box, secret, organization_id=organization_id, connection_id=connection_id
        )
        self._writer.insert(
            "webhook_connections",
            Roster(organization_id, connection_id),
            id=connection_id,
            name="Stripe",
            connection_type="stripe",
            provider_account=f"acct_{company.slug}",
            webhook_secret=sealed,
            webhook_secret_last4=secret[-4:],
            rate_limit_per_minute=RATE_LIMIT_PER_MINUTE,
        )
        self.connections.append(
            {
                "provider": "stripe",
                "id": str(connection_id),
                "organization_id": str(organization_id),
                "secret": secret,
            }
        )
        return connection_id
