"""What holds for every test: no setting of this machine leaks in, and nothing is written to it."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# The same examples in every run, and no opinion about how fast the machine is.
settings.register_profile("house", deadline=None, derandomize=True)
settings.load_profile("house")


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Hide the settings of whoever runs the tests, and give each test a home of its own."""
    for name in os.environ:
        if name.startswith(("TRIMTAB_", "APCA_")) and name != "TRIMTAB_TEST_DATA":
            monkeypatch.delenv(name)
    monkeypatch.setenv("TRIMTAB_HOME", str(tmp_path / "home"))


@pytest.fixture(scope="session")
def market_data() -> Path | None:
    """Folder of real market data, or None: the test then uses a small generated set."""
    folder = os.environ.get("TRIMTAB_TEST_DATA")
    return Path(folder) if folder else None
