"""What Cluster API's core reads from provider objects, at the paths of each contract version (13.2).

The objects stay as they are on the wire. `contract` is `v1beta1` or `v1beta2`; what is absent or has the wrong
type counts as not reported.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import msgspec

from capstan.api.meta import Condition, LegacyCondition, OwnerReference
from capstan.api.objects import GroupKind, Key, Obj, Resource
from capstan.api.rules.owners import owner_object
from capstan.api.rules.semver import compare_builds_too, parse_tolerant

V1BETA1 = "v1beta1"
V1BETA2 = "v1beta2"

#: The problem of a reference whose kind nothing serves: there is no CRD, so there are no objects either.
PROVIDER_MISSING = "ProviderMissing"
#: The problem of a reference to an object that is somebody else's.
OWNED_BY_ANOTHER = "OwnedByAnother"

_STATUSES = ("True", "False", "Unknown")

_CORE_GROUP = "cluster.x-k8s.io"
_CLUSTER_NAME_LABEL = "cluster.x-k8s.io/cluster-name"
_CLONED_FROM_NAME = "cluster.x-k8s.io/cloned-from-name"
_CLONED_FROM_GROUP_KIND = "cluster.x-k8s.io/cloned-from-groupkind"


@dataclass(frozen=True, slots=True)
class External:
    """A provider object that another object refers to, as it was found when it was looked for.

    `problem` says why it could not even be looked for (no CRD, no contract label); `object` is None when it is
    not there. `problem_reason` is CamelCase.
    """

    group_kind: GroupKind
    name: str
    resource: Resource | None = None
    contract: str = V1BETA2
    object: Obj | None = None
    problem: str = ""
    problem_reason: str = ""

    @property
    def kind(self) -> str:
        return self.group_kind.kind

    @property
    def missing(self) -> bool:
        """Looked for, and not there."""
        return self.object is None and not self.problem

    @property
    def is_nobody(self) -> bool:
        """There is no object of one's own to wait for: nothing serves the kind, or the object is another's."""
        return self.problem_reason in (PROVIDER_MISSING, OWNED_BY_ANOTHER)

    @property
    def deleting(self) -> bool:
        return self.object is not None and bool(self.object["metadata"].get("deletionTimestamp"))

    @property
    def key(self) -> Key:
        namespace = self.object["metadata"].get("namespace", "") if self.object else ""
        return Key(namespace, self.name)

    @property
    def uid(self) -> str:
        return str(self.object["metadata"]["uid"]) if self.object else ""


def unless_of_another(found: External, kind: str, name: str, field: str) -> External:
    """The object, or the problem that it belongs to another object of this core kind: whoever refers to it too, in
    `field`, must neither take it over nor delete it. The first owner of the kind counts, by its name: a restore
    gives owners new identities."""
    group = f"{_CORE_GROUP}/"
    for ref in at(found.object, "metadata", "ownerReferences") or ():
        if ref.get("kind") != kind or not str(ref.get("apiVersion", "")).startswith(group):
            continue
        if ref.get("name") == name:
            return found
        problem = (
            f"{found.kind} {found.name} belongs to {kind} {ref.get('name')}, and {kind} {name} leaves it alone: "
            f"name one of its own in {field}"
        )
        return replace(found, object=None, problem=problem, problem_reason=OWNED_BY_ANOTHER)
    return found


def missing_text(found: External) -> str:
    """That an object does not exist, in upstream's words, and what to do about it."""
    return f"{found.kind} does not exist: create {found.kind} {found.name}, or correct the reference to it"


def missing_templates_text(templates: Iterable[External]) -> str:
    """That templates do not exist, by their kinds as upstream says it, and what to do; empty when all are there."""
    missing = [found for found in templates if found.missing]
    if not missing:
        return ""
    kinds = " and ".join(found.kind for found in missing)
    names = " and ".join(f"{found.kind} {found.name}" for found in missing)
    verb = "does" if len(missing) == 1 else "do"
    return f"{kinds} {verb} not exist: create {names}, or correct the reference in spec.template.spec"


class InvalidConditionError(ValueError):
    """A provider reports a condition without a type or a status, or with one that cannot be read; the text is
    upstream's."""


def at(obj: Mapping[str, Any] | None, *path: str) -> Any:
    """What stands at that path; None where a part of it is missing."""
    found: Any = obj
    for name in path:
        if not isinstance(found, Mapping):
            return None
        found = found.get(name)
    return found


def text(obj: Mapping[str, Any] | None, *path: str) -> str:
    found = at(obj, *path)
    return found if isinstance(found, str) else ""


def number(obj: Mapping[str, Any] | None, *path: str) -> int | None:
    found = at(obj, *path)
    return found if isinstance(found, int) and not isinstance(found, bool) else None


