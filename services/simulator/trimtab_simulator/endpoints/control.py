"""What only a simulated exchange has: rows to open, notes to read, faults to switch on."""

from __future__ import annotations

from datetime import datetime

from trimtab_simulator.core.adjustments import read_adjustment
from trimtab_simulator.core.occurrences import KEPT, Asked
from trimtab_simulator.core.refusals import Refusal, invalid, malformed, not_found
from trimtab_simulator.core.simulator import Simulator
from trimtab_simulator.endpoints.contract import Answer, Request, answered, json_object


def post_open(simulator: Simulator, request: Request) -> Answer | Refusal:
    """Let the working orders meet the bars of the next row."""
    body = json_object(request.body)
    row = body.get("row") if body else None
    if not isinstance(row, str):
        return malformed('expected a body such as {"row": "2024-01-02T14:31:00Z"}')
    try:
        instant = datetime.fromisoformat(row)
    except ValueError:
        return malformed(f"row is not a time: {row[:40]}")
    if instant.tzinfo is None:
        return malformed(f"row has no time zone: {row[:40]}")
    return answered(simulator.open(instant))


def get_state(simulator: Simulator, request: Request) -> Answer | Refusal:
    return Answer(simulator.state())


def post_stop(simulator: Simulator, request: Request) -> Answer | Refusal:
    """Release no further row, so that what was released can be finished."""
    simulator.release.stopped = True
    return Answer(simulator.state())


def get_log(simulator: Simulator, request: Request) -> Answer | Refusal:
    """What was asked, by `kind` (several with commas; all of them without)."""
    query = request.query
    kinds = query.names("kind") or tuple(Asked)
    unknown = [kind for kind in kinds if kind not in set(Asked)]
    limit = query.whole_number("limit", KEPT, most=KEPT)
    if unknown:
        return invalid(f"kind must be one of {', '.join(Asked)}")
    if query.refusal is not None:
        return query.refusal
    return Answer(simulator.occurrences.shown([Asked(kind) for kind in kinds], limit))


def get_faults(simulator: Simulator, request: Request) -> Answer | Refusal:
    return Answer(simulator.faults.shown())


def post_faults(simulator: Simulator, request: Request) -> Answer | Refusal:
    return simulator.faults.set(request.body) or Answer(simulator.faults.shown())


def delete_faults(simulator: Simulator, request: Request) -> Answer | Refusal:
    simulator.faults.clear()
    return Answer(simulator.faults.shown())


def post_break(simulator: Simulator, request: Request) -> Answer | Refusal:
    """Break the sockets that are connected now."""
    sockets = request.parts["sockets"]
    if sockets not in ("updates", "data"):
        return not_found("there are sockets for updates and for data")
    simulator.listeners.break_sockets(updates=sockets == "updates")
    return Answer({"broken": sockets})


def post_adjust(simulator: Simulator, request: Request) -> Answer | Refusal:
    """A dividend, a transfer, a fee, a split, or another change of a position."""
    change = read_adjustment(request.body, simulator.exchange)
    if isinstance(change, Refusal):
        return change
    return simulator.adjust(change) or Answer(simulator.state())
