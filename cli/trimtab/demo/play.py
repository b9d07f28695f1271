"""The demo while it runs: wait for the rooms, watch, stop the rows, let everything finish."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from trimtab.demo.display import Display
from trimtab.demo.drain import drain
from trimtab.demo.exchange import Exchange
from trimtab.demo.report import Report, report
from trimtab.demo.scene import Scene
from trimtab.demo.tail import Tail
from trimtab.demo.view import View, Viewer
from trimtab.failure import Failure, answer_is_no
from trimtab.run_system import Asked
from trimtab.streams import Streams
from trimtab.supervisor.child import Child, State
from trimtab.supervisor.plan import EXCHANGE
from trimtab.supervisor.supervisor import POLL_SECONDS, Supervisor
from trimtab.supervisor.watcher import Sight, look

VIEW_SECONDS = 0.5
START_SECONDS_MAX = 180.0
CRASHES_AT_START_MAX = 2
PREFIX = "trimtab:"
STARTING = "The rooms are starting; this takes some seconds. Ctrl-C ends it."
PLAYING = "Ctrl-C stops the rows, lets everything finish, and counts."
ENDING = "Ending every process."
FINISHING = "No more rows: everything that was begun is finished. Ctrl-C again skips that."


class Play:
    """One demo. The supervisor has begun and is looked after from here."""

    def __init__(self, scene: Scene, supervisor: Supervisor, screen: Display, asked: Asked) -> None:
        self._scene = scene
        self._supervisor = supervisor
        self._screen = screen
        self._asked = asked
        self._exchange = Exchange(scene.plan.ports[EXCHANGE])
        self._viewer = Viewer(scene, supervisor, self._exchange)
        self._tail: Tail | None = None
        self._next_view = 0.0
        self._view: View | None = None

    def play(self, seconds: float | None) -> Report:
        """Run for so many seconds from all rooms ready, or to the end of the data, or Ctrl-C."""
        self._wait_until_ready()
        streams = Streams(
            self._scene.plan.home.redis_url.read_text(encoding="utf-8").strip(), PREFIX
        )
        self._tail = Tail(streams)
        self._tail.start()
        try:
            started = time.monotonic()
            first = self._exchange.state()
            self._watch(None if seconds is None else started + seconds)
            self._exchange.stop()
            left = self._drain(streams)
            told = self._told(first, time.monotonic() - started)
            self._tail.finish()
            return self._report(self._tail.counts, left, told)
        finally:
            self._tail.stop()
            streams.close()
            self._screen.say(ENDING)
            self._screen.close()

    def _tick(self, phase: str) -> None:
        """Look after the processes, and now and then show how things are."""
        self._supervisor.step()
        if time.monotonic() >= self._next_view:
            self._view = self._viewer.view(phase, self._tail)
            self._screen.show(self._view)
            self._next_view = time.monotonic() + VIEW_SECONDS

    def _wait_until_ready(self) -> None:
        until = time.monotonic() + START_SECONDS_MAX
        while self._supervisor.waiting_for():
            self._tick(STARTING)
            if self._asked.times:
                raise answer_is_no("Ended before all rooms were ready.")
            refused = self._supervisor.refused_rooms()
            for child in self._supervisor.children.values():
                if child.restarts.crashes >= CRASHES_AT_START_MAX or child in refused:
                    raise _cannot_start(child)
            if time.monotonic() > until:
                raise answer_is_no(
                    f"Not ready after {START_SECONDS_MAX:.0f} s: {self._who_is_not_ready()}."
                )
            time.sleep(POLL_SECONDS)

    def _who_is_not_ready(self) -> str:
        sights = {
            name: self._supervisor.watcher.sight(name) for name in self._supervisor.waiting_for()
        }
        return ", ".join(f"{name} ({'; '.join(s.reasons)})" for name, s in sights.items())

    def _watch(self, until: float | None) -> None:
        """Until the time, the data or the owner's patience is over, or a room is given up."""
        while not self._asked.times and (until is None or time.monotonic() < until):
            self._tick(PLAYING)
            if self._view is not None and 0 < self._view.rows_total <= self._view.rows:
                return
            if self._is_broken():
                return
            time.sleep(POLL_SECONDS)

    def _is_broken(self) -> bool:
        """Whether a room was given up: nothing will ever finish."""
        return any(child.state is State.GIVEN_UP for child in self._supervisor.children.values())

    def _drain(self, streams: Streams) -> str | None:
        before = self._asked.times

        def has_lost_patience() -> bool:
            self._tick(FINISHING)
            return self._asked.times > before or self._is_broken()

        return drain(streams, self._exchange, has_lost_patience)

    def _told(self, first: dict[str, Any], seconds: float) -> dict[str, Any]:
        last = self._exchange.state()
        rows = last["rows_opened"] - first["rows_opened"]
        return {
            "seconds": round(seconds, 3),
            "rows_per_second": round(rows / seconds, 2),
            "speed": self._scene.speed,
            "data": last["source"],
            "market": self._scene.market.description,
            "label": last["label"],
            "from": last["first_row"],
            "to": last["opened"],
            "start_equity": self._viewer.start_equity or first["equity"],
        }

    def _report(self, counts: Mapping[str, int], left: str | None, told: dict[str, Any]) -> Report:
        children = self._supervisor.children
        sights: dict[str, Sight] = {
            name: look(name, child.plan.port) for name, child in children.items()
        }
        return report(
            counts=dict(counts),
            exchange=self._exchange,
            sights=sights,
            left_over=left,
            crashes={name: child.restarts.crashes for name, child in children.items()},
            told=told,
        )


def _cannot_start(child: Child) -> Failure:
    said = "\n".join(f"  {line}" for line in child.said())
    return answer_is_no(f"The room {child.name} cannot start; it says:\n{said}")
