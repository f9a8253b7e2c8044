"""Who appears in the demo: two organizations, their people, what they sell."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple


class Someone(NamedTuple):
    """A person who can sign in. handle: what is before the @ of their address."""

    handle: str
    name: str


class Package(NamedTuple):
    """What is sold. installments: how many monthly parts the price is paid in."""

    name: str
    price: Decimal
    installments: int


class Company(NamedTuple):
    """One organization of the demo. calls_per_day: on a working day, least and most.
    closer_seats: how many take calls, whoever they are.
    """

    name: str
    slug: str
    domain: str
    timezone: str
    currency: str
    owner: Someone
    admin: Someone
    closers: tuple[Someone, ...]
    setters: tuple[Someone, ...]
    packages: tuple[Package, ...]
    calls_per_day: tuple[int, int]
    closer_seats: int = 3


SUPER_ADMIN = Someone("root", "Robin Platform")
BOTH = Someone("alex", "Alex Moreau")
"""Admin of the first organization and closer in the second."""

NORTHWIND = Company(
    name="Northwind Coaching",
    slug="northwind",
    domain="northwind.example",
    timezone="America/New_York",
    currency="USD",
    owner=Someone("olivia", "Olivia Grant"),
    admin=Someone("adam", "Adam Reyes"),
    closers=(
        Someone("carla", "Carla Jimenez"),
        Someone("chris", "Chris Novak"),
        Someone("cora", "Cora Whitfield"),
    ),
    setters=(Someone("sam", "Sam Okafor"), Someone("sofia", "Sofia Lindqvist")),
    packages=(
        Package("Growth Programme", Decimal("4800.00"), 1),
        Package("Momentum Plan", Decimal("6000.00"), 3),
        Package("Foundations", Decimal("1490.00"), 1),
    ),
    calls_per_day=(6, 11),
)
RHEINGOLD = Company(
    name="Rheingold Akademie",
    slug="rheingold",
    domain="rheingold.example",
    timezone="Europe/Berlin",
    currency="EUR",
    owner=Someone("ottilie", "Ottilie Brandt"),
    admin=Someone("anton", "Anton Keller"),
    closers=(Someone("clemens", "Clemens Vogt"), Someone("carina", "Carina Huber")),
    setters=(Someone("stefan", "Stefan Albers"), Someone("selma", "Selma Yildiz")),
    packages=(
        Package("Intensivkurs", Decimal("3900.00"), 1),
        Package("Jahresprogramm", Decimal("7200.00"), 4),
    ),
    calls_per_day=(4, 8),
)
COMPANIES = (NORTHWIND, RHEINGOLD)

SOURCES = ("YouTube", "Instagram", "Facebook Ads", "Referral")
TRAFFIC_TYPES = ("Organic", "Paid")
OPPORTUNITY_STATUSES = ("Nurture", "Follow-up booked", "Won", "Lost")
CALL_OUTCOMES = (
    ("Showed, no offer", "completed", "showed_no_offer"),
    ("Offer made", "completed", "showed_offer"),
    ("Closed", "completed", "closed"),
    ("No-show", "no_show", "no_show"),
    ("Canceled", "canceled", None),
)
FIRST_NAMES = (
    "Aaron", "Bella", "Caleb", "Daria", "Elias", "Farah", "Gavin", "Hanna", "Ivan", "Jasmin",
    "Kofi", "Lena", "Marco", "Nadia", "Omar", "Paula", "Quentin", "Rosa", "Stefano", "Tara",
    "Umar", "Vera", "Wesley", "Xenia", "Yusuf", "Zoe",
)  # fmt: skip
LAST_NAMES = (
    "Abbott", "Becker", "Castillo", "Dvorak", "Engel", "Fischer", "Garcia", "Hoffmann", "Ivanov",
    "Jansen", "Kowalski", "Lopez", "Meyer", "Nguyen", "Osei", "Petrov", "Quinn", "Rossi",
    "Schulz", "Tanaka", "Usman", "Vasquez", "Wagner", "Young", "Zhang",
)  # fmt: skip
