"""The ids that our own exchange gives: derived from the cause, so a replay gives the same ones.

The backtest and the simulator share them, which is why an order is called alike in both.
"""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID, uuid5

from trimtab_common.money import plain

NAMESPACE = UUID("7b3f1c9e-52a4-5e0d-8c61-2f9d4a7e6b10")
"""Where every id of the simulated exchange lives; changing it changes all of them."""


def derived_id(cause: str) -> str:
    """The UUID that stands for a cause.

    >>> derived_id("asset:AAPL") == derived_id("asset:AAPL")
    True
    """
    return str(uuid5(NAMESPACE, cause))


def broker_order_id(client_order_id: str) -> str:
    """The exchange's own id of an order.

    >>> broker_order_id("tt-abc")
    '459433d0-0c4b-5d70-9366-51b238593e97'
    """
    return derived_id(f"order:{client_order_id}")


def execution_id(client_order_id: str, cumulative_quantity: Decimal) -> str:
    """One id for each state of an order's fill, however often it is reported."""
    return derived_id(f"fill:{client_order_id}:{plain(cumulative_quantity)}")
