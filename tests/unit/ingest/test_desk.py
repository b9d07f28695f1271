"""What becomes of bars that are late, repeated, corrected or refused; and what is remembered."""

from __future__ import annotations

import json
import math
from datetime import timedelta

import pytest

from tests.unit.ingest.lines import MINUTE, OPEN, desk, line, minute, plan, raw, said
from trimtab_common.events import BarClosed, BarRefused, Event
from trimtab_ingest.core.closing import LiveRule, Wire
from trimtab_ingest.core.desk import ROWS_PER_COMMIT, Desk

GRACE = 2.0


def a_desk() -> Desk:
    its_plan = plan()
    wire = Wire(its_plan.lines[0], since=0.0)
    wire.subscribed(0.0)
    wire.merged()
    rule = LiveRule(
        [wire],
        row_grace_seconds=GRACE,
        daily_grace_seconds=60.0,
        backfill_age=timedelta(minutes=90),
    )
    return desk(its_plan, rule, [wire], closed_until=OPEN, by_calendar=True)


def close_row(its_desk: Desk, row: int, *symbols: str) -> list[Event]:
    for symbol in symbols:
        its_desk.streamed(its_desk.plan.lines[0], raw(symbol, row), 0.0, minute(row))
    return its_desk.collect(GRACE, minute(row)).events


def after(its_desk: Desk) -> list[str]:
    return said(its_desk.collect(GRACE, minute(9)).events)


def test_a_bar_of_a_closed_row_is_late_and_in_no_row() -> None:
    its_desk = a_desk()
    close_row(its_desk, 1, "AAPL")
    its_desk.streamed(its_desk.plan.lines[0], raw("MSFT", 1), 9.0, minute(1))
    (event,) = its_desk.collect(9.0, minute(1)).events
    assert isinstance(event, BarClosed)
    assert event.late
    assert event.revision == 0
    assert event.id == "bar:simulated:MSFT:1m:2024-01-02T14:30:00Z:0"


def test_a_late_bar_is_told_once() -> None:
    its_desk = a_desk()
    close_row(its_desk, 1, "AAPL")
    for _ in range(2):
        its_desk.streamed(its_desk.plan.lines[0], raw("MSFT", 1), 9.0, minute(1))
        its_desk.fetched(its_desk.plan.lines[0], [raw("MSFT", 1)], 9.0, minute(1))
    assert after(its_desk) == ["MSFT 14:30 late"]
    assert its_desk.tally.again == 3


def test_a_bar_that_its_row_held_is_not_told_again() -> None:
    its_desk = a_desk()
    close_row(its_desk, 1, "AAPL", "MSFT")
    its_desk.streamed(its_desk.plan.lines[0], raw("MSFT", 1), 9.0, minute(1))
    assert after(its_desk) == []


def test_a_minute_without_any_row_leaves_gaps_that_can_be_filled() -> None:
    its_desk = a_desk()
    close_row(its_desk, 4, "AAPL", "MSFT")
    for row in (1, 3):
        its_desk.streamed(its_desk.plan.lines[0], raw("AAPL", row), 9.0, minute(5))
    assert after(its_desk) == ["AAPL 14:30 late", "AAPL 14:32 late"]
    assert its_desk.tally.missing == 6


def test_gaps_are_asked_for_when_they_can_be_there_and_once_more() -> None:
    its_desk = a_desk()
    close_row(its_desk, 1, "AAPL")
    asked = [len(its_desk.memory.to_ask(GRACE + moment)) for moment in (44, 45, 46, 599, 600, 999)]
    assert asked == [0, 1, 0, 0, 1, 0]


def test_the_same_bar_twice_in_an_open_row_is_one_bar() -> None:
    its_desk = a_desk()
    events = close_row(its_desk, 1, "AAPL", "AAPL", "MSFT")
    assert said(events) == ["AAPL 14:30", "MSFT 14:30", "RowClosed 14:31"]


def test_two_different_bars_with_one_stamp_are_a_contradiction() -> None:
    its_desk = a_desk()
    stocks = its_desk.plan.lines[0]
    its_desk.streamed(stocks, raw("AAPL", c=100.0), 0.0, minute(1))
    its_desk.streamed(stocks, raw("AAPL", c=101.5), 0.0, minute(1))
    refused, bar, _ = its_desk.collect(GRACE, minute(1)).events
    assert isinstance(refused, BarRefused)
    assert refused.rule == "duplicate"
    assert isinstance(bar, BarClosed)
    assert bar.close == 100


def test_history_that_differs_from_the_socket_changes_nothing() -> None:
    its_desk = a_desk()
    stocks = its_desk.plan.lines[0]
    its_desk.streamed(stocks, raw("AAPL", c=100.0), 0.0, minute(1))
    assert its_desk.fetched(stocks, [raw("AAPL", c=101.5)], 0.0, minute(1)) == 0
    bar, _ = its_desk.collect(GRACE, minute(1)).events
    assert isinstance(bar, BarClosed)
    assert bar.close == 100


