"""YAML without its traps: what the owner wrote is what the program reads, or it is refused.

Only `true`, `false`, `null`, `~` and decimal numbers are special; `NO`, `ON`, `010`, `12:30` and
dates stay text. Refused are duplicate keys, tags (`!!python/object`), merge keys, several
documents in one file, and files that are too large or too deep, aliases counted as often as they
are used.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml.composer import Composer
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.resolver import BaseResolver
from yaml.scanner import Scanner

from trimtab_runtime.errors import ConfigError, Problem, shown

BYTES_MAX = 1_000_000
DEPTH_MAX = 24
NODES_MAX = 50_000
ALIASES_MAX = 200

KeyPath = tuple[str | int, ...]

_WHOLE = r"(?:0|[1-9][0-9]{0,17})"
_BOOL, _NULL, _INT, _FLOAT = (
    f"tag:yaml.org,2002:{name}" for name in ("bool", "null", "int", "float")
)


def _rules() -> dict[str, list[tuple[str, re.Pattern[str]]]]:
    """First character of a plain scalar → what it may be, in the form PyYAML wants."""
    kinds = (
        (_BOOL, r"^(?:true|false)$", "tf"),
        (_NULL, r"^(?:null|~|)$", ("n", "~", "")),
        (_INT, rf"^[-+]?{_WHOLE}$", "-+0123456789"),
        (
            _FLOAT,
            rf"^[-+]?(?:\.[0-9]+|{_WHOLE}(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$",
            "-+.0123456789",
        ),
    )
    rules: dict[str, list[tuple[str, re.Pattern[str]]]] = {}
    for tag, pattern, characters in kinds:
        for character in characters:
            rules.setdefault(character, []).append((tag, re.compile(pattern, re.ASCII)))
    return rules


class _Resolver(BaseResolver):
    """Which plain scalars are not text."""

    yaml_implicit_resolvers = _rules()


class _Loader(Reader, Scanner, Parser, Composer, _Resolver):
    """PyYAML's own stages up to the tree of nodes; nothing of its construction of objects."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)
        Composer.__init__(self)
        _Resolver.__init__(self)


@dataclass
class Document:
    """The content of a file as plain Python values, and the line on which each key stands."""

    place: str
    data: Any = None
    lines: dict[KeyPath, int] = field(default_factory=dict)
    nodes: int = 0

    def where(self, path: KeyPath) -> str:
        """The file and the line of a key, or of what encloses it."""
        while path and path not in self.lines:
            path = path[:-1]
        line = self.lines.get(path)
        return f"{self.place}:{line}" if line else self.place


def key_path(path: KeyPath) -> str:
    """A path as the owner reads it.

    >>> key_path(("strategies", 2, "share"))
    'strategies[2].share'
    """
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")


def parse(text: str, place: str) -> Document:
    """Read one YAML document; raises ConfigError with every problem of its form."""
    document = Document(place)
    problems: list[Problem] = []
    try:
        _check_form(text, place, problems)
        if not problems:
            loader = _Loader(text)
            node = loader.get_single_node()
            if node is not None:
                document.data = _Reading(document, problems).value(node, ())
    except yaml.YAMLError as error:
        problems.append(_syntax_problem(error, place))
    if problems:
        raise ConfigError(problems)
    return document


def _check_form(text: str, place: str, problems: list[Problem]) -> None:
    """Bound the work before any tree is built; walking the events needs no recursion."""

    def refuse(where: str, expected: str, found: str) -> None:
        problems.append(Problem(place=where, key="", expected=expected, found=found))

    if len(text) > BYTES_MAX:
        refuse(place, f"at most {BYTES_MAX} characters", str(len(text)))
        return
    depth = aliases = 0
    for event in _events(text):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        aliases += isinstance(event, yaml.AliasEvent)
        if depth > DEPTH_MAX or aliases > ALIASES_MAX:
            refuse(place, f"at most {DEPTH_MAX} levels and {ALIASES_MAX} aliases", "more")
            return
        tag, mark = getattr(event, "tag", None), event.start_mark
        if tag is not None and mark is not None:
            refuse(f"{place}:{mark.line + 1}", "no tags", str(tag))


def _events(text: str) -> Iterator[yaml.Event]:
    loader = _Loader(text)
    while loader.check_event():
        yield loader.get_event()  # type: ignore[no-untyped-call]


def _syntax_problem(error: yaml.YAMLError, place: str) -> Problem:
    mark = getattr(error, "problem_mark", None)
    found = getattr(error, "problem", None) or str(error).splitlines()[0]
    where = f"{place}:{mark.line + 1}" if mark is not None else place
    found = str(found).removeprefix("but ").removeprefix("found ")
    return Problem(place=where, key="", expected="valid YAML", found=found)


class _Reading:
    """Turns nodes into values; what is wrong is collected, not raised."""

    def __init__(self, document: Document, problems: list[Problem]) -> None:
        self._document = document
        self._problems = problems

    def value(self, node: yaml.Node, path: KeyPath) -> Any:
        document = self._document
        document.lines.setdefault(path, node.start_mark.line + 1)
        document.nodes += 1
        if document.nodes > NODES_MAX or len(path) > DEPTH_MAX:
            if document.nodes <= NODES_MAX + 1:
                self._refuse(path, f"at most {NODES_MAX} values, {DEPTH_MAX} levels deep", "more")
            document.nodes = NODES_MAX + 1
            return None
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(node, path)

    def _mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = key_node.value
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode) or key == "<<":
                found = shown(key) if isinstance(key, str) else "a list or a mapping"
                self._refuse(path, "plain text as a key", found, line)
                continue
            here = (*path, key)
            if key in values:
                self._refuse(here, "each key once", "the key a second time", line)
                continue
            self._document.lines[here] = line
            values[key] = self.value(value_node, here)
        return values

    def _scalar(self, node: yaml.Node, path: KeyPath) -> Any:
        text: str = node.value
        if node.tag == _BOOL:
            return text == "true"
        if node.tag == _NULL:
            return None
        if node.tag == _INT:
            return int(text)
        if node.tag == _FLOAT:
            number = float(text)
            if not math.isfinite(number):
                self._refuse(path, "a finite number", text)
            return number
        return text

    def _refuse(self, path: KeyPath, expected: str, found: str, line: int | None = None) -> None:
        document = self._document
        place = f"{document.place}:{line}" if line else document.where(path)
        self._problems.append(
            Problem(place=place, key=key_path(path), expected=expected, found=found)
        )
