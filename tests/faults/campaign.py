"""One campaign: a system under load, hurt again and again, then judged by what it left behind."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path

from tests.faults.checker import CLAIMS, DOUBLED, LOST, Claim, Violation, violations
from tests.faults.collect import collect
from tests.faults.evidence import MARK, Evidence
from tests.faults.faults import Fault
from tests.faults.system import (
    FEE_BPS,
    MISSING,
    PLAIN,
    SLIPPAGE_BPS,
    SYMBOLS,
    Surroundings,
    System,
    running,
)
from tests.faults.table import Run, note
from trimtab.demo.scene import SESSIONS
from trimtab.parity.compare import FAMILIES, differences
from trimtab.parity.expected import ACCOUNT, CASH
from trimtab_common.events import parse
from trimtab_common.timeframes import Timeframe
from trimtab_runtime.chain import exact_chain
from trimtab_simulator.settings import SimulatorSettings
from trimtab_trading.engine import run
from trimtab_trading.generated import generated
from trimtab_trading.market import Market, replay
from trimtab_trading.venue import Terms

RECOVERY_SECONDS_MAX = 30.0
CALM_SECONDS = (0.2, 1.2)
TOLD_MAX = 10
LOOKS = 4
LOOK_AGAIN_SECONDS = 1.5


def campaign(
    folder: Path,
    faults: Sequence[Fault],
    *,
    seed: int,
    claims: Sequence[Claim] = CLAIMS,
    compared: bool = True,
    surroundings: Surroundings = PLAIN,
) -> None:
    """Live through the faults in turn; nothing may be lost, doubled, or slow to come back.

    `compared`: with what the exact engine says of the same rows, event for event.
    """
    with running(folder, surroundings) as system:
        live_through(system, faults, seed=seed, claims=claims, compared=compared)


def live_through(
    system: System,
    faults: Sequence[Fault],
    *,
    seed: int,
    claims: Sequence[Claim] = CLAIMS,
    compared: bool = True,
) -> None:
    """The same, of a system that runs already."""
    chance = random.Random(seed)
    seconds = []
    for fault in faults:
        system.wait(chance.uniform(*CALM_SECONDS))
        system.forget_endings()
        seconds.append(fault.hurt(system, chance))
    system.settle()
    found = judged(system, claims, compared=compared)
    _note(faults, seconds, found)
    assert not found, _told(found)
    slow = [
        f"{fault.name}: {taken:.1f} s"
        for fault, taken in zip(faults, seconds, strict=True)
        if taken > RECOVERY_SECONDS_MAX
    ]
    assert not slow, slow


def judged(system: System, claims: Sequence[Claim], *, compared: bool) -> list[Violation]:
    """What breaks a promise and goes on doing so.

    Rooms report their health also at rest, so an entry may be on its way while everything is read;
    that passes, and what is lost or doubled stays so.
    """
    for _ in range(LOOKS):
        evidence = collect(system)
        found = violations(evidence, claims)
        if not found:
            break
        system.wait(LOOK_AGAIN_SECONDS)
    if compared:
        found += unlike_the_engine(system, evidence)
    return found


def unlike_the_engine(system: System, evidence: Evidence) -> Iterator[Violation]:
    """What the rooms said and the backtest does not say of the same rows, or the other way."""
    opened = sum(record["kind"] == "open" for record in evidence.exchange_log)
    terms = Terms(
        slippage_bps=Decimal(SLIPPAGE_BPS),
        fee_bps=Decimal(FEE_BPS),
        fee_per_order=Decimal(0),
        fee_per_share=Decimal(0),
        volume_share_max=None,
    )
    config = system.scene.plan.config_dir
    chain = exact_chain(config, account=ACCOUNT, cash=CASH, terms=terms)
    expected = run(replay(_market(opened)), chain)
    said = {
        family: [
            parse(entry.type, entry.words)
            for entry in evidence.streams[family]
            if entry.type != MARK and entry.data is not None
        ]
        for family in FAMILIES
    }
    for difference in differences(expected, said):
        kind = (
            LOST if difference.rooms is None else DOUBLED if difference.engine is None else "wrong"
        )
        yield Violation(kind, "unlike_the_engine", str(difference))


def _market(rows: int) -> Market:
    whole = generated(
        seed=1,
        symbols=SYMBOLS.split(","),
        calendar_name="24/7",
        timeframe=Timeframe.ONE_MINUTE,
        start=SimulatorSettings.model_fields["sim_start"].default,
        sessions=SESSIONS,
        missing=float(MISSING),
    )
    return whole.first_rows(rows)


def _note(faults: Sequence[Fault], seconds: Sequence[float], found: Sequence[Violation]) -> None:
    """What was lost in a campaign is told once, with its last fault."""
    lost = sum(each.kind == LOST for each in found)
    doubled = sum(each.kind == DOUBLED for each in found)
    runs = [
        Run(fault.name, round(taken, 3), 0, 0) for fault, taken in zip(faults, seconds, strict=True)
    ]
    if runs:
        runs[-1] = runs[-1]._replace(lost=lost, doubled=doubled)
    note(runs)


def _told(found: Sequence[Violation]) -> str:
    lines = [f"{each.claim}: {each.kind}: {each.text}" for each in found[:TOLD_MAX]]
    return "\n".join([f"{len(found)} violations", *lines])
