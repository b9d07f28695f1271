"""What a strategy is: a causal map from market history to target weights.

There are two kinds. One computes the targets of all rows at once from the panel; the other
remembers, and is stepped once a row. Both may be a plain class with parameters as its fields.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeAlias, TypeGuard, cast

import numpy as np

from trimtab_common.timeframes import Timeframe, parse_timeframe
from trimtab_trading.arrays import Floats, to_json
from trimtab_trading.panel import Panel

State = Any
"""JSON values and numpy arrays: see `arrays.to_json`."""

EVERY_ROW = "every row"
_SUM_SLACK = 1e-9
_STEPS = 1e6


class Strategy(Protocol):
    """A causal map from market history to target weights.

    A class may leave out `name` (the file's name is taken), `timeframe` (the data's), `schedule`
    (every row) and, for backtests only, `warmup`. It may also have

    * `other_rows`: mapping of other timeframes it reads by `panel.at` to the rows of each;
    * `explain(panel, symbol_index) -> str`: why the target of the last row is what it is;
    * `space() -> Mapping[str, Range]`: where a search may look for parameters;
    * `model_hash`: the artifact that decides; NaN from a model is a fault.
    """

    @property
    def name(self) -> str:
        """What signals and reports call it."""

    @property
    def timeframe(self) -> str:
        """The bars it decides on, such as "1m", "1h", "1d"."""

    @property
    def warmup(self) -> int:
        """Rows of history that it needs for a target, the present row included."""

    @property
    def schedule(self) -> str:
        """The rows at which it decides: "every row", "open+30m", "close-5m", "09:31-11:30"."""

    def targets(self, panel: Panel) -> Floats:
        """(rows, symbols): fractions of its capital; row t may use rows up to t only.

        NaN keeps the target that stands, 0 is flat.
        """


class Targeting(Protocol):
    """The part of a strategy that maps a whole panel to targets."""

    def targets(self, panel: Panel) -> Floats:
        """(rows, symbols)."""


class Stepping(Protocol):
    """The part of a strategy that remembers, instead of `targets`."""

    def start(self) -> State:
        """What it remembers before its first row."""

    def step(self, panel: Panel, state: State) -> tuple[Floats, State]:
        """Targets (symbols,) of the panel's last row, and what is remembered from now on.

        A new state is returned; the given one stays as it is.
        """


class Foreseeing(Stepping, Protocol):
    """A stepping strategy that can be asked for many rows at once; backtests gain from it."""

    def foresee(self, panel: Panel, state: State) -> tuple[Floats, list[State]]:
        """What `step` would answer at each row from the `warmup`-th on, one after the other.

        Targets (rows - warmup + 1, symbols) and the states after each row, to the last bit.
        """


AnyStrategy: TypeAlias = Targeting | Stepping


class Unusable(ValueError):
    """What a strategy answered cannot be acted upon; the reason is the message."""


class IntegerRange(NamedTuple):
    """Whole numbers from `low` to `high`, both included."""

    low: int
    high: int
    step: int = 1


class FloatRange(NamedTuple):
    """Numbers from `low` to `high`; with `log`, searched by order of magnitude."""

    low: float
    high: float
    log: bool = False


class Choice(NamedTuple):
    """One of some values."""

    values: tuple[Any, ...]


Range: TypeAlias = IntegerRange | FloatRange | Choice


def begin(strategy: AnyStrategy) -> State:
    """The state before the first row; None for a strategy that remembers nothing."""
    return strategy.start() if is_stateful(strategy) else None


def is_stateful(strategy: AnyStrategy) -> TypeGuard[Stepping]:
    """Whether it remembers; what has both `step` and `targets` is stepped."""
    return hasattr(strategy, "step")


def decide(strategy: AnyStrategy, panel: Panel, state: State) -> tuple[Floats, State]:
    """The raw targets (symbols,) of the panel's last row, and the next state."""
    if is_stateful(strategy):
        answer: Any = strategy.step(panel, state)
        if type(answer) is not tuple or len(answer) != 2:  # noqa: PLR2004  (weights, state)
            raise Unusable(f"step returned {type(answer).__name__}; expected (weights, state)")
        return _shaped(answer[0], (len(panel.symbols),)), answer[1]
    return all_targets(cast(Targeting, strategy), panel)[-1], None


def all_targets(strategy: Targeting, panel: Panel) -> Floats:
    """The raw targets (rows, symbols) of a strategy that remembers nothing."""
    return _shaped(strategy.targets(panel), (len(panel), len(panel.symbols)))


def _shaped(weights: Any, shape: tuple[int, ...]) -> Floats:
    if getattr(weights, "shape", None) != shape:
        found = getattr(weights, "shape", type(weights).__name__)
        raise Unusable(f"targets of shape {found}; expected {shape}")
    return np.asarray(weights, dtype=np.float64)


