import os
import socket

import pytest

from salesdash.settings import Settings
from salesdash.up import PortTaken, require_free_ports


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def settings(**ports: int) -> Settings:
    fresh = iter(free_ports(4))
    names = ("gateway_port", "postgrest_port", "postgrest_admin_port", "postgres_port")
    return Settings(_env_file=None, **{name: ports.get(name) or next(fresh) for name in names})


@pytest.fixture
def taken():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.mark.parametrize("name", ["gateway_port", "postgrest_port", "postgres_port"])
def test_a_taken_port_names_its_setting_and_its_owner(taken: int, name: str) -> None:
    with pytest.raises(PortTaken) as failure:
        require_free_ports(settings(**{name: taken}), embedded=True)
    assert f"Port {taken} on 127.0.0.1 is taken by process {os.getpid()}" in str(failure.value)
    assert f"choose another port with {name.upper()}" in str(failure.value)


def test_an_outside_server_needs_no_port_of_ours(taken: int) -> None:
    require_free_ports(settings(postgres_port=taken), embedded=False)


def test_two_equal_ports_are_named_both() -> None:
    (port,) = free_ports(1)
    with pytest.raises(PortTaken, match="GATEWAY_PORT and POSTGREST_PORT are both"):
        require_free_ports(settings(gateway_port=port, postgrest_port=port), embedded=True)
