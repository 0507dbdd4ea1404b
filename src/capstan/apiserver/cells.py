"""The rows of Kubernetes' other built-in kinds, as kube-apiserver prints them: workloads, network, storage, policy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from capstan.api.kubernetes.rules.faults import value_at
from capstan.api.objects import Obj
from capstan.apiserver.columns import BUILTIN, Cells, column, human_age
from capstan.apiserver.scale import selector_text

#: One cell of an object at a moment.
Cell = Callable[[Obj, datetime], Any]

_NONE: Final = "<none>"
_UNSET: Final = "<unset>"


def _at(path: str, absent: Any = "") -> Cell:
    def cell(obj: Obj, _: datetime) -> Any:
        value = value_at(obj, path)
        return absent if value is None else value

    return cell


def _text(path: str, absent: str = _NONE) -> Cell:
    def cell(obj: Obj, _: datetime) -> str:
        value = value_at(obj, path)
        if isinstance(value, bool):
            return "true" if value else "false"
        return absent if value in (None, "") else str(value)

    return cell


def _number(path: str) -> Cell:
    return _at(path, 0)


def _count(path: str) -> Cell:
    return lambda obj, _: len(value_at(obj, path) or ())


def _joined(path: str, absent: str = _NONE) -> Cell:
    return lambda obj, _: ",".join(str(one) for one in value_at(obj, path) or ()) or absent


def _since(path: str, absent: str = _NONE) -> Cell:
    return lambda obj, now: human_age(value_at(obj, path), now) if value_at(obj, path) else absent


def _selector(path: str, absent: str = _NONE) -> Cell:
    return lambda obj, _: selector_text(value_at(obj, path) or {}) or absent


def _of_containers(path: str, name: str) -> Cell:
    return lambda obj, _: ",".join(str(one.get(name, "")) for one in value_at(obj, f"{path}.containers") or ())


def _ready(wanted: str) -> Cell:
    return lambda obj, _: f"{value_at(obj, 'status.readyReplicas') or 0}/{value_at(obj, wanted) or 0}"


def _age(obj: Obj, now: datetime) -> str:
    return human_age(obj["metadata"].get("creationTimestamp"), now)


def _created(obj: Obj, _: datetime) -> Any:
    return obj["metadata"].get("creationTimestamp", "")


def _name(obj: Obj, _: datetime) -> str:
    return str(obj["metadata"].get("name", ""))


def _external_addresses(obj: Obj, _: datetime) -> str:
    spec, kind = obj.get("spec") or {}, value_at(obj, "spec.type")
    if kind == "ExternalName":
        return str(spec.get("externalName", ""))
    given = [str(one) for one in spec.get("externalIPs") or ()]
    if kind == "LoadBalancer":
        ingress = value_at(obj, "status.loadBalancer.ingress") or ()
        found = [str(one.get("ip") or one.get("hostname") or "") for one in ingress] + given
        return ",".join(found) or "<pending>"
    return ",".join(given) or _NONE


def _service_ports(obj: Obj, _: datetime) -> str:
    shown = []
    for port in value_at(obj, "spec.ports") or ():
        node = f":{port['nodePort']}" if port.get("nodePort") else ""
        shown.append(f"{port.get('port')}{node}/{port.get('protocol', 'TCP')}")
    return ",".join(shown) or _NONE


def _endpoints(obj: Obj, _: datetime) -> str:
    found = [
        f"{address.get('ip', '')}:{port.get('port')}"
        for subset in obj.get("subsets") or ()
        for port in subset.get("ports") or ()
        for address in subset.get("addresses") or ()
    ]
    return _some(found)


def _some(found: list[str], most: int = 3) -> str:
    more = f" + {len(found) - most} more..." if len(found) > most else ""
    return ",".join(found[:most]) + more if found else _NONE


def _slice_addresses(obj: Obj, _: datetime) -> str:
    return _some([str(address) for one in obj.get("endpoints") or () for address in one.get("addresses") or ()])


def _slice_ports(obj: Obj, _: datetime) -> str:
    return ",".join(str(port.get("port", "*")) for port in obj.get("ports") or ()) or _UNSET


def _hosts(obj: Obj, _: datetime) -> str:
    return _some([str(rule["host"]) for rule in value_at(obj, "spec.rules") or () if rule.get("host")]).replace(
        _NONE, "*"
    )


def _ingress_address(obj: Obj, _: datetime) -> str:
    found = value_at(obj, "status.loadBalancer.ingress") or ()
    return ",".join(str(one.get("ip") or one.get("hostname") or "") for one in found)


def _completions(obj: Obj, _: datetime) -> str:
    done, wanted = value_at(obj, "status.succeeded") or 0, value_at(obj, "spec.completions")
    if wanted is not None:
        return f"{done}/{wanted}"
    together = value_at(obj, "spec.parallelism") or 0
    return f"{done}/1 of {together}" if together > 1 else f"{done}/1"


def _job_status(obj: Obj, _: datetime) -> str:
    true = {c.get("type") for c in value_at(obj, "status.conditions") or () if c.get("status") == "True"}
    names = {"Complete": "Complete", "Failed": "Failed", "SuccessCriteriaMet": "SuccessCriteriaMet"}
    for name, text in {**names, "Suspended": "Suspended", "FailureTarget": "FailureTarget"}.items():
        if name in true:
            return text
    return "Terminating" if obj["metadata"].get("deletionTimestamp") else "Running"


def _job_duration(obj: Obj, now: datetime) -> str:
    begun, ended = value_at(obj, "status.startTime"), value_at(obj, "status.completionTime")
    if not begun:
        return ""
    return human_age(begun, datetime.fromisoformat(str(ended).replace("Z", "+00:00")) if ended else now)


_MODES: Final = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}


def _access_modes(path: str) -> Cell:
    return lambda obj, _: ",".join(_MODES.get(one, str(one)) for one in value_at(obj, path) or ())


def _claim(obj: Obj, _: datetime) -> str:
    ref = value_at(obj, "spec.claimRef")
    return f"{ref.get('namespace', '')}/{ref.get('name', '')}" if ref else ""


def _phase(obj: Obj, _: datetime) -> str:
    gone = obj["metadata"].get("deletionTimestamp")
    return "Terminating" if gone else str(value_at(obj, "status.phase") or "")


def _quota(*names: str) -> Cell:
    """What of the hard limits is used: those whose name begins so, or with no name the rest."""

    def cell(obj: Obj, _: datetime) -> str:
        hard, used = value_at(obj, "status.hard") or {}, value_at(obj, "status.used") or {}
        is_limit = names == ("limits.",)
        chosen = sorted(name for name in hard if name.startswith("limits.") == is_limit)
        return ", ".join(f"{name}: {used.get(name, 0)}/{hard[name]}" for name in chosen)

    return cell


def _conditions(obj: Obj, _: datetime) -> str:
    """The state of a certificate request."""
    found = [str(c.get("type")) for c in value_at(obj, "status.conditions") or ()]
    states: list[str] = [name for name in ("Approved", "Denied", "Failed") if name in found] or ["Pending"]
    return ",".join([*states, "Issued"] if value_at(obj, "status.certificate") else states)


def _reference(path: str) -> Cell:
    return lambda obj, _: f"{value_at(obj, f'{path}.kind') or ''}/{value_at(obj, f'{path}.name') or ''}"


def _metrics(obj: Obj, _: datetime) -> str:
    shown = []
    for metric in value_at(obj, "spec.metrics") or ():
        resource = metric.get("resource") or {}
        target = value_at(resource, "target.averageUtilization")
        known = f"{resource.get('name')}: <unknown>/{target}%" if target is not None else "<unknown>"
        shown.append(known)
    return _some(shown, 2)


def _controller(obj: Obj, _: datetime) -> str:
    owner = next((one for one in obj["metadata"].get("ownerReferences") or () if one.get("controller")), None)
    if owner is None:
        return _NONE
    group = str(owner.get("apiVersion", "")).rpartition("/")[0]
    return f"{str(owner.get('kind', '')).lower()}{'.' + group if group else ''}/{owner.get('name', '')}"


def _service_of_api(obj: Obj, _: datetime) -> str:
    ref = value_at(obj, "spec.service")
    return f"{ref.get('namespace', '')}/{ref.get('name', '')}" if ref else "Local"


def _available(obj: Obj, _: datetime) -> str:
    found = next((c for c in value_at(obj, "status.conditions") or () if c.get("type") == "Available"), None)
    if found is None:
        return "Unknown"
    return "True" if found.get("status") == "True" else f"{found.get('status')} ({found.get('reason', '')})"


def _parent(obj: Obj, _: datetime) -> str:
    ref = value_at(obj, "spec.parentRef") or {}
    parts = (ref.get("resource"), ref.get("namespace"), ref.get("name"))
    return "/".join(str(part) for part in parts if part)


def _parameters(path: str) -> Cell:
    def cell(obj: Obj, _: datetime) -> str:
        ref = value_at(obj, path)
        if not ref:
            return _NONE
        group = f".{ref['apiGroup']}" if ref.get("apiGroup") else ""
        return f"{ref.get('kind', '')}{group}/{ref.get('name', '')}"

    return cell


def _param_kind(obj: Obj, _: datetime) -> str:
    ref = value_at(obj, "spec.paramKind")
    return f"{ref.get('apiVersion', '')}/{ref.get('kind', '')}" if ref else _UNSET


def _claim_state(obj: Obj, _: datetime) -> str:
    if obj["metadata"].get("deletionTimestamp"):
        return "deleted"
    states = [
        name for name, at in (("allocated", "allocation"), ("reserved", "reservedFor")) if value_at(obj, f"status.{at}")
    ]
    return ",".join(states) or "pending"


def _seconds(path: str) -> Cell:
    def cell(obj: Obj, _: datetime) -> str:
        value = value_at(obj, path)
        if not isinstance(value, int):
            return _NONE
        hours, minutes = value // 3600, value % 3600 // 60
        return f"{hours}h" if hours and not minutes else f"{hours}h{minutes}m" if hours else f"{minutes}m"

    return cell


def _made(wide: Iterable[tuple[str, Cell]] = (), /, **columns: Cell) -> tuple[list[Obj], Cells]:
    """Columns from keyword names (`Up_to_date` is `Up-to-date`, two underscores a space); Name first, wide last."""
    shown = [("Name", _name), *((_title(name), cell) for name, cell in columns.items())]
    further = list(wide)
    cells = [cell for _, cell in (*shown, *further)]
    definitions = [column(title, _TYPES.get(title, "string")) for title, _ in shown]
    definitions += [column(title, priority=1) for title, _ in further]
    return definitions, lambda obj, now: [cell(obj, now) for cell in cells]


def _title(name: str) -> str:
    return name.replace("__", " ").replace("_", "-")


_INTEGERS: Final = ("Desired", "Current", "Ready", "Up-to-date", "Available", "Active", "Value")
_TYPES: Final = {**dict.fromkeys(_INTEGERS, "integer"), "Created At": "date"}


def _pods(path: str, selector: str = "") -> list[tuple[str, Cell]]:
    """The wide columns about the containers of a template."""
    columns = [("Containers", _of_containers(path, "name")), ("Images", _of_containers(path, "image"))]
    return [*columns, ("Selector", _selector(selector))] if selector else columns


_TEMPLATE: Final = "spec.template.spec"
_STORAGE: Final = "storage.k8s.io"
_NETWORK: Final = "networking.k8s.io"
_ADMISSION: Final = "admissionregistration.k8s.io"
_FLOW: Final = "flowcontrol.apiserver.k8s.io"
_REPLICAS: Final[dict[str, Cell]] = {
    "Desired": _number("spec.replicas"),
    "Current": _number("status.replicas"),
    "Ready": _number("status.readyReplicas"),
    "Age": _age,
}
_VOLUME_MODE: Final = [("VolumeMode", _text("spec.volumeMode", _UNSET))]

MORE: Final[Mapping[tuple[str, str], tuple[list[Obj], Cells]]] = {
    ("", "PodTemplate"): _made(
        Containers=_of_containers("template.spec", "name"),
        Images=_of_containers("template.spec", "image"),
        Pod__Labels=_selector("template.metadata.labels"),
    ),
    ("", "Service"): _made(
        [("Selector", _selector("spec.selector"))],
        Type=_at("spec.type"),
        Cluster_IP=_text("spec.clusterIP"),
        External_IP=_external_addresses,
        **{"Port(s)": _service_ports},
        Age=_age,
    ),
    ("", "Endpoints"): _made(Endpoints=_endpoints, Age=_age),
    ("", "ReplicationController"): _made(_pods(_TEMPLATE, "spec.selector"), **_REPLICAS),
    ("", "ResourceQuota"): _made(Request=_quota(), Limit=_quota("limits."), Age=_age),
    ("", "LimitRange"): _made(Created__At=_created),
    ("", "PersistentVolume"): _made(
        _VOLUME_MODE,
        Capacity=_at("spec.capacity.storage"),
        Access__Modes=_access_modes("spec.accessModes"),
        Reclaim__Policy=_at("spec.persistentVolumeReclaimPolicy"),
        Status=_phase,
        Claim=_claim,
        StorageClass=_at("spec.storageClassName"),
        VolumeAttributesClass=_text("spec.volumeAttributesClassName", _UNSET),
        Reason=_at("status.reason"),
        Age=_age,
    ),
    ("", "PersistentVolumeClaim"): _made(
        _VOLUME_MODE,
        Status=_phase,
        Volume=_at("spec.volumeName"),
        Capacity=_at("status.capacity.storage"),
        Access__Modes=_access_modes("status.accessModes"),
        StorageClass=_at("spec.storageClassName"),
        VolumeAttributesClass=_text("spec.volumeAttributesClassName", _UNSET),
        Age=_age,
    ),
    ("apps", "Deployment"): _made(
        _pods(_TEMPLATE, "spec.selector"),
        Ready=_ready("spec.replicas"),
        Up_to_date=_number("status.updatedReplicas"),
        Available=_number("status.availableReplicas"),
        Age=_age,
    ),
    ("apps", "ReplicaSet"): _made(_pods(_TEMPLATE, "spec.selector"), **_REPLICAS),
    ("apps", "StatefulSet"): _made(_pods(_TEMPLATE), Ready=_ready("spec.replicas"), Age=_age),
    ("apps", "DaemonSet"): _made(
        _pods(_TEMPLATE, "spec.selector"),
        Desired=_number("status.desiredNumberScheduled"),
        Current=_number("status.currentNumberScheduled"),
        Ready=_number("status.numberReady"),
        Up_to_date=_number("status.updatedNumberScheduled"),
        Available=_number("status.numberAvailable"),
        Node__Selector=_selector("spec.template.spec.nodeSelector"),
        Age=_age,
    ),
    ("apps", "ControllerRevision"): _made(Controller=_controller, Revision=_number("revision"), Age=_age),
    ("batch", "Job"): _made(
        _pods(_TEMPLATE, "spec.selector"),
        Status=_job_status,
        Completions=_completions,
        Duration=_job_duration,
        Age=_age,
    ),
    ("batch", "CronJob"): _made(
        _pods("spec.jobTemplate.spec.template.spec", "spec.jobTemplate.spec.selector"),
        Schedule=_at("spec.schedule"),
        Timezone=_text("spec.timeZone"),
        Suspend=_text("spec.suspend", "<unset>"),
        Active=_count("status.active"),
        Last__Schedule=_since("status.lastScheduleTime"),
        Age=_age,
    ),
    ("autoscaling", "HorizontalPodAutoscaler"): _made(
        Reference=_reference("spec.scaleTargetRef"),
        Targets=_metrics,
        MinPods=_text("spec.minReplicas", "<unset>"),
        MaxPods=_number("spec.maxReplicas"),
        Replicas=_number("status.currentReplicas"),
        Age=_age,
    ),
    ("policy", "PodDisruptionBudget"): _made(
        Min__Available=_text("spec.minAvailable", "N/A"),
        Max__Unavailable=_text("spec.maxUnavailable", "N/A"),
        Allowed__Disruptions=_number("status.disruptionsAllowed"),
        Age=_age,
    ),
    (_NETWORK, "Ingress"): _made(
        Class=_text("spec.ingressClassName"),
        Hosts=_hosts,
        Address=_ingress_address,
        Ports=lambda obj, _: "80, 443" if value_at(obj, "spec.tls") else "80",
        Age=_age,
    ),
    (_NETWORK, "IngressClass"): _made(
        Controller=_at("spec.controller"), Parameters=_parameters("spec.parameters"), Age=_age
    ),
    (_NETWORK, "NetworkPolicy"): _made(Pod_Selector=_selector("spec.podSelector"), Age=_age),
    (_NETWORK, "IPAddress"): _made(ParentRef=_parent, Age=_age),
    (_NETWORK, "ServiceCIDR"): _made(CIDRs=_joined("spec.cidrs"), Age=_age),
    ("discovery.k8s.io", "EndpointSlice"): _made(
        AddressType=_at("addressType"), Ports=_slice_ports, Endpoints=_slice_addresses, Age=_age
    ),
    (_STORAGE, "StorageClass"): _made(
        Provisioner=_at("provisioner"),
        ReclaimPolicy=_at("reclaimPolicy", "Delete"),
        VolumeBindingMode=_at("volumeBindingMode", "Immediate"),
        AllowVolumeExpansion=_text("allowVolumeExpansion", "false"),
        Age=_age,
    ),
    (_STORAGE, "CSIDriver"): _made(
        AttachRequired=_text("spec.attachRequired", "true"),
        PodInfoOnMount=_text("spec.podInfoOnMount", "false"),
        StorageCapacity=_text("spec.storageCapacity", "false"),
        TokenRequests=lambda obj, _: (
            ",".join(str(one.get("audience", "")) for one in value_at(obj, "spec.tokenRequests") or ()) or _UNSET
        ),
        RequiresRepublish=_text("spec.requiresRepublish", "false"),
        Modes=_joined("spec.volumeLifecycleModes"),
        Age=_age,
    ),
    (_STORAGE, "CSINode"): _made(Drivers=_count("spec.drivers"), Age=_age),
    (_STORAGE, "CSIStorageCapacity"): _made(
        StorageClassName=_at("storageClassName"), Capacity=_text("capacity", _UNSET), Age=_age
    ),
    (_STORAGE, "VolumeAttachment"): _made(
        Attacher=_at("spec.attacher"),
        PV=_at("spec.source.persistentVolumeName"),
        Node=_at("spec.nodeName"),
        Attached=_text("status.attached", "false"),
        Age=_age,
    ),
    (_STORAGE, "VolumeAttributesClass"): _made(DriverName=_at("driverName"), Age=_age),
    ("scheduling.k8s.io", "PriorityClass"): _made(
        Value=_number("value"),
        Global_Default=_text("globalDefault", "false"),
        Age=_age,
        PreemptionPolicy=_at("preemptionPolicy"),
    ),
    ("node.k8s.io", "RuntimeClass"): _made(Handler=_at("handler"), Age=_age),
    ("certificates.k8s.io", "CertificateSigningRequest"): _made(
        Age=_age,
        SignerName=_text("spec.signerName"),
        Requestor=_at("spec.username"),
        RequestedDuration=_seconds("spec.expirationSeconds"),
        Condition=_conditions,
    ),
    ("certificates.k8s.io", "ClusterTrustBundle"): _made(SignerName=_text("spec.signerName"), Age=_age),
    (_FLOW, "FlowSchema"): _made(
        PriorityLevel=_at("spec.priorityLevelConfiguration.name"),
        MatchingPrecedence=_number("spec.matchingPrecedence"),
        DistinguisherMethod=_text("spec.distinguisherMethod.type"),
        Age=_age,
        MissingPL=lambda obj, _: next(
            (c.get("status", "?") for c in value_at(obj, "status.conditions") or () if c.get("type") == "Dangling"), "?"
        ),
    ),
    (_FLOW, "PriorityLevelConfiguration"): _made(
        Type=_at("spec.type"),
        NominalConcurrencyShares=_text("spec.limited.nominalConcurrencyShares"),
        Queues=_text("spec.limited.limitResponse.queuing.queues"),
        HandSize=_text("spec.limited.limitResponse.queuing.handSize"),
        QueueLengthLimit=_text("spec.limited.limitResponse.queuing.queueLengthLimit"),
        Age=_age,
    ),
    (_ADMISSION, "MutatingWebhookConfiguration"): _made(Webhooks=_count("webhooks"), Age=_age),
    (_ADMISSION, "ValidatingWebhookConfiguration"): _made(Webhooks=_count("webhooks"), Age=_age),
    (_ADMISSION, "ValidatingAdmissionPolicy"): _made(
        Validations=_count("spec.validations"), ParamKind=_param_kind, Age=_age
    ),
    (_ADMISSION, "ValidatingAdmissionPolicyBinding"): _made(
        PolicyName=_at("spec.policyName"), ParamRef=_text("spec.paramRef.name", _UNSET), Age=_age
    ),
    (_ADMISSION, "MutatingAdmissionPolicy"): _made(Mutations=_count("spec.mutations"), ParamKind=_param_kind, Age=_age),
    (_ADMISSION, "MutatingAdmissionPolicyBinding"): _made(
        PolicyName=_at("spec.policyName"), ParamRef=_text("spec.paramRef.name", _UNSET), Age=_age
    ),
    ("apiregistration.k8s.io", "APIService"): _made(Service=_service_of_api, Available=_available, Age=_age),
    ("resource.k8s.io", "ResourceClaim"): _made(State=_claim_state, Age=_age),
    ("resource.k8s.io", "ResourceSlice"): _made(
        Node=_text("spec.nodeName"), Driver=_at("spec.driver"), Pool=_at("spec.pool.name"), Age=_age
    ),
}


def builtin_columns(group: str, kind: str) -> tuple[list[Obj], Cells] | None:
    """Column definitions and the cells of a row of a built-in kind; None for other kinds."""
    return BUILTIN.get((group, kind)) or MORE.get((group, kind))
