"""Ends tasks for sure."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

AGAIN_SECONDS = 0.2


async def end(tasks: Iterable[asyncio.Future[Any]]) -> None:
    """Cancel until it has worked.

    Once is not enough: under Python 3.11 `asyncio.wait_for`, by which the clients of Redis and of
    Alpaca read and write, can swallow a cancellation that comes at the moment of completion.
    """
    every = set(tasks)
    pending = {task for task in every if not task.done()}
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=AGAIN_SECONDS)
    await asyncio.gather(*every, return_exceptions=True)
