"""Over any history: books add up, limits hold, and a restored desk goes on bit for bit."""

import json
from datetime import timedelta
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.trading.desk_factories import (
    OPEN,
    Script,
    bar,
    cash,
    closed,
    desk,
    feed_row,
    signal,
)
from trimtab_common.events import (
    FlattenRequested,
    OrderApproved,
    OrderFilled,
    TradingHalted,
    TradingResumed,
)
from trimtab_common.sides import Side
from trimtab_trading.exchange import Exchange
from trimtab_trading.merge import Merge
from trimtab_trading.stage import Stage
from trimtab_trading.venue import Terms, Venue

D = Decimal
SYMBOLS = ("AAPL", "BTC/USD", "MSFT")
TERMS = Terms(
    slippage_bps=D(5),
    fee_bps=D(2),
    fee_per_order=D("0.35"),
    fee_per_share=D("0.005"),
    volume_share_max=D("0.5"),
)
TIGHT = {
    "gross_equity_max": 0.9,
    "open_orders_equity_max": 0.5,
    "cash_reserve_equity": 0.02,
    "classes": {
        "order_equity_max": 0.3,
        "position_equity_max": 0.4,
        "cost_allowance": 0.05,
        "last_entry_minutes": 0,
    },
}
ROWS = 14
CONTROLS = (TradingHalted, TradingResumed, FlattenRequested)
WEIGHTS = (0.0, 0.05, 0.2, 0.5, 0.8)


def history(seed):
    """Rows with gaps, missing bars and thin volumes; targets and controls now and then."""
    dice = Random(seed)
    prices, rows, script, control = dict.fromkeys(SYMBOLS, 1000), [], {}, {}
    for number in range(1, ROWS + 1):
        at = OPEN + timedelta(minutes=number)
        for symbol in SYMBOLS:
            prices[symbol] = max(100, prices[symbol] + dice.randint(-30, 30))
        present = [symbol for symbol in SYMBOLS if dice.random() < 0.9] or ["AAPL"]
        bars = [thin_bar(symbol, at, prices[symbol], dice) for symbol in present]
        rows.append((bars, closed(at, bars)))
        script[at] = [
            signal(each.symbol, dice.choice(WEIGHTS), at=at, strategy=strategy, price=each.close)
            for each in bars
            for strategy in ("alpha", "beta")
            if dice.random() < 0.3
        ]
        if dice.random() < 0.15:
            kind = dice.choice(CONTROLS)
            control[at] = kind(id=f"control:{number}", at=at, by="owner", reason="test")
    return rows, script, control


def thin_bar(symbol, at, price, dice):
    made = bar(symbol, at, D(price) / 10, opening=D(price + dice.randint(-5, 5)) / 10)
    return made.model_copy(update={"volume": D(dice.randint(1, 2000))})


histories = st.integers(0, 2**32).map(history)


class Chain:
    """Exchange, script and desk, stepped row by row."""

    def __init__(self, script, **changes):
        self.venue = Venue(TERMS, D(100_000), {"AAPL": D(40)})
        self.room = desk(SYMBOLS, shares={"alpha": 0.6, "beta": 0.4}, **changes)
        stages: list[Stage] = [Exchange(self.venue, account="test"), Script(script), self.room]
        self.merges = [Merge(stage) for stage in stages]
        self.said = []

    def feed(self, bars, row, control=None):
        if control is not None:
            self._put("control", control)
        for event in (*bars, row):
            self._put("bars", event)
        busy = True
        while busy:
            busy = False
            for merge in self.merges:
                while (step := merge.step()) is not None:
                    busy = True
                    for event in step.outputs:
                        self._tell(event)

    def _put(self, family, event):
        for merge in self.merges:
            if family in merge.queues:
                merge.put(family, None, event)

    def _tell(self, event):
        family = getattr(event, "family", None) or event.stream
        self.said.append(event)
        self._put(family, event)


@given(histories)
def test_the_ledger_is_the_venue_and_the_books_are_the_position(lived):
    rows, script, control = lived
    chain = Chain(script)
    for bars, row in rows:
        chain.feed(bars, row, control.get(row.at))
        ledger = chain.room.state.ledger
        assert ledger.cash == chain.venue.cash
        for symbol in SYMBOLS:
            held = chain.venue.positions.get(symbol, 0)
            assert ledger.held(symbol) == held
            assert sum(ledger.book(symbol).values()) == held
            assert all(quantity >= 0 for quantity in ledger.book(symbol).values())
        assert ledger.oddities == []


