"""When a row may be closed: a replay waits for all bars, a broker's row as long as the grace."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.unit.ingest.lines import MINUTE, OPEN, desk, line, minute, plan, raw, said
from trimtab_common.timeframes import Timeframe
from trimtab_ingest.core.closing import LiveRule, ReplayRule, Wire
from trimtab_ingest.core.desk import Desk
from trimtab_ingest.core.plan import Line, Origin

GRACE, DAILY_GRACE = 2.0, 60.0
CRYPTO = line(symbols=("BTC/USD",), name="24/7", feed="crypto")


def live_desk(*lines: Line, merged: bool = True) -> Desk:
    """At a broker; the first row is that of the session's first minute."""
    its_plan = plan(*lines)
    wires = [Wire(each, since=0.0) for each in its_plan.of(Origin.STREAMED)]
    for wire in wires:
        wire.subscribed(0.0)
        if merged:
            wire.merged()
    rule = LiveRule(
        wires,
        row_grace_seconds=GRACE,
        daily_grace_seconds=DAILY_GRACE,
        backfill_age=timedelta(seconds=90),
    )
    return desk(its_plan, rule, wires, closed_until=OPEN, by_calendar=True)


def replay_desk(*, merged: bool = True) -> tuple[Desk, Wire]:
    its_plan = plan()
    wire = Wire(its_plan.lines[0], since=0.0)
    wire.subscribed(0.0)
    if merged:
        wire.merged()
    return desk(its_plan, ReplayRule(wire), [wire]), wire


def closed(its_desk: Desk, moment: float, row: int = 1, seconds: float = 1.0) -> list[str]:
    """What is said at a monotonic moment, so many seconds after the row's minute."""
    return said(its_desk.collect(moment, minute(row) + timedelta(seconds=seconds)).events)


def test_a_complete_row_closes_at_once() -> None:
    its_desk = live_desk()
    for symbol in ("MSFT", "AAPL"):
        its_desk.streamed(its_desk.plan.lines[0], raw(symbol), 10.0, minute(1))
    assert closed(its_desk, 10.0) == ["AAPL 14:30", "MSFT 14:30", "RowClosed 14:31"]


def test_a_missing_bar_costs_the_whole_grace_and_no_more() -> None:
    its_desk = live_desk()
    its_desk.streamed(its_desk.plan.lines[0], raw("AAPL"), 10.0, minute(1))
    assert closed(its_desk, 10.0 + GRACE - 0.01) == []
    assert closed(its_desk, 10.0 + GRACE) == ["AAPL 14:30", "RowClosed 14:31"]


def test_a_broker_s_row_does_not_close_because_a_later_one_begins() -> None:
    its_desk = live_desk()
    its_desk.streamed(its_desk.plan.lines[0], raw("AAPL", 1), 10.0, minute(2))
    its_desk.streamed(its_desk.plan.lines[0], raw("AAPL", 2), 10.1, minute(2))
    assert closed(its_desk, 10.2, row=2) == []


def test_a_replay_s_row_closes_when_a_later_one_begins_on_the_socket() -> None:
    its_desk, wire = replay_desk()
    its_desk.streamed(wire.line, raw("AAPL", 1), 0.0, None)
    assert said(its_desk.collect(1e9, None).events) == []
    its_desk.streamed(wire.line, raw("AAPL", 2), 0.0, None)
    assert said(its_desk.collect(0.0, None).events) == ["AAPL 14:30", "RowClosed 14:31"]


def test_a_later_row_in_the_history_proves_nothing() -> None:
    its_desk, wire = replay_desk()
    its_desk.fetched(wire.line, [raw("AAPL", 1), raw("AAPL", 2)], 0.0, None)
    assert said(its_desk.collect(0.0, None).events) == []
    wire.complete(minute(1))
    assert said(its_desk.collect(0.0, None).events) == ["AAPL 14:30", "RowClosed 14:31"]


def test_nothing_closes_before_history_is_merged() -> None:
    its_desk, wire = replay_desk(merged=False)
    for row in (5, 6):
        for symbol in ("AAPL", "MSFT"):
            its_desk.streamed(wire.line, raw(symbol, row), 0.0, None)
    assert said(its_desk.collect(1e9, None).events) == []
    wire.merged()
    assert len(said(its_desk.collect(0.0, None).events)) == 6


def test_at_a_broker_history_that_does_not_answer_is_not_waited_for_for_ever() -> None:
    its_desk = live_desk(merged=False)
    for symbol in ("MSFT", "AAPL"):
        its_desk.streamed(its_desk.plan.lines[0], raw(symbol), 10.0, minute(1))
    assert closed(its_desk, 29.9) == []
    assert len(closed(its_desk, 30.0)) == 3


def test_the_venue_s_word_closes_the_last_row_of_a_replay() -> None:
    its_desk, wire = replay_desk()
    its_desk.streamed(wire.line, raw("AAPL", 1), 0.0, None)
    its_desk.confirm(wire.line, minute(1), {"AAPL", "MSFT"})
    assert said(its_desk.collect(0.0, None).events) == []
    its_desk.confirm(wire.line, minute(1), {"AAPL", "IBM"})
    assert said(its_desk.collect(0.0, None).events) == ["AAPL 14:30", "RowClosed 14:31"]


def test_calendars_share_a_row_and_wait_for_one_another() -> None:
    stocks = line()
    its_desk = live_desk(stocks, CRYPTO)
    its_desk.streamed(CRYPTO, raw("BTC/USD"), 10.0, minute(1))
    assert closed(its_desk, 11.0) == []
    for symbol in ("MSFT", "AAPL"):
        its_desk.streamed(stocks, raw(symbol), 11.0, minute(1))
    batch = its_desk.collect(11.0, minute(1))
    assert [due.calendar for due in batch.rows[0].due] == ["XNYS", "24/7"]


