"""What execution measures: outcomes, and how long an order takes from its row to the broker."""

import time

import pytest

from tests.unit.execution.examples import an_order, row_at
from trimtab_execution.metrics import OUTCOMES, ExecutionMetrics
from trimtab_runtime.metrics import RoomMetrics
from trimtab_trading.exchange import accepted, rejected


@pytest.fixture
def room():
    return RoomMetrics("execution", "test", "sim")


def latency(room):
    """How many orders were timed, and how long they took in all."""
    name = "trimtab_order_latency_seconds"
    return tuple(room.registry.get_sample_value(f"{name}_{end}") for end in ("count", "sum"))


def test_an_accepted_order_is_timed_from_the_publication_of_its_row(room):
    metrics = ExecutionMetrics(room)
    room.published.note(row_at(1), time.time() - 20)
    metrics.placed([accepted(an_order(1), row_at(1), "broker-1")])
    count, seconds = latency(room)
    assert count == 1
    assert seconds >= 20


def test_only_acceptance_is_timed_and_only_where_the_row_was_seen(room):
    metrics = ExecutionMetrics(room)
    room.published.note(row_at(1), time.time() - 20)
    metrics.placed([rejected(an_order(1), row_at(1), "no")])
    metrics.placed([accepted(an_order(2), row_at(2), "broker-2")])
    assert latency(room) == (0, 0)


def test_every_outcome_has_a_series_before_it_happens(room):
    metrics = ExecutionMetrics(room)
    name = "trimtab_order_outcomes_total"

    def counted():
        return {
            outcome: room.registry.get_sample_value(name, {"outcome": outcome})
            for outcome in OUTCOMES.values()
        }

    assert counted() == dict.fromkeys(OUTCOMES.values(), 0)
    metrics.count([rejected(an_order(1), row_at(1), "no")])
    assert counted() == dict.fromkeys(OUTCOMES.values(), 0) | {"rejected": 1}
