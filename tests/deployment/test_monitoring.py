"""A real Prometheus scrapes a running system, and every figure that is shipped is there."""

import contextlib
import copy
import doctest
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest
import yaml

from tests.architecture.house import rooms
from tests.deployment import monitoring
from tests.deployment.monitoring import (
    CONFIG,
    DASHBOARDS,
    GRAFANA,
    PROMETHEUS,
    RULES,
    expressions,
    is_known,
    labels_in,
    labels_of,
    names_in,
    panels,
    queries,
)
from tests.integration.conftest import free_port
from trimtab.setup import shipped_config
from trimtab.supervisor.plan import EXCHANGE, ROOMS
from trimtab.supervisor.presence import read_status
from trimtab_runtime.home import Home
from trimtab_runtime.settings import ROOM_PORTS

PATIENCE_SECONDS = 60.0
PANELS_MAX = 20
WINDOW, RANGE = "15s", "1m"
"""What stands here for $__rate_interval and $__range."""

needs_prometheus = pytest.mark.skipif(
    shutil.which("prometheus") is None or shutil.which("promtool") is None,
    reason="no prometheus on this machine: apt-get install prometheus",
)
every_expression = pytest.mark.parametrize(
    "expression", [pytest.param(text, id=place) for place, text in expressions().items()]
)


# ------------------------------------------------------------------------------ without a server
def test_every_room_is_scraped_by_its_name_on_its_port():
    (job,) = CONFIG["scrape_configs"]
    scraped = {each["labels"]["room"]: each["targets"] for each in job["static_configs"]}
    names = [room.folder.name for room in rooms()]
    assert scraped == {name: [f"{name}:{ROOM_PORTS[name]}"] for name in names}


def test_names_are_found_in_an_expression():
    assert doctest.testmod(monitoring).failed == 0
    assert not is_known("trimtab_comit_seconds_bucket")
    assert not is_known("trimtab_commit_seconds"), "a histogram has no series of its own name"


@every_expression
def test_an_expression_asks_only_for_what_the_rooms_measure(expression):
    names = names_in(expression)
    assert names
    assert [name for name in sorted(names) if not is_known(name)] == []
    assert labels_in(expression) <= labels_of(expression)


def test_the_dashboards_read_from_the_source_that_is_provided():
    (source,) = yaml.safe_load((GRAFANA / "provisioning/datasources/prometheus.yml").read_text())[
        "datasources"
    ]
    used = {
        each["datasource"]["uid"]
        for dashboard in DASHBOARDS.values()
        for panel in panels(dashboard)
        for each in (panel, *panel["targets"])
    }
    assert used == {source["uid"]}


@pytest.mark.parametrize("dashboard", DASHBOARDS.values(), ids=DASHBOARDS)
def test_a_dashboard_can_be_read_at_a_glance(dashboard):
    shown = panels(dashboard)
    assert len(shown) <= PANELS_MAX
    taken: set[tuple[int, int]] = set()
    for panel in dashboard["panels"]:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert at["x"] + at["w"] <= 24
        assert not cells & taken, f"{panel['title']} lies on another panel"
        taken |= cells
    for panel in shown:
        assert panel["description"].endswith("."), f"{panel['title']} does not say what it shows"
        assert panel["fieldConfig"]["defaults"]["unit"]
        if any("_seconds_bucket" in target["expr"] for target in panel["targets"]):
            assert panel["fieldConfig"]["defaults"]["unit"] == "s"


# --------------------------------------------------------------------------------- with a server
@needs_prometheus
@pytest.mark.parametrize("what", ["config prometheus.yml", "rules rules.yml"])
def test_promtool_finds_no_fault(what):
    kind, file = what.split()
    asked = subprocess.run(
        ["promtool", "check", kind, file],
        cwd=PROMETHEUS,
        capture_output=True,
        text=True,
        check=False,
    )
    assert asked.returncode == 0, asked.stdout + asked.stderr


