"""What the system itself needs: configuration, ports, a server, and no trace of an earlier life."""

from __future__ import annotations

from collections.abc import Iterator

from trimtab.configuration import find_problems
from trimtab.doctor.finding import Finding, fail, ok, warn
from trimtab.halt import read_halt
from trimtab.place import CommandSettings
from trimtab.run_system import port_of
from trimtab.status import STATUS_AGE_SECONDS_MAX
from trimtab.supervisor.plan import EXCHANGE, ROOMS
from trimtab.supervisor.ports import holders
from trimtab.supervisor.presence import pid_in, status_age_seconds, supervisor_of
from trimtab_runtime import embedded
from trimtab_runtime.home import Home
from trimtab_runtime.settings import Mode

SHOWN_PROBLEMS_MAX = 20


def configuration(settings: CommandSettings) -> Iterator[Finding]:
    if not settings.config_dir.is_dir():
        text = f"there is no folder {settings.config_dir.resolve()}"
        yield fail("config", text, "`trimtab init` writes one.")
        return
    problems = find_problems(settings)
    for problem in problems[:SHOWN_PROBLEMS_MAX]:
        yield fail("config", str(problem), "Put it right; `trimtab check-config` looks again.")
    if not problems:
        yield ok("config", f"{settings.config_dir.resolve()}: every line is valid")


def supervisor(home: Home) -> Iterator[Finding]:
    pid = supervisor_of(home)
    if pid is None:
        stale = pid_in(home)
        if stale is not None:
            text = f"process {stale} ended without a word; its rooms ended with it"
            yield warn("supervisor", text, "Nothing to do: `trimtab up` starts anew.")
        else:
            yield ok("supervisor", "not running")
        return
    age = status_age_seconds(home)
    if age is None or age > STATUS_AGE_SECONDS_MAX:
        silent = "has written no status" if age is None else f"wrote its status {age:.0f} s ago"
        yield fail("supervisor", f"process {pid} {silent}", "`trimtab down`, then `trimtab up`.")
    else:
        yield ok("supervisor", f"process {pid} runs, status {age:.0f} s old")


def halted(home: Home) -> Iterator[Finding]:
    halt = read_halt(home)
    if halt is not None:
        yield warn("trading", f"HALTED: {halt}", "`trimtab resume` lifts it when you are content.")


def ports(home: Home, mode: Mode) -> Iterator[Finding]:
    if supervisor_of(home) is not None:
        return
    names = (EXCHANGE, *ROOMS) if mode is Mode.SIM else ROOMS
    wanted = {port_of(name): name for name in names}
    taken = holders(wanted)
    for holder in taken:
        name = wanted[holder.port]
        advice = f"End that process, or set TRIMTAB_{name.upper()}_HTTP_PORT."
        yield fail("ports", f"{holder}, needed by {name}", advice)
    if not taken:
        yield ok("ports", f"{len(wanted)} ports are free ({min(wanted)} to {max(wanted)})")


def server(settings: CommandSettings) -> Iterator[Finding]:
    from trimtab.streams import Streams

    if settings.redis_url is not None:
        streams = Streams(settings.redis_url.get_secret_value(), settings.stream_prefix)
        if streams.answers():
            yield ok("redis", "the server in TRIMTAB_REDIS_URL answers")
        else:
            advice = "Start it, correct TRIMTAB_REDIS_URL, or leave it out for the embedded one."
            yield fail("redis", "the server in TRIMTAB_REDIS_URL does not answer", advice)
        return
    try:
        binary = embedded.find_binary()
    except embedded.ServerFailed as failed:
        yield fail("redis", str(failed), "Install one, or name one with TRIMTAB_REDIS_URL.")
        return
    yield ok("redis", f"embedded: {binary}")
