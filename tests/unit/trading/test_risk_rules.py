"""Every rule: passes at its limit, refuses one tick above, and what is unknown."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.unit.trading.desk_factories import DAY, NEXT_OPEN, NOON, instrument
from tests.unit.trading.rule_factories import NAN, SALE, around, order, verdicts
from trimtab_common.sides import Side
from trimtab_trading.risk.circumstances import RecentOrder
from trimtab_trading.risk.control import TradingState
from trimtab_trading.risk.rules import RULES

D = Decimal
LAST_ENTRY = datetime(2024, 3, 5, 20, 58, tzinfo=UTC)
HALF_DAY = datetime(2024, 7, 3, 17, 0, tzinfo=UTC)
SUNDAY = datetime(2024, 3, 10, 17, 0, tzinfo=UTC)
TICK = timedelta(seconds=1)


@dataclass(frozen=True)
class Numbers:
    """A rule with a number: circumstances at its limit, one tick above, and unknown ones."""

    rule: str
    passing: dict[str, Any]
    refused: dict[str, Any]
    unknown: list[dict[str, Any]] = field(default_factory=list)
    order: dict[str, Any] = field(default_factory=dict)
    classes: dict[str, Any] = field(default_factory=dict)
    account: dict[str, Any] = field(default_factory=dict)


def said(case, changes):
    proposal = case.order | {k[6:]: v for k, v in changes.items() if k.startswith("order_")}
    other = {k: v for k, v in changes.items() if not k.startswith("order_")}
    if case.classes and "instrument" not in other:
        other["instrument"] = instrument(classes=case.classes)
    return verdicts(order(**proposal), around(**other), classes=case.classes, **case.account)


NUMBERS = [
    Numbers(
        "R01",
        classes={"order_equity_max": 0.01},
        passing={"equity": D(100_000)},
        refused={"equity": D("99999.99")},
        unknown=[{"equity": NAN}, {"equity": None}, {"order_quantity": NAN}, {"instrument": None}],
    ),
    Numbers(
        "R01",
        classes={"order_notional_max": 1000},
        passing={"order_price": D(100)},
        refused={"order_price": D("100.01")},
        unknown=[{"order_price": NAN}],
    ),
    Numbers(
        "R03",
        account={"basket_equity_max": 1.05},
        passing={"basket": D(105_000)},
        refused={"basket": D("105000.01")},
        unknown=[{"basket": NAN}, {"equity": None}, {"equity": NAN}],
    ),
    Numbers(
        "R04",
        passing={"order_reference_price": D(103)},
        refused={"order_reference_price": D("103.01")},
        unknown=[{"mark": None}, {"mark": NAN}, {"mark": D(0)}, {"order_reference_price": NAN}],
    ),
    Numbers(
        "R04", passing={"order_reference_price": D(97)}, refused={"order_reference_price": D(96)}
    ),
    Numbers(
        "R13",
        classes={"order_equity_max": 0.1, "position_equity_max": 0.1},
        passing={"held": D(80), "open_purchases": D(10)},
        refused={"held": D(80), "open_purchases": D(11)},
        unknown=[{"equity": None}, {"equity": NAN}, {"order_price": NAN}, {"instrument": None}],
    ),
    Numbers(
        "R13",
        classes={"position_notional_max": 5000},
        passing={"held": D(40)},
        refused={"held": D("40.0001")},
    ),
    Numbers(
        "R14",
        passing={"gross": D(99_000)},
        refused={"gross": D("99000.01")},
        unknown=[{"gross": NAN}, {"equity": None}, {"equity": NAN}],
    ),
    Numbers(
        "R18",
        account={"open_orders_equity_max": 0.3},
        passing={"open_notional": D(29_000)},
        refused={"open_notional": D("29000.01")},
        unknown=[{"open_notional": NAN}, {"equity": None}],
    ),
    Numbers(
        "R19",
        classes={"cost_allowance": 0.02},
        passing={"spendable": D(1020)},
        refused={"spendable": D("1019.99")},
        unknown=[{"spendable": NAN}, {"order_quantity": NAN}, {"instrument": None}],
    ),
    Numbers(
        "R20",
        order=SALE,
        passing={"held": D(15), "open_sales": D(5)},
        refused={"held": D(15), "open_sales": D("5.0001")},
        unknown=[{"held": NAN}, {"held": D(15), "order_quantity": NAN}],
    ),
    Numbers(
        "R24",
        passing={"last_bar_at": NOON - timedelta(seconds=90)},
        refused={"last_bar_at": NOON - timedelta(seconds=91)},
        unknown=[{"last_bar_at": None}],
    ),
    Numbers(
        "R24",
        passing={"last_bar_at": NOON - timedelta(seconds=30), "timeframe": DAY},
        refused={"last_bar_at": NOON - timedelta(seconds=31), "timeframe": DAY},
    ),
    Numbers(
        "R23",
        passing={"order_not_before": LAST_ENTRY},
        refused={"order_not_before": LAST_ENTRY + TICK},
        unknown=[{"instrument": None}],
    ),
    Numbers(
        "R23",
        passing={"order_not_before": HALF_DAY - timedelta(minutes=2)},
        refused={"order_not_before": HALF_DAY - timedelta(minutes=1)},
    ),
    Numbers(
        "R11",
        passing={"recent_orders": (RecentOrder("x", NOON - 60 * TICK, "AAPL", Side.BUY, D(10)),)},
        refused={"recent_orders": (RecentOrder("x", NOON - 59 * TICK, "AAPL", Side.BUY, D(10)),)},
        unknown=[{"order_quantity": NAN}],
    ),
    Numbers(
        "R11",
        order={"quantity": D(101)},
        passing={"recent_orders": (RecentOrder("x", NOON, "AAPL", Side.BUY, D("99.99")),)},
        refused={"recent_orders": (RecentOrder("x", NOON, "AAPL", Side.BUY, D(100)),)},
    ),
]
every_number = pytest.mark.parametrize("case", NUMBERS, ids=lambda case: case.rule)
every_unknown = pytest.mark.parametrize(
    ("case", "changes"),
    [(case, changes) for case in NUMBERS for changes in case.unknown],
    ids=lambda value: value.rule if isinstance(value, Numbers) else "-".join(value),
)


def test_an_ordinary_order_breaks_no_rule():
    assert verdicts() == {}
    assert verdicts(order(**SALE), around(held=D(10))) == {}


@every_number
def test_at_the_limit_an_order_passes(case):
    assert case.rule not in said(case, case.passing)


@every_number
def test_one_tick_above_the_limit_it_is_refused_with_the_numbers(case):
    refusal = said(case, case.refused)[case.rule]
    assert refusal.value
    assert refusal.limit
    assert refusal.reason


@every_unknown
def test_what_is_unknown_or_no_number_refuses(case, changes):
    assert case.rule in said(case, changes)


@pytest.mark.parametrize(
    ("rule", "proposal", "circumstances"),
    [
        ("HALT", {}, {"state": TradingState.HALTED, "state_reason": "owner: storm"}),
        ("HALT", SALE, {"state": TradingState.HALTED, "held": D(10)}),
        ("HALT", {}, {"state": TradingState.FLATTENING}),
        ("R10", {}, {"is_known_order": True}),
        ("R22", {}, {"instrument": None}),
        ("R23", {"not_before": SUNDAY}, {}),
        ("R23", {"not_before": NEXT_OPEN - TICK}, {}),
        ("R24", {}, {"feed_is_stale": True}),
        ("R20", SALE, {"held": D(0)}),
    ],
)
def test_rules_without_a_number_refuse(rule, proposal, circumstances):
    assert rule in verdicts(order(**proposal), around(**circumstances))


@pytest.mark.parametrize(
    ("rule", "circumstances", "config"),
    [
        ("HALT", {"state": TradingState.FLATTENING}, {}),
        ("R23", {}, {"blackouts": "now"}),
        ("R24", {"feed_is_stale": True, "last_bar_at": None}, {}),
        ("R03", {"basket": D(10**9)}, {}),
        ("R04", {"mark": None}, {}),
        ("R01", {"equity": None}, {}),
        ("R13", {"equity": None}, {}),
        ("R14", {"equity": None, "gross": D(10**9)}, {}),
        ("R18", {"equity": None, "open_notional": D(10**9)}, {}),
        ("R19", {"spendable": D(-1)}, {}),
    ],
)
def test_an_exit_is_exempt_where_the_rule_says_so(rule, circumstances, config):
    if config:
        config = {"blackouts": [blackout(NOON, NOON + TICK)]}
    sale = verdicts(order(**SALE), around(held=D(10), **circumstances), **config)
    assert rule not in sale
    too_much = verdicts(order(**SALE), around(held=D(9), **circumstances), **config)
    assert rule in too_much or rule == "R19"


@pytest.mark.parametrize("rule", ["HALT", "R10", "R11", "R20", "R22", "R23"])
def test_an_exit_is_not_exempt_from_the_others(rule):
    recent = (RecentOrder("x", NOON, "AAPL", Side.SELL, D(10)),)
    broken = verdicts(
        order(**SALE, not_before=SUNDAY),
        around(
            held=D(10) if rule != "R20" else D(5),
            state=TradingState.HALTED,
            is_known_order=True,
            recent_orders=recent,
        ),
        restricted=["AAPL"],
    )
    assert rule in broken


def blackout(starts_at, ends_at, symbols=()):
    return {"starts_at": starts_at, "ends_at": ends_at, "symbols": symbols, "reason": "FOMC"}


class TestBlackouts:
    @pytest.mark.parametrize(
        ("span", "refused"),
        [
            ((NOON, NOON + TICK), True),
            ((NOON - TICK, NOON), False),  # over when the order may trade
            ((NOON + TICK, NOON + 2 * TICK), False),
        ],
    )
    def test_nothing_is_bought_from_the_start_until_the_end(self, span, refused):
        assert ("R23" in verdicts(blackouts=[blackout(*span)])) is refused

    def test_only_the_symbols_named_are_meant(self):
        others = [blackout(NOON, NOON + TICK, ("MSFT",))]
        assert verdicts(blackouts=others) == {}
        assert "FOMC" in verdicts(blackouts=[blackout(NOON, NOON + TICK, ("AAPL",))])["R23"].reason


def test_a_market_that_never_closes_has_no_last_minutes():
    coin = instrument("BTC/USD")
    late = datetime(2024, 3, 10, 23, 59, tzinfo=UTC)
    proposal = order(symbol="BTC/USD", not_before=late)
    assert "R23" not in verdicts(proposal, around(instrument=coin))


@pytest.mark.parametrize(("symbol", "side"), [("MSFT", Side.BUY), ("AAPL", Side.SELL)])
def test_another_symbol_or_side_is_no_repetition(symbol, side):
    recent = (RecentOrder("x", NOON, symbol, side, D(10)),)
    assert verdicts(circumstances=around(recent_orders=recent)) == {}


def test_a_restricted_symbol_is_neither_bought_nor_sold():
    assert "R22" in verdicts(restricted=["AAPL"])
    assert "R22" in verdicts(order(**SALE), around(held=D(10)), restricted=["AAPL"])


@pytest.mark.parametrize(
    ("rule", "circumstances", "classes", "fits"),
    [
        ("R01", {}, {"order_notional_max": 15_000}, 150),
        ("R13", {"held": D(850)}, {"position_notional_max": 90_000}, 50),
        ("R14", {"gross": D(95_000)}, {}, 50),
        ("R18", {"open_notional": D(90_000)}, {}, 100),
        ("R19", {"spendable": D(1020)}, {"cost_allowance": 0.02}, 10),
    ],
)
def test_a_smaller_order_that_would_pass_is_named(rule, circumstances, classes, fits):
    those = around(instrument=instrument(classes=classes), **circumstances)
    assert verdicts(order(quantity=D(200)), those)[rule].fits == fits


def test_nothing_fits_where_the_limit_is_passed_already():
    assert verdicts(circumstances=around(gross=D(200_000)))["R14"].fits == 0
    assert verdicts(circumstances=around(equity=None))["R14"].fits == 0


def test_every_rule_is_asked_also_after_one_has_refused():
    broken = verdicts(
        order(not_before=SUNDAY, reference_price=D(1), quantity=D(5000)),
        around(
            state=TradingState.HALTED,
            feed_is_stale=True,
            is_known_order=True,
            recent_orders=(RecentOrder("x", NOON, "AAPL", Side.BUY, D(5000)),),
            basket=D(10**9),
            gross=D(10**9),
            open_notional=D(10**9),
            spendable=D(0),
        ),
        restricted=["AAPL"],
    )
    assert list(broken) == [rule.id for rule in RULES if rule.id != "R20"]


def test_rules_have_different_ids():
    assert len({rule.id for rule in RULES}) == len(RULES)


def test_reasons_speak_in_words_the_owner_knows():
    refusal = verdicts(circumstances=around(spendable=D("12.345")))["R19"]
    assert (refusal.value, refusal.limit) == ("1000", "12.34")
    assert "settled cash" in refusal.reason
    refusal = verdicts(circumstances=around(gross=D(99_500), held=D(5)))["R14"]
    assert (refusal.value, refusal.limit) == ("100500", "100000")
    state = around(state=TradingState.HALTED, state_reason="owner: storm")
    assert verdicts(circumstances=state)["HALT"].reason == "no orders: owner: storm"