class Server:
    """A Prometheus of the test's own, with the shipped configuration on the ports that are used."""

    def __init__(self, folder, ports):
        scraping = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
        config = copy.deepcopy(CONFIG) | {"global": scraping}
        config["rule_files"] = [str(PROMETHEUS / "rules.yml")]
        for target in config["scrape_configs"][0]["static_configs"]:
            target["targets"] = [f"127.0.0.1:{ports[target['labels']['room']]}"]
        file = folder / "prometheus.yml"
        file.write_text(yaml.safe_dump(config))
        port = free_port()
        self._address = f"http://127.0.0.1:{port}/api/v1"
        self.log = folder / "prometheus.log"
        with self.log.open("ab") as errors:
            self.process = subprocess.Popen(
                [
                    "prometheus",
                    f"--config.file={file}",
                    f"--storage.tsdb.path={folder / 'data'}",
                    f"--web.listen-address=127.0.0.1:{port}",
                    "--log.level=warn",
                ],
                stderr=errors,
            )

    def ask(self, path, **parameters):
        """What stands under `data` in the answer; None while nobody answers."""
        question = urllib.parse.urlencode(parameters)
        try:
            with urllib.request.urlopen(f"{self._address}/{path}?{question}", timeout=5) as reply:
                return json.load(reply)["data"]
        except urllib.error.HTTPError as error:
            return pytest.fail(f"{parameters}: {error.read().decode()}")
        except OSError:
            assert self.process.poll() is None, self.log.read_text()
            return None

    def series(self, expression):
        """Label values and value of each series, those that are no number left out."""
        found = self.ask("query", query=expression)["result"]
        values = [(each["metric"], float(each["value"][1])) for each in found]
        return [(labels, value) for labels, value in values if math.isfinite(value)]


def wait_until(condition, what):
    until = time.monotonic() + PATIENCE_SECONDS
    while not (found := condition()):
        assert time.monotonic() < until, f"{what}: not within {PATIENCE_SECONDS:.0f} s"
        time.sleep(0.2)
    return found


def rooms_ready(home, demo):
    assert demo.poll() is None, "the demo has ended"
    status = read_status(home)
    if status is None or not all(room["ready"] for room in status["rooms"].values()):
        return None
    return {name: room["port"] for name, room in status["rooms"].items()}


@pytest.fixture
def watched(tmp_path):
    """A demo and a Prometheus that watches it; both have ended afterwards."""
    home = Home(tmp_path / "demo")
    arguments = ["--speed", "1200", "--symbols", "AAPL,AMZN,GOOGL,JPM,MSFT,NVDA,SPY,XLE"]
    command = [sys.executable, "-m", "trimtab", "demo", "--json", "--home", str(home.root)]
    with contextlib.ExitStack() as stack:
        log = stack.enter_context((tmp_path / "demo.log").open("wb"))
        demo = subprocess.Popen(
            [*command, "--config", str(shipped_config()), *arguments],
            cwd=tmp_path,
            stdout=log,
            stderr=log,
        )
        stack.callback(demo.wait)
        stack.callback(demo.kill)
        ports = wait_until(lambda: rooms_ready(home, demo), "all rooms ready")
        assert set(ports) == {EXCHANGE, *ROOMS}
        server = Server(tmp_path, ports)
        stack.callback(server.process.wait)
        stack.callback(server.process.kill)
        yield server, ports
        os.kill(demo.pid, signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            demo.wait(timeout=30)


def filled_in(expression):
    return expression.replace("$__rate_interval", WINDOW).replace("$__range", RANGE)


def unanswered(server):
    """The queries that give no figure yet."""
    return [
        place for place, expression in queries().items() if not server.series(filled_in(expression))
    ]


@needs_prometheus
@pytest.mark.e2e
@pytest.mark.timeout(180)
def test_every_figure_of_a_running_system_is_there(watched):
    server, ports = watched
    wait_until(lambda: server.ask("query", query="up") is not None, "Prometheus answers")
    wait_until(lambda: by_room(server, "up") == dict.fromkeys(ports, 1.0), "every room is scraped")
    until = time.monotonic() + PATIENCE_SECONDS
    while (silent := unanswered(server)) and time.monotonic() < until:
        time.sleep(0.5)
    assert silent == []
    for rule in RULES:
        for name in names_in(rule["expr"]):
            assert server.series(name), f"{rule['alert']} asks for {name}, and nobody measures it"
    groups = wait_until(lambda: evaluated(server), "every rule is evaluated")
    assert {rule["name"]: rule.get("lastError", "") for rule in groups} == {
        rule["alert"]: "" for rule in RULES
    }
    assert [rule["name"] for rule in groups if rule["state"] == "firing"] == []
    for room, port in ports.items():
        said = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5).read()
        checked = subprocess.run(
            ["promtool", "check", "metrics"], input=said, capture_output=True, check=False
        )
        assert checked.returncode == 0, f"{room}: {(checked.stdout + checked.stderr).decode()}"


def by_room(server, name):
    """Room → value."""
    return {labels["room"]: value for labels, value in server.series(name)}


def evaluated(server):
    """All rules, once each was evaluated."""
    found = [rule for group in server.ask("rules")["groups"] for rule in group["rules"]]
    return found if all(rule["health"] != "unknown" for rule in found) else None
