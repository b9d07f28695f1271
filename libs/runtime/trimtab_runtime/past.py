"""What a room that has forgotten everything finds in the record of its life before."""

from __future__ import annotations

import json
import subprocess
import sys

from trimtab_common.events import Event, parse

READING_SECONDS_MAX = 300


class PastUnknown(RuntimeError):
    """The record cannot be read; the text says why, without a password."""


def past(database: str, *, with_targets: bool) -> list[Event]:
    """What `past_reader` finds, read by a process of its own that takes its memory with it; blocks.

    Raises:
        PastUnknown: where the record does not answer.
    """
    try:
        child = subprocess.run(
            [sys.executable, "-m", "trimtab_runtime.past_reader"],
            input=json.dumps([database, with_targets]),
            capture_output=True,
            text=True,
            check=False,
            timeout=READING_SECONDS_MAX,
        )
    except subprocess.TimeoutExpired:
        raise PastUnknown(f"the record was not read within {READING_SECONDS_MAX} s") from None
    if child.returncode:
        raise PastUnknown(f"the record cannot be read: {child.stderr.strip()[-500:]}")
    return [parse(kind, data) for kind, data in json.loads(child.stdout)]
