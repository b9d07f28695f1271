"""The end of a demo: no more rows, then everybody finishes what there is."""

from __future__ import annotations

import time
from collections.abc import Callable

import redis

from trimtab.demo.exchange import Exchange, ExchangeSilent
from trimtab.streams import Streams

FAMILIES_WITH_ROWS = ("bars", "signals", "orders", "fills")
LOOK_SECONDS = 0.2
DRAIN_SECONDS_MAX = 120.0
QUIET_LOOKS = 3
"""So often in a row everything must look finished: an event may be between two streams."""


def unfinished(streams: Streams, exchange: Exchange) -> str | None:
    """What still has to be done, or None."""
    try:
        state = exchange.state()
        if state["rows_opened"] < state["rows_released"]:
            rows = state["rows_released"] - state["rows_opened"]
            return f"{rows} rows that were released are not opened"
        waiting = streams.unfinished()
        if waiting:
            some = ", ".join(f"{count} for {group}" for group, count in sorted(waiting.items()))
            return f"entries wait: {some}"
        last = {family: streams.last_row(family) for family in FAMILIES_WITH_ROWS}
    except (ExchangeSilent, redis.RedisError) as silent:
        return str(silent)
    if len(set(last.values())) > 1:
        said = ", ".join(f"{family} {row and row.isoformat()}" for family, row in last.items())
        return f"the last row is not the same everywhere: {said}"
    return None


def drain(streams: Streams, exchange: Exchange, meanwhile: Callable[[], bool]) -> str | None:
    """Wait until everything is finished; what is left, or None. `meanwhile` True: give up."""
    until = time.monotonic() + DRAIN_SECONDS_MAX
    quiet, left = 0, "nothing was looked at"
    while time.monotonic() < until:
        found = unfinished(streams, exchange)
        quiet = quiet + 1 if found is None else 0
        if quiet >= QUIET_LOOKS:
            return None
        left = found or left
        if meanwhile():
            break
        time.sleep(LOOK_SECONDS)
    return left
