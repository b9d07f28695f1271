"""Alpaca through its own client, with what the client lacks: time-outs, and honest outcomes.

The same code speaks to the simulator, to paper and to live; only the address and the keys differ.
Beside the client there is one call of our own: a simulator is told when a row may trade.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from alpaca.common.exceptions import APIError
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import OrderSide, QueryOrderStatus, TimeInForce
from alpaca.trading.requests import GetOrdersRequest, MarketOrderRequest
from requests.exceptions import RequestException

from trimtab_common.events import OrderApproved, instant
from trimtab_common.symbols import AssetClass, alpaca_symbol, asset_class
from trimtab_execution.adapters import answers
from trimtab_execution.adapters.http_session import LeanSession
from trimtab_execution.adapters.request_budget import RequestBudget
from trimtab_execution.ports import (
    Account,
    Activity,
    BrokerOrder,
    DuplicateId,
    NotCancelable,
    OutcomeUnknown,
    Position,
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
ACTIVITIES_PAGE = 100
ACTIVITIES_PAGES_MAX = 20
ACTIVITIES = (
    "ACATC,ACATS,CSD,CSW,DIV,DIVCGL,DIVCGS,DIVFEE,DIVFT,DIVNRA,DIVROC,DIVTW,DIVTXEX,INT,INTNRA,"
    "INTTW,JNLC,JNLS,MA,NC,PTC,PTR,REORG,SPIN,SPLIT"
)
FEES = "CFEE,FEE"
"""A real broker charges them later; a simulated one tells them with the fills."""
MESSAGE_LENGTH_MAX = 300
KNOWN_ID = "client_order_id must be unique"

Result = TypeVar("Result")


class AlpacaBroker:
    """One account at Alpaca, or at a simulator that speaks its language. Thread-safe."""

    def __init__(
        self,
        url: str,
        *,
        key_id: str,
        secret_key: str,
        simulated: bool,
        read_seconds: float,
        budget: RequestBudget | None = None,
    ) -> None:
        self.final_at_once = simulated
        self._url = url
        self._keys = (key_id, secret_key)
        self._read_seconds = read_seconds
        self._budget = budget
        self._local = threading.local()
        self._sessions: list[LeanSession] = []

    def close(self) -> None:
        """Let every thread's connection go."""
        for session in self._sessions:
            session.close()

    def await_turn(self) -> None:
        if self._budget is not None:
            self._budget.wait()

    def submit(self, order: OrderApproved) -> str:
        crypto = asset_class(order.symbol) is AssetClass.CRYPTO
        request = MarketOrderRequest(
            symbol=alpaca_symbol(order.symbol),
            qty=_exact(order.quantity),
            side=OrderSide(order.side.value),
            time_in_force=TimeInForce.GTC if crypto else TimeInForce.DAY,
            client_order_id=order.client_order_id,
        )
        return self._ask(
            lambda client: client.submit_order(request),
            read=lambda found: answers.text_of(found, "id"),
            refusals=True,
        )

    def find(self, client_order_id: str) -> BrokerOrder | None:
        return self._ask(
            lambda client: client.get_order_by_client_id(client_order_id),
            read=lambda found: None if found is None else answers.order_of(found),
            absent=True,
        )

    def cancel(self, order_id: str) -> None:
        try:
            self._ask(
                lambda client: client.cancel_order_by_id(order_id),
                read=lambda found: None,
                refusals=True,
            )
        except (Refused, DuplicateId) as reason:
            raise NotCancelable(str(reason)) from None

    def open_orders(self) -> Sequence[BrokerOrder]:
        request = GetOrdersRequest(status=QueryOrderStatus.OPEN, limit=OPEN_ORDERS_MAX)
        return self._ask(
            lambda client: client.get_orders(request),
            read=lambda found: [answers.order_of(order) for order in found],
        )

    def positions(self) -> Sequence[Position]:
        return self._ask(
            lambda client: client.get_all_positions(),
            read=lambda found: [answers.position_of(position) for position in found],
        )

    def account(self) -> Account:
        return self._ask(lambda client: client.get_account(), read=answers.account_of)

    def activities(self, after: datetime) -> Sequence[Activity]:
        kinds = ACTIVITIES if self.final_at_once else f"{ACTIVITIES},{FEES}"
        wanted = {"activity_types": kinds, "after": instant(after), "direction": "asc"}
        found: list[Activity] = []
        for _ in range(ACTIVITIES_PAGES_MAX):
            page = self._ask(
                lambda client: client.get("/account/activities", wanted),
                read=lambda found: [answers.activity_of(activity) for activity in found],
            )
            found += page
            if len(page) < ACTIVITIES_PAGE:
                return found
            wanted["page_token"] = page[-1].id
        raise OutcomeUnknown(f"more than {len(found)} activities since {instant(after)}")

    def clock(self) -> datetime:
        return self._ask(lambda client: client.get_clock(), read=answers.time_of)

    def open_row(self, row: datetime) -> Sequence[Update]:
        """The simulator's own call; a real broker's market opens by itself."""
        if not self.final_at_once:
            return ()

        def post(client: TradingClient) -> Any:
            answer = client._session.request(
                "POST",
                f"{self._url}/control/open",
                headers=client._get_default_headers(),
                json={"row": instant(row)},
            )
            if answer.status_code != OK:
                raise OutcomeUnknown(f"{answer.status_code}: {answer.text[:MESSAGE_LENGTH_MAX]}")
            return answer.json()

        return self._ask(
            post, read=lambda found: [answers.update_of(data) for data in found["updates"]]
        )

    def _client(self) -> TradingClient:
        """One client a thread: they share nothing."""
        client: TradingClient | None = getattr(self._local, "client", None)
        if client is None:
            client = TradingClient(*self._keys, url_override=self._url, raw_data=True)
            session = LeanSession(self._url, read_seconds=self._read_seconds)
            self._sessions.append(session)
            client._session = session  # type: ignore[assignment]
            client._retry = 0  # the constructor ignores a zero
            self._local.client = client
        return client

    def _ask(
        self,
        call: Callable[[TradingClient], Any],
        *,
        read: Callable[[Any], Result],
        refusals: bool = False,
        absent: bool = False,
    ) -> Result:
        """Make a call, read the answer, and sort the failures into known and unknown ones.

        `refusals`: an error may prove that nothing was done. `absent`: "not found" is an answer.
        """
        if self._budget is not None:
            self._budget.take()
        try:
            return read(call(self._client()))
        except APIError as error:
            status, message = error.status_code or 0, _message(error)
            if absent and status == NOT_FOUND:
                return read(None)
            if refusals and _is_final(status):
                raise _refusal(message) from None
            raise OutcomeUnknown(f"{status}: {message}") from None
        except RequestException as error:
            raise OutcomeUnknown(str(error)[:MESSAGE_LENGTH_MAX]) from None
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            # The broker may have acted before it answered what nobody can read.
            raise OutcomeUnknown(f"the answer could not be read: {error!r:.300}") from None


def _is_final(status: int) -> bool:
    """Whether an error proves that nothing was done: the client's fault, not a busy server's."""
    return FIRST_REFUSAL <= status < SERVER_ERROR and status not in (TIMED_OUT, TOO_MANY)


def _refusal(message: str) -> Exception:
    return DuplicateId(message) if KNOWN_ID in message else Refused(message)


def _exact(quantity: Decimal) -> float:
    """The client takes a float; a quantity that a float cannot carry is refused, not rounded."""
    carried = float(quantity)
    if Decimal(repr(carried)) != quantity:
        raise Refused(f"quantity {quantity} has more digits than an order can carry")
    return carried


def _message(error: APIError) -> str:
    text = str(error)
    try:
        return str(json.loads(text)["message"])[:MESSAGE_LENGTH_MAX]
    except (ValueError, KeyError, TypeError):
        return text[:MESSAGE_LENGTH_MAX]
