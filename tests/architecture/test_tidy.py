"""Small enough to hold, and quiet: sizes, docstrings, pure libraries, nothing done at import."""

import ast
from collections.abc import Iterator

import pytest

from tests.architecture.house import (
    PURE,
    ROOT,
    members,
    modules_of_tests,
    name_of,
    python_files,
    source_modules,
    tree,
)

MODULE_LINES_MAX = 300
TEST_LINES_MAX = 400
FUNCTION_LINES_MAX = 40

LONGER_THAN_ALLOWED: dict[str, str] = {}
"""path, or path::function -> the reason why it reads better unsplit."""

DONE_AT_IMPORT: dict[str, str] = {
    "libs/runtime/trimtab_runtime/migrations/env.py": "Alembic runs this file, it is no module",
}
"""path -> the reason why this module does something when it is imported."""

BANNED_IN_PURE = {
    "open",
    "print",
    "input",
    "exec",
    "eval",
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
    "time.time",
    "time.monotonic",
    "uuid4",
    "uuid.uuid4",
    "np.random.seed",
    "np.random.default_rng",
    "numpy.random.default_rng",
}
SHORTENED = {"qty", "px", "cfg", "ts_now", "idx", "tmp", "pos", "acct", "calc", "mgr", "util"}

Function = ast.FunctionDef | ast.AsyncFunctionDef

source_module = pytest.mark.parametrize("path", source_modules(), ids=name_of)
any_module = pytest.mark.parametrize(
    "path",
    [*source_modules(), *modules_of_tests(), *python_files(ROOT / "benchmarks")],
    ids=name_of,
)
pure_module = pytest.mark.parametrize(
    "path",
    [path for member in members() if member.package in PURE for path in member.modules()],
    ids=name_of,
)


def functions(module: ast.Module) -> Iterator[Function]:
    """Every function and method of a module."""
    return (node for node in ast.walk(module) if isinstance(node, Function))


def lines_of(function: Function) -> int:
    """Lines of a function, its docstring left out: explaining is free."""
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function) is not None:
        lines -= (first.end_lineno or first.lineno) - first.lineno + 1
    return lines


@any_module
def test_a_module_opens_with_one_sentence(path):
    docstring = ast.get_docstring(tree(path))
    assert docstring, f"{name_of(path)} has no docstring"
    opening = docstring.split("\n\n")[0].rstrip()
    assert opening.endswith((".", ":")), f"{name_of(path)} opens without a sentence: {opening!r}"


@any_module
def test_a_module_can_be_read_in_a_sitting(path):
    is_test = path.is_relative_to(ROOT / "tests")
    allowed = TEST_LINES_MAX if is_test else MODULE_LINES_MAX
    lines = len(path.read_text().splitlines())
    assert lines <= allowed or name_of(path) in LONGER_THAN_ALLOWED, (
        f"{name_of(path)} has {lines} lines, {allowed} are allowed: does it hold one thing?"
    )


@any_module
def test_a_function_fits_on_a_screen(path):
    long = {
        f"{name_of(path)}::{function.name}": lines_of(function)
        for function in functions(tree(path))
        if lines_of(function) > FUNCTION_LINES_MAX
    }
    unexcused = {name: lines for name, lines in long.items() if name not in LONGER_THAN_ALLOWED}
    assert not unexcused, f"more than {FUNCTION_LINES_MAX} lines: {unexcused}"


def test_every_excuse_is_still_needed():
    for name in LONGER_THAN_ALLOWED:
        file, _, function = name.partition("::")
        path = ROOT / file
        assert path.exists(), f"{file} is gone: strike the excuse"
        if function:
            lengths = [lines_of(each) for each in functions(tree(path)) if each.name == function]
            assert max(lengths, default=0) > FUNCTION_LINES_MAX, f"{name}: strike the excuse"
        else:
            allowed = TEST_LINES_MAX if file.startswith("tests/") else MODULE_LINES_MAX
            assert len(path.read_text().splitlines()) > allowed, f"{file}: strike the excuse"


@pure_module
def test_words_and_thinking_touch_nothing_outside(path):
    calls = (node.func for node in ast.walk(tree(path)) if isinstance(node, ast.Call))
    called = {(call.lineno, ast.unparse(call)) for call in calls}
    banned = [
        f"line {line}: {call}()"
        for line, call in sorted(called)
        if any(call == name or call.endswith(f".{name}") for name in BANNED_IN_PURE)
        and not is_method(call)
    ]
    assert not banned, f"{name_of(path)}: {banned}"


def is_method(call: str) -> bool:
    """True for a method that only shares its name with a banned function, as `book.open()`."""
    owner, _, name = call.rpartition(".")
    return bool(owner) and name in {"open", "print", "input", "exec", "eval"}


@source_module
def test_nothing_happens_at_import(path):
    if path.name == "__main__.py":
        return
    doing = [
        f"line {node.lineno}: {ast.unparse(node)}"
        for node in tree(path).body
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call | ast.Await)
    ]
    doing += [
        f"line {node.lineno}: {type(node).__name__}"
        for node in tree(path).body
        if isinstance(node, ast.For | ast.While | ast.With)
    ]
    if name_of(path) in DONE_AT_IMPORT:
        assert doing, f"{name_of(path)}: strike the excuse"
        return
    assert not doing, f"{name_of(path)} does something when it is imported: {doing}"


@source_module
def test_names_are_whole_words(path):
    short = {
        argument.arg
        for function in functions(tree(path))
        for argument in [*function.args.args, *function.args.kwonlyargs]
        if SHORTENED & set(argument.arg.split("_"))
    }
    short |= {each.name for each in functions(tree(path)) if SHORTENED & set(each.name.split("_"))}
    assert not short, f"{name_of(path)} shortens {sorted(short)}"
