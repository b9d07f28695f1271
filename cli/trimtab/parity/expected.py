"""What the exact engine says of a market, under the configuration the rooms run with."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from trimtab_common.events import Event
from trimtab_runtime.chain import exact_chain
from trimtab_runtime.config import load
from trimtab_runtime.strategies import UNIVERSE_FILE
from trimtab_trading.config import Universe
from trimtab_trading.engine import run
from trimtab_trading.market import Market
from trimtab_trading.together import replay_together, with_coarser
from trimtab_trading.venue import FREE

ACCOUNT = "main"
CASH = Decimal(100_000)


def said_by_engine(market: Market, config_dir: Path) -> dict[str, list[Event]]:
    """Family → events, from execution, strategy and risk in one process."""
    chain = exact_chain(config_dir, account=ACCOUNT, cash=CASH, terms=FREE)
    groups = load(config_dir / UNIVERSE_FILE, Universe).groups
    wanted = {timeframe for group in groups for timeframe in group.timeframes}
    return run(replay_together(with_coarser(market, wanted)), chain)
