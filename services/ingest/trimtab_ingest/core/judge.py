"""Which bars are believed: every rule a bar has to pass, and the reason where it does not."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from trimtab_common.calendars import BarSpan, bar_span
from trimtab_common.events import BarClosed, BarRefused, instant
from trimtab_common.money import decimal_from_float
from trimtab_common.symbols import AssetClass, asset_class, parse_symbol
from trimtab_ingest.core.candle import Candle, Figures
from trimtab_ingest.core.plan import Line
from trimtab_trading.market import AMOUNT_MAX, AMOUNT_MIN

FUTURE_TOLERANCE = timedelta(seconds=5)
"""A bar may be complete so long before our clock says so: two clocks never agree."""
RECEIVED_LENGTH_MAX = 500
STAMPS_REMEMBERED = 4_096
PRICES_REMEMBERED = 65_536
FIELDS = ("o", "h", "l", "c", "v")
NAMES = ("open", "high", "low", "close", "volume")

Raw = Mapping[str, Any]
"""A bar as the vendor sends it: S, t, o, h, l, c, v; `t` is the bar's open."""

_price = lru_cache(maxsize=PRICES_REMEMBERED)(decimal_from_float)


class Refusal(NamedTuple):
    """Why a bar is not believed."""

    rule: str
    reason: str
    at: datetime | None = None
    """When the bar would have been available, where that much is known."""


class _Place(NamedTuple):
    """Where a stamp lies: what a bar stamped so covers, and how its id ends."""

    span: BarSpan
    suffix: str


class Judge:
    """Judges the bars of one line."""

    def __init__(self, line: Line) -> None:
        self._line = line
        frame = line.timeframe.value
        self._prefixes = {symbol: f"bar:{line.feed}:{symbol}:{frame}:" for symbol in line.symbols}
        self._places: dict[datetime, _Place | Refusal] = {}

    def judge(self, raw: Raw, now: datetime | None) -> Candle | Refusal:
        """The bar, or why it is refused. `now` is None in a replay, where time is the data's."""
        symbol = raw.get("S")
        prefix = self._prefixes.get(symbol) if isinstance(symbol, str) else None
        if prefix is None:
            return _not_collected(symbol)
        place = self._place(raw.get("t"))
        if isinstance(place, Refusal):
            return place
        span = place.span
        if now is not None and span.available_at > now + FUTURE_TOLERANCE:
            reason = f"it ends at {span.available_at} and the clock says {now}: is the clock right?"
            return Refusal("future", reason, now)
        figures = _figures(raw)
        if isinstance(figures, Refusal):
            return figures._replace(at=span.available_at)
        open_, high, low, close, volume = figures
        return Candle(
            BarClosed.trusted(
                id=prefix + place.suffix,
                at=span.available_at,
                symbol=symbol,
                timeframe=self._line.timeframe,
                opened_at=span.opened_at,
                open=_price(open_),
                high=_price(high),
                low=_price(low),
                close=_price(close),
                volume=decimal_from_float(volume),
                feed=self._line.feed,
            ),
            figures,
        )

    def _place(self, moment: object) -> _Place | Refusal:
        """The bars of a row share their stamp, so it is looked at once."""
        stamp = moment_of(moment)
        if isinstance(stamp, Refusal):
            return stamp
        known = self._places.get(stamp)
        if known is None:
            if len(self._places) >= STAMPS_REMEMBERED:
                self._places.clear()
            known = self._places[stamp] = self._look_up(stamp)
        return known

    def _look_up(self, stamp: datetime) -> _Place | Refusal:
        line = self._line
        try:
            line.calendar.hours_of(stamp.date())
        except ValueError as error:
            return Refusal("time", str(error))
        try:
            span = bar_span(line.calendar, line.timeframe, stamp)
        except ValueError as error:
            return Refusal("misaligned", str(error), stamp)
        if span is None:
            return Refusal("session", f"{stamp} is outside {line.calendar.name.value}", stamp)
        return _Place(span, f"{instant(span.opened_at)}:0")


