"""Nothing that anybody may read again is trimmed, and everything else is."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from trimtab_recorder.core.trimming import (
    MILESTONES_MAX,
    NOTHING,
    EntryId,
    Milestone,
    Milestones,
    Standing,
    laggards,
    trims,
)

START = datetime(2024, 3, 4, tzinfo=UTC)
HOUR = timedelta(hours=1)
FLOOR = Milestone(START, 5_000, {"risk": 40})


def entry(milliseconds: int) -> str:
    return f"{milliseconds}-0"


def standing(room: str = "risk", bars: int = 9_000, state: int | None = None) -> Standing:
    if state is None:
        return Standing(room, {"bars": entry(bars)})
    return Standing(room, {"bars": entry(bars)}, {"bars": entry(state)}, 70)


def test_what_is_older_than_the_floor_goes():
    assert trims([standing()], FLOOR).streams == {"bars": EntryId(5_000)}


def test_what_the_slowest_room_needs_stays():
    rooms = [standing("risk", 9_000), standing("recorder", 3_000)]
    assert trims(rooms, FLOOR).streams == {"bars": EntryId(3_000)}


def test_a_room_needs_what_its_state_does_not_cover():
    assert trims([standing(bars=9_000, state=2_000)], FLOOR).streams == {"bars": EntryId(2_000)}


def test_a_state_that_knows_nothing_of_a_family_needs_all_of_it():
    room = Standing("risk", {"bars": entry(9_000)}, {}, 70)
    assert trims([room], FLOOR).streams == {"bars": EntryId(0)}


def test_an_order_record_goes_up_to_the_state_and_the_floor():
    rooms = [standing(state=8_000)]
    assert trims(rooms, FLOOR).order_records == {"risk": 40}
    later = Milestone(START, 5_000, {"risk": 99})
    assert trims(rooms, later).order_records == {"risk": 70}
    unknown = Milestone(START, 5_000, {})
    assert trims(rooms, unknown).order_records == {"risk": 0}


def test_nothing_goes_without_a_floor_or_while_a_room_is_unknown():
    assert trims([standing()], None) == NOTHING
    assert trims([standing(), Standing("new", None)], FLOOR) == NOTHING


def test_a_room_that_does_not_go_on_is_named():
    assert laggards([standing("risk", 9_000), standing("old", 1_000)], FLOOR) == ["old"]
    assert laggards([standing(), Standing("new", None)], FLOOR) == ["new"]


def test_a_quiet_stream_holds_nobody_up():
    assert laggards([standing("risk", 1_000), standing("recorder", 1_000)], FLOOR) == []


IDS = st.builds(EntryId, st.integers(0, 20), st.integers(0, 3))
CURSORS = st.dictionaries(st.sampled_from(["bars", "fills", "health"]), IDS.map(str), max_size=3)
ROOMS = st.lists(
    st.builds(
        Standing, st.sampled_from("abc"), CURSORS, CURSORS, st.one_of(st.just(0), st.just(7))
    ),
    max_size=4,
)


@given(ROOMS, st.integers(0, 20))
def test_no_room_ever_loses_what_it_may_read_again(rooms, floor):
    kept = trims(rooms, Milestone(START, floor, {})).streams
    for family, oldest in kept.items():
        assert oldest <= EntryId(floor)
        for room in rooms:
            if family in (room.cursor or {}):
                assert oldest <= room.needs(family)


def passed(keep_hours: float, hours: range) -> Milestones:
    milestones = Milestones(timedelta(hours=keep_hours))
    for hour in hours:
        milestones.row_closed(START + hour * HOUR, entry(hour * 1000))
        milestones.pass_by([Standing("risk", {}, {}, hour)])
    return milestones


def test_the_floor_lies_before_the_time_that_is_kept():
    floor = passed(48, range(200)).floor
    assert floor is not None
    assert START + 150 * HOUR <= floor.at <= START + 151 * HOUR
    assert floor.milliseconds == floor.sequences["risk"] * 1000


def test_there_is_no_floor_before_enough_time_has_passed():
    assert passed(48, range(40)).floor is None
    assert Milestones(HOUR).floor is None


def test_milestones_stay_few():
    milestones = passed(48, range(3000))
    assert len(milestones.snapshot()["passed"]) <= MILESTONES_MAX + 2


def test_milestones_are_remembered_across_a_restart():
    before, after = passed(48, range(200)), Milestones(timedelta(hours=48))
    after.restore(json.loads(json.dumps(before.snapshot())))
    assert after.floor == before.floor
    after.restore(json.loads(json.dumps(Milestones(HOUR).snapshot())))
    assert after.floor is None


def test_when_market_time_begins_anew_nothing_goes_until_it_has_passed_again():
    milestones = passed(48, range(200))
    milestones.row_closed(START, entry(900_000))
    milestones.pass_by([])
    assert milestones.floor is None


def test_a_small_step_back_changes_nothing():
    milestones = passed(48, range(200))
    floor = milestones.floor
    milestones.row_closed(START + 190 * HOUR, entry(900_000))
    milestones.pass_by([])
    assert milestones.floor is not None
    assert floor is not None
    assert milestones.floor.at <= floor.at
