"""`halt`, `resume` and `flatten`: the owner's word, first on disk, then to the rooms."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import typer

from trimtab import show
from trimtab.failure import answer_is_no, not_running
from trimtab.halt import lift_halt, one_line, read_halt, write_halt
from trimtab.place import CommandSettings, home_for_emergencies, read_settings
from trimtab.supervisor.presence import running_mode
from trimtab_runtime.errors import ConfigError
from trimtab_runtime.home import Home
from trimtab_runtime.settings import Mode

OWNER = "owner"


def halt_trading(reason: str, *, home: Path | None, as_json: bool) -> None:
    """Write the file first: it works with nothing else running. Then tell the rooms."""
    settings: CommandSettings | None
    try:
        settings = read_settings(home)
        place = settings.at_home
    except ConfigError as error:
        settings, place = None, home_for_emergencies(home)
        show.aside(f"The settings cannot be read; the file is written all the same:\n{error}")
    _write(place, reason)
    told = settings is not None and _tell_halted(settings, reason)
    lines = [f"HALTED: {one_line(reason)}", f"The file {place.halt} holds it."]
    lines.append("The rooms were told." if told else "No room could be told; none may be running.")
    lines.append("`trimtab resume` lifts it. Positions stay; `trimtab flatten` sells them.")
    content = {"halted": True, "file": str(place.halt), "rooms_told": told}
    show.result(content, as_json=as_json, lines=lines)


def _write(place: Home, reason: str) -> None:
    try:
        write_halt(place, by=OWNER, reason=reason)
    except OSError as error:
        raise answer_is_no(
            f"NOT HALTED: {place.halt} cannot be written: {error.strerror}.",
            "`trimtab down` ends every room; or halt at the broker.",
        ) from None


def _tell_halted(settings: CommandSettings, reason: str) -> bool:
    """The slow part, kept apart: whatever fails here, the file is written."""
    from trimtab.streams import reachable_streams
    from trimtab_common.events import TradingHalted

    streams = reachable_streams(settings)
    if streams is None:
        return False
    at = _market_time(settings, streams.last_row())
    streams.publish(TradingHalted(id=_id("halt"), at=at, by=OWNER, reason=one_line(reason)))
    return True


def resume_trading(reason: str, *, home: Path | None, as_json: bool) -> None:
    """Remove the file and tell the rooms; without rooms to tell, the file is removed only."""
    from trimtab.streams import reachable_streams
    from trimtab_common.events import TradingResumed

    settings = read_settings(home)
    place = settings.at_home
    before = read_halt(place)
    try:
        removed = lift_halt(place)
    except OSError as error:
        raise answer_is_no(
            f"STILL HALTED: {place.halt} cannot be removed: {error.strerror}."
        ) from None
    streams = reachable_streams(settings)
    if streams is None:
        text = "The HALT file is removed" if removed else "There was no HALT file"
        raise not_running(f"{text}, but nothing runs in {place.root} that could be told.")
    at = _market_time(settings, streams.last_row())
    streams.publish(TradingResumed(id=_id("resume"), at=at, by=OWNER, reason=one_line(reason)))
    lines = [f"Resumed. It was halted: {before}" if before else "Resumed."]
    lines.append("`trimtab status` shows whether anything else holds it back.")
    content = {"resumed": True, "was_halted": None if before is None else before.as_json()}
    show.result(content, as_json=as_json, lines=lines)


def flatten_everything(reason: str, *, yes: bool, home: Path | None, as_json: bool) -> None:
    """Ask, then tell the rooms that every target is zero. A halt gives way: halted, none sells."""
    from trimtab.streams import open_streams
    from trimtab_common.events import FlattenRequested

    settings = read_settings(home)
    streams = open_streams(settings)
    halted = read_halt(settings.at_home)
    question = f"Sell everything that the {running_mode(settings)} account holds?"
    if halted:
        question = (
            f"Trading is HALTED: {halted}. To sell, that is lifted; nothing is bought. " + question
        )
    if not yes and not typer.confirm(question, err=True):
        raise answer_is_no("Nothing was done.")
    at = _market_time(settings, streams.last_row())
    streams.publish(FlattenRequested(id=_id("flatten"), at=at, by=OWNER, reason=one_line(reason)))
    # Only now, so that there is no moment in which anything could be bought.
    if halted:
        lift_halt(settings.at_home)
    lines = ["Asked: everything is sold when its market is open; `trimtab positions` shows it."]
    lines.append("Nothing is bought again until `trimtab resume`.")
    show.result({"flatten_requested": True}, as_json=as_json, lines=lines)


def _market_time(settings: CommandSettings, last_row: datetime | None) -> datetime:
    """In a simulation the last row's; at a broker the present."""
    if running_mode(settings) == Mode.SIM and last_row is not None:
        return last_row
    return datetime.now(UTC)


def _id(what: str) -> str:
    """The owner's word is its own cause: named after the moment it was given."""
    return f"{what}:{OWNER}:{datetime.now(UTC).isoformat()}"
