"""One socket and the frames that wait for it: nobody else waits for a client that does not read."""

from __future__ import annotations

import asyncio
from collections import deque

from aiohttp import web

FRAMES_MAX = 4_096
CLOSE_PATIENCE_SECONDS = 1.0

Frame = bytes | str


class Connection:
    """A connected client with a bounded queue of frames and a task that sends them."""

    def __init__(
        self, socket: web.WebSocketResponse, transport: asyncio.BaseTransport | None
    ) -> None:
        self._socket = socket
        self._transport = transport
        self._frames: deque[Frame] = deque()
        self._broken = False
        self._more = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._sender = asyncio.create_task(self._send(), name="socket sender")
        self._goodbye: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """How many frames have not been sent yet."""
        return len(self._frames)

    def offer(self, frame: Frame) -> bool:
        """Queue a frame; False where too many wait already, and the client is to be dropped."""
        if self._broken:
            return True
        if len(self._frames) >= FRAMES_MAX:
            return False
        self._frames.append(frame)
        self._idle.clear()
        self._more.set()
        return True

    def abort(self) -> None:
        """Break the connection without a word; what is offered from now on is lost."""
        self._broken = True
        self._frames.clear()
        if isinstance(self._transport, asyncio.Transport):
            self._transport.abort()

    def finish_soon(self) -> None:
        """Close from outside the talk itself."""
        self._goodbye = asyncio.create_task(self.finish(), name="socket goodbye")

    async def finish(self) -> None:
        """Send what waits, and close."""
        try:
            async with asyncio.timeout(CLOSE_PATIENCE_SECONDS):
                await self._idle.wait()
                await self._socket.close()
        except TimeoutError:
            self.abort()

    def drop(self) -> None:
        """Stop sending."""
        self._sender.cancel()

    async def _send(self) -> None:
        while True:
            while self._frames:
                await self._transmit(self._frames.popleft())
            self._idle.set()
            self._more.clear()
            await self._more.wait()

    async def _transmit(self, frame: Frame) -> None:
        try:
            if isinstance(frame, str):
                await self._socket.send_str(frame)
            else:
                await self._socket.send_bytes(frame)
        except ConnectionError:
            # The client has gone; the talk with it ends by itself.
            self._broken = True
            self._frames.clear()
