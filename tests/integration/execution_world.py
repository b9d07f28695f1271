"""The real execution process at the real simulator, fed with a written story of orders and rows."""

from __future__ import annotations

import json
import random
import signal
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.integration.room_process import RoomProcess, wait_for
from tests.markets import minute_market
from tests.simulator_process import SimulatorProcess, running_simulator
from tests.simulator_streams import watching
from trimtab_common.events import (
    BarClosed,
    Event,
    OrderAccepted,
    OrderApproved,
    OrderCancelled,
    OrderCancelRequested,
    RowClosed,
    client_order_id,
    instant,
    mark,
    parse_entry,
)
from trimtab_common.sides import Side
from trimtab_trading.exchange import Exchange
from trimtab_trading.market import Market, bars_of_row, row_mark
from trimtab_trading.merge import Merge
from trimtab_trading.venue import Terms, Venue

ACCOUNT = "main"
SYMBOLS = ("AAPL", "AMZN", "GOOG", "MSFT", "NVDA", "SPY")
CASH = Decimal(60_000)
MINUTE = timedelta(minutes=1)
TERMS = Terms(
    slippage_bps=Decimal(2),
    fee_bps=Decimal(1),
    fee_per_order=Decimal("0.35"),
    fee_per_share=Decimal(0),
    volume_share_max=Decimal("0.01"),
)
MISSING = 0.05
FAULTS = (
    "timeout_before", "timeout_after", "reset_before", "reset_after", "too_many_requests",
    "server_error_before", "server_error_after", "gateway_timeout_before",
    "gateway_timeout_after", "updates_dropped", "updates_duplicated", "updates_reordered",
)  # fmt: skip


@dataclass(frozen=True)
class Story:
    """What risk orders in a market: orders that fill in parts, wait, expire, and are cancelled."""

    market: Market
    rows: int
    orders: list[Event]

    @property
    def bars(self) -> Iterator[BarClosed | RowClosed]:
        for row in range(self.rows):
            yield from bars_of_row(self.market, row)
            yield row_mark(self.market, row)

    @property
    def intents(self) -> set[str]:
        return {e.client_order_id for e in self.orders if isinstance(e, OrderApproved)}

    def expected(self) -> list[Event]:
        """What the backtest's exchange says, in one process and in one go."""
        merge = Merge(Exchange(Venue(TERMS, CASH), account=ACCOUNT))
        for event in self.orders:
            merge.put("orders", None, event)
        for bar in self.bars:
            merge.put("bars", None, bar)
        said: list[Event] = []
        while (step := merge.step()) is not None:
            said.extend(step.outputs)
        return [event for event in said if not isinstance(event, RowClosed)]

    def rows_before_a_cancel(self) -> list[int]:
        """After which rows, counted from 0, an order is at work that will be taken back."""
        said = self.expected()
        accepted = {e.client_order_id: e.at for e in said if isinstance(e, OrderAccepted)}
        ended = {e.client_order_id: e.at for e in said if isinstance(e, OrderCancelled)}
        instants = [self.market.instant_of(row) for row in range(self.rows)]
        return [
            row
            for row, at in enumerate(instants)
            if any(accepted[key] < at < end for key, end in ended.items() if key in accepted)
        ]


def a_story(seed: int, rows: int, orders_per_row: int) -> Story:
    chance = random.Random(seed)
    market = minute_market(symbols=SYMBOLS, missing=MISSING)
    orders: list[Event] = []
    sent: list[OrderApproved] = []
    for number in range(rows):
        at = market.instant_of(number)
        for leg in range(orders_per_row):
            sent.append(_order(chance, at, leg))
            orders.append(sent[-1])
        recent = sent[-3 * orders_per_row :]
        orders.extend(_cancel(order, at) for order in chance.sample(recent, k=2))
        orders.append(mark(at, "orders", "risk"))
    return Story(market, rows, orders)


def _order(chance: random.Random, at: datetime, leg: int) -> OrderApproved:
    symbol = chance.choice(SYMBOLS)
    wait = chance.choice((0, 0, 0, 0, 1, 4)) * MINUTE
    return OrderApproved(
        id=f"order:{ACCOUNT}:{instant(at)}:{symbol}:{leg}",
        at=at,
        account=ACCOUNT,
        client_order_id=client_order_id(ACCOUNT, at, symbol, leg),
        symbol=symbol,
        side=chance.choice(list(Side)),
        quantity=Decimal(chance.randint(1, 120)),
        reference_price=Decimal(100),
        leg=leg,
        not_before=at + wait,
        valid_until=at + wait + chance.randint(0, 3) * MINUTE,
        signals=(),
        attribution=(),
        reason="a test",
    )


