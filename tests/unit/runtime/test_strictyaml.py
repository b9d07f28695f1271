"""YAML without its traps: what was written is what is read, or it is refused."""

import pytest

from trimtab_runtime.errors import ConfigError
from trimtab_runtime.strictyaml import ALIASES_MAX, BYTES_MAX, DEPTH_MAX, parse


def refusal(text: str) -> str:
    with pytest.raises(ConfigError) as refused:
        parse(text, "file.yaml")
    return str(refused.value)


@pytest.mark.parametrize(
    "text",
    ["NO", "ON", "yes", "Off", "y", "TRUE", "True", "Null", "NULL", "010", "0x10", "0o17", "1_000",
     "12:30", "1:30:00", ".nan", ".inf", "-.inf", "2024-01-31", "1.2.3", "+-1", "="],
)  # fmt: skip
def test_words_that_yaml_would_change_stay_what_they_are(text):
    assert parse(f"key: {text}", "f").data == {"key": text}
    assert parse(f"[{text}]", "f").data == [text]


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("false", False), ("null", None), ("~", None), ("", None), ("0", 0),
     ("-12", -12), ("+3", 3), ("0.05", 0.05), ("1e3", 1000.0), (".5", 0.5), ("-1.5E-2", -0.015),
     ("'true'", "true"), ('"12"', "12"), ("123456789012345678901", "123456789012345678901")],
)  # fmt: skip
def test_the_few_special_values_are_the_ones_everybody_expects(text, value):
    found = parse(f"key: {text}", "f").data["key"]
    assert (found, type(found)) == (value, type(value))


def test_keys_are_text_however_they_look():
    assert parse("{NO: 1, 010: 2, true: 3, 1m: 4, ~: 5}", "f").data == {
        "NO": 1, "010": 2, "true": 3, "1m": 4, "~": 5
    }  # fmt: skip


def test_anchors_may_be_used_within_reason():
    document = parse("a: &a [1, 2]\nb: *a\n", "f")
    assert document.data == {"a": [1, 2], "b": [1, 2]}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a: 1\nb: 2\na: 3\n", "file.yaml:3: a: expected each key once"),
        ("x:\n  - {k: 1, k: 1}\n", "file.yaml:2: x[0].k: expected each key once"),
        ("a: !!python/object/apply:os.system [id]", "file.yaml:1: expected no tags"),
        ("b: 1\na: !!int three", "file.yaml:2: expected no tags"),
        ("a: !mine 3", "expected no tags"),
        ("!!set {a, b}", "expected no tags"),
        ("a: &b {c: 1}\nd:\n  <<: *b\n", "file.yaml:3: d: expected plain text as a key"),
        ("? [a, b]\n: 1\n", "expected plain text as a key; found a list"),
        ("a: 1e999", "file.yaml:1: a: expected a finite number"),
        ("a: 1\n---\nb: 2\n", "another document"),
        ("a: [1\nb: 2\n", "file.yaml:2: expected valid YAML"),
        ("\ta: 1", "expected valid YAML"),
        ("a: b: c", "expected valid YAML"),
        ("a: *nowhere", "undefined alias"),
        ("a: \x00", "expected valid YAML"),
        ("a: \ud800", "expected valid YAML"),
    ],
)
def test_what_could_mean_something_else_is_refused(text, complaint):
    assert complaint in refusal(text)


def test_all_problems_are_told_at_once():
    assert len(refusal("a: 1\na: 2\nc: 1e999\nb: {k: 1, k: 2}\n").splitlines()) == 3


def test_an_alias_bomb_is_refused_before_it_explodes():
    lines = ["a: &a0 [x,x,x,x,x,x,x,x,x]"]
    lines += [f"b{n}: &a{n + 1} [{','.join([f'*a{n}'] * 9)}]" for n in range(12)]
    assert "at most" in refusal("\n".join(lines))


@pytest.mark.parametrize(
    "text",
    [
        "a: &a [*a]",
        "[" * 10_000,
        "- " * (DEPTH_MAX + 1) + "x",
        "a: &a 1\nb: [" + "*a," * (ALIASES_MAX + 1) + "]",
        "#" * (BYTES_MAX + 1),
    ],
)
def test_what_is_too_deep_or_too_large_is_refused(text):
    assert "at most" in refusal(text)
