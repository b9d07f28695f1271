"""Every room has the same furniture and says what comes in and what goes out."""

import ast
import importlib
import typing
from types import ModuleType

import pytest

from tests.architecture.house import Member, rooms, tree
from trimtab_common.events import EVENTS

FURNITURE = (
    "__init__.py",
    "__main__.py",
    "adapters/__init__.py",
    "app.py",
    "core.py",
    "handlers.py",
    "metrics.py",
    "ports.py",
    "settings.py",
)
DOES_WITHOUT: dict[tuple[str, str], str] = {}
"""(room, furniture) -> the reason why this room has none."""

TAKES_REQUESTS = {"simulator"}
"""Rooms whose table of handlers is a table of endpoints: no event comes in there."""

every_room = pytest.mark.parametrize("room", rooms(), ids=lambda room: room.folder.name)


def handlers_of(room: Member) -> ModuleType | None:
    """The module with the room's table of handlers, if the room has one."""
    if (room.folder.name, "handlers.py") in DOES_WITHOUT or room.folder.name in TAKES_REQUESTS:
        return None
    return importlib.import_module(f"{room.package}.handlers")


def producers(event: str) -> list[str]:
    """Who is said to produce an event."""
    return EVENTS[event].produced_by.split(", ")


def called_names(room: Member) -> set[str]:
    """Every name that the room's code calls."""
    calls = (node for path in room.modules() for node in ast.walk(tree(path)))
    return {
        call.func.id
        for call in calls
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)
    }


@every_room
@pytest.mark.parametrize("furniture", FURNITURE)
def test_a_room_has_its_furniture(room, furniture):
    places = [room.source / furniture]
    if furniture == "core.py":
        places.append(room.source / "core" / "__init__.py")
    excused = DOES_WITHOUT.get((room.folder.name, furniture))
    found = any(place.exists() for place in places)
    assert found or excused, f"room {room.folder.name} lacks {furniture}"
    assert not (found and excused), f"room {room.folder.name} has {furniture}: strike the excuse"


@every_room
def test_a_room_explains_itself(room):
    readme = room.folder / "README.md"
    assert readme.exists(), f"room {room.folder.name} lacks README.md"
    assert readme.read_text().startswith("# "), f"{room.folder.name}/README.md has no title"


@every_room
def test_a_readme_names_what_comes_in(room):
    handlers = handlers_of(room)
    if handlers is None:
        return
    text = (room.folder / "README.md").read_text()
    unnamed = sorted(event.__name__ for event in handlers.HANDLERS if event.__name__ not in text)
    assert not unnamed, f"{room.folder.name}/README.md does not name its inputs {unnamed}"


@every_room
def test_a_readme_names_what_goes_out(room):
    text = (room.folder / "README.md").read_text()
    promised = {name for name in EVENTS if room.folder.name in producers(name)}
    made = called_names(room) & set(EVENTS)
    unnamed = sorted(name for name in promised | made if name not in text)
    assert not unnamed, f"{room.folder.name}/README.md does not name its outputs {unnamed}"


@every_room
def test_a_handler_takes_the_event_it_is_listed_under(room):
    handlers = handlers_of(room)
    if handlers is None:
        return
    for event, handler in handlers.HANDLERS.items():
        hints = typing.get_type_hints(handler)
        accepted = [hint for name, hint in hints.items() if name != "return"]
        assert event in accepted, (
            f"{room.folder.name}: {handler.__name__} does not take {event.__name__}"
        )


@every_room
def test_the_table_of_handlers_ends_its_module(room):
    if handlers_of(room) is None:
        return
    last = tree(room.source / "handlers.py").body[-1]
    targets = last.targets if isinstance(last, ast.Assign) else [getattr(last, "target", None)]
    names = [target.id for target in targets if isinstance(target, ast.Name)]
    assert names == ["HANDLERS"], f"{room.folder.name}: handlers.py does not end in HANDLERS"


@every_room
def test_real_things_are_made_in_build(room):
    functions = {
        node.name
        for node in tree(room.source / "app.py").body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert "build" in functions, f"room {room.folder.name}: app.py has no build()"


@pytest.mark.parametrize("event", EVENTS)
def test_every_event_has_a_producer(event):
    known = {room.folder.name for room in rooms()} | {"owner", "every room"}
    assert set(producers(event)) <= known
