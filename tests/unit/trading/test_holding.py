"""What a holding cost and what it earned."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from trimtab_trading.holding import Holding, restored

D = Decimal


def traded(*trades):
    holding = Holding()
    for quantity, price in trades:
        holding.trade(D(quantity), D(price), D(0))
    return holding


def test_two_purchases_have_one_average_cost():
    assert traded((10, 100), (30, 120)).average_cost == 115


def test_a_sale_realises_the_difference_to_the_average_cost():
    holding = traded((10, 100), (30, 120), (-20, 125))
    assert (holding.realised, holding.quantity, holding.average_cost) == (200, 20, 115)


def test_a_fee_is_realised_at_once():
    holding = Holding()
    holding.trade(D(10), D(100), D("1.50"))
    assert (holding.realised, holding.average_cost) == (D("-1.50"), D(100))


def test_a_short_position_earns_when_the_price_falls():
    assert traded((-10, 100), (10, 90)).realised == 100


def test_a_trade_through_zero_closes_the_old_and_opens_the_new():
    holding = traded((10, 100), (-15, 110))
    assert (holding.realised, holding.quantity, holding.average_cost) == (100, -5, 110)


def test_a_closed_holding_has_no_average_and_no_cost():
    holding = traded((3, "33.333333333"), (-3, 34))
    assert (holding.cost, holding.average_cost) == (0, None)


def test_a_split_changes_the_cost_of_one_and_not_of_the_whole():
    holding = traded((10, 100))
    holding.adjust(D(10), D(50))
    assert (holding.quantity, holding.cost, holding.average_cost) == (20, 1000, 50)


def test_what_arrives_without_a_price_costs_the_first_one_that_is_seen():
    holding = Holding()
    holding.adjust(D(10), None)
    assert (holding.average_cost, holding.unrealised(D(70))) == (None, D(0))
    holding.see(D(80))
    holding.see(D(90))
    assert (holding.average_cost, holding.unrealised(D(90))) == (D(80), D(100))


def test_a_second_arrival_before_any_price_is_unpriced_too():
    holding = Holding()
    holding.adjust(D(10), None)
    holding.adjust(D(5), None)
    holding.trade(D(-15), D(20), D(0))
    assert (holding.quantity, holding.realised) == (D(0), D(0))


def test_what_arrives_with_a_price_costs_that():
    holding = Holding()
    holding.adjust(D(10), D(80))
    assert holding.average_cost == 80


def test_what_is_taken_away_leaves_no_cost_behind():
    holding = traded((10, 100))
    holding.adjust(D(-10), D(120))
    assert (holding.quantity, holding.cost, holding.realised) == (0, 0, 0)
    assert holding.is_blank


quantities = st.decimals(-1000, 1000, places=4).filter(bool)
prices = st.decimals("0.01", 1000, places=4)
fees = st.decimals(0, 5, places=2)


@given(st.lists(st.tuples(quantities, prices, fees), max_size=30))
def test_profit_is_money_out_less_money_in(trades):
    holding, flow = Holding(), D(0)
    for quantity, price, fee in trades:
        holding.trade(quantity, price, fee)
        flow -= quantity * price + fee
    assert holding.realised - holding.cost == flow
    assert holding.quantity == sum(quantity for quantity, _, _ in trades)


@given(st.lists(st.tuples(quantities, prices, fees), max_size=30))
def test_a_restored_holding_is_the_same(trades):
    holding = Holding()
    for trade in trades:
        holding.trade(*trade)
    assert restored(holding.snapshot()) == holding
