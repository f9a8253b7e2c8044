"""The organization in which histories are played."""

from dataclasses import replace

from tests.metrics.loading import Stage
from tests.metrics.strategies import CLOSERS, SETTERS
from tests.world import World


def make_stage(world: World) -> Stage:
    """An organization with its people and drop-downs. Its first closer is its first setter too."""
    acme = world.organization("acme")
    both = acme.setter("both", person=acme.closer("both"))
    closers = [both, *(acme.closer(f"closer{n}") for n in range(1, CLOSERS))]
    setters = [
        replace(both, closer_id=None),
        *(acme.setter(f"setter{n}") for n in range(1, SETTERS)),
    ]
    admin = acme.admin()
    for person in (admin, *closers, *setters):
        world.session(person)  # before a history is played, whose end would end it
    return Stage(
        organization=acme,
        admin=admin,
        closers=closers,
        setters=setters,
        sources=[acme.source("one"), acme.source("two")],
        traffic_types=[acme.traffic_type("one"), acme.traffic_type("two")],
        call_types=[acme.call_type("one"), acme.call_type("two", counts_in_rates=False)],
        packages=[acme.package("one"), acme.package("two")],
    )
