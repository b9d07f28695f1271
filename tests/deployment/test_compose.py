"""What runs in containers: every room, hardened, its secrets in files, and nothing left open."""

import re
import subprocess
from pathlib import Path
from shutil import copy, copytree, which
from stat import S_IMODE

import pytest
import yaml

from tests.architecture.house import ROOT, rooms
from trimtab_runtime.settings import ROOM_PORTS

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
DOCKERFILE = (ROOT / "Dockerfile").read_text()
EXAMPLE = (ROOT / ".env.example").read_text()
SERVICES = COMPOSE["services"]
ROOMS = {room.folder.name: room for room in rooms()}
IN_AN_IMAGE_OF_THEIR_OWN = {"trainer"}
"""Rooms that this file does not run: they need what the image of all others leaves out."""
WITHOUT_THE_RIGHT_TO_A_KEY = {"strategy", "risk", "recorder", "alerting", "simulator"}

each_service = pytest.mark.parametrize("name", SERVICES)
each_room = pytest.mark.parametrize("name", sorted(ROOMS.keys() - IN_AN_IMAGE_OF_THEIR_OWN))


def environment(name):
    return SERVICES[name].get("environment", {})


def secrets(name):
    return SERVICES[name].get("secrets", [])


def mounts():
    """Every folder or file of ours that is mounted: service, path here, path there, mode."""
    for name, service in SERVICES.items():
        for volume in service.get("volumes", []):
            here, there, *mode = volume.split(":")
            if here.startswith("."):
                yield name, here, there, "".join(mode)


@each_room
def test_every_room_is_there_and_is_asked_how_it_is_on_its_own_port(name):
    service, port = SERVICES[name], str(ROOM_PORTS[name])
    assert service["image"].startswith("trimtab:")
    assert service["command"] == ["python", "-m", f"trimtab_{name}"]
    assert service["healthcheck"]["test"][1:] == ["python", "-m", "trimtab_runtime.probe", port]
    assert service["ports"] == [f"127.0.0.1:{port}:{port}"]
    assert service["init"] is True, "the probe could not end a stuck room"


@each_service
def test_a_container_can_do_no_more_than_it_must(name):
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not service.keys() & {"privileged", "cap_add", "devices", "network_mode", "pid", "ipc"}
    assert not any("docker.sock" in volume for volume in service["volumes"] if volume)
    ours = service["image"].startswith("trimtab:")
    assert ours or not re.match(r"(root|0)\b", service["user"])


@each_service
def test_a_container_comes_back_ends_in_peace_and_cannot_eat_the_machine(name):
    service = SERVICES[name]
    assert service["restart"] == "unless-stopped"
    assert int(service["stop_grace_period"].removesuffix("s")) >= 30
    assert service["logging"]["driver"] == "json-file"
    assert service["logging"]["options"].keys() == {"max-size", "max-file"}
    assert service["mem_limit"]
    assert service["cpus"]
    assert service["pids_limit"]
    assert service["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")


@each_service
def test_a_port_is_open_to_this_machine_only(name):
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", []))


def test_the_servers_are_on_networks_without_a_way_out_and_on_no_port():
    for name, network in {"redis": "streams", "postgres": "record"}.items():
        assert SERVICES[name]["networks"] == [network]
        assert COMPOSE["networks"][network]["internal"] is True
        assert "ports" not in SERVICES[name]
    on_the_record = {name for name in SERVICES if "record" in SERVICES[name]["networks"]}
    assert on_the_record == {"postgres", "recorder", "risk"}


@each_service
def test_a_container_gets_the_secrets_that_it_uses_and_no_others(name):
    used = {
        str(value).removeprefix("/run/secrets/")
        for value in [*environment(name).values(), *str(SERVICES[name].get("command")).split()]
        if str(value).startswith("/run/secrets/")
    }
    assert used == set(secrets(name))
    if name in WITHOUT_THE_RIGHT_TO_A_KEY:
        assert not {secret for secret in secrets(name) if secret.startswith("alpaca")}


@each_service
def test_no_secret_stands_in_the_file(name):
    telling = re.compile(r"password|secret|token|_key|url", re.IGNORECASE)
    for variable, value in environment(name).items():
        assert (
            variable.rstrip("_").endswith("FILE")
            or not telling.search(variable)
            or ("@" not in str(value) and str(value).startswith("http://"))
        ), f"{name}: {variable} belongs into a file of secrets/"