def moment_of(moment: object) -> datetime | Refusal:
    """A time as a datetime in UTC: text with a zone, or an aware datetime; never a bare number."""
    if isinstance(moment, datetime) and moment.tzinfo is UTC:
        return moment
    if isinstance(moment, str):
        try:
            moment = datetime.fromisoformat(moment)
        except ValueError:
            return Refusal("time", f"{moment!a:.60} is not a time")
    if not isinstance(moment, datetime):
        return Refusal("time", f"{moment!a:.60} is not a time with a date and a zone")
    if moment.utcoffset() is None:
        return Refusal("time", f"{moment} has no time zone")
    return moment.astimezone(UTC)


def refused_event(line: Line, raw: Raw, refusal: Refusal, at: datetime) -> BarRefused:
    """The refusal as it is published; `at` serves where the bar's own time is not known."""
    received = received_text(raw)
    digest = hashlib.sha256(received.encode()).hexdigest()[:16]
    when = refusal.at or at
    return BarRefused(
        id=f"refused:{line.feed}:{line.timeframe.value}:{refusal.rule}:{digest}:{instant(when)}",
        at=when,
        symbol=f"{_shown(raw.get('S', '')):.40}",
        feed=line.feed,
        rule=refusal.rule,
        reason=f"{refusal.reason:.500}",
        received=received,
    )


def received_text(raw: Raw) -> str:
    """What came, cut and with everything unprintable written out."""
    parts = (f"{_shown(key):.20}={_shown(value):.60}" for key, value in list(raw.items())[:16])
    return " ".join(parts)[:RECEIVED_LENGTH_MAX]


def _shown(value: object) -> str:
    text = value.isoformat() if isinstance(value, datetime) else value
    return ascii(text)[1:-1] if isinstance(text, str) else ascii(text)


def _not_collected(symbol: object) -> Refusal:
    if not isinstance(symbol, str):
        return Refusal("symbol", f"{symbol!a:.40} is no symbol")
    try:
        known = parse_symbol(symbol) == symbol
    except ValueError as error:
        return Refusal("symbol", f"{error!s:.200}")
    if not known:
        kind = "pair" if asset_class(parse_symbol(symbol)) is AssetClass.CRYPTO else "ticker"
        return Refusal("symbol", f"{symbol!a:.40} is not the canonical spelling of a {kind}")
    return Refusal("unknown_symbol", f"{symbol} was not asked for")


def _figures(raw: Raw) -> Figures | Refusal:
    """The five numbers of a bar. NaN fails every comparison, so it cannot pass."""
    values = [_number(raw.get(field)) for field in FIELDS]
    open_, high, low, close, volume = values
    if (
        AMOUNT_MIN <= low <= open_ <= high < AMOUNT_MAX
        and low <= close <= high
        and 0 <= volume < AMOUNT_MAX
    ):
        return open_, high, low, close, volume
    return _complaint(raw, values)


def _number(value: Any) -> float:
    """A number of the wire as a float; NaN for what is none (text, true, a missing field)."""
    if value.__class__ is float:
        return value
    if value.__class__ is int and -AMOUNT_MAX < value < AMOUNT_MAX:
        return float(value)
    return math.nan


def _complaint(raw: Raw, values: list[float]) -> Refusal:
    """The first rule that the numbers break."""
    strange = [place for place, value in enumerate(values) if not math.isfinite(value)]
    if strange:
        found = f"{raw.get(FIELDS[strange[0]])!a:.40}"
        return Refusal("not_a_number", f"{NAMES[strange[0]]} is {found}")
    open_, high, low, close, volume = values
    for name, value in zip(NAMES[:4], values, strict=False):
        if value < AMOUNT_MIN:
            return Refusal("not_positive", f"{name} is {value}, a price is above 0")
    if max(values) >= AMOUNT_MAX:
        return Refusal("beyond_reason", f"{max(values)} is more than any price or volume")
    if volume < 0:
        return Refusal("negative_volume", f"volume is {volume}")
    if high < low:
        return Refusal("high_below_low", f"high is {high}, low is {low}")
    name, value = ("open", open_) if not low <= open_ <= high else ("close", close)
    return Refusal(f"{name}_outside", f"{name} is {value}, possible is {low} to {high}")
