"""What the record tells a room that has forgotten everything."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

import pytest

from tests import factories as make
from tests.integration import postgres_server
from tests.integration.test_recorder_record import batch_of
from trimtab_common.events import Event
from trimtab_common.sides import Side
from trimtab_recorder.adapters.database import SqlRecord
from trimtab_risk.adapters.recorded_past import RecordedPast
from trimtab_runtime.delivery.endings import Unavailable
from trimtab_runtime.past_reader import read_past

postgres = postgres_server.postgres
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
NOW = make.START
SOLD = make.fill(4, at=NOW, side=Side.SELL)
TOO_OLD = make.fill(5, at=NOW - 20 * DAY, side=Side.SELL)
OPEN = make.approval(1, at=NOW - DAY)
LIFE: tuple[Event, ...] = (
    make.signal(NOW - 2 * DAY, weight=0.25),
    make.signal(NOW - 3 * DAY, weight=0.5),
    make.signal(NOW - 9 * DAY, "MSFT", strategy="value", weight=0.75),
    make.signal(NOW - 8 * DAY, "MSFT"),
    OPEN,
    make.acceptance(1, at=NOW - DAY),
    make.fill(1, at=NOW, quantity=Decimal(4)),
    make.approval(2, at=NOW - DAY),
    make.rejection(2),
    make.approval(3, at=NOW - 40 * DAY),
    SOLD,
    TOO_OLD,
    make.fill(6, at=NOW, side=Side.BUY),
    make.halt(1, at=NOW + DAY),
    make.resumption(2, at=NOW),
    make.flatten(3, at=NOW),
    make.alert(),
    make.report("risk"),
)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgres").new_database())
    return f"sqlite:///{tmp_path_factory.mktemp('record') / 'trimtab.db'}"


def write(database: str, events: Sequence[Event]) -> None:
    record = SqlRecord(database, busy_seconds=5)
    record.prepare()
    if events:
        record.write(batch_of(events))
    record.close()


def test_what_risk_needs_is_found_and_nothing_else(database):
    past = RecordedPast(database, with_targets=True)
    if not database.startswith("sqlite"):
        assert past.events() == [], "no table is there yet"
    write(database, LIFE[-2:])
    assert read_past(database, with_targets=True) == [], "nothing was wanted, traded or commanded"
    write(database, LIFE)
    found = list(past.events())
    assert {event.id for event in found[:3]} == {LIFE[0].id, LIFE[2].id, LIFE[3].id}
    # Commands stand in the order in which they were given, whatever market time they bear.
    assert found[3:] == [OPEN, SOLD, *LIFE[13:16]]
    assert read_past(database, with_targets=False) == found[3:]


def test_without_a_file_there_was_no_life_before(tmp_path):
    assert RecordedPast(f"sqlite:///{tmp_path / 'no.db'}", with_targets=True).events() == ()
    assert not (tmp_path / "no.db").exists()


def test_a_record_that_does_not_answer_is_waited_for():
    past = RecordedPast("postgresql://owner:c4n4ry@127.0.0.1:9/none", with_targets=True)
    with pytest.raises(Unavailable, match="cannot be read") as caught:
        past.events()
    assert "c4n4ry" not in str(caught.value)


def test_a_broken_record_is_no_empty_one(tmp_path):
    (tmp_path / "trimtab.db").write_text("rubbish" * 1_000)
    with pytest.raises(Unavailable, match="cannot be read"):
        RecordedPast(f"sqlite:///{tmp_path / 'trimtab.db'}", with_targets=True).events()