def test_every_variable_that_can_be_given_is_explained():
    text = (ROOT / "docker-compose.yml").read_text()
    given = set(re.findall(r"\$\{([A-Z_]+)", text))
    explained = set(re.findall(r"^#?([A-Z_]+)=", EXAMPLE, re.MULTILINE))
    assert given
    assert given <= explained


def test_the_mode_says_by_itself_whether_the_simulated_exchange_runs():
    modes = {environment(name)["TRIMTAB_MODE"] for name in ROOMS if name != "simulator"}
    assert len(modes) == 1
    assert modes.pop().startswith("${TRIMTAB_MODE:?")
    assert SERVICES["simulator"]["profiles"] == ["sim"]
    assert "\nTRIMTAB_MODE=sim\n" in EXAMPLE
    assert "\nCOMPOSE_PROFILES=${TRIMTAB_MODE}," in EXAMPLE


def test_a_broker_is_not_traded_with_at_the_first_start():
    assert environment("execution")["TRIMTAB_HOLD_FIRST_START"] == "true"


def test_the_simulator_offers_what_the_universe_collects():
    offered = re.search(r":-(.*)}", environment("simulator")["TRIMTAB_SIM_SYMBOLS"])
    universe = yaml.safe_load((ROOT / "config" / "universe.yaml").read_text())
    assert offered is not None
    assert set(offered[1].split(",")) == set(universe["groups"][0]["symbols"])


def test_redis_forgets_nothing_to_save_memory_and_writes_everything_down():
    command = SERVICES["redis"]["command"]
    for option in ("maxmemory-policy noeviction", "appendonly yes", "aclfile /run/secrets"):
        assert f"--{option}" in command


def test_everything_that_is_mounted_exists_and_cannot_be_written():
    found = list(mounts())
    assert found
    for name, here, there, mode in found:
        assert (ROOT / here).exists(), f"{name} mounts {here}, which is not there"
        assert mode == "ro", f"{name} may write into {there}"


def test_every_volume_is_used_and_every_volume_used_is_declared():
    used = {
        volume.split(":")[0]
        for service in SERVICES.values()
        for volume in service["volumes"]
        if not volume.startswith(".")
    }
    assert used == set(COMPOSE["volumes"])


def test_the_image_runs_as_nobody_in_particular_and_is_built_with_the_makefiles_uv():
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", DOCKERFILE, re.MULTILINE)
    wanted = re.search(r"^UV_VERSION := (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert wanted is not None
    assert f"ARG UV_VERSION={wanted[1]}\n" in DOCKERFILE
    assert DOCKERFILE.count("uv sync --no-progress --frozen --no-dev") == 2
    assert DOCKERFILE.count("--no-install-package torch") == 2


@pytest.mark.skipif(which("sh") is None, reason="there is no shell here")
def test_secrets_are_made_once_are_random_and_lie_where_only_the_owner_can_enter(tmp_path):
    for folder in (tmp_path / "one", tmp_path / "two"):
        copytree(ROOT / "deploy", folder / "deploy")
        copy(ROOT / ".env.example", folder)
        make_secrets(folder)
    one = written(tmp_path / "one")
    assert one.keys() == written(tmp_path / "two").keys() >= set(COMPOSE["secrets"])
    for name in ("redis_password", "postgres_password", "grafana_password"):
        assert len(one[name]) >= 32
        assert one[name] != written(tmp_path / "two")[name]
    assert one["redis_password"] in one["redis_url"]
    # Redis replays its append-only file as `default`: what that user may not do would be lost.
    assert f"user default on >{one['redis_password']} ~trimtab:* " in one["redis_users"]
    assert one["postgres_password"] in one["database_url"]
    assert S_IMODE((tmp_path / "one" / "secrets").stat().st_mode) == 0o700
    assert S_IMODE((tmp_path / "one" / ".env").stat().st_mode) == 0o600
    make_secrets(tmp_path / "one")
    assert written(tmp_path / "one") == one


def make_secrets(folder: Path) -> None:
    subprocess.run([folder / "deploy" / "secrets.sh"], check=True, capture_output=True)


def written(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in (folder / "secrets").iterdir()}


def test_secrets_never_travel_with_the_code():
    assert "/secrets/" in (ROOT / ".gitignore").read_text().splitlines()
    assert "!secrets" not in (ROOT / ".dockerignore").read_text()
    assert (ROOT / ".dockerignore").read_text().splitlines()[1] == "*"
    for secret in COMPOSE["secrets"].values():
        assert secret["file"].startswith("./secrets/")
