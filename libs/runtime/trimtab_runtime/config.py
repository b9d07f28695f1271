"""Reads what the owner edits: a YAML file into a frozen model, or every complaint about it."""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from trimtab_common.symbols import SYMBOL_PATTERN
from trimtab_runtime import strictyaml
from trimtab_runtime.errors import ConfigError, Problem, shown
from trimtab_runtime.strictyaml import Document, key_path

Model = TypeVar("Model", bound=BaseModel)

_EXPECTED = {
    "bool_type": "true or false",
    "date_from_datetime_parsing": "a date such as 2024-01-31",
    "decimal_type": "a number",
    "dict_type": "keys with values",
    "finite_number": "a finite number",
    "float_type": "a number",
    "int_type": "a whole number",
    "list_type": "a list",
    "model_type": "keys with values",
    "string_type": "text",
    "tuple_type": "a list",
}


def load(path: Path, model: type[Model]) -> Model:
    """Read a file into a model, strictly: nothing is converted, unknown keys are refused.

    Numbers may be floats or `Decimal`s in the model; text is never taken for a number.

    Raises:
        ConfigError: with one line for each problem: file, line, key, expected, found.
    """
    return validate(strictyaml.parse(_text(path), str(path)), model)


def validate(document: Document, model: type[Model]) -> Model:
    """Check a parsed document against a model."""
    content = {} if document.data is None else document.data
    try:
        # The rules of JSON are the right ones here: a list may become a tuple and text a date,
        # but "10" is no number and 1 is not true.
        return model.model_validate_json(json.dumps(content, allow_nan=False), strict=True)
    except ValidationError as error:
        details = error.errors(include_url=False)
        raise ConfigError(
            _problem(detail, document, model)
            for detail in details
            if not _is_consequence(detail, details)
        ) from None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        found = "no such file"
    except UnicodeDecodeError as error:
        found = f"another byte at offset {error.start}"
    except OSError as error:
        found = error.strerror or str(error)
    raise ConfigError(
        [Problem(place=str(path), key="", expected="a file of YAML in UTF-8", found=found)]
    )


def _problem(detail: ErrorDetails, document: Document, model: type[BaseModel]) -> Problem:
    path = _path_in(document.data, detail["loc"])
    expected, found = _complaint(detail, model)
    return Problem(place=document.where(path), key=key_path(path), expected=expected, found=found)


def _is_consequence(detail: ErrorDetails, details: list[ErrorDetails]) -> bool:
    """Whether a list is too short only because its entries were refused."""
    place = detail["loc"]
    return detail["type"] == "too_short" and any(
        other["loc"][: len(place)] == place for other in details if other is not detail
    )


def _complaint(detail: ErrorDetails, model: type[BaseModel]) -> tuple[str, str]:
    kind = detail["type"]
    if kind == "missing":
        return "a value (there is no default)", "nothing"
    if kind == "extra_forbidden":
        return _known_keys(str(detail["loc"][-1]), model), "an unknown key"
    value = detail["input"]
    found = "several values" if isinstance(value, dict | list) else shown(value)
    if kind == "value_error":  # one of our own models speaks, in whole sentences
        return detail["msg"].removeprefix("Value error, "), ""
    if kind == "too_short":
        return f"at least {detail['ctx']['min_length']} entries", "fewer"
    if detail.get("ctx", {}).get("pattern") == SYMBOL_PATTERN:
        return "a symbol such as AAPL, BRK.B or BTC/USD", found
    return _EXPECTED.get(kind) or detail["msg"].removeprefix("Input should be "), found


def _known_keys(key: str, model: type[BaseModel]) -> str:
    """What may have been meant by an unknown key."""
    schema = model.model_json_schema()
    known = {
        name
        for part in [schema, *schema.get("$defs", {}).values()]
        for name in part.get("properties", {})
    }
    near = difflib.get_close_matches(key, sorted(known), n=1)
    return f"a known key; {near[0]!r} is the nearest" if near else "a known key"


def _path_in(data: Any, location: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """The part of an error's location that the owner wrote; names of union members are left out."""
    path: list[str | int] = []
    for index, part in enumerate(location):
        is_last = index == len(location) - 1
        is_key = isinstance(data, dict) and part in data
        is_entry = isinstance(data, list) and isinstance(part, int) and part < len(data)
        if is_key or is_entry:
            data = data[part]
            path.append(part)
        elif is_last and isinstance(part, str) and isinstance(data, dict | None):
            path.append(part)  # a key that is missing
    return tuple(path)
