"""`why`: from the bar to the fill, in plain sentences, for one symbol at one time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from trimtab import show
from trimtab.failure import answer_is_no, wrong_use
from trimtab.halt import read_halt
from trimtab.money_words import price, quantity
from trimtab.place import read_settings
from trimtab.record import opened
from trimtab.words import clock, sentence
from trimtab_common.events import BarClosed, OrderApproved, OrderRefused, TradingResumed
from trimtab_common.symbols import parse_symbol
from trimtab_runtime.barstore import BarStore
from trimtab_runtime.record import OrderState, Recorded, Story


class Line(NamedTuple):
    """One sentence of the story and the market time it is about."""

    at: datetime
    text: str


def explain(symbol: str, at: str | None, *, home: Path | None, as_json: bool) -> None:
    """Answer 0 with the story, 1 where the record knows nothing about the symbol."""
    settings = read_settings(home)
    instant = _instant(at) if at is not None else None
    canonical = _symbol(symbol)
    with opened(settings) as record:
        story = record.story(canonical, instant)
    bar = BarStore(settings.at_home).newest(canonical, story.at)
    lines = sorted(told(story, bar), key=lambda line: line.at)
    if not lines:
        raise answer_is_no(
            f"Nothing is on record about {canonical}" + (f" until {at}." if at else "."),
            "config/universe.yaml says what is collected, `trimtab orders` what was ordered.",
        )
    halt = read_halt(settings.at_home)
    if halt is not None:
        lines.append(Line(story.at, f"Trading is HALTED now: {halt}."))
    content: dict[str, Any] = {
        "symbol": canonical,
        "at": story.at.isoformat(),
        "story": [{"at": line.at.isoformat(), "text": line.text} for line in lines],
    }
    show.result(content, as_json=as_json, lines=[f"{clock(at)}  {text}" for at, text in lines])


def told(story: Story, bar: BarClosed | None) -> Iterator[Line]:
    """The story in the order of cause and effect; what happened at one time stays in it."""
    if story.refused_bar is not None and _is_newer(story.refused_bar, bar):
        refused = story.refused_bar.event
        yield Line(refused.at, f"A bar was not believed, by rule {getattr(refused, 'rule', '')}.")
    if bar is not None:
        yield Line(bar.at, sentence(bar))
    signals = sorted(story.signals, key=lambda each: each.event.at)
    for signal in signals:
        yield Line(signal.event.at, sentence(signal.event))
    if signals and not story.decisions:
        yield Line(signals[-1].event.at, "Risk has decided nothing about it yet.")
    elif not signals and bar is not None:
        yield Line(bar.at, "No strategy has asked for it.")
    for decision in reversed(story.decisions):
        yield Line(decision.event.at, sentence(decision.event))
        yield from _outcome(decision, story)
    yield from _silence(story, bar)
    if story.switch is not None and not isinstance(story.switch.event, TradingResumed):
        event = story.switch.event
        yield Line(
            event.at,
            f"{type(event).__name__} by {getattr(event, 'by', '')}: "
            f"{getattr(event, 'reason', '')}.",
        )


def _outcome(decision: Recorded, story: Story) -> Iterator[Line]:
    """What became of an approved order."""
    event = decision.event
    if not isinstance(event, OrderApproved):
        return
    order = next((o for o in story.orders if o.client_order_id == event.client_order_id), None)
    if order is None:
        yield Line(event.at, "Nothing is known yet of what became of it.")
        return
    fills = [fill for fill in story.fills if fill.client_order_id == event.client_order_id]
    done = "bought" if event.side.value == "buy" else "sold"
    for fill in reversed(fills):
        fee = f", fee {fill.fee:f}" if fill.fee else ""
        yield Line(
            fill.at,
            f"{done.capitalize()} {quantity(fill.quantity)} of {quantity(order.quantity)} "
            f"at {price(fill.price)}{fee}.",
        )
    yield Line(order.updated_at, _state(order))


def _state(order: OrderState) -> str:
    """How the order stands, in a sentence."""
    words = {
        "approved": "It waits to be sent to the broker.",
        "accepted": "The broker has it; nothing has traded yet.",
        "partly filled": "The rest is still working.",
        "cancelling": "It is being cancelled.",
        "filled": "That was all of it.",
    }
    return words.get(order.state, f"It was {order.state}: {order.reason}.")


def _silence(story: Story, bar: BarClosed | None) -> Iterator[Line]:
    """Why nothing was done since the last decision, as far as the record can tell."""
    if bar is None or not story.decisions or not story.signals:
        return
    last = story.decisions[0].event
    if bar.at <= last.at:
        return
    if isinstance(last, OrderRefused):
        text = "That stands: the same refusal for the same cause is told once a session."
    else:
        text = "Nothing was ordered since: what is held is near enough to what is wanted."
    yield Line(bar.at, text)


def _is_newer(refused: Recorded, bar: BarClosed | None) -> bool:
    return bar is None or refused.event.at > bar.at


def _symbol(text: str) -> str:
    try:
        return parse_symbol(text, crypto="/" in text)
    except ValueError as error:
        raise wrong_use(f"{error}.", "A symbol looks like AAPL, BRK.B or BTC/USD.") from None


def _instant(text: str) -> datetime:
    """Market time as typed; without a zone it is UTC."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise wrong_use(f"--at {text} is no time.", "Write it as 2024-01-02T14:32 (UTC).") from None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
