"""The limits: strict, without defaults, and those that are shipped."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from tests.unit.trading.desk_factories import (
    ACCOUNT,
    CLOSE,
    NEXT_OPEN,
    OPEN,
    instrument,
    limits,
    universe,
)
from trimtab_runtime.config import load
from trimtab_runtime.errors import ConfigError
from trimtab_trading.risk.instruments import Settlement, instruments
from trimtab_trading.risk.limits import BuyingPower, RiskLimits, without_cash_rules

SHIPPED = Path(__file__).parents[3] / "config" / "risk.yaml"


def shipped():
    return yaml.safe_load(SHIPPED.read_text())


def written(folder, content):
    file = folder / "risk.yaml"
    file.write_text(yaml.safe_dump(content))
    return file


def keys_of(content, above=()):
    """Every path to a key."""
    for key, value in content.items():
        yield (*above, key)
        if isinstance(value, dict):
            yield from keys_of(value, (*above, key))


@pytest.mark.parametrize("path", list(keys_of(shipped())), ids=".".join)
def test_a_missing_key_stops_the_start_and_is_named(path, tmp_path):
    content = shipped()
    inner = content
    for key in path[:-1]:
        inner = inner[key]
    del inner[path[-1]]
    with pytest.raises(ConfigError) as caught:
        load(written(tmp_path, content), RiskLimits)
    assert "risk.yaml" in str(caught.value)
    assert path[-1] in str(caught.value)
    assert "there is no default" in str(caught.value)


@pytest.mark.parametrize("above", [(), ("account",), ("classes",), ("classes", "stock")])
def test_an_unknown_key_stops_the_start(above, tmp_path):
    content = shipped()
    inner = content
    for key in above:
        inner = inner[key]
    inner["leverage_max"] = 2
    with pytest.raises(ConfigError, match="leverage_max: expected a known key"):
        load(written(tmp_path, content), RiskLimits)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("account", "drift_band"), -0.01),
        (("account", "drift_band"), 1),
        (("account", "gross_equity_max"), 0),
        (("account", "gross_equity_max"), 11),
        (("account", "rebalance"), "sometimes"),
        (("account", "duplicate_seconds"), 0),
        (("account", "valid_bars"), 1.5),
        (("classes", "stock", "order_notional_max"), 0),
        (("classes", "stock", "order_notional_max"), True),
        (("classes", "stock", "quantity_decimals"), 10),
        (("classes", "stock", "settlement_sessions"), -1),
        (("classes", "stock", "price_collar"), 1),
        (("restricted",), ["aapl"]),
        (
            ("blackouts",),
            [{"starts_at": "2026-01-01", "ends_at": "x", "symbols": [], "reason": ""}],
        ),
    ],
)
def test_a_value_out_of_its_range_stops_the_start(path, value, tmp_path):
    content = shipped()
    inner = content
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    with pytest.raises(ConfigError, match=path[-1]):
        load(written(tmp_path, content), RiskLimits)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"classes": {"order_notional_min": 10, "order_notional_max": 10}}, "no order could ever"),
        ({"classes": {"order_equity_max": 0.5, "position_equity_max": 0.4}}, "a whole position"),
        ({"broad_etfs": ["BTC/USD"]}, "cannot be a broad ETF"),
        ({"cash_reserve_equity": 0.5, "drift_band": 0.5}, "nothing to invest"),
        (
            {
                "blackouts": [
                    {"starts_at": CLOSE, "ends_at": OPEN, "symbols": (), "reason": "reversed"}
                ]
            },
            "the blackout ends at",
        ),
    ],
)
def test_limits_that_contradict_each_other_are_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        limits(**changes)


def test_the_shipped_file_is_whole():
    found = load(SHIPPED, RiskLimits)
    assert found.class_of("SPY")[0] == "broad_etf"
    assert found.class_of("AAPL")[0] == "stock"
    assert found.class_of("BTC/USD")[0] == "crypto"
    assert found.account.cash_reserve_equity < found.account.drift_band
    assert set(ACCOUNT) == set(type(found.account).model_fields)


def test_research_sees_no_reserve_no_settlement_and_spends_sales():
    freed = without_cash_rules(load(SHIPPED, RiskLimits))
    assert freed.account.buying_power is BuyingPower.WITH_SALES
    assert (freed.account.cash_reserve_equity, freed.account.cash_reserve_amount) == (
        Decimal(0),
        Decimal(0),
    )
    assert freed.classes.stock.settlement_sessions == 0
    assert freed.classes.stock.cost_allowance == 0
    assert freed.account.drift_band == Decimal("0.01")


class TestInstruments:
    def test_only_the_universe_is_known(self):
        found = instruments(universe(["MSFT", "AAPL", "BTC/USD"]), limits())
        assert list(found) == ["AAPL", "BTC/USD", "MSFT"]
        assert found["AAPL"].unit == 1
        assert found["BTC/USD"].unit == Decimal("0.0001")

    def test_a_session_is_the_one_that_runs_or_ran_last(self):
        stock = instrument()
        assert stock.session(OPEN) == stock.session(CLOSE) == date(2024, 3, 5)
        assert stock.session(NEXT_OPEN.replace(hour=0)) == date(2024, 3, 5)
        assert stock.session(NEXT_OPEN) == date(2024, 3, 6)

    def test_what_is_not_in_the_universe_settles_as_slowly_as_the_slowest(self):
        settles = Settlement(instruments(universe(["AAPL", "BTC/USD"]), limits()))
        assert settles("BTC/USD", OPEN) == OPEN
        assert settles("ZZZ", OPEN) == NEXT_OPEN
        assert Settlement({})("ZZZ", OPEN) == OPEN
