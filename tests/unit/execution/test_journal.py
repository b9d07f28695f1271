"""The journal: what was written is on disk, and says whether an order may have been sent."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.execution.examples import an_order
from trimtab_execution.adapters.journal import DatabaseJournal
from trimtab_runtime.database import connect
from trimtab_runtime.delivery.endings import Unavailable

ANOTHER_PROCESS = """
import os, sys
from pathlib import Path
from tests.unit.execution.examples import an_order
from trimtab_execution.adapters.journal import DatabaseJournal
from trimtab_runtime.database import connect

journal = DatabaseJournal(connect(Path(sys.argv[1]), synchronous="FULL"))
journal.intend([], [an_order(symbol="SPY")])
os._exit(9)  # as a kill would: nothing is closed, nothing is flushed
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


def a_journal(file: Path) -> DatabaseJournal:
    return DatabaseJournal(connect(file, synchronous="FULL", busy_seconds=0.2))


def test_a_new_order_was_never_sent(file):
    assert a_journal(file).intend([], [an_order(), an_order(symbol="SPY")]) == set()


def test_an_order_that_was_to_be_sent_may_have_been_sent(file):
    first, second = an_order(), an_order(symbol="SPY")
    a_journal(file).intend([], [first])
    after_the_crash = a_journal(file)
    assert after_the_crash.intend([], [first, second]) == {first.client_order_id}
    assert after_the_crash.sent() == {first.client_order_id, second.client_order_id}


def test_a_held_order_was_never_sent_until_its_turn_comes(file):
    held = an_order(wait=30)
    a_journal(file).intend([held], [])
    again = a_journal(file)
    assert again.intend([held], []) == set()
    assert again.sent() == set()
    assert again.intend([], [held]) == set(), "its turn has come for the first time"
    assert a_journal(file).intend([], [held]) == {held.client_order_id}


def test_holding_an_order_again_does_not_take_back_that_it_was_sent(file):
    order = an_order()
    journal = a_journal(file)
    journal.intend([], [order])
    journal.intend([order], [])
    assert journal.sent() == {order.client_order_id}


def test_intents_are_written_all_or_none(file):
    journal = a_journal(file)
    order = an_order()
    broken = order.model_copy(update={"client_order_id": None})
    with pytest.raises(Exception, match="NOT NULL"):
        journal.intend([], [order, broken])
    assert journal.sent() == set()


def test_what_another_process_wrote_before_it_was_killed_is_there(file):
    order = an_order(symbol="SPY")
    killed = subprocess.run([sys.executable, "-c", ANOTHER_PROCESS, str(file)], check=False)
    assert killed.returncode == 9
    assert a_journal(file).intend([], [order]) == {order.client_order_id}


def test_of_two_processes_only_one_is_told_that_nobody_has_sent_the_order(file):
    order = an_order()
    one, other = a_journal(file), a_journal(file)
    assert [one.intend([], [order]), other.intend([], [order])] == [set(), {order.client_order_id}]


def test_an_intent_is_recalled_as_it_was_approved(file):
    order = an_order(quantity="0.000000001", symbol="BTC/USD")
    a_journal(file).intend([], [order])
    assert a_journal(file).recall([order.client_order_id, "tt-unknown"]) == [order]


def test_a_journal_that_cannot_be_written_says_so_and_nothing_is_sent(file):
    journal = a_journal(file)
    blocker = connect(file)
    with blocker.begin() as held:
        held.exec_driver_sql("SELECT 1")
        with pytest.raises(Unavailable, match="locked"):
            journal.intend([], [an_order()])


def test_intents_of_a_month_ago_are_forgotten_when_the_room_starts(file):
    old, new = an_order(1), an_order(31 * 24 * 60)
    a_journal(file).intend([], [old, new])
    assert a_journal(file).sent() == {new.client_order_id}
