"""The whole system with its record and its journal on PostgreSQL, and that server's own faults."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults.checker import violations
from tests.faults.collect import collect
from tests.faults.system import Surroundings, System, running
from tests.integration import postgres_server
from tests.integration.postgres_server import PostgresServer
from trimtab.demo.display import PlainDisplay
from trimtab.demo.play import Play
from trimtab.demo.scene import SESSIONS, Scene, set_scene
from trimtab.demo.wishes import MAX, Wishes
from trimtab.parity.compare import differences
from trimtab.parity.expected import said_by_engine
from trimtab.parity.live import live_through
from trimtab.run_system import Asked, begin
from trimtab.setup import shipped_config
from trimtab.supervisor.supervisor import Supervisor
from trimtab_common.timeframes import Timeframe
from trimtab_runtime.record import Record
from trimtab_simulator.settings import SimulatorSettings
from trimtab_trading.generated import generated

postgres, postgres_url = postgres_server.postgres, postgres_server.postgres_url
pytestmark = [pytest.mark.e2e, pytest.mark.redis, pytest.mark.timeout(300)]

SYMBOLS = ("AAPL", "MSFT", "SPY")
SEED = 3
ROWS = 150
KILLED = ("recorder", "execution")
LOADED_SECONDS = 4.0


@pytest.fixture(autouse=True)
def own_signals() -> Iterator[None]:
    """Who runs a system listens to Ctrl-C; the tests take that back."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def scene_at(url: str, home: Path, **told: str) -> Scene:
    """A demo of all rows it is given; record and journal are on the server."""
    wishes = Wishes(
        data=None,
        seconds=None,
        speed=MAX,
        symbols=",".join(SYMBOLS),
        seed=SEED,
        home=home,
        config=shipped_config(),
        keep=True,
        as_json=True,
    )
    scene = set_scene(wishes)
    environment = {**scene.plan.environment, "TRIMTAB_DATABASE_URL": url, **told}
    return replace(scene, plan=replace(scene.plan, environment=environment))


@pytest.mark.long
def test_the_rooms_say_what_the_engine_says(postgres_url, tmp_path):
    """Parity, with rooms killed on the way; nothing of record and journal lies in the home."""
    scene = scene_at(postgres_url, tmp_path / "home", TRIMTAB_SIM_ROWS=str(ROWS))
    market = generated(
        seed=SEED,
        symbols=SYMBOLS,
        calendar_name="XNYS",
        timeframe=Timeframe.ONE_MINUTE,
        start=SimulatorSettings.model_fields["sim_start"].default,
        sessions=SESSIONS,
    ).first_rows(ROWS)
    expected = said_by_engine(market, scene.plan.config_dir)
    lived = live_through(scene, kills=2, chance=random.Random(SEED), say=lambda _: None)
    assert differences(expected, lived.events) == []
    assert lived.left_over is None
    assert lived.events["fills"]
    home = scene.plan.home
    assert not home.database.exists()
    assert not home.journal.exists()
    record = Record.open(postgres_url)
    assert len(record.fills(count=10_000)) == sum(
        type(event).__name__ == "OrderFilled" for event in lived.events["fills"]
    )
    record.close()


@pytest.mark.long
def test_a_demo_whose_recorder_and_execution_are_killed_adds_up(postgres_url, tmp_path):
    scene = scene_at(postgres_url, tmp_path / "home")
    supervisor = Supervisor(scene.plan, lambda _room, _text: None)
    asked = Asked()
    begin(supervisor)
    started = time.monotonic()
    kills = iter([(12.0 + 4 * turn, room) for turn, room in enumerate(KILLED * 2)])
    due = next(kills, None)

    class Cruel(PlainDisplay):
        """Shows nothing, and kills a room now and then."""

        def show(self, view: object) -> None:
            nonlocal due
            if due is not None and time.monotonic() - started > due[0]:
                supervisor.children[due[1]].kill()
                due = next(kills, None)

    try:
        result = Play(scene, supervisor, Cruel(), asked).play(30.0)
    finally:
        supervisor.stop()
        scene.claim.release()
    assert result.complaints == ()
    assert due is None
    assert result.facts["crashes"] == dict.fromkeys(KILLED, 2)
    assert result.facts["fills"] > 0
    record = Record.open(postgres_url)
    assert len(record.fills(count=100_000)) == result.facts["fills"]
    record.close()


@pytest.fixture
def busy(postgres_url: str, tmp_path: Path) -> Iterator[System]:
    """Twelve orders a row, every one of them through the journal and into the record."""
    with running(tmp_path, Surroundings(told={"TRIMTAB_DATABASE_URL": postgres_url})) as system:
        yield system


def come_to_rest(system: System) -> None:
    """Nothing was lost, doubled or changed, on the streams, at the exchange and in the database."""
    system.settle()
    assert violations(collect(system)) == []


@pytest.mark.long
def test_under_load_the_server_is_restarted_stands_still_and_loses_connections(
    postgres: PostgresServer, busy: System
):
    for how, away_seconds in ((signal.SIGINT, 0.0), (signal.SIGQUIT, 0.0), (signal.SIGINT, 6.0)):
        before = busy.progress()
        postgres.restart(how, away_seconds=away_seconds)
        busy.flow_again(time.monotonic(), {})
        assert busy.progress()["recorder"] > before["recorder"]
        busy.wait(LOADED_SECONDS)
    with postgres.frozen():
        busy.wait(5.0)
    busy.flow_again(time.monotonic(), {})
    database = busy.scene.plan.environment["TRIMTAB_DATABASE_URL"].rpartition("/")[2]
    for _ in range(10):
        postgres.kill_connections(database)
        busy.wait(0.4)
    busy.flow_again(time.monotonic(), {})
    assert all(child.restarts.crashes == 0 for child in busy.supervisor.children.values()), (
        "to be without a database is no crash"
    )
    come_to_rest(busy)


@pytest.mark.long
def test_recorder_and_execution_are_killed_under_load(busy: System):
    chance = random.Random(SEED)
    for turn in range(8):
        room = KILLED[turn % 2]
        reborn = busy.generations(room)
        busy.child(room).kill()
        busy.flow_again(time.monotonic(), reborn)
        busy.forget_endings()
        busy.wait(chance.uniform(0.2, 1.5))
    come_to_rest(busy)
