"""Which of the rooms' reports are news: each room says every few seconds how it fares."""

from __future__ import annotations

from typing import Any

from trimtab_common.events import RoomReported


class Reports:
    """Remembers each room's last word, without its changing numbers."""

    def __init__(self) -> None:
        self._last: dict[str, list[Any]] = {}

    def are_news(self, report: RoomReported) -> bool:
        """Whether health, findings, release or generation differ from the last report."""
        findings = [reason.partition(":")[0] for reason in report.reasons]
        said = [report.health.value, findings, report.release, report.generation]
        if self._last.get(report.room) == said:
            return False
        self._last[report.room] = said
        return True

    def snapshot(self) -> dict[str, Any]:
        return dict(self._last)

    def restore(self, state: dict[str, Any]) -> None:
        self._last = dict(state)
