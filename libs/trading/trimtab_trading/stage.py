"""What a stage is: one deterministic part of the chain from bar to fill.

A stage never waits, never reads a clock and never sends: it is handed events in one order and
answers with events. The live rooms and the backtest run the same stages through the same `Merge`,
which is why they decide alike.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, Protocol

from trimtab_common.events import Event, RowClosed


class Input(NamedTuple):
    """A stream that a stage reads to its mark in every row; lag -1 is the row before."""

    family: str
    lag: int = 0


class Stage(Protocol):
    """The contract of strategy, risk and execution, live and in the backtest."""

    @property
    def name(self) -> str:
        """The room that runs this stage."""

    @property
    def output(self) -> str:
        """The family its events and its marks go to."""

    @property
    def inputs(self) -> tuple[Input, ...]:
        """The streams with marks, in the order in which a row drains them."""

    @property
    def asides(self) -> tuple[str, ...]:
        """Streams without marks (`control`, `models`): applied before the next row begins."""

    def handle(self, event: Event) -> Iterable[Event]:
        """Take one event in; what it makes known at once comes back."""

    def close(self, row: RowClosed) -> Iterable[Event]:
        """The row is complete: decide. `row.due` tells which symbols had to deliver."""

    def snapshot(self) -> dict[str, Any]:
        """All that the stage remembers, as JSON values."""

    def restore(self, state: dict[str, Any]) -> None:
        """Become the stage whose `snapshot()` this was."""
