"""When a row may be closed: what is known of each feed, and the two rules that use it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from trimtab_common.calendars import next_decision_open
from trimtab_ingest.core.plan import Line, Origin
from trimtab_ingest.core.rows import Pending, Row

MERGE_PATIENCE_SECONDS = 30.0
"""So long does trading wait for a history that does not answer, paper and live."""
WINDOW_GRACE = timedelta(seconds=30)
"""A window that ends without a bar is over so much later, paper and live."""


class Wire:
    """How far the bars of one streamed line can be relied upon."""

    def __init__(self, line: Line, *, since: float) -> None:
        self.line = line
        self.connected = False
        self.merging = True
        """What was missed before the present subscription is still being fetched."""
        self.merging_since = since
        self.complete_until: datetime | None = None
        """Every bar up to here is in, whatever the socket did."""
        self.streamed_until: datetime | None = None
        """The newest bar that the socket brought since it was subscribed."""
        self.newest: datetime | None = None
        """The newest bar from anywhere."""
        self.reason: str | None = "not connected yet"
        """Why bars do not flow; None while they do."""

    def subscribed(self, moment: float) -> None:
        """The server will send every bar from now on; what lies before it must be fetched."""
        self.connected, self.reason = True, None
        self.merging, self.merging_since = True, moment
        self.streamed_until = None

    def lost(self, reason: str | None) -> None:
        """The socket is gone. What it brought in order before stays true."""
        if reason is not None:
            self.reason = reason
        elif self.connected:
            self.reason = "the connection was closed"
        self.connected = False

    def merged(self) -> None:
        """Nothing is missing between the last closed row and the socket."""
        self.merging = False

    def is_complete(self, at: datetime) -> bool:
        """Whether every bar up to an instant is known to be in."""
        return self.complete_until is not None and self.complete_until >= at

    def complete(self, until: datetime) -> None:
        """Everything up to here was fetched, or confirmed."""
        if self.complete_until is None or self.complete_until < until:
            self.complete_until = until

    def came(self, at: datetime, *, streamed: bool) -> None:
        """A bar came."""
        if streamed and (self.streamed_until is None or self.streamed_until < at):
            self.streamed_until = at
        if self.newest is None or self.newest < at:
            self.newest = at


class Rule(Protocol):
    """Decides about the row that is to be closed next."""

    @property
    def starts_over(self) -> bool:
        """Whether unclosed rows are forgotten at a subscription, because all of it comes again."""

    def may_close(
        self, pending: Pending, waiting: Sequence[Line], moment: float, now: datetime | None
    ) -> bool:
        """Whether to close it. `moment` is monotonic, `now` the time of day outside a replay."""

    def is_history(self, row: Row, now: datetime | None) -> bool:
        """Whether the row is too old to be traded on."""


class ReplayRule:
    """A row waits for all its bars, however long it takes: a replay must come out the same.

    The socket sends rows in order, so a bar of a later row proves an earlier one complete; not so
    the pages of the history, which come symbol by symbol. At a subscription every row that is not
    closed begins anew: a simulator that was ended in the meantime publishes less than before, and
    what came before its end would leave holes.
    """

    starts_over = True

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def may_close(
        self, pending: Pending, waiting: Sequence[Line], moment: float, now: datetime | None
    ) -> bool:
        wire = self._wire
        if wire.is_complete(pending.at):
            return True
        if wire.merging:
            return False
        if pending.arrived is not None and not waiting:
            return True
        return wire.streamed_until is not None and wire.streamed_until > pending.at

    def is_history(self, row: Row, now: datetime | None) -> bool:
        return False


class LiveRule:
    """A row waits for the others as long as the grace allows, and not for a feed that is down.

    At a subscription nothing is forgotten: history lags a little behind the socket.
    """

    starts_over = False

    def __init__(
        self,
        wires: Sequence[Wire],
        *,
        row_grace_seconds: float,
        daily_grace_seconds: float,
        backfill_age: timedelta,
    ) -> None:
        self._wires = {wire.line: wire for wire in wires}
        self._grace_seconds = {
            Origin.STREAMED: row_grace_seconds,
            Origin.FETCHED: daily_grace_seconds,
        }
        self._backfill_age = backfill_age

    def may_close(
        self, pending: Pending, waiting: Sequence[Line], moment: float, now: datetime | None
    ) -> bool:
        if any(self._still_merging(wire, pending.at, moment) for wire in self._wires.values()):
            return False
        if pending.arrived is None:
            return self._is_over(pending.at, waiting, now)
        age = moment - pending.arrived
        return all(self._waited_enough(line, pending.at, age) for line in waiting)

    def is_history(self, row: Row, now: datetime | None) -> bool:
        """Intraday bars age by the minute; a daily one can be traded on until the next open."""
        return now is not None and all(now >= self._too_late(line, row.at) for line in row.lines)

    def _still_merging(self, wire: Wire, at: datetime, moment: float) -> bool:
        waited = moment - wire.merging_since
        return wire.merging and waited < MERGE_PATIENCE_SECONDS and not wire.is_complete(at)

    def _waited_enough(self, line: Line, at: datetime, age: float) -> bool:
        wire = self._wires.get(line)
        if wire is not None and wire.is_complete(at):
            return True
        return age >= self._grace_seconds[line.origin]

    def _is_over(self, at: datetime, waiting: Sequence[Line], now: datetime | None) -> bool:
        seconds = [self._grace_seconds[line.origin] for line in waiting]
        grace = max(timedelta(seconds=max(seconds, default=0.0)), WINDOW_GRACE)
        return now is not None and now >= at + grace

    def _too_late(self, line: Line, at: datetime) -> datetime:
        aged = at + self._backfill_age
        if not line.timeframe.is_daily:
            return aged
        return max(aged, next_decision_open(line.calendar, line.timeframe, at))
