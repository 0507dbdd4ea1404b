"""Which versions Machines run."""

from __future__ import annotations

from collections.abc import Iterable

from capstan.api.cluster.machine import Machine
from capstan.api.cluster.replicas import VersionCount
from capstan.api.rules.replicas import count_versions


def versions_of(machines: Iterable[Machine]) -> tuple[VersionCount, ...]:
    """How many Machines run which version: the kubelet's where it is known, else the wish."""
    return counted((_version(machine), 1) for machine in machines)


def counted(versions: Iterable[tuple[str, int]]) -> tuple[VersionCount, ...]:
    """(version, replicas) as a status shows them: summed by version, in semantic order."""
    return tuple(VersionCount(version=version, replicas=replicas) for version, replicas in count_versions(versions))


def _version(machine: Machine) -> str:
    info = machine.status.node_info
    return (info.kubelet_version if info is not None else "") or machine.spec.version
