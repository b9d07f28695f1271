"""A run of two rows and two orders in which nothing is wrong, to be spoilt by a test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from tests.faults.evidence import Account, Entry, Evidence, Group, Ledger, Record, Standing

ONE, TWO = "2024-01-02T00:01:00Z", "2024-01-02T00:02:00Z"
FILLED, WORKING = "tt-filled", "tt-working"
ROOMS = {"risk": ("bars", "orders"), "recorder": ("bars", "signals", "orders", "fills", "health")}


def mark(family: str, at: str, *present: str) -> tuple[str, dict[str, Any]]:
    return "RowClosed", {
        "id": f"row:{family}:{at}", "at": at, "due": [{"present": list(present)}] if present else []
    }  # fmt: skip


def approval(key: str, at: str) -> tuple[str, dict[str, Any]]:
    return "OrderApproved", {"id": f"order:{key}", "at": at, "client_order_id": key}


def fill(quantity: str, cumulative: str, key: str = FILLED) -> tuple[str, dict[str, Any]]:
    return "OrderFilled", {
        "id": f"fill:{key}:{cumulative}", "at": TWO, "client_order_id": key, "symbol": "A",
        "side": "buy", "quantity": quantity, "price": "10", "fee": "0.25",
        "cumulative_quantity": cumulative, "order_quantity": "5",
    }  # fmt: skip


def told(kind: str, key: str, at: str = ONE) -> tuple[str, dict[str, Any]]:
    return kind, {"id": f"{kind}:{key}", "at": at, "client_order_id": key}


def numbered(events: list[tuple[str, dict[str, Any]]]) -> list[Entry]:
    return [Entry(f"{place}-0", kind, data) for place, (kind, data) in enumerate(events, start=1)]


def streams() -> dict[str, list[tuple[str, dict[str, Any]]]]:
    bars = [
        (kind, {"id": f"bar:A:{at}", "at": at}) if kind == "BarClosed" else mark("bars", at, "A")
        for at in (ONE, TWO)
        for kind in ("BarClosed", "RowClosed")
    ]
    opening = {"id": "cash:opening", "at": ONE, "amount": "100"}
    return {
        "bars": bars,
        "signals": [mark("signals", ONE), mark("signals", TWO)],
        "orders": [
            approval(FILLED, ONE), mark("orders", ONE), approval(WORKING, TWO), mark("orders", TWO)
        ],
        "fills": [
            ("CashAdjusted", opening), mark("fills", ONE), told("OrderAccepted", FILLED),
            fill("2", "2"), fill("3", "5"), mark("fills", TWO),
            told("OrderAccepted", WORKING, TWO),
        ],
        "health": [("RoomReported", {"id": "health:risk:1", "at": ONE})],
    }  # fmt: skip


def evidence(**changed: Any) -> Evidence:
    """The run; `streams` are given as they are made above, all else as the evidence has it."""
    made = {
        family: numbered(events) for family, events in changed.pop("streams", streams()).items()
    }
    return replace(_as_it_should_be(made), **changed)


def _as_it_should_be(made: Mapping[str, list[Entry]]) -> Evidence:
    ends = {family: entries[-1].id if entries else "0-0" for family, entries in made.items()}
    whole = Ledger(cash=Decimal("49.50"), positions={"A": Decimal(5)})
    standings = {
        "risk": Standing(
            generation=3,
            cursor={family: ends[family] for family in ROOMS["risk"]},
            state_cursor={family: "2-0" for family in ROOMS["risk"]},
            folds={family: len(made[family]) - 2 for family in ROOMS["risk"]},
        ),
        "recorder": Standing(
            generation=1, cursor={family: ends[family] for family in ROOMS["recorder"]}
        ),
    }
    return Evidence(
        streams=made,
        dead=(),
        standings=standings,
        groups=[
            Group(family, room, standing.generation, 0, 0)
            for room, standing in standings.items()
            for family in standing.cursor
        ],
        journal={FILLED: "sending", WORKING: "sending"},
        exchange_log=[
            {"kind": "market"}, {"kind": "open", "row": ONE},
            {"kind": "order", "client_order_id": FILLED}, {"kind": "open", "row": TWO},
            {"kind": "order", "client_order_id": WORKING},
        ],
        account=Account(
            cash=whole.cash, positions=whole.positions, filled={FILLED: Decimal(5)},
            at_work=frozenset({WORKING}),
        ),
        ledgers={"risk": whole, "execution": whole},
        unfinished=frozenset({WORKING}),
        record=_recorded(made),
    )  # fmt: skip


def _recorded(made: Mapping[str, list[Entry]]) -> Record:
    return Record(
        events={
            entry.data["id"]: (family, entry.data)
            for family, entries in made.items()
            for entry in entries
            if entry.data and entry.type not in ("BarClosed", "RowClosed", "RoomReported")
        },
        fills={
            entry.data["id"]: Decimal(entry.data["quantity"])
            for entry in made["fills"]
            if entry.data and entry.type == "OrderFilled"
        },
        orders={FILLED: ("filled", Decimal(5)), WORKING: ("accepted", Decimal(0))},
        dead_letters=frozenset(),
    )
