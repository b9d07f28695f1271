"""What can happen to a running system. Each fault hurts it once and says when it works again."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.faults.proxy import Proxy
from tests.faults.system import KEYS, StandIn, System
from tests.integration.execution_world import is_locked
from trimtab.supervisor.child import State
from trimtab.supervisor.plan import EXCHANGE, ROOMS
from trimtab_execution.adapters.crashing import Point
from trimtab_runtime.delivery.keys import DEAD

REPLACED = 76
EVERYBODY = (*ROOMS, EXCHANGE)
WRITTEN_BY = {"recorder": "trimtab.db", "alerting": "outbox.db"}
"""Room → the database that it alone writes; execution's is the journal."""
REFUSALS_SECONDS = 3.0
UNANSWERED_SECONDS = 12.0
"""Longer than execution waits for an answer."""


class Fault(NamedTuple):
    """One thing that can happen."""

    name: str
    """As it stands in the table."""
    hurt: Callable[[System, random.Random], float]
    """Seconds from when it is over (of a process killed: from the kill) until rows flow again."""


# ------------------------------------------------------------------------------ processes


def killed(room: str) -> Fault:
    def hurt(system: System, chance: random.Random) -> float:
        del chance
        before = system.generations(room)
        system.child(room).kill()
        return system.flow_again(time.monotonic(), before)

    return Fault(f"kill -9 of {room}", hurt)


def everything_killed() -> Fault:
    def hurt(system: System, chance: random.Random) -> float:
        del chance
        before = system.generations(*ROOMS)
        os.kill(system.server_pid, signal.SIGKILL)
        for child in system.supervisor.children.values():
            child.kill()
        return system.flow_again(time.monotonic(), before)

    return Fault("kill -9 of every process at once", hurt)


def restarted_in_turn() -> Fault:
    """SIGTERM to each room while rows flow; the seconds are those of the slowest."""

    def hurt(system: System, chance: random.Random) -> float:
        slowest = 0.0
        for room in chance.sample(ROOMS, len(ROOMS)):
            before, since = system.generations(room), time.monotonic()
            system.supervisor.restart(room)
            slowest = max(slowest, system.flow_again(since, before))
            assert system.child(room).last_code == 0, f"{room} did not end in good order"
        return slowest

    return Fault("SIGTERM to every room in turn", hurt)


def replaced_while_asleep(room: str) -> Fault:
    """A room sleeps, a second process takes over, and the first one wakes up."""

    def hurt(system: System, chance: random.Random) -> float:
        del chance
        child, before = system.child(room), system.generations(room)
        assert child.process is not None
        _put_to_sleep(child.process.pid, system.home / WRITTEN_BY.get(room, "journal.db"))
        since = time.monotonic()
        stand_in = system.stand_in(room)
        seconds = system.flow_again(since, before)
        os.kill(child.process.pid, signal.SIGCONT)
        system.until(lambda: child.state is State.REPLACED, f"the old {room} does not end")
        assert child.last_code == REPLACED
        _take_back(system, room, stand_in, REPLACED)
        return seconds

    return Fault(f"{room} replaced while it slept", hurt)


def execution_killed_when(point: Point) -> Fault:
    """Execution ends at a step of the order protocol, at some passage under load."""

    def hurt(system: System, chance: random.Random) -> float:
        passage = chance.randint(5, 60)
        stand_in = system.stand_in("execution", TRIMTAB_CRASH_AT=f"{point.value}:{passage}")
        system.until(lambda: stand_in.process.poll() is not None, f"no crash at {point.value}")
        assert stand_in.process.returncode == -signal.SIGKILL
        since = time.monotonic()
        before = system.generations("execution")
        system.supervisor.restart("execution")
        return system.flow_again(since, before)

    return Fault(f"kill -9 of execution when {point.value}", hurt)


def _put_to_sleep(pid: int, database: Path) -> None:
    """Not in the middle of writing: then a replacement rightly waits for it."""
    os.kill(pid, signal.SIGSTOP)
    while is_locked(database):
        os.kill(pid, signal.SIGCONT)
        time.sleep(0.005)
        os.kill(pid, signal.SIGSTOP)