def test_a_correction_of_an_open_row_is_what_the_row_holds() -> None:
    its_desk = a_desk()
    stocks = its_desk.plan.lines[0]
    its_desk.streamed(stocks, raw("AAPL", c=100.0), 0.0, minute(1))
    its_desk.revised(stocks, raw("AAPL", c=101.5), 0.0, minute(1))
    bar, _ = its_desk.collect(GRACE, minute(1)).events
    assert isinstance(bar, BarClosed)
    assert (float(bar.close), bar.revision, bar.late) == (101.5, 0, False)


def test_corrections_of_a_closed_row_are_numbered_and_late() -> None:
    its_desk = a_desk()
    close_row(its_desk, 1, "AAPL", "MSFT")
    for close in (100.5, 100.7):
        its_desk.revised(its_desk.plan.lines[0], raw("AAPL", c=close), 9.0, minute(2))
    events = its_desk.collect(9.0, minute(2)).events
    found = [(event.id[-2:], event.late) for event in events if isinstance(event, BarClosed)]
    assert found == [(":1", True), (":2", True)]


def test_what_is_remembered_outlives_the_process() -> None:
    its_desk = a_desk()
    close_row(its_desk, 1, "AAPL")
    its_desk.revised(its_desk.plan.lines[0], raw("AAPL", c=100.5), 9.0, minute(2))
    state = json.loads(json.dumps(its_desk.snapshot()))
    follower = a_desk()
    follower.rows.closed_until = minute(1)
    follower.memory.restore(state["memory"], 0.0)
    follower.streamed(follower.plan.lines[0], raw("MSFT", 1), 9.0, minute(2))
    follower.revised(follower.plan.lines[0], raw("AAPL", c=100.6), 9.0, minute(2))
    events = follower.collect(9.0, minute(2)).events
    assert [event.id[-2:] for event in events] == [":0", ":2"]
    assert (state["source"], state["closed_until"]) == ("a test", "2024-01-02T14:31:00Z")


def test_a_refused_bar_is_published_with_its_rule_and_changes_no_row() -> None:
    its_desk = a_desk()
    its_desk.streamed(its_desk.plan.lines[0], raw("AAPL", c=math.nan), 0.0, minute(1))
    (event,) = its_desk.collect(1e9, minute(9)).events
    assert isinstance(event, BarRefused)
    assert (event.rule, event.symbol, event.at) == ("not_a_number", "AAPL", minute(1))
    assert "c=nan" in event.received
    assert its_desk.tally.refused == {"not_a_number": 1}


def test_a_refused_bar_without_a_time_of_its_own_has_that_of_the_last_row() -> None:
    its_desk = a_desk()
    its_desk.streamed(its_desk.plan.lines[0], raw("AAPL", t="soon"), 0.0, minute(1))
    assert its_desk.collect(0.0, minute(1)).events[0].at == OPEN


def test_bars_outside_the_session_are_told_once_a_day_and_counted_all() -> None:
    its_desk = a_desk()
    for row in (-3, -2, -1):
        for symbol in ("AAPL", "MSFT"):
            its_desk.streamed(its_desk.plan.lines[0], raw(symbol, row), 0.0, minute(0))
    refused = its_desk.collect(0.0, minute(0)).events
    assert [event.symbol for event in refused if isinstance(event, BarRefused)] == ["AAPL", "MSFT"]
    assert its_desk.tally.refused == {"session": 6}


@pytest.mark.parametrize("rows", [1, ROWS_PER_COMMIT, ROWS_PER_COMMIT + 3])
def test_a_burst_is_committed_a_few_rows_at_a_time(rows: int) -> None:
    its_desk = a_desk()
    for row in range(1, rows + 1):
        for symbol in ("AAPL", "MSFT"):
            its_desk.streamed(its_desk.plan.lines[0], raw(symbol, row), 0.0, minute(rows))
    first = its_desk.collect(0.0, minute(rows))
    assert len(first.rows) == min(rows, ROWS_PER_COMMIT)
    assert len(its_desk.collect(0.0, minute(rows)).rows) == rows - len(first.rows)
    assert its_desk.rows.closed_until == OPEN + rows * MINUTE


def test_symbols_stand_in_one_order_whatever_the_order_of_their_arrival() -> None:
    symbols = ("AAPL", "IBM", "MSFT")
    its_plan = plan(line(symbols=symbols))
    wire = Wire(its_plan.lines[0], since=0.0)
    wire.merged()
    its_desk = desk(
        its_plan,
        LiveRule(
            [wire],
            row_grace_seconds=GRACE,
            daily_grace_seconds=60.0,
            backfill_age=timedelta(minutes=90),
        ),
        [wire],
        closed_until=OPEN,
        by_calendar=True,
    )
    for symbol in ("MSFT", "AAPL", "IBM"):
        its_desk.streamed(its_plan.lines[0], raw(symbol), 0.0, minute(1))
    (row,) = its_desk.collect(0.0, minute(1)).rows
    assert tuple(bar.symbol for bar in row.bars) == row.due[0].present == symbols
