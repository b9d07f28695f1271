"""Where things are kept, and that nobody else can read them."""

import stat
from pathlib import Path

from trimtab_runtime.home import Home, write_private


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_naming_a_path_creates_nothing(tmp_path):
    home = Home(tmp_path / "var")
    assert home.redis_url == tmp_path / "var" / "redis" / "url"
    assert not home.root.exists()


def test_folders_are_made_for_their_owner_alone(tmp_path):
    home = Home(tmp_path / "var")
    home.made(home.logs)
    assert [mode_of(home.root), mode_of(home.logs)] == [0o700, 0o700]


def test_a_folder_that_exists_is_left_as_it_is(tmp_path):
    home = Home(tmp_path)
    home.logs.mkdir(mode=0o750)
    home.logs.chmod(0o750)
    assert mode_of(home.made(home.logs)) == 0o750


def test_a_private_file_replaces_what_was_there(tmp_path):
    path = tmp_path / "url"
    path.write_text("older and longer")
    path.chmod(0o644)
    write_private(path, "new")
    assert path.read_text() == "new"
    assert mode_of(path) == 0o600
    assert list(tmp_path.iterdir()) == [path]
