"""With the shipped limits every portfolio and every shipped strategy gets what it wants."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from tests.unit.trading.desk_factories import Script, account, signal, universe
from trimtab_common.events import OrderApproved, OrderRefused
from trimtab_common.timeframes import Timeframe
from trimtab_runtime.config import load
from trimtab_runtime.strategies import read_slots
from trimtab_trading.config import Strategies, Universe
from trimtab_trading.engine import Engine, Log, run
from trimtab_trading.exchange import Exchange
from trimtab_trading.generated import generated
from trimtab_trading.market import replay
from trimtab_trading.risk.desk import RiskDesk
from trimtab_trading.risk.instruments import instruments
from trimtab_trading.risk.limits import RiskLimits
from trimtab_trading.strategy_desk import StrategyDesk
from trimtab_trading.venue import Terms, Venue

CONFIG = Path(__file__).parents[3] / "config"
D = Decimal
TERMS = Terms(
    slippage_bps=D(3),
    fee_bps=D(1),
    fee_per_order=D(0),
    fee_per_share=D("0.005"),
    volume_share_max=None,
)
PORTFOLIOS = {
    "one fund": {"SPY": 1.0},
    "a rebalancer's": {"SPY": 0.35, "QQQ": 0.30, "IWM": 0.20, "TLT": 0.15},
    "four stocks": {"AAPL": 0.25, "AMZN": 0.25, "JPM": 0.25, "MSFT": 0.25},
    "nearly all in many": {f"ST{letter}": 0.049 for letter in "ABCDEFGHIJKLMNOPQRST"},
    "two coins": {"BTC/USD": 0.25, "ETH/USD": 0.25},
}
NOT_FOR_WANT_OF_CASH = {"R01", "R03", "R04", "R13", "R18", "R20", "R22", "R24"}
"""R14 and R19 remain: whoever wants all of it meets the end of the cash; R23 ends the day."""


def shipped_limits():
    return load(CONFIG / "risk.yaml", RiskLimits)


def room_for(symbols, shares):
    limits = shipped_limits()
    known = instruments(universe(symbols, (Timeframe.ONE_DAY,)), limits)
    return RiskDesk(account="test", limits=limits, instruments=known, shares=shares)


def market(symbols, timeframe, sessions, seed=1):
    coins = any("/" in symbol for symbol in symbols)
    return generated(
        seed=seed,
        symbols=symbols,
        calendar_name="24/7" if coins else "XNYS",
        timeframe=timeframe,
        start=date(2024, 3, 4),
        sessions=sessions,
    )


def misses(room, wanted):
    """How far each position is from its target, as a fraction of equity."""
    ledger = room.state.ledger
    equity = ledger.equity()
    return {
        symbol: abs(ledger.held(symbol) * ledger.marks[symbol] / equity - D(str(weight)))
        for symbol, weight in wanted.items()
    }


@pytest.mark.parametrize("money", [10_000, 100_000])
@pytest.mark.parametrize("timeframe", ["1d", "30m"])
@pytest.mark.parametrize("name", PORTFOLIOS)
def test_a_portfolio_is_reached_in_a_few_orders(name, timeframe, money):
    wanted = PORTFOLIOS[name]
    rows = list(replay(market(sorted(wanted), Timeframe(timeframe), sessions=6)))
    first = rows[0][1].at
    prices = {bar.symbol: bar.close for bar in rows[0][0]}
    wishes = [signal(s, w, at=first, price=prices[s]) for s, w in wanted.items()]
    room, log = room_for(wanted, {"alpha": D(1)}), Log()
    exchange = Exchange(Venue(TERMS, D(money)), account="test")
    engine = Engine([exchange, Script({first: wishes}), room], log)
    distances = []
    for bars, mark in rows:
        engine.feed(bars, mark)
        distances.append(max(misses(room, wanted).values()))
    dearest = max(prices.values()) / money  # whole stocks of a small account
    assert min(distances) <= shipped_limits().account.drift_band + dearest
    orders = [event for event in log.events["orders"] if isinstance(event, OrderApproved)]
    assert len(orders) <= 4 * len(wanted)
    refusals = [event for event in log.events["orders"] if isinstance(event, OrderRefused)]
    assert {event.rule for event in refusals} & NOT_FOR_WANT_OF_CASH == set()


def test_an_account_too_large_for_one_order_gets_there_in_several():
    rows = list(replay(market(["SPY"], Timeframe.ONE_DAY, sessions=8)))
    first, price = rows[0][1].at, rows[0][0][0].close
    room = room_for(["SPY"], {"alpha": D(1)})
    script = {first: [signal("SPY", 1.0, at=first, price=price)]}
    log = account(rows, room, script, money=1_000_000, terms=TERMS)
    orders = [event for event in log["orders"] if isinstance(event, OrderApproved)]
    assert len(orders) >= 4
    assert all(each.quantity * each.reference_price <= 250_000 for each in orders)
    assert misses(room, {"SPY": 1.0})["SPY"] <= D("0.012")


def test_a_rotation_is_done_when_the_sale_has_settled():
    rows = list(replay(market(["QQQ", "SPY"], Timeframe.ONE_DAY, sessions=8)))
    room = room_for(["QQQ", "SPY"], {"alpha": D(1)})
    closes = [{bar.symbol: bar.close for bar in bars} for bars, _ in rows]
    at = [mark.at for _, mark in rows]
    script = {
        at[0]: [signal("SPY", 1.0, at=at[0], price=closes[0]["SPY"])],
        at[3]: [
            signal("SPY", 0.0, at=at[3], price=closes[3]["SPY"]),
            signal("QQQ", 1.0, at=at[3], price=closes[3]["QQQ"]),
        ],
    }
    account(rows, room, script, terms=TERMS)
    assert room.state.ledger.held("SPY") == 0
    assert misses(room, {"QQQ": 1.0})["QQQ"] <= D("0.012")


def test_the_shipped_strategies_meet_no_limit_but_cash():
    known = load(CONFIG / "universe.yaml", Universe)
    strategies = load(CONFIG / "strategies.yaml", Strategies)
    limits = shipped_limits()
    room = RiskDesk(
        account="test",
        limits=limits,
        instruments=instruments(known, limits),
        shares={each.name: each.share for each in strategies.enabled},
    )
    bars = market(known.symbols, Timeframe.ONE_MINUTE, sessions=1, seed=7)
    exchange = Exchange(Venue(TERMS, D(100_000)), account="test")
    log = run(replay(bars), [exchange, StrategyDesk(read_slots(CONFIG)), room])
    approved = [event for event in log["orders"] if isinstance(event, OrderApproved)]
    assert len(approved) > len(known.symbols)
    refusals = [event for event in log["orders"] if isinstance(event, OrderRefused)]
    assert {event.rule for event in refusals} & NOT_FOR_WANT_OF_CASH == set()
    assert room.state.ledger.oddities == []
