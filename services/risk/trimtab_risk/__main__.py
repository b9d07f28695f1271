"""Starts the risk room: `python -m trimtab_risk`."""

from trimtab_risk.app import build
from trimtab_risk.settings import RiskSettings
from trimtab_runtime.service import main

if __name__ == "__main__":
    main(RiskSettings, build)
