"""Starts alerting as a process."""

from __future__ import annotations

from trimtab_alerting.app import build
from trimtab_alerting.settings import Settings
from trimtab_runtime.service import main


def run() -> None:
    """Run alerting until it is told to stop."""
    main(Settings, build)


if __name__ == "__main__":
    run()
