"""The kill switch: what the room says when it is pulled, let go, or stays as it is."""

from datetime import UTC, datetime

import pytest

from trimtab_common.events import TradingHalted, TradingResumed
from trimtab_common.events.base import EARLIEST
from trimtab_risk.adapters.halt_file import HaltFile
from trimtab_risk.core import SwitchWatch, oddity_reason, price_reason
from trimtab_risk.ports import Pulled
from trimtab_trading.risk.control import KILL_SWITCH, Command

ROW = datetime(2024, 3, 5, 15, 0, tzinfo=UTC)
PULLED = Pulled("storm", 7)
KNOWN = Command(KILL_SWITCH, "storm", ROW)


def reason_in(path):
    pulled = HaltFile(path).pulled()
    assert pulled is not None
    return pulled.reason


class TestSwitchWatch:
    def test_a_pulled_switch_is_said_with_its_reason(self):
        event = SwitchWatch().look(PULLED, None, ROW)
        assert isinstance(event, TradingHalted)
        assert (event.id, event.at, event.by, event.reason) == (
            "halted:file:7", ROW, KILL_SWITCH, "storm"
        )  # fmt: skip

    def test_before_the_first_row_it_is_said_at_the_beginning_of_time(self):
        event = SwitchWatch().look(PULLED, None, None)
        assert event is not None
        assert event.at == EARLIEST

    def test_it_is_said_once_until_the_desk_knows(self):
        watch = SwitchWatch()
        assert watch.look(PULLED, None, ROW)
        assert watch.look(PULLED, None, ROW) is None
        assert watch.look(PULLED, KNOWN, ROW) is None

    def test_a_switch_that_was_let_go_is_said_too(self):
        event = SwitchWatch().look(None, KNOWN, ROW)
        assert isinstance(event, TradingResumed)
        assert (event.by, event.reason) == (KILL_SWITCH, "the HALT file was removed")

    def test_a_short_pull_is_taken_back_when_the_desk_has_heard_of_it(self):
        watch = SwitchWatch()
        assert watch.look(PULLED, None, ROW)
        assert watch.look(None, None, ROW) is None  # gone before the desk knew
        assert isinstance(watch.look(None, KNOWN, ROW), TradingResumed)
        assert watch.look(None, KNOWN, ROW) is None

    def test_a_second_pull_is_another_event(self):
        watch = SwitchWatch()
        first = watch.look(PULLED, None, ROW)
        watch.look(PULLED, KNOWN, ROW)
        watch.look(None, KNOWN, ROW)
        watch.look(None, None, ROW)
        second = watch.look(Pulled("storm", 8), None, ROW)
        assert first is not None
        assert second is not None
        assert second.id != first.id

    def test_nothing_is_said_while_nothing_differs(self):
        watch = SwitchWatch()
        assert watch.look(None, None, ROW) is None
        assert watch.look(PULLED, KNOWN, ROW) is None


class TestHaltFile:
    def test_no_file_halts_nothing(self, tmp_path):
        assert HaltFile(tmp_path / "HALT").pulled() is None

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (b"", "the HALT file exists"),
            (b"storm\nsecond line", "storm"),
            (b"  \n storm \x00\x1b[31m\xff ", "storm [31m\ufffd"),
            (b"x" * 5000, "x" * 200),
        ],
    )
    def test_its_first_line_is_the_reason(self, tmp_path, content, reason):
        file = tmp_path / "HALT"
        file.write_bytes(content)
        assert reason_in(file) == reason

    def test_what_stands_in_it_always_fits_into_an_event(self, tmp_path):
        file = tmp_path / "HALT"
        file.write_bytes(bytes(range(256)) * 40)
        assert SwitchWatch().look(HaltFile(file).pulled(), None, ROW)

    def test_a_file_that_cannot_be_read_halts_all_the_same(self, tmp_path):
        folder = tmp_path / "HALT"
        folder.mkdir()
        assert "cannot be read" in reason_in(folder)


def test_one_oddity_is_one_thing():
    assert oddity_reason(1, ["a"]) == "1 thing happened that should not have; the last one: a"
    assert oddity_reason(0, []) is None


def test_holdings_without_a_price_are_named():
    assert price_reason([]) is None
    assert price_reason(["AAPL", "MSFT"]) == "no price yet for AAPL, MSFT"
