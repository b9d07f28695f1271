"""The account, its assets and its market hours."""

from __future__ import annotations

from trimtab_simulator.core.account import CONFIGURATIONS, account_json
from trimtab_simulator.core.assets import asset_json
from trimtab_simulator.core.clock import calendar_json, clock_json
from trimtab_simulator.core.refusals import Refusal, against_rules, not_found
from trimtab_simulator.core.simulator import Simulator
from trimtab_simulator.endpoints.contract import Answer, Request, answered


def get_account(simulator: Simulator, request: Request) -> Answer | Refusal:
    return Answer(account_json(simulator.exchange))


def get_configurations(simulator: Simulator, request: Request) -> Answer | Refusal:
    return Answer(CONFIGURATIONS)


def get_activities(simulator: Simulator, request: Request) -> Answer | Refusal:
    """All activities, or those of the types in the path or the query."""
    named = request.parts.get("activity_type")
    kinds = (named,) if named else request.query.names("activity_types")
    if request.query.text("category") == "trade_activity":
        kinds = ("FILL",)
    return answered(simulator.exchange.activities.read(kinds, request.query))


def get_history(simulator: Simulator, request: Request) -> Answer | Refusal:
    return answered(simulator.exchange.history.read(request.query))


def get_assets(simulator: Simulator, request: Request) -> Answer | Refusal:
    query = request.query
    status, kind = query.text("status"), query.text("asset_class")
    if status == "inactive":
        return Answer([])
    return Answer([a for a in simulator.assets.all if kind is None or a["class"] == kind])


def get_asset(simulator: Simulator, request: Request) -> Answer | Refusal:
    symbol = simulator.assets.find(request.parts["name"])
    if symbol is None:
        return not_found(f"asset not found for {request.parts['name'][:40]}")
    return Answer(asset_json(symbol))


def get_clock(simulator: Simulator, request: Request) -> Answer | Refusal:
    """The market's present is its last released row."""
    released = simulator.release.released
    market = simulator.exchange.market
    now = market.instant_of(released - 1) if released else simulator.exchange.now
    return Answer(clock_json(now))


def get_calendar(simulator: Simulator, request: Request) -> Answer | Refusal:
    return answered(calendar_json(request.query))


def patch_refused(simulator: Simulator, request: Request) -> Answer | Refusal:
    return against_rules("the simulator does not replace orders or change configurations")
