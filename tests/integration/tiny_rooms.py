"""Two tiny stages and a source, as processes of their own, to be killed at random moments."""

from __future__ import annotations

import asyncio
import os
import random
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from trimtab_common.events import (
    BarClosed,
    CashAdjusted,
    Due,
    Event,
    OrderApproved,
    OrderCancelled,
    OrderFilled,
    OrderRejected,
    RowClosed,
    SignalRaised,
    bar_id,
    client_order_id,
    instant,
    mark,
)
from trimtab_common.sides import side_of
from trimtab_common.timeframes import Timeframe
from trimtab_runtime.delivery.commit import Commit
from trimtab_runtime.delivery.life import Life
from trimtab_runtime.delivery.session import Session
from trimtab_runtime.delivery.stage_room import StageRoom
from trimtab_runtime.delivery.watch import live
from trimtab_trading.exchange import Exchange
from trimtab_trading.stage import Input
from trimtab_trading.venue import FREE, Venue

MINUTE = timedelta(minutes=1)
START = datetime(2024, 3, 4, tzinfo=UTC)
TIMEFRAME = Timeframe("1m")


def market(seed: int, rows: int, symbols: int) -> Iterator[tuple[list[BarClosed], RowClosed]]:
    """A random walk in which one bar in fifty is missing."""
    source = random.Random(seed)
    names = [f"S{index}" for index in range(symbols)]
    prices = dict.fromkeys(names, 10_000)
    for number in range(rows):
        at = START + (number + 1) * MINUTE
        bars = []
        for name in names:
            opening = max(100, prices[name] + source.randint(-60, 60))
            close = prices[name] = max(100, opening + source.randint(-120, 120))
            if source.random() > 0.02 or name == names[0]:
                bars.append(_bar(name, at, opening, close))
        present = tuple(bar.symbol for bar in bars)
        missing = tuple(name for name in names if name not in present)
        due = Due(
            calendar="24/7",
            timeframe=TIMEFRAME,
            opened_at=at - MINUTE,
            present=present,
            missing=missing,
        )
        yield bars, mark(at, "bars", "ingest", (due,))


def _bar(symbol: str, at: datetime, opening: int, close: int) -> BarClosed:
    first, last = Decimal(opening) / 100, Decimal(close) / 100
    return BarClosed(
        id=bar_id("test", symbol, TIMEFRAME, at - MINUTE),
        at=at,
        symbol=symbol,
        timeframe=TIMEFRAME,
        opened_at=at - MINUTE,
        open=first,
        high=max(first, last),
        low=min(first, last),
        close=last,
        volume=Decimal(100),
        feed="test",
    )


class Chaser:
    """A strategy of five lines: wants ten when the close rose, five less when it fell."""

    name, output = "strategy", "signals"
    inputs = (Input("bars"),)
    asides: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.targets: dict[str, float] = {}

    def handle(self, event: Event) -> Iterable[Event]:
        if not isinstance(event, BarClosed):
            return ()
        target = 10.0 if event.close > event.open else -5.0
        before = self.targets.get(event.symbol, 0.0)
        if target == before:
            return ()
        self.targets[event.symbol] = target
        signal = SignalRaised(
            id=f"signal:chaser:{event.symbol}:{instant(event.at)}",
            at=event.at,
            strategy="chaser",
            symbol=event.symbol,
            weight=target,
            previous_weight=before,
            timeframe=event.timeframe,
            price=event.close,
            reason="the last bar",
        )
        return (signal,)

    def close(self, row: RowClosed) -> Iterable[Event]:
        return ()

    def snapshot(self) -> dict[str, Any]:
        return {"targets": self.targets}

    def restore(self, state: dict[str, Any]) -> None:
        self.targets = dict(state["targets"])


