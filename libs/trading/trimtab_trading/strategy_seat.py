"""One strategy at work: asked at its rows, kept to its rules, watched in a book of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from math import isnan
from typing import Any

import numpy as np

from trimtab_common.calendars import calendar
from trimtab_common.events import SignalRaised, instant
from trimtab_common.money import decimal_from_float
from trimtab_trading.arrays import Floats, from_json, packed, to_json, unpacked
from trimtab_trading.book import Book, BookView
from trimtab_trading.panel import Panel
from trimtab_trading.schedule import parse_schedule
from trimtab_trading.strategy import begin, decide, settled, sound
from trimtab_trading.strategy_fault import Fault, one_line
from trimtab_trading.strategy_slot import Slot
from trimtab_trading.window import Window


class Seat:
    """What the desk keeps for one strategy between rows."""

    def __init__(
        self,
        slot: Slot,
        window: Window,
        others: Mapping[str, Window],
        on_fault: Callable[[Fault], None],
    ) -> None:
        self.slot = slot
        self.window = window
        self.others = others
        self.own: Floats = np.zeros(len(slot.symbols))
        """The strategy's own targets, rounded."""
        self.standing: Floats = np.zeros(len(slot.symbols))
        """What was made known: the own targets, or 0 where a stop holds."""
        self.faults = 0
        self.last_fault: Fault | None = None
        self.last_due: datetime | None = None
        self.state = begin(slot.strategy)
        self.foreseen: tuple[Floats, Any] | None = None
        """Its answer at the present row and its state then, where they are known already."""
        self.book = Book(
            len(slot.symbols), cost_bps=slot.book_cost_bps, drift_band=slot.book_drift_band
        )
        self._view = BookView(self.book)
        self._answer: bytes | None = None  # the last that was settled into `own`
        self._stopped: dict[int, float] = {}  # symbol number → own target at which a stop fired
        self._unannounced: list[int] = []
        self._rows = slot.rows
        self._calendar = calendar(slot.calendar)
        self.schedule = parse_schedule(slot.schedule)
        self._on_fault = on_fault

    @property
    def is_warm(self) -> bool:
        """Whether there is enough history for a first target."""
        if len(self.window) < (self._rows or 1):
            return False
        return not self.others or all(
            len(window) >= self.slot.traits.other_rows[timeframe]
            for timeframe, window in self.others.items()
        )

    def close(self, at: datetime) -> list[SignalRaised]:
        """The row that the window has just taken in is complete: decide, apply rules, tell."""
        opens, _, _, closes, _ = self.window.newest.tolist()
        self.book.open(opens)
        self.book.mark(closes)
        reasons: dict[int, str] = {}
        if self.schedule.is_due(self._calendar, at, self.last_due):
            self.last_due = at
            if self.is_warm:
                self._ask(at, reasons)
        wanted = self._under_rules(closes, reasons)
        signals = self._tell(at, wanted, reasons)
        self.book.aim(self.standing.tolist())
        return signals

    @property
    def is_settled(self) -> bool:
        """Whether all that is wanted has been made known, and no stop holds."""
        return self.standing is self.own and not (self._unannounced or self._stopped)

    def answered(self, weights: Floats) -> bool:
        """Whether this is what the strategy answered last, to the last bit."""
        return weights.tobytes() == self._answer

    def pass_over(self, at: datetime, opens: Floats, closes: Floats, state: Any) -> None:
        """Live through rows (T, N) up to `at` whose answers were all the last one."""
        self.last_due = at
        self.state = state
        self.book.pass_over(opens, closes, self.standing.tolist())

    def announce_all(self) -> None:
        """Make every target known at the next row at which there can be one, changed or not."""
        self._unannounced = list(range(len(self.slot.symbols)))

    # ------------------------------------------------------------------ deciding

    def _ask(self, at: datetime, reasons: dict[int, str]) -> None:
        """Take the strategy's answer if it is usable; whatever it does wrong stays in here."""
        strategy = self.slot.strategy
        panel = self.window.panel(self._rows, others=self._other_panels(), book=self._view)
        try:
            with np.errstate(all="ignore"):  # NaN where there is no bar is nothing to warn of
                weights, state = self.foreseen or decide(strategy, panel, self.state)
                self.foreseen = None
            own = self._settled(weights)
            self.state = sound(state)
        except Exception as error:  # noqa: BLE001  the owner's code may fail in any way
            self._note_fault(at, error)
            return
        if own is not self.own:
            for symbol in np.flatnonzero(own != self.own).tolist():
                reasons[symbol] = self._reason(panel, symbol, float(own[symbol]))
            self.own = own

    def _settled(self, weights: Floats) -> Floats:
        """The targets after an answer; the same answer as before leaves them as they are."""
        answer = weights.tobytes()
        if answer == self._answer:
            return self.own
        own = settled(
            weights,
            self.own,
            allows_short=self.slot.allows_short,
            is_model=self.slot.traits.model_hash is not None,
        )
        self._answer = answer
        return own

    def _other_panels(self) -> dict[str, Panel] | None:
        if not self.others:
            return None
        rows = self.slot.traits.other_rows
        return {
            timeframe: window.panel(rows[timeframe]) for timeframe, window in self.others.items()
        }

    def _note_fault(self, at: datetime, error: Exception) -> None:
        self.faults += 1
        text = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
        self.last_fault = Fault(self.slot.name, at, one_line(text))
        self._on_fault(self.last_fault)

    def _reason(self, panel: Panel, symbol: int, target: float) -> str:
        explain = getattr(self.slot.strategy, "explain", None)
        if explain is None:
            return f"target {target:g}, was {float(self.own[symbol]):g}"
        try:
            with np.errstate(all="ignore"):
                return one_line(str(explain(panel, symbol)))
        except Exception as error:  # noqa: BLE001  the owner's code may fail in any way
            return one_line(f"target {target:g}; explain failed: {type(error).__name__}: {error}")

    def _under_rules(self, closes: Sequence[float], reasons: dict[int, str]) -> Floats:
        """The targets after the position rules; a stop holds until the own target has changed."""
        if self._stopped:
            own = self.own.tolist()
            self._stopped = {s: at for s, at in self._stopped.items() if at == own[s]}
        if self.slot.rules.any:
            for symbol in self.book.held:
                wants_it = self.own[symbol] != 0.0 and symbol not in self._stopped
                if not wants_it or isnan(closes[symbol]):
                    continue
                reason = self.slot.rules.fired(self.book.position(symbol))
                if reason is not None:
                    self._stopped[symbol] = float(self.own[symbol])
                    reasons[symbol] = reason
        if not self._stopped:
            return self.own
        wanted = self.own.copy()
        wanted[list(self._stopped)] = 0.0
        return wanted

    # ------------------------------------------------------------------- telling

    def _tell(self, at: datetime, wanted: Floats, reasons: Mapping[int, str]) -> list[SignalRaised]:
        """A signal for each target that changed. Without any price yet, it is told later."""
        untold = self._unannounced if self.is_warm else []
        if wanted is self.standing and not untold:
            return []
        changed = wanted != self.standing
        if untold:
            changed[untold] = True
        if not changed.any():
            self.standing = wanted
            return []
        signals = []
        standing = self.standing.copy()
        for symbol in (int(number) for number in np.flatnonzero(changed)):
            if np.isnan(self.window.last_close[symbol]):
                continue
            weight, previous = float(wanted[symbol]), float(standing[symbol])
            reason = reasons.get(symbol) or _reason_to_tell_again(weight, previous)
            signals.append(self._signal(at, symbol, weight, previous, reason))
            standing[symbol] = weight
            if symbol in self._unannounced:
                self._unannounced.remove(symbol)
        self.standing = standing
        return signals

    def _signal(
        self, at: datetime, symbol: int, weight: float, previous: float, reason: str
    ) -> SignalRaised:
        name = self.slot.symbols[symbol]
        return SignalRaised.trusted(
            id=f"signal:{self.slot.name}:{name}:{instant(at)}",
            at=at,
            strategy=self.slot.name,
            symbol=name,
            weight=weight,
            previous_weight=previous,
            timeframe=self.slot.timeframe,
            price=decimal_from_float(float(self.window.last_close[symbol])),
            reason=reason,
            model_hash=self.slot.traits.model_hash,
        )

    # --------------------------------------------------------------- remembering

    def info(self) -> dict[str, Any]:
        """What /info shows of this strategy."""
        fault = self.last_fault
        return {
            "timeframe": self.slot.timeframe.value,
            "calendar": str(self.slot.calendar),
            "share": str(self.slot.share),
            "rows": len(self.window),
            "rows_needed": self.slot.rows,
            "warm": self.is_warm,
            "targets": {
                symbol: float(weight)
                for symbol, weight in zip(self.slot.symbols, self.standing, strict=True)
                if weight
            },
            "stopped": [self.slot.symbols[symbol] for symbol in self._stopped],
            "book_return": self.book.gain,
            "faults": self.faults,
            "failing": fault is not None and fault.at == self.last_due,
            "last_fault": fault and f"{instant(fault.at)} {fault.text}",
        }

    def snapshot(self) -> dict[str, Any]:
        """What is remembered, as JSON values."""
        fault = self.last_fault
        return {
            "fingerprint": self.slot.fingerprint,
            "symbols": list(self.slot.symbols),
            "timeframe": self.slot.timeframe.value,
            "own": packed(self.own),
            "standing": packed(self.standing),
            "last_close": packed(self.window.last_close),
            "state": to_json(self.state),
            "stopped": [[symbol, own] for symbol, own in self._stopped.items()],
            "unannounced": list(self._unannounced),
            "book": self.book.snapshot(),
            "last_due": self.last_due and instant(self.last_due),
            "faults": self.faults,
            "last_fault": fault and [instant(fault.at), fault.text],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a snapshot; after a change of code or parameters only the targets stay."""
        slot = self.slot
        self.faults = state["faults"]
        fault = state["last_fault"]
        self.last_fault = fault and Fault(slot.name, datetime.fromisoformat(fault[0]), fault[1])
        self.last_due = state["last_due"] and datetime.fromisoformat(state["last_due"])
        now = (slot.fingerprint, list(slot.symbols), slot.timeframe.value)
        if now != (state["fingerprint"], state["symbols"], state["timeframe"]):
            self._take_over(dict(zip(state["symbols"], unpacked(state["standing"]), strict=True)))
            return
        self.own, self.standing = unpacked(state["own"]), unpacked(state["standing"])
        self.state = from_json(state["state"])
        self._stopped = {symbol: own for symbol, own in state["stopped"]}
        self._unannounced = list(state["unannounced"])
        self.book.restore(state["book"])

    def _take_over(self, standing: Mapping[str, float]) -> None:
        """Targets of the strategy as it was before stand until the changed one has decided."""
        self.standing = np.array([float(standing.get(s, 0.0)) for s in self.slot.symbols])
        self.own = self.standing.copy()


def _reason_to_tell_again(weight: float, previous: float) -> str:
    if weight == previous:
        return f"target {weight:g}, told again after a new start"
    return f"target {weight:g}, told with the first price"
