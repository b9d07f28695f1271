"""Proof by trial that a strategy knows no future, says enough about its warm-up, and hides nothing.

What is compared is what the live desk relies on: that targets on a part of history are the
targets of the whole, that a window of `warmup` rows is enough, and that a saved state goes on as
if nothing had happened. A strategy that passes may still be a bad one.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, cast

import numpy as np

from trimtab_common.timeframes import Timeframe
from trimtab_trading.arrays import Floats, from_json, to_json
from trimtab_trading.book import Book, BookView
from trimtab_trading.panel import Panel
from trimtab_trading.strategy import (
    AnyStrategy,
    State,
    Targeting,
    Traits,
    all_targets,
    begin,
    decide,
    is_stateful,
    settled,
    traits,
)

TOLERANCE = 1e-9
RESUMED_ROWS = 250
"""So many rows a resumed run is followed."""

LOOKS_AHEAD = "looks ahead"
SHORT_WARMUP = "warm-up too short"
HIDDEN_STATE = "hidden state"
FAULT = "fault"


class Finding(NamedTuple):
    """One way in which a strategy would not do live what it does in a backtest."""

    kind: str
    row: int
    """The row of the panel it was seen at, 0 the oldest."""
    text: str


def check(
    strategy: AnyStrategy, panel: Panel, *, cuts: int, generator: np.random.Generator
) -> list[Finding]:
    """Try a strategy at random cuts of the panel; no findings is a pass.

    The panel must be longer than the warm-up. The strategy given is never called itself, only
    copies of it, so that nothing it may remember gets from one trial into another.
    """
    said = traits(strategy, name="strategy", timeframe=Timeframe.ONE_DAY)
    first = said.warmup or 1
    if len(panel) <= first:
        raise ValueError(
            f"{len(panel)} rows are too few to check a strategy with a warm-up of {first} rows"
        )
    ends = sorted({int(end) for end in generator.integers(first, len(panel) + 1, size=cuts)})
    trial = _check_stateful if is_stateful(strategy) else _check_stateless
    try:
        with np.errstate(all="ignore"):
            return list(trial(strategy, panel, ends, said))
    except Exception as error:  # noqa: BLE001  the owner's code may fail in any way
        return [Finding(FAULT, len(panel) - 1, f"it raised {type(error).__name__}: {error}")]


# --------------------------------------------------------------- whole panels


def _check_stateless(
    strategy: AnyStrategy, panel: Panel, ends: Iterable[int], said: Traits
) -> Iterator[Finding]:
    one = cast(Targeting, copy.deepcopy(strategy))
    full = all_targets(one, panel).copy()
    yield from _compared(HIDDEN_STATE, panel, full, all_targets(one, panel), "asked again")
    for end in ends:
        part = all_targets(_fresh(strategy), panel.prefix(end)).copy()
        yield from _compared(LOOKS_AHEAD, panel, full[:end], part, "with the future cut off")
        if said.warmup is not None:
            window = panel.prefix(end).last(said.warmup, said.other_rows)
            last = all_targets(_fresh(strategy), window)[-1:]
            text = f"with {said.warmup} rows of history"
            yield from _compared(SHORT_WARMUP, panel, part[-1:], last, text, offset=end - 1)


def _fresh(strategy: AnyStrategy) -> Targeting:
    return cast(Targeting, copy.deepcopy(strategy))


# --------------------------------------------------------------- step by step


class _Memory(NamedTuple):
    """All that goes on from one row to the next, as the desk would save it."""

    state: State
    own: Floats
    book: dict[str, Any]


def _check_stateful(
    strategy: AnyStrategy, panel: Panel, ends: Iterable[int], said: Traits
) -> Iterator[Finding]:
    start = said.warmup or 1
    saved = dict.fromkeys(ends, "")
    full = _run(strategy, panel, start, len(panel), saved=saved)
    again = _run(strategy, panel, start, min(len(panel), start + RESUMED_ROWS))
    yield from _compared(
        HIDDEN_STATE, panel, full[: len(again)], again, "started again", offset=start - 1
    )
    for end in ends:
        until = min(len(panel), end + RESUMED_ROWS)
        rest = full[end + 1 - start : until + 1 - start]
        memory = _loaded(saved[end])
        resumed = _run(strategy, panel, end + 1, until, memory=memory)
        unlike = list(
            _compared(HIDDEN_STATE, panel, rest, resumed, "resumed from its state", offset=end)
        )
        yield from unlike
        if said.warmup is not None and not unlike:
            memory = _loaded(saved[end])
            windowed = _run(strategy, panel, end + 1, until, memory=memory, window=said)
            text = f"with {said.warmup} rows of history"
            yield from _compared(SHORT_WARMUP, panel, rest, windowed, text, offset=end)


def _run(
    strategy: AnyStrategy,
    panel: Panel,
    first: int,
    last: int,
    *,
    memory: _Memory | None = None,
    window: Traits | None = None,
    saved: dict[int, str] | None = None,
) -> Floats:
    """Step a copy through the prefixes of `first` to `last` rows; (steps, N) raw targets."""
    one = copy.deepcopy(strategy)
    book = Book(len(panel.symbols), cost_bps=0.0)
    if memory is None:
        memory = _Memory(begin(one), np.zeros(len(panel.symbols)), book.snapshot())
    book.restore(memory.book)
    state, own = memory.state, memory.own
    answers = []
    for end in range(first, last + 1):
        book.open(panel.open[end - 1].tolist())
        book.mark(panel.close[end - 1].tolist())
        known = panel.prefix(end)
        if window is not None and window.warmup is not None:
            known = known.last(window.warmup, window.other_rows)
        weights, state = decide(one, known.with_book(BookView(book)), state)
        answers.append(weights.copy())
        own = settled(weights, own, allows_short=True)
        book.aim(own.tolist())
        if saved is not None and end in saved:
            saved[end] = _kept(_Memory(state, own, book.snapshot()))
    return np.array(answers).reshape(len(answers), len(panel.symbols))


def _kept(memory: _Memory) -> str:
    return json.dumps([to_json(memory.state), to_json(memory.own), memory.book])


def _loaded(text: str) -> _Memory:
    state, own, book = json.loads(text)
    return _Memory(from_json(state), from_json(own), book)


# ----------------------------------------------------------------------- comparing


def _compared(
    kind: str, panel: Panel, expected: Floats, found: Floats, how: str, *, offset: int = 0
) -> Iterator[Finding]:
    """A finding for the first row and symbol at which two runs differ."""
    same = (np.abs(expected - found) <= TOLERANCE) | (expected == found)
    unlike = np.argwhere(~(same | (np.isnan(expected) & np.isnan(found))))
    if not len(unlike):
        return
    row, symbol = (int(number) for number in unlike[0])
    yield Finding(
        kind,
        row + offset,
        f"{panel.symbols[symbol]} at {panel.ts[row + offset]} (row {row + offset}): target "
        f"{expected[row, symbol]:.9g}, but {found[row, symbol]:.9g} {how}",
    )