# What InfraCluster, InfraMachine, bootstrap config and control plane say of their progress


def is_provisioned(found: External) -> bool:
    """An infra cluster or infra machine is there to be used."""
    if found.contract == V1BETA1:
        return at(found.object, "status", "ready") is True
    return at(found.object, "status", "initialization", "provisioned") is True


def is_data_secret_created(found: External) -> bool:
    """A bootstrap config has its data Secret."""
    if found.contract == V1BETA1:
        return at(found.object, "status", "ready") is True
    return at(found.object, "status", "initialization", "dataSecretCreated") is True


def is_control_plane_initialized(found: External) -> bool:
    """The API of a control plane answers for the first time."""
    if found.contract == V1BETA1:
        return at(found.object, "status", "initialized") is True
    return at(found.object, "status", "initialization", "controlPlaneInitialized") is True


def data_secret_name(found: External) -> str:
    return text(found.object, "status", "dataSecretName")


def control_plane_endpoint(found: External) -> tuple[str, int] | None:
    """Host and port, when both are given."""
    host = text(found.object, "spec", "controlPlaneEndpoint", "host")
    port = number(found.object, "spec", "controlPlaneEndpoint", "port")
    return (host, port) if host and port else None


@dataclass(frozen=True, slots=True)
class Domain:
    """A failure domain that an infra cluster offers."""

    name: str
    control_plane: bool = False
    attributes: Mapping[str, str] = field(default_factory=dict)


def failure_domains(found: External) -> tuple[Domain, ...]:
    """Sorted by name: a list in v1beta2, a map in v1beta1."""
    reported = at(found.object, "status", "failureDomains")
    named: Iterable[tuple[str, Any]] = ()
    if isinstance(reported, Mapping):
        named = reported.items()
    elif isinstance(reported, list):
        named = [(str(entry.get("name", "")), entry) for entry in reported if isinstance(entry, Mapping)]
    domains = [
        Domain(name, at(entry, "controlPlane") is True, dict(at(entry, "attributes") or {})) for name, entry in named
    ]
    return tuple(sorted(domains, key=lambda domain: domain.name))


def provider_id(found: External) -> str:
    return text(found.object, "spec", "providerID")


def addresses(found: External) -> tuple[tuple[str, str], ...] | None:
    """(type, address) in the provider's order; None while it reports none."""
    reported = at(found.object, "status", "addresses")
    if not isinstance(reported, list):
        return None
    return tuple((text(entry, "type"), text(entry, "address")) for entry in reported)


def wished_failure_domain(found: External) -> str | None:
    """`spec.failureDomain` of an infra machine: deprecated, but where it stands it overrides the Machine's."""
    domain = at(found.object, "spec", "failureDomain")
    return domain if isinstance(domain, str) else None


def placed_failure_domain(found: External) -> str | None:
    """Where an infra machine is; None while it does not say."""
    domain = at(found.object, "status", "failureDomain")
    return domain if isinstance(domain, str) else None


def is_interruptible(found: External) -> bool:
    return at(found.object, "status", "interruptible") is True


def is_externally_managed(found: External) -> bool:
    """A control plane that runs without Machines."""
    return at(found.object, "status", "externalManagedControlPlane") is True


def failure(found: External) -> tuple[str, str]:
    """`failureReason` and `failureMessage`, which only v1beta1 readers see; the message says whose it is."""
    reason, message = text(found.object, "status", "failureReason"), text(found.object, "status", "failureMessage")
    if message and found.object is not None:
        whose = f'{found.object["apiVersion"]}, Kind={found.object["kind"]} with name "{found.name}"'
        message = f"Failure detected from referenced resource {whose}: {message}"
    return reason, message


# Control planes: counters and versions


@dataclass(frozen=True, slots=True)
class Counters:
    """Replica counters of a control plane; None where it reports none."""

    desired: int | None = None
    replicas: int | None = None
    ready: int | None = None
    available: int | None = None
    up_to_date: int | None = None
    versions: tuple[tuple[str, int | None], ...] = ()


def control_plane_counters(found: External) -> Counters:
    """In v1beta1 what is available is the wish minus `unavailableReplicas`, never below zero."""
    obj = found.object
    desired = number(obj, "spec", "replicas")
    if found.contract == V1BETA1:
        unavailable = number(obj, "status", "unavailableReplicas")
        available = max(desired - unavailable, 0) if desired is not None and unavailable is not None else None
        up_to_date = number(obj, "status", "updatedReplicas")
    else:
        available = number(obj, "status", "availableReplicas")
        up_to_date = number(obj, "status", "upToDateReplicas")
    return Counters(
        desired=desired,
        replicas=number(obj, "status", "replicas"),
        ready=number(obj, "status", "readyReplicas"),
        available=available,
        up_to_date=up_to_date,
        versions=reported_versions(found),
    )


