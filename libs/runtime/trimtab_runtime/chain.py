"""The chain of stages that a configuration folder describes, as the rooms and the engine run it."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

from trimtab_runtime.config import load
from trimtab_runtime.strategies import STRATEGIES_FILE, UNIVERSE_FILE, read_slots
from trimtab_trading.config import Strategies, Universe
from trimtab_trading.exchange import Exchange
from trimtab_trading.risk.desk import RiskDesk
from trimtab_trading.risk.instruments import instruments
from trimtab_trading.risk.limits import RiskLimits
from trimtab_trading.stage import Stage
from trimtab_trading.strategy_desk import StrategyDesk
from trimtab_trading.venue import Terms, Venue

RISK_FILE = "risk.yaml"


def read_risk(config_dir: Path, account: str) -> dict[str, Any]:
    """What `RiskDesk` is made of: account, limits, instruments and shares; raises ConfigError."""
    limits = load(config_dir / RISK_FILE, RiskLimits)
    universe = load(config_dir / UNIVERSE_FILE, Universe)
    strategies = load(config_dir / STRATEGIES_FILE, Strategies)
    return {
        "account": account,
        "limits": limits,
        "instruments": instruments(universe, limits),
        "shares": {each.name: each.share for each in strategies.enabled},
    }


def exact_chain(config_dir: Path, *, account: str, cash: Decimal, terms: Terms) -> list[Stage]:
    """Execution, strategy and risk for the exact engine, on a venue with this much cash."""
    finest = load(config_dir / UNIVERSE_FILE, Universe).finest
    return [
        Exchange(Venue(terms, cash), account=account, finest=finest),
        StrategyDesk(read_slots(config_dir)),
        RiskDesk(**read_risk(config_dir, account)),
    ]
