"""Why a life ends before anybody has asked for it."""

from __future__ import annotations

from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import MasterDownError, OutOfMemoryError, ReadOnlyError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

GONE = (
    RedisConnectionError,
    RedisTimeoutError,
    ConnectionError,
    MasterDownError,
    OutOfMemoryError,
    ReadOnlyError,
)
DISK_IS_FULL = "MISCONF"


class Fenced(RuntimeError):
    """Another process has taken this room over; this one must end at once."""


class Unavailable(RuntimeError):
    """Something outside is missing or busy; nothing is wrong with the entry at hand."""


def is_redis_gone(error: BaseException) -> bool:
    """Whether the server is away, or there and takes no writes: nothing is wrong with the room."""
    disk_is_full = isinstance(error, ResponseError) and str(error).startswith(DISK_IS_FULL)
    return disk_is_full or isinstance(error, GONE)