def _take_back(system: System, room: str, stand_in: StandIn, code: int) -> None:
    before, since = system.generations(room), time.monotonic()
    system.supervisor.restart(room)
    system.until(lambda: stand_in.process.poll() is not None, f"the second {room} does not end")
    assert stand_in.process.returncode == code
    system.flow_again(since, before)


# ------------------------------------------------------------------------------ the server


def server_killed() -> Fault:
    def hurt(system: System, chance: random.Random) -> float:
        del chance
        os.kill(system.server_pid, signal.SIGKILL)
        return system.flow_again(time.monotonic(), {})

    return Fault("Redis: kill -9", hurt)


def server_frozen(seconds: float) -> Fault:
    def hurt(system: System, chance: random.Random) -> float:
        del chance
        pid = system.server_pid
        os.kill(pid, signal.SIGSTOP)
        system.wait(seconds)
        os.kill(pid, signal.SIGCONT)
        return system.flow_again(time.monotonic(), {})

    return Fault(f"Redis: frozen {seconds:g} s", hurt)


def server_emptied() -> Fault:
    def hurt(system: System, chance: random.Random) -> float:
        del chance
        server = system.server
        server.flushall()
        server.close()
        return system.flow_again(time.monotonic(), {})

    return Fault("Redis: FLUSHALL", hurt)


def connections_half_open(proxy: Proxy) -> Fault:
    """What is connected stays so and is not heard; who connects anew is."""

    def hurt(system: System, chance: random.Random) -> float:
        del chance
        proxy.swallow(new_ones_too=False)
        return system.flow_again(time.monotonic(), {})

    return Fault("Redis: every connection half open", hurt)


def network_swallows(proxy: Proxy, seconds: float) -> Fault:
    def hurt(system: System, chance: random.Random) -> float:
        del chance
        proxy.swallow(new_ones_too=True)
        system.wait(seconds)
        proxy.pass_on()
        return system.flow_again(time.monotonic(), {})

    return Fault(f"Redis: nothing comes through for {seconds:g} s", hurt)


def replies_lost(proxy: Proxy) -> Fault:
    """The server hands entries out, or applies a commit, and its answer never arrives."""

    def hurt(system: System, chance: random.Random) -> float:
        lost = proxy.lost + 4
        for asked in (b"XREADGROUP", b"EVALSHA"):
            proxy.lose_replies(2, asked)
            system.until(lambda: not proxy.to_lose, "no reply was lost")
            system.wait(chance.uniform(0, 0.5))
        assert proxy.lost == lost
        return system.flow_again(time.monotonic(), {})

    return Fault("Redis: replies lost, connections broken", hurt)


def rubbish_on_streams() -> Fault:
    """Somebody writes what is no event; all of it must be found in `dead`."""

    def hurt(system: System, chance: random.Random) -> float:
        since, server = time.monotonic(), system.server
        written = {
            server.xadd(KEYS.stream(family), {"type": "BarClosed", "data": f"{chance.random()}?"})
            for family in ("bars", "signals", "orders", "fills", "control")
        }

        def buried() -> bool:
            letters = server.xrange(KEYS.stream(DEAD))
            return written <= {fields[b"entry"] for _, fields in letters}

        system.until(buried, "rubbish is neither processed nor dead")
        server.close()
        return system.flow_again(since, {})

    return Fault("Redis: rubbish on every stream", hurt)


# ------------------------------------------------------------------------------ databases


