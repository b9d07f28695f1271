"""Starts the strategy room: `python -m trimtab_strategy`."""

from trimtab_runtime.service import main
from trimtab_strategy.app import build
from trimtab_strategy.settings import StrategySettings

if __name__ == "__main__":
    main(StrategySettings, build)
