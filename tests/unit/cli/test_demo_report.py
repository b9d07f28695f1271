"""The account of a demo: whatever is not as it should be becomes a complaint."""

from decimal import Decimal

import pytest

from trimtab.demo.report import Report, complaints, held, lines
from trimtab.supervisor.watcher import Sight

HEALTHY = {"risk": Sight(health="HEALTHY"), "ingest": Sight(health="DEGRADED")}
SOUND = {
    "dead": 0,
    "equity": "100000.004",
    "broker_equity": "100000",
    "cash": "50000",
    "broker_cash": "50000",
    "crashes": {},
}
HOLDINGS = {"AAPL": Decimal(3)}


def found(*, mine=HOLDINGS, theirs=HOLDINGS, left_over=None, sights=HEALTHY, **facts):
    return list(
        complaints({**SOUND, **facts}, mine=mine, theirs=theirs, left_over=left_over, sights=sights)
    )


def test_a_sound_demo_has_no_complaints_and_rounding_is_none():
    assert found() == []


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"dead": 2}, "2 dead letters"),
        ({"equity": "99000"}, "99000"),
        ({"equity": None}, "None"),
        ({"cash": "1"}, "cash"),
        ({"mine": {"AAPL": Decimal(4)}}, "AAPL 4"),
        ({"mine": None}, "risk does not say"),
        ({"left_over": "3 for risk.1"}, "3 for risk.1"),
        ({"sights": {"risk": Sight(health="UNHEALTHY", reasons=("books differ",))}}, "books"),
        ({"sights": {"risk": Sight()}}, "UNKNOWN"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_wrong_is_said(wrong, word):
    (complaint,) = found(**wrong)
    assert word in complaint


def test_holdings_of_nothing_are_no_holdings():
    summary = {"positions": {"AAPL": {"quantity": "3"}, "MSFT": {"quantity": "0"}}}
    assert held(summary) == HOLDINGS
    assert held({}) is None


def test_the_report_for_people_ends_with_the_verdict():
    facts = {
        **SOUND,
        "market": "generated market",
        "from": "2024-01-02T14:31:00Z",
        "to": None,
        "start_equity": "100000",
        **dict.fromkeys(("rows", "bars", "signals", "approved", "refused", "fills"), 1),
        **dict.fromkeys(("rejected", "alerts"), 0),
        "seconds": 1.0,
        "rows_per_second": 1.0,
    }
    good = list(lines(Report(facts={**facts, "crashes": {"risk": 1}}, complaints=())))
    bad = list(lines(Report(facts=facts, complaints=("one", "two"))))
    assert good[0].startswith("SIMULATED")
    assert "risk once" in good[-2]
    assert "agree" in good[-1]
    assert bad[-2].startswith("NOT GOOD")
    assert bad[-1].strip() == "two"
