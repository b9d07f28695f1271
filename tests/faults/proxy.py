"""A TCP proxy that stands between clients and a server, and can lose what goes through it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

CHUNK_BYTES = 65_536
ASKED_BYTES_MAX = 4_096
EMPTY_REPLIES = (b"*-1\r\n", b"$-1\r\n", b"_\r\n")


@dataclass(eq=False)
class _Line:
    """One client's connection to the server."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    swallows: bool = False
    asked: bytes = b""

    def close(self) -> None:
        self.client.close()
        self.server.close()


class Proxy:
    """Passes everything on until told otherwise. Runs in a thread of its own."""

    def __init__(self, port: int, target: Callable[[], tuple[str, int]]) -> None:
        self.port = port
        self.lost = 0
        """How many replies were lost so far."""
        self.to_lose = 0
        self._target = target
        self._lines: set[_Line] = set()
        self._swallows_new = False
        self._lose_after = b""
        self._loop = asyncio.new_event_loop()
        self._serving = threading.Event()
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)

    def __enter__(self) -> Proxy:
        self._thread.start()
        assert self._serving.wait(10), "the proxy did not start"
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def swallow(self, *, new_ones_too: bool) -> None:
        """Keep every connection open and throw away what comes through it, both ways."""
        self._swallows_new = new_ones_too

        def mute() -> None:
            for line in self._lines:
                line.swallows = True

        self._in_loop(mute)

    def pass_on(self) -> None:
        """Connections that are made from now on work; the others stay as they are."""
        self._swallows_new = False

    def lose_replies(self, count: int, asked: bytes) -> None:
        """Take the next replies that hold something from the server, and break their connections.

        `asked`: only those to a request with these bytes in it.
        """
        self.to_lose, self._lose_after = count, asked

    def _in_loop(self, work: Callable[[], Any]) -> None:
        done = threading.Event()

        def run() -> None:
            work()
            done.set()

        self._loop.call_soon_threadsafe(run)
        assert done.wait(10), "the proxy is stuck"

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._serve())
        self._loop.run_forever()
        self._listening.close()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.run_until_complete(asyncio.sleep(0.05))
        self._loop.close()

    async def _serve(self) -> None:
        self._listening = await asyncio.start_server(self._take, "127.0.0.1", self.port)
        self._serving.set()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            their_reader, their_writer = await asyncio.open_connection(*self._target())
        except OSError:
            writer.close()
            return
        line = _Line(writer, their_writer, swallows=self._swallows_new)
        self._lines.add(line)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._requests(line, reader))
                tasks.create_task(self._replies(line, their_reader))
        except* (OSError, _Broken):
            pass
        finally:
            self._lines.discard(line)
            line.close()

    async def _requests(self, line: _Line, reader: asyncio.StreamReader) -> None:
        while data := await reader.read(CHUNK_BYTES):
            line.asked = (line.asked + data)[:ASKED_BYTES_MAX]
            if not line.swallows:
                line.server.write(data)
                await line.server.drain()
        raise _Broken

    async def _replies(self, line: _Line, reader: asyncio.StreamReader) -> None:
        while data := await reader.read(CHUNK_BYTES):
            if self._loses(line, data):
                self.lost += 1
                raise _Broken
            line.asked = b""
            if not line.swallows:
                line.client.write(data)
                await line.client.drain()
        raise _Broken

    def _loses(self, line: _Line, data: bytes) -> bool:
        if not self.to_lose or self._lose_after not in line.asked or data in EMPTY_REPLIES:
            return False
        self.to_lose -= 1
        return True


class _Broken(Exception):
    """One end has closed the connection."""
