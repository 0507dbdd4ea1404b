"""Whether it is a good moment to create Machines: the control plane is stable, the versions fit (3.5)."""

from __future__ import annotations

from capstan.api.cluster.names import SKIP_PREFLIGHT_CHECKS_ANNOTATION
from capstan.api.rules.contract import External, at, is_upgrading, reported_versions, wished_version
from capstan.api.rules.replicas import minor_version
from capstan.controllers.machineset.snapshot import MachineSetSnapshot

OLDEST_SKEW_MINORS = 3
ALL = "All"


def failed_checks(snapshot: MachineSetSnapshot) -> list[str]:
    """The checks that fail, in words; none when there is no control plane version to compare with. A control plane
    that cannot be read passes no check: it may be of any version."""
    control_plane = snapshot.control_plane
    skipped = _skipped(snapshot)
    if control_plane is None or ALL in skipped:
        return []
    if control_plane.object is None:
        return [control_plane.problem or f"{control_plane.kind} {control_plane.name} does not exist"]
    if not wished_version(control_plane):
        return []
    failed = []
    if "ControlPlaneIsStable" not in skipped:
        failed.extend(_stability(control_plane))
    wanted = snapshot.machine_set.spec.template.spec.version
    if wanted:
        if "KubernetesVersionSkew" not in skipped:
            failed.extend(_skew(wanted, wished_version(control_plane)))
        if "KubeadmVersionSkew" not in skipped and _uses_kubeadm(snapshot):
            failed.extend(_kubeadm_skew(wanted, wished_version(control_plane)))
    return failed


def _skipped(snapshot: MachineSetSnapshot) -> set[str]:
    listed = snapshot.machine_set.metadata.annotations.get(SKIP_PREFLIGHT_CHECKS_ANNOTATION)
    if not listed and snapshot.bootstrap is not None:
        listed = at(snapshot.bootstrap.found.object, "metadata", "annotations", SKIP_PREFLIGHT_CHECKS_ANNOTATION)
    return {check.strip() for check in str(listed or "").split(",") if check.strip()}


def _stability(control_plane: External) -> list[str]:
    name = f"{control_plane.kind} {control_plane.key}"
    if not reported_versions(control_plane):
        return [f'{name} is provisioning ("ControlPlaneIsStable" preflight check failed)']
    if is_upgrading(control_plane):
        return [f'{name} is upgrading ("ControlPlaneIsStable" preflight check failed)']
    return []


def _skew(wanted: str, control_plane: str) -> list[str]:
    mine, theirs = minor_version(wanted), minor_version(control_plane)
    if mine is None or theirs is None:
        return []
    if mine > theirs:
        why = "is newer than"
    elif mine[1] < theirs[1] - OLDEST_SKEW_MINORS:
        why = f"is more than {OLDEST_SKEW_MINORS} minor versions older than"
    else:
        return []
    return [
        f"version {wanted} of the MachineSet {why} version {control_plane} of the control plane "
        '("KubernetesVersionSkew" preflight check failed)'
    ]


def _uses_kubeadm(snapshot: MachineSetSnapshot) -> bool:
    ref = snapshot.machine_set.spec.template.spec.bootstrap.config_ref
    return ref is not None and ref.kind == "KubeadmConfigTemplate" and ref.api_group == "bootstrap.cluster.x-k8s.io"


def _kubeadm_skew(wanted: str, control_plane: str) -> list[str]:
    mine, theirs = minor_version(wanted), minor_version(control_plane)
    if mine is None or theirs is None or mine == theirs:
        return []
    return [
        f"kubeadm joins only machines of the control plane's minor version: {wanted} is not {control_plane} "
        '("KubeadmVersionSkew" preflight check failed)'
    ]
