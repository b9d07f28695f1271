"""Limits, instruments, rows, wishes and whole accounts for the tests of risk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from trimtab_common.calendars import CalendarName, calendar
from trimtab_common.events import (
    BarClosed,
    CashAdjusted,
    Due,
    Event,
    OrderAccepted,
    OrderApproved,
    OrderCancelled,
    OrderFilled,
    OrderRejected,
    PositionAdjusted,
    RowClosed,
    SignalRaised,
    StrategyShare,
    bar_id,
    fill_id,
    instant,
    mark,
)
from trimtab_common.sides import Side
from trimtab_common.symbols import AssetClass, asset_class
from trimtab_common.timeframes import Timeframe
from trimtab_trading.config import Feed, SymbolGroup, Universe
from trimtab_trading.engine import run
from trimtab_trading.exchange import Exchange
from trimtab_trading.risk.desk import RiskDesk
from trimtab_trading.risk.instruments import Instrument, instruments
from trimtab_trading.risk.limits import RiskLimits
from trimtab_trading.risk.rules import RULES
from trimtab_trading.stage import Input
from trimtab_trading.venue import FREE, Terms, Venue

MINUTE, DAY = Timeframe.ONE_MINUTE, Timeframe.ONE_DAY
OPEN = datetime(2024, 3, 5, 14, 30, tzinfo=UTC)  # a Tuesday, New York's open in winter
CLOSE = datetime(2024, 3, 5, 21, 0, tzinfo=UTC)
NEXT_OPEN = datetime(2024, 3, 6, 14, 30, tzinfo=UTC)
NOON = datetime(2024, 3, 5, 17, 0, tzinfo=UTC)
D = Decimal

CLASS = {
    "order_equity_max": 1.0,
    "order_notional_max": 1_000_000,
    "order_notional_min": 0,
    "position_equity_max": 1.0,
    "position_notional_max": 1_000_000,
    "price_collar": 0.03,
    "cost_allowance": 0,
    "quantity_decimals": 0,
    "settlement_sessions": 1,
    "last_entry_minutes": 2,
}
ACCOUNT = {
    "rebalance": "drift",
    "drift_band": 0.01,
    "buying_power": "settled",
    "cash_reserve_equity": 0,
    "cash_reserve_amount": 0,
    "basket_equity_max": 2,
    "gross_equity_max": 1,
    "open_orders_equity_max": 1,
    "duplicate_seconds": 60,
    "duplicate_tolerance": 0.01,
    "bar_age_seconds_max": 30,
    "valid_bars": 2,
    "valid_minutes_after_open": 10,
}


def limits(
    *,
    classes: Mapping[str, Any] | None = None,
    crypto: Mapping[str, Any] | None = None,
    **other: Any,
) -> RiskLimits:
    """Generous limits; `classes` changes those of every class, other keys the account's."""
    top = {key: other.pop(key, []) for key in ("broad_etfs", "restricted", "blackouts")}
    each = CLASS | dict(classes or {})
    coins = each | {"settlement_sessions": 0, "quantity_decimals": 4} | dict(crypto or {})
    return RiskLimits.model_validate(
        {
            "account": ACCOUNT | other,
            "classes": {"broad_etf": each, "stock": each, "crypto": coins},
            **{key: tuple(value) for key, value in top.items()},
        },
        strict=False,
    )


def universe(symbols: Iterable[str], timeframes: tuple[Timeframe, ...] = (MINUTE, DAY)) -> Universe:
    """Stocks in New York, pairs around the clock."""
    names = sorted(symbols)
    groups = []
    for kind, hours in (
        (AssetClass.STOCK, CalendarName.XNYS),
        (AssetClass.CRYPTO, CalendarName.ALWAYS),
    ):
        members = tuple(name for name in names if asset_class(name) is kind)
        if members:
            groups.append(
                SymbolGroup(
                    name=kind.value,
                    calendar=hours,
                    timeframes=timeframes,
                    symbols=members,
                    feed=Feed.SIMULATED,
                )
            )
    return Universe(groups=tuple(groups))


def instrument(symbol: str = "AAPL", **changes: Any) -> Instrument:
    return instruments(universe([symbol]), limits(**changes))[symbol]


