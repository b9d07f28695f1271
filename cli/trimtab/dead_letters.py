"""`dead`: what rooms could not process, and a second chance for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from redis.exceptions import RedisError

from trimtab import show
from trimtab.failure import answer_is_no, not_running
from trimtab.place import read_settings
from trimtab_common.events import UnreadableEvent
from trimtab_runtime.delivery import dead
from trimtab_runtime.delivery.keys import Keys
from trimtab_runtime.delivery.session import connect

T = TypeVar("T")


def list_all(count: int, *, home: Path | None, as_json: bool) -> None:
    letters = _ask(home, lambda redis, keys: dead.listed(redis, keys, count))
    if as_json:
        show.result({"dead": [letter._asdict() for letter in letters]}, as_json=True)
    elif not letters:
        print("No dead letters: every event was processed.")
    else:
        rows = [(each.id, each.room, each.kind, each.reason) for each in letters]
        show.table(("id", "room", "event", "reason"), rows, long="reason")


def show_one(letter: str, *, home: Path | None, as_json: bool) -> None:
    found = _ask(home, lambda redis, keys: dead.show(redis, keys, letter))
    lines = [f"{name:<8} {value}" for name, value in found._asdict().items()]
    show.result(found._asdict(), as_json=as_json, lines=lines)


def requeue_one(letter: str, *, home: Path | None, as_json: bool) -> None:
    entry = _ask(home, lambda redis, keys: dead.requeue(redis, keys, letter))
    line = f"Requeued as {entry}. Should it die again, `trimtab dead list` shows it."
    show.result({"requeued": letter, "entry": entry}, as_json=as_json, lines=[line])


def _ask(home: Path | None, work: Callable[[Any, Keys], Awaitable[T]]) -> T:
    settings = read_settings(home)
    url = settings.redis_address()
    if url is None:
        raise not_running(f"No server with streams is running for {settings.home}.")

    async def visit() -> T:
        redis = connect(url)
        try:
            return await work(redis, Keys(settings.stream_prefix))
        finally:
            await redis.aclose()

    try:
        return asyncio.run(visit())
    except (dead.NoSuchLetter, UnreadableEvent) as reason:
        raise answer_is_no(f"{reason}.") from None
    except RedisError as error:
        raise not_running(f"The server does not answer: {error}.") from None
