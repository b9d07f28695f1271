"""Arrays survive JSON bit for bit, and what JSON would change is refused."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from trimtab_trading.arrays import NotPlain, from_json, packed, to_json, unpacked

ANY_FLOATS = hnp.arrays(np.float64, hnp.array_shapes(max_dims=3, min_side=0))
PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(ANY_FLOATS)
def test_an_array_comes_back_bit_for_bit_even_with_nan(array):
    back = unpacked(json.loads(json.dumps(packed(array))))
    assert back.shape == array.shape
    assert back.tobytes() == array.tobytes()


@pytest.mark.parametrize("kind", [np.int64, np.bool_])
def test_whole_numbers_and_truths_keep_their_type(kind):
    array = np.array([[0, 1], [1, 0]], dtype=kind)
    back = unpacked(packed(array))
    assert back.dtype == array.dtype
    assert (back == array).all()


def test_an_unpacked_array_can_be_written_to():
    unpacked(packed(np.zeros(2)))[0] = 1.0


@given(PLAIN)
def test_json_values_come_back_as_they_were(value):
    if "__array__" in json.dumps(value):
        return
    assert from_json(json.loads(json.dumps(to_json(value)))) == value


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ((1, 2), "tuple"),
        ({1, 2}, "set"),
        ({"deep": [0, float("nan")]}, r"state\.deep\[1\] is nan"),
        (np.float64(1.0), "float64"),
        (np.array([np.inf]), "not finite"),
        (np.array(["text"]), "array of str"),
        ({1: "key"}, "key 1"),
        ({"__array__": "float64"}, "stands for arrays"),
    ],
)
def test_what_json_would_change_is_refused_with_its_place(value, complaint):
    with pytest.raises(NotPlain, match=complaint):
        to_json(value)
