"""`make bench`: all figures, or those whose name is given."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from benchmarks.figures import Figure, as_json, table


def _hop() -> list[Figure]:
    from benchmarks.hop import measure  # noqa: PLC0415 - each part only imports what it needs

    return measure()


def _spine() -> list[Figure]:
    from benchmarks.spine import measure  # noqa: PLC0415 - as above

    return measure()


def _engine() -> list[Figure]:
    from benchmarks.engine import measure  # noqa: PLC0415 - as above

    return measure()


PARTS: dict[str, Callable[[], list[Figure]]] = {"hop": _hop, "spine": _spine, "engine": _engine}


def main() -> int:
    """Print the table; exit 1 when a target is missed."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], help="which; all by default")
    parser.add_argument("--json", action="store_true", help="end with one JSON list")
    arguments = parser.parse_args()
    figures: list[Figure] = []
    for name in arguments.parts or PARTS:
        sys.stderr.write(f"measuring: {name}\n")
        figures.extend(PARTS[name]())
    sys.stdout.write(table(figures) + "\n")
    if arguments.json:
        sys.stdout.write(as_json(figures) + "\n")
    return 1 if any(figure.holds is False for figure in figures) else 0


if __name__ == "__main__":
    sys.exit(main())
