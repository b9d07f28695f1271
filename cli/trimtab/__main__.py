"""The command `trimtab`."""

from __future__ import annotations

from trimtab.app import build


def main() -> None:
    """Run the command that the owner typed."""
    build()()


if __name__ == "__main__":
    main()
