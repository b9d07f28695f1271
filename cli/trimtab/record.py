"""Opens the record for a command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from trimtab.failure import not_running
from trimtab.place import CommandSettings
from trimtab_runtime.record import NoRecord, Record


@contextmanager
def opened(settings: CommandSettings) -> Iterator[Record]:
    """The record, for reading; a Failure where there is none."""
    record = Record.open(settings.database_address())
    try:
        yield record
    except NoRecord as missing:
        raise not_running(
            f"There is no record yet: {missing}.",
            "It begins when the system first runs: `trimtab up`, or `trimtab demo --keep`.",
        ) from None
    finally:
        record.close()
