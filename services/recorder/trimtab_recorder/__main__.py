"""Starts the recorder as a process."""

from __future__ import annotations

from trimtab_recorder.app import build
from trimtab_recorder.settings import Settings
from trimtab_runtime.service import main


def run() -> None:
    """Run the recorder until it is told to stop."""
    main(Settings, build)


if __name__ == "__main__":
    run()
