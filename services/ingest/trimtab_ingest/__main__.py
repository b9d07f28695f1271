"""Runs the ingest room."""

from __future__ import annotations

from trimtab_ingest.light import keep_pandas_out, let_memory_go
from trimtab_ingest.settings import Settings
from trimtab_runtime.service import main


def run() -> None:
    keep_pandas_out()
    let_memory_go()
    from trimtab_ingest.app import build  # noqa: PLC0415 - it imports alpaca-py

    main(Settings, build)


if __name__ == "__main__":
    run()
