"""The generated references say what is so."""

import re
from pathlib import Path

import pytest

from tests.architecture.house import rooms
from trimtab.docs import PAGES, write
from trimtab.metrics_page import catalogue, sections, unit
from trimtab.metrics_page import rooms as rooms_measured

ROOT = Path(__file__).parents[3]
METRICS = list(catalogue().values())

every_metric = pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)


@pytest.mark.parametrize("page", PAGES)
def test_a_generated_page_is_up_to_date(page):
    assert (ROOT / page).read_text() == PAGES[page](), (
        f"{page} is not what the code says: make docs"
    )


def test_a_page_that_is_true_already_is_not_written_again(tmp_path):
    page = tmp_path / "docs" / "page.md"
    assert [write(page, "one"), write(page, "one"), write(page, "two")] == [True, False, True]
    assert page.read_text() == "two"


def test_every_room_is_in_the_catalogue():
    assert sorted(rooms_measured()) == sorted(room.folder.name for room in rooms())


def test_no_name_means_two_things():
    names = [metric.name for section in sections() for metric in section.metrics]
    assert sorted(names) == sorted(set(names))


@every_metric
def test_a_metric_is_named_as_prometheus_asks(metric):
    assert re.fullmatch(r"trimtab_[a-z][a-z0-9]*(_[a-z0-9]+)*", metric.name)
    assert metric.name.endswith("_total") == (metric.kind == "counter")
    assert unit(metric), f"{metric.name} does not end in what it measures; see UNITS"
    assert not re.search(
        r"_(ms|milliseconds|minutes|percent|kilobytes|mb|count|sum)\b", metric.name
    )
    if metric.kind == "histogram":
        assert metric.name.endswith("_seconds")


@every_metric
def test_a_metric_says_what_it_means(metric):
    assert len(metric.text) > len("0 or 1")
    assert "|" not in metric.text, "it would break the table"
    assert not metric.text.endswith("."), "it stands in a table, not in a paragraph"
