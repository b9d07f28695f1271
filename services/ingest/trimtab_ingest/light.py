"""Keeps this process small: no pandas, and no memory pool that holds on to what it had once.

pandas would cost 60 MB, and a second at every start, for nothing: alpaca-py imports it for one
property that is not used here, pyarrow to recognise objects that do not occur here. Where somebody
has imported it before, everything stays as it is.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType

KEPT_OUT = "pandas"
NAMES_IT_FOR_AN_ANNOTATION = ("alpaca.data.live", "alpaca.data.historical")


class _NotHere(MetaPathFinder):
    """Says of one package that it is not installed."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> None:
        if name == KEPT_OUT:
            raise ModuleNotFoundError(f"{name} is kept out of this process", name=name)


def keep_pandas_out() -> None:
    """Let alpaca-py see a stand-in while it is imported, and nobody anything afterwards."""
    if KEPT_OUT in sys.modules:
        return
    stand_in = ModuleType(KEPT_OUT)
    stand_in.__dict__["DataFrame"] = object
    sys.modules[KEPT_OUT] = stand_in
    for name in NAMES_IT_FOR_AN_ANNOTATION:
        importlib.import_module(name)
    del sys.modules[KEPT_OUT]
    sys.meta_path.insert(0, _NotHere())


def let_memory_go() -> None:
    """Have pyarrow, which is imported later, give back what a batch of bars needed: 20 MB."""
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
