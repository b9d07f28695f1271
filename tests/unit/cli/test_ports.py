"""Which ports are free, and who holds the others."""

import os
import socket

import pytest

from trimtab.supervisor.ports import Claim, free_ports, holders, is_free


@pytest.fixture
def taken():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_port_with_a_listener_is_not_free(taken):
    assert not is_free(taken)


def test_the_holder_of_a_port_is_named_with_its_pid_and_command(taken):
    (holder,) = holders([taken])
    assert holder.pid == os.getpid()
    assert "pytest" in holder.command
    assert str(os.getpid()) in str(holder)


def test_a_free_port_has_no_holder(taken):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]
    assert holders([free]) == []


def test_of_two_systems_that_start_together_one_gets_the_usual_ports(taken):
    assert not Claim(taken).granted
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]
    first, second = Claim(free), Claim(free)
    assert (first.granted, second.granted) == (True, False)
    first.release()
    second.release()
    assert free not in free_ports({"risk": free}, none_of_them=True).values()


def test_only_taken_ports_are_replaced(taken):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]
    found = free_ports({"risk": taken, "ingest": free})
    assert found["ingest"] == free
    assert found["risk"] not in (taken, free)
    assert is_free(found["risk"])