def settled(
    weights: Floats, standing: Floats, *, allows_short: bool, is_model: bool = False
) -> Floats:
    """The targets after an answer: NaN keeps what stands, the rest is rounded to 1e-6.

    >>> settled(np.array([1 / 3, np.nan]), np.array([0.0, 0.5]), allows_short=False)
    array([0.333333, 0.5     ])

    Raises:
        Unusable: for an infinite weight, NaN from a model, a negative weight where shorting is
            not allowed, or more than the whole capital on one side.
    """
    kept = np.isnan(weights)
    keeps = bool(kept.any())
    if keeps and is_model:
        raise Unusable(f"the model answered NaN for {int(kept.sum())} of {len(kept)} symbols")
    wanted = np.where(kept, standing, weights) if keeps else weights
    lowest = float(wanted.min(initial=0.0))
    # A weight that stands was rounded and may be half a step above what was asked for then.
    limit = 1.0 + _SUM_SLACK + (0.5 / _STEPS * int(kept.sum()) if keeps else 0.0)
    if lowest < 0.0 and not allows_short:
        raise Unusable(f"a weight of {lowest:g}: selling short is not allowed here")
    long = float(wanted.sum() if lowest >= 0.0 else wanted[wanted > 0.0].sum())
    short = 0.0 if lowest >= 0.0 else -float(wanted[wanted < 0.0].sum())
    if not (long <= limit and short <= limit):  # true for infinities too
        raise Unusable(f"weights add up to {max(long, short):.9g}; at most 1 is there")
    rounded: Floats = np.rint(wanted * _STEPS) / _STEPS + 0.0  # + 0.0 turns -0.0 into 0.0
    return rounded


def sound(state: State) -> State:
    """The state itself, if a snapshot can hold it; Unusable with the place where not."""
    if state is not None:
        try:
            to_json(state)
        except TypeError as complaint:
            raise Unusable(f"the state cannot be kept: {complaint}") from None
    return state


@dataclass(frozen=True, kw_only=True)
class Traits:
    """What a strategy says about itself, with what it left out filled in."""

    name: str
    timeframe: Timeframe
    warmup: int | None
    """None: it has not said; it then sees all history and runs in backtests only."""
    schedule: str
    other_rows: Mapping[str, int]
    model_hash: str | None


def traits(strategy: AnyStrategy, *, name: str, timeframe: Timeframe) -> Traits:
    """Read a strategy's own words; `name` and `timeframe` stand in for what it does not say."""
    steps = callable(getattr(strategy, "start", None)) and is_stateful(strategy)
    if not steps and not callable(getattr(strategy, "targets", None)):
        raise ValueError(
            f"{type(strategy).__name__} is no strategy: it has neither targets(panel) nor "
            "start() and step(panel, state)"
        )
    own_timeframe = getattr(strategy, "timeframe", None)
    warmup = getattr(strategy, "warmup", None)
    if warmup is not None and (
        isinstance(warmup, bool) or not isinstance(warmup, int) or warmup < 1
    ):
        raise ValueError(
            f"warmup of {name} is {warmup!r}; expected a whole number of rows, 1 or more"
        )
    others = {
        parse_timeframe(other).value: rows
        for other, rows in getattr(strategy, "other_rows", {}).items()
    }
    return Traits(
        name=getattr(strategy, "name", None) or name,
        timeframe=parse_timeframe(own_timeframe) if own_timeframe else timeframe,
        warmup=warmup,
        schedule=getattr(strategy, "schedule", EVERY_ROW),
        other_rows=others,
        model_hash=getattr(strategy, "model_hash", None),
    )


def default_name(type_: type) -> str:
    """The name of a strategy that does not say one: its class, in small letters.

    >>> default_name(IntegerRange)
    'integer-range'
    """
    return re.sub(r"(?<!^)(?=[A-Z][a-z])", "-", type_.__name__).lower().strip("_")


def make(
    type_: type, parameters: Mapping[str, Any], *, name: str, timeframe: Timeframe
) -> AnyStrategy:
    """A strategy of this class; ValueError says which parameter is wrong.

    Fields called `name` and `timeframe` are filled in where the parameters do not give them.
    """
    known = parameters_of(type_)
    for parameter in parameters:
        if known is not None and parameter not in known:
            near = difflib.get_close_matches(parameter, known, n=1)
            hint = f"; {near[0]!r} is the nearest" if near else ""
            raise ValueError(
                f"{type_.__name__} has no parameter {parameter!r}{hint} "
                f"(it has {', '.join(known) or 'none'})"
            )
    given = {"name": name, "timeframe": timeframe.value}
    filled = {key: value for key, value in given.items() if key in (known or ())}
    try:
        return cast(AnyStrategy, type_(**{**filled, **parameters}))
    except TypeError as error:
        raise ValueError(f"{type_.__name__} cannot be made: {error}") from None


def parameters_of(type_: type) -> list[str] | None:
    """The names of a dataclass's parameters; None for another class, which only knows itself."""
    if not dataclasses.is_dataclass(type_):
        return None
    return [field.name for field in dataclasses.fields(type_) if field.init]
