"""Bars over REST: only released ones, in pages, by symbol and time."""

import numpy as np
import pytest

from tests.markets import minute_market
from tests.simulators import a_simulator, asked
from trimtab_common.calendars import bar_span, calendar
from trimtab_common.timeframes import Timeframe
from trimtab_simulator.core.refusals import Refusal
from trimtab_simulator.core.tape import timeframe_named
from trimtab_trading.aggregate import aggregate


def bars(simulator, kind="stocks", **query):
    path = "/v2/stocks/bars" if kind == "stocks" else "/v1beta3/crypto/us/bars"
    status, page = asked(simulator, f"GET {path}", query={"timeframe": "1Min"} | query)
    assert status == 200, page
    return page


def stamps(page):
    return {symbol: [bar["t"] for bar in found] for symbol, found in page["bars"].items()}


def test_only_released_rows_are_shown():
    simulator = a_simulator(released=3)
    page = bars(simulator, symbols="AAPL,MSFT")
    assert [len(found) for found in page["bars"].values()] == [3, 3]
    assert page["next_page_token"] is None
    assert bars(a_simulator(released=0), symbols="AAPL")["bars"] == {}


def test_a_bar_has_the_markets_own_figures():
    simulator = a_simulator()
    market = simulator.exchange.market
    bar = bars(simulator, symbols="AAPL", limit="1")["bars"]["AAPL"][0]
    assert (bar["o"], bar["h"], bar["l"], bar["c"]) == tuple(
        column[0] for column in (market.open, market.high, market.low, market.close)
    )
    assert (bar["v"], type(bar["v"])) == (market.volume[0], int)
    assert bar["t"] == "2024-01-02T14:30:00Z"
    assert bar["n"] >= 1
    assert bar["l"] <= bar["vw"] <= bar["h"]


@pytest.mark.parametrize("sort", ["asc", "desc"])
@pytest.mark.parametrize("limit", [1, 7, 390, 391, 10_000])
def test_pages_join_to_the_whole(sort, limit):
    simulator = a_simulator(minute_market(symbols=("AAPL", "MSFT"), missing=0.3))
    query = {"symbols": "MSFT,AAPL", "sort": sort}
    joined: dict[str, list[dict[str, object]]] = {}
    page = bars(simulator, limit=str(limit), **query)
    for _ in range(1000):
        assert sum(map(len, page["bars"].values())) <= limit
        for symbol, found in page["bars"].items():
            joined.setdefault(symbol, []).extend(found)
        if page["next_page_token"] is None:
            break
        page = bars(simulator, limit=str(limit), page_token=page["next_page_token"], **query)
    assert joined == bars(simulator, limit="10000", **query)["bars"]
    assert list(joined) == ["AAPL", "MSFT"]


def test_both_bounds_are_included():
    simulator = a_simulator()
    page = bars(
        simulator, symbols="AAPL", start="2024-01-02T14:32:00Z", end="2024-01-02T09:34:00-05:00"
    )
    assert stamps(page)["AAPL"] == [f"2024-01-02T14:{minute}:00Z" for minute in (32, 33, 34)]


@pytest.mark.parametrize("timeframe", ["5Min", "15Min", "30Min", "1Hour", "4Hour", "1Day"])
def test_coarser_bars_are_made_of_the_released_ones(timeframe):
    market = minute_market(symbols=("AAPL",), sessions=2)
    simulator = a_simulator(market, released=500)
    found = bars(simulator, symbols="AAPL", timeframe=timeframe)["bars"]["AAPL"]
    frame = timeframe_named(timeframe)
    assert isinstance(frame, Timeframe)
    merged = aggregate(market.take(slice(0, 500)), frame)
    assert [bar["c"] for bar in found] == merged.close.tolist()
    assert sum(bar["v"] for bar in found) == market.volume[:500].sum()


def test_a_coarse_bar_is_found_from_its_own_stamp_on_and_never_in_part():
    simulator = a_simulator(minute_market(symbols=("AAPL",), sessions=2))
    whole = bars(simulator, symbols="AAPL", timeframe="1Hour")["bars"]["AAPL"]
    assert whole[0]["t"] == "2024-01-02T14:00:00Z"
    for start in ("2024-01-02T15:00:00Z", "2024-01-02T14:20:00Z"):
        found = bars(simulator, symbols="AAPL", timeframe="1Hour", start=start)["bars"]["AAPL"]
        assert found == whole[1:]
    upto = bars(simulator, symbols="AAPL", timeframe="1Hour", end=whole[3]["t"])
    assert upto["bars"]["AAPL"] == whole[:4]


