"""The defaults and the main rules of pods, alone and as the template of a workload. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from capstan.api.errors import FieldCause
from capstan.api.kubernetes.rules.faults import duplicate, invalid, not_supported, required
from capstan.api.objects import Obj

_HTTP: Final = {"httpGet?": {"path": "/", "scheme": "HTTP"}}
_PROBE: Final = {
    **_HTTP,
    "grpc?": {"service": ""},
    "timeoutSeconds": 1,
    "periodSeconds": 10,
    "successThreshold": 1,
    "failureThreshold": 3,
}
_CONTAINER: Final[dict[str, Any]] = {
    "resources": {},
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
    "ports?": [{"protocol": "TCP"}],
    "env?": [{"valueFrom?": {"fieldRef?": {"apiVersion": "v1"}}}],
    "livenessProbe?": _PROBE,
    "readinessProbe?": _PROBE,
    "startupProbe?": _PROBE,
    "lifecycle?": {"postStart?": _HTTP, "preStop?": _HTTP},
}
_FIELD_FILES: Final = [{"fieldRef?": {"apiVersion": "v1"}}]
_MODE: Final = {"defaultMode": 420}
_VOLUME: Final = {
    "secret?": _MODE,
    "configMap?": _MODE,
    "downwardAPI?": {**_MODE, "items?": _FIELD_FILES},
    "projected?": {
        **_MODE,
        "sources?": [{"serviceAccountToken?": {"expirationSeconds": 3600}, "downwardAPI?": {"items?": _FIELD_FILES}}],
    },
    "hostPath?": {"type": ""},
    "iscsi?": {"iscsiInterface": "default"},
    "rbd?": {"pool": "rbd", "user": "admin", "keyring": "/etc/ceph/keyring"},
}

#: Defaults of a pod's spec, as `rules.defaults` reads them.
POD_SPEC: Final[dict[str, Any]] = {
    "restartPolicy": "Always",
    "terminationGracePeriodSeconds": 30,
    "dnsPolicy": "ClusterFirst",
    "securityContext": {},
    "schedulerName": "default-scheduler",
    "containers?": [_CONTAINER],
    "initContainers?": [_CONTAINER],
    "ephemeralContainers?": [_CONTAINER],
    "volumes?": [_VOLUME],
}

_CONTAINER_LISTS: Final = ("initContainers", "containers")


def with_pull_policies(spec: Obj) -> Obj:
    """A pod's spec with what follows from other fields: when images are pulled, and the account's old name."""
    changed: Obj = {}
    for name in (*_CONTAINER_LISTS, "ephemeralContainers"):
        present = spec.get(name)
        if isinstance(present, list):
            changed[name] = [_with_pull_policy(item) if isinstance(item, dict) else item for item in present]
    account = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if account:
        changed |= {"serviceAccountName": account, "serviceAccount": account}
    return {**spec, **changed}


def _with_pull_policy(container: Obj) -> Obj:
    image = container.get("image")
    if container.get("imagePullPolicy") or not isinstance(image, str) or not image:
        return container
    name, _, digest = image.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2]
    newest = tag == "latest" or (not tag and not digest)
    return {**container, "imagePullPolicy": "Always" if newest else "IfNotPresent"}


def pod_spec_faults(spec: Obj, path: str) -> Iterator[FieldCause]:
    """What every pod must say: containers with distinct names and images, and volumes that exist."""
    containers = spec.get("containers")
    if not isinstance(containers, list) or not containers:
        yield required(f"{path}.containers")
        return
    volumes: set[str] = set()
    for index, volume in enumerate(spec.get("volumes") or ()):
        name = volume.get("name", "")
        if name in volumes:
            yield duplicate(f"{path}.volumes[{index}].name", name)
        volumes.add(name)
    seen: set[str] = set()
    for listed in _CONTAINER_LISTS:
        for index, container in enumerate(spec.get(listed) or ()):
            at = f"{path}.{listed}[{index}]"
            name = container.get("name", "")
            if name in seen:
                yield duplicate(f"{at}.name", name)
            seen.add(name)
            yield from _container_faults(container, at, volumes)


def _container_faults(container: Obj, path: str, volumes: set[str]) -> Iterator[FieldCause]:
    if not container.get("image"):
        yield required(f"{path}.image")
    mounts: set[str] = set()
    for index, mount in enumerate(container.get("volumeMounts") or ()):
        if mount.get("name") not in volumes:
            message = f'Not found: "{mount.get("name", "")}"'
            yield FieldCause(f"{path}.volumeMounts[{index}].name", message, "FieldValueNotFound")
        if mount.get("mountPath", "") in mounts:
            yield invalid(f"{path}.volumeMounts[{index}].mountPath", mount.get("mountPath", ""), "must be unique")
        mounts.add(mount.get("mountPath", ""))
    for index, port in enumerate(container.get("ports") or ()):
        yield from port_faults(port.get("containerPort", 0), f"{path}.ports[{index}].containerPort")


def port_faults(port: Any, path: str) -> Iterator[FieldCause]:
    if not isinstance(port, int) or not 1 <= port <= 65535:
        yield invalid(path, port, "must be between 1 and 65535, inclusive")


def restart_policy_faults(spec: Obj, path: str, allowed: Sequence[str]) -> Iterator[FieldCause]:
    """Workloads leave their pods only some restart policies."""
    policy = spec.get("restartPolicy", "")
    if policy not in allowed:
        yield not_supported(f"{path}.restartPolicy", policy, allowed)
