"""The examples in the docstrings of the pure libraries are true."""

import doctest
import importlib

import pytest

from tests.architecture.house import PURE, members, module_name

MODULES = [
    module_name(path, member)
    for member in members()
    if member.package in PURE
    for path in member.modules()
]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_hold(name):
    outcome = doctest.testmod(importlib.import_module(name))
    assert outcome.failed == 0, f"{outcome.failed} examples of {name} do not hold"
