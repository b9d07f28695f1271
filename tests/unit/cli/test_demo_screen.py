"""The live screen fits the terminal, says that it is simulated, and shows what matters."""

import re
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from rich.console import Console

from tests import factories
from trimtab.demo.screen import Screen
from trimtab.demo.view import RoomView, View

ROOMS = ("simulator", "recorder", "alerting", "execution", "risk", "strategy", "ingest")
LONG = "a reason that goes on and on " * 10


def view(**parts):
    boring = {
        "phase": "Ctrl-C ends it.",
        "never_closes": False,
        "source": "SIMULATED",
        "home": "var/demo/x",
        "speed": "60",
        "market_time": datetime(2024, 1, 2, 14, 47, tzinfo=UTC),
        "rows": 17,
        "rows_total": 23_400,
        "rows_per_second": 1.0,
        "equity": "100012.30",
        "start_equity": "100000",
        "cash": "80440.32",
        "positions": (),
        "decisions": (),
        "fills": (),
        "rooms": tuple(RoomView(name=name, health="HEALTHY", reason="") for name in ROOMS),
        "counts": {},
    }
    return View(**{**boring, **parts})


def full():
    """A view with more of everything than any terminal can show."""
    positions = tuple(
        {"symbol": f"SYM{n}", "qty": "28.7854", "market_value": "1335.9", "unrealized_pl": "-2.5"}
        for n in range(40)
    )
    return view(
        positions=positions,
        decisions=tuple(factories.refusal(n, reason=LONG) for n in range(1, 13)),
        fills=tuple(factories.fill(n, price=Decimal("1.23456")) for n in range(1, 13)),
        rooms=tuple(RoomView(name=name, health="DEGRADED", reason=LONG) for name in ROOMS),
    )


def rendered(a_view, columns, lines, note=None):
    console = Console(width=columns, height=lines, record=True, color_system=None)
    with console.capture() as captured:
        console.print(Screen(a_view, note), end="")
    return captured.get().rstrip("\n").split("\n")


@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (120, 40), (200, 60)])
@pytest.mark.parametrize("a_view", [view(), full()], ids=["empty", "full"])
def test_the_screen_fits_the_terminal(columns, lines, a_view):
    shown = rendered(a_view, columns, lines)
    assert len(shown) <= lines
    assert max(map(len, shown)) <= columns


@pytest.mark.parametrize("columns", [80, 120])
def test_what_matters_is_there_however_much_there_is_to_show(columns):
    text = "\n".join(rendered(full(), columns, 24))
    for word in ("SIMULATED", "New York", "100,012.30", "80,440.32", "SYM0", "more", *ROOMS):
        assert word in text
    assert "bought 10" in text
    assert "refused" in text
    assert "●" in text
    assert len(re.findall(r"^09:3\d (?=AAPL)", text, re.MULTILINE)) >= 4


def test_market_time_is_new_yorks_for_stocks_and_utc_for_crypto():
    assert "09:47 New York" in rendered(view(), 80, 24)[0]
    assert "14:47 UTC" in rendered(view(never_closes=True), 80, 24)[0]


def test_what_has_just_happened_stands_at_the_foot():
    assert "risk was killed" in rendered(view(), 80, 24, note="risk was killed")[-1]


def test_before_the_first_bar_there_is_nothing_to_count_yet():
    nothing = view(market_time=None, equity=None, start_equity=None, cash=None)
    assert "waiting" in rendered(nothing, 80, 24)[0]
