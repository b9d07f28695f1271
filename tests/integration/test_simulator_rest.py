"""Alpaca's own client against the simulator's process, over HTTP."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import requests
from alpaca.common.exceptions import APIError
from alpaca.data.requests import (
    CryptoBarsRequest,
    CryptoLatestBarRequest,
    StockBarsRequest,
    StockLatestBarRequest,
)
from alpaca.data.timeframe import TimeFrame, TimeFrameUnit
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import OrderSide, OrderStatus, QueryOrderStatus, TimeInForce
from alpaca.trading.requests import (
    ClosePositionRequest,
    GetCalendarRequest,
    GetOrdersRequest,
    GetPortfolioHistoryRequest,
    LimitOrderRequest,
    MarketOrderRequest,
)

from tests.simulator_process import limited, running_simulator
from tests.simulator_streams import until, watching
from trimtab_common.timeframes import Timeframe
from trimtab_trading.generated import generated
from trimtab_trading.market import bars_of_row

pytestmark = pytest.mark.e2e

ROWS = [f"2024-01-02T14:{minute}:00Z" for minute in range(31, 60)]


@pytest.fixture(scope="module")
def stocks(tmp_path_factory):
    """A process with two symbols and a day of minutes, whose first rows are released."""
    folder = tmp_path_factory.mktemp("simulator")
    with (
        running_simulator(folder, symbols="AAPL,MSFT", sessions=1, ahead=29) as simulator,
        watching(simulator, "AAPL", "MSFT", rows=29),
    ):
        yield simulator


def buy(name, quantity=2, symbol="AAPL"):
    return MarketOrderRequest(
        symbol=symbol,
        qty=quantity,
        side=OrderSide.BUY,
        time_in_force=TimeInForce.DAY,
        client_order_id=name,
    )


def test_an_order_goes_through_its_whole_life(stocks):
    client = stocks.trading_client()
    order = client.submit_order(buy("life"))
    assert order.status is OrderStatus.PENDING_NEW
    assert client.get_order_by_id(order.id).status is OrderStatus.NEW
    (update,) = stocks.open(ROWS[0])["updates"]
    filled = client.get_order_by_client_id("life")
    assert filled.status is OrderStatus.FILLED
    assert Decimal(filled.filled_avg_price) == Decimal(update["price"])
    position = client.get_open_position("AAPL")
    assert (position.qty, position.avg_entry_price) == ("2", update["price"])
    account = client.get_account()
    assert Decimal(account.cash) == 100_000 - 2 * Decimal(update["price"])
    assert [order.client_order_id for order in client.get_orders(every())] == ["life"]


def every():
    return GetOrdersRequest(status=QueryOrderStatus.ALL, symbols=["AAPL"])


def test_a_refusal_is_an_api_error_with_code_and_words(stocks):
    client = stocks.trading_client()
    client.submit_order(buy("twice"))
    with pytest.raises(APIError) as refused:
        client.submit_order(buy("twice"))
    assert (refused.value.status_code, refused.value.code) == (422, 40010001)
    assert refused.value.message == "client_order_id must be unique"
    with pytest.raises(APIError, match="not simulated"):
        client.submit_order(
            LimitOrderRequest(
                symbol="AAPL",
                qty=1,
                side=OrderSide.BUY,
                time_in_force=TimeInForce.DAY,
                limit_price=10,
            )
        )
    with pytest.raises(APIError) as unknown:
        client.get_order_by_client_id("nobody")
    assert unknown.value.status_code == 404
    client.cancel_order_by_id(client.get_order_by_client_id("twice").id)
    with pytest.raises(APIError) as final:
        client.cancel_order_by_id(client.get_order_by_client_id("twice").id)
    assert (final.value.status_code, final.value.code) == (422, 42210000)


def test_everything_can_be_cancelled_and_closed(stocks):
    client = stocks.trading_client()
    client.submit_order(buy("bulk"))
    assert [response.status for response in client.cancel_orders()] == [200]
    sale = client.close_position("AAPL", ClosePositionRequest(qty="1"))
    assert (sale.side, sale.qty) == (OrderSide.SELL, "1")
    assert [response.status for response in client.close_all_positions(cancel_orders=True)] == [200]
    client.cancel_orders()


def test_the_rest_of_the_account_is_read_by_the_client(stocks):
    client = stocks.trading_client()
    assert {asset.symbol for asset in client.get_all_assets()} == {"AAPL", "MSFT"}
    assert client.get_asset("MSFT").fractionable
    assert client.get_clock().is_open
    (day,) = client.get_calendar(GetCalendarRequest(start=date(2024, 7, 3), end=date(2024, 7, 3)))
    assert day.close.hour == 13
    assert client.get_account_configurations().no_shorting
    history = client.get_portfolio_history(GetPortfolioHistoryRequest(timeframe="1Min"))
    assert len(history.equity) == len(history.timestamp)
    fills = client.get("/account/activities/FILL", {"page_size": 10})
    assert fills[-1]["symbol"] == "AAPL"


def test_bars_over_rest_are_the_markets_to_the_last_digit(stocks):
    client = stocks.stock_client()
    frame = TimeFrame(1, TimeFrameUnit.Minute)
    start = datetime(2024, 1, 2, 14, 30, tzinfo=UTC)
    wanted = StockBarsRequest(symbol_or_symbols=["AAPL", "MSFT"], timeframe=frame, start=start)
    found = client.get_stock_bars(wanted).data
    market = generated(
        seed=1,
        symbols=["AAPL", "MSFT"],
        calendar_name="XNYS",
        timeframe=Timeframe.ONE_MINUTE,
        start=start.date(),
        sessions=1,
    )
    known = [bar for row in range(29) for bar in bars_of_row(market, row)]
    for symbol in ("AAPL", "MSFT"):
        mine = [bar for bar in known if bar.symbol == symbol]
        assert [bar.timestamp for bar in found[symbol]][:29] == [bar.opened_at for bar in mine]
        for shown, bar in zip(found[symbol], mine, strict=False):
            prices = (shown.open, shown.high, shown.low, shown.close)
            assert prices == tuple(map(float, (bar.open, bar.high, bar.low, bar.close)))
    early = start.replace(hour=0)
    hour = StockBarsRequest(symbol_or_symbols="AAPL", timeframe=TimeFrame.Hour, start=early)
    assert len(client.get_stock_bars(hour).data["AAPL"]) == 1
    latest = client.get_stock_latest_bar(StockLatestBarRequest(symbol_or_symbols="AAPL"))
    assert latest["AAPL"] == found["AAPL"][-1]


def test_pages_are_fetched_by_the_client_itself(stocks):
    client = stocks.stock_client()
    wanted = StockBarsRequest(
        symbol_or_symbols=["AAPL", "MSFT"],
        timeframe=TimeFrame.Minute,
        start=datetime(2024, 1, 2, tzinfo=UTC),
        limit=50,
    )
    found = client.get_stock_bars(wanted).data
    released = stocks.get("/control/state")["rows_released"]
    assert (len(found["AAPL"]), len(found["MSFT"])) == (released, 50 - released)


def test_keys_are_asked_for(stocks):
    for headers in ({}, {"APCA-API-KEY-ID": "a key", "APCA-API-SECRET-KEY": "x" * 200}):
        answer = requests.get(f"{stocks.url}/v2/account", headers=headers, timeout=5)
        assert (answer.status_code, answer.json()["code"]) == (401, 40110000)


def test_it_says_everywhere_that_it_is_simulated(stocks):
    for path in ("/info", "/v2/account", "/nowhere", "/control/state"):
        answer = requests.get(stocks.url + path, timeout=5)
        assert answer.headers["X-Trimtab"] == "SIMULATED"
    assert stocks.get("/info")["label"] == "SIMULATED"
    assert stocks.trading_client().get_account().account_number == "SIMULATED"


def test_it_has_the_endpoints_of_every_room(stocks):
    assert stocks.get("/livez")["status"] == "alive"
    assert stocks.get("/readyz")["status"] == "ready"
    assert stocks.get("/healthz")["status"] == "HEALTHY"
    metrics = requests.get(f"{stocks.url}/metrics", timeout=5).text
    for name in ("requests_total", "request_seconds", "rows_released_total", "sockets"):
        assert f"trimtab_simulator_{name}" in metrics


def test_pairs_trade_around_the_clock(tmp_path):
    settings = {"symbols": "BTC/USD,ETH/USD", "calendar": "24/7", "sessions": 1, "ahead": 1}
    with (
        running_simulator(tmp_path, **settings) as simulator,
        watching(simulator, "BTC/USD", "ETH/USD", rows=1),
    ):
        client = simulator.trading_client()
        order = MarketOrderRequest(
            symbol="BTC/USD", qty=0.25, side=OrderSide.BUY, time_in_force=TimeInForce.GTC
        )
        assert client.submit_order(order).symbol == "BTC/USD"
        (update,) = simulator.open("2024-01-02T00:01:00Z")["updates"]
        assert update["qty"] == "0.25"
        assert client.get_open_position("BTCUSD").qty == "0.25"
        until(lambda: simulator.get("/control/state")["rows_released"] == 2, "one row more")
        data = simulator.crypto_client()
        latest = data.get_crypto_latest_bar(CryptoLatestBarRequest(symbol_or_symbols="BTC/USD"))
        wanted = CryptoBarsRequest(symbol_or_symbols="BTC/USD", timeframe=TimeFrame.Minute)
        assert data.get_crypto_bars(wanted).data["BTC/USD"][-1] == latest["BTC/USD"]


def test_a_configured_pair_of_keys_is_the_only_one(tmp_path):
    configured = {"APCA_API_KEY_ID": "THE-KEY", "APCA_API_SECRET_KEY": "the-secret"}
    with running_simulator(tmp_path, configured) as simulator:
        with pytest.raises(APIError) as refused:
            simulator.trading_client().get_account()
        assert refused.value.status_code == 403
        known = limited(TradingClient("THE-KEY", "the-secret", url_override=simulator.url))
        assert known.get_account().cash == "100000"
