"""A channel to any address that Apprise knows, through a courier process that ends when idle."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable

from pydantic import SecretStr

from trimtab_alerting.core.wording import Message
from trimtab_alerting.ports import Outcome
from trimtab_common.events import AlertRaised

TIMEOUT_SECONDS = 30.0
OWN_VARIABLES = ("TRIMTAB_", "APCA_")
"""What a courier needs no knowledge of: this system's settings and keys."""


class AppriseChannel:
    """One address. A courier that takes too long is ended, and the message is tried again."""

    def __init__(
        self,
        queue: str,
        url: SecretStr,
        *,
        allowed_networks: str,
        redact: Callable[[str], str],
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        self.queue = queue
        self._url = url
        self._allowed_networks = allowed_networks
        self._redact = redact
        self._timeout_seconds = timeout_seconds
        self._courier: Process | None = None

    async def check(self) -> Outcome:
        return await self._ask(check="only")

    async def send(self, alert: AlertRaised, message: Message) -> Outcome:
        return await self._ask(
            title=message.title, body=message.body, severity=message.severity.value
        )

    async def rest(self) -> None:
        courier, self._courier = self._courier, None
        if courier is not None and courier.returncode is None:
            courier.kill()
            await courier.wait()

    async def _ask(self, **request: str) -> Outcome:
        text = json.dumps({"url": self._url.get_secret_value(), **request}) + "\n"
        try:
            async with asyncio.timeout(self._timeout_seconds):
                reply = await self._exchange(text.encode())
        except TimeoutError:
            await self.rest()
            return Outcome(False, f"no answer within {self._timeout_seconds:.0f} s")
        except OSError as error:
            await self.rest()
            return Outcome(False, f"the courier could not be asked: {error.strerror or error}")
        if not reply:
            await self.rest()
            return Outcome(False, "the courier ended without an answer")
        failure = json.loads(reply)["failure"]
        return Outcome(not failure, self._redact(failure))

    async def _exchange(self, request: bytes) -> bytes:
        if self._courier is None or self._courier.returncode is not None:
            self._courier = await self._start()
        courier = self._courier
        if courier.stdin is None or courier.stdout is None:
            raise AssertionError("the courier was started with pipes")
        courier.stdin.write(request)
        await courier.stdin.drain()
        return await courier.stdout.readline()

    async def _start(self) -> Process:
        environment = {
            name: text for name, text in os.environ.items() if not name.startswith(OWN_VARIABLES)
        }
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "trimtab_alerting.adapters.courier",
            str(int(self._timeout_seconds) + 1),
            self._allowed_networks,
            stdin=PIPE,
            stdout=PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=environment,
        )
