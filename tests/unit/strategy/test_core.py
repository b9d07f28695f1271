"""What the room says about strategies that wait or fail."""

from tests.unit.trading.strategy_rows import Scripted, slot
from trimtab_strategy.core import cold_reason, fault_reason, unfit


def info(**changes):
    fields = {"warm": True, "rows": 5, "rows_needed": 9, "failing": False, "last_fault": None}
    return {**fields, **changes}


def test_nothing_is_said_while_all_is_well():
    assert cold_reason({"a": info()}) is None
    assert fault_reason({"a": info()}) is None


def test_cold_strategies_are_named_with_what_they_miss():
    cold = {"a": info(warm=False), "b": info(), "c": info(warm=False, rows=0)}
    assert cold_reason(cold) == "a has 5 of 9 rows of history; c has 0 of 9 rows of history"


def test_failing_strategies_are_named_with_what_they_said():
    failing = {"a": info(failing=True, last_fault="2024-01-02T14:31:00Z no luck")}
    assert fault_reason(failing) == "a at 2024-01-02T14:31:00Z no luck; its targets stand"


def test_a_fault_of_yesterday_is_forgiven():
    assert fault_reason({"a": info(last_fault="2024-01-02T14:31:00Z no luck")}) is None


def test_a_long_list_is_cut():
    many = {f"s{n}": info(warm=False) for n in range(8)}
    assert (cold_reason(many) or "").endswith("s4 has 5 of 9 rows of history; and 3 more")


def test_a_strategy_without_a_warm_up_is_unfit_for_live():
    sketch = Scripted([0.0], warmup=None)
    (complaint,) = unfit([slot(sketch, name="sketch"), slot(Scripted([0.0]), name="ready")])
    assert complaint.startswith("strategy sketch does not say its warmup")
