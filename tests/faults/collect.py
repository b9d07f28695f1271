"""Reads the evidence off a system that has come to rest."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg

from tests.faults.evidence import Account, Entry, Evidence, Group, Ledger, Record, Standing
from tests.faults.system import KEYS, System
from trimtab.supervisor.plan import EXCHANGE, ROOMS
from trimtab_common.symbols import parse_symbol
from trimtab_runtime.delivery.keys import DEAD, FAMILIES

PAGE = 5_000
ORDERS_A_PAGE = 500
STAGES = ("strategy", "risk")
"""Rooms that keep a record of the order in which they took entries."""


def collect(system: System) -> Evidence:
    """Everything the checker wants to see; the rooms still run and have nothing to do."""
    server = system.server
    try:
        return Evidence(
            streams={family: _entries(server, family) for family in FAMILIES},
            dead=_dead(server),
            standings={room: _standing(server, room) for room in ROOMS},
            groups=_groups(server),
            journal=_journal(_on_server(system) or system.home / "journal.db"),
            exchange_log=_exchange_log(system),
            account=_account(system),
            ledgers={room: _ledger(system.info(room)) for room in ("risk", "execution")},
            unfinished=_unfinished(server),
            record=_record(system),
        )
    finally:
        server.close()


def _pages(server: Any, stream: str) -> Any:
    first = "-"
    while page := server.xrange(stream, first, "+", count=PAGE):
        yield from page
        first = f"({page[-1][0].decode()}"


def _entries(server: Any, family: str) -> list[Entry]:
    return [
        Entry(
            entry_id.decode(),
            fields.get(b"type", b"").decode("utf-8", "replace"),
            _data(fields),
            fields.get(b"data", b""),
        )
        for entry_id, fields in _pages(server, KEYS.stream(family))
    ]


def _data(fields: Mapping[bytes, bytes]) -> dict[str, Any] | None:
    try:
        found = json.loads(fields[b"data"])
    except (KeyError, ValueError):
        return None
    return found if isinstance(found, dict) and "id" in found else None


def _dead(server: Any) -> list[dict[str, str]]:
    return [
        {"id": entry_id.decode()}
        | {name.decode(): text.decode("utf-8", "replace") for name, text in fields.items()}
        for entry_id, fields in _pages(server, KEYS.stream(DEAD))
    ]


def _standing(server: Any, room: str) -> Standing:
    stored = server.hgetall(KEYS.room(room))
    folds: Counter[str] | None = None
    if room in STAGES:
        folds = Counter()
        since = int(stored.get(b"state_sequence", 0))
        for _, fields in server.xrange(KEYS.order(room), f"({since}-0", "+"):
            for family, count in json.loads(fields[b"runs"]):
                folds[family] += count
    return Standing(
        generation=int(stored.get(b"generation", 0)),
        cursor=json.loads(stored.get(b"cursor", b"{}")),
        state_cursor=json.loads(stored.get(b"state_cursor", b"{}")),
        folds=folds,
    )


def _groups(server: Any) -> list[Group]:
    found = []
    for family in (*FAMILIES, DEAD):
        stream = KEYS.stream(family)
        for group in server.xinfo_groups(stream) if server.exists(stream) else ():
            room, _, generation = group["name"].decode().rpartition(".")
            lag = None if group["lag"] is None else int(group["lag"])
            found.append(Group(family, room, int(generation), int(group["pending"]), lag))
    return found


def _rows(database: Path | str, query: str) -> list[tuple[Any, ...]]:
    """What a SQLite file, or a PostgreSQL server at a URL, answers."""
    if isinstance(database, str):
        with psycopg.connect(database) as server:
            return server.execute(query.encode()).fetchall()
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10)) as connection:
        return connection.execute(query).fetchall()


def _journal(database: Path | str) -> dict[str, str]:
    return dict(_rows(database, "select client_order_id, state from intents"))


def _on_server(system: System) -> str | None:
    """The PostgreSQL database that record and journal share; None where there is none."""
    address = system.scene.plan.environment.get("TRIMTAB_DATABASE_URL", "")
    return address if address.startswith("postgresql") else None


def _exchange_log(system: System) -> list[dict[str, Any]]:
    folder = system.scene.plan.environment.get("TRIMTAB_SIM_DIR", str(system.home / EXCHANGE))
    text = (Path(folder) / "exchange.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def _account(system: System) -> Account:
    orders: dict[str, Any] = {}
    page = system.ask_exchange("GET", "/v2/orders", status="all", limit=ORDERS_A_PAGE)
    while page:
        orders |= {order["client_order_id"]: order for order in page}
        page = system.ask_exchange(
            "GET",
            "/v2/orders",
            status="all",
            limit=ORDERS_A_PAGE,
            before_order_id=page[-1]["id"],
        )
    open_orders = system.ask_exchange("GET", "/v2/orders", status="open", limit=ORDERS_A_PAGE)
    account = system.ask_exchange("GET", "/v2/account")
    return Account(
        cash=Decimal(account["cash"]),
        positions=system.exchange.quantities(),
        filled={
            key: quantity
            for key, order in orders.items()
            if (quantity := Decimal(order["filled_qty"]))
        },
        at_work=frozenset(order["client_order_id"] for order in open_orders),
    )


def _ledger(info: Mapping[str, Any]) -> Ledger:
    held = {
        parse_symbol(symbol, crypto="/" in symbol): Decimal(
            str(each["quantity"] if isinstance(each, dict) else each)
        )
        for symbol, each in info["positions"].items()
    }
    return Ledger(cash=Decimal(str(info["cash"])), positions={s: q for s, q in held.items() if q})


def _unfinished(server: Any) -> frozenset[str]:
    state = json.loads(server.hget(KEYS.room("execution"), "state"))
    orders = (json.loads(order[0]) for order in state["merge"]["stage"]["orders"])
    return frozenset(order["client_order_id"] for order in orders)


def _record(system: System) -> Record:
    address = system.scene.plan.environment.get("TRIMTAB_DATABASE_URL")
    file = Path(address.removeprefix("sqlite:///")) if address else system.home / "trimtab.db"
    database = _on_server(system) or file
    return Record(
        events={
            key: (stream, json.loads(data))
            for key, stream, data in _rows(database, "select id, stream, data from events")
        },
        fills={key: Decimal(q) for key, q in _rows(database, "select id, quantity from fills")},
        orders={
            key: (state, Decimal(filled))
            for key, state, filled in _rows(
                database, "select client_order_id, state, filled_quantity from orders"
            )
        },
        dead_letters=frozenset(key for (key,) in _rows(database, "select id from dead_letters")),
    )
