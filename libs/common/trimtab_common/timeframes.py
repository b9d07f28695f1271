"""The lengths of time that one bar may cover."""

from datetime import timedelta
from enum import StrEnum


class Timeframe(StrEnum):
    """The span of one bar, written as the owner writes it in a configuration file."""

    ONE_MINUTE = "1m"
    FIVE_MINUTES = "5m"
    FIFTEEN_MINUTES = "15m"
    THIRTY_MINUTES = "30m"
    ONE_HOUR = "1h"
    FOUR_HOURS = "4h"
    ONE_DAY = "1d"

    @property
    def duration(self) -> timedelta:
        """The nominal span; a session's close may cut a bar short of it."""
        return _DURATIONS[self]

    @property
    def is_daily(self) -> bool:
        """Whether a bar covers a whole session and carries the session's date as its label."""
        return self is Timeframe.ONE_DAY


_DURATIONS = {
    Timeframe.ONE_MINUTE: timedelta(minutes=1),
    Timeframe.FIVE_MINUTES: timedelta(minutes=5),
    Timeframe.FIFTEEN_MINUTES: timedelta(minutes=15),
    Timeframe.THIRTY_MINUTES: timedelta(minutes=30),
    Timeframe.ONE_HOUR: timedelta(hours=1),
    Timeframe.FOUR_HOURS: timedelta(hours=4),
    Timeframe.ONE_DAY: timedelta(days=1),
}
_BY_DURATION = {duration: timeframe for timeframe, duration in _DURATIONS.items()}
_CHOICES = ", ".join(timeframe.value for timeframe in Timeframe)


def parse_timeframe(text: str) -> Timeframe:
    """Read a timeframe exactly as it is written, or say which ones there are.

    >>> parse_timeframe("15m")
    <Timeframe.FIFTEEN_MINUTES: '15m'>
    """
    try:
        return Timeframe(text)
    except ValueError:
        raise ValueError(f"{text!r:.40} is not a timeframe; expected one of {_CHOICES}") from None


def timeframe_of(duration: timedelta) -> Timeframe:
    """Return the timeframe whose bars last this long.

    >>> timeframe_of(timedelta(minutes=60))
    <Timeframe.ONE_HOUR: '1h'>
    """
    timeframe = _BY_DURATION.get(duration)
    if timeframe is None:
        raise ValueError(f"no timeframe lasts {duration}; expected one of {_CHOICES}")
    return timeframe
