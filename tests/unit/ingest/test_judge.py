"""Every rule a bar has to pass: the last that passes, the first that does not, and the reason."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.markets import minute_market
from tests.unit.ingest.lines import MINUTE, OPEN, line, messages, minute, raw
from trimtab_common.events import BarClosed, BarRefused, encode, parse
from trimtab_common.timeframes import Timeframe
from trimtab_ingest.core.candle import Candle
from trimtab_ingest.core.judge import Judge, Refusal, refused_event
from trimtab_trading.market import bars_of_row

NEW_YORK_MIDNIGHT = datetime(2024, 1, 2, 5, tzinfo=UTC)


def judged(bar: dict[str, Any], now: datetime | None = None, **of_line: Any) -> Candle | Refusal:
    return Judge(line(**of_line)).judge(bar, now)


def rule(verdict: Candle | Refusal) -> str:
    return verdict.rule if isinstance(verdict, Refusal) else "believed"


def test_a_sound_bar_is_the_event_the_exact_engine_makes_of_it() -> None:
    market = minute_market(symbols=("AAPL", "MSFT"))
    judge = Judge(line())
    for row, sent in enumerate(messages(market)[:50]):
        verdicts = [judge.judge(bar, None) for bar in sent]
        bars = [verdict.bar for verdict in verdicts if isinstance(verdict, Candle)]
        assert bars == bars_of_row(market, row)


def test_a_believed_bar_survives_strict_parsing_at_the_other_end() -> None:
    verdict = judged(raw(o=100, h=102.123456789, v=0.000000001))
    assert isinstance(verdict, Candle)
    assert parse(*encode(verdict.bar)) == verdict.bar
    assert verdict.bar.volume == Decimal("0.000000001")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"o": math.nan}, "not_a_number"),
        ({"h": math.inf}, "not_a_number"),
        ({"l": -math.inf}, "not_a_number"),
        ({"c": "101.0"}, "not_a_number"),
        ({"c": "1,000.5"}, "not_a_number"),
        ({"c": True}, "not_a_number"),
        ({"c": None}, "not_a_number"),
        ({"c": Decimal(101)}, "not_a_number"),
        ({"v": math.nan}, "not_a_number"),
        ({"o": 10**400}, "not_a_number"),
        ({"l": 0}, "not_positive"),
        ({"l": 0.0}, "not_positive"),
        ({"l": 1e-10}, "not_positive"),
        ({"l": -99.0}, "not_positive"),
        ({"h": 1e15}, "beyond_reason"),
        ({"h": 1e300}, "beyond_reason"),
        ({"v": 1e18}, "beyond_reason"),
        ({"v": -1}, "negative_volume"),
        ({"h": 98.0, "l": 99.0, "o": 98.5, "c": 98.5}, "high_below_low"),
        ({"o": 102.01}, "open_outside"),
        ({"o": 98.99}, "open_outside"),
        ({"c": 102.01}, "close_outside"),
        ({"c": 98.99}, "close_outside"),
        ({"o": 102.0, "c": 99.0}, "believed"),
        ({"v": 0}, "believed"),
        ({"o": 1e-9, "h": 1e-9, "l": 1e-9, "c": 1e-9}, "believed"),
        ({"n": None, "vw": math.nan, "extra": object()}, "believed"),
    ],
)
def test_numbers(fields: dict[str, Any], expected: str) -> None:
    assert rule(judged(raw(**fields))) == expected


@pytest.mark.parametrize("field", ["S", "t", "o", "h", "l", "c", "v"])
def test_a_bar_without_one_of_its_fields_is_refused(field: str) -> None:
    bar = raw()
    del bar[field]
    assert isinstance(judged(bar), Refusal)


@pytest.mark.parametrize(
    ("stamp", "expected"),
    [
        (OPEN, "believed"),
        ("2024-01-02T14:30:00Z", "believed"),
        ("2024-01-02T09:30:00-05:00", "believed"),
        (OPEN + 389 * MINUTE, "believed"),
        (OPEN - MINUTE, "session"),
        (OPEN + 390 * MINUTE, "session"),
        ("2024-01-01T15:00:00Z", "session"),
        ("2024-01-06T15:00:00Z", "session"),
        (OPEN + timedelta(seconds=1), "misaligned"),
        ("2024-01-02T14:30:00.000001Z", "misaligned"),
        (OPEN.replace(tzinfo=None), "time"),
        ("2024-01-02T14:30:00", "time"),
        ("2024-01-02", "time"),
        ("yesterday", "time"),
        (1704205800, "time"),
        (1704205800.0, "time"),
        (1704205800000, "time"),
        (None, "time"),
        ([], "time"),
        ("1970-01-01T00:00:00Z", "time"),
        ("2099-01-04T15:00:00Z", "time"),
    ],
)
def test_times(stamp: object, expected: str) -> None:
    assert rule(judged(raw(t=stamp))) == expected


def test_the_hour_that_summer_time_repeats_is_two_hours_in_utc() -> None:
    before, after = "2024-11-01T13:30:00Z", "2024-11-04T14:30:00Z"
    assert rule(judged(raw(t=before))) == "believed"
    assert rule(judged(raw(t=after))) == "believed"
    assert rule(judged(raw(t="2024-11-04T13:30:00Z"))) == "session"


def test_a_half_day_ends_at_one() -> None:
    assert rule(judged(raw(t="2024-11-29T17:59:00Z"))) == "believed"
    assert rule(judged(raw(t="2024-11-29T18:00:00Z"))) == "session"


@pytest.mark.parametrize("stamp", [NEW_YORK_MIDNIGHT, datetime(2024, 1, 2, tzinfo=UTC)])
def test_a_daily_bar_is_available_at_the_real_close(stamp: datetime) -> None:
    verdict = judged(raw(t=stamp), timeframe=Timeframe.ONE_DAY)
    assert isinstance(verdict, Candle)
    assert (verdict.bar.opened_at, verdict.bar.at) == (OPEN, minute(390))


@pytest.mark.parametrize(("seconds", "expected"), [(5, "believed"), (6, "future")])
def test_the_future_begins_after_what_clocks_may_differ(seconds: int, expected: str) -> None:
    now = minute(1) - timedelta(seconds=seconds)
    assert rule(judged(raw(), now)) == expected


def test_a_running_daily_bar_is_of_the_future() -> None:
    verdict = judged(raw(t=NEW_YORK_MIDNIGHT), minute(200), timeframe=Timeframe.ONE_DAY)
    assert rule(verdict) == "future"


@pytest.mark.parametrize(
    ("symbol", "expected"),
    [
        ("IBM", "unknown_symbol"),
        ("BTC/USD", "unknown_symbol"),
        ("aapl", "symbol"),
        (" AAPL", "symbol"),
        ("BRK/B", "symbol"),
        ("\u0410APL", "symbol"),
        ("", "symbol"),
        ("A" * 5_000, "symbol"),
        ("../etc", "symbol"),
        ("AAPL\r\nX", "symbol"),
        (None, "symbol"),
        (["AAPL"], "symbol"),
        (7, "symbol"),
    ],
)
def test_symbols(symbol: object, expected: str) -> None:
    assert rule(judged(raw(S=symbol))) == expected


@pytest.mark.parametrize(
    "bar",
    [
        raw(S="A" * 5_000, note="\ud800 \r\n \x00"),
        raw(S=None),
        raw(c=math.nan),
        raw(t=object()),
        {"S": ["x"] * 1_000},
        {},
    ],
)
def test_every_refusal_can_be_published(bar: dict[str, Any]) -> None:
    verdict = judged(bar)
    assert isinstance(verdict, Refusal)
    event = refused_event(line(), bar, verdict, OPEN)
    assert parse(*encode(event)) == event


@given(
    bar=st.dictionaries(
        st.sampled_from(["S", "t", "o", "h", "l", "c", "v", "T", "x"]),
        st.one_of(
            st.text(max_size=8), st.floats(), st.integers(), st.booleans(), st.none(),
            st.datetimes(timezones=st.just(UTC)), st.sampled_from(["AAPL", "MSFT", OPEN]),
        ),
    )
)  # fmt: skip
def test_nothing_that_comes_over_a_wire_breaks_the_judge(bar: dict[str, Any]) -> None:
    verdict = judged(bar)
    if isinstance(verdict, Refusal):
        assert isinstance(refused_event(line(), bar, verdict, OPEN), BarRefused)
    else:
        BarClosed.model_validate_json(verdict.bar.model_dump_json())
