"""What every event is: a frozen fact about one instant of market time, named after its cause."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, StringConstraints
from pydantic_core import CoreSchema, core_schema

from trimtab_common.symbols import Symbol

EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)
_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS = [first + second for first in _BASE32 for second in _BASE32]
INSTANTS_REMEMBERED = 4096

# What `trusted` fills in by hand: the four places in which pydantic keeps a model's insides.
_set_values = BaseModel.__dict__["__dict__"].__set__
_set_names = BaseModel.__dict__["__pydantic_fields_set__"].__set__
_set_extra = BaseModel.__dict__["__pydantic_extra__"].__set__
_set_private = BaseModel.__dict__["__pydantic_private__"].__set__
_new = object.__new__


class _UtcSchema:
    """Times are ISO strings in UTC: no naive time, no number that may be s, ms or ns."""

    def __get_pydantic_core_schema__(
        self, source: type[Any], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.datetime_schema(strict=True, tz_constraint=0, ge=EARLIEST, lt=LATEST)


UtcTime = Annotated[datetime, _UtcSchema()]
EventId = Annotated[str, StringConstraints(pattern=r"^[!-~]{3,240}$")]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:/-]{0,79}$")]
Text = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]{0,1000}$")]


class Fact(BaseModel):
    """A frozen value object that may stand inside an event."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    _defaults: ClassVar[dict[str, Any]]
    _names: ClassVar[set[str]]

    @classmethod
    def __pydantic_init_subclass__(cls, **settings: Any) -> None:
        """Keep what every fact of a class has in common, so that `trusted` need not look."""
        fields = cls.model_fields
        cls._defaults = {n: each.default for n, each in fields.items() if not each.is_required()}
        cls._names = set(fields)

    @classmethod
    def trusted(cls, **fields: Any) -> Self:
        """Build from parts that are already validated: about ten times faster, no check.

        Only for producers whose parts come from validated events; the edges always validate.
        """
        fact = _new(cls)
        _set_values(fact, {**cls._defaults, **fields})
        _set_names(fact, cls._names)
        _set_extra(fact, None)
        _set_private(fact, None)
        return fact


class Event(Fact):
    """A fact in the past tense. `at` is market time; `id` is derived from the cause.

    The wall-clock time of recording is the id of the stream entry that carries the event, so a
    replay of the same causes gives equal events.
    """

    stream: ClassVar[str]
    produced_by: ClassVar[str]

    id: EventId
    at: UtcTime
    version: int = 1


@lru_cache(maxsize=INSTANTS_REMEMBERED)  # a row's events all carry the same one
def instant(at: datetime) -> str:
    """An instant as it stands in ids: `2019-12-02T14:31:00Z`, microseconds only if there are any.

    >>> instant(datetime(2019, 12, 2, 14, 31, tzinfo=UTC))
    '2019-12-02T14:31:00Z'
    """
    return at.replace(tzinfo=None).isoformat() + "Z"


def client_order_id(account: str, row: datetime, symbol: Symbol, leg: int) -> str:
    """The id under which the broker knows an intent: one intent, one id, for ever.

    An intent is (account, row, symbol, leg). Brokers refuse an id used before, so a second
    submission of the same intent is recognised there even when everything here was lost.
    """
    key = f"{account}|{instant(row)}|{symbol}|{leg}".encode()
    # 130 bits are 26 letters, or 13 pairs of them.
    bits = int.from_bytes(hashlib.sha256(key).digest()[:17]) >> 6
    return "tt-" + "".join([_PAIRS[bits >> shift & 1023] for shift in range(120, -1, -10)])
