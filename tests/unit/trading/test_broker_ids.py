"""The simulated broker's ids."""

from decimal import Decimal
from uuid import UUID

from trimtab_trading.broker_ids import broker_order_id, derived_id, execution_id


def test_ids_are_uuids_as_alpaca_clients_demand():
    assert UUID(broker_order_id("tt-abc")).version == 5


def test_an_order_a_fill_and_the_next_fill_have_different_ids():
    ids = {
        broker_order_id("tt-abc"),
        derived_id("tt-abc"),
        execution_id("tt-abc", Decimal(1)),
        execution_id("tt-abc", Decimal(2)),
    }
    assert len(ids) == 4


def test_a_quantity_names_the_same_fill_however_it_is_written():
    assert execution_id("tt-abc", Decimal("5.0")) == execution_id("tt-abc", Decimal(5))
