"""How an endpoint is found."""

import pytest

from trimtab_simulator.adapters.web import Routes
from trimtab_simulator.handlers import HANDLERS

ROUTES = Routes(HANDLERS)


@pytest.mark.parametrize("name", HANDLERS)
def test_every_endpoint_is_found_under_its_own_name(name):
    method, _, path = name.partition(" ")
    found = ROUTES.find(method, path)
    assert found is not None
    assert found.handler is HANDLERS[name]


def test_variable_parts_are_unquoted_after_the_path_is_split():
    found = ROUTES.find("GET", "/v2/positions/BTC%2FUSD")
    assert found is not None
    assert found.parts == {"name": "BTC/USD"}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("PUT", "/v2/orders"),
        ("GET", "/v2/orders/"),
        ("GET", "/v2/orders/a/b"),
        ("GET", "/v2/nothing"),
    ],
)
def test_what_is_not_in_the_table_is_not_found(method, path):
    assert ROUTES.find(method, path) is None
