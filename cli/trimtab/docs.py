"""Writes the generated references, so that they cannot drift from the code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from trimtab import events_page, metrics_page

PAGES: Mapping[str, Callable[[], str]] = {
    "docs/events.md": events_page.page,
    "docs/metrics.md": metrics_page.page,
}
"""Path from the root of the repository → what makes the page."""


def write(path: Path, text: str) -> bool:
    """Write a page; returns whether it changed."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return True
