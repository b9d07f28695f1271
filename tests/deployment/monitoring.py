"""What is shipped for Prometheus and Grafana, read as the tests need it."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import yaml

from tests.architecture.house import ROOT
from trimtab.metrics_page import catalogue
from trimtab_runtime.metrics import Described, RoomMetrics

PROMETHEUS = ROOT / "deploy" / "prometheus"
GRAFANA = ROOT / "deploy" / "grafana"
CONFIG = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())
RULES = [
    rule
    for group in yaml.safe_load((PROMETHEUS / "rules.yml").read_text())["groups"]
    for rule in group["rules"]
]
DASHBOARDS = {path.stem: json.loads(path.read_text()) for path in GRAFANA.glob("dashboards/*.json")}
KEYWORDS = {"and", "or", "unless", "by", "without", "on", "ignoring", "bool", "offset"}
FROM_SCRAPING = {"room", "job", "instance"}
"""Labels that a series has because of who was scraped."""
SERIES_OF_A_HISTOGRAM = ("_bucket", "_sum", "_count")


def panels(dashboard: dict[str, Any]) -> list[dict[str, Any]]:
    """The panels that show something; rows are headings."""
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def queries() -> dict[str, str]:
    """Every query of every dashboard, by the place where it stands."""
    return {
        f"{name}: {panel['title']} {target['refId']}": target["expr"]
        for name, dashboard in DASHBOARDS.items()
        for panel in panels(dashboard)
        for target in panel["targets"]
    }


def expressions() -> dict[str, str]:
    """Every expression that is shipped: of panels, annotations and alerts."""
    notes = {
        f"{name}: {note['name']}": note["expr"]
        for name, dashboard in DASHBOARDS.items()
        for note in dashboard["annotations"]["list"]
    }
    return queries() | notes | {rule["alert"]: rule["expr"] for rule in RULES}


def names_in(expression: str) -> set[str]:
    """The metrics that an expression asks for: whatever is neither function, keyword nor label.

    >>> sorted(names_in('rate(a_total{b="c"}[5m]) / on (d) e or vector(0)'))
    ['a_total', 'e']
    """
    bare = re.sub(r'"[^"]*"|\{[^}]*\}|\[[^\]]*\]', " ", expression)
    bare = re.sub(r"\b(by|without|on|ignoring)\s*\([^)]*\)", " ", bare)
    words = re.findall(r"(?<![\w:])([a-zA-Z_:][\w:]*)\s*(\(?)", bare)
    return {word for word, call in words if not call and word not in KEYWORDS}


def labels_in(expression: str) -> set[str]:
    """The labels by which an expression chooses or groups."""
    grouped = re.findall(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)", expression)
    chosen = re.findall(r"(\w+)\s*(?:=~|!~|!=|=)\s*\"", expression)
    return {name.strip() for group in grouped for name in group.split(",")} | set(chosen)


@cache
def from_the_client() -> frozenset[str]:
    """What the Python client measures by itself."""
    families = RoomMetrics("any", "", "").registry.collect()
    names = (sample.name for family in families for sample in family.samples)
    return frozenset(name for name in names if name.startswith(("process_", "python_")))


def is_known(name: str) -> bool:
    """Whether a room, the client or Prometheus itself makes a series of this name."""
    return bool(_described(name)) or name in from_the_client() | {"up"}


def labels_of(expression: str) -> set[str]:
    """Every label that the series of an expression have."""
    described = [found for name in names_in(expression) for found in _described(name)]
    return {"le", *FROM_SCRAPING, *(label for found in described for label in found.labels)}


def _described(name: str) -> list[Described]:
    known, found = catalogue(), []
    for end in ("", *SERIES_OF_A_HISTOGRAM):
        metric = known.get(name.removesuffix(end)) if name.endswith(end) else None
        if metric is not None and (metric.kind == "histogram") == bool(end):
            found.append(metric)
    return found
