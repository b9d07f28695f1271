"""The account of a demo: everything counted, and compared with what the exchange says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from trimtab.demo.exchange import Exchange
from trimtab.money_words import amount, change, number
from trimtab.supervisor.watcher import Sight

CENT = Decimal("0.01")
MONEY = ("equity", "cash", "broker_equity", "broker_cash", "start_equity")
UNHEALTHY = ("UNHEALTHY", "UNKNOWN")


@dataclass(frozen=True, kw_only=True)
class Report:
    """What one demo came to. `complaints` is empty where everything is as it should be."""

    facts: Mapping[str, Any]
    complaints: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """The facts, with money as numbers to the cent."""
        money = {name: _cents(self.facts.get(name)) for name in MONEY}
        return {
            **self.facts,
            **money,
            "ok": not self.complaints,
            "complaints": list(self.complaints),
        }


def report(
    *,
    counts: Mapping[str, int],
    exchange: Exchange,
    sights: Mapping[str, Sight],
    left_over: str | None,
    crashes: Mapping[str, int],
    told: Mapping[str, Any],
) -> Report:
    """Count and compare; `told` is what the caller knows: seconds, speed, data.
    `counts` is event type → entries, with `rows` closed by ingest and `dead` letters.
    """
    ours = sights["risk"].info
    account = exchange.account()
    theirs = exchange.quantities()
    mine = held(ours)
    facts = {
        "bars": counts.get("BarClosed", 0),
        "rows": counts.get("rows", 0),
        "signals": counts.get("SignalRaised", 0),
        "approved": counts.get("OrderApproved", 0),
        "refused": counts.get("OrderRefused", 0),
        "orders": counts.get("OrderAccepted", 0),
        "fills": counts.get("OrderFilled", 0),
        "rejected": counts.get("OrderRejected", 0),
        "alerts": counts.get("AlertRaised", 0),
        "dead": counts.get("dead", 0),
        "equity": _text(ours.get("equity")),
        "cash": _text(ours.get("cash")),
        "broker_equity": _text(account.get("equity")),
        "broker_cash": _text(account.get("cash")),
        "positions": {symbol: str(quantity) for symbol, quantity in sorted(theirs.items())},
        "positions_match": mine == theirs,
        "rooms": {name: sight.health for name, sight in sights.items()},
        "forced_marks": sum(int(s.info.get("forced_marks", 0)) for s in sights.values()),
        "crashes": {name: count for name, count in crashes.items() if count},
        **told,
    }
    found = complaints(facts, mine=mine, theirs=theirs, left_over=left_over, sights=sights)
    return Report(facts=facts, complaints=tuple(found))


def held(summary: Mapping[str, Any]) -> dict[str, Decimal] | None:
    """Symbol → quantity, as risk says; None where it says nothing."""
    said = summary.get("positions")
    if not isinstance(said, dict):
        return None
    quantities = {
        symbol: number(each.get("quantity") if isinstance(each, dict) else each)
        for symbol, each in said.items()
    }
    return {symbol: quantity for symbol, quantity in quantities.items() if quantity}


def complaints(
    facts: Mapping[str, Any],
    *,
    mine: Mapping[str, Decimal] | None,
    theirs: Mapping[str, Decimal],
    left_over: str | None,
    sights: Mapping[str, Sight],
) -> Iterator[str]:
    """What is not as it should be, one sentence each."""
    if left_over is not None:
        yield f"not everything was finished: {left_over}"
    if facts["dead"]:
        yield f"{facts['dead']} dead letters: `trimtab dead list` with the --home of this demo"
    if mine is None:
        yield "risk does not say what it holds"
    elif mine != theirs:
        yield f"risk holds {_shown(mine)}, the exchange {_shown(theirs)}"
    yield from (_unlike(facts, what) for what in ("equity", "cash") if not _alike(facts, what))
    for name, sight in sights.items():
        if sight.health in UNHEALTHY:
            yield f"room {name} is {sight.health}: {'; '.join(sight.reasons)}"


def _alike(facts: Mapping[str, Any], what: str) -> bool:
    ours, brokers = number(facts[what]), number(facts[f"broker_{what}"])
    return ours is not None and brokers is not None and abs(ours - brokers) <= CENT


def _unlike(facts: Mapping[str, Any], what: str) -> str:
    return f"{what} is {facts[what]} in our books, {facts[f'broker_{what}']} at the exchange"


def lines(result: Report) -> Iterator[str]:
    """The report for people."""
    facts = result.facts
    yield f"SIMULATED  {facts['market']}"
    yield f"period     {clock(facts['from'])} to {clock(facts['to'])} UTC"
    yield (
        f"rows       {facts['rows']:,} with {facts['bars']:,} bars in {facts['seconds']:.1f} s, "
        f"{facts['rows_per_second']:.1f} a second"
    )
    yield (
        f"decisions  {facts['signals']:,} signals, {facts['approved']:,} orders approved, "
        f"{facts['refused']:,} refused"
    )
    yield (
        f"outcomes   {facts['fills']:,} fills, {facts['rejected']:,} rejected, "
        f"{facts['alerts']:,} alerts, {facts['dead']:,} dead letters"
    )
    yield (
        f"account    equity {amount(facts['equity'])} "
        f"({change(facts['equity'], facts['start_equity'])}), cash {amount(facts['cash'])}"
    )
    for name, count in facts["crashes"].items():
        yield f"crashes    {name} {'once' if count == 1 else f'{count} times'}, and it came back"
    if not result.complaints:
        yield "checked    our books and the exchange's agree, and every event was processed"
        return
    for number_of, complaint in enumerate(result.complaints):
        yield f"{'NOT GOOD' if not number_of else '':<11}{complaint}"


def clock(at: str | None) -> str:
    """An instant of the exchange's, shorter.

    >>> clock("2024-01-02T14:31:00Z"), clock(None)
    ('2024-01-02 14:31', 'nothing')
    """
    return "nothing" if at is None else at[:16].replace("T", " ")


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _cents(value: object) -> float | None:
    exact = number(value)
    return None if exact is None else float(round(exact, 2))


def _shown(quantities: Mapping[str, Decimal]) -> str:
    return ", ".join(f"{symbol} {quantity:f}" for symbol, quantity in sorted(quantities.items()))