def test_daily_bars_are_stamped_at_midnight_in_new_york():
    market = minute_market(symbols=("AAPL",), timeframe=Timeframe.ONE_DAY, sessions=3)
    simulator = a_simulator(market)
    page = bars(simulator, symbols="AAPL", timeframe="1Day")
    assert stamps(page)["AAPL"][0] == "2024-01-02T05:00:00Z"
    dated = bars(simulator, symbols="AAPL", timeframe="1D", start="2024-01-03", end="2024-01-04")
    assert stamps(dated)["AAPL"] == ["2024-01-03T05:00:00Z", "2024-01-04T05:00:00Z"]
    (message,) = simulator.tape.messages(0)
    span = bar_span(calendar("XNYS"), Timeframe.ONE_DAY, message["t"])
    assert span is not None
    assert span.available_at == market.instant_of(0)


def test_pairs_have_an_address_of_their_own():
    market = minute_market(symbols=("BTC/USD", "ETH/USD"), calendar="24/7")
    simulator = a_simulator(market, released=2)
    assert len(bars(simulator, "crypto", symbols="BTC/USD")["bars"]["BTC/USD"]) == 2
    status, _ = asked(
        simulator, "GET /v2/stocks/bars", query={"symbols": "BTC/USD", "timeframe": "1Min"}
    )
    assert status == 400
    _, latest = asked(simulator, "GET /v1beta3/crypto/us/latest/bars", query={"symbols": "ETH/USD"})
    assert latest["bars"]["ETH/USD"]["t"] == "2024-01-02T00:01:00Z"


def test_the_latest_bar_is_the_last_released_one():
    simulator = a_simulator(minute_market(symbols=("AAPL", "MSFT"), missing=0.5), released=60)
    _, latest = asked(simulator, "GET /v2/stocks/bars/latest", query={"symbols": "AAPL,NVDA"})
    last = bars(simulator, symbols="AAPL", sort="desc", limit="1")["bars"]["AAPL"][0]
    assert latest["bars"] == {"AAPL": last}


@pytest.mark.parametrize(
    "query",
    [
        {"timeframe": "1Min"},
        {"symbols": "AAPL"},
        {"symbols": "AAPL", "timeframe": "2Min"},
        {"symbols": "AAPL", "timeframe": "Min"},
        {"symbols": "aapl", "timeframe": "1Min"},
        {"symbols": "AAPL", "timeframe": "1Min", "limit": "10001"},
        {"symbols": "AAPL", "timeframe": "1Min", "start": "yesterday"},
        {"symbols": "AAPL", "timeframe": "1Min", "sort": "up"},
        {"symbols": "AAPL", "timeframe": "1Min", "page_token": "x"},
        {"symbols": "AAPL", "timeframe": "1Min", "page_token": "AAAA"},
    ],
    ids=str,
)
def test_a_bad_question_is_refused(query):
    assert asked(a_simulator(), "GET /v2/stocks/bars", query=query)[0] == 400


def test_finer_bars_than_the_markets_are_refused():
    simulator = a_simulator(minute_market(timeframe=Timeframe.ONE_HOUR))
    query = {"symbols": "AAPL", "timeframe": "1Min"}
    assert asked(simulator, "GET /v2/stocks/bars", query=query)[0] == 400
    assert asked(simulator, "GET /v2/stocks/bars/latest", query={})[0] == 400


def test_messages_are_a_row_as_the_socket_sends_it():
    simulator = a_simulator(minute_market(symbols=("AAPL", "MSFT")))
    messages = simulator.tape.messages(5)
    market = simulator.exchange.market
    assert [(m["T"], m["S"]) for m in messages] == [("b", "AAPL"), ("b", "MSFT")]
    assert [m["o"] for m in messages] == market.open[10:12].tolist()
    assert np.datetime64(messages[0]["t"].replace(tzinfo=None)) == market.opened_at[10]


def test_alpacas_names_of_timeframes_are_known():
    assert timeframe_named("1T") is timeframe_named("1Min") is Timeframe.ONE_MINUTE
    assert timeframe_named("1H") is timeframe_named("1Hour") is Timeframe.ONE_HOUR
    assert isinstance(timeframe_named("1Week"), Refusal)
