"""The examples in the docstrings of this room's core are true."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

from trimtab_recorder import core


@pytest.mark.parametrize("name", [module.name for module in pkgutil.iter_modules(core.__path__)])
def test_the_examples_of_a_module_hold(name):
    module = importlib.import_module(f"{core.__name__}.{name}")
    assert doctest.testmod(module).failed == 0
