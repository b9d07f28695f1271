"""What k8s/ would put on a cluster is valid, complete, hardened, and fits the rooms that run there.

There is no cluster here: the kustomizations are rendered, which is compared with kustomize's own
rendering where `kubectl` is installed, and the objects are looked at one by one.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from urllib.parse import urlsplit

import kubernetes_validate
import pytest
import yaml

from tests.architecture.house import ROOT, rooms
from tests.deployment.cluster import (
    OVERLAYS,
    bytes_of,
    cluster_of,
    every_overlay,
    every_room,
    every_workload,
)
from tests.deployment.kustomize import Refused, containers, render
from trimtab.configuration import settings_class
from trimtab.place import CommandSettings
from trimtab_runtime.settings import ROOM_PORTS, AlpacaKeys, RoomSettings, release_id

VERSIONS = ("1.31", "1.37")
AT_A_BROKER = ("paper", "live")
NOT_IN_PRODUCTION = {"simulator": "an exchange for the demo and for tests"}
SECRET_WORDS = re.compile(r"PASSWORD|SECRET|TOKEN|KEY|AUTH|DATABASE_URL|REDIS_URL|ALERT_URLS")
TYPED = {
    "$PASSWORD": "0123456789abcdef",
    "$KEY_ID": "PK0123",
    "$SECRET_KEY": "0123456789",
    "$URLS": "ntfys://example.org/topic",
}
"""What the commands of docs/kubernetes.md are given, where they ask."""


def documented_secrets(overlay):
    """The secrets that docs/kubernetes.md lets the owner make: name → key → value."""
    text = (ROOT / "docs" / "kubernetes.md").read_text()
    made = re.findall(rf"kubectl -n trimtab-{overlay} create secret generic (\S+) (.*)", text)
    found = {}
    for name, arguments in made:
        literals = re.findall(r'--from-literal=([\w-]+)="([^"]*)"', arguments)
        found[name] = {key: filled_in(value) for key, value in literals}
    return found


def filled_in(value):
    for variable, typed in TYPED.items():
        value = value.replace(variable, typed)
    return value


def read_settings(overlay, room, folder, monkeypatch):
    """The settings as the room would read them in its pod, with the secrets of the document."""
    cluster = cluster_of(overlay)
    secrets = documented_secrets("sim" if overlay == "sim" else "paper")
    for name, value in cluster.variables(room).items():
        monkeypatch.setenv(name, value)
    for name, asked in cluster.secrets(room).items():
        value = secrets.get(asked.secret, {}).get(asked.key)
        if name.endswith("_FILE"):
            file = folder / name
            file.touch(mode=0o600)
            file.write_text(value)
            monkeypatch.setenv(name, str(file))
        elif value is not None:
            monkeypatch.setenv(name, value)
    return settings_class(room.name).read()


def service_addresses(overlay):
    services = cluster_of(overlay).of_kind("Service")
    return {(each["metadata"]["name"], each["spec"]["ports"][0]["port"]) for each in services}


# ---------------------------------------------------------------------- rendering and schemas
@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
@every_overlay
def test_the_rendering_is_that_of_kustomize(overlay):
    command = ["kubectl", "kustomize", str(OVERLAYS[overlay])]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for each in yaml.safe_load_all(text):
        if each["kind"] == "ConfigMap":
            hashed = each["metadata"]["name"]
            text = text.replace(hashed, hashed.rpartition("-")[0])

    def in_order(objects):
        return sorted(objects, key=lambda each: (each["kind"], each["metadata"]["name"]))

    assert in_order(yaml.safe_load_all(text)) == in_order(render(OVERLAYS[overlay]))


@pytest.mark.parametrize("version", VERSIONS)
@every_overlay
def test_every_object_obeys_the_schema(overlay, version):
    for each in cluster_of(overlay).objects:
        kubernetes_validate.validate(each, version, strict=True)


def test_a_kustomization_is_not_rendered_without_what_it_asks_for(tmp_path):
    head = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"
    (tmp_path / "kustomization.yaml").write_text(f"{head}resources: [missing.yaml]\n")
    with pytest.raises(Refused, match=r"missing\.yaml"):
        render(tmp_path)
    (tmp_path / "kustomization.yaml").write_text(f"{head}namePrefix: own-\n")
    with pytest.raises(Refused, match="namePrefix"):
        render(tmp_path)


# ---------------------------------------------------------------------- the rooms
@every_overlay
def test_every_room_is_there(overlay):
    known = {room.folder.name for room in rooms()}
    wanted = known if overlay == "sim" else known - set(NOT_IN_PRODUCTION)
    assert set(cluster_of(overlay).rooms) == wanted


@every_room
def test_a_room_is_one_writer_at_its_own_port(overlay, room):
    spec = room.declared["spec"]
    assert spec["replicas"] == 1
    assert spec["strategy"] == {"type": "Recreate"}
    assert room.main["command"] == ["python", "-m", f"trimtab_{room.name}"]
    assert room.main["ports"] == [{"name": "http", "containerPort": ROOM_PORTS[room.name]}]


@every_room
def test_a_room_is_probed(overlay, room):
    for probe, path in {"startup": "/livez", "liveness": "/livez", "readiness": "/readyz"}.items():
        assert room.main[f"{probe}Probe"]["httpGet"] == {"path": path, "port": "http"}


@every_room
def test_a_room_can_read_the_settings_it_is_given(overlay, room, tmp_path, monkeypatch):
    settings = read_settings(overlay, room, tmp_path, monkeypatch)
    assert settings.mode.value == overlay
    assert settings.http_port == room.port
    assert settings.http_host == "0.0.0.0"
    assert room.mounts[str(settings.home)]["persistentVolumeClaim"] == {"claimName": "home"}
    assert room.mounts[str(settings.config_dir)]["configMap"] == {"name": "config"}
    addresses = {settings.redis_address()}
    if settings.database_url is not None:
        addresses.add(settings.database_address())
    if overlay == "sim" and hasattr(settings, "simulator_url"):
        addresses.add(settings.simulator_url)
    found = {(urlsplit(url).hostname, urlsplit(url).port) for url in addresses}
    assert found <= service_addresses(overlay)


@every_overlay
def test_rooms_are_told_nothing_that_no_room_knows(overlay):
    cluster = cluster_of(overlay)
    readers: list[type[RoomSettings]] = [CommandSettings, *map(settings_class, cluster.rooms)]
    known = {f"TRIMTAB_{name.upper()}" for reader in readers for name in reader.model_fields}
    told = {
        name.removesuffix("_FILE")
        for room in cluster.rooms.values()
        for name in {*cluster.variables(room), *cluster.secrets(room)}
    }
    assert told - known == {"HOME"}


@every_room
def test_a_room_is_given_the_secrets_it_needs_and_no_other(overlay, room):
    wanted = {"redis"}
    if overlay in AT_A_BROKER and issubclass(settings_class(room.name), AlpacaKeys):
        wanted.add("alpaca")
    if overlay in AT_A_BROKER and room.name in ("recorder", "execution", "risk"):
        wanted.add("postgres")
    if room.name == "alerting":
        wanted.add("alerts")
    assert {asked.secret for asked in cluster_of(overlay).secrets(room).values()} == wanted


@every_overlay
def test_the_configuration_is_carried_to_the_last_byte(overlay):
    files = {path.name: path.read_text() for path in (ROOT / "config").glob("*.yaml")}
    assert files
    assert cluster_of(overlay).config_map("config") == files


# ---------------------------------------------------------------------- hardening
@every_workload
def test_a_pod_is_admitted_by_the_restricted_standard(overlay, workload):
    pod = workload.pod
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] > 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC", "ephemeralContainers"} & set(pod)
    kinds = {kind for volume in pod["volumes"] for kind in volume} if "volumes" in pod else set()
    assert kinds <= {"name", "configMap", "emptyDir", "persistentVolumeClaim", "secret"}
    for container in workload.containers:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }


@every_overlay
def test_the_namespace_refuses_whatever_is_not_hardened(overlay):
    [namespace] = cluster_of(overlay).of_kind("Namespace")
    assert namespace["metadata"]["labels"] == {"pod-security.kubernetes.io/enforce": "restricted"}
    others = [each for each in cluster_of(overlay).objects if each is not namespace]
    assert {each["metadata"]["namespace"] for each in others} == {f"trimtab-{overlay}"}


@every_workload
def test_a_pod_says_what_it_needs(overlay, workload):
    for container in workload.containers:
        resources = container["resources"]
        assert set(resources["requests"]) == {"cpu", "memory"}
        assert bytes_of(resources["requests"]["memory"]) <= bytes_of(resources["limits"]["memory"])


@every_workload
def test_an_image_has_a_release(overlay, workload):
    for container in workload.containers:
        name, _, tag = container["image"].rpartition(":")
        assert re.fullmatch(r"\d+(\.\d+)*(-\w+)?", tag), container["image"]
        assert name != "trimtab" or tag == release_id()


@every_overlay
def test_the_servers_are_those_of_the_compose_file(overlay):
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    for workload in cluster_of(overlay).of_kind("StatefulSet"):
        name = workload["metadata"]["name"]
        [container] = containers(workload)
        assert container["image"] == services[name]["image"]


@every_overlay
def test_no_secret_is_written_down(overlay):
    cluster = cluster_of(overlay)
    assert cluster.of_kind("Secret") == []
    assert not re.search(r"://[^/\s\"]*:[^/\s\"]+@", cluster.text)
    written = {name for each in cluster.workloads.values() for name in cluster.variables(each)}
    secret = {name for name in written if SECRET_WORDS.search(name)}
    assert {name for name in secret if not name.endswith("_FILE")} == set()


@every_overlay
def test_the_document_says_how_to_make_every_secret(overlay):
    cluster = cluster_of(overlay)
    asked = {key for each in cluster.workloads.values() for key in cluster.secrets(each).values()}
    documented = documented_secrets("sim" if overlay == "sim" else "paper")
    made = {(name, key) for name, values in documented.items() for key in values}
    assert {(each.secret, each.key) for each in asked if not each.optional} <= made
    assert made <= {(each.secret, each.key) for each in asked}


# ---------------------------------------------------------------------- arming and halting
def test_live_differs_from_paper_by_its_mode_and_its_namespace_only():
    paper, live = cluster_of("paper").text, cluster_of("live").text
    assert '"TRIMTAB_MODE": "live"' in live
    as_live = paper.replace('"TRIMTAB_MODE": "paper"', '"TRIMTAB_MODE": "live"')
    assert as_live.replace('"trimtab-paper"', '"trimtab-live"') == live


def test_nothing_arms():
    assert not re.search(r"\bARM\b|account_number", cluster_of("live").text)


@pytest.mark.parametrize("overlay", AT_A_BROKER)
def test_the_first_start_at_a_broker_is_held(overlay, tmp_path, monkeypatch):
    room = cluster_of(overlay).rooms["execution"]
    assert read_settings(overlay, room, tmp_path, monkeypatch).hold_first_start
