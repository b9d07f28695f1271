"""The courier: a process of its own that hands messages to Apprise and may reach public hosts only.

It reads one request a line from its standard input, delivers it and answers with one line. What
Apprise costs in memory, what a server answers and how long it takes stay inside this process, and
every connection is judged at the moment it is made, whatever a name resolved to before.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import signal
import sys
from collections.abc import Mapping
from typing import Any

from trimtab_alerting.core.addresses import Network, complaint, networks

MEMORY_BYTES_MAX = 1_000_000_000
CONNECT_SECONDS = 5.0
READ_SECONDS = 10.0
REASON_LENGTH_MAX = 200

_CONNECTS = ("socket.connect", "socket.sendto", "socket.sendmsg")
_STARTS_A_PROCESS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork")
_KINDS = {"info": "info", "warning": "warning", "critical": "failure"}


class Guard:
    """Refuses connections from inside the interpreter, where no library can go around it."""

    def __init__(self, allowed: tuple[Network, ...]) -> None:
        self._allowed = allowed
        self.encrypted = False
        """Whether the message at hand is sent encrypted."""
        self.refusal: str | None = None

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in _STARTS_A_PROCESS:
            self._refuse("a message may not start a process")
        if event in _CONNECTS:
            host = arguments[1][0] if isinstance(arguments[1], tuple) else None
            reason = complaint(host, encrypted=self.encrypted, allowed=self._allowed)
            if reason is not None:
                self._refuse(reason)

    def _refuse(self, reason: str) -> None:
        self.refusal = reason
        raise PermissionError(reason)


class LastWords(logging.Handler):
    """Keeps the last complaint of a library that otherwise only says False."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text = record.getMessage()


class Courier:
    """Delivers one message at a time."""

    def __init__(self, guard: Guard, *, verifies: bool) -> None:
        import apprise  # noqa: PLC0415 - only this process pays for it, and only once it delivers

        self._apprise = apprise
        self._asset = apprise.AppriseAsset(
            http_redirects=False,
            storage_mode=apprise.PersistentStoreMode.MEMORY,
            image_url_mask="",
            app_id="Trimtab",
            app_desc="Trimtab",
            app_url="",
        )
        self._guard = guard
        self._verifies = verifies
        self._words = LastWords()
        library = logging.getLogger("apprise")
        library.handlers, library.propagate = [self._words], False

    def deliver(self, request: Mapping[str, str]) -> str:
        """Try once; returns why it failed, or nothing."""
        self._forget()
        plugin: Any = self._apprise.Apprise.instantiate(request["url"], asset=self._asset)
        if plugin is None:
            return "Apprise does not understand this address"
        plugin.redirects = False
        plugin.socket_connect_timeout, plugin.socket_read_timeout = CONNECT_SECONDS, READ_SECONDS
        plugin.verify_certificate = plugin.verify_certificate or self._verifies
        self._guard.encrypted = bool(plugin.secure) or plugin.protocol is None
        if plugin.secure_protocol is None:
            return f"{request['url'].partition(':')[0]}:// stays on this machine or is unencrypted"
        if "check" in request:
            return ""
        try:
            sent = plugin.notify(
                title=request["title"],
                body=request["body"],
                notify_type=_KINDS[request["severity"]],
                body_format=self._apprise.NotifyFormat.TEXT,
            )
        except Exception as error:  # noqa: BLE001 - some hundred plugins of others; told as a reason
            return self._guard.refusal or f"{type(error).__name__}: {error}"
        return "" if sent else self._guard.refusal or self._words.text or "it was not accepted"

    def _forget(self) -> None:
        """What went wrong before says nothing about this message."""
        self._words.text, self._guard.refusal = "", None


def run() -> None:
    """Serve until the standard input ends."""
    limit_seconds = int(sys.argv[1])
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # plugins may print
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
    allowed = networks(sys.argv[2])
    guard = Guard(allowed)
    courier = Courier(guard, verifies=not allowed)
    sys.addaudithook(guard)
    for line in sys.stdin:
        signal.alarm(limit_seconds)  # the end of this process, should nobody be there to end it
        failure = courier.deliver(json.loads(line))[:REASON_LENGTH_MAX]
        signal.alarm(0)
        replies.write(json.dumps({"failure": failure}) + "\n")
        replies.flush()


if __name__ == "__main__":
    run()
