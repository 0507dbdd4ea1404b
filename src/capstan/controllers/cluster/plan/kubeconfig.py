"""Decides when a Cluster gets its kubeconfig from Capstan: only when no control plane object is there to write it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from capstan.api.cluster.names import KUBECONFIG_SUFFIX
from capstan.api.objects import Key
from capstan.api.rules.certificates import Authority
from capstan.controllers.cluster.plan.progress import has_endpoint
from capstan.controllers.cluster.snapshot import ClusterSnapshot
from capstan.runtime.plan import Action, Waiting

CA_SUFFIX = "-ca"


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueKubeconfig(Action):
    """Write the Secret `<cluster>-kubeconfig` with a new administrators' certificate of `authority`. A Secret that
    is there meanwhile stays. `uid` is the Cluster's, `server` where its API is, `now` when the
    certificate begins."""

    cluster: Key
    uid: str
    server: str
    now: datetime
    authority: Authority = field(repr=False)

    @property
    def summary(self) -> str:
        return f"create Secret {self.cluster.name}{KUBECONFIG_SUFFIX}"


def plan_kubeconfig(snapshot: ClusterSnapshot) -> tuple[IssueKubeconfig, ...]:
    """Once there is an endpoint and the CA's Secret, and nobody wrote a kubeconfig."""
    if not _is_ours(snapshot) or snapshot.has_kubeconfig or snapshot.authority is None:
        return ()
    meta, endpoint = snapshot.cluster.metadata, snapshot.cluster.spec.control_plane_endpoint
    host = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
    action = IssueKubeconfig(
        cluster=Key(meta.namespace, meta.name),
        uid=meta.uid,
        server=f"https://{host}:{endpoint.port}",
        now=snapshot.now,
        authority=snapshot.authority,
        reason=f"Cluster {meta.name} has an endpoint and a CA, and no control plane object that would write it",
    )
    return (action,)


def waiting_for_kubeconfig(snapshot: ClusterSnapshot) -> tuple[Waiting, ...]:
    """The CA's Secret is somebody else's to bring, with the machines that use it."""
    if not _is_ours(snapshot) or snapshot.has_kubeconfig or snapshot.authority is not None:
        return ()
    name = snapshot.cluster.metadata.name
    text = (
        f"Cluster waits for Secret {name}{CA_SUFFIX} (keys tls.crt and tls.key), from which it makes Secret "
        f"{name}{KUBECONFIG_SUFFIX}; without a control plane object, somebody else has to create either"
    )
    if snapshot.authority_problem:
        text = f"Cluster cannot make Secret {name}{KUBECONFIG_SUFFIX}: {snapshot.authority_problem}"
    return (Waiting("RemoteConnectionProbe", "KubeconfigMissing", text),)


def _is_ours(snapshot: ClusterSnapshot) -> bool:
    return snapshot.cluster.spec.control_plane_ref is None and has_endpoint(snapshot.cluster)
