"""Starts the server and the rooms, starts them again when they die, and ends them in order."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from trimtab.exit_codes import WRONG_USE
from trimtab.halt import write_halt
from trimtab.supervisor.child import END_PATIENCE_SECONDS, Child, State
from trimtab.supervisor.plan import EXCHANGE, STOP_ORDER, SystemPlan
from trimtab.supervisor.server import Server
from trimtab.supervisor.status_file import StatusFile
from trimtab.supervisor.watcher import Watcher
from trimtab_runtime.processes import Lock

POLL_SECONDS = 0.1
STATUS_SECONDS = 2.0
PID_FILE = "supervisor.pid"
TRIM_SECONDS = 60.0
STUCK_SECONDS = 30.0
FIRST_ANSWER_SECONDS = 120.0

Say = Callable[[str, str], None]
"""Told (room, sentence) whenever something happens that the owner may want to know."""


class Supervisor:
    """One per home. Everything happens in `step`, in the thread that called `start`.

    That thread must live as long as the rooms should: the kernel kills them when it ends.
    """

    def __init__(self, plan: SystemPlan, say: Say, *, stuck_seconds: float = STUCK_SECONDS) -> None:
        self.plan = plan
        self.children = {
            room.name: Child(room, plan.home, plan.environment, plan.folder) for room in plan.rooms
        }
        self.watcher = Watcher(plan.ports)
        self.server = Server(plan.home) if plan.embedded else None
        self.state = "starting"
        self.say = say
        self._stuck_seconds = stuck_seconds
        self._lock: Lock | None = None
        self._status = StatusFile(self)
        self._next_status = 0.0
        self._next_trim = 0.0

    # ------------------------------------------------------------------ beginning

    def lock(self) -> None:
        """Become the one supervisor of this home. Raises Held where there is another."""
        home = self.plan.home
        home.made(home.logs)
        self._lock = Lock(home.made(home.run) / PID_FILE)

    def unlock(self) -> None:
        """Let another supervisor have this home."""
        if self._lock is not None:
            os.truncate(self.plan.home.run / PID_FILE, 0)
            self._lock.release()
            self._lock = None

    def start(self) -> None:
        """Start everything, after `lock`. Raises ServerFailed where the server does not start."""
        try:
            self._start_all()
        except BaseException:
            self.stop()
            raise

    def _start_all(self) -> None:
        for left_over in self.plan.home.run.glob("*.restart"):
            left_over.unlink(missing_ok=True)
        if self.server is not None:
            self.server.start()
        now = time.monotonic()
        for child in self.children.values():
            child.start(now)
        self.watcher.start()
        self._write_status(now)

    def waiting_for(self) -> list[str]:
        """The rooms that are not ready yet."""
        return [name for name in self.children if not self.watcher.sight(name).ready]

    def refused_rooms(self) -> list[Child]:
        """Rooms that have ended because of their settings: starting them again is no use."""
        return [child for child in self.children.values() if child.last_code == WRONG_USE]

    # --------------------------------------------------------------------- going on

    def step(self) -> None:
        """Look after everything once; returns quickly."""
        now = time.monotonic()
        if self.server is not None and (told := self.server.step(now)):
            self.say("server", told)
            if self.server.given_up:
                self._halt(f"the embedded server: {told}")
        for child in self.children.values():
            self._look_after(child, now)
        if self.state == "starting" and not self.waiting_for():
            self.state = "running"
            self._next_status = now
        if now >= self._next_trim:
            self._next_trim = now + TRIM_SECONDS
            for child in self.children.values():
                child.trim_output()
        if now >= self._next_status:
            self._write_status(now)

    def restart(self, name: str) -> None:
        """End a room and start it again, even one that was given up."""
        self.children[name].end(time.monotonic(), again=True)

    def _look_after(self, child: Child, now: float) -> None:
        request = self.plan.home.run / f"{child.name}.restart"
        if request.exists():
            request.unlink(missing_ok=True)
            self.say(child.name, "restarting, as asked")
            child.end(now, again=True)
        if child.state is State.RUNNING and (why := self._stuck(child, now)):
            self.say(child.name, f"{why}; killing it")
            child.kill()
            child.wait()
        before = child.state
        if told := child.step(now):
            self.say(child.name, told)
            self._next_status = now
        if child.state is State.GIVEN_UP and before is not State.GIVEN_UP:
            self._halt(f"room {child.name}: {child.last_ending}")

    def _stuck(self, child: Child, now: float) -> str | None:
        """Why a running process does no work any more, as far as can be seen from outside."""
        sight = self.watcher.sight(child.name)
        if sight.seen_at is None or sight.seen_at < child.started_at:
            silent = now - child.started_at
            is_dead = silent > FIRST_ANSWER_SECONDS
            return f"it has not answered for {silent:.0f} s" if is_dead else None
        if now - sight.seen_at > self._stuck_seconds:
            return f"it has not answered for {now - sight.seen_at:.0f} s"
        if sight.stuck_since is not None and now - sight.stuck_since > self._stuck_seconds:
            return f"it is stuck ({'; '.join(sight.reasons)})"
        return None

    def _halt(self, reason: str) -> None:
        """Stop trading by the file that every room respects, whatever else is broken."""
        if not self.plan.home.halt.exists():
            write_halt(self.plan.home, by="supervisor", reason=reason)
        self.say("supervisor", f"trading is HALTED: {reason}. `trimtab resume` lifts it")

    def _write_status(self, now: float) -> None:
        self._next_status = now + STATUS_SECONDS
        self._status.write()

    # ------------------------------------------------------------------------ ending

    def stop(self, *, hurry: Callable[[], bool] = lambda: False) -> None:
        """End every process, producers first and the exchange last; `hurry` kills what is left."""
        self.state = "stopping"
        self._write_status(time.monotonic())
        self.watcher.stop()
        for wave in self._waves():
            self._end_wave(wave, hurry)
        if self.server is not None:
            self.server.stop()
        self.state = "stopped"
        if self._lock is not None:
            self._write_status(time.monotonic())
            self.unlock()

    def _waves(self) -> list[list[Child]]:
        """Who ends together: the rooms one after the other, then all others, the exchange last."""
        named = [name for name in STOP_ORDER[:-1] if name in self.children]
        others = [name for name in self.children if name not in STOP_ORDER]
        last = [EXCHANGE] if EXCHANGE in self.children else []
        waves = [[name] for name in named] + ([others] if others else []) + [[n] for n in last]
        return [[self.children[name] for name in wave] for wave in waves]

    def _end_wave(self, wave: list[Child], hurry: Callable[[], bool]) -> None:
        now = time.monotonic()
        for child in wave:
            child.end(now, again=False)
        until = now + 2 * END_PATIENCE_SECONDS
        while any(child.alive for child in wave) and time.monotonic() < until:
            for child in wave:
                if hurry():
                    child.kill()
                if told := child.step(time.monotonic()):
                    self.say(child.name, told)
            time.sleep(POLL_SECONDS / 5)
