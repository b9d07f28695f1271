"""Every member imports only what it declares, and every tool knows every member."""

import ast
import re
import sys
import tomllib
from collections.abc import Mapping
from importlib import metadata

import pytest

from tests.architecture.house import ROOT, Member, manifest, members, name_of, rooms, tree

PUBLIC = ("https://pypi.org/simple", "https://files.pythonhosted.org/")
COMES_WITH = {
    "pydantic-core": "pydantic",
    "requests": "alpaca-py",
    "starlette": "fastapi",
    "urllib3": "alpaca-py",
}
"""Distributions that are part of what another one offers, and follow its pin."""
OURS = {member.package: member.distribution for member in members()}

every_member = pytest.mark.parametrize("member", members(), ids=lambda member: member.package)


def canonical(requirement: str) -> str:
    """The distribution that a requirement asks for, in its normal spelling."""
    name = re.split(r"[\s\[=<>!~;]", requirement, maxsplit=1)[0]
    return re.sub(r"[-_.]+", "-", name).lower()


def requirements(member: Member) -> list[str]:
    """What a member asks for, extras included."""
    project = member.manifest["project"]
    extras = project.get("optional-dependencies", {}).values()
    return [*project["dependencies"], *(each for extra in extras for each in extra)]


def usable(member: Member) -> set[str]:
    """What a member may import: what it declares, and what our libraries under it declare."""
    declared = {canonical(each) for each in requirements(member)}
    below = [other for other in members() if other.distribution in declared]
    return declared.union(*(usable(other) for other in below))


def imported(member: Member) -> dict[str, str]:
    """Top-level name of each import of a member -> the file that imports it."""
    found: dict[str, str] = {}
    for path in member.modules():
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0]: name_of(path) for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found[node.module.split(".")[0]] = name_of(path)
    return found


def owners_of(name: str, providers: Mapping[str, list[str]]) -> set[str]:
    """Distributions of which one must be declared by whoever imports the name."""
    if name in OURS:
        return {OURS[name]}
    owners = {canonical(each) for each in providers.get(name, [])}
    return owners | {COMES_WITH[owner] for owner in owners if owner in COMES_WITH}


@every_member
def test_a_member_imports_only_what_it_declares(member):
    providers = metadata.packages_distributions()
    allowed = usable(member)
    for name, path in imported(member).items():
        if name in sys.stdlib_module_names or name == member.package:
            continue
        assert owners_of(name, providers) & allowed, (
            f"{path} imports {name}: declare it in {member.folder.name}/pyproject.toml"
        )


@every_member
def test_what_comes_from_others_is_pinned(member):
    loose = [
        each
        for each in requirements(member)
        if canonical(each) not in OURS.values() and "==" not in each
    ]
    assert not loose, f"{member.distribution} does not pin {loose}"


@every_member
def test_no_distribution_shadows_our_names(member):
    owners = {canonical(each) for each in metadata.packages_distributions().get(member.package, [])}
    assert owners <= {member.distribution}, f"{member.package} also comes from {owners}"


@pytest.mark.parametrize("name", ["tests", "benchmarks"])
def test_no_distribution_shadows_our_folders(name):
    assert name not in metadata.packages_distributions()


def test_the_lock_names_public_places_only():
    lock = (ROOT / "uv.lock").read_text()
    places = re.findall(r'(?:registry|url) = "([^"]+)"', lock)
    assert places
    assert [place for place in places if not place.startswith(PUBLIC)] == []


def test_the_lock_knows_every_member():
    locked = tomllib.loads((ROOT / "uv.lock").read_text())["manifest"]["members"]
    assert set(locked) == {*OURS.values(), "trimtab-workspace"}


def test_the_command_brings_every_room():
    declared = {
        canonical(each)
        for member in members()
        if member.package == "trimtab"
        for each in requirements(member)
    }
    assert {room.distribution for room in rooms()} <= declared


def test_every_tool_knows_every_member():
    tools = manifest(ROOT)["tool"]
    packages = set(OURS)
    assert packages <= set(tools["ruff"]["lint"]["isort"]["known-first-party"])
    assert packages == set(tools["importlinter"]["root_packages"])
    assert packages == set(tools["coverage"]["run"]["source_pkgs"])
    folders = {f"$MYPY_CONFIG_FILE_DIR/{name_of(member.folder)}" for member in members()}
    assert folders <= set(tools["mypy"]["mypy_path"])


def test_no_room_is_left_out_of_a_contract():
    contracts = manifest(ROOT)["tool"]["importlinter"]["contracts"]
    names = {room.package for room in rooms()}
    layers = next(each["layers"] for each in contracts if each["type"] == "layers")
    light = next(each for each in contracts if "pandas" in each.get("forbidden_modules", []))
    assert names == set(layers[1].split(" | "))
    assert names == set(light["source_modules"])
