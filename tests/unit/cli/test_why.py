"""The story of a symbol: told in the order of cause and effect, with what is missing said too."""

from datetime import timedelta
from decimal import Decimal

from tests import factories
from tests.factories import START
from trimtab.why import told
from trimtab_runtime.record import Fill, OrderState, Recorded, Story

MINUTE = timedelta(minutes=1)


def recorded(event):
    return Recorded(event, "any", "1-1", START)


def story(**parts):
    nothing = {
        "symbol": "AAPL",
        "at": START,
        "refused_bar": None,
        "signals": (),
        "decisions": (),
        "orders": (),
        "fills": (),
        "switch": None,
    }
    return Story(**{**nothing, **parts})


def order(state, reason="drift"):
    return OrderState(
        client_order_id=factories.order_id(1),
        symbol="AAPL",
        side="buy",
        quantity=Decimal(10),
        state=state,
        filled_quantity=Decimal(10),
        average_price=Decimal(101),
        reason=reason,
        created_at=START,
        updated_at=START + MINUTE,
    )


def a_fill(number, count):
    return Fill(
        id=f"fill:{number}",
        client_order_id=factories.order_id(1),
        symbol="AAPL",
        side="buy",
        quantity=Decimal(count),
        price=Decimal(101),
        fee=Decimal(0),
        cumulative_quantity=Decimal(count),
        at=START + MINUTE,
    )


def texts(a_story, bar=None):
    return [line.text for line in told(a_story, bar)]


def test_a_trade_is_told_from_the_bar_to_the_fill():
    lines = texts(
        story(
            signals=(recorded(factories.signal()),),
            decisions=(recorded(factories.approval()),),
            orders=(order("filled"),),
            fills=(a_fill(1, 10),),
        ),
        factories.bar(),
    )
    said = " | ".join(lines)
    assert said.index("closed at") < said.index("momentum wants") < said.index("Risk approved")
    assert said.index("Risk approved") < said.index("Bought 10 of 10") < said.index("all of it")


def test_a_refusal_is_the_end_of_the_story():
    lines = texts(
        story(
            signals=(recorded(factories.signal()),),
            decisions=(recorded(factories.refusal(rule="R13")),),
        ),
        factories.bar(),
    )
    assert "R13" in lines[-1]


def test_a_wish_that_risk_has_not_judged_is_said_to_be_so():
    lines = texts(story(signals=(recorded(factories.signal()),)))
    assert "Risk has decided nothing" in lines[-1]


def test_a_symbol_that_nobody_wants_is_said_to_be_so():
    assert "No strategy" in texts(story(), factories.bar())[-1]


def test_doing_nothing_after_a_decision_has_a_reason_too():
    lines = texts(
        story(
            signals=(recorded(factories.signal()),),
            decisions=(recorded(factories.approval()),),
            orders=(order("filled"),),
        ),
        factories.bar(START + 5 * MINUTE),
    )
    assert "near enough" in lines[-1]


def test_a_refusal_that_stands_is_not_taken_for_contentment():
    lines = texts(
        story(
            signals=(recorded(factories.signal()),),
            decisions=(recorded(factories.refusal()),),
        ),
        factories.bar(START + 5 * MINUTE),
    )
    assert "That stands" in lines[-1]


def test_an_order_that_was_rejected_says_why():
    lines = texts(
        story(decisions=(recorded(factories.approval()),), orders=(order("rejected", "too poor"),))
    )
    assert "rejected: too poor" in lines[-1]


def test_a_bar_that_was_not_believed_is_mentioned_only_while_it_is_the_last():
    refused = recorded(factories.refused_bar(rule="range"))
    assert "range" in texts(story(refused_bar=refused))[0]
    newer = factories.bar(START + MINUTE)
    assert not any("not believed" in line for line in texts(story(refused_bar=refused), newer))


def test_a_halt_is_part_of_the_story():
    lines = texts(story(switch=recorded(factories.halt())), factories.bar())
    assert "Halted" in lines[-1]


def test_an_empty_record_tells_nothing():
    assert texts(story()) == []
