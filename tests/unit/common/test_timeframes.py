"""Timeframes: seven names, seven lengths, and a helpful answer to anything else."""

from datetime import timedelta

import pytest
from pydantic import TypeAdapter, ValidationError

from trimtab_common.timeframes import Timeframe, parse_timeframe, timeframe_of

MINUTES = {"1m": 1, "5m": 5, "15m": 15, "30m": 30, "1h": 60, "4h": 240, "1d": 1440}


def test_there_are_seven_timeframes():
    assert [timeframe.value for timeframe in Timeframe] == list(MINUTES)


@pytest.mark.parametrize(("text", "minutes"), MINUTES.items())
def test_a_name_a_length_and_a_timeframe_lead_to_each_other(text, minutes):
    timeframe = parse_timeframe(text)
    assert timeframe.duration == timedelta(minutes=minutes)
    assert timeframe_of(timedelta(minutes=minutes)) is timeframe
    assert timeframe.is_daily == (text == "1d")
    assert TypeAdapter(Timeframe).validate_json(f'"{text}"', strict=True) is timeframe


@pytest.mark.parametrize(
    "text", ["", "1M", "1H", "1D", " 1m", "1m\n", "60m", "2h", "1w", "m1", "1"]
)
def test_any_other_name_is_refused_with_the_choices(text):
    with pytest.raises(ValueError, match="expected one of 1m, 5m, 15m, 30m, 1h, 4h, 1d"):
        parse_timeframe(text)
    with pytest.raises(ValidationError):
        TypeAdapter(Timeframe).validate_python(text)


@pytest.mark.parametrize("seconds", [0, -60, 59, 61, 7200, 172800])
def test_any_other_length_is_refused_with_the_choices(seconds):
    with pytest.raises(ValueError, match="expected one of 1m"):
        timeframe_of(timedelta(seconds=seconds))
