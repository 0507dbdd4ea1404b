"""Which built-in kinds there are: their names, versions, scope, subresources and field selectors. Pure.

A line is `groupVersion Kind plural` and what follows: `!` marks a kind of the whole cluster, `short=`, `cat=` its
short names and categories, `sub=` its subresources, `fields=` its field selectors besides name and namespace,
`gen` that it has a generation, `upsert` that a PUT creates it, `born` that it is created together with its status,
`alone` that a write of its status changes nothing of its metadata,
`free` that its names need only be fit for a path.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

#: API group -> the table of its messages.
TABLES: Final[Mapping[str, str]] = {
    "": "core",
    "apps": "apps",
    "batch": "batch",
    "autoscaling": "autoscaling",
    "policy": "policy",
    "networking.k8s.io": "networking",
    "discovery.k8s.io": "discovery",
    "coordination.k8s.io": "coordination",
    "events.k8s.io": "events",
    "storage.k8s.io": "storage",
    "scheduling.k8s.io": "scheduling",
    "node.k8s.io": "node",
    "certificates.k8s.io": "certificates",
    "flowcontrol.apiserver.k8s.io": "flowcontrol",
    "admissionregistration.k8s.io": "admissionregistration",
    "apiregistration.k8s.io": "apiregistration",
    "rbac.authorization.k8s.io": "rbac",
    "storagemigration.k8s.io": "storagemigration",
    "resource.k8s.io": "resource",
    "authentication.k8s.io": "authentication",
    "authorization.k8s.io": "authorization",
    "apiextensions.k8s.io": "apiextensions",
    "meta.k8s.io": "meta",
}

#: The order in which discovery shows groups: kubectl takes the first that has a short name. Others follow by name.
GROUP_ORDER: Final = (
    "apiregistration.k8s.io",
    "apps",
    "events.k8s.io",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "networking.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "storage.k8s.io",
    "storagemigration.k8s.io",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "scheduling.k8s.io",
    "coordination.k8s.io",
    "node.k8s.io",
    "discovery.k8s.io",
    "flowcontrol.apiserver.k8s.io",
    "resource.k8s.io",
)

_EVENT_FIELDS: Final = (
    "involvedObject.kind,involvedObject.namespace,involvedObject.name,involvedObject.uid,involvedObject.apiVersion,"
    "involvedObject.resourceVersion,involvedObject.fieldPath,reason,reportingComponent,source,type"
)

_KINDS: Final = f"""\
v1 Namespace namespaces ! short=ns sub=status,finalize fields=status.phase
v1 ConfigMap configmaps short=cm
v1 Secret secrets fields=type
v1 ServiceAccount serviceaccounts short=sa
v1 Event events short=ev upsert fields={_EVENT_FIELDS}
v1 Node nodes ! short=no sub=status born fields=spec.unschedulable
v1 Pod pods short=po cat=all sub=status fields=spec.nodeName,spec.restartPolicy,spec.schedulerName,\
spec.serviceAccountName,spec.hostNetwork,status.phase,status.podIP,status.podIPs,status.nominatedNodeName gen
v1 PodTemplate podtemplates gen
v1 Service services short=svc cat=all sub=status fields=spec.clusterIP,spec.type
v1 Endpoints endpoints short=ep upsert
v1 PersistentVolume persistentvolumes ! short=pv sub=status
v1 PersistentVolumeClaim persistentvolumeclaims short=pvc sub=status
v1 ReplicationController replicationcontrollers short=rc cat=all sub=scale,status fields=status.replicas gen
v1 ResourceQuota resourcequotas short=quota sub=status
v1 LimitRange limitranges short=limits upsert
apps/v1 ControllerRevision controllerrevisions
apps/v1 DaemonSet daemonsets short=ds cat=all sub=status gen
apps/v1 Deployment deployments short=deploy cat=all sub=scale,status gen
apps/v1 ReplicaSet replicasets short=rs cat=all sub=scale,status fields=status.replicas gen
apps/v1 StatefulSet statefulsets short=sts cat=all sub=scale,status gen
batch/v1 CronJob cronjobs short=cj cat=all sub=status gen
batch/v1 Job jobs cat=all sub=status fields=status.successful gen
autoscaling/v2 HorizontalPodAutoscaler horizontalpodautoscalers short=hpa cat=all sub=status
policy/v1 PodDisruptionBudget poddisruptionbudgets short=pdb sub=status gen
networking.k8s.io/v1 Ingress ingresses short=ing sub=status gen
networking.k8s.io/v1 IngressClass ingressclasses ! gen
networking.k8s.io/v1 NetworkPolicy networkpolicies short=netpol gen
networking.k8s.io/v1 IPAddress ipaddresses ! short=ip free
networking.k8s.io/v1 ServiceCIDR servicecidrs ! sub=status
discovery.k8s.io/v1 EndpointSlice endpointslices gen
coordination.k8s.io/v1 Lease leases upsert
storage.k8s.io/v1 StorageClass storageclasses ! short=sc
storage.k8s.io/v1 CSIDriver csidrivers !
storage.k8s.io/v1 CSINode csinodes !
storage.k8s.io/v1 CSIStorageCapacity csistoragecapacities
storage.k8s.io/v1 VolumeAttachment volumeattachments ! sub=status
storage.k8s.io/v1 VolumeAttributesClass volumeattributesclasses ! short=vac
scheduling.k8s.io/v1 PriorityClass priorityclasses ! short=pc gen
node.k8s.io/v1 RuntimeClass runtimeclasses !
certificates.k8s.io/v1 CertificateSigningRequest certificatesigningrequests ! short=csr sub=approval,status \
fields=spec.signerName
certificates.k8s.io/v1 ClusterTrustBundle clustertrustbundles ! free fields=spec.signerName
flowcontrol.apiserver.k8s.io/v1 FlowSchema flowschemas ! sub=status gen alone
flowcontrol.apiserver.k8s.io/v1 PriorityLevelConfiguration prioritylevelconfigurations ! sub=status gen alone
admissionregistration.k8s.io/v1 MutatingWebhookConfiguration mutatingwebhookconfigurations ! cat=api-extensions gen
admissionregistration.k8s.io/v1 ValidatingWebhookConfiguration validatingwebhookconfigurations ! cat=api-extensions gen
admissionregistration.k8s.io/v1 ValidatingAdmissionPolicy validatingadmissionpolicies ! cat=api-extensions sub=status \
gen alone
admissionregistration.k8s.io/v1 ValidatingAdmissionPolicyBinding validatingadmissionpolicybindings ! \
cat=api-extensions gen
admissionregistration.k8s.io/v1 MutatingAdmissionPolicy mutatingadmissionpolicies ! cat=api-extensions gen
admissionregistration.k8s.io/v1 MutatingAdmissionPolicyBinding mutatingadmissionpolicybindings ! cat=api-extensions gen
apiregistration.k8s.io/v1 APIService apiservices ! free cat=api-extensions sub=status
rbac.authorization.k8s.io/v1 Role roles upsert free
rbac.authorization.k8s.io/v1 RoleBinding rolebindings upsert free
rbac.authorization.k8s.io/v1 ClusterRole clusterroles ! upsert free
rbac.authorization.k8s.io/v1 ClusterRoleBinding clusterrolebindings ! upsert free
storagemigration.k8s.io/v1 StorageVersionMigration storageversionmigrations ! sub=status gen alone
resource.k8s.io/v1 DeviceClass deviceclasses ! gen
resource.k8s.io/v1 ResourceClaim resourceclaims sub=status
resource.k8s.io/v1 ResourceClaimTemplate resourceclaimtemplates
resource.k8s.io/v1 ResourceSlice resourceslices ! fields=spec.nodeName,spec.driver gen
"""


@dataclass(frozen=True, slots=True)
class BuiltinKind:
    """One kind as Kubernetes serves it. `subresources` are those besides the object itself."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool = True
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    generation: bool = False
    upsert: bool = False
    born_with_status: bool = False
    status_only: bool = False
    free_names: bool = False

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def message(self) -> str:
        """The name of its message."""
        table = TABLES[self.group]
        return f"{table}_v2.{self.kind}" if self.api_version == "autoscaling/v2" else f"{table}.{self.kind}"


@cache
def builtin_kinds() -> tuple[BuiltinKind, ...]:
    """All of them, each in the version that is kept."""
    return tuple(_kind(line.split()) for line in _KINDS.splitlines())


@cache
def _by_name() -> Mapping[tuple[str, str], BuiltinKind]:
    return {(kind.group, kind.kind): kind for kind in builtin_kinds()}


def builtin_kind(group: str, kind: str) -> BuiltinKind | None:
    return _by_name().get((group, kind))


def _kind(words: list[str]) -> BuiltinKind:
    group_version, kind, plural, *rest = words
    group, _, version = group_version.rpartition("/")
    given = {name: tuple(value.split(",")) for name, _, value in (word.partition("=") for word in rest)}
    return BuiltinKind(
        group=group,
        version=version,
        kind=kind,
        plural=plural,
        namespaced="!" not in given,
        short_names=given.get("short", ()),
        categories=given.get("cat", ()),
        subresources=given.get("sub", ()),
        fields=given.get("fields", ()),
        generation="gen" in given,
        upsert="upsert" in given,
        born_with_status="born" in given,
        status_only="alone" in given,
        free_names="free" in given,
    )
