"""Alpaca's own streams against the simulator's process."""

import asyncio
import socket
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import msgpack
import pytest
import requests
import websockets
import websockets.asyncio.client as sockets

from tests.simulator_process import KEY, SECRET, running_simulator
from tests.simulator_streams import trading, until, watching
from trimtab_common.timeframes import Timeframe
from trimtab_trading.broker_ids import broker_order_id
from trimtab_trading.generated import generated
from trimtab_trading.market import bars_of_row

pytestmark = pytest.mark.e2e

SYMBOLS = ("AAPL", "MSFT")
MSGPACK = {"Content-Type": "application/msgpack"}


@pytest.fixture
def stocks(tmp_path):
    settings = {"symbols": ",".join(SYMBOLS), "sessions": 1, "missing": 0.2, "ahead": 12}
    with running_simulator(tmp_path, **settings) as simulator:
        yield simulator


def the_market():
    return generated(
        seed=1,
        symbols=SYMBOLS,
        calendar_name="XNYS",
        timeframe=Timeframe.ONE_MINUTE,
        start=datetime(2024, 1, 2, tzinfo=UTC).date(),
        sessions=1,
        missing=0.2,
    )


def bars_up_to(rows):
    market = the_market()
    return [bar for row in range(rows) for bar in bars_of_row(market, row)]


def released(simulator):
    return simulator.get("/control/state")["rows_released"]


def test_bars_come_in_the_order_of_rows_to_the_last_digit(stocks):
    expected = bars_up_to(12)
    with watching(stocks, *SYMBOLS) as bars:
        bars.wait_for(len(expected))
    for shown, bar in zip(bars, expected, strict=True):
        assert (shown.symbol, shown.timestamp) == (bar.symbol, bar.opened_at)
        prices = shown.open, shown.high, shown.low, shown.close, shown.volume
        known = bar.open, bar.high, bar.low, bar.close, bar.volume
        assert prices == tuple(map(float, known))


def test_nothing_is_released_before_somebody_watches(stocks):
    stocks.trading_client().get_account()
    with trading(stocks):
        assert released(stocks) == 0
    with watching(stocks, "AAPL", rows=12):
        assert released(stocks) == 12


def test_opening_rows_lets_more_of_them_out(stocks):
    market = the_market()
    with watching(stocks, *SYMBOLS, rows=12):
        for row in range(6):
            stocks.open(market.instant_of(row).isoformat())
        until(lambda: released(stocks) == 18, "18 rows")


def test_a_client_gets_what_it_asked_for_only(stocks):
    with watching(stocks, "MSFT", rows=12) as bars:
        expected = [bar for bar in bars_up_to(12) if bar.symbol == "MSFT"]
        bars.wait_for(len(expected))
    assert [bar.symbol for bar in bars] == ["MSFT"] * len(expected)


def test_trade_updates_are_what_the_reply_says(stocks):
    client = stocks.trading_client(raw_data=True)
    with trading(stocks) as updates, watching(stocks, *SYMBOLS, rows=12):
        for name in ("one", "two"):
            client.post("/orders", an_order(name))
        client.delete(f"/orders/{broker_order_id('two')}")
        reply = stocks.open(the_market().instant_of(0).isoformat())
        told = updates.wait_for(4)
    assert [update["event"] for update in told[:3]] == ["new", "new", "canceled"]
    assert told[3:] == reply["updates"]


def an_order(name):
    return {
        "symbol": bars_up_to(1)[0].symbol,
        "qty": "1",
        "side": "buy",
        "type": "market",
        "time_in_force": "day",
        "client_order_id": name,
    }


def test_what_happens_while_nobody_listens_is_not_told_later(stocks):
    client = stocks.trading_client(raw_data=True)
    client.post("/orders", an_order("missed"))
    with trading(stocks) as updates:
        client.post("/orders", an_order("heard"))
        (told,) = updates.wait_for(1)
    assert told["order"]["client_order_id"] == "heard"


