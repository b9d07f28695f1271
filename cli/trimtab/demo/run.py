"""`demo` from outside: set the scene, let it play, print what it came to, clear away."""

from __future__ import annotations

import json
import shutil

from trimtab import show
from trimtab.demo.display import Display, display
from trimtab.demo.play import Play
from trimtab.demo.report import Report, lines
from trimtab.demo.scene import Scene, set_scene
from trimtab.demo.wishes import Wishes
from trimtab.exit_codes import NO, OK
from trimtab.run_system import Asked, begin
from trimtab.supervisor.supervisor import Supervisor


def run_demo(wishes: Wishes) -> int:
    """The exit code: 0 where everything is as it should be."""
    scene = set_scene(wishes)
    asked = Asked()
    screen = display(as_json=wishes.as_json)
    supervisor = Supervisor(scene.plan, lambda room, text: screen.say(f"{room}: {text}"))
    try:
        _announce(scene, screen)
        result = _play(scene, supervisor, screen, asked, wishes.seconds)
    except BaseException:
        screen.close()
        show.aside(f"What was recorded until then is in {scene.plan.home.root}.")
        raise
    screen.close()
    if wishes.as_json:
        print(json.dumps(result.as_json()))
    else:
        print("\n".join(lines(result)))
    if wishes.keep or wishes.home is not None or result.complaints:
        show.aside(f"Everything recorded is in {scene.plan.home.root}.")
    else:
        shutil.rmtree(scene.plan.home.root, ignore_errors=True)
    return NO if result.complaints else OK


def _play(
    scene: Scene, supervisor: Supervisor, screen: Display, asked: Asked, seconds: float | None
) -> Report:
    """Whatever happens, every process has ended when this returns."""
    begin(supervisor)
    try:
        return Play(scene, supervisor, screen, asked).play(seconds)
    finally:
        before = asked.times
        supervisor.stop(hurry=lambda: asked.times > before)
        scene.claim.release()


def _announce(scene: Scene, screen: Display) -> None:
    screen.say(f"SIMULATED: {scene.market.description}, speed {scene.speed}")
    for note in scene.notes:
        screen.say(note)
    for room, port in scene.moved_ports.items():
        screen.say(f"{room} is on port {port}: its own one is taken")
