"""Finds the code of a strategy, built-in or the owner's own, and reads which ones are to run."""

from __future__ import annotations

import difflib
import hashlib
import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType

from trimtab_runtime.config import load
from trimtab_runtime.errors import ConfigError, Problem
from trimtab_trading.config import Strategies, Universe, contradictions
from trimtab_trading.strategies import REGISTRY
from trimtab_trading.strategy_slot import Slot, slots

UNIVERSE_FILE = "universe.yaml"
STRATEGIES_FILE = "strategies.yaml"


def read_slots(config_dir: Path) -> tuple[Slot, ...]:
    """The strategies that the configuration asks for, ready for the desk.

    Raises:
        ConfigError: with one line for each thing that is wrong in either file or in a strategy.
    """
    universe = load(config_dir / UNIVERSE_FILE, Universe)
    file = config_dir / STRATEGIES_FILE
    strategies = load(file, Strategies)
    complaints = contradictions(strategies, universe)
    if not complaints:
        enabled = Strategies(strategies=strategies.enabled)
        try:
            return slots(enabled, universe, strategy_class)
        except ValueError as error:
            complaints = [str(error)]
    raise ConfigError(
        Problem(place=str(file), key="strategies", expected=complaint, found="")
        for complaint in complaints
    )


def strategy_class(uses: str) -> type:
    """The class that `uses` names: a built-in, or `path/to/file.py:ClassName`.

    Relative paths begin at the working folder. The file is run anew at each call.

    Raises:
        ValueError: with what is missing, or with the line at which the owner's file failed.
    """
    path, colon, name = uses.rpartition(":")
    if not colon:
        return _built_in(uses)
    module = _module(Path(path))
    found = getattr(module, name, None)
    if isinstance(found, type):
        return found
    own = sorted(
        key
        for key, value in vars(module).items()
        if isinstance(value, type) and value.__module__ == module.__name__
    )
    raise ValueError(f"{path} has no class {name}; it has {', '.join(own) or 'none at all'}")


def _built_in(name: str) -> type:
    if name in REGISTRY:
        return REGISTRY[name]
    near = difflib.get_close_matches(name, REGISTRY, n=1)
    hint = f" (did you mean {near[0]}?)" if near else ""
    raise ValueError(
        f"there is no built-in strategy {name!r}{hint}; there are {', '.join(REGISTRY)}, and "
        "path/to/file.py:ClassName for your own"
    )


def _module(path: Path) -> ModuleType:
    """Run a file of the owner's as a module of its own."""
    file = path.expanduser().resolve()
    if not file.is_file():
        raise ValueError(f"{path} is no file (looked for {file})")
    digest = hashlib.sha256(str(file).encode()).hexdigest()[:8]
    name = f"user_strategies_{digest}_{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ValueError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up by name
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise ValueError(f"{path}{_line_of(error, file)}: {_said(error)}") from error
    return module


def _line_of(error: Exception, file: Path) -> str:
    """Where in the owner's file it happened, if it happened there."""
    if isinstance(error, SyntaxError):
        return f", line {error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(file)]
    return f", line {lines[-1]}" if lines else ""


def _said(error: Exception) -> str:
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{type(error).__name__}: {text}"