def test_at_night_only_what_never_closes_is_due() -> None:
    its_desk = live_desk(line(), CRYPTO)
    its_desk.rows.closed_until = minute(400)
    its_desk.streamed(CRYPTO, raw("BTC/USD", 401), 10.0, minute(401))
    (row,) = its_desk.collect(10.0, minute(401)).rows
    assert [due.calendar for due in row.due] == ["24/7"]


def test_a_feed_that_is_down_is_missing_and_not_due() -> None:
    its_desk = live_desk(line(), CRYPTO)
    its_desk.streamed(CRYPTO, raw("BTC/USD"), 10.0, minute(1))
    (row,) = its_desk.collect(10.0 + GRACE, minute(1)).rows
    assert [due.calendar for due in row.due] == ["24/7"]
    assert [key.symbol for key in row.missing] == ["AAPL", "MSFT"]


def daily_desk() -> tuple[Desk, Line, Line]:
    minutes = line(symbols=("AAPL",))
    days = line(Timeframe.ONE_DAY, ("AAPL", "MSFT"), Origin.FETCHED)
    its_desk = live_desk(minutes, days)
    its_desk.rows.closed_until = minute(388)
    its_desk.streamed(minutes, raw(row=389), 0.0, minute(389))
    assert len(its_desk.collect(0.0, minute(389)).rows) == 1
    its_desk.streamed(minutes, raw(row=390, h=120.0), 100.0, minute(390))
    return its_desk, minutes, days


def test_the_row_of_the_close_waits_for_the_daily_bars() -> None:
    its_desk, _, days = daily_desk()
    assert closed(its_desk, 100.0 + DAILY_GRACE - 0.1, row=390) == []
    fetched = [raw(symbol, t="2024-01-02T05:00:00Z") for symbol in ("AAPL", "MSFT")]
    its_desk.fetched(days, fetched, 130.0, minute(391))
    (row,) = its_desk.collect(130.0, minute(390)).rows
    assert [(bar.symbol, bar.timeframe.value) for bar in row.bars] == [
        ("AAPL", "1m"), ("AAPL", "1d"), ("MSFT", "1d"),
    ]  # fmt: skip
    assert float(row.bars[1].high) == 102.0, "the fetched bar, not the one made of minutes"


def test_a_daily_bar_that_cannot_be_had_is_made_of_the_minutes() -> None:
    its_desk, _, _ = daily_desk()
    (row,) = its_desk.collect(100.0 + DAILY_GRACE, minute(391)).rows
    assert [(bar.symbol, bar.timeframe.value) for bar in row.bars] == [
        ("AAPL", "1m"), ("AAPL", "1d"),
    ]  # fmt: skip
    assert float(row.bars[1].high) == 120.0
    assert row.due[1].missing == ("MSFT",)


@pytest.mark.parametrize(("age_seconds", "marks"), [(89, 1), (90, 0)])
def test_a_row_that_is_too_old_to_be_traded_on_is_published_as_late_bars(
    age_seconds: int, marks: int
) -> None:
    its_desk = live_desk()
    its_desk.streamed(its_desk.plan.lines[0], raw("AAPL"), 10.0, minute(3))
    batch = its_desk.collect(20.0, minute(1) + timedelta(seconds=age_seconds))
    assert sum(event.id.startswith("row:") for event in batch.events) == marks
    assert [bar.late for bar in batch.bars] == [not marks]
    assert its_desk.rows.closed_until == minute(1)


def test_a_daily_row_can_be_traded_on_until_the_next_open() -> None:
    days = line(Timeframe.ONE_DAY, ("AAPL",), Origin.FETCHED)
    for hours, late in ((17, False), (18, True)):
        its_desk = live_desk(days)
        now = minute(390) + timedelta(hours=hours)
        its_desk.fetched(days, [raw(t="2024-01-02T05:00:00Z")], 0.0, now)
        (bar,) = its_desk.collect(0.0, now).bars
        assert bar.late is late, hours


def test_a_window_that_ends_in_silence_is_a_row_of_its_own() -> None:
    minutes, fives = line(), line(Timeframe.FIVE_MINUTES, ("AAPL", "MSFT"), Origin.DERIVED)
    its_desk = live_desk(minutes, fives)
    its_desk.streamed(minutes, raw(row=3), 0.0, minute(3))
    assert closed(its_desk, GRACE, row=3) == ["AAPL 14:32", "RowClosed 14:33"]
    assert closed(its_desk, 1e9, row=5, seconds=29) == []
    assert closed(its_desk, 1e9, row=5, seconds=30) == ["AAPL 14:30", "RowClosed 14:35"]


def test_what_was_missed_during_an_outage_closes_before_what_comes_now() -> None:
    its_desk = live_desk(merged=False)
    stocks = its_desk.plan.lines[0]
    for symbol in ("AAPL", "MSFT"):
        its_desk.streamed(stocks, raw(symbol, 20), 1.0, minute(20))
    its_desk.fetched(stocks, [raw("AAPL", row) for row in range(1, 20)], 1.0, minute(20))
    its_desk.wires[stocks].complete(minute(19))
    its_desk.wires[stocks].merged()
    told = [event for _ in range(3) for event in closed(its_desk, 1.1, row=20)]
    assert told[:18] == [f"AAPL 14:{29 + row} late" for row in range(1, 19)]
    assert told[-3:] == ["AAPL 14:49", "MSFT 14:49", "RowClosed 14:50"]
    assert its_desk.rows.closed_until == minute(1) + 19 * MINUTE
