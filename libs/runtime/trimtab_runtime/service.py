"""The process of a room: endpoints first, then Redis, then its life, and one way to end.

A room serves HTTP before it has Redis and says there what it waits for. It ends with 0 when it was
told to, with GONE when Redis is gone (no crash: the supervisor starts it again and it waits), with
REPLACED when another process has taken the room over, and with 1 for everything unexpected.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

import uvloop
from redis.exceptions import RedisError

from trimtab_common.events import RoomReported, instant
from trimtab_runtime import logs
from trimtab_runtime.delivery.beside import live_beside
from trimtab_runtime.delivery.commit import Commit
from trimtab_runtime.delivery.endings import Fenced, Unavailable, is_redis_gone
from trimtab_runtime.delivery.keys import Keys
from trimtab_runtime.delivery.life import Life, Room
from trimtab_runtime.delivery.metrics import DeliveryMetrics
from trimtab_runtime.delivery.session import Session, connect
from trimtab_runtime.delivery.standing import standings
from trimtab_runtime.delivery.watch import live
from trimtab_runtime.errors import ConfigError
from trimtab_runtime.health import HealthBoard, Impact
from trimtab_runtime.http_server import PortTaken, RoomServer, create_app
from trimtab_runtime.metrics import RoomMetrics
from trimtab_runtime.settings import RoomSettings

WRONG_USE = 2
GONE = 75
REPLACED = 76
REPORT_SECONDS = 5.0
MEASURE_SECONDS = 5.0
RETRY_SECONDS = 0.5
STOP_SECONDS = 15.0

SettingsT = TypeVar("SettingsT", bound=RoomSettings)
Build = Callable[[SettingsT, HealthBoard, RoomMetrics], Room]


def main(settings_type: type[SettingsT], build: Build[SettingsT]) -> None:
    """Run a room until it is told to stop; the process ends here."""
    try:
        settings = settings_type.read()
        logs.configure(settings)
        board = HealthBoard(settings.room, release=settings.release, mode=settings.mode.value)
        metrics = RoomMetrics(settings.room, settings.release, settings.mode.value)
        room = build(settings, board, metrics)
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(WRONG_USE)
    # Never closed: closing it waits for threads that may be waiting themselves.
    runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
    code = runner.run(Service(settings, room, board, metrics).run())
    sys.stderr.flush()
    # At once: nothing of a replaced or broken process may linger in a thread or a task.
    os._exit(code)


class Service:
    """Everything around a room's own work."""

    def __init__(
        self, settings: RoomSettings, room: Room, board: HealthBoard, metrics: RoomMetrics
    ) -> None:
        self._settings = settings
        self._room = room
        self._board = board
        self._metrics = metrics
        self._delivery = DeliveryMetrics(
            metrics, room.name, Keys(settings.stream_prefix), room.families
        )
        self._log = logs.logger(room.name)
        self._waiting_for: str | None = None
        self._session: Session | None = None
        self._subscribed = asyncio.Event()
        self._work = board.heartbeat("main_loop")
        self._life = Life(on_progress=self._work.beat, on_ready=self._ready, on_commit=self._count)
        board.describe = self._describe
        board.register(
            "redis", lambda: self._waiting_for, impact=Impact.UNHEALTHY, affects_readiness=True
        )

    async def run(self) -> int:
        """Serve and live; returns the exit code."""
        server = RoomServer(
            create_app(self._board, self._metrics),
            self._board,
            self._metrics,
            host=self._settings.http_host,
            port=self._settings.http_port,
        )
        self._listen_to_signals()
        try:
            await server.start()
            self._log.info("serving", port=server.port)
            await self._begin_and_live()
        except PortTaken as error:
            self._log.error(str(error))
            return WRONG_USE
        except Fenced as error:
            self._log.warning("replaced by a newer process", reason=str(error))
            return REPLACED
        except Unavailable as error:
            self._log.warning("ending to begin anew", reason=str(error))
            return GONE
        except Exception as error:  # noqa: BLE001 - the one place where the unexpected ends a room
            if is_redis_gone(error):
                self._log.warning("Redis is gone; ending to begin anew", reason=str(error))
                return GONE
            self._log.exception("the room broke; nothing is committed of what it was doing")
            return 1
        self._log.info("stopped")
        await server.stop()
        return 0

    def _listen_to_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)

    def _stop(self) -> None:
        self._log.info("stopping: finishing what was begun")
        self._life.stop()
        asyncio.get_running_loop().call_later(STOP_SECONDS, os._exit, 1)

    async def _begin_and_live(self) -> None:
        url = await self._redis()
        if url is None:
            return
        self._session = session = Session(
            url,
            room=self._room.name,
            prefix=self._settings.stream_prefix,
            families=self._room.families,
            wanted=self._room.wanted,
            linger_seconds=self._room.linger_seconds,
        )
        await session.begin()
        self._delivery.follow(session)
        self._log.info("recovering", generation=session.generation, commits=session.sequence)
        life = live(self._room, session, self._life)
        await live_beside(life, self._report(session), self._measure(session))
        await session.end()

    async def _redis(self) -> str | None:
        """Wait until Redis answers; None when told to stop meanwhile."""
        while not self._life.stopping:
            self._work.beat()
            url = self._settings.redis_address()
            if url is None:
                self._waiting_for = "no address: set TRIMTAB_REDIS_URL or start `trimtab up`"
            else:
                client = connect(url)
                try:
                    await client.ping()
                except RedisError as error:
                    self._waiting_for = f"it does not answer: {error}"
                else:
                    self._waiting_for = None
                    return url
                finally:
                    await client.aclose()
            await asyncio.sleep(RETRY_SECONDS)
        return None

    def _ready(self) -> None:
        self._board.started()
        self._subscribed.set()
        self._log.info("ready")

    def _count(self, commit: Commit, seconds: float) -> None:
        self._delivery.count(commit, seconds)
        for entry in commit.dead:
            self._log.error("dead letter", stream=entry.stream, entry=entry.id, reason=entry.dead)

    def _describe(self) -> dict[str, Any]:
        session = self._session
        if session is None:
            return {}
        return {
            "generation": session.generation,
            "commits": session.sequence,
            "waiting_entries": session.held(),
            **self._room.info(),
        }

    async def _report(self, session: Session) -> None:
        """Tell the others how this room fares, every few seconds."""
        while True:
            report = self._board.report()
            now = datetime.now(UTC)
            await session.announce(
                RoomReported(
                    id=f"health:{self._room.name}:{session.generation}:{instant(now)}",
                    at=now,
                    room=self._room.name,
                    health=report.health,
                    reasons=tuple(reason[:500] for reason in report.reasons),
                    generation=session.generation,
                    release=self._settings.release,
                    row_at=None,
                )
            )
            await asyncio.sleep(REPORT_SECONDS)

    async def _measure(self, session: Session) -> None:
        """Note every few seconds how far the room is behind each of its streams."""
        await self._subscribed.wait()
        while True:
            self._delivery.stand(await standings(session), time.time())
            await asyncio.sleep(MEASURE_SECONDS)
