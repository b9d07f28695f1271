"""Brings the record to this release's shape, as a process of its own: the URL comes by stdin."""

from __future__ import annotations

import sys

from sqlalchemy.exc import DBAPIError

from trimtab_runtime import migrations
from trimtab_runtime.database import connect

BUSY_SECONDS = 5.0
"""So long another recorder's migration is waited for, before the process ends and begins anew."""


def run() -> None:
    """Upgrade and end; what went wrong is one line on stderr."""
    try:
        migrations.upgrade(connect(sys.stdin.read(), busy_seconds=BUSY_SECONDS))
    except DBAPIError as error:
        sys.exit(f"{error.orig}")
    except (migrations.NewerDatabase, OSError) as error:
        sys.exit(f"{error}")


if __name__ == "__main__":
    run()
