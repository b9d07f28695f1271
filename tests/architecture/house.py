"""Where the house keeps its members, rooms and modules, read from the disk for the house rules."""

import ast
import functools
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PURE = ("trimtab_common", "trimtab_trading")


@dataclass(frozen=True, kw_only=True)
class Member:
    """One member of the workspace: a library, a room, or the command."""

    folder: Path
    manifest: dict[str, Any]

    @property
    def package(self) -> str:
        """Name to import: the module name in the manifest, else the distribution's name."""
        backend = self.manifest.get("tool", {}).get("uv", {}).get("build-backend", {})
        return str(backend.get("module-name", self.distribution.replace("-", "_")))

    @property
    def distribution(self) -> str:
        """Name to install."""
        return str(self.manifest["project"]["name"])

    @property
    def source(self) -> Path:
        """Folder of the package."""
        return self.folder / self.package

    def modules(self) -> Iterator[Path]:
        """Every Python file of the package."""
        return python_files(self.source)


def manifest(folder: Path) -> dict[str, Any]:
    """The pyproject.toml of a folder."""
    return tomllib.loads((folder / "pyproject.toml").read_text())


def members() -> list[Member]:
    """Every member of the workspace; a folder of services/ without a manifest is an error."""
    folders = [*ROOT.glob("libs/*/"), *ROOT.glob("services/*/"), ROOT / "cli"]
    shown = [folder for folder in sorted(folders) if not folder.name.startswith((".", "_"))]
    return [Member(folder=folder, manifest=manifest(folder)) for folder in shown]


def rooms() -> list[Member]:
    """Every room: the members under services/."""
    return [member for member in members() if member.folder.parent.name == "services"]


def python_files(folder: Path) -> Iterator[Path]:
    """Every Python file under a folder, in order of name."""
    return iter(sorted(folder.rglob("*.py")))


def source_modules() -> list[Path]:
    """Every Python file that is shipped."""
    return [module for member in members() for module in member.modules()]


def modules_of_tests() -> list[Path]:
    """Every Python file under tests/."""
    return list(python_files(ROOT / "tests"))


def name_of(path: Path) -> str:
    """A path as the rules print it: from the root of the repository."""
    return path.relative_to(ROOT).as_posix()


def module_name(path: Path, member: Member) -> str:
    """The dotted name under which a member's file is imported."""
    parts = path.relative_to(member.folder).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@functools.cache
def tree(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text(), filename=str(path))
