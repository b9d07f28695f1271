"""What the desk tells about itself to whoever asks."""

import json
from datetime import timedelta

from tests.unit.trading.desk_factories import (
    OPEN,
    approved,
    cash,
    desk,
    feed_row,
    filled,
    position,
    signal,
)
from trimtab_common.events import TradingHalted
from trimtab_common.sides import Side


def minute(number):
    return OPEN + timedelta(minutes=number)


def lived():
    """Alpha got 300 of 400 AAPL; a fill nobody knows sold 20; MSFT is restricted; halted."""
    room = desk(["AAPL", "MSFT"], shares={"alpha": 0.5, "beta": 0.5}, restricted=["MSFT"])
    prices = {"AAPL": 100, "MSFT": 50}
    wishes = [signal(weight=0.8), signal("MSFT", 0.4, strategy="beta", price=50)]
    said = feed_row(room, minute(1), prices, cash(), position("ZZZ", 3), *wishes)
    order = next(event for event in said if event.symbol == "AAPL")
    room.handle(filled(order, 300, fee=3))
    room.handle(filled(approved("by-hand", side=Side.SELL, quantity=20), 20, price=110))
    feed_row(room, minute(2), {"AAPL": 110, "MSFT": 50})
    room.handle(TradingHalted(id="halt:1", at=minute(2), by="owner", reason="storm"))
    return room


def test_an_account_of_which_nothing_is_known_says_so():
    told = desk().summary()
    assert (told["row"], told["equity"], told["positions"], told["state"]) == (
        None, "0", {}, "TRADING"
    )  # fmt: skip


def test_it_is_plain_json():
    assert json.loads(json.dumps(lived().summary())) == lived().summary()


def test_it_tells_the_account_and_every_book():
    told = lived().summary()
    assert (told["row"], told["cash"], told["equity"]) == (
        "2024-03-05T14:32:00Z", "72197", "102997"
    )  # fmt: skip
    assert told["settled_cash"] == "69997"
    assert told["positions"]["AAPL"] == {
        "quantity": "280",
        "average_cost": "100",
        "mark": "110",
        "value": "30800",
        "unrealised": "2800",
        "realised": "197",
    }
    assert told["positions"]["ZZZ"]["value"] is None
    assert told["unpriced"] == ["ZZZ"]
    alpha = told["strategies"]["alpha"]
    assert (alpha["share"], alpha["holdings"]["AAPL"]["quantity"]) == ("0.5", "280")
    assert alpha["targets"] == {"AAPL": "0.8"}
    assert told["strategies"]["unassigned"]["holdings"]["ZZZ"]["quantity"] == "3"


def test_it_tells_why_trading_stopped_and_what_is_open():
    told = lived().summary()
    assert (told["state"], told["state_reason"]) == ("HALTED", "owner: storm")
    [order] = told["orders"]
    assert (order["symbol"], order["filled"], order["cancelling"]) == ("AAPL", "300", True)


def test_it_tells_why_a_symbol_is_bought_and_why_another_is_not():
    decisions = lived().summary()["decisions"]
    assert decisions["MSFT"]["target"] == "411"
    assert decisions["MSFT"]["outcome"] == (
        "buy refused by R22: the symbol is on the restricted list"
    )
    first = desk()
    feed_row(first, minute(1), {"AAPL": 100}, cash(), signal(weight=0.5, reason="z-score -2.1"))
    outcome = first.summary()["decisions"]["AAPL"]["outcome"]
    assert outcome == "buy: alpha wants 500 more: z-score -2.1"


def test_it_counts_refusals_and_oddities():
    told = lived().summary()
    assert [(each["symbol"], each["rule"], each["count"]) for each in told["refusals"]] == [
        ("MSFT", "R22", 2)
    ]
    assert told["oddities"]["count"] == 1
    assert "never approved" in told["oddities"]["last"][0]
