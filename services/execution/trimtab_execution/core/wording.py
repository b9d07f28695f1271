"""A broker's words as events may carry them."""

from __future__ import annotations

IDENTIFIER_LENGTH_MAX = 200


def printable(text: str) -> str:
    """Without control characters."""
    return "".join(character if character.isprintable() else " " for character in text)


def identifier(text: str) -> str:
    """As a part of an event's id: printable ASCII without spaces, and not endless."""
    return "".join(c if "!" <= c <= "~" else "-" for c in text)[:IDENTIFIER_LENGTH_MAX]
