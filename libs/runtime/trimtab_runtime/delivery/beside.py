"""What runs beside a room's loop, and ends with it: deliveries, housekeeping."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


async def live_beside(life: Coroutine[Any, Any, None], *others: Coroutine[Any, Any, None]) -> None:
    """Run a room's life, and beside it what must go on for as long as it lasts.

    When the life is over, the others are cancelled. When one of them breaks, or ends, the life is
    cancelled and what broke is raised as it is: nothing stops working unnoticed.
    """
    living = asyncio.ensure_future(life)
    beside = [asyncio.ensure_future(other) for other in others]
    try:
        await asyncio.wait({living, *beside}, return_when=asyncio.FIRST_COMPLETED)
        for task in beside:
            if task.done():
                task.result()
                raise RuntimeError("what runs beside a room ended before it")
        living.result()
    finally:
        for task in (living, *beside):
            task.cancel()
        await asyncio.gather(living, *beside, return_exceptions=True)
