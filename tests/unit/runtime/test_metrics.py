"""Metrics: named with their unit, on a registry of the room's own."""

from trimtab_runtime.metrics import RoomMetrics

UNITS = ("_total", "_seconds", "_bytes", "_entries", "_ratio", "_status", "_info", "_usd")
NUMBERS_WITHOUT_UNIT = {"trimtab_generation"}


def test_rooms_share_names_and_no_state():
    first, second = (RoomMetrics(room, "r1", "sim") for room in ("risk", "strategy"))
    first.rows_closed.inc(3)
    assert first.registry.get_sample_value("trimtab_rows_closed_total") == 3
    assert second.registry.get_sample_value("trimtab_rows_closed_total") == 0


def test_every_name_begins_with_the_project_and_ends_in_its_unit():
    for family in RoomMetrics("risk", "r1", "sim").registry.collect():
        name = family.name + ("_total" if family.type == "counter" else "")
        if not name.startswith(("python_", "process_")):
            assert name.startswith("trimtab_"), name
            assert name.endswith(UNITS) or name in NUMBERS_WITHOUT_UNIT, name


def test_a_room_adds_its_own():
    metrics = RoomMetrics("risk", "r1", "sim")
    refused = metrics.counter("trimtab_orders_refused_total", "Orders refused", "rule")
    refused.labels("max_order").inc()
    assert b'trimtab_orders_refused_total{rule="max_order"} 1.0' in metrics.exposition()


def test_durations_are_counted_where_they_fall():
    metrics = RoomMetrics("risk", "r1", "sim")
    metrics.commit_seconds.observe(0.003)
    sample = metrics.registry.get_sample_value
    assert sample("trimtab_commit_seconds_bucket", {"le": "0.0025"}) == 0
    assert sample("trimtab_commit_seconds_bucket", {"le": "0.005"}) == 1
