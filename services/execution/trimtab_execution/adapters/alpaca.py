"""Alpaca through its own client, with what the client lacks: time-outs, and honest outcomes.

The same code speaks to the simulator, to paper and to live; only the address and the keys differ.
Beside the client there is one call of our own: a simulator is told when a row may trade.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from alpaca.common.exceptions import APIError
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import OrderSide, QueryOrderStatus, TimeInForce
from alpaca.trading.requests import GetOrdersRequest, MarketOrderRequest
from requests.exceptions import RequestException

from trimtab_common.events import OrderApproved, instant
from trimtab_common.symbols import AssetClass, Symbol, asset_class, parse_symbol
from trimtab_execution.adapters.http_session import LeanSession
from trimtab_execution.ports import (
    Account,
    BrokerOrder,
    DuplicateId,
    NotCancelable,
    OutcomeUnknown,
    Refused,
    Update,
)

OK = 200
FIRST_REFUSAL = 400
NOT_FOUND = 404
TIMED_OUT = 408
TOO_MANY = 429
SERVER_ERROR = 500
OPEN_ORDERS_MAX = 500


class AlpacaBroker:
    """One account at Alpaca, or at a simulator that speaks its language. Thread-safe."""

    def __init__(
        self, url: str, *, key_id: str, secret_key: str, simulated: bool, read_seconds: float
    ) -> None:
        self.final_at_once = simulated
        self._url = url
        self._keys = (key_id, secret_key)
        self._read_seconds = read_seconds
        self._local = threading.local()

    def submit(self, order: OrderApproved) -> str:
        crypto = asset_class(order.symbol) is AssetClass.CRYPTO
        request = MarketOrderRequest(
            symbol=order.symbol,
            qty=_exact(order.quantity),
            side=OrderSide(order.side.value),
            time_in_force=TimeInForce.GTC if crypto else TimeInForce.DAY,
            client_order_id=order.client_order_id,
        )
        answer = self._ask(lambda client: client.submit_order(request), refusals=True)
        return str(answer["id"])

    def find(self, client_order_id: str) -> BrokerOrder | None:
        found = self._ask(
            lambda client: client.get_order_by_client_id(client_order_id), absent=True
        )
        return None if found is None else broker_order(found)

    def cancel(self, order_id: str) -> None:
        try:
            self._ask(lambda client: client.cancel_order_by_id(order_id), refusals=True)
        except (Refused, DuplicateId) as reason:
            raise NotCancelable(str(reason)) from None

    def open_orders(self) -> Sequence[BrokerOrder]:
        request = GetOrdersRequest(status=QueryOrderStatus.OPEN, limit=OPEN_ORDERS_MAX)
        return [broker_order(o) for o in self._ask(lambda client: client.get_orders(request))]

    def positions(self) -> dict[Symbol, Decimal]:
        found = self._ask(lambda client: client.get_all_positions())
        return {_symbol_of(p): _signed(p) for p in found}

    def account(self) -> Account:
        found = self._ask(lambda client: client.get_account())
        return Account(
            number=str(found["account_number"]),
            cash=Decimal(found["cash"]),
            equity=Decimal(found["equity"]),
            blocked=bool(found.get("account_blocked") or found.get("trading_blocked")),
        )

    def open_row(self, row: datetime) -> Sequence[Update]:
        """The simulator's own call; a real broker's market opens by itself."""
        if not self.final_at_once:
            return ()
        answer = self._answer(
            lambda: self._client()._session.request(
                "POST",
                f"{self._url}/control/open",
                headers=self._client()._get_default_headers(),
                json={"row": instant(row)},
            )
        )
        return [update(data) for data in answer["updates"]]

    def _answer(self, post: Callable[[], Any]) -> Any:
        try:
            answer = post()
        except RequestException as error:
            raise OutcomeUnknown(str(error)) from None
        if answer.status_code != OK:
            raise OutcomeUnknown(f"{answer.status_code}: {answer.text[:300]}")
        return answer.json()

    def _client(self) -> TradingClient:
        """One client a thread: they share nothing."""
        client: TradingClient | None = getattr(self._local, "client", None)
        if client is None:
            client = TradingClient(*self._keys, url_override=self._url, raw_data=True)
            client._session = LeanSession(read_seconds=self._read_seconds)  # type: ignore[assignment]
            client._retry = 0  # the constructor ignores a zero
            self._local.client = client
        return client

    def _ask(
        self,
        call: Callable[[TradingClient], Any],
        *,
        refusals: bool = False,
        absent: bool = False,
    ) -> Any:
        """Make a call and sort its failures into known and unknown ones."""
        try:
            return call(self._client())
        except APIError as error:
            status, message = error.status_code or 0, _message(error)
            if absent and status == NOT_FOUND:
                return None
            if refusals and _is_final(status):
                if "client_order_id must be unique" in message:
                    raise DuplicateId(message) from None
                raise Refused(message) from None
            raise OutcomeUnknown(f"{status}: {message}") from None
        except RequestException as error:
            raise OutcomeUnknown(str(error)) from None
        except (ValueError, KeyError, TypeError) as error:
            # The client may choke on an answer after the broker has acted.
            raise OutcomeUnknown(f"the answer could not be read: {error!r}") from None


def _is_final(status: int) -> bool:
    """Whether an error proves that nothing was done: the client's fault, not a busy server's."""
    return FIRST_REFUSAL <= status < SERVER_ERROR and status not in (TIMED_OUT, TOO_MANY)


def broker_order(found: Mapping[str, Any], reason: str = "") -> BrokerOrder:
    """An order as the REST interface and the update stream show it."""
    average = found.get("filled_avg_price")
    quantity = found.get("qty")
    return BrokerOrder(
        order_id=str(found["id"]),
        client_order_id=str(found["client_order_id"]),
        symbol=str(found["symbol"]),
        status=str(found["status"]),
        quantity=None if quantity is None else Decimal(quantity),
        filled_quantity=Decimal(found.get("filled_qty") or 0),
        average_price=None if average is None else Decimal(average),
        reason=reason,
    )


def update(data: Mapping[str, Any]) -> Update:
    """A trade update, from the stream or from an opened row's answer."""
    price, quantity = data.get("price"), data.get("qty")
    return Update(
        execution_id=str(data.get("execution_id") or ""),
        order=broker_order(data["order"], str(data.get("reason") or "")),
        quantity=None if quantity is None else Decimal(quantity),
        price=None if price is None else Decimal(price),
        fee=Decimal(data.get("fee") or 0),
    )


def _exact(quantity: Decimal) -> float:
    """The client takes a float; a quantity that a float cannot carry is refused, not rounded."""
    carried = float(quantity)
    if Decimal(repr(carried)) != quantity:
        raise Refused(f"quantity {quantity} has more digits than an order can carry")
    return carried


def _symbol_of(position: Mapping[str, Any]) -> Symbol:
    return parse_symbol(str(position["symbol"]), crypto=position.get("asset_class") == "crypto")


def _signed(position: Mapping[str, Any]) -> Decimal:
    quantity = Decimal(position["qty"])
    return -abs(quantity) if position.get("side") == "short" else quantity


def _message(error: APIError) -> str:
    text = str(error)
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return text[:300]