def _cancel(order: OrderApproved, at: datetime) -> OrderCancelRequested:
    return OrderCancelRequested(
        id=f"cancel:{order.client_order_id}:{instant(at)}",
        at=at,
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        reason="no longer wanted",
    )


class ExecutionWorld:
    """The room and its exchange, both real processes."""

    def __init__(self, simulator: SimulatorProcess, room: RoomProcess) -> None:
        self.simulator = simulator
        self.room = room

    def tell(self, story: Story) -> None:
        """Put the whole story on the streams; the room reads it as fast as it can."""
        self.room.publish(*story.orders)
        self.room.publish(*story.bars)

    def misbehave(self, probability: float, seed: int) -> None:
        """Let the exchange lose, delay and double what it can, for as long as it lives."""
        switch = {"probability": probability, "seconds": 0.25}
        body = {"seed": seed, "switches": {fault: switch for fault in FAULTS}}
        self.simulator.post("/control/faults", body)

    def wait_for_the_end(self, story: Story) -> None:
        wait_for(lambda: self.rows_closed() == story.rows, what="the end of the last row")
        wait_for(lambda: self.room.caught_up("orders"), what="the orders of the last row")

    def rows_closed(self) -> int:
        """How many rows the room has ended."""
        state = self.room.server.hget(f"{self.room.prefix}room:execution", "state")
        return int(json.loads(state)["merge"]["rows_closed"]) if state else 0

    def said(self) -> int:
        """How many entries the room has written."""
        return int(self.room.server.xlen(self.room.prefix + "fills"))

    def fills(self) -> list[Event]:
        """What the room has said, marks left out."""
        entries: Any = self.room.server.xrange(self.room.prefix + "fills")
        events = [parse_entry(fields) for _, fields in entries]
        return [event for event in events if not isinstance(event, RowClosed)]

    def health(self) -> list[Event]:
        entries: Any = self.room.server.xrange(self.room.prefix + "health")
        events = [parse_entry(fields) for _, fields in entries]
        return [event for event in events if type(event).__name__ == "MismatchFound"]

    def arrivals(self) -> Counter[str]:
        """How often the exchange has taken in each order."""
        log = self.simulator.get("/control/log", kind="order")
        return Counter(entry["client_order_id"] for entry in log if entry["accepted"])

    def rows_opened(self) -> list[str]:
        return [e["row"] for e in self.simulator.get("/control/log", kind="open") if e["accepted"]]


@contextmanager
def an_execution_world(folder: Path, redis_url: str) -> Iterator[ExecutionWorld]:
    terms = {name: value for name, value in vars(TERMS).items() if value is not None}
    simulated = {
        "symbols": ",".join(SYMBOLS), "sessions": 1, "cash": CASH, "missing": MISSING, **terms
    }  # fmt: skip
    with running_simulator(folder / "simulator", **simulated) as simulator:
        room = RoomProcess(
            "execution",
            redis_url,
            folder / "home",
            EXECUTION_TRADING_URL=simulator.url,
            EXECUTION_READ_SECONDS="0.2",
            EXECUTION_RECONCILE_SECONDS="0.5",
        )
        try:
            with watching(simulator, "AAPL"):
                yield ExecutionWorld(simulator, room)
        finally:
            room.end()


@contextmanager
def replaced_while_asleep(room: RoomProcess) -> Iterator[subprocess.Popen[bytes]]:
    """The room's process sleeps while a new one takes over; the block ends when both are awake."""
    sleeper = room._running()
    sleeper.send_signal(signal.SIGSTOP)
    while is_locked(room.home / "journal.db"):  # then its replacement could only wait for it
        sleeper.send_signal(signal.SIGCONT)
        time.sleep(0.005)
        sleeper.send_signal(signal.SIGSTOP)
    try:
        room.start()
        yield sleeper
    finally:
        sleeper.send_signal(signal.SIGCONT)


def is_locked(database: Path) -> bool:
    """Whether somebody is in the middle of writing."""
    with closing(sqlite3.connect(database, timeout=0.05, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
    return False
