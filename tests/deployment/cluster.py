"""What a cluster would make of rendered objects: pods, what they are given, who reaches whom."""

from __future__ import annotations

import functools
import ipaddress
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.architecture.house import ROOT
from tests.deployment.kustomize import Object, Objects, render

Port = tuple[int | str, str]
"""A port's number or name, and its protocol."""

OVERLAYS = {path.name: path for path in sorted((ROOT / "k8s" / "overlays").iterdir())}
NAMESPACE_LABEL = "kubernetes.io/metadata.name"
POWERS = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30}


@dataclass(frozen=True)
class SecretKey:
    """One value of a secret."""

    secret: str
    key: str
    optional: bool = False


@dataclass(frozen=True)
class Workload:
    """A Deployment or StatefulSet, seen from its pod."""

    declared: Object

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        return str(self.declared["metadata"]["name"])

    @property
    def labels(self) -> dict[str, str]:
        return dict(self.declared["spec"]["template"]["metadata"]["labels"])

    @property
    def pod(self) -> dict[str, Any]:
        return dict(self.declared["spec"]["template"]["spec"])

    @property
    def main(self) -> dict[str, Any]:
        """The one container that stays."""
        [container] = self.pod["containers"]
        return dict(container)

    @property
    def containers(self) -> list[dict[str, Any]]:
        return [*self.pod.get("initContainers", []), self.main]

    @property
    def port(self) -> int:
        [port] = self.main["ports"]
        return int(port["containerPort"])

    @property
    def mounts(self) -> dict[str, dict[str, Any]]:
        """Where the main container finds what: path → volume."""
        claimed = self.declared["spec"].get("volumeClaimTemplates", [])
        volumes = {each["metadata"]["name"]: {"claimed": each["spec"]} for each in claimed}
        volumes |= {each["name"]: each for each in self.pod.get("volumes", [])}
        return {mount["mountPath"]: volumes[mount["name"]] for mount in self.main["volumeMounts"]}


@dataclass(frozen=True)
class Cluster:
    """All objects of an overlay."""

    objects: Objects

    def of_kind(self, *kinds: str) -> Objects:
        return [each for each in self.objects if each["kind"] in kinds]

    @property
    def text(self) -> str:
        return json.dumps(self.objects)

    @property
    def workloads(self) -> dict[str, Workload]:
        found = map(Workload, self.of_kind("Deployment", "StatefulSet"))
        return {workload.name: workload for workload in found}

    @property
    def rooms(self) -> dict[str, Workload]:
        return {each["metadata"]["name"]: Workload(each) for each in self.of_kind("Deployment")}

    def config_map(self, name: str) -> dict[str, str]:
        [found] = [x for x in self.of_kind("ConfigMap") if x["metadata"]["name"] == name]
        return dict(found["data"])

    def variables(self, workload: Workload) -> dict[str, str]:
        """The variables of the main container that stand in the objects themselves."""
        found: dict[str, str] = {}
        for source in workload.main.get("envFrom", []):
            found |= self.config_map(source["configMapRef"]["name"])
        entries = workload.main.get("env", [])
        return found | {entry["name"]: entry["value"] for entry in entries if "value" in entry}

    def secrets(self, workload: Workload) -> dict[str, SecretKey]:
        """The variables that hold a secret, or name the file with it, and which one that is."""
        found = {}
        for entry in workload.main.get("env", []):
            if "value" not in entry:
                asked = entry["valueFrom"]["secretKeyRef"]
                optional = asked.get("optional", False)
                found[entry["name"]] = SecretKey(asked["name"], asked["key"], optional=optional)
        for name, value in self.variables(workload).items():
            if name.endswith("_FILE"):
                secret = workload.mounts[str(Path(value).parent)]["secret"]
                keys = {item["path"]: item["key"] for item in secret.get("items", [])}
                key = keys[Path(value).name] if keys else Path(value).name
                found[name] = SecretKey(secret["secretName"], key)
        return found


@functools.cache
def cluster_of(overlay: str) -> Cluster:
    """What an overlay puts on a cluster."""
    return Cluster(render(OVERLAYS[overlay]))


every_overlay = pytest.mark.parametrize("overlay", OVERLAYS)
every_workload = pytest.mark.parametrize(
    ("overlay", "workload"),
    [(overlay, each) for overlay in OVERLAYS for each in cluster_of(overlay).workloads.values()],
    ids=str,
)
every_room = pytest.mark.parametrize(
    ("overlay", "room"),
    [(overlay, each) for overlay in OVERLAYS for each in cluster_of(overlay).rooms.values()],
    ids=str,
)


def selects(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    """Whether a selector takes something with these labels; an empty one takes everything."""
    if unknown := set(selector) - {"matchLabels", "matchExpressions"}:
        raise ValueError(f"a selector with {unknown}")
    expressions = selector.get("matchExpressions", [])
    if any(expression["operator"] != "In" for expression in expressions):
        raise ValueError("only In is known")
    return selector.get("matchLabels", {}).items() <= labels.items() and all(
        labels.get(expression["key"]) in expression["values"] for expression in expressions
    )


def bytes_of(quantity: str) -> int:
    """A quantity of memory such as 256Mi."""
    return int(quantity[:-2]) * POWERS[quantity[-2:]]


@dataclass(frozen=True)
class Place:
    """Somebody who may talk: a pod here, a pod of another namespace, or an address."""

    name: str
    labels: dict[str, str] = field(default_factory=dict)
    namespace: str = ""
    """Empty: this one, if there are labels."""
    address: str = ""


def may_talk(policies: Objects, source: Place, target: Place, port: Port) -> bool:
    """Whether the policies of this namespace let a connection through, seen from both ends."""
    out = _let_through(policies, source, target, "Egress", "to", port)
    into = _let_through(policies, target, source, "Ingress", "from", port)
    return out and into


def _let_through(
    policies: Objects,
    inner: Place,
    other: Place,
    direction: str,
    side: str,
    port: Port,
) -> bool:
    """Whether one end allows it; a place that is not in this namespace has nothing against it."""
    if inner.namespace or not inner.labels:
        return True
    specs = [policy["spec"] for policy in policies]
    holding = [
        spec
        for spec in specs
        if direction in spec["policyTypes"] and selects(spec["podSelector"], inner.labels)
    ]
    rules = [rule for spec in holding for rule in spec.get(direction.lower(), [])]
    return not holding or any(
        any(_is_peer(peer, other) for peer in rule[side]) and port in _ports(rule) for rule in rules
    )


def _is_peer(peer: dict[str, Any], place: Place) -> bool:
    if set(peer) == {"podSelector"}:
        here = bool(place.labels) and not place.namespace
        return here and selects(peer["podSelector"], place.labels)
    if set(peer) == {"namespaceSelector"}:
        return selects(peer["namespaceSelector"], {NAMESPACE_LABEL: place.namespace})
    if set(peer) != {"ipBlock"}:
        raise ValueError(f"a peer with {sorted(peer)}")
    return bool(place.address) and _is_within(peer["ipBlock"], place.address)


def _is_within(block: dict[str, Any], text: str) -> bool:
    address = ipaddress.ip_address(text)
    left_out = map(ipaddress.ip_network, block.get("except", []))
    inside = address in ipaddress.ip_network(block["cidr"])
    return inside and not any(address in network for network in left_out)


def _ports(rule: dict[str, Any]) -> set[Port]:
    return {(entry["port"], entry.get("protocol", "TCP")) for entry in rule["ports"]}
