"""FastStream's part: it reads a room's streams in batches and hands them on, unread."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from faststream import AckPolicy
from faststream.redis import RedisBroker, StreamSub
from faststream.redis.message import RedisBatchStreamMessage
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

SOCKET_TIMEOUT_SECONDS = 8
BLOCK_MILLISECONDS = 200
READ_COUNT = 200

Batch = Sequence[tuple[bytes, Mapping[bytes, bytes]]]
"""The ids of entries and their fields, in the order of the stream."""
Take = Callable[[Batch], Awaitable[None]]


class _Stream(StreamSub):
    """A stream by its full name. FastStream would copy it deeply at each read to put a prefix."""

    def add_prefix(self, prefix: str) -> _Stream:
        return self


class _Complaints:
    """FastStream's logger. What it says as an error, it would otherwise try again in silence."""

    def __init__(self, on_failure: Callable[[BaseException], None]) -> None:
        self._on_failure = on_failure

    def log(
        self,
        level: int,
        msg: Any,
        /,
        *,
        exc_info: Any = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        """Hear what went wrong; it says much else."""
        del extra
        if level >= logging.ERROR:
            is_error = isinstance(exc_info, BaseException)
            self._on_failure(exc_info if is_error else RuntimeError(str(msg)))


class Reader:
    """One subscription a stream, each read on only when its last batch was taken.

    A read that fails must never be repeated: the server may have handed entries out in a reply
    that was lost, and the next read would begin behind them. `on_failure` is told of it, and must
    end this reader's life; the next one reads from the cursor, which knows nothing of them.
    """

    def __init__(
        self, url: str, *, group: str, consumer: str, on_failure: Callable[[BaseException], None]
    ) -> None:
        self._group = group
        self._consumer = consumer
        self._broker = RedisBroker(
            url,
            logger=_Complaints(on_failure),
            apply_types=False,  # entries are validated by `read_entry`, once
            socket_timeout=SOCKET_TIMEOUT_SECONDS,
            socket_keepalive=True,
            retry=Retry(NoBackoff(), 0),
        )

    def add(self, stream: str, take: Take) -> None:
        """Read a stream too, once started."""

        async def on_batch(batch: Any) -> None:
            await take(list(zip(batch["message_ids"], batch["data"], strict=True)))

        where = _Stream(
            stream,
            group=self._group,
            consumer=self._consumer,
            batch=True,
            max_records=READ_COUNT,
            polling_interval=BLOCK_MILLISECONDS,
        )
        self._broker.subscriber(
            stream=where, ack_policy=AckPolicy.MANUAL, parser=_parser, decoder=_decoder
        )(on_batch)

    async def start(self) -> None:
        await self._broker.start()

    async def stop(self) -> None:
        await self._broker.stop()


async def _parser(message: Any) -> RedisBatchStreamMessage:
    return RedisBatchStreamMessage(
        raw_message=message,
        body=b"",
        consumer=None,  # type: ignore[arg-type]  # only used to acknowledge, which we do
        group=None,
    )


async def _decoder(message: Any) -> Any:
    return message.raw_message
