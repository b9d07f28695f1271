"""How far a room is behind, as a real server tells it."""

import asyncio
import time

import pytest
import redis.asyncio

from tests.factories import MINUTE, START, bar
from trimtab_common.events import BarClosed, encode
from trimtab_runtime.delivery.commit import Commit
from trimtab_runtime.delivery.inbox import Entry
from trimtab_runtime.delivery.session import INBOX_LIMIT, Session
from trimtab_runtime.delivery.standing import Standing, published_at, standings

pytestmark = pytest.mark.redis


@pytest.fixture
async def world(redis_url, request):
    """A prefix of its own, a client to publish with, and sessions that are ended."""
    prefix = f"{request.node.name[:30]}:"
    client = redis.asyncio.Redis.from_url(redis_url)
    sessions: list[Session] = []
    inbox: list[Entry] = []

    async def publish(count):
        kinds = [encode(bar(START + number * MINUTE)) for number in range(count)]
        pipe = client.pipeline(transaction=False)
        for kind, data in kinds:
            pipe.xadd(f"{prefix}bars", {"type": kind, "data": data})
        return [entry.decode() for entry in await pipe.execute()]

    async def begin():
        session = Session(
            redis_url, room="risk", prefix=prefix, families=("bars",), wanted={BarClosed}
        )
        sessions.append(session)
        await session.begin()
        inbox.clear()
        await session.subscribe(lambda _, entry: inbox.append(entry))
        return session

    yield publish, begin, inbox
    for session in sessions:
        await session.end()
    await client.aclose()


async def until(condition):
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - a list wakes nobody
            await asyncio.sleep(0.01)


async def take(session, entries):
    commit = Commit()
    for entry in entries:
        commit.take(entry)
    await session.commit(commit, state=0)


async def test_nothing_waits_in_an_empty_stream(world):
    _, begin, _ = world
    assert await standings(await begin()) == {"bars": Standing(0, 0, None)}


async def test_what_waits_is_counted_and_its_oldest_entry_known(world):
    publish, begin, inbox = world
    ids = await publish(5)
    session = await begin()
    await until(lambda: len(inbox) == 5)
    assert await standings(session) == {"bars": Standing(0, 5, published_at(ids[0]))}
    await take(session, inbox[:3])
    assert await standings(session) == {"bars": Standing(0, 2, published_at(ids[3]))}
    await take(session, inbox[3:])
    assert await standings(session) == {"bars": Standing(0, 0, None)}
    assert abs(time.time() - published_at(ids[0])) < 60


async def test_a_restarted_room_that_is_far_behind_says_so(world):
    publish, begin, inbox = world
    ids = await publish(2 * INBOX_LIMIT)
    first = await begin()
    await until(lambda: len(inbox) > INBOX_LIMIT)
    await take(first, inbox[:10])
    second = await begin()
    await until(lambda: len(inbox) > INBOX_LIMIT)
    standing = (await standings(second))["bars"]
    assert standing.waiting_since == published_at(ids[10])
    assert standing.pending == len(inbox)
    assert (await standings(first))["bars"].pending == 0, "its group is gone"
