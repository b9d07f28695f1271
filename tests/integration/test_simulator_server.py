"""The HTTP server around the simulator, in this process: what breaks a handler ends the room."""

import asyncio

import pytest
import requests

from tests.simulator_process import KEY, SECRET, free_port
from tests.simulators import MemoryLog, a_simulator, an_order
from trimtab_runtime.health import HealthBoard
from trimtab_runtime.metrics import RoomMetrics
from trimtab_simulator.adapters.room_endpoints import RoomEndpoints
from trimtab_simulator.adapters.sockets import Sockets
from trimtab_simulator.adapters.web import WebServer
from trimtab_simulator.core.keys import Keys
from trimtab_simulator.handlers import HANDLERS
from trimtab_simulator.metrics import SimulatorMetrics

HEADERS = {"APCA-API-KEY-ID": KEY, "APCA-API-SECRET-KEY": SECRET}


class FullDisk(MemoryLog):
    """A log that takes its first record and then no more."""

    def append(self, record):
        if self.lines:
            raise OSError("no space left on device")
        super().append(record)


@pytest.fixture
async def server():
    simulator = a_simulator(log=FullDisk())
    room, board = (
        RoomMetrics("simulator", "test", "sim"),
        HealthBoard("simulator", release="test", mode="sim"),
    )
    keys, metrics = Keys(None), SimulatorMetrics(room)
    sockets = Sockets(keys, simulator.faults, metrics, one_connection_per_key=True)
    endpoints = RoomEndpoints(board, room)
    made = WebServer(simulator, sockets, endpoints, keys, metrics, HANDLERS)
    await made.start("127.0.0.1", free_port())
    yield made, simulator
    await made.stop()


def ask(server, method, path, body=None):
    url = f"http://127.0.0.1:{server.port}{path}"
    return requests.request(method, url, json=body, headers=HEADERS, timeout=5)


async def in_thread(*arguments):
    return await asyncio.to_thread(ask, *arguments)


async def test_an_order_that_cannot_be_written_down_is_not_accepted_and_ends_the_room(server):
    web, simulator = server
    answer = await in_thread(web, "POST", "/v2/orders", an_order("one"))
    assert answer.status_code == 500
    assert simulator.exchange.orders == {}
    with pytest.raises(OSError, match="no space left"):
        await web.broken()


async def test_a_room_that_starts_is_alive_and_not_ready(server):
    web, _ = server
    assert (await in_thread(web, "GET", "/livez")).status_code == 200
    starting = await in_thread(web, "GET", "/readyz")
    assert (starting.status_code, starting.json()["status"]) == (503, "not ready")
    assert (await in_thread(web, "GET", "/healthz")).json()["status"] == "DEGRADED"


async def test_a_request_that_is_too_large_is_refused(server):
    web, _ = server
    body = an_order("x" * 2_000_000)
    assert (await in_thread(web, "POST", "/v2/orders", body)).status_code == 413
