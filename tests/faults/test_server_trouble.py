"""A server that loses replies, forgets a room or takes no writes: what one life makes of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis

from tests.faults.proxy import Proxy
from tests.integration.conftest import free_port
from trimtab_common.events import Event, TradingHalted
from trimtab_common.events.base import EARLIEST
from trimtab_runtime.delivery.commit import Commit
from trimtab_runtime.delivery.endings import Fenced, Unavailable, is_redis_gone
from trimtab_runtime.delivery.follower import FollowerRoom
from trimtab_runtime.delivery.inbox import Entry
from trimtab_runtime.delivery.life import Life
from trimtab_runtime.delivery.session import Session
from trimtab_runtime.delivery.watch import live

pytestmark = pytest.mark.redis

ENTRIES = 2_000
SECONDS_MAX = 40


@pytest.fixture
def proxy(redis_url: str) -> Iterator[Proxy]:
    address = urlsplit(redis_url)
    with Proxy(free_port(), lambda: ("127.0.0.1", address.port or 0)) as between:
        yield between


class Follower:
    """A room that notes what it was given, lived again whenever its server is gone."""

    def __init__(self, url: str, prefix: str) -> None:
        self.taken: list[str] = []
        self.lives = 0
        self._url = url
        self._prefix = prefix

    async def take(self, entries: Sequence[Entry]) -> Sequence[Event]:
        self.taken.extend(entry.id for entry in entries)
        return ()

    async def follow(self, until: Callable[[], bool]) -> None:
        """Live, and live again, as a supervised process does."""
        while not until():
            self.lives += 1
            session = Session(
                self._url, room="follower", prefix=self._prefix, families=("bars",), wanted=()
            )
            life = Life(on_progress=nothing, on_ready=nothing, on_commit=lambda *_: None)
            room = FollowerRoom("follower", families=("bars",), wanted=(), take=self.take)
            ending = asyncio.ensure_future(end_when(life, until))
            try:
                await session.begin()
                await live(room, session, life)
            except Exception as error:
                if not is_redis_gone(error):
                    raise
                await asyncio.sleep(0.05)
            finally:
                ending.cancel()
                await session.end()


def nothing() -> None:
    pass


async def come_about(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - nobody is there to set an event
        await asyncio.sleep(0.02)


async def end_when(life: Life, until: Callable[[], bool]) -> None:
    await come_about(until)
    life.stop()


def fill(server: Any, stream: str, count: int) -> list[str]:
    pipe = server.pipeline(transaction=False)
    for number in range(count):
        pipe.xadd(stream, {"type": "Nothing", "data": str(number)})
    return [entry.decode() for entry in pipe.execute()]


async def test_a_batch_whose_reply_was_lost_is_read_again(redis_url: str, proxy: Proxy) -> None:
    prefix, server = f"lost-{time.time_ns()}:", redis.Redis.from_url(redis_url)
    follower = Follower(f"redis://127.0.0.1:{proxy.port}/0", prefix)
    ids = fill(server, f"{prefix}bars", ENTRIES // 2)
    deadline = time.monotonic() + SECONDS_MAX

    def over() -> bool:
        return len(follower.taken) >= ENTRIES or time.monotonic() > deadline

    async def hurt() -> None:
        await come_about(lambda: len(follower.taken) >= ENTRIES // 2)
        proxy.lose_replies(1, b"XREADGROUP")
        ids.extend(fill(server, f"{prefix}bars", ENTRIES // 2))

    await asyncio.gather(follower.follow(over), hurt())
    assert proxy.lost == 1
    assert follower.taken == ids
    assert follower.lives == 2, "a lost reply ends the life"


async def test_a_server_that_has_forgotten_a_room_has_not_replaced_it(redis_url: str) -> None:
    prefix, server = f"empty-{time.time_ns()}:", redis.Redis.from_url(redis_url)
    session = Session(redis_url, room="follower", prefix=prefix, families=(), wanted=())
    for _ in range(3):
        await session.begin()
    await session.hold()
    server.hset(f"{prefix}room:follower", "generation", 2)
    with pytest.raises(Unavailable):
        await session.hold()
    server.delete(f"{prefix}room:follower")
    with pytest.raises(Unavailable):
        await session.commit(Commit(outputs=[]))
    server.hset(f"{prefix}room:follower", "generation", 4)
    with pytest.raises(Fenced):
        await session.hold()
    with pytest.raises(Fenced):
        await session.commit(Commit(outputs=[]))
    await session.end()
    server.close()


async def test_a_process_that_was_replaced_cannot_even_announce(redis_url: str) -> None:
    prefix, server = f"told-{time.time_ns()}:", redis.Redis.from_url(redis_url)
    old, new = (
        Session(redis_url, room="risk", prefix=prefix, families=(), wanted=()) for _ in range(2)
    )
    halted = TradingHalted(id="halted:file:1", at=EARLIEST, by="file", reason="enough")
    await old.begin()
    await new.begin()
    with pytest.raises(Fenced):
        await old.announce(halted)
    assert server.xlen(f"{prefix}control") == 0
    await new.announce(halted)
    assert server.xlen(f"{prefix}control") == 1
    for session in (old, new):
        await session.end()
    server.close()


async def test_a_server_without_room_is_gone_and_not_a_crash(redis_url: str) -> None:
    prefix, server = f"room-{time.time_ns()}:", redis.Redis.from_url(redis_url)
    session = Session(redis_url, room="risk", prefix=prefix, families=(), wanted=())
    await session.begin()
    server.config_set("maxmemory", 1)
    try:
        with pytest.raises(redis.RedisError) as refused:
            await session.commit(Commit(outputs=[]))
    finally:
        server.config_set("maxmemory", 0)
    assert is_redis_gone(refused.value)
    await session.commit(Commit(outputs=[]))
    await session.end()
    server.close()


@pytest.mark.parametrize(
    ("error", "gone"),
    [
        (redis.ResponseError("MISCONF Errors writing to the AOF file: No space left"), True),
        (redis.ConnectionError("refused"), True),
        (ConnectionResetError(), True),
        (redis.ResponseError("ERR unknown command"), False),
        (ValueError("a defect of ours"), False),
    ],
)
def test_what_counts_as_a_server_that_is_gone(error: Exception, gone: bool) -> None:
    assert is_redis_gone(error) is gone
