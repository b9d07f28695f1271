"""`up` in the foreground: builds the plan, runs the supervisor, ends with a signal."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from trimtab import show
from trimtab.exit_codes import OK, WRONG_USE
from trimtab.failure import answer_is_no, wrong_use
from trimtab.place import CommandSettings, read_settings
from trimtab.supervisor.journal import SupervisorLog
from trimtab.supervisor.plan import (
    EXCHANGE,
    ROOMS,
    RoomPlan,
    SystemPlan,
    exchange_environment,
    room_environment,
    room_plan,
)
from trimtab.supervisor.ports import Claim, holders
from trimtab.supervisor.supervisor import POLL_SECONDS, Supervisor
from trimtab_runtime.embedded import ServerFailed
from trimtab_runtime.environment import variables
from trimtab_runtime.first_start import hold_first_start
from trimtab_runtime.home import Home
from trimtab_runtime.processes import Held
from trimtab_runtime.settings import HIGHEST_PORT, ROOM_PORTS, Mode

START_SECONDS_MAX = 180.0


class Asked:
    """Counts how often the owner, or the machine, has asked this process to end."""

    def __init__(self) -> None:
        self.times = 0
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._hear)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self.times += 1


def run_here(*, mode: str | None, home: Path | None, config: Path | None, as_json: bool) -> int:
    """Run until Ctrl-C or `trimtab down`."""
    plan = system_plan(read_settings(home, config), mode)
    asked = Asked()
    supervisor = Supervisor(plan, _voice(plan.home))
    claim = Claim()
    begin(supervisor)
    say = supervisor.say
    say("supervisor", f"mode {plan.mode}, home {plan.home.root}; Ctrl-C ends it")
    try:
        _hold_first_start(plan, say)
        code = _run(supervisor, asked)
    finally:
        say("supervisor", "ending; Ctrl-C again ends at once")
        before = asked.times
        supervisor.stop(hurry=lambda: asked.times > max(before, 1))
        claim.release()
        say("supervisor", "everything has ended")
    show.result({"ended": True, "exit_code": code}, as_json=as_json)
    return code


def system_plan(settings: CommandSettings, mode: str | None) -> SystemPlan:
    """All rooms on their own ports, and in `sim` mode the exchange."""
    chosen = mode or settings.mode.value
    if not settings.config_dir.is_dir():
        raise wrong_use(
            f"There is no folder {settings.config_dir} with the configuration.",
            "`trimtab init` writes one; --config or TRIMTAB_CONFIG_DIR name another.",
        )
    if chosen != Mode.SIM.value and not (settings.alpaca_key_id and settings.alpaca_secret_key):
        raise wrong_use(
            f"Mode {chosen} needs the keys of your Alpaca account, and there are none.",
            "`trimtab init` asks for them; `trimtab up --mode sim` needs none.",
        )
    names = (EXCHANGE, *ROOMS) if chosen == Mode.SIM.value else ROOMS
    ports = {name: port_of(name) for name in names}
    home = Home(settings.home)
    return SystemPlan(
        home=home,
        mode=chosen,
        config_dir=settings.config_dir,
        rooms=room_plans(ports),
        embedded=settings.redis_url is None,
        environment=room_environment(home.root, chosen, settings.config_dir)
        | exchange_environment(ports),
    )


def port_of(name: str) -> int:
    """The port of a room: its own, or the one that the environment gives it."""
    variable = f"TRIMTAB_{name.upper()}_HTTP_PORT"
    given = variables().get(variable, "")
    if not given:
        return ROOM_PORTS[name]
    if not given.isdigit() or not 0 < int(given) <= HIGHEST_PORT:
        raise wrong_use(f"{variable} is {given!r}; expected a port, 1 to {HIGHEST_PORT}.")
    return int(given)


def room_plans(ports: dict[str, int]) -> tuple[RoomPlan, ...]:
    """The rooms on these ports."""
    return tuple(room_plan(name, port) for name, port in ports.items())


def begin(supervisor: Supervisor) -> None:
    """Start, or say why that cannot be."""
    plan = supervisor.plan
    try:
        supervisor.lock()
    except Held as held:
        raise wrong_use(
            f"Trimtab runs in {plan.home.root} already: {held}.",
            "`trimtab status` shows it, `trimtab down` ends it; --home chooses another folder.",
        ) from None
    taken = holders(plan.ports.values())
    if taken:
        supervisor.unlock()
        names = {port: name for name, port in plan.ports.items()}
        raise wrong_use(
            "\n".join(f"{holder} is needed by the room {names[holder.port]}." for holder in taken),
            "End that process, or give the room another port: TRIMTAB_<ROOM>_HTTP_PORT.",
        )
    try:
        supervisor.start()
    except ServerFailed as failed:
        raise answer_is_no(str(failed)) from None


def _voice(home: Home) -> Callable[[str, str], None]:
    log = SupervisorLog(home)

    def say(room: str, sentence: str) -> None:
        log.write(room, sentence)
        show.aside(f"{datetime.now(UTC):%H:%M:%S}  {room:<10} {sentence}")

    return say


def _run(supervisor: Supervisor, asked: Asked) -> int:
    """Go on until asked to end, or until a room says at the start that it was set up wrongly."""
    until = time.monotonic() + START_SECONDS_MAX
    said_ready = said_late = False
    while not asked.times:
        supervisor.step()
        if supervisor.state == "starting":
            if refused := supervisor.refused_rooms():
                for child in refused:
                    supervisor.say(
                        child.name, "\n".join(["it refuses its settings:", *child.said()])
                    )
                return WRONG_USE
            if not said_late and time.monotonic() > until:
                said_late = True
                waiting = ", ".join(supervisor.waiting_for())
                supervisor.say("supervisor", f"still not ready: {waiting}; see `trimtab status`")
        elif not said_ready:
            said_ready = True
            supervisor.say("supervisor", "all rooms are ready")
        time.sleep(POLL_SECONDS)
    return OK


def _hold_first_start(plan: SystemPlan, say: Callable[[str, str], None]) -> None:
    """A broker's account is not traded before its owner has looked around once."""
    if reason := hold_first_start(plan.home, plan.mode, by="supervisor"):
        say("supervisor", f"trading is HALTED: {reason}")
