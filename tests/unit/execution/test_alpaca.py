"""How answers of the broker are sorted: known, refused, known already, or unknown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.unit.execution.examples import an_order, row_at
from tests.unit.execution.servers import (
    Serve,
    Server,
    answering,
    half_an_answer,
    redirect,
    reset,
    serving,
    silence,
)
from trimtab_execution.adapters.alpaca import AlpacaBroker
from trimtab_execution.adapters.request_budget import RequestBudget
from trimtab_execution.ports import (
    Account,
    BrokerOrder,
    DuplicateId,
    NotCancelable,
    OutcomeUnknown,
    Position,
    Refused,
)

ORDER = an_order()
SHOWN: dict[str, Any] = {
    "id": "904837e3-3b76-47ec-b432-046db621571b",
    "client_order_id": ORDER.client_order_id,
    "symbol": "AAPL",
    "status": "new",
    "qty": "10",
    "filled_qty": "0",
    "filled_avg_price": None,
    "legs": None,
}
ACCOUNT = {"account_number": "PA1", "cash": "100.5", "equity": 1500, "trading_blocked": False}


def refusal(message: str, code: int = 40310000) -> dict[str, Any]:
    return {"code": code, "message": message}


@contextmanager
def broker_at(*answers: Serve, simulated: bool = False) -> Iterator[tuple[AlpacaBroker, Server]]:
    """A broker whose server answers so."""
    with serving(*answers) as server:
        broker = AlpacaBroker(
            server.url, key_id="KEY", secret_key="SECRET", simulated=simulated, read_seconds=0.2
        )
        with closing(broker):
            yield broker, server


def test_an_order_is_sent_as_it_was_approved():
    with broker_at(answering(200, SHOWN)) as (broker, server):
        assert broker.submit(an_order(quantity="0.123456789")) == SHOWN["id"]
        head, _, body = server.requests[0].partition(b"\r\n\r\n")
        assert head.startswith(b"POST /v2/orders")
        assert json.loads(body) == {
            "symbol": "AAPL", "qty": 0.123456789, "side": "buy", "type": "market",
            "time_in_force": "day", "client_order_id": an_order().client_order_id,
        }  # fmt: skip


def test_a_pair_is_good_till_cancelled():
    with broker_at(answering(200, SHOWN)) as (broker, server):
        broker.submit(an_order(symbol="BTC/USD"))
        body = json.loads(server.requests[0].partition(b"\r\n\r\n")[2])
        assert (body["symbol"], body["time_in_force"]) == ("BTC/USD", "gtc")


def test_a_quantity_that_the_client_would_round_is_refused_before_it_is_sent():
    with broker_at(answering(200, SHOWN)) as (broker, server):
        with pytest.raises(Refused, match="more digits"):
            broker.submit(an_order(quantity="123456789012345.123456789"))
        assert server.requests == []


SUBMITTING = {
    "no funds": (answering(403, refusal("insufficient buying power")), Refused),
    "wash trade": (answering(403, refusal("potential wash trade detected")), Refused),
    "wash trade, other status": (
        answering(422, refusal("potential wash trade", 42210000)),
        Refused,
    ),
    "no such asset": (answering(404, refusal("asset not found", 40410000)), Refused),
    "wrong keys": (answering(401, refusal("request is not authorized")), Refused),
    "refused without JSON": (answering(400, b"<html>bad request</html>"), Refused),
    "known already": (answering(422, refusal("client_order_id must be unique")), DuplicateId),
    "too many": (answering(429, refusal("too many requests.")), OutcomeUnknown),
    "request time-out": (answering(408, refusal("")), OutcomeUnknown),
    "server error": (answering(500, refusal("internal server error")), OutcomeUnknown),
    "gateway time-out": (answering(504, b"<html>504</html>"), OutcomeUnknown),
    "silence": (silence, OutcomeUnknown),
    "reset": (reset, OutcomeUnknown),
    "half an answer": (half_an_answer, OutcomeUnknown),
    "redirect": (redirect, OutcomeUnknown),
    "empty answer": (answering(200, b""), OutcomeUnknown),
    "no JSON": (answering(200, b"ok"), OutcomeUnknown),
    "no text": (answering(200, b'{"id": "\xff\xfe"}'), OutcomeUnknown),
    "no id": (answering(200, {"status": "new"}), OutcomeUnknown),
    "id is null": (answering(200, {"id": None}), OutcomeUnknown),
    "a list": (answering(200, [SHOWN]), OutcomeUnknown),
}


@pytest.mark.parametrize("case", SUBMITTING)
def test_a_submission_is_known_refused_or_unknown_and_never_repeated(case):
    serve, outcome = SUBMITTING[case]
    with broker_at(serve) as (broker, server):
        with pytest.raises(outcome):
            broker.submit(ORDER)
        assert len(server.requests) == 1


def test_a_submission_waits_for_its_turn_and_every_request_counts():
    slept: list[float] = []
    budget = RequestBudget(
        per_minute=4, reserve=2, monotonic=lambda: 15.0 * len(slept), sleep=slept.append
    )
    with serving(answering(404, refusal("order not found"))) as server:
        broker = AlpacaBroker(
            server.url, key_id="K", secret_key="S", simulated=False, read_seconds=1, budget=budget
        )
        with closing(broker):
            broker.await_turn()
            assert slept == []
            for _ in range(2):
                broker.find("tt-x")
            broker.await_turn()
    assert slept == [15.0]


def test_the_brokers_own_words_are_the_reason():
    refusing = answering(403, refusal("insufficient buying power"))
    with broker_at(refusing) as (broker, _), pytest.raises(Refused, match=r"^insufficient buying"):
        broker.submit(ORDER)


def test_an_order_is_found_by_the_id_it_was_sent_with():
    with broker_at(answering(200, SHOWN)) as (broker, server):
        found = broker.find(ORDER.client_order_id)
        assert found == BrokerOrder(
            SHOWN["id"], ORDER.client_order_id, "AAPL", "new", Decimal(10), Decimal(0), None
        )
        assert server.requests[0].startswith(
            f"GET /v2/orders:by_client_order_id?client_order_id={ORDER.client_order_id} ".encode()
        )


@pytest.mark.parametrize(
    ("serve", "outcome"),
    [
        (answering(404, refusal("order not found", 40410000)), None),
        (answering(403, refusal("forbidden.")), OutcomeUnknown),
        (answering(429, refusal("too many")), OutcomeUnknown),
        (answering(200, SHOWN | {"qty": "NaN"}), OutcomeUnknown),
        (silence, OutcomeUnknown),
    ],
)
def test_only_not_found_means_that_there_is_none(serve, outcome):
    with broker_at(serve) as (broker, _):
        if outcome is None:
            assert broker.find("tt-x") is None
            return
        with pytest.raises(outcome):
            broker.find("tt-x")


@pytest.mark.parametrize(
    ("serve", "outcome"),
    [
        (answering(204, b""), None),
        (answering(422, refusal("order is not cancelable", 42210000)), NotCancelable),
        (answering(404, refusal("order not found", 40410000)), NotCancelable),
        (answering(500, refusal("oops")), OutcomeUnknown),
        (silence, OutcomeUnknown),
    ],
)
def test_a_cancel_is_taken_refused_or_unknown(serve, outcome):
    with broker_at(serve) as (broker, _):
        if outcome is None:
            broker.cancel(SHOWN["id"])
            return
        with pytest.raises(outcome):
            broker.cancel(SHOWN["id"])


def test_the_account_is_read_however_its_amounts_are_written():
    with broker_at(answering(200, ACCOUNT)) as (broker, _):
        assert broker.account() == Account("PA1", Decimal("100.5"), Decimal(1500), blocked=False)


@pytest.mark.parametrize(
    "change",
    [
        {"equity": None},
        {"cash": "1,000.5"},
        {"cash": "NaN"},
        {"account_number": None},
        {"cash": True},
    ],
)
def test_an_account_that_cannot_be_read_is_not_guessed(change):
    strange = answering(200, ACCOUNT | change)
    with broker_at(strange) as (broker, _), pytest.raises(OutcomeUnknown, match="could not be"):
        broker.account()


def test_fields_that_come_and_go_and_states_nobody_knows_do_no_harm():
    strange = ACCOUNT | {"status": "NEVER_HEARD_OF", "pattern_day_trader": None, "new": {}}
    with broker_at(answering(200, strange | {"account_blocked": True})) as (broker, _):
        assert broker.account().blocked


def test_positions_are_signed_and_pairs_get_their_slash():
    apple = {"symbol": "AAPL", "qty": "-3", "side": "short", "market_value": "-300"}
    coin = {
        "symbol": "BTCUSD", "asset_class": "crypto", "qty": "0.5", "side": "long",
        "market_value": None, "cost_basis": "20000",
    }  # fmt: skip
    with broker_at(answering(200, [apple, coin])) as (broker, _):
        assert broker.positions() == [
            Position("AAPL", Decimal(-3), Decimal(-300)),
            Position("BTC/USD", Decimal("0.5"), Decimal(20000)),
        ]


@pytest.mark.parametrize(
    "serve",
    [answering(500, refusal("oops")), answering(200, {"message": "x"}), answering(200, b"null")],
)
def test_positions_that_cannot_be_read_are_not_none(serve):
    with broker_at(serve) as (broker, _), pytest.raises(OutcomeUnknown):
        broker.positions()


def test_the_brokers_clock_is_read_to_the_nanosecond():
    said = {"timestamp": "2024-03-04T09:31:00.123456789-05:00", "is_open": True}
    with broker_at(answering(200, said)) as (broker, _):
        assert broker.clock() == datetime.fromisoformat("2024-03-04T14:31:00.123456+00:00")


def test_a_real_broker_opens_no_rows():
    with broker_at(answering(200, {})) as (broker, server):
        assert list(broker.open_row(row_at(1))) == []
        assert server.requests == []


@pytest.mark.parametrize("serve", [answering(409, refusal("the next row is …")), reset])
def test_a_row_that_was_not_opened_is_unknown(serve):
    with broker_at(serve, simulated=True) as (broker, _), pytest.raises(OutcomeUnknown):
        broker.open_row(row_at(1))


def test_a_row_is_opened_by_its_instant_and_tells_what_traded():
    traded = {
        "execution_id": "x1", "price": "101.5", "qty": "10", "fee": "0.35",
        "order": SHOWN | {"status": "filled", "filled_qty": "10", "filled_avg_price": "101.5"},
    }  # fmt: skip
    with broker_at(answering(200, {"row": "…", "updates": [traded]}), simulated=True) as (
        broker,
        server,
    ):
        (update,) = broker.open_row(row_at(1))
        assert (update.price, update.fee, update.order.status) == (
            Decimal("101.5"), Decimal("0.35"), "filled",
        )  # fmt: skip
        assert json.loads(server.requests[0].partition(b"\r\n\r\n")[2]) == {
            "row": "2024-03-04T14:31:00Z"
        }
