"""Whether it is a good moment to create Machines: the control plane is stable, the versions fit (3.5)."""

from __future__ import annotations

from collections.abc import Iterator

from capstan.api.cluster.cluster import Cluster
from capstan.api.cluster.names import SKIP_PREFLIGHT_CHECKS_ANNOTATION, UPGRADE_STEP_ANNOTATION
from capstan.api.rules.contract import External, at, is_upgrading, reported_versions, wished_version
from capstan.api.rules.semver import SemVer, parse_tolerant
from capstan.controllers.machineset.snapshot import MachineSetSnapshot

OLDEST_SKEW_MINORS = 3
ALL = "All"
_STABLE = "ControlPlaneIsStable"
_KUBERNETES = "KubernetesVersionSkew"
_KUBEADM = "KubeadmVersionSkew"
_PROPAGATED = "ControlPlaneVersionSkew"


def failed_checks(snapshot: MachineSetSnapshot) -> list[str]:
    """The checks that fail, in words; none when there is no control plane version to compare with. A control plane
    that cannot be read passes no check: it may be of any version."""
    control_plane, cluster = snapshot.control_plane, snapshot.cluster
    skipped = _skipped(snapshot)
    if control_plane is None or cluster is None or ALL in skipped:
        return []
    if control_plane.object is None:
        return [control_plane.problem or f"{control_plane.kind} {control_plane.name} does not exist"]
    theirs = wished_version(control_plane)
    if not theirs:
        return []
    running = parse_tolerant(theirs)
    if running is None:
        return [f"failed to parse version {theirs!r} of ControlPlane {control_plane.key}"]
    failed = [] if _STABLE in skipped else list(_stability(control_plane, cluster))
    mine = snapshot.machine_set.spec.template.spec.version
    if not mine:
        return failed
    wanted = parse_tolerant(mine)
    if wanted is None:
        return [*failed, f"failed to parse version {mine!r} of MachineSet {snapshot.subject.key}"]
    if _KUBERNETES not in skipped:
        failed.extend(_skew(wanted, running))
    if _KUBEADM not in skipped and _uses_kubeadm(snapshot):
        failed.extend(_kubeadm_skew(wanted, running))
    if _PROPAGATED not in skipped and cluster.spec.topology is not None:
        failed.extend(_propagation(mine, theirs))
    return failed


def _skipped(snapshot: MachineSetSnapshot) -> set[str]:
    listed = snapshot.machine_set.metadata.annotations.get(SKIP_PREFLIGHT_CHECKS_ANNOTATION)
    if not listed and snapshot.bootstrap is not None:
        listed = at(snapshot.bootstrap.found.object, "metadata", "annotations", SKIP_PREFLIGHT_CHECKS_ANNOTATION)
    return {check.strip() for check in str(listed or "").split(",") if check.strip()} | snapshot.unchecked


def _failed(text: str, check: str) -> str:
    return f'{text} ("{check}" preflight check failed)'


def _stability(control_plane: External, cluster: Cluster) -> Iterator[str]:
    """The first that holds of: the topology wants another version, nothing runs yet, not everything is there yet."""
    name = f"{control_plane.kind} {control_plane.key}"
    version, topology = wished_version(control_plane), cluster.spec.topology
    step = cluster.metadata.annotations.get(UPGRADE_STEP_ANNOTATION, "")
    if topology is not None and version not in (topology.version, step):
        yield _failed(f"{name} has a pending version upgrade to {step or topology.version}", _STABLE)
    elif not reported_versions(control_plane):
        yield _failed(f"{name} is provisioning", _STABLE)
    elif is_upgrading(control_plane):
        yield _failed(f"{name} is upgrading", _STABLE)


def _skew(wanted: SemVer, control_plane: SemVer) -> Iterator[str]:
    if wanted.minor > control_plane.minor:
        why = "MachineSet version is higher than ControlPlane version"
    elif wanted.minor < control_plane.minor - OLDEST_SKEW_MINORS:
        why = f"MachineSet version is more than {OLDEST_SKEW_MINORS} minor versions older than the ControlPlane version"
    else:
        return
    policy = "do not conform to the kubernetes version skew policy"
    yield _failed(f"{_both(wanted, control_plane)} {policy} as {why}", _KUBERNETES)


def _uses_kubeadm(snapshot: MachineSetSnapshot) -> bool:
    ref = snapshot.machine_set.spec.template.spec.bootstrap.config_ref
    return ref is not None and ref.kind == "KubeadmConfigTemplate" and ref.api_group == "bootstrap.cluster.x-k8s.io"


def _kubeadm_skew(wanted: SemVer, control_plane: SemVer) -> Iterator[str]:
    if wanted.minor != control_plane.minor:
        policy = "do not conform to kubeadm version skew policy"
        why = "kubeadm only supports joining with the same major+minor version as the control plane"
        yield _failed(f"{_both(wanted, control_plane)} {policy} as {why}", _KUBEADM)


def _propagation(mine: str, theirs: str) -> Iterator[str]:
    if mine != theirs:
        text = f"MachineSet version ({mine}) is not yet the same as the ControlPlane version ({theirs})"
        yield _failed(f"{text}, waiting for version to be propagated to the MachineSet", _PROPAGATED)


def _both(wanted: SemVer, control_plane: SemVer) -> str:
    return f"MachineSet version ({wanted}) and ControlPlane version ({control_plane})"
