"""When rows become public."""

from datetime import timedelta

import numpy as np
import pytest

from tests.markets import minute_market
from trimtab_common.timeframes import Timeframe
from trimtab_simulator.core.release import Release

PAUSE = timedelta(minutes=5)


def a_release(market=None, *, speed=None, ahead=3):
    market = market or minute_market(sessions=2)
    return Release(market, speed=speed, ahead=ahead, pause_max=PAUSE)


def test_at_full_speed_nothing_is_released_while_nobody_listens():
    release = a_release()
    assert not release.may_release(opened=0, listeners=0)
    assert release.may_release(opened=0, listeners=1)


def test_at_full_speed_rows_run_ahead_of_the_opened_ones_by_so_many():
    release = a_release(ahead=3)
    while release.may_release(opened=5, listeners=1):
        release.next_row()
    assert release.released == 8


def test_when_all_are_waiting_half_of_them_are_used_first():
    release = a_release(ahead=4)
    while release.may_release(opened=0, listeners=1):
        release.next_row()
    assert not release.may_release(opened=1, listeners=1)
    assert release.may_release(opened=2, listeners=1)
    release.next_row()
    assert release.may_release(opened=2, listeners=1)


def test_with_one_row_ahead_each_is_used_before_the_next():
    release = a_release(ahead=1)
    release.next_row()
    assert not release.may_release(opened=0, listeners=1)
    assert release.may_release(opened=1, listeners=1)


def test_rows_end():
    release = a_release(minute_market().take(slice(0, 4)))
    assert [release.next_row() for _ in range(2)] == [0, 1]
    assert release.over
    assert not release.may_release(opened=2, listeners=1)


def test_a_stopped_release_is_over_and_keeps_what_is_public():
    release = a_release()
    release.next_row()
    release.stopped = True
    assert release.over
    assert release.released == 1
    assert not release.may_release(opened=1, listeners=1)


def test_at_a_speed_rows_are_as_far_apart_as_in_the_market_divided_by_it():
    release = a_release(speed=60.0)
    assert release.wait_seconds() == 0
    release.next_row()
    assert release.wait_seconds() == 1.0


def test_a_night_counts_as_one_bar():
    release = a_release(speed=1.0)
    release.released = 390
    assert release.wait_seconds() == 60.0


def test_a_short_pause_is_kept():
    market = minute_market(symbols=("AAPL",))
    release = a_release(market.take(np.array([0, 3, 4, 20])), speed=1.0)
    release.released = 1
    waits = []
    for _ in range(3):
        waits.append(release.wait_seconds())
        release.next_row()
    assert waits == [180.0, 60.0, 60.0]


def test_a_weekend_between_daily_bars_counts_as_one_day():
    market = minute_market(timeframe=Timeframe.ONE_DAY, sessions=6)
    release = a_release(market, speed=86_400.0)
    waits = []
    for _ in range(6):
        waits.append(release.wait_seconds())
        release.next_row()
    assert waits == pytest.approx([0, 1, 1, 1, 1, 1])