@asynccontextmanager
async def data_socket(simulator, key=KEY, **options):
    """A connected socket and what it was told after it said who it is."""
    url = f"{simulator.socket_url}/v2/sip"
    async with sockets.connect(url, additional_headers=MSGPACK, **options) as client:
        assert msgpack.unpackb(await client.recv()) == [{"T": "success", "msg": "connected"}]
        await client.send(msgpack.packb({"action": "auth", "key": key, "secret": SECRET}))
        (welcome,) = msgpack.unpackb(await client.recv())
        yield client, welcome


async def test_a_key_has_one_connection_an_endpoint(stocks):
    authenticated = {"T": "success", "msg": "authenticated"}
    async with data_socket(stocks) as (_, first):
        async with data_socket(stocks) as (second, refusal):
            with pytest.raises(websockets.ConnectionClosed):
                await second.recv()
        async with data_socket(stocks, key="OTHER") as (_, other):
            pass
    async with data_socket(stocks) as (_, again):
        pass
    assert first == other == again == authenticated
    assert refusal == {"T": "error", "code": 406, "msg": "connection limit exceeded"}


async def test_the_limit_of_connections_can_be_lifted(tmp_path):
    with running_simulator(tmp_path, one_connection_per_key=False) as simulator:
        async with data_socket(simulator) as (_, first), data_socket(simulator) as (_, second):
            assert first == second == {"T": "success", "msg": "authenticated"}


async def test_a_subscription_may_come_in_fragments_and_be_answered_in_json(stocks):
    async with sockets.connect(f"{stocks.socket_url}/v2/iex") as client:
        assert "connected" in await client.recv()
        await client.send(f'{{"action": "auth", "key": "{KEY}", "secret": "{SECRET}"}}')
        assert "authenticated" in await client.recv()
        await client.send(['{"action": "subscribe", ', '"bars": ["*"]}'])
        assert '"bars":["*"]' in await client.recv()
        assert '"T":"b"' in await client.recv()
        await client.send("nonsense")
        while '"code":400' not in (reply := await client.recv()):
            assert '"T":"b"' in reply


async def test_a_client_that_does_not_read_holds_nobody_up(tmp_path):
    names = ",".join(f"S{letter}" for letter in "ABCDEFGHIJKLMNOPQRST")
    settings = {"symbols": names, "sessions": 25, "ahead": 100_000}
    with running_simulator(tmp_path, **settings) as simulator:
        narrow = socket.socket()
        narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        narrow.connect(("127.0.0.1", simulator.port))
        async with data_socket(simulator, key="DEAF", sock=narrow) as (deaf, _):
            deaf.transport.pause_reading()
            await deaf.send(msgpack.packb({"action": "subscribe", "bars": ["*"]}))
            await asyncio.to_thread(watch_everything, simulator)
            dropped = slow_clients(simulator)
            deaf.transport.abort()
    assert dropped == 1


def watch_everything(simulator):
    with watching(simulator, "SA", rows=25 * 390, raw_data=True):
        pass


def slow_clients(simulator):
    text = requests.get(f"{simulator.url}/metrics", timeout=5).text
    lines = [line for line in text.splitlines() if "slow_clients_total{" in line]
    return sum(float(line.rpartition(" ")[2]) for line in lines)


def test_a_market_runs_by_the_clock_at_a_given_speed(tmp_path):
    with running_simulator(tmp_path, symbols="AAPL", sessions=1, speed=6_000) as simulator:
        with watching(simulator, "AAPL", rows=40) as bars:
            bars.wait_for(40)
        assert simulator.get("/control/state")["opened"] is None
        log = simulator.get("/control/log", kind="release")
    times = [datetime.fromisoformat(entry["received_at"]) for entry in log[:40]]
    assert (times[-1] - times[0]).total_seconds() > 0.3
