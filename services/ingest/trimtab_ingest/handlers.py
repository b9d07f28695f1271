"""What ingest does about events of others: nothing, it stands at the beginning of the chain.

What the feed sends is handled by `core/desk.py`: a bar, a correction, and what history adds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from trimtab_common.events import Event

HANDLERS: Mapping[type[Event], Callable[..., Any]] = {}
