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
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

import uvloop
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from trimtab_common.events import RoomReported, family_of, instant
from trimtab_runtime import logs
from trimtab_runtime.delivery.commit import Commit
from trimtab_runtime.delivery.life import Life, Room, Unavailable
from trimtab_runtime.delivery.session import Fenced, Session, connect
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
        self._log = logs.logger(room.name)
        self._waiting_for: str | None = None
        self._session: Session | None = None
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
        except (RedisConnectionError, RedisTimeoutError, ConnectionError) as error:
            self._log.warning("Redis is gone; ending to begin anew", reason=str(error))
            return GONE
        except Unavailable as error:
            self._log.warning("ending to begin anew", reason=str(error))
            return GONE
        except Exception:  # noqa: BLE001 - the one place where the unexpected ends a room
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
        self._metrics.generation.set(session.generation)
        self._log.info("recovering", generation=session.generation, commits=session.sequence)
        reporting = asyncio.create_task(self._report(session))
        try:
            await live(self._room, session, self._life)
        finally:
            reporting.cancel()
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
        self._log.info("ready")

    def _count(self, commit: Commit, seconds: float) -> None:
        metrics = self._metrics
        metrics.commit_seconds.observe(seconds)
        for (family, kind), count in Counter(
            (family_of(event), type(event).__name__) for event in commit.outputs
        ).items():
            metrics.events_produced.labels(family, kind).inc(count)
        for stream, entries in commit.taken.items():
            family = stream.removeprefix(self._settings.stream_prefix)
            metrics.events_consumed.labels(family, "any").inc(len(entries))
        for entry in commit.dead:
            self._log.error("dead letter", stream=entry.stream, entry=entry.id, reason=entry.dead)
            metrics.entries_dead.labels(entry.stream).inc()
        for family, _ in commit.runs:
            if family == "!":
                metrics.marks_forced.labels("any").inc()

    def _describe(self) -> dict[str, Any]:
        session = self._session
        if session is None:
            return {}
        held = session.held()
        for family, count in held.items():
            self._metrics.inbox_entries.labels(family).set(count)
        return {
            "generation": session.generation,
            "commits": session.sequence,
            "waiting_entries": held,
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
