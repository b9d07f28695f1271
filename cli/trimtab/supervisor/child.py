"""One supervised process: started, watched, ended, started again."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from trimtab.supervisor.plan import RoomPlan
from trimtab.supervisor.restarts import Again, Crashing, Decision, Restarts
from trimtab_runtime.home import PRIVATE_FILE_MODE, Home, write_private
from trimtab_runtime.processes import start_tied

END_PATIENCE_SECONDS = 20.0
"""A room gives itself 15 s to finish what it has begun."""
OUTPUT_BYTES_MAX = 2_000_000


class State(StrEnum):
    """Where a supervised process stands."""

    RUNNING = "running"
    ENDING = "ending"
    WAITING = "waiting"
    GIVEN_UP = "given up"
    REPLACED = "replaced"
    STOPPED = "stopped"


class Child:
    """A room's process. Every time is in monotonic seconds."""

    def __init__(
        self,
        plan: RoomPlan,
        home: Home,
        environment: Mapping[str, str],
        folder: Path | None,
    ) -> None:
        self.plan = plan
        self.state = State.STOPPED
        self.process: subprocess.Popen[bytes] | None = None
        self.started_at = 0.0
        self.starts = 0
        self.last_ending = ""
        self.last_code: int | None = None
        self.restarts = Restarts()
        self._environment = {**environment, **plan.environment}
        self._folder = folder
        self._pid_file = home.run / f"{plan.name}.pid"
        self._output = home.logs / f"{plan.name}.stderr"
        self._output_begin = 0
        self._due = 0.0
        """When it is to be started again, or killed because it does not end."""
        self._wanted_again = False

    @property
    def name(self) -> str:
        return self.plan.name

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process is not None and self.alive else None

    @property
    def alive(self) -> bool:
        return self.state in (State.RUNNING, State.ENDING)

    def start(self, now: float) -> None:
        """Start the process; it is killed by the kernel when this one dies."""
        descriptor = os.open(
            self._output, os.O_WRONLY | os.O_CREAT | os.O_APPEND, PRIVATE_FILE_MODE
        )
        with os.fdopen(descriptor, "ab") as output:
            self._output_begin = output.seek(0, os.SEEK_END)
            # A room survives SIGKILL by design, and only SIGKILL is certain to end a stuck one.
            self.process = start_tied(
                self.plan.command,
                output=output,
                folder=self._folder,
                environment=self._environment,
                end_signal=signal.SIGKILL,
            )
        write_private(self._pid_file, f"{self.process.pid}\n")
        self.state = State.RUNNING
        self.started_at = now
        self.starts += 1

    def step(self, now: float) -> str | None:
        """Look after the process once; returns what the owner should be told, if anything."""
        if self.alive:
            return self._look(now)
        if self.state is State.WAITING and now >= self._due:
            self.start(now)
            return "started again"
        return None

    def end(self, now: float, *, again: bool) -> None:
        """Ask the process to end; `again` starts it anew afterwards, whatever it did before."""
        self._wanted_again = again
        if again:
            self.restarts.forget()
        if self.alive and self.process is not None:
            self.state = State.ENDING
            self._due = now + END_PATIENCE_SECONDS
            self.process.terminate()
        elif again:
            self.state = State.WAITING
            self._due = now
        else:
            self.state = State.STOPPED

    def kill(self) -> None:
        """End the process and whatever it has started, at once."""
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)

    def wait(self) -> None:
        """Wait for the end of a process that was killed."""
        if self.process is not None:
            self.process.wait()

    def said(self, lines: int = 12) -> list[str]:
        """The last lines that this start of the process wrote to its terminal."""
        try:
            with self._output.open("rb") as file:
                file.seek(self._output_begin)
                text = file.read(OUTPUT_BYTES_MAX).decode("utf-8", "replace")
        except OSError:
            return []
        return text.splitlines()[-lines:]

    def trim_output(self) -> None:
        """The log file is rotated by the room; what it says besides must not grow for ever."""
        if self._output.exists() and self._output.stat().st_size > OUTPUT_BYTES_MAX:
            os.truncate(self._output, 0)
            self._output_begin = 0

    def _look(self, now: float) -> str | None:
        code = self.process.poll() if self.process is not None else 0
        if code is None:
            if self.state is State.ENDING and now >= self._due:
                self.kill()
                self._due = now + END_PATIENCE_SECONDS
                return f"did not end within {END_PATIENCE_SECONDS:.0f} s and was killed"
            return None
        self._pid_file.unlink(missing_ok=True)
        self.last_code = code
        if self.state is State.ENDING:
            return self._ended_as_asked(now)
        return self._follow(self.restarts.ended(code, now), now)

    def _ended_as_asked(self, now: float) -> str | None:
        if not self._wanted_again:
            self.state = State.STOPPED
            return None
        self._wanted_again = False
        self.start(now)
        return "restarted"

    def _follow(self, decision: Decision, now: float) -> str:
        self.last_ending = decision.why
        if isinstance(decision, Again):
            self.state = State.WAITING
            self._due = now + decision.pause_seconds
            return f"{decision.why}; starting it again in {decision.pause_seconds:g} s"
        if isinstance(decision, Crashing):
            self.state = State.GIVEN_UP
            return (
                f"{decision.why}; it is not started again. See `trimtab logs {self.name}`, "
                f"then `trimtab restart {self.name}`"
            )
        self.state = State.REPLACED
        return f"{decision.why}; `trimtab restart {self.name}` takes it back"
