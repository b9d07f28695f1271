"""The embedded server as a supervised process."""

from __future__ import annotations

from trimtab.supervisor.restarts import Again, Restarts
from trimtab_runtime import embedded
from trimtab_runtime.home import Home


class Server:
    """Starts it, and starts it again on the same port and data when it dies."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._running: embedded.EmbeddedServer | None = None
        self.restarts = Restarts()
        self._due: float | None = None
        self.given_up = False
        self.starts = 0

    @property
    def pid(self) -> int | None:
        return self._running.process.pid if self._running is not None and self.alive else None

    @property
    def port(self) -> int | None:
        return self._running.address.port if self._running is not None else None

    @property
    def alive(self) -> bool:
        return self._running is not None and self._running.is_running()

    def start(self) -> None:
        """Start and wait until it answers; raises embedded.ServerFailed."""
        self._running = embedded.start(self._home)
        self.starts += 1

    def step(self, now: float) -> str | None:
        """Look after the server once; returns what the owner should be told."""
        if self.given_up or self._running is None or self.alive:
            return None
        if self._due is None:
            decision = self.restarts.ended(self._running.process.returncode or -1, now)
            if not isinstance(decision, Again):
                self.given_up = True
                return f"{decision.why}; it is not started again. See {self._home.redis}/server.log"
            self._due = now + decision.pause_seconds
            return f"the server {decision.why}; starting it again in {decision.pause_seconds:g} s"
        if now < self._due:
            return None
        self._due = None
        return self._start_again()

    def stop(self) -> None:
        """Let it write down what it knows and end."""
        if self._running is not None:
            self._running.stop()
            self._running = None

    def _start_again(self) -> str:
        server = self._running
        if server is None:
            return "there is no server to start again"
        try:
            server.restart()
        except embedded.ServerFailed as failed:
            return f"the server could not be started again: {failed}"
        self.starts += 1
        return "the server runs again, on the same port and data"
