"""Composition root: the only place in this room where real things are made."""

from __future__ import annotations

from trimtab_recorder.adapters.database import SqlRecord
from trimtab_recorder.adapters.streams import RedisStreams
from trimtab_recorder.core.trimming import Milestones
from trimtab_recorder.metrics import RecorderMetrics
from trimtab_recorder.ports import Streams
from trimtab_recorder.room import RecorderRoom
from trimtab_recorder.settings import Settings
from trimtab_runtime.delivery.life import Room
from trimtab_runtime.delivery.session import Session
from trimtab_runtime.health import HealthBoard
from trimtab_runtime.metrics import RoomMetrics


def build(settings: Settings, board: HealthBoard, metrics: RoomMetrics) -> Room:
    """The recorder, from its settings."""
    room = RecorderRoom(
        SqlRecord(settings.database_address(), busy_seconds=settings.database_busy_seconds),
        _streams,
        milestones=Milestones(settings.keep),
        trim_interval_seconds=settings.trim_interval_seconds,
        metrics=RecorderMetrics(metrics),
    )
    board.register("streams", room.complaint)
    return room


def _streams(session: Session) -> Streams:
    return RedisStreams(session.redis, session.keys)