def locked(database: Path, name: str, seconds: float) -> Fault:
    """Somebody else holds the database in a transaction."""

    def hurt(system: System, chance: random.Random) -> float:
        del chance
        with closing(sqlite3.connect(database, timeout=20, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            system.wait(seconds)
            connection.execute("ROLLBACK")
        return system.flow_again(time.monotonic(), {})

    return Fault(f"{name} locked {seconds:g} s", hurt)


def full(place: Path, name: str, seconds: float) -> Fault:
    """The disk is full; `place` is a small file system of its own."""

    def hurt(system: System, chance: random.Random) -> float:
        del chance
        with _ballast(place):
            system.wait(seconds)
        return system.flow_again(time.monotonic(), {})

    return Fault(f"{name} full {seconds:g} s", hurt)


@contextmanager
def _ballast(place: Path) -> Iterator[None]:
    ballast = place / "ballast"
    try:
        with ballast.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"\0" * 65_536)
            except OSError:
                pass
        yield
    finally:
        ballast.unlink(missing_ok=True)


def read_only(switch: Callable[[bool], None], room: str, name: str, seconds: float) -> Fault:
    """A room finds its database read-only when it begins. `switch(True)` makes it so."""

    def hurt(system: System, chance: random.Random) -> float:
        del chance
        child = system.child(room)
        child.kill()
        child.wait()
        switch(True)
        system.wait(seconds)
        before = system.generations(room)
        switch(False)
        return system.flow_again(time.monotonic(), before if child.alive else {})

    return Fault(f"{name} read-only {seconds:g} s", hurt)


# ------------------------------------------------------------------------------ the exchange

ONCE_IN_A_WHILE: dict[str, Any] = {"probability": 0.05}
OFTEN: dict[str, Any] = {"probability": 0.3}
ALWAYS: dict[str, Any] = {"probability": 1.0}
TWICE_FOR_LONG: dict[str, Any] = {"next": 2, "seconds": UNANSWERED_SECONDS, "path": "/v2/orders"}
SWITCHES: dict[str, dict[str, Any]] = {
    "timeout_before": TWICE_FOR_LONG,
    "timeout_after": TWICE_FOR_LONG,
    "reset_before": ONCE_IN_A_WHILE,
    "reset_after": ONCE_IN_A_WHILE,
    "too_many_requests": ONCE_IN_A_WHILE,
    "server_error_before": ONCE_IN_A_WHILE,
    "server_error_after": ONCE_IN_A_WHILE,
    "gateway_timeout_before": ONCE_IN_A_WHILE,
    "gateway_timeout_after": ONCE_IN_A_WHILE,
    "wrong_enum": OFTEN,
    "positions_empty": ALWAYS,
    "positions_error": ALWAYS,
    "updates_dropped": OFTEN,
    "updates_duplicated": OFTEN,
    "updates_reordered": OFTEN,
    "updates_delayed": OFTEN,
    "updates_mute": ALWAYS,
    "updates_closed": ONCE_IN_A_WHILE,
    "data_mute": ALWAYS,
    "data_closed": ONCE_IN_A_WHILE,
    "connection_limit": ALWAYS,
}


def exchange_lies(switch: str) -> Fault:
    """One switch of the exchange for some seconds; it must have been felt."""

    def hurt(system: System, chance: random.Random) -> float:
        body = {"seed": chance.randint(1, 10_000), "switches": {switch: SWITCHES[switch]}}
        system.ask_exchange("POST", "/control/faults", body)
        if switch == "connection_limit":
            for sockets in ("updates", "data"):
                system.ask_exchange("POST", f"/control/break/{sockets}")
        system.wait(REFUSALS_SECONDS)
        system.until(
            lambda: system.ask_exchange("GET", "/control/faults")[switch]["happened"],
            f"{switch} never happened",
        )
        system.ask_exchange("DELETE", "/control/faults")
        return system.flow_again(time.monotonic(), {})

    return Fault(f"exchange: {switch.replace('_', ' ')}", hurt)


# ------------------------------------------------------------------------------ the clock


def clock_jumps(jump: Callable[[int], None], seconds: int) -> Fault:
    """The wall clock of every process, the server's too, jumps and jumps back."""

    def hurt(system: System, chance: random.Random) -> float:
        del chance
        jump(seconds)
        system.wait(3.0)
        jump(0)
        return system.flow_again(time.monotonic(), {})

    return Fault(f"wall clock {seconds / 3600:+g} h and back", hurt)
