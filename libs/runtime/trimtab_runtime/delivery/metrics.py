"""What is measured of a room's streams, rows and commits."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from types import NoneType

import prometheus_client

from trimtab_common.events import Event, RowClosed
from trimtab_runtime.delivery.commit import Commit
from trimtab_runtime.delivery.keys import Keys
from trimtab_runtime.delivery.session import Session
from trimtab_runtime.delivery.standing import Standing, published_at
from trimtab_runtime.metrics import RoomMetrics

CLOCK_FAMILY = "bars"
"""The stream on which rows begin to exist."""
UNREAD = "other"
"""Stands where the type of an event would, for entries that are stepped over unread."""


class DeliveryMetrics:
    """Counts commits as they apply, and takes down where the room stands in its streams."""

    def __init__(
        self, metrics: RoomMetrics, room: str, keys: Keys, families: Iterable[str]
    ) -> None:
        self._keys = keys
        self._ends_rows = room in RowClosed.produced_by.split(", ")
        self._published = metrics.published
        self._count_entries(metrics)
        self._stand_in_streams(metrics)
        self._time_rows(metrics)
        for family in families:  # a series that exists from the start can be alerted on
            self._dead.labels(family)
            self._forced.labels(family)

    def _count_entries(self, metrics: RoomMetrics) -> None:
        consumed = metrics.counter(
            "trimtab_events_consumed_total",
            f"Entries done with, by event; `{UNREAD}` was stepped over unread",
            "stream", "type",
        )  # fmt: skip
        produced = metrics.counter(
            "trimtab_events_produced_total", "Events published", "stream", "type"
        )
        self._consumed, self._produced = _Series(consumed), _Series(produced)
        self._dead = metrics.counter(
            "trimtab_dead_letters_total", "Entries given up, to be found in `dead`", "stream"
        )
        self._forced = metrics.counter(
            "trimtab_forced_marks_total", "Times a late stream was not waited for", "stream"
        )

    def _stand_in_streams(self, metrics: RoomMetrics) -> None:
        self._lag_seconds = metrics.gauge(
            "trimtab_lag_seconds", "Age of the oldest entry not done with; 0 when none is", "stream"
        )
        self._lag_entries = metrics.gauge(
            "trimtab_lag_entries",
            "Entries not read yet; absent while the server cannot tell (after a restart, Redis 6)",
            "stream",
        )
        self._pending_entries = metrics.gauge(
            "trimtab_pending_entries", "Entries read and not acknowledged, by the server", "stream"
        )
        self._inbox_entries = metrics.gauge(
            "trimtab_inbox_entries", "Entries that the room holds and has not done with", "stream"
        )

    def _time_rows(self, metrics: RoomMetrics) -> None:
        self._generation = metrics.gauge("trimtab_generation", "How often this room has started")
        self._commit_seconds = metrics.histogram("trimtab_commit_seconds", "Time of one commit")
        self._rows = metrics.counter("trimtab_rows_closed_total", "Rows this room is done with")
        self._row_timestamp_seconds = metrics.gauge(
            "trimtab_row_timestamp_seconds", "Market time of the last row that was done with"
        )
        self._row_latency_seconds = metrics.histogram(
            "trimtab_row_latency_seconds",
            "From a row's publication by ingest to this room's commit of it, by the wall clock",
        )

    def follow(self, session: Session) -> None:
        """A life begins."""
        self._generation.set(session.generation)
        for family in session.families:
            self._inbox_entries.labels(family).set_function(partial(_held, session, family))

    def count(self, commit: Commit, seconds: float) -> None:
        """A commit has applied; it took so many seconds."""
        self._commit_seconds.observe(seconds)
        produced: Counter[type[Event]] = Counter(map(type, commit.outputs))
        marks = _marks(commit.outputs) if produced.pop(RowClosed, 0) else []
        for kind, count in produced.items():
            self._produced[kind.stream, kind.__name__].inc(count)
        for mark in marks:
            self._produced[mark.family, RowClosed.__name__].inc()
        for stream, kinds in commit.kinds.items():
            family = self._keys.family(stream)
            for taken, count in Counter(kinds).items():
                name = UNREAD if taken is NoneType else taken.__name__
                self._consumed[family, name].inc(count)
        for entry in commit.dead:
            self._dead.labels(self._keys.family(entry.stream)).inc()
        for family in commit.forced:
            self._forced.labels(family).inc()
        begun = self._begun(commit)
        self._time([mark.at for mark in marks] if self._ends_rows else begun)

    def _begun(self, commit: Commit) -> list[datetime]:
        """The rows whose publication was taken into account with this commit."""
        clock = self._keys.stream(CLOCK_FAMILY)
        rows = []
        for entry in commit.marks:
            if entry.stream == clock and entry.event is not None:
                rows.append(entry.event.at)
                self._published.note(entry.event.at, published_at(entry.id))
        return rows

    def _time(self, rows: Sequence[datetime]) -> None:
        """Measure how long ago rows were published that are done with now."""
        if not rows:
            return
        now = time.time()
        self._rows.inc(len(rows))
        self._row_timestamp_seconds.set(rows[-1].timestamp())
        for row in rows:
            age_seconds = self._published.age_seconds(row, now)
            if age_seconds is not None:
                self._row_latency_seconds.observe(age_seconds)

    def stand(self, standings: Mapping[str, Standing], now: float) -> None:
        """Take down where the room stands in its streams."""
        for family, standing in standings.items():
            since = standing.waiting_since
            age_seconds = 0.0 if since is None else max(0.0, now - since)
            self._lag_seconds.labels(family).set(age_seconds)
            self._pending_entries.labels(family).set(standing.pending)
            if standing.unread is None:
                self._lag_entries.remove(family)
            else:
                self._lag_entries.labels(family).set(standing.unread)


class _Series(dict[tuple[str, str], prometheus_client.Counter]):
    """The series of a counter by their labels; looking them up there takes longer than counting."""

    def __init__(self, counter: prometheus_client.Counter) -> None:
        super().__init__()
        self._counter = counter

    def __missing__(self, labels: tuple[str, str]) -> prometheus_client.Counter:
        series = self[labels] = self._counter.labels(*labels)
        return series


def _marks(events: Iterable[Event]) -> list[RowClosed]:
    return [event for event in events if isinstance(event, RowClosed)]


def _held(session: Session, family: str) -> int:
    return session.held()[family]
