"""Where the demo shows itself: a live screen on a terminal, plain lines everywhere else."""

from __future__ import annotations

import os
import sys
import termios
import time
from typing import Any, Protocol

from trimtab import show
from trimtab.demo.view import View
from trimtab.money_words import amount, change

PLAIN_SECONDS = 5.0
NOTE_SECONDS = 10.0


class Display(Protocol):
    """Shows views, and says sentences."""

    def show(self, view: View) -> None:
        """Show how things are now."""

    def say(self, sentence: str) -> None:
        """Tell something that happens once."""

    def close(self) -> None:
        """Give the terminal back."""


def display(*, as_json: bool) -> Display:
    """The best one for where this process runs; with --json, stdout is kept for the result."""
    if as_json or not sys.stdout.isatty() or os.environ.get("TERM") == "dumb":
        return PlainDisplay()
    return LiveDisplay()


class PlainDisplay:
    """A line every few seconds, on stderr."""

    def __init__(self) -> None:
        self._next = 0.0
        self._rows = -1

    def show(self, view: View) -> None:
        if time.monotonic() < self._next or view.rows == self._rows:
            return
        self._next, self._rows = time.monotonic() + PLAIN_SECONDS, view.rows
        at = "–" if view.market_time is None else f"{view.market_time:%Y-%m-%d %H:%M} UTC"
        show.aside(
            f"SIMULATED {at}  row {view.rows:,}/{view.rows_total:,}  "
            f"{view.rows_per_second:.1f} rows/s  equity {amount(view.equity)} "
            f"({change(view.equity, view.start_equity)})  "
            f"signals {view.counts.get('SignalRaised', 0)}  "
            f"fills {view.counts.get('OrderFilled', 0)}  dead {view.counts.get('dead', 0)}"
        )

    def say(self, sentence: str) -> None:
        show.aside(sentence)

    def close(self) -> None:
        return


class LiveDisplay:
    """One screen that is redrawn in place; what was said is printed when it closes."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.live import Live

        self._said: list[str] = []
        self._said_at = 0.0
        self._is_open = True
        self._console = Console()
        self._live = Live(console=self._console, screen=True, auto_refresh=False)
        self._echo = _without_echo(sys.stdin.fileno()) if sys.stdin.isatty() else None
        self._live.start()

    def show(self, view: View) -> None:
        from trimtab.demo.screen import Screen

        if self._is_open:
            is_fresh = time.monotonic() - self._said_at < NOTE_SECONDS
            note = self._said[-1] if is_fresh and self._said else None
            self._live.update(Screen(view, note), refresh=True)

    def say(self, sentence: str) -> None:
        self._said.append(sentence)
        self._said_at = time.monotonic()
        if not self._is_open:
            self._print()

    def close(self) -> None:
        self._live.stop()
        if self._echo is not None:
            termios.tcsetattr(sys.stdin.fileno(), termios.TCSADRAIN, self._echo)
            self._echo = None
        self._is_open = False
        self._print()

    def _print(self) -> None:
        for sentence in self._said:
            show.aside(sentence)
        self._said.clear()


def _without_echo(descriptor: int) -> list[Any]:
    """Keep keys from showing on the screen; returns what the terminal was set to before."""
    before = termios.tcgetattr(descriptor)
    quiet = termios.tcgetattr(descriptor)
    quiet[3] &= ~termios.ECHO
    termios.tcsetattr(descriptor, termios.TCSADRAIN, quiet)
    return before
