"""Renders the kustomizations of this repository as kustomize does, without kustomize.

Only what k8s/ uses is known here; anything else is refused, so that nothing is passed over. What
differs on purpose: generated ConfigMaps keep their plain names, without the hash of their content.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml

Object = dict[str, Any]
Objects = list[Object]

LIST_KEYS = {
    "containers": "name",
    "env": "name",
    "initContainers": "name",
    "ports": "containerPort",
    "volumeMounts": "mountPath",
    "volumes": "name",
}
"""Lists whose entries a patch merges one by one, and the field that tells them apart."""
CLUSTER_WIDE = {"Namespace"}
FILE_NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")


class Refused(Exception):
    """A kustomization that asks for something that is unknown or missing."""


def render(folder: Path) -> Objects:
    """The objects that `kubectl kustomize FOLDER` prints, in any order."""
    return _apply(folder, [])


def _apply(folder: Path, objects: Objects) -> Objects:
    """What a kustomization makes of the objects given to it: none, or a component's parent's."""
    asked = _read(folder)
    kind, version = asked.pop("kind"), asked.pop("apiVersion")
    expected = "v1alpha1" if kind == "Component" else "v1beta1"
    if version != f"kustomize.config.k8s.io/{expected}":
        raise Refused(f"{folder}: {kind} is {version}")
    if unknown := set(asked) - {"resources", "configMapGenerator", "components", *STEPS}:
        raise Refused(f"{folder}: {sorted(unknown)} is not known here")
    for entry in asked.pop("resources", []):
        _add(objects, _resource(folder, entry))
    _generate(objects, asked.pop("configMapGenerator", []), folder)
    for entry in asked.pop("components", []):
        _apply(_inside(folder, entry), objects)
    for name, step in STEPS.items():
        if name in asked:
            step(objects, asked[name], folder)
    return objects


def _read(folder: Path) -> dict[str, Any]:
    files = [folder / name for name in FILE_NAMES if (folder / name).is_file()]
    if len(files) != 1:
        raise Refused(f"{folder} has {len(files)} kustomizations")
    return dict(yaml.safe_load(files[0].read_text()))


def _inside(folder: Path, entry: str) -> Path:
    path = (folder / entry).resolve()
    if not path.exists():
        raise Refused(f"{folder}: there is no {entry}")
    return path


def _resource(folder: Path, entry: str) -> Objects:
    path = _inside(folder, entry)
    if path.is_dir():
        return render(path)
    return _documents(path)


def _documents(file: Path) -> Objects:
    """The objects in a file; by way of JSON, so that what YAML aliases share is shared no more."""
    found = (each for each in yaml.safe_load_all(file.read_text()) if each)
    return [json.loads(json.dumps(each)) for each in found]


def _add(objects: Objects, more: Objects) -> None:
    for fresh in more:
        if any(_key(fresh) == _key(known) for known in objects):
            raise Refused(f"{_key(fresh)} is there twice")
        objects.append(fresh)


def _key(each: Object) -> tuple[str, str]:
    return each["kind"], each["metadata"]["name"]


def _generate(objects: Objects, generators: list[dict[str, Any]], folder: Path) -> None:
    for asked in generators:
        if unknown := set(asked) - {"name", "behavior", "files", "literals"}:
            raise Refused(f"{folder}: configMapGenerator with {sorted(unknown)}")
        data = dict(text.split("=", 1) for text in asked.get("literals", []))
        for name in asked.get("files", []):
            path = _inside(folder, name)
            if not path.is_relative_to(folder.resolve()):
                raise Refused(f"{folder}: {name} lies outside, which kustomize refuses")
            data[path.name] = path.read_text()
        if asked.get("behavior") == "merge":
            _the_one(objects, "ConfigMap", asked["name"])["data"].update(data)
        else:
            metadata = {"name": asked["name"]}
            made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
            _add(objects, [made])


def _the_one(objects: Objects, kind: str, name: str) -> Object:
    found = [each for each in objects if _key(each) == (kind, name)]
    if len(found) != 1:
        raise Refused(f"{len(found)} {kind} are called {name}")
    return found[0]


def _patch(objects: Objects, patches: list[dict[str, Any]], folder: Path) -> None:
    for asked in patches:
        target = asked["target"]
        if set(asked) != {"path", "target"} or set(target) - {"kind", "name"}:
            raise Refused(f"{folder}: a patch with {sorted(asked)} and target {sorted(target)}")
        [patch] = _documents(_inside(folder, asked["path"]))
        if patch.get("kind") != target["kind"] or set(patch["metadata"]) != {"name"}:
            raise Refused(f"{folder}: {asked['path']} is not a patch of {target['kind']}")
        change = {key: patch[key] for key in patch if key not in ("apiVersion", "metadata")}
        hit = [each for each in objects if _is_target(each, target)]
        if not hit:
            raise Refused(f"{folder}: {target} hits nothing")
        for each in hit:
            _merge(each, deepcopy(change))


def _is_target(each: Object, target: dict[str, str]) -> bool:
    kind, name = _key(each)
    return kind == target["kind"] and bool(re.fullmatch(target.get("name", ".*"), name))


def _merge(into: dict[str, Any], change: dict[str, Any]) -> None:
    """A strategic merge: maps by key, the lists of LIST_KEYS entry by entry, the rest replaced."""
    for key, value in change.items():
        present = into.get(key)
        if isinstance(value, dict) and isinstance(present, dict):
            _merge(present, value)
        elif key in LIST_KEYS and isinstance(present, list):
            into[key] = _merged_list(present, value, LIST_KEYS[key])
        elif key == "$patch" or value is None:
            raise Refused("removing by a patch is not known here")
        else:
            into[key] = value


def _merged_list(present: Objects, changes: Objects, key: str) -> Objects:
    by_key = {entry[key]: entry for entry in present}
    fresh = [change for change in changes if change[key] not in by_key]
    for change in changes:
        if change[key] in by_key:
            _merge(by_key[change[key]], change)
    return [*fresh, *present]


def _set_namespace(objects: Objects, namespace: str, folder: Path) -> None:
    for each in objects:
        if each["kind"] in CLUSTER_WIDE:
            each["metadata"]["name"] = namespace
        else:
            each["metadata"]["namespace"] = namespace


def _label(objects: Objects, entries: list[dict[str, Any]], folder: Path) -> None:
    for entry in entries:
        if set(entry) != {"pairs", "includeTemplates"}:
            raise Refused(f"{folder}: labels with {sorted(entry)}")
        for metadata in (found for each in objects for found in _labelled(each)):
            metadata.setdefault("labels", {}).update(entry["pairs"])


def _labelled(each: Object) -> Iterator[dict[str, Any]]:
    yield each["metadata"]
    spec = each.get("spec", {})
    templates = [spec["template"]] if "template" in spec else []
    yield from (
        template["metadata"] for template in templates + spec.get("volumeClaimTemplates", [])
    )


def _tag_images(objects: Objects, entries: list[dict[str, str]], folder: Path) -> None:
    for entry in entries:
        if set(entry) != {"name", "newTag"}:
            raise Refused(f"{folder}: images with {sorted(entry)}")
        for container in (found for each in objects for found in containers(each)):
            if container["image"].split(":")[0] == entry["name"]:
                container["image"] = f"{entry['name']}:{entry['newTag']}"


def containers(each: Object) -> Iterator[dict[str, Any]]:
    """The containers of an object's pods, those that run before the others included."""
    pod = each.get("spec", {}).get("template", {}).get("spec", {})
    return iter([*pod.get("initContainers", []), *pod.get("containers", [])])


STEPS: dict[str, Callable[[Objects, Any, Path], None]] = {
    "patches": _patch,
    "namespace": _set_namespace,
    "labels": _label,
    "images": _tag_images,
}
"""What is done last to all objects of a kustomization, in kustomize's own order."""
