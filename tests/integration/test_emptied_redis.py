"""Redis comes back empty: the rooms begin anew from what the record and the broker know."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.checker import books_equal_the_exchange
from tests.faults.collect import collect
from tests.faults.evidence import Record
from tests.faults.system import Surroundings, System, running
from tests.integration import postgres_server

postgres = postgres_server.postgres
pytestmark = [pytest.mark.e2e, pytest.mark.redis, pytest.mark.timeout(240)]


def flushed(system: System) -> None:
    """Somebody has emptied the server."""
    system.server.flushall()


def replaced_by_an_empty_one(system: System) -> None:
    """A failover to a server that has nothing: same address, same password."""
    os.kill(system.server_pid, signal.SIGKILL)
    for folder in (system.home / "redis").glob("appendonlydir*"):
        shutil.rmtree(folder)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.long)])
def system(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[System]:
    told = {}
    if request.param == "postgresql":
        told["TRIMTAB_DATABASE_URL"] = request.getfixturevalue("postgres").new_database()
    with running(tmp_path, Surroundings(told=told)) as system:
        yield system


def said(system: System, family: str) -> list[dict[str, Any]]:
    """The events of a stream with their types."""
    entries = system.server.xrange(f"trimtab:{family}")
    return [{**json.loads(f[b"data"]), "type": f[b"type"].decode()} for _, f in entries]


def the_record_went_on(before: Record, after: Record, fresh: set[str]) -> None:
    """It has everything that it had, word for word, and no id was given twice."""
    assert before.events.items() <= after.events.items()
    assert before.fills.items() <= after.fills.items()
    assert before.orders.keys() <= after.orders.keys()
    assert fresh <= after.orders.keys() - before.orders.keys()


@pytest.mark.parametrize(
    "empty", [flushed, pytest.param(replaced_by_an_empty_one, marks=pytest.mark.long)]
)
def test_halted_until_reconciled_and_then_everything_goes_on(
    system: System, empty: Callable[[System], None]
):
    system.until(lambda: len(said(system, "fills")) > 60, "nothing is traded")
    assert said(system, "control") == [], "a first start has no past, and nothing is halted"
    before = collect(system).record
    empty(system)
    system.wait(1.0)
    system.flow_again(time.monotonic(), {})
    system.until(lambda: len(said(system, "control")) > 1, "trading is not resumed")
    rows = system.rows() or 0
    system.until(lambda: (system.rows() or 0) > rows + 15, "the rows do not go on")
    system.settle()
    after = collect(system)

    halted, resumed = said(system, "control")
    assert (halted["type"], halted["by"]) == ("TradingHalted", "recovery")
    assert (resumed["type"], resumed["by"]) == ("TradingResumed", "recovery")
    approved = [each for each in said(system, "orders") if each["type"] == "OrderApproved"]
    assert approved, "it trades again"
    assert min(each["at"] for each in approved) >= resumed["at"]
    titles = [each["title"] for each in said(system, "alerts") if each["rule"] == "trading-halted"]
    assert titles == ["Trading is halted"], "the owner is told, once"

    the_record_went_on(before, after.record, {each["client_order_id"] for each in approved})

    # Nobody sent an order twice, and everybody agrees on what the account holds.
    sent = [each["client_order_id"] for each in after.exchange_log if each["kind"] == "order"]
    assert len(sent) == len(set(sent))
    assert {after.journal.get(key) for key in sent} == {"sending"}
    assert list(books_equal_the_exchange(after)) == []
    assert system.info("risk")["oddities"]["count"] == 0
    assert all(child.restarts.crashes == 0 for child in system.supervisor.children.values())
