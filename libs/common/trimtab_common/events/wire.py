"""Between an event and the two fields of a stream entry: `type` and `data`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError

from trimtab_common.events import control, decision, execution, market, operations
from trimtab_common.events.base import Event

EVENT_BYTES_MAX = 262_144

EVENTS: Mapping[str, type[Event]] = {
    kind.__name__: kind
    for module in (market, decision, execution, control, operations)
    for kind in vars(module).values()
    if isinstance(kind, type) and issubclass(kind, Event) and kind is not Event
}

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]
UPCASTERS: dict[tuple[str, int], Upcaster] = {}
"""(type, version) of an older entry → how its fields become those of the next version."""


class UnreadableEvent(ValueError):
    """An entry that is no event, with the reason."""


def family_of(event: Event) -> str:
    """The stream (without prefix) that an event belongs on."""
    return event.family if isinstance(event, market.RowClosed) else event.stream


def encode(event: Event) -> tuple[str, str]:
    """The entry's `type` and `data`."""
    return type(event).__name__, event.model_dump_json()


def parse_entry(fields: Mapping[bytes, bytes]) -> Event:
    """The event in a stream entry; raises UnreadableEvent with the reason."""
    try:
        kind, data = fields[b"type"], fields[b"data"]
    except KeyError as missing:
        raise UnreadableEvent(f"the entry has no field {missing.args[0].decode()!r}") from None
    return parse(kind.decode("utf-8", "replace"), data)


def parse(kind: str, data: bytes | str) -> Event:
    """Validate the JSON of one event strictly; raises UnreadableEvent with the reason."""
    known = EVENTS.get(kind)
    if known is None:
        raise UnreadableEvent(f"unknown event type {kind[:80]!r}")
    raw = data if isinstance(data, bytes) else data.encode("utf-8", "surrogatepass")
    if len(raw) > EVENT_BYTES_MAX:
        raise UnreadableEvent(f"{len(raw)} bytes, at most {EVENT_BYTES_MAX} are read")
    try:
        event = known.model_validate_json(raw)
    except ValidationError as error:
        return _parse_other_version(known, raw, error)
    if event.version != known.model_fields["version"].default:
        return _parse_other_version(known, raw, None)
    # One `":` per given field of a flat event: more of them may be a duplicate key, look closer.
    if raw.count(b'":') != len(event.model_fields_set):
        _fields(raw)
    return event


def _parse_other_version(known: type[Event], raw: bytes, error: ValidationError | None) -> Event:
    """An older entry is lifted by upcasters; a newer one is read without its added fields."""
    fields = _fields(raw)
    version = fields.get("version", 1)
    ours = known.model_fields["version"].default
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise UnreadableEvent(f"version {version!r} is not a positive whole number")
    if version == ours and error is not None:
        raise UnreadableEvent(_first_complaint(error)) from None
    while version < ours and (known.__name__, version) in UPCASTERS:
        fields = UPCASTERS[known.__name__, version](fields)
        version += 1
    if version > ours:
        fields = {name: value for name, value in fields.items() if name in known.model_fields}
    elif version < ours:
        raise UnreadableEvent(f"no way from version {version} of {known.__name__} to {ours}")
    try:
        return known.model_validate_json(json.dumps(fields | {"version": ours}))
    except ValidationError as complaint:
        reason = f"version {version} of {known.__name__}: {_first_complaint(complaint)}"
        raise UnreadableEvent(reason) from None


def _fields(raw: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(raw, object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError) as error:
        raise UnreadableEvent(f"not JSON: {str(error)[:200]}") from None
    if not isinstance(fields, dict):
        raise UnreadableEvent("the data is not a JSON object")
    return fields


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a key stands twice")
    return fields


def _first_complaint(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"]) or "event"
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"{place}: {first['msg']}{more}"
