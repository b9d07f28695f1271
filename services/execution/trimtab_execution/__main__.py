"""Runs the execution room."""

from __future__ import annotations

from trimtab_execution.app import build
from trimtab_execution.settings import Settings
from trimtab_runtime.service import main


def run() -> None:
    main(Settings, build)


if __name__ == "__main__":
    run()
