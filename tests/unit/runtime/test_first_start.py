"""A broker's account is not traded before its owner has looked around once."""

import pytest

from trimtab_runtime.first_start import hold_first_start
from trimtab_runtime.home import Home


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "home")


def test_the_first_start_at_a_broker_begins_halted_and_the_second_does_not(home):
    reason = hold_first_start(home, "paper", by="execution")
    assert reason is not None
    assert reason in home.halt.read_text()
    home.halt.unlink()
    assert hold_first_start(home, "paper", by="execution") is None
    assert not home.halt.exists()


def test_each_mode_has_a_first_start_of_its_own(home):
    hold_first_start(home, "paper", by="execution")
    home.halt.unlink()
    assert hold_first_start(home, "live", by="execution") is not None
    assert home.halt.exists()
    assert hold_first_start(home, "paper", by="execution") is None


def test_a_simulation_is_never_held(home):
    assert hold_first_start(home, "sim", by="execution") is None
    assert not home.root.exists()


def test_a_halt_that_is_there_keeps_its_reason(home):
    home.made(home.root)
    home.halt.write_text("storm")
    hold_first_start(home, "live", by="execution")
    assert home.halt.read_text() == "storm"
