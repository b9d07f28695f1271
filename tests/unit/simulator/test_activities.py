"""Activities and the history of equity."""

from decimal import Decimal

import pytest

from tests.markets import a_market, minute_market
from tests.simulators import a_simulator, asked, open_row, submit
from trimtab_common.timeframes import Timeframe
from trimtab_trading.venue import FREE

FEES = FREE.__class__(**{**vars(FREE), "fee_per_order": Decimal("0.35")})


def read(simulator, path="account/activities", **query):
    status, found = asked(simulator, f"GET /v2/{path}", query=query)
    assert status == 200, found
    return found


@pytest.fixture
def traded():
    """Three fills with fees in three rows, then a dividend and a transfer."""
    simulator = a_simulator(minute_market(symbols=("AAPL",)), terms=FEES)
    for name in ("one", "two", "three"):
        submit(simulator, name, qty="2")
        open_row(simulator)
    for body in (
        {"reason": "dividend", "symbol": "AAPL", "per_share": "0.5"},
        {"reason": "transfer", "amount": "-25"},
    ):
        assert asked(simulator, "POST /control/adjust", body)[0] == 200
    return simulator


def test_every_fill_and_every_fee_is_an_activity(traded):
    found = read(traded, direction="asc")
    assert [activity["activity_type"] for activity in found] == [
        *["FILL", "FEE"] * 3,
        "DIV",
        "CSW",
    ]
    assert found[0]["type"] == "fill"
    assert found[0]["transaction_time"] == "2024-01-02T14:30:00Z"
    assert [a["net_amount"] for a in found if "net_amount" in a] == ["-0.35"] * 3 + ["3", "-25"]


def test_ids_have_alpacas_form_and_differ(traded):
    ids = [activity["id"] for activity in read(traded)]
    assert len(set(ids)) == len(ids) == 8
    assert ids[-1].startswith("20240102143000000::")


@pytest.mark.parametrize(
    ("path", "query", "count"),
    [
        ("account/activities", {"activity_types": "FILL"}, 3),
        ("account/activities", {"activity_types": "FILL,DIV"}, 4),
        ("account/activities", {"activity_types": "TRANS"}, 1),
        ("account/activities", {"category": "trade_activity"}, 3),
        ("account/activities/FEE", {}, 3),
        ("account/activities", {"after": "2024-01-02T14:30:00Z"}, 6),
        ("account/activities", {"until": "2024-01-02T14:31:00Z"}, 2),
        ("account/activities", {"date": "2024-01-02"}, 8),
        ("account/activities", {"date": "2024-01-03"}, 0),
        ("account/activities", {"page_size": "5"}, 5),
    ],
    ids=str,
)
def test_activities_are_chosen(traded, path, query, count):
    assert len(read(traded, path, **query)) == count


@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_pages_join_without_gap_or_overlap(traded, direction):
    whole = read(traded, direction=direction)
    pages: list[dict[str, str]] = []
    token: dict[str, str] = {}
    while page := read(traded, direction=direction, page_size="3", **token):
        pages += page
        token = {"page_token": page[-1]["id"]}
    assert pages == whole


@pytest.mark.parametrize(
    "query", [{"page_size": "101"}, {"direction": "up"}, {"page_token": "x"}, {"after": "y"}]
)
def test_a_bad_question_is_refused(traded, query):
    assert asked(traded, "GET /v2/account/activities", query=query)[0] == 422


@pytest.fixture
def month():
    """Two shares held over thirty days."""
    simulator = a_simulator(minute_market(timeframe=Timeframe.ONE_DAY, sessions=30))
    submit(simulator, "one", qty="2")
    open_row(simulator, 30)
    return simulator


def test_history_ends_with_what_the_account_is_worth(month):
    history = read(month, "account/portfolio/history", period="1M")
    _, account = asked(month, "GET /v2/account")
    assert history["timeframe"] == "1D"
    assert history["equity"][-1] == float(account["equity"])
    assert len(set(map(len, (history[k] for k in ("timestamp", "equity", "profit_loss"))))) == 1


def test_profit_counts_from_the_equity_before_the_window(month):
    history = read(month, "account/portfolio/history", period="1W")
    assert 3 <= len(history["equity"]) <= 6
    assert history["base_value_asof"] < "2024-02-14"
    whole = read(month, "account/portfolio/history", period="1A")["equity"]
    assert history["base_value"] == whole[-len(history["equity"]) - 1]
    gained = history["equity"][0] - history["base_value"]
    assert history["profit_loss"][0] == pytest.approx(gained)
    assert history["profit_loss_pct"][0] == pytest.approx(gained / history["base_value"])


def test_history_can_be_bounded_by_times(month):
    bounds = {"start": "2024-01-08T00:00:00Z", "end": "2024-01-12T23:00:00Z"}
    assert len(read(month, "account/portfolio/history", **bounds)["equity"]) == 5
    last = read(month, "account/portfolio/history", period="1A", date_end="2024-01-05")
    assert len(last["equity"]) == 4


def test_a_window_holds_the_equity_at_its_end():
    lines = [("AAPL", row, *[10.0 + row] * 4, 1.0) for row in range(1, 31)]
    simulator = a_simulator(a_market(lines))
    submit(simulator, "one")
    open_row(simulator, 30)
    history = read(simulator, "account/portfolio/history", timeframe="15Min", period="1D")
    assert history["timestamp"] == [1704205800, 1704206700]
    assert history["equity"] == [100_014.0, 100_029.0]


@pytest.mark.parametrize(("period", "timeframe"), [("1D", "1Min"), ("2W", "15Min"), ("1A", "1D")])
def test_the_resolution_follows_the_period(month, period, timeframe):
    assert read(month, "account/portfolio/history", period=period)["timeframe"] == timeframe


def test_an_account_that_never_traded_has_no_history():
    history = read(a_simulator(), "account/portfolio/history")
    assert (history["equity"], history["base_value"]) == ([], 100_000.0)


@pytest.mark.parametrize("query", [{"period": "month"}, {"timeframe": "2Min"}, {"start": "x"}])
def test_a_bad_history_is_refused(month, query):
    assert asked(month, "GET /v2/account/portfolio/history", query=query)[0] == 422
