"""The account's activities: every fill, fee, dividend and transfer, in order."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from trimtab_common.events import instant
from trimtab_common.money import plain
from trimtab_common.symbols import Symbol, compact_symbol
from trimtab_simulator.core.orders import Order, Status
from trimtab_simulator.core.queries import Query
from trimtab_simulator.core.records import Reason
from trimtab_simulator.core.refusals import Refusal, invalid
from trimtab_trading.broker_ids import derived_id, execution_id

PAGE_SIZE_MAX = 100
FILL = "FILL"
FEE = "FEE"
TYPES_OF_GROUPS = {"TRANS": ("CSD", "CSW"), "MISC": (FEE, "SPLIT", "JNLS")}
A_DAY = timedelta(days=1)

Activity = dict[str, Any]


class Activities:
    """A list that only grows; it is read in pages from either end."""

    def __init__(self) -> None:
        self._all: list[Activity] = []
        self._times: list[datetime] = []
        self._places: dict[str, int] = {}

    def add_fill(self, order: Order, at: datetime, quantity: Decimal, price: Decimal) -> None:
        """One trade."""
        self._add(
            at,
            execution_id(order.client_order_id, order.filled),
            {
                "activity_type": FILL,
                "transaction_time": instant(at),
                "type": "fill" if order.status is Status.FILLED else "partial_fill",
                "price": plain(price),
                "qty": plain(quantity),
                "side": order.side.value,
                "symbol": order.symbol,
                "leaves_qty": plain(order.remaining),
                "order_id": order.id,
                "cum_qty": plain(order.filled),
                "order_status": order.status.value,
            },
        )

    def add_fee(self, order: Order, at: datetime, fee: Decimal) -> None:
        """What a fill cost beside its price."""
        cause = f"fee:{order.client_order_id}:{plain(order.filled)}"
        fields = {"symbol": order.symbol, "description": f"fee of order {order.client_order_id}"}
        self._add_other(at, cause, FEE, -fee, fields)

    def add_adjustment(
        self, at: datetime, reason: Reason, symbol: Symbol | None, cash: Decimal, quantity: Decimal
    ) -> None:
        """Cash or a position changed without an order."""
        fields: Activity = {"description": f"{reason.value} (SIMULATED)"}
        if symbol is not None:
            fields["symbol"] = compact_symbol(symbol)
        if quantity:
            fields["qty"] = plain(quantity)
        kinds = {
            Reason.DIVIDEND: "DIV",
            Reason.TRANSFER: "CSW" if cash < 0 else "CSD",
            Reason.FEE: FEE,
            Reason.SPLIT: "SPLIT",
            Reason.POSITION: "JNLS",
        }
        self._add_other(at, f"adjust:{len(self._all)}", kinds[reason], cash, fields)

    def read(self, kinds: tuple[str, ...], query: Query) -> list[Activity] | Refusal:
        """One page; `page_token` is the id of the last activity of the page before."""
        page_size = query.whole_number("page_size", PAGE_SIZE_MAX, most=PAGE_SIZE_MAX)
        ascending = query.choice("direction", ("asc", "desc"), "desc") == "asc"
        first, last = self._range(query)
        token = query.text("page_token")
        if query.refusal is not None:
            return query.refusal
        if token is not None and token not in self._places:
            return invalid("page_token is invalid")
        wanted = {kind for name in kinds for kind in TYPES_OF_GROUPS.get(name, (name,))}
        page: list[Activity] = []
        for place in self._walk(first, last, ascending, token):
            if len(page) == page_size:
                break
            activity = self._all[place]
            if not wanted or activity["activity_type"] in wanted:
                page.append(activity)
        return page

    def _range(self, query: Query) -> tuple[int, int]:
        """From which place to which, the end left out; `date` asks for one day in UTC."""
        day, after, until = (query.moment(name) for name in ("date", "after", "until"))
        if day is not None:
            midnight = day.replace(hour=0, minute=0, second=0, microsecond=0)
            return bisect_left(self._times, midnight), bisect_left(self._times, midnight + A_DAY)
        first = 0 if after is None else bisect_right(self._times, after)
        last = len(self._all) if until is None else bisect_left(self._times, until)
        return first, last

    def _walk(self, first: int, last: int, ascending: bool, token: str | None) -> Iterator[int]:
        after = None if token is None else self._places[token]
        if ascending:
            return iter(range(first if after is None else max(first, after + 1), last))
        return iter(range((last if after is None else min(last, after)) - 1, first - 1, -1))

    def _add_other(
        self, at: datetime, cause: str, kind: str, net_amount: Decimal, fields: Mapping[str, Any]
    ) -> None:
        self._add(
            at,
            derived_id(cause),
            {
                "activity_type": kind,
                "date": at.date().isoformat(),
                "created_at": instant(at),
                "net_amount": plain(net_amount),
                "currency": "USD",
                "status": "executed",
                **fields,
            },
        )

    def _add(self, at: datetime, unique: str, fields: Activity) -> None:
        number = f"{at:%Y%m%d%H%M%S}{at.microsecond // 1000:03d}::{unique}"
        self._places[number] = len(self._all)
        self._times.append(max(at, self._times[-1]) if self._times else at)
        self._all.append({"id": number, **fields})
