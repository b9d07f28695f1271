"""Asks something outside, off the event loop, until it answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from trimtab_ingest.ports import Unreachable

Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")


class Asking:
    """Repeats with a growing pause, and remembers what the trouble is for the health board."""

    def __init__(self, *, pause_seconds: float, pause_seconds_max: float) -> None:
        self.trouble: str | None = None
        """Why there is no answer; None since the last one."""
        self._pause_seconds = pause_seconds
        self._pause_seconds_max = pause_seconds_max

    async def until_answered(
        self, call: Callable[Asked, Answer], *args: Asked.args, **kwargs: Asked.kwargs
    ) -> Answer:
        """The answer, however long it takes."""
        pause = self._pause_seconds
        while True:
            try:
                answer = await asyncio.to_thread(call, *args, **kwargs)
            except Unreachable as error:
                self.trouble = str(error)
                await asyncio.sleep(pause)
                pause = min(2 * pause, self._pause_seconds_max)
            else:
                self.trouble = None
                return answer

    async def once(
        self, call: Callable[Asked, Answer], *args: Asked.args, **kwargs: Asked.kwargs
    ) -> Answer | None:
        """The answer, or None where there is none; `trouble` tells why."""
        try:
            answer = await asyncio.to_thread(call, *args, **kwargs)
        except Unreachable as error:
            self.trouble = str(error)
            return None
        self.trouble = None
        return answer
