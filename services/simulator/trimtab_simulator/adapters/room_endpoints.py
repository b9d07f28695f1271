"""The five endpoints of every room, as the other rooms serve them."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, NamedTuple

import orjson

from trimtab_common.events import Health
from trimtab_runtime.health import Finding, HealthBoard, Impact
from trimtab_runtime.metrics import CONTENT_TYPE, RoomMetrics

JSON = "application/json"
LEVELS = {Health.HEALTHY: 0, Health.DEGRADED: 1, Health.UNHEALTHY: 2}
IMPACT_LEVELS = {Impact.DEGRADED: 1, Impact.UNHEALTHY: 2}


class Page(NamedTuple):
    """An answer that is ready to be sent."""

    body: bytes
    status: int
    content_type: str = JSON


class RoomEndpoints:
    """Answers from the health board and the metrics."""

    def __init__(self, board: HealthBoard, metrics: RoomMetrics) -> None:
        self._board = board
        self._metrics = metrics
        self._pages: dict[str, Callable[[], Page]] = {
            "/livez": lambda: _verdict("alive", "stuck", board.dead()),
            "/readyz": lambda: _verdict("ready", "not ready", board.unready()),
            "/healthz": self._healthz,
            "/metrics": self._exposition,
            "/info": lambda: _page(board.info()),
        }

    def answer(self, method: str, path: str) -> Page | None:
        """The page at a path; None where there is none."""
        page = self._pages.get(path)
        return page() if page and method == "GET" else None

    def _healthz(self) -> Page:
        report = self._board.report()
        content = {
            "room": self._board.room,
            "status": report.health.value,
            "reasons": [finding.as_json() for finding in report.findings],
            "checks": list(self._board.check_names()),
        }
        return _page(content, good=report.health is not Health.UNHEALTHY)

    def _exposition(self) -> Page:
        report = self._board.report()
        levels = {finding.check: IMPACT_LEVELS[finding.impact] for finding in report.findings}
        for check in self._board.check_names():
            self._metrics.check_status.labels(check).set(levels.get(check, 0))
        self._metrics.health_status.set(LEVELS[report.health])
        self._metrics.ready_status.set(not self._board.unready())
        return Page(self._metrics.exposition(), HTTPStatus.OK, CONTENT_TYPE)


def _verdict(good: str, bad: str, findings: list[Finding]) -> Page:
    reasons = [finding.as_json() for finding in findings]
    return _page({"status": bad if findings else good, "reasons": reasons}, good=not findings)


def _page(content: Any, *, good: bool = True) -> Page:
    return Page(orjson.dumps(content), HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE)
