"""Configuration files: read strictly, and every complaint says where, what and what else."""

from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict, Field

from trimtab_runtime.config import load
from trimtab_runtime.errors import ConfigError


class Limit(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    order_max: Decimal = Field(gt=0)
    enabled: bool
    names: tuple[str, ...] = ()
    count: int = 1


class Limits(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    limits: dict[str, Limit]


def written(folder: Path, text: str) -> Path:
    path = folder / "risk.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def refusal(folder: Path, text: str) -> list[str]:
    path = written(folder, text)
    with pytest.raises(ConfigError) as refused:
        load(path, Limits)
    return [line.removeprefix(str(path)) for line in str(refused.value).splitlines()]


def test_a_file_becomes_a_model(tmp_path):
    path = written(tmp_path, "limits:\n  etf: {order_max: 0.10, enabled: true, names: [SPY]}\n")
    limit = load(path, Limits).limits["etf"]
    assert limit == Limit(order_max=Decimal("0.1"), enabled=True, names=("SPY",))


def test_a_byte_order_mark_is_no_content(tmp_path):
    path = written(tmp_path, "﻿limits: {}\n")
    assert load(path, Limits) == Limits(limits={})


def test_every_problem_gets_a_line_with_its_place(tmp_path):
    text = "limits:\n  a:\n    order_max: -5\n    enabled: yes\n    names: [1]\n    count: 010\n"
    assert refusal(tmp_path, text) == [
        ":3: limits.a.order_max: expected greater than 0; found -5",
        ":4: limits.a.enabled: expected true or false; found 'yes'",
        ":5: limits.a.names[0]: expected text; found 1",
        ":6: limits.a.count: expected a whole number; found '010'",
    ]


def test_a_missing_key_is_named_where_it_should_be(tmp_path):
    assert refusal(tmp_path, "limits:\n  a:\n    enabled: true\n") == [
        ":2: limits.a.order_max: expected a value (there is no default); found nothing"
    ]


def test_an_unknown_key_is_refused_with_the_nearest_known_one(tmp_path):
    assert refusal(tmp_path, "limits:\n  a: {order_max: 1, enabled: true, coutn: 3}\n") == [
        ":2: limits.a.coutn: expected a known key; 'count' is the nearest; found an unknown key"
    ]


def test_text_is_never_taken_for_a_number(tmp_path):
    problems = refusal(tmp_path, "limits:\n  a: {order_max: 1, enabled: 1, count: '3'}\n")
    assert [problem.split(": ")[1] for problem in problems] == [
        "limits.a.enabled", "limits.a.count"
    ]  # fmt: skip


def test_an_empty_file_lacks_what_is_required(tmp_path):
    assert refusal(tmp_path, "# nothing\n") == [
        ": limits: expected a value (there is no default); found nothing"
    ]


def test_a_missing_file_and_other_encodings_are_named(tmp_path):
    with pytest.raises(ConfigError, match="no such file"):
        load(tmp_path / "none.yaml", Limits)
    path = tmp_path / "latin.yaml"
    path.write_bytes(b"limits: {\xe4: 1}")
    with pytest.raises(ConfigError, match=r"latin\.yaml.*UTF-8"):
        load(path, Limits)


def test_long_values_are_cut_in_complaints(tmp_path):
    (line,) = refusal(tmp_path, f"limits: {'x' * 500}\n")
    assert len(line) < 150
