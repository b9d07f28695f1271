"""Switches for everything that can go wrong at a broker."""

import orjson
import pytest

from tests.simulators import a_simulator, asked, ears_of, submit
from trimtab_simulator.core.faults import AFTER, BEFORE, UNHEARD_OF, Fault, Faults


def faults_with(seed=None, **switches):
    faults = Faults()
    assert faults.set(orjson.dumps({"seed": seed, "switches": switches})) is None
    return faults


def an_update(name):
    return {"event": "new", "order": {"client_order_id": name, "status": "new"}}


def test_the_next_n_occasions_are_hit_and_no_more():
    faults = faults_with(too_many_requests={"next": 2})
    hits = [bool(faults.first(BEFORE, "POST", "/v2/orders")) for _ in range(4)]
    assert hits == [True, True, False, False]
    assert faults.shown()["too_many_requests"]["happened"] == 2


def test_chance_is_repeatable_by_its_seed():
    runs = [
        [bool(faults.happens(Fault.TIMEOUT_AFTER)) for _ in range(200)]
        for faults in (
            faults_with(seed=seed, timeout_after={"probability": 0.3}) for seed in (1, 1, 2)
        )
    ]
    assert runs[0] == runs[1] != runs[2]
    assert 30 < sum(runs[0]) < 90


def test_a_switch_may_mean_some_requests_only():
    faults = faults_with(timeout_after={"probability": 1, "method": "post", "path": "/v2/orders"})
    asked_for = [("POST", "/v2/orders"), ("GET", "/v2/orders"), ("POST", "/v2/positions")]
    assert [bool(faults.first(AFTER, *request)) for request in asked_for] == [True, False, False]


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ("too_many_requests", 429),
        ("server_error_before", 500),
        ("server_error_after", 500),
        ("gateway_timeout_before", 504),
        ("gateway_timeout_after", 504),
        ("timeout_before", None),
        ("reset_after", None),
    ],
)
def test_a_fault_is_an_answer_or_silence(fault, status):
    happening = faults_with(**{fault: {"next": 1}}).happens(Fault(fault))
    assert (happening.answer and happening.answer.status) == status
    assert happening.breaks == fault.startswith("reset")


def test_updates_get_lost_twice_told_late_and_distorted():
    updates = [an_update("a"), an_update("b")]
    lost = faults_with(updates_dropped={"next": 1}).deliveries(updates)
    assert [update["order"]["client_order_id"] for _, update in lost] == ["b"]
    doubled = faults_with(updates_duplicated={"next": 1}).deliveries(updates)
    assert [update["order"]["client_order_id"] for _, update in doubled] == ["a", "a", "b"]
    late = faults_with(updates_reordered={"next": 1}).deliveries(updates)
    assert [delay > 0 for delay, _ in late] == [True, False]
    delayed = faults_with(updates_delayed={"probability": 1, "seconds": 2}).deliveries(updates)
    assert [delay for delay, _ in delayed] == [2, 2]
    strange = faults_with(wrong_enum={"next": 1}).deliveries(updates)
    assert [update["order"]["status"] for _, update in strange] == [UNHEARD_OF, "new"]


def test_without_switches_everything_arrives_at_once():
    assert Faults().deliveries([an_update("a")]) == [(0.0, an_update("a"))]


def test_only_orders_are_distorted():
    faults = faults_with(wrong_enum={"probability": 1})
    answer = [{"client_order_id": "a", "status": "new"}, {"symbol": "AAPL", "status": "active"}]
    assert [part["status"] for part in faults.distorted(answer)] == [UNHEARD_OF, "active"]
    assert faults.distorted(None) is None


def test_switches_are_set_shown_and_cleared_over_http():
    simulator = a_simulator()
    body = {"switches": {"data_mute": {"probability": 1}, "updates_dropped": {"next": 3}}}
    status, shown = asked(simulator, "POST /control/faults", body)
    assert status == 200
    assert shown["updates_dropped"] == {"probability": 0.0, "next": 3, "happened": 0}
    assert asked(simulator, "GET /control/faults")[1] == shown
    assert asked(simulator, "DELETE /control/faults") == (200, {})


@pytest.mark.parametrize(
    "body",
    [
        {"switches": {"earthquake": {"next": 1}}},
        {"switches": {"data_mute": {"probability": 2}}},
        {"switches": {"data_mute": {"often": True}}},
        {"data_mute": {"next": 1}},
        b"",
    ],
    ids=str,
)
def test_a_bad_switch_is_refused(body):
    simulator = a_simulator()
    assert asked(simulator, "POST /control/faults", body)[0] == 422
    assert simulator.faults.shown() == {}


def test_positions_can_fail_or_seem_empty():
    simulator = a_simulator()
    submit(simulator, "one")
    simulator.faults.set(b'{"switches": {"positions_error": {"next": 1}}}')
    assert asked(simulator, "GET /v2/positions")[0] == 500
    simulator.faults.set(b'{"switches": {"positions_empty": {"next": 1}}}')
    assert asked(simulator, "GET /v2/positions") == (200, [])


def test_sockets_can_be_broken_by_name():
    simulator = a_simulator()
    assert asked(simulator, "POST /control/break/data")[0] == 200
    assert asked(simulator, "POST /control/break/updates")[0] == 200
    assert asked(simulator, "POST /control/break/hearts")[0] == 404
    assert ears_of(simulator).broken == ["data", "updates"]