def bar(
    symbol: str = "AAPL",
    at: datetime = OPEN + timedelta(minutes=1),
    close: object = 100,
    *,
    opening: object = None,
    timeframe: Timeframe = MINUTE,
    opened_at: datetime | None = None,
    late: bool = False,
) -> BarClosed:
    """A bar that opened where it closed unless said otherwise."""
    last = D(str(close))
    first = last if opening is None else D(str(opening))
    opened_at = opened_at or at - timeframe.duration
    return BarClosed(
        id=bar_id("test", symbol, timeframe, opened_at),
        at=at,
        symbol=symbol,
        timeframe=timeframe,
        opened_at=opened_at,
        open=first,
        high=max(first, last),
        low=min(first, last),
        close=last,
        volume=D(1_000_000),
        feed="test",
        late=late,
    )


def closed(at: datetime, bars: Sequence[BarClosed], missing: Sequence[str] = ()) -> RowClosed:
    """The mark of a row with these bars."""
    groups: dict[tuple[str, Timeframe, datetime], list[str]] = {}
    for each in bars:
        kind = asset_class(each.symbol)
        hours = CalendarName.XNYS if kind is AssetClass.STOCK else CalendarName.ALWAYS
        groups.setdefault((hours.value, each.timeframe, each.opened_at), []).append(each.symbol)
    due = tuple(
        Due(
            calendar=hours,
            timeframe=timeframe,
            opened_at=opened_at,
            present=tuple(sorted(present)),
            missing=tuple(missing),
        )
        for (hours, timeframe, opened_at), present in groups.items()
    )
    return mark(at, "bars", "ingest", due)


def minute_rows(
    count: int, prices: Mapping[str, object], *, first: datetime = OPEN
) -> list[tuple[list[BarClosed], RowClosed]]:
    """Rows of one minute at constant prices."""
    rows = []
    for number in range(1, count + 1):
        at = first + timedelta(minutes=number)
        bars = [bar(symbol, at, price) for symbol, price in sorted(prices.items())]
        rows.append((bars, closed(at, bars)))
    return rows


def daily_rows(
    count: int, prices: Mapping[str, object], *, first: date = date(2024, 3, 4)
) -> list[tuple[list[BarClosed], RowClosed]]:
    """Rows of one session at constant prices."""
    rows, day, hours = [], first, calendar("XNYS")
    for _ in range(count):
        opened_at, at = hours.open_of(day), hours.close_of(day)
        bars = [
            bar(symbol, at, price, timeframe=DAY, opened_at=opened_at)
            for symbol, price in sorted(prices.items())
        ]
        rows.append((bars, closed(at, bars)))
        day = hours.next_session(day)
    return rows


def signal(
    symbol: str = "AAPL",
    weight: float = 0.5,
    *,
    at: datetime = OPEN + timedelta(minutes=1),
    strategy: str = "alpha",
    price: object = 100,
    reason: str = "because",
) -> SignalRaised:
    return SignalRaised.trusted(
        id=f"signal:{strategy}:{symbol}:{instant(at)}",
        at=at,
        strategy=strategy,
        symbol=symbol,
        weight=weight,
        previous_weight=0.0,
        timeframe=MINUTE,
        price=D(str(price)),
        reason=reason,
    )


class Script:
    """A strategy stage that raises what was written for each row."""

    name, output = "strategy", "signals"
    inputs = (Input("bars"),)
    asides: tuple[str, ...] = ()

    def __init__(self, lines: Mapping[datetime, Sequence[SignalRaised]]) -> None:
        self._lines = lines

    def handle(self, event: Event) -> Iterable[Event]:
        return ()

    def close(self, row: RowClosed) -> Iterable[Event]:
        return self._lines.get(row.at, ())

    def snapshot(self) -> dict[str, Any]:
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        del state


def desk(
    symbols: Iterable[str] = ("AAPL",),
    *,
    shares: Mapping[str, object] | None = None,
    rules: Any = RULES,
    by: RiskLimits | None = None,
    **changes: Any,
) -> RiskDesk:
    """A desk over these symbols; two strategies with the whole account each unless said."""
    those = by or limits(**changes)
    return RiskDesk(
        account="test",
        limits=those,
        instruments=instruments(universe(symbols), those),
        shares={s: D(str(v)) for s, v in (shares or {"alpha": 1, "beta": 1}).items()},
        rules=rules,
    )


