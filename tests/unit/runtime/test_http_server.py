"""The five endpoints, over real sockets, in the room's own event loop."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from trimtab_runtime.health import HealthBoard, Impact
from trimtab_runtime.http_server import PortTaken, RoomServer, create_app
from trimtab_runtime.metrics import RoomMetrics


class Room:
    """A room that is told what is wrong with it."""

    def __init__(self) -> None:
        self.complaint: str | None = None
        self.seconds = 0.0
        self.board = HealthBoard("risk", release="r1", mode="sim", clock=lambda: self.seconds)
        self.board.register(
            "redis", lambda: self.complaint, impact=Impact.UNHEALTHY, affects_readiness=True
        )
        self.metrics = RoomMetrics("risk", "r1", "sim")
        self.server = RoomServer(
            create_app(self.board, self.metrics), self.board, self.metrics,
            host="127.0.0.1", port=0,
        )  # fmt: skip


@asynccontextmanager
async def serving(room: Room) -> AsyncIterator[httpx.AsyncClient]:
    await room.server.start()
    address = f"http://127.0.0.1:{room.server.port}"
    async with httpx.AsyncClient(base_url=address, trust_env=False) as client:
        yield client
    await room.server.stop()


async def test_a_room_answers_before_it_is_ready_and_says_what_it_waits_for():
    room = Room()
    async with serving(room) as client:
        ready = await client.get("/readyz")
        assert ready.status_code == 503
        assert ready.json() == {
            "status": "not ready",
            "reasons": [{"check": "start", "impact": "degraded", "reason": "starting"}],
        }
        assert (await client.get("/livez")).json() == {"status": "alive", "reasons": []}
        room.board.started()
        assert (await client.get("/readyz")).status_code == 200


async def test_a_room_without_redis_is_alive_but_neither_ready_nor_healthy():
    room = Room()
    room.board.started()
    room.complaint = "no answer"
    async with serving(room) as client:
        assert (await client.get("/livez")).status_code == 200
        assert (await client.get("/readyz")).status_code == 503
        health = await client.get("/healthz")
        assert health.status_code == 503
        assert health.json() == {
            "room": "risk",
            "status": "UNHEALTHY",
            "reasons": [{"check": "redis", "impact": "unhealthy", "reason": "no answer"}],
            "checks": ["start", "redis"],
        }
        room.complaint = None
        assert (await client.get("/healthz")).json()["status"] == "HEALTHY"


async def test_a_degraded_room_is_still_served():
    room = Room()
    room.board.started()
    room.board.register("feed", lambda: "late")
    async with serving(room) as client:
        health = await client.get("/healthz")
        assert (health.status_code, health.json()["status"]) == (200, "DEGRADED")
        assert (await client.get("/readyz")).status_code == 200


async def test_a_wedged_main_loop_makes_the_process_dead():
    room = Room()
    room.board.started()
    room.board.heartbeat("main_loop", 60)
    async with serving(room) as client:
        room.seconds += 61
        live = await client.get("/livez")
        assert live.status_code == 503
        assert {reason["check"] for reason in live.json()["reasons"]} == {"main_loop", "event_loop"}


async def test_metrics_tell_what_the_checks_found():
    room = Room()
    room.board.started()
    room.complaint = "no answer"
    async with serving(room) as client:
        answer = await client.get("/metrics")
        assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
        lines = answer.text.splitlines()
    assert 'trimtab_build_info{mode="sim",release="r1",room="risk"} 1.0' in lines
    assert "trimtab_health_status 2.0" in lines
    assert "trimtab_ready_status 0.0" in lines
    assert 'trimtab_check_status{check="redis"} 2.0' in lines
    assert 'trimtab_check_status{check="start"} 0.0' in lines


async def test_the_information_is_what_the_room_tells():
    room = Room()
    room.board.describe = lambda: {"generation": 7}
    async with serving(room) as client:
        info = (await client.get("/info")).json()
    assert (info["room"], info["release"], info["mode"], info["generation"]) == (
        "risk", "r1", "sim", 7
    )  # fmt: skip


async def test_a_taken_port_is_named_and_so_is_the_way_out():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        room = Room()
        room.server = RoomServer(
            create_app(room.board, RoomMetrics("r", "1", "sim")), HealthBoard(
                "r", release="1", mode="sim"), room.metrics, host="127.0.0.1", port=port
        )  # fmt: skip
        with pytest.raises(PortTaken, match=rf"port {port} .*TRIMTAB_HTTP_PORT"):
            await room.server.start()


async def test_the_servers_signals_are_the_rooms_own():
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    room = Room()
    async with serving(room):
        assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


async def test_a_stopped_server_leaves_its_port_and_no_task_behind():
    room = Room()
    async with serving(room):
        port = room.server.port
    assert asyncio.all_tasks() == {asyncio.current_task()}
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
