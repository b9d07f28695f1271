"""The doctor's round: every check in turn, one line each, and the verdict."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from trimtab import show
from trimtab.doctor import broker, machine, system
from trimtab.doctor.finding import Finding, Grade
from trimtab.exit_codes import NO, OK
from trimtab.place import CommandSettings, read_settings
from trimtab_runtime.settings import Mode

_COLORS = {Grade.OK: "green", Grade.WARN: "yellow", Grade.FAIL: "bold red"}


def examine(*, mode: str | None, home: Path | None, config: Path | None, as_json: bool) -> int:
    """0 where nothing stands in the way (warnings may), 1 where something does."""
    settings = read_settings(home, config)
    findings = list(findings_of(settings, Mode(mode) if mode else settings.mode))
    failed = [finding for finding in findings if finding.grade is Grade.FAIL]
    if as_json:
        content = {"ok": not failed, "findings": [asdict(finding) for finding in findings]}
        show.result(content, as_json=True)
    else:
        _print(findings)
    return NO if failed else OK


def findings_of(settings: CommandSettings, mode: Mode) -> Iterator[Finding]:
    """Everything the doctor looks at."""
    home = settings.at_home
    yield from machine.python()
    yield from machine.disk(home)
    yield from machine.memory()
    yield from machine.home_folder(home)
    yield from machine.env_file()
    yield from machine.clock()
    yield from system.configuration(settings)
    yield from system.server(settings)
    yield from system.halted(home)
    if settings.room_host is None:
        yield from system.supervisor(home)
        yield from system.ports(home, mode)
    yield from broker.keys(settings, mode)


def _print(findings: list[Finding]) -> None:
    from rich.console import Console
    from rich.markup import escape

    console = Console(highlight=False, soft_wrap=True)
    for finding in findings:
        grade = f"[{_COLORS[finding.grade]}]{finding.grade.value:<4}[/]"
        console.print(f"{grade}  {finding.subject:<10}  {escape(finding.text)}")
        if finding.advice:
            console.print(f"{'':<18}[dim]→ {escape(finding.advice)}[/]")
    failed = sum(finding.grade is Grade.FAIL for finding in findings)
    console.print("Nothing stands in the way." if not failed else f"{failed} to put right.")