def cash(amount: object = 100_000, at: datetime = OPEN, name: str = "opening") -> CashAdjusted:
    return CashAdjusted(
        id=f"cash:{name}", at=at, account="test", amount=D(str(amount)), reason="opening balance"
    )


def position(
    symbol: str, quantity: object, at: datetime = OPEN, name: str = "opening"
) -> PositionAdjusted:
    return PositionAdjusted(
        id=f"position:{symbol}:{name}",
        at=at,
        account="test",
        symbol=symbol,
        quantity=D(str(quantity)),
        reason="opening balance",
    )


def approved(
    key: str = "one",
    symbol: str = "AAPL",
    side: Side = Side.BUY,
    quantity: object = 10,
    *,
    shares: Mapping[str, object] | None = None,
    at: datetime = NOON,
) -> OrderApproved:
    parts = {"alpha": quantity} if shares is None else shares
    return OrderApproved(
        id=f"order:{key}",
        at=at,
        account="test",
        client_order_id=key,
        symbol=symbol,
        side=side,
        quantity=D(str(quantity)),
        reference_price=D(100),
        leg=0,
        not_before=at,
        valid_until=at + timedelta(minutes=2),
        signals=("signal:one",),
        attribution=tuple(
            StrategyShare(strategy=s, quantity=D(str(q)) * side.sign) for s, q in parts.items()
        ),
        reason="because",
    )


def filled(
    order: OrderApproved,
    quantity: object,
    cumulative: object | None = None,
    *,
    price: object = 100,
    fee: object = 0,
    at: datetime = NOON + timedelta(minutes=1),
) -> OrderFilled:
    total = D(str(quantity if cumulative is None else cumulative))
    return OrderFilled(
        id=fill_id(order.client_order_id, total),
        at=at,
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        side=order.side,
        quantity=D(str(quantity)),
        price=D(str(price)),
        fee=D(str(fee)),
        cumulative_quantity=total,
        order_quantity=order.quantity,
    )


def accepted(order: OrderApproved) -> OrderAccepted:
    return OrderAccepted(
        id=f"accepted:{order.client_order_id}",
        at=order.at,
        client_order_id=order.client_order_id,
        order_id=f"sim-{order.client_order_id}",
        symbol=order.symbol,
        side=order.side,
        quantity=order.quantity,
    )


def cancelled(order: OrderApproved, traded: object = 0) -> OrderCancelled:
    return OrderCancelled(
        id=f"cancelled:{order.client_order_id}",
        at=order.at,
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        cumulative_quantity=D(str(traded)),
        remaining_quantity=order.quantity - D(str(traded)),
        reason="test",
    )


def rejected(order: OrderApproved) -> OrderRejected:
    return OrderRejected(
        id=f"rejected:{order.client_order_id}",
        at=order.at,
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        reason="test",
    )


def feed_row(
    room: RiskDesk, at: datetime, prices: Mapping[str, object], *events: Event, **options: Any
) -> list[Any]:
    """One row through a desk, in the merge's order: fills and control, bars, signals, close."""
    wishes = [event for event in events if isinstance(event, SignalRaised)]
    bars = [bar(symbol, at, price, **options) for symbol, price in sorted(prices.items())]
    first = [event for event in events if event not in wishes]
    said = [answer for event in (*first, *bars, *wishes) for answer in room.handle(event)]
    return [*said, *room.close(closed(at, bars))]


def account(
    rows: Sequence[tuple[list[BarClosed], RowClosed]],
    room: RiskDesk,
    script: Mapping[datetime, Sequence[SignalRaised]],
    *,
    money: object = 100_000,
    terms: Terms = FREE,
) -> dict[str, list[Event]]:
    """A whole account: exchange, script and desk over these rows; every event by family."""
    exchange = Exchange(Venue(terms, D(str(money))), account="test")
    return run(rows, [exchange, Script(script), room])
