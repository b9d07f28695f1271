"""A market in columns: its rows, its bars as events, and what is no market."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest

from tests.markets import a_market, minute_market
from trimtab_common.events import BarClosed, bar_id
from trimtab_common.timeframes import Timeframe
from trimtab_trading.market import bars_of_row, replay, row_mark, rows


def test_a_row_is_all_bars_of_one_instant():
    market = minute_market(symbols=("AAPL", "MSFT"), sessions=1)
    instants = [instant for instant, _ in rows(market)]
    assert market.rows_total == 390
    assert instants[0] == datetime(2024, 1, 2, 14, 31, tzinfo=UTC)
    assert instants[-1] == datetime(2024, 1, 2, 21, 0, tzinfo=UTC)
    assert all(place.stop - place.start == 2 for _, place in rows(market))


def test_a_minute_in_which_nothing_was_printed_is_no_row():
    market = minute_market(symbols=("AAPL",), sessions=1, missing=0.5)
    assert 100 < market.rows_total == len(market) < 290


def test_the_events_of_a_row_pass_the_strict_door():
    market = minute_market(symbols=("AAPL", "MSFT"), sessions=1)
    for bar in bars_of_row(market, 17):
        assert BarClosed.model_validate_json(bar.model_dump_json()) == bar
        assert bar.id == bar_id("simulated", bar.symbol, Timeframe.ONE_MINUTE, bar.opened_at)


def test_prices_come_through_the_one_door():
    market = a_market([("AAPL", 1, 0.1, 2 / 3 + 1, 0.1, 1.0, 10.5)])
    (bar,) = bars_of_row(market, 0)
    assert (bar.open, bar.high, bar.volume) == (
        Decimal("0.1"),
        Decimal("1.666666667"),
        Decimal("10.5"),
    )


def test_the_mark_says_who_came_and_who_did_not():
    market = a_market(
        [
            ("AAPL", 1, 10.0, 11.0, 9.0, 10.5, 1.0),
            ("MSFT", 1, 10.0, 11.0, 9.0, 10.5, 1.0),
            ("MSFT", 2, 10.0, 11.0, 9.0, 10.5, 1.0),
        ]
    )
    due = [row_mark(market, row).due[0] for row in range(2)]
    assert [(d.present, d.missing) for d in due] == [
        (("AAPL", "MSFT"), ()),
        (("MSFT",), ("AAPL",)),
    ]
    assert due[1].opened_at == datetime(2024, 1, 2, 14, 31, tzinfo=UTC)


def test_a_replay_is_every_row_with_its_mark():
    market = minute_market(symbols=("AAPL", "MSFT"), sessions=2)
    played = list(replay(market))
    assert len(played) == market.rows_total
    assert all(bar.at == mark.at for bars, mark in played for bar in bars)
    assert sum(len(bars) for bars, _ in played) == len(market)


def test_a_row_is_found_by_its_instant_in_any_zone():
    market = minute_market(symbols=("AAPL",), sessions=1)
    row = datetime.fromisoformat("2024-01-02T09:33:00-05:00")
    assert market.row_at(row) == 2
    assert market.row_at(row + timedelta(seconds=1)) is None
    assert market.row_at(datetime(2030, 1, 1, tzinfo=UTC)) is None


def test_the_first_rows_are_a_market_of_their_own():
    market = minute_market(symbols=("AAPL", "MSFT"), missing=0.3)
    short = market.first_rows(7)
    assert (short.rows_total, short.source) == (7, market.source)
    assert bars_of_row(short, 6) == bars_of_row(market, 6)
    assert len(market.first_rows(100_000)) == len(market)


def test_a_market_without_bars_has_no_rows():
    empty = minute_market(symbols=("AAPL",), sessions=1).take(slice(0, 0))
    assert (len(empty), empty.rows_total, list(rows(empty))) == (0, 0, [])


@pytest.mark.parametrize(
    "bar",
    [
        ("AAPL", 1, 10.0, 9.0, 8.0, 8.5, 1.0),
        ("AAPL", 1, 10.0, 11.0, 10.5, 10.6, 1.0),
        ("AAPL", 1, 0.0, 11.0, 0.0, 10.6, 1.0),
        ("AAPL", 1, 10.0, 11.0, 9.0, float("nan"), 1.0),
        ("AAPL", 1, 10.0, 11.0, 9.0, 10.0, -1.0),
        ("AAPL", 1, 10.0, float("inf"), 9.0, 10.0, 1.0),
    ],
    ids=["high below open", "low above open", "free", "no close", "negative volume", "infinite"],
)
def test_a_bar_that_contradicts_itself_is_refused(bar):
    with pytest.raises(ValueError, match="contradicts itself"):
        a_market([bar])


def test_bars_out_of_order_are_refused():
    bar = (10.0, 11.0, 9.0, 10.5, 1.0)
    with pytest.raises(ValueError, match="not sorted"):
        a_market([("AAPL", 2, *bar), ("AAPL", 1, *bar)], in_order=False)


def test_columns_of_different_length_are_refused():
    market = minute_market(symbols=("AAPL",), sessions=1)
    with pytest.raises(ValueError, match="not equally long"):
        type(market)(**{**vars(market), "open": np.ones(3)})


def test_the_same_seed_makes_the_same_market_and_another_seed_another():
    one, same, other = (
        minute_market(symbols=("AAPL", "MSFT"), sessions=1, seed=seed) for seed in (1, 1, 2)
    )
    assert np.array_equal(one.close, same.close)
    assert not np.array_equal(one.close, other.close)
    assert one.source.startswith("SIMULATED")


def test_a_short_day_ends_early():
    market = minute_market(symbols=("AAPL",), sessions=1, start=date(2024, 7, 3))
    assert market.instant_of(market.rows_total - 1) == datetime(2024, 7, 3, 17, 0, tzinfo=UTC)