@given(histories)
def test_every_order_belongs_to_somebody_to_the_last_unit(lived):
    rows, script, control = lived
    chain = Chain(script)
    for bars, row in rows:
        chain.feed(bars, row, control.get(row.at))
    orders = [event for event in chain.said if isinstance(event, OrderApproved)]
    assert len({order.client_order_id for order in orders}) == len(orders)
    for order in orders:
        parts = sum(share.quantity for share in order.attribution)
        assert parts == order.quantity * order.side.sign


@given(histories)
def test_limits_hold_at_every_approval_counting_open_orders(lived):
    rows, script, control = lived
    chain = Chain(script, **TIGHT)
    for bars, row in rows:
        before = len(chain.said)
        chain.feed(bars, row, control.get(row.at))
        bought = [
            event
            for event in chain.said[before:]
            if isinstance(event, OrderApproved) and event.side is Side.BUY
        ]
        if not bought:
            continue
        ledger = chain.room.state.ledger
        equity, marks = ledger.equity(), ledger.marks
        purchases = [order for order in ledger.orders.values() if order.side is Side.BUY]
        coming = sum(order.remaining * marks[order.symbol] for order in purchases)
        gross = sum(each.quantity * marks[s] for s, each in ledger.positions.items())
        assert gross + coming <= equity * D("0.9")
        assert coming <= equity * D("0.5")
        assert coming * D("1.05") <= ledger.settled(row.at) - equity * D("0.02")
        for order in bought:
            held = ledger.held(order.symbol)
            on_its_way = sum(o.remaining for o in purchases if o.symbol == order.symbol)
            assert order.quantity * marks[order.symbol] <= equity * D("0.3")
            assert (held + on_its_way) * marks[order.symbol] <= equity * D("0.4")


@given(histories, st.data(), st.sampled_from(["drift", "on_change"]))
def test_a_restored_desk_says_the_same_words(lived, data, rebalance):
    rows, script, control = lived
    whole, broken = (Chain(script, rebalance=rebalance) for _ in range(2))
    cut = data.draw(st.integers(0, len(rows)))
    for number, (bars, row) in enumerate(rows):
        if number == cut:
            state = json.loads(json.dumps(broken.room.snapshot(), sort_keys=True))
            fresh = desk(SYMBOLS, shares={"alpha": 0.6, "beta": 0.4}, rebalance=rebalance)
            fresh.restore(state)
            broken.merges[2].stage = broken.room = fresh
        for chain in (whole, broken):
            chain.feed(bars, row, control.get(row.at))
    assert [e.model_dump_json() for e in broken.said] == [e.model_dump_json() for e in whole.said]
    assert broken.room.snapshot() == whole.room.snapshot()
    assert broken.room.summary() == whole.room.summary()


def test_something_happens_in_these_histories():
    rows = [([bar(s, OPEN + timedelta(minutes=n), 100) for s in SYMBOLS]) for n in range(1, 6)]
    marks = [closed(bars[0].at, bars) for bars in rows]
    chain = Chain({marks[0].at: [signal("MSFT", 0.5, at=marks[0].at)]})
    for bars, row in zip(rows, marks, strict=True):
        chain.feed(bars, row)
    kinds = {type(event) for event in chain.said}
    assert {OrderApproved, OrderFilled} <= kinds


class TestNewConfiguration:
    def stood(self):
        room = desk(shares={"alpha": 1})
        [order] = feed_row(room, OPEN + timedelta(minutes=1), {"AAPL": 100}, cash(), signal())
        room.handle(
            OrderFilled(
                id="fill:1",
                at=order.at,
                client_order_id=order.client_order_id,
                symbol="AAPL",
                side=order.side,
                quantity=order.quantity,
                price=D(100),
                fee=D(0),
                cumulative_quantity=order.quantity,
                order_quantity=order.quantity,
            )
        )
        return room.snapshot()

    @pytest.mark.parametrize("rebalance", ["drift", "on_change"])
    def test_a_smaller_share_is_reached_at_the_next_row(self, rebalance):
        room = desk(shares={"alpha": 0.5}, rebalance=rebalance)
        room.restore(self.stood())
        [order] = feed_row(room, OPEN + timedelta(minutes=2), {"AAPL": 100})
        assert (order.side, order.quantity) == (Side.SELL, 250)

    def test_a_strategy_that_left_leaves_nothing_behind(self):
        room = desk(shares={"beta": 1})
        room.restore(self.stood())
        [order] = feed_row(room, OPEN + timedelta(minutes=2), {"AAPL": 100})
        assert (order.side, order.quantity) == (Side.SELL, 500)

    def test_a_symbol_that_left_the_universe_is_not_touched(self):
        room = desk(["MSFT"], shares={"alpha": 1})
        room.restore(self.stood())
        assert feed_row(room, OPEN + timedelta(minutes=2), {"AAPL": 100, "MSFT": 50}) == []
        assert room.summary()["positions"]["AAPL"]["quantity"] == "500"