def reported_versions(found: External) -> tuple[tuple[str, int | None], ...]:
    """(version, replicas) from `status.versions`, else the one of `status.version`."""
    listed = at(found.object, "status", "versions")
    if isinstance(listed, list) and listed:
        return tuple((text(entry, "version"), number(entry, "replicas")) for entry in listed)
    single = text(found.object, "status", "version")
    return ((single, None),) if single else ()


def wished_version(found: External) -> str:
    return text(found.object, "spec", "version")


def is_upgrading(found: External) -> bool:
    """A control plane of which not everything has the wished version yet. Other builds of a version count: which of
    two is newer cannot always be told. What is no version does not count."""
    wished = parse_tolerant(wished_version(found))
    running = (parse_tolerant(version) for version, _ in reported_versions(found))
    return wished is not None and any(
        version is not None and compare_builds_too(wished, version) >= 1 for version in running
    )


# Conditions


def conditions_of(obj: Obj | None) -> tuple[Condition, ...]:
    """The conditions of a provider object: `status.v1beta2.conditions` if it has them, else `status.conditions`.

    Raises InvalidConditionError for one whose type, status or transition time is no such thing. An empty reason
    becomes NoReasonReported; what is no condition at all is left out.
    """
    for path in (("status", "v1beta2", "conditions"), ("status", "conditions")):
        listed = at(obj, *path)
        if isinstance(listed, list):
            where = f"{'.'.join(path)} from {text(obj, 'kind')}"
            return tuple(_condition(entry, where) for entry in listed if isinstance(entry, Mapping))
    return ()


def _condition(entry: Mapping[str, Any], where: str) -> Condition:
    type, status = text(entry, "type"), text(entry, "status")
    since: datetime | None = None
    problem = _problem_of(type, status)
    try:
        since = msgspec.convert(entry.get("lastTransitionTime") or None, datetime | None)
    except msgspec.ValidationError:
        problem = f"failed to unmarshal lastTransitionTime value: {entry['lastTransitionTime']}"
    if problem:
        raise InvalidConditionError(f"failed to convert {where} to []metav1.Condition: {problem}")
    return Condition(
        type=type,
        status=status,
        reason=text(entry, "reason") or "NoReasonReported",
        message=text(entry, "message"),
        last_transition_time=since,
    )


def _problem_of(type: str, status: str) -> str:
    if not type:
        return "type must be set for all conditions"
    if not status:
        return f"status must be set for the {type} condition"
    return "" if status in _STATUSES else f"status for the {type} condition must be one of {', '.join(_STATUSES)}"


def legacy_ready(found: External) -> LegacyCondition | None:
    """The `Ready` of a provider object for older readers: the older one, else the only one there is, which has no
    severity in the newer contract. What is True has no reason in the older shape."""
    listed = at(found.object, "status", "deprecated", "v1beta1", "conditions")
    if not isinstance(listed, list):
        listed = at(found.object, "status", "conditions")
    if not isinstance(listed, list):
        return None
    for entry in listed:
        if text(entry, "type") == "Ready":
            try:
                ready = msgspec.convert(entry, LegacyCondition)
            except msgspec.ValidationError:
                return None
            return ready if ready.status != "True" else msgspec.structs.replace(ready, reason="", message="")
    return None


# Templates


def kind_from_template(kind: str) -> str:
    """The kind that a template makes."""
    return kind.removesuffix("Template")


def clone_template(
    template: External,
    resource: Resource,
    *,
    name: str,
    namespace: str,
    cluster_name: str,
    labels: Mapping[str, str],
    annotations: Mapping[str, str],
    owner: OwnerReference | None = None,
) -> Obj:
    """A new object of `resource` from `spec.template` (0.8). Given labels and annotations win over the template's."""
    content = at(template.object, "spec", "template") or {}
    metadata = content.get("metadata") or {}
    made: Obj = {
        **content,
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {**(metadata.get("labels") or {}), **labels, _CLUSTER_NAME_LABEL: cluster_name},
            "annotations": {
                **(metadata.get("annotations") or {}),
                **annotations,
                _CLONED_FROM_NAME: template.name,
                _CLONED_FROM_GROUP_KIND: str(template.group_kind),
            },
        },
    }
    if owner is not None:
        made["metadata"]["ownerReferences"] = [owner_object(owner)]
    return made


def cloned_from(obj: Obj | None) -> tuple[str, str]:
    """The template that an object was made from: its name and its `Kind.group`."""
    return (
        text(obj, "metadata", "annotations", _CLONED_FROM_NAME),
        text(obj, "metadata", "annotations", _CLONED_FROM_GROUP_KIND),
    )
