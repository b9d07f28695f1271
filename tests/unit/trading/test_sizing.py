"""Quantities: whole units from floats, and shares of a total that add up to it."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab_trading.sizing import NANO, ONE, allocate, rounded_down, size, unit_among, units

D = Decimal
NAMES = st.sampled_from("abcdefgh")


@pytest.mark.parametrize(
    ("ideal", "decimals", "expected"),
    [
        (12.0, 0, "12"),
        (11.999999999999998, 0, "12"),  # 0.3 * 40 in floats
        (11.99, 0, "11"),
        (0.999, 0, "0"),
        (-2.5, 0, "-2"),
        (1.23456, 4, "1.2345"),
        (0.1 + 0.2, 9, "0.3"),
    ],
)
def test_a_size_is_the_ideal_in_whole_units_rounded_towards_zero(ideal, decimals, expected):
    assert size(ideal, decimals) == D(expected)


@pytest.mark.parametrize("ideal", [float("nan"), float("inf"), float("-inf")])
def test_there_is_no_size_of_what_is_no_number(ideal):
    with pytest.raises(ValueError, match="no quantity"):
        size(ideal, 0)


@given(st.floats(-1e9, 1e9))
def test_buying_and_selling_are_sized_alike(ideal):
    assert units(-ideal, 1.0) == -units(ideal, 1.0)


def test_rounding_down_keeps_multiples_and_never_goes_below_nothing():
    assert rounded_down(D("1.25"), D("0.01")) == D("1.25")
    assert rounded_down(D("-3"), ONE) == 0


def test_the_unit_depends_on_values_not_on_zeros_written():
    assert unit_among([D("5.0000"), D(3)]) == unit_among([D(5), D("3.00")]) == ONE
    assert unit_among([D(5), D("0.5")]) == NANO


def test_the_largest_remainder_gets_the_last_share():
    parts = allocate(D(10), {"a": D("0.55"), "b": D("0.35"), "c": D("0.10")}, ONE)
    assert parts == {"a": 6, "b": 3, "c": 1}


def test_equal_remainders_go_by_name_whatever_the_order_of_the_weights():
    weights = {"c": D(1), "a": D(1), "b": D(1)}
    assert allocate(D(10), weights, ONE) == {"a": 4, "b": 3, "c": 3}


def test_what_the_unit_is_too_coarse_for_is_not_lost():
    parts = allocate(D("10.5"), {"a": D(1), "b": D(1)}, ONE)
    assert sum(parts.values()) == D("10.5")


def test_nothing_is_shared_out_where_nobody_has_a_weight():
    assert allocate(D(5), {"a": D(0)}, ONE) == {}


amounts = st.decimals(0, 1_000_000, places=9)
weights = st.dictionaries(NAMES, st.decimals(0, 1000, places=6), min_size=1)


@given(amounts, weights, st.sampled_from([ONE, NANO, D("0.0001")]))
def test_parts_add_up_to_the_total_exactly(total, weights, unit):
    parts = allocate(total, weights, unit)
    if any(weights.values()):
        assert sum(parts.values()) == total
        assert all(part > 0 for part in parts.values())


@given(st.dictionaries(NAMES, st.integers(1, 50).map(D), min_size=1), st.data())
def test_no_part_exceeds_its_weight_while_the_total_does_not_exceed_the_sum(weights, data):
    total = D(data.draw(st.integers(0, int(sum(weights.values())))))
    parts = allocate(total, weights, ONE)
    assert all(part <= weights[name] for name, part in parts.items())


@given(amounts, weights)
def test_the_way_a_number_is_written_changes_no_part(total, weights):
    longer = {name: weight * D("1.000") for name, weight in weights.items()}
    assert allocate(total, weights, NANO) == allocate(total * D("1.00"), longer, NANO)
