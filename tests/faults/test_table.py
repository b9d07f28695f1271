"""The fault table in the document: its markers, its form, and that nothing in it is a loss."""

from __future__ import annotations

import re

import pytest

from tests.faults.table import BEGIN, DOCUMENT, END, HEAD, Marks, Run, inserted, present, rendered

LINE = re.compile(
    r"\| [^|]+ \| (?P<runs>\d+) \| (?P<lost>\d+) \| (?P<doubled>\d+) "
    r"\| (?P<half>\d+\.\d) s \| (?P<most>\d+\.\d) s \|"
)
TOTAL = re.compile(r"(?P<runs>\d+) runs of (?P<faults>\d+) faults\.")
RUNS = [Run("b", 3.0, 0, 0), Run("a", 1.0, 0, 1), Run("a", 2.0, 0, 0)]


def test_the_document_has_a_table_in_the_form_in_which_it_is_written() -> None:
    table = present(DOCUMENT.read_text(encoding="utf-8"))
    head, blank, total = table[: len(HEAD)], *table.splitlines()[-2:]
    assert (head, blank) == (HEAD, "")
    lines = [LINE.fullmatch(line) for line in table.splitlines()[2:-2]]
    assert lines
    assert all(lines), "somebody has typed in the table"
    summed = TOTAL.fullmatch(total)
    assert summed is not None
    assert int(summed["faults"]) == len(lines)
    assert int(summed["runs"]) == sum(int(line["runs"]) for line in lines if line)


def test_the_document_tells_of_no_loss() -> None:
    table = present(DOCUMENT.read_text(encoding="utf-8"))
    for line in map(LINE.fullmatch, table.splitlines()[2:-2]):
        assert line is not None
        assert (line["lost"], line["doubled"]) == ("0", "0"), line[0]
        assert float(line["half"]) <= float(line["most"])


def test_a_table_takes_the_place_of_the_one_before() -> None:
    document = f"before\n{BEGIN}\nan older table\n{END}\nafter\n"
    once = inserted(document, rendered(RUNS))
    assert present(once) == rendered(RUNS)
    assert inserted(once, rendered(RUNS)) == once
    assert (once.startswith("before\n"), once.endswith("\nafter\n")) == (True, True)


def test_faults_stand_by_name_and_are_summed() -> None:
    assert rendered(RUNS).splitlines()[2:] == [
        "| a | 2 | 0 | 1 | 1.5 s | 2.0 s |",
        "| b | 1 | 0 | 0 | 3.0 s | 3.0 s |",
        "",
        "3 runs of 2 faults.",
    ]


@pytest.mark.parametrize("document", ["", BEGIN, f"{END}\n{BEGIN}", f"{BEGIN}{END}{BEGIN}{END}"])
def test_a_document_without_its_one_place_is_refused(document: str) -> None:
    with pytest.raises(Marks):
        inserted(document, "a table")
