"""The kill switch's file: written, read back, made by hand, and lifted."""

import stat

import pytest

from trimtab.halt import lift_halt, one_line, read_halt, write_halt
from trimtab_runtime.home import Home


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path / "home")


def test_a_halt_is_read_back_as_it_was_written(home):
    written = write_halt(home, by="owner", reason="the news (all of them)")
    assert read_halt(home) == written
    assert written.reason == "the news (all of them)"


def test_the_file_is_one_line_for_its_owner_alone(home):
    write_halt(home, by="owner", reason="one\ntwo\x00three")
    assert home.halt.read_text().count("\n") == 1
    assert stat.S_IMODE(home.halt.stat().st_mode) == 0o600


@pytest.mark.parametrize("text", ["", "stop it\n", "\xff (by, nobody"])
def test_a_file_made_by_hand_halts_as_well(home, text):
    home.made(home.root)
    home.halt.write_text(text, encoding="latin-1")
    halt = read_halt(home)
    assert halt is not None
    assert halt.by == "hand"


def test_even_a_folder_of_that_name_halts(home):
    home.made(home.halt)
    assert read_halt(home) is not None


def test_without_the_file_nothing_is_halted(home):
    assert read_halt(home) is None
    assert not lift_halt(home)


def test_a_lifted_halt_is_gone(home):
    write_halt(home, by="owner", reason="")
    assert lift_halt(home)
    assert read_halt(home) is None


def test_a_reason_keeps_to_one_line_of_bearable_length():
    assert one_line(" a\r\nb\t") == "a b"
    assert len(one_line("x" * 10_000)) <= 500
