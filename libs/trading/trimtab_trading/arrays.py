"""Float arrays as JSON: little-endian bytes in base64, so that nothing is lost on the way."""

from __future__ import annotations

import base64
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

_ARRAY = "__array__"
_KINDS = {"float64": "<f8", "int64": "<i8", "bool": "|b1"}


class NotPlain(TypeError):
    """A value that would not come back from JSON as it was."""


def packed(array: NDArray[Any]) -> dict[str, Any]:
    """An array as a JSON object; float64, int64 and bool only."""
    kind = _KINDS.get(array.dtype.name)
    if kind is None:
        raise NotPlain(f"an array of {array.dtype.name}; expected one of {', '.join(_KINDS)}")
    raw = np.ascontiguousarray(array, dtype=kind).tobytes()
    return {
        _ARRAY: array.dtype.name,
        "shape": list(array.shape),
        "data": base64.b64encode(raw).decode(),
    }


def unpacked(stored: dict[str, Any]) -> NDArray[Any]:
    """The array that was `packed`, bit for bit and writable."""
    name = stored[_ARRAY]
    flat = np.frombuffer(base64.b64decode(stored["data"]), dtype=_KINDS[name])
    return flat.astype(name).reshape(stored["shape"])


def to_json(value: Any) -> Any:
    """A copy made of JSON values only; arrays are packed.

    >>> to_json({"held": [True, None], "level": 1.5})
    {'held': [True, None], 'level': 1.5}

    Raises:
        NotPlain: for what JSON would change (a tuple, a set, numpy scalars, keys that are no text)
            and for NaN and infinities, with the place of it.
    """
    return _plain(value, "state")


def _plain(value: Any, place: str) -> Any:
    kind = type(value)
    if kind is float:
        if math.isfinite(value):
            return value
        raise NotPlain(f"{place} is {value}")
    if kind in (int, bool, str) or value is None:
        return value
    if kind is list:
        return [_plain(entry, f"{place}[{i}]") for i, entry in enumerate(value)]
    if kind is dict:
        return {_key(key, place): _plain(entry, f"{place}.{key}") for key, entry in value.items()}
    if kind is np.ndarray:
        return _finite_array(value, place)
    raise NotPlain(
        f"{place} is of the type {kind.__name__}; expected JSON values (dict with text keys, list, "
        "text, whole number, float, true, false, null) or a numpy array"
    )


def _key(key: Any, place: str) -> str:
    if type(key) is not str:
        raise NotPlain(f"{place} has the key {key!r:.40}; expected text")
    if key == _ARRAY:
        raise NotPlain(f"{place} has the key {_ARRAY!r}, which stands for arrays")
    return key


def _finite_array(array: NDArray[Any], place: str) -> dict[str, Any]:
    if array.dtype == np.float64 and not np.isfinite(array).all():
        raise NotPlain(f"{place} holds a value that is not finite")
    return packed(array)


def from_json(value: Any) -> Any:
    """The value that `to_json` was given.

    >>> from_json(to_json({"mean": np.array([1.0, 2.5])}))
    {'mean': array([1. , 2.5])}
    """
    if isinstance(value, list):
        return [from_json(entry) for entry in value]
    if isinstance(value, dict):
        if _ARRAY in value:
            return unpacked(value)
        return {key: from_json(entry) for key, entry in value.items()}
    return value
