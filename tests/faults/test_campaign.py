"""The promises of the spine over real processes: whatever fails, nothing is lost or doubled."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from tests.faults import faults, places
from tests.faults.campaign import campaign
from tests.faults.checker import (
    books_equal_the_exchange,
    no_event_is_said_twice,
    nothing_waits,
    what_came_in_was_taken,
)
from tests.faults.faults import EVERYBODY, SWITCHES, Fault
from tests.faults.system import Surroundings
from trimtab.supervisor.plan import ROOMS
from trimtab_execution.adapters.crashing import Point

pytestmark = [pytest.mark.e2e, pytest.mark.redis, pytest.mark.timeout(600)]

FROZEN_SECONDS = (3, 7, 20)
FOUR_TIMES = range(4)
STILL_TRUE_OF_AN_EMPTIED_SERVER = (
    books_equal_the_exchange,
    what_came_in_was_taken,
    no_event_is_said_twice,
    nothing_waits,
)
"""What the streams told before is gone with them; what follows must hold by itself."""


# ---------------------------------------------------------------------------- less than a minute


def test_rooms_the_server_a_database_and_the_exchange_fail(tmp_path: Path) -> None:
    with places.a_proxy() as (proxy, between):
        hurt = [
            *map(faults.killed, ("execution", "risk")),
            faults.server_killed(),
            faults.server_frozen(3),
            faults.replies_lost(proxy),
            faults.locked(tmp_path / "home" / "trimtab.db", "record", 3),
            *map(faults.exchange_lies, ("reset_after", "updates_dropped")),
        ]
        campaign(tmp_path, hurt, seed=2, surroundings=between)


# ---------------------------------------------------------------------------- minutes


@pytest.mark.long
def test_every_room_is_killed_and_one_is_replaced_while_it_sleeps(tmp_path: Path) -> None:
    hurt = [*map(faults.killed, EVERYBODY), faults.replaced_while_asleep("risk")]
    campaign(tmp_path, hurt, seed=1)


@pytest.mark.long
@pytest.mark.parametrize("part", FOUR_TIMES)
@pytest.mark.parametrize("room", EVERYBODY)
def test_a_room_is_killed_again_and_again(tmp_path: Path, room: str, part: int) -> None:
    campaign(tmp_path, 25 * [faults.killed(room)], seed=100 + part)


@pytest.mark.long
@pytest.mark.parametrize("part", range(2))
def test_everything_is_killed_at_once(tmp_path: Path, part: int) -> None:
    campaign(tmp_path, 5 * [faults.everything_killed()], seed=200 + part)


@pytest.mark.long
@pytest.mark.parametrize("part", range(2))
def test_every_room_is_restarted_in_turn(tmp_path: Path, part: int) -> None:
    campaign(tmp_path, 2 * [faults.restarted_in_turn()], seed=300 + part)


@pytest.mark.long
def test_every_room_is_replaced_while_it_sleeps(tmp_path: Path) -> None:
    campaign(tmp_path, 2 * [faults.replaced_while_asleep(room) for room in ROOMS], seed=400)


@pytest.mark.long
def test_execution_is_killed_at_each_step_of_the_order_protocol(tmp_path: Path) -> None:
    campaign(tmp_path, 2 * [faults.execution_killed_when(point) for point in Point], seed=450)


@pytest.mark.long
@pytest.mark.parametrize("seconds", FROZEN_SECONDS)
def test_the_server_is_frozen(tmp_path: Path, seconds: float) -> None:
    campaign(tmp_path, 3 * [faults.server_frozen(seconds)], seed=500)


@pytest.mark.long
@pytest.mark.parametrize("part", range(2))
def test_the_server_is_killed_again_and_again(tmp_path: Path, part: int) -> None:
    campaign(tmp_path, 5 * [faults.server_killed()], seed=520 + part)


@pytest.mark.long
def test_the_server_is_frozen_for_about_as_long_as_it_is_waited_for(tmp_path: Path) -> None:
    hurt = [faults.server_frozen(seconds) for seconds in (7.9, 8.1, 8.3, 8.6, 8.9, 9.3)]
    campaign(tmp_path, [Fault("Redis: frozen about 8 s", each.hurt) for each in hurt], seed=540)


@pytest.mark.long
@pytest.mark.parametrize("part", range(5))
def test_the_server_is_emptied(tmp_path: Path, part: int) -> None:
    campaign(
        tmp_path,
        [faults.server_emptied()],
        seed=550 + part,
        claims=STILL_TRUE_OF_AN_EMPTIED_SERVER,
        compared=False,
    )


@pytest.mark.long
def test_connections_to_the_server_are_half_open(tmp_path: Path) -> None:
    with places.a_proxy() as (proxy, between):
        hurt = [
            *3 * [faults.connections_half_open(proxy)],
            *3 * [faults.network_swallows(proxy, 20)],
        ]
        campaign(tmp_path, hurt, seed=600, surroundings=between)


@pytest.mark.long
def test_replies_of_the_server_are_lost_and_rubbish_comes(tmp_path: Path) -> None:
    with places.a_proxy() as (proxy, between):
        hurt = 5 * [faults.replies_lost(proxy), faults.rubbish_on_streams()]
        campaign(tmp_path, hurt, seed=620, surroundings=between)


@pytest.mark.long
@pytest.mark.parametrize("seconds", [5, 40])
@pytest.mark.parametrize(("file", "name"), [("trimtab.db", "record"), ("journal.db", "journal")])
def test_a_database_is_locked(tmp_path: Path, file: str, name: str, seconds: float) -> None:
    fault = faults.locked(tmp_path / "home" / file, name, seconds)
    campaign(tmp_path, 2 * [fault], seed=700)


@pytest.mark.long
@pytest.mark.parametrize(
    ("file", "name", "room"),
    [("trimtab.db", "record", "recorder"), ("journal.db", "journal", "execution")],
)
def test_a_database_is_full_and_read_only(tmp_path: Path, file: str, name: str, room: str) -> None:
    with places.a_disk(tmp_path / "disk", 256) as disk:
        hurt = [
            *3 * [faults.full(disk, name, 8)],
            *2 * [faults.read_only(partial(_switch, disk), room, name, 8)],
        ]
        campaign(tmp_path, hurt, seed=720, surroundings=places.linked(file, disk))


def _switch(disk: Path, read_only: bool) -> None:
    places.remount(disk, read_only=read_only)


@pytest.mark.long
def test_the_whole_disk_is_full(tmp_path: Path) -> None:
    with places.a_disk(tmp_path / "disk", 1_024) as disk:
        # The exchange is somebody else's machine.
        apart = Surroundings({"TRIMTAB_SIM_DIR": str(tmp_path / "exchange")})
        campaign(
            disk / "system", 2 * [faults.full(disk, "whole disk", 8)], seed=740, surroundings=apart
        )


@pytest.mark.long
@pytest.mark.parametrize(
    "switches", [tuple(SWITCHES)[:7], tuple(SWITCHES)[7:14], tuple(SWITCHES)[14:]]
)
def test_the_exchange_lies_in_every_way_it_knows(tmp_path: Path, switches: tuple[str, ...]) -> None:
    campaign(tmp_path, 2 * [faults.exchange_lies(name) for name in switches], seed=800)


@pytest.mark.long
def test_the_wall_clock_jumps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with places.a_clock(tmp_path, monkeypatch) as jump:
        hours = (1, -1, 24, -24)
        campaign(tmp_path, 2 * [faults.clock_jumps(jump, hour * 3_600) for hour in hours], seed=900)
