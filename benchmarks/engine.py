"""The exact engine on one symbol of minutes: bars a second of CPU time, beside a bare loop."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from math import sqrt
from pathlib import Path

from benchmarks.figures import Figure, at_least, shown
from trimtab_common.calendars import CalendarName
from trimtab_common.timeframes import Timeframe
from trimtab_runtime.config import load
from trimtab_runtime.marketfile import read_bars
from trimtab_trading.config import Feed, SymbolGroup, Universe
from trimtab_trading.engine import Log, run
from trimtab_trading.exchange import Exchange
from trimtab_trading.generated import generated
from trimtab_trading.leap import run_market
from trimtab_trading.market import Market, replay
from trimtab_trading.risk.desk import RiskDesk
from trimtab_trading.risk.instruments import instruments
from trimtab_trading.risk.limits import RiskLimits
from trimtab_trading.stage import Stage
from trimtab_trading.strategies import MeanReversion
from trimtab_trading.strategy_desk import StrategyDesk
from trimtab_trading.strategy_slot import Slot
from trimtab_trading.venue import FREE, Venue

ROOT = Path(__file__).parent.parent
FILE = "crypto_1min_bitfinex_2019h1.parquet"
DATA_VARIABLE = "TRIMTAB_BENCH_DATA"
"""A folder with the file; `data/` beside this one if it is not given."""
SYMBOL = "BTC/USD"
ROWS = 60_000
ROUNDS = 5
LOOKBACK, ENTRY, EXIT, SHARE = 60, 2.0, 0.5, 0.9
CASH = 100_000.0
FULL_MIN, LEAN_MIN = 30_000, 100_000


def market() -> tuple[Market, str]:
    """Real minutes where the file is, else generated ones; and which."""
    path = Path(os.environ.get(DATA_VARIABLE, ROOT / "data")) / FILE
    if path.exists():
        return read_bars(path, symbols=(SYMBOL,), rows=ROWS).market, f"{SYMBOL}, {FILE}"
    made = generated(
        seed=7,
        symbols=(SYMBOL,),
        calendar_name=CalendarName.ALWAYS.value,
        timeframe=Timeframe.ONE_MINUTE,
        start=date(2024, 1, 1),
        sessions=ROWS // 1440 + 1,
    )
    return made.first_rows(ROWS), "a generated market"


def shipped_limits() -> RiskLimits:
    """The limits that every account begins with."""
    return load(ROOT / "config" / "risk.yaml", RiskLimits)


def wide_limits() -> RiskLimits:
    """The same, but one pair may be the whole account."""
    limits = shipped_limits()
    whole = {"position_equity_max": Decimal(1), "order_equity_max": Decimal(1)}
    crypto = limits.classes.crypto.model_copy(update=whole)
    return limits.model_copy(
        update={"classes": limits.classes.model_copy(update={"crypto": crypto})}
    )


def chain(of: Market, limits: RiskLimits) -> list[Stage]:
    """Exchange, strategy and risk, as the rooms run them."""
    strategy = MeanReversion(lookback_rows=LOOKBACK, entry_zscore=ENTRY, exit_zscore=EXIT)
    slot = Slot(
        strategy=strategy,
        name="reversion",
        symbols=of.symbols,
        calendar=CalendarName.ALWAYS,
        timeframe=of.timeframe,
        share=Decimal(str(SHARE)),
    )
    group = SymbolGroup(
        name="pairs",
        calendar=CalendarName.ALWAYS,
        timeframes=(of.timeframe,),
        symbols=of.symbols,
        feed=Feed.SIMULATED,
    )
    desk = RiskDesk(
        account="main",
        limits=limits,
        instruments=instruments(Universe(groups=(group,)), limits),
        shares={slot.name: slot.share},
    )
    return [Exchange(Venue(FREE, Decimal(str(CASH))), account="main"), StrategyDesk([slot]), desk]


def bare_loop(opens: Sequence[float], closes: Sequence[float]) -> float:
    """The strategy by hand: running sums, fills at the next open, no events, no rules."""
    cash, quantity, wanted, held = CASH, 0.0, None, False
    total = squares = 0.0
    for row, close in enumerate(closes):
        if wanted is not None:
            cash -= (wanted - quantity) * opens[row]
            quantity, wanted = wanted, None
        total += close
        squares += close * close
        if row >= LOOKBACK:
            gone = closes[row - LOOKBACK]
            total -= gone
            squares -= gone * gone
        if row < LOOKBACK - 1:
            continue
        mean = total / LOOKBACK
        deviation = sqrt(max(squares / LOOKBACK - mean * mean, 0.0))
        distance = close - mean
        buys, sells = distance <= -ENTRY * deviation, distance >= -EXIT * deviation
        if buys and not held:
            wanted, held = SHARE * (cash + quantity * close) / close, True
        elif sells and held:
            wanted, held = 0.0, False
    return cash + quantity * closes[-1]


def bars_a_second(of: Market, work: Callable[[Market], object]) -> float:
    """The best of some rounds in CPU time; each begins with a market nobody has looked at."""
    seconds = []
    for _ in range(ROUNDS):
        fresh = of.first_rows(of.rows_total)
        started = time.process_time()
        work(fresh)
        seconds.append(time.process_time() - started)
    return of.rows_total / min(seconds)


def measure() -> list[Figure]:
    """Stepped, full, lean and bare; all of one market."""
    of, source = market()
    shipped, wide = shipped_limits(), wide_limits()
    opens, closes = of.open.tolist(), of.close.tolist()

    def lean(fresh: Market, limits: RiskLimits) -> None:
        run_market(fresh, chain(fresh, limits), Log(), tells_bars=False)

    bare = bars_a_second(of, lambda _: bare_loop(opens, closes))
    stepped = bars_a_second(of, lambda fresh: run(replay(fresh), chain(fresh, shipped)))
    full = bars_a_second(of, lambda fresh: run_market(fresh, chain(fresh, shipped), Log()))
    leanest = bars_a_second(of, lambda fresh: lean(fresh, shipped))
    trading = bars_a_second(of, lambda fresh: lean(fresh, wide))
    return [
        shown("engine: a bare loop", bare, "bars/s", source),
        shown("engine: row by row", stepped, "bars/s", "every row through every queue"),
        at_least("engine: full", full, FULL_MIN, "bars/s", f"every event kept; {source}"),
        at_least("engine: lean", leanest, LEAN_MIN, "bars/s", "bars not told; shipped limits"),
        shown("engine: lean, wide limits", trading, "bars/s", "the whole target may be bought"),
        shown("engine: bare loop / full", bare / full, "x"),
        shown("engine: bare loop / lean", bare / leanest, "x"),
    ]
