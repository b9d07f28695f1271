"""What is in the outbox is there after a restart, in order, once, until it was carried."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import factories as make
from trimtab_alerting.adapters.outbox import KEPT_SECONDS, SqliteOutbox
from trimtab_common.events import AlertRaised
from trimtab_runtime.delivery.endings import Unavailable


class Clock:
    now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "outbox.db"


def add(outbox: SqliteOutbox, *alerts: AlertRaised, queues: tuple[str, ...] = ("phone",)) -> None:
    outbox.add([(alert, queues) for alert in alerts])


def drained(outbox: SqliteOutbox, queue: str = "phone") -> list[str]:
    found = []
    while (waiting := outbox.first(queue)) is not None:
        found.append(waiting.alert.text)
        outbox.delivered(queue, waiting.number)
    return found


def test_alerts_come_out_in_the_order_in_which_they_went_in(path, clock):
    outbox = SqliteOutbox(path, clock)
    add(outbox, make.alert(3), make.alert(1))
    add(outbox, make.alert(2))
    assert drained(outbox) == ["by owner: walk 3", "by owner: walk 1", "by owner: walk 2"]


def test_each_queue_has_its_own(path, clock):
    outbox = SqliteOutbox(path, clock)
    add(outbox, make.alert(), queues=("phone", "file"))
    assert outbox.waiting() == {"phone": 1, "file": 1}
    drained(outbox)
    assert outbox.waiting() == {"file": 1}


def test_another_process_finds_what_waits(path, clock):
    add(SqliteOutbox(path, clock), make.alert())
    found = SqliteOutbox(path, clock).first("phone")
    assert found is not None
    assert (found.alert, found.queued_at) == (make.alert(), clock.now)


def test_an_alert_that_comes_again_is_kept_once_even_after_it_was_carried(path, clock):
    outbox = SqliteOutbox(path, clock)
    add(outbox, make.alert(), make.alert())
    assert len(drained(outbox)) == 1
    add(outbox, make.alert())
    assert outbox.waiting() == {}


def test_what_was_carried_long_ago_is_forgotten(path, clock):
    outbox = SqliteOutbox(path, clock)
    add(outbox, make.alert(1))
    drained(outbox)
    clock.now += KEPT_SECONDS + 1
    add(outbox, make.alert(2))
    drained(outbox)
    add(outbox, make.alert(1))
    assert drained(outbox) == ["by owner: walk 1"]


def test_what_is_given_up_is_counted_until_something_arrives(path, clock):
    outbox = SqliteOutbox(path, clock)
    add(outbox, make.alert(1), make.alert(2))
    clock.now += 10
    add(outbox, make.alert(3), make.alert(4))
    assert outbox.give_up("phone", clock.now, "it is down") == 2
    first = outbox.first("phone")
    assert first is not None
    assert (first.alert, first.lost) == (make.alert(3), 2)
    outbox.delivered("phone", first.number)
    following = outbox.first("phone")
    assert following is not None
    assert following.lost == 0


def test_it_is_readable_by_its_owner_alone(path, clock):
    add(SqliteOutbox(path, clock), make.alert())
    assert path.stat().st_mode & 0o077 == 0


def test_a_broken_file_is_put_aside(path, clock):
    path.parent.mkdir()
    path.write_bytes(b"this is no database, not at all" * 100)
    outbox = SqliteOutbox(path, clock)
    add(outbox, make.alert())
    assert len(drained(outbox)) == 1
    assert path.with_suffix(".broken").exists()


def test_a_disk_that_takes_nothing_makes_the_room_unavailable(path, clock):
    path.mkdir(parents=True)  # a folder stands where the file should be
    with pytest.raises(Unavailable):
        add(SqliteOutbox(path, clock), make.alert())


def test_an_entry_that_cannot_be_read_holds_nobody_up(path, clock):
    outbox = SqliteOutbox(path, clock)
    add(outbox, make.alert(1), make.alert(2))
    with outbox._transaction() as connection:
        connection.execute("UPDATE outbox SET data = '{' WHERE number = 1")
    assert drained(outbox) == ["by owner: walk 2"]
