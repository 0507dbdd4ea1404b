"""Whether the control plane can go to the wished Kubernetes version at all (talos.md 6.1; Kubernetes' version skew)."""

from __future__ import annotations

import re

from capstan.api.rules.semver import order_key
from capstan.api.rules.versions import kubelet_problem, talos_problem, upgrade_problem
from capstan.providers.talos.taloscontrolplane.names import CONTROL_PLANE_NODE_LABEL
from capstan.providers.talos.taloscontrolplane.plan.drift import is_of_wanted_template
from capstan.providers.talos.taloscontrolplane.snapshot import ControlPlaneSnapshot

_TALOS_IMAGE = re.compile(r"Talos \((v?\d+\.\d+[^)]*)\)")


def find_version_problem(snapshot: ControlPlaneSnapshot) -> str:
    """Why no Machine of `spec.version` may be made beside those that run, in words; empty when one may, and while
    the version is not to change."""
    wished = snapshot.control_plane.spec.version
    running = [m.machine.spec.version for m in snapshot.active if m.machine.spec.version]
    if not running or all(version == wished for version in running):
        return ""
    path = upgrade_problem(min(running, key=order_key), wished)
    return _field(path) or _field(_of_talos(snapshot, wished)) or _field(_of_workers(snapshot, wished))


def _field(problem: str) -> str:
    return f"spec.version: {problem}" if problem else ""


def _of_talos(snapshot: ControlPlaneSnapshot, wished: str) -> str:
    """Machines from the wished template run the Talos that the next one will have."""
    for machine in snapshot.active:
        info = machine.machine.status.node_info
        talos = _TALOS_IMAGE.match(info.os_image) if info is not None else None
        if talos is not None and is_of_wanted_template(snapshot, machine):
            problem = talos_problem(talos[1], wished)
            if problem:
                return problem
    return ""


def _of_workers(snapshot: ControlPlaneSnapshot, wished: str) -> str:
    for node in snapshot.nodes or ():
        if CONTROL_PLANE_NODE_LABEL in node.metadata.labels or node.status.node_info is None:
            continue
        problem = kubelet_problem(node.status.node_info.kubelet_version, wished)
        if problem:
            return f"on worker Node {node.metadata.name} {problem}: replace the workers by newer ones first"
    return ""
