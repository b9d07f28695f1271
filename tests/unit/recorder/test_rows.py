"""What a batch of entries becomes in the record."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests import factories as make
from trimtab_common.events import EVENTS, BarClosed, Event, Health, encode, mark
from trimtab_recorder.core.reports import Reports
from trimtab_recorder.core.rows import Batch, dead_letter_row
from trimtab_recorder.core.trimming import Milestones, Standing, Trims
from trimtab_recorder.metrics import RecorderMetrics
from trimtab_recorder.room import RecorderRoom
from trimtab_recorder.settings import Settings
from trimtab_runtime.delivery.inbox import Entry
from trimtab_runtime.metrics import RoomMetrics


class FakeRecord:
    """Keeps the batches."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []

    def prepare(self) -> None:
        """Nothing is to be done."""

    def write(self, batch: Batch) -> int:
        self.batches.append(batch)
        return len(batch.events)

    def close(self) -> None:
        """Nothing is held."""


class NoStreams:
    """Nobody reads, nothing is trimmed."""

    async def standings(self) -> Sequence[Standing]:
        return []

    async def trim(self, trims: Trims) -> int:
        return 0


def entry(event: Event, entry_id: str = "1709562660000-0", family: str | None = None) -> Entry:
    kind, data = encode(event)
    raw = {b"type": kind.encode(), b"data": data.encode()}
    return Entry(f"t:{family or event.stream}", entry_id, event, None, raw)


async def recorded(*entries: Entry) -> Batch:
    record = FakeRecord()
    room = RecorderRoom(
        record,
        lambda session: NoStreams(),
        milestones=Milestones(Settings().keep),
        trim_interval_seconds=60,
        metrics=RecorderMetrics(RoomMetrics("recorder", "test", "sim")),
    )
    await room.take(entries)
    return record.batches[0] if record.batches else Batch()


async def test_every_type_of_event_but_bars_is_understood():
    assert RecorderRoom.wanted == set(EVENTS.values()) - {BarClosed}


async def test_an_event_is_kept_in_its_own_words():
    batch = await recorded(entry(make.signal()))
    (row,) = batch.events
    assert (row["id"], row["stream"], row["type"]) == (make.signal().id, "signals", "SignalRaised")
    assert (row["symbol"], row["at"], row["data"]) == (
        "AAPL",
        make.START,
        make.signal().model_dump_json(),
    )
    assert row["recorded_at"].isoformat() == "2024-03-04T14:31:00+00:00"


async def test_a_refused_bar_may_name_a_symbol_that_is_none():
    batch = await recorded(entry(make.refused_bar(symbol="X" * 500)))
    assert batch.events[0]["symbol"] is None


async def test_a_fill_is_an_event_a_fill_and_news_of_an_order():
    batch = await recorded(entry(make.fill()))
    assert (len(batch.events), len(batch.fills), len(batch.orders)) == (1, 1, 1)


async def test_an_alert_is_kept_with_the_time_it_was_raised():
    batch = await recorded(entry(make.alert()))
    assert batch.alerts[0]["recorded_at"] == batch.events[0]["recorded_at"]


async def test_a_report_is_kept_when_it_says_something_new():
    reports = [
        make.report(number=1),
        make.report(number=2),
        make.report(health=Health.DEGRADED, number=3, reasons=("inbox: 17 entries",)),
        make.report(health=Health.DEGRADED, number=4, reasons=("inbox: 18 entries",)),
        make.report(room="ingest", number=5),
        make.report(number=6),
    ]
    batch = await recorded(*(entry(each) for each in reports))
    assert [row["id"][-1] for row in batch.events] == ["1", "3", "5", "6"]


async def test_nothing_is_written_where_nothing_happened():
    unread = Entry("t:bars", "1-0", None, "not JSON", {})
    assert not await recorded(unread)


async def test_marks_are_not_kept():
    assert not await recorded(entry(mark(make.START, "bars", "ingest"), family="bars"))


def test_reports_are_remembered_across_a_restart():
    before, after = Reports(), Reports()
    assert before.are_news(make.report(number=1))
    after.restore(before.snapshot())
    assert not after.are_news(make.report(number=2))


LETTER = {b"stream": b"t:bars", b"entry": b"5-0", b"type": b"BarClosed", b"data": b"{",
          b"room": b"strategy", b"reason": b"handling it ended the room 3 times"}  # fmt: skip


def test_a_dead_letter_is_known_by_what_it_was():
    row = dead_letter_row("1709562660000-1", LETTER)
    assert (row["id"], row["tries"], row["room"]) == ("t:bars 5-0", 3, "strategy")
    assert dead_letter_row("1709562660000-1", LETTER | {b"reason": b"not JSON"})["tries"] == 1


def test_a_dead_letter_may_hold_any_bytes():
    row = dead_letter_row("9" * 17 + "-0", {name: b"\xff\x00\x1b" * 100 for name in LETTER})
    assert all("\x00" not in text for text in row.values() if isinstance(text, str))
    assert len(row["stream"]) <= 80


@pytest.mark.parametrize("hours", ["-1", "NaN", "soon"])
def test_a_wrong_setting_stops_the_start(monkeypatch, tmp_path: Path, hours):
    monkeypatch.setenv("TRIMTAB_RECORDER_KEEP_HOURS", hours)
    with pytest.raises(Exception, match="TRIMTAB_RECORDER_KEEP_HOURS"):
        Settings.read()
