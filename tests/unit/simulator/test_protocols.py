"""The talk on the sockets, without sockets."""

import pytest

from trimtab_simulator.core.keys import Keys, Pair
from trimtab_simulator.core.protocols import DataSession, UpdatesSession

KEYS = Keys(None)
AUTH = {"action": "auth", "key": "KEY", "secret": "secret"}
AUTHENTICATE = {"action": "authenticate", "data": {"key_id": "KEY", "secret_key": "secret"}}
LISTEN = {"action": "listen", "data": {"streams": ["trade_updates"]}}


def data_session(*, free=True, keys=KEYS):
    return DataSession(keys, lambda key: free)


def updates_session(*, free=True, keys=KEYS):
    return UpdatesSession(keys, lambda key: free)


def error_of(replies):
    (reply,) = replies
    return reply["code"] if reply.get("T") == "error" else reply["data"].get("code")


def test_data_is_asked_for_in_three_steps():
    session = data_session()
    assert session.greeting() == [{"T": "success", "msg": "connected"}]
    assert session.receive(AUTH) == [{"T": "success", "msg": "authenticated"}]
    (reply,) = session.receive({"action": "subscribe", "bars": ["AAPL"], "quotes": ["*"]})
    assert (reply["T"], reply["bars"], reply["quotes"], reply["trades"]) == (
        "subscription",
        ["AAPL"],
        ["*"],
        [],
    )
    assert [session.wants(symbol) for symbol in ("AAPL", "MSFT")] == [True, False]


def test_a_star_is_every_symbol():
    session = data_session()
    session.receive(AUTH)
    session.receive({"action": "subscribe", "bars": ["*"]})
    assert session.wants("MSFT")


def test_subscriptions_add_up_and_can_be_taken_back():
    session = data_session()
    session.receive(AUTH)
    session.receive({"action": "subscribe", "bars": ["AAPL", "MSFT"]})
    session.receive({"action": "subscribe", "bars": ["MSFT", "NVDA"]})
    (reply,) = session.receive({"action": "unsubscribe", "bars": ["AAPL", "NVDA"]})
    assert reply["bars"] == ["MSFT"]
    session.receive({"action": "unsubscribe", "bars": ["MSFT"]})
    assert not session.watches


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ([{"action": "subscribe", "bars": ["AAPL"]}], 401),
        ([{"action": "auth", "key": "K E Y", "secret": "secret"}], 402),
        ([{"action": "auth"}], 402),
        ([AUTH, AUTH], 403),
        ([{"action": "dance"}], 400),
        ([None], 400),
        (["text"], 400),
    ],
)
def test_what_is_wrong_has_alpacas_number(messages, code):
    session = data_session()
    replies = [session.receive(message) for message in messages]
    assert error_of(replies[-1]) == code
    assert not session.ended


def test_a_second_connection_of_a_key_is_told_and_ended():
    for session, auth in ((data_session(free=False), AUTH), (updates_session(free=False), LISTEN)):
        first = session.receive(auth if auth is AUTH else AUTHENTICATE)
        assert error_of(first) == 406
        assert session.ended


def test_a_malformed_subscription_subscribes_nothing():
    session = data_session()
    session.receive(AUTH)
    (reply,) = session.receive({"action": "subscribe", "bars": "AAPL", "trades": [5, None]})
    assert (reply["bars"], reply["trades"]) == ([], [])


def test_updates_are_asked_for_in_two_steps():
    session = updates_session()
    assert session.greeting() == []
    (authorized,) = session.receive(AUTHENTICATE)
    assert authorized["data"]["status"] == "authorized"
    (listening,) = session.receive(LISTEN)
    assert listening == {"stream": "listening", "data": {"streams": ["trade_updates"]}}
    assert session.listening


def test_the_older_way_to_authenticate_is_understood():
    session = updates_session()
    (reply,) = session.receive({"action": "auth", "key": "KEY", "secret": "secret"})
    assert reply["data"]["status"] == "authorized"


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (LISTEN, 401),
        ({"action": "authenticate", "data": {"key_id": ""}}, 402),
        ({"action": "listen"}, 400),
        (None, 400),
    ],
)
def test_a_wrong_word_about_updates_is_refused(message, code):
    session = updates_session()
    assert error_of(session.receive(message)) == code
    assert not session.listening


def test_listening_to_nothing_stops_it():
    session = updates_session()
    session.receive(AUTHENTICATE)
    session.receive(LISTEN)
    session.receive({"action": "listen", "data": {"streams": []}})
    assert not session.listening


def test_a_configured_pair_is_the_only_one():
    keys = Keys(Pair("KEY", "secret"))
    assert keys.refusal("KEY", "secret") is None
    assert status_of(keys.refusal("KEY", "other")) == 403
    assert status_of(keys.refusal_of({})) == 401
    assert error_of(updates_session(keys=Keys(Pair("A-KEY", "x-y-z"))).receive(AUTHENTICATE)) == 402


@pytest.mark.parametrize("key", ["", "ab", "a b c", "x" * 129, "schlüssel", None, 7])
def test_a_malformed_key_is_refused(key):
    assert status_of(Keys(None).refusal(key, "secret")) == 401


def status_of(refusal):
    assert refusal is not None
    return refusal.status