class Sizer:
    """A risk room of a few lines: sizes by cash, so that every decision depends on the fills."""

    name, output = "risk", "orders"
    inputs = (Input("fills"), Input("bars"), Input("signals"))
    asides: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.state: dict[str, Any] = {"cash": "0", "held": {}, "open": {}, "want": {}, "price": {}}

    def handle(self, event: Event) -> Iterable[Event]:
        state = self.state
        if isinstance(event, BarClosed):
            state["price"][event.symbol] = str(event.close)
        elif isinstance(event, SignalRaised):
            state["want"][event.symbol] = event.weight
        elif isinstance(event, CashAdjusted):
            state["cash"] = str(Decimal(state["cash"]) + event.amount)
        elif isinstance(event, OrderFilled):
            signed = int(event.side.sign * event.quantity)
            state["held"][event.symbol] = state["held"].get(event.symbol, 0) + signed
            state["open"].pop(event.symbol, None)
            state["cash"] = str(Decimal(state["cash"]) - signed * event.price)
        elif isinstance(event, OrderCancelled | OrderRejected):
            state["open"].pop(event.symbol, None)
        return ()

    def close(self, row: RowClosed) -> Iterable[Event]:
        state = self.state
        scale = 1 + int(Decimal(state["cash"])) % 7
        for symbol in sorted(state["want"]):
            wanted = max(0, int(state["want"][symbol])) * scale
            missing = wanted - state["held"].get(symbol, 0)
            if missing and symbol not in state["open"]:
                state["open"][symbol] = missing
                yield self._order(row.at, symbol, missing)

    def _order(self, at: datetime, symbol: str, missing: int) -> OrderApproved:
        wait = MINUTE * (3 if symbol.endswith("3") else 0)  # some orders are held for a while
        return OrderApproved(
            id=f"order:test:{instant(at)}:{symbol}:0",
            at=at,
            account="test",
            client_order_id=client_order_id("test", at, symbol, 0),
            symbol=symbol,
            side=side_of(Decimal(missing)),
            quantity=Decimal(abs(missing)),
            reference_price=Decimal(self.state["price"][symbol]),
            leg=0,
            not_before=at + wait,
            valid_until=at + wait + 2 * MINUTE,
            signals=(),
            attribution=(),
            reason="test",
        )

    def snapshot(self) -> dict[str, Any]:
        return self.state

    def restore(self, state: dict[str, Any]) -> None:
        self.state = state


def stages() -> dict[str, Any]:
    """The chain under test."""
    return {
        "execution": Exchange(Venue(FREE, Decimal(1_000_000)), account="test"),
        "strategy": Chaser(),
        "risk": Sizer(),
    }


EVERYTHING: frozenset[type[Event]] = frozenset(
    [
        BarClosed,
        SignalRaised,
        OrderApproved,
        CashAdjusted,
        OrderFilled,
        OrderCancelled,
        OrderRejected,
    ]
)


def life() -> Life:
    return Life(
        on_progress=lambda: None, on_ready=lambda: None, on_commit=lambda _commit, _seconds: None
    )


async def run_stage(name: str, url: str, prefix: str) -> None:
    batch = random.SystemRandom().randint(1, 200)
    room = StageRoom(
        stages()[name], wanted=EVERYTHING, patience_seconds=None, entries_per_commit=batch
    )
    session = Session(url, room=name, prefix=prefix, families=room.families, wanted=room.wanted)
    await session.begin()
    try:
        await live(room, session, life())
    finally:  # at once, as the service does: nothing of a fenced process may linger
        os._exit(1)


async def run_source(url: str, prefix: str, seed: int, rows: int, symbols: int) -> None:
    session = Session(url, room="ingest", prefix=prefix, families=(), wanted=())
    await session.begin()
    done = 0 if session.state is None else int(session.state)
    for number, (bars, closed) in enumerate(market(seed, rows, symbols)):
        if number >= done:
            await session.commit(Commit(outputs=[*bars, closed]), state=number + 1)
            await asyncio.sleep(0.002)


def main() -> None:
    name, url, prefix, seed, rows, symbols = sys.argv[1:]
    if name == "ingest":
        asyncio.run(run_source(url, prefix, int(seed), int(rows), int(symbols)))
        return
    asyncio.run(run_stage(name, url, prefix))


if __name__ == "__main__":
    main()
