"""Decides the next step of one TalosConfig (talos.md 2.1): secrets of the cluster, data of the machine, talosconfig."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from capstan.api.bootstrap.names import OLD_FINALIZER
from capstan.api.cluster.cluster import Cluster
from capstan.api.meta import OwnerReference
from capstan.api.rules.conditions import find_condition
from capstan.api.rules.owners import drop_finalizer, owner_reference
from capstan.providers.talos.config.contract import Contract, parse_contract
from capstan.providers.talos.config.errors import ConfigError
from capstan.providers.talos.config.render import RenderInput, find_problem
from capstan.providers.talos.names import BOOTSTRAP_DATA_SUFFIX, SECRETS, marked_secret
from capstan.providers.talos.talosconfig.inputs import GENERATED_TYPES, render_inputs
from capstan.providers.talos.talosconfig.snapshot import RESOURCE, TalosConfigSnapshot
from capstan.runtime.plan import Action, Emit, Plan, Update, Waiting

DATA_SECRET_AVAILABLE = "DataSecretAvailable"
CLIENT_CONFIG_AVAILABLE = "ClientConfigAvailable"
#: A clock may be set: certificates are not left alone for longer than this.
LOOK_SECONDS = 12 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class EnsureClusterSecrets(Action):
    """Make the cluster's secrets bundle unless it exists, and write down its Kubernetes CA."""

    cluster: Cluster = field(repr=False)
    contract: Contract
    now: datetime

    @property
    def summary(self) -> str:
        return f"ensure the secrets of Cluster {self.cluster.metadata.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteBootstrapData(Action):
    """Render the machine configuration and keep it as a Secret. One that is there already is never changed."""

    cluster: Cluster = field(repr=False)
    name: str
    owner: OwnerReference
    inputs: RenderInput = field(repr=False)

    @property
    def summary(self) -> str:
        return f"write Secret {self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteTalosconfig(Action):
    """Write the cluster's talosconfig; its certificate is kept while more than half of its life is left."""

    cluster: Cluster = field(repr=False)
    endpoints: tuple[str, ...]
    now: datetime

    @property
    def summary(self) -> str:
        return f"write the talosconfig of Cluster {self.cluster.metadata.name}"


def plan(snapshot: TalosConfigSnapshot) -> Plan:
    """What exists is adopted before anything is made, and made only once."""
    if snapshot.deleting:
        return _deletion(snapshot)
    if snapshot.machine is None or snapshot.cluster is None or snapshot.paused:
        return Plan(snapshot.subject, waiting_on=_missing(snapshot))
    if snapshot.data_written:
        actions = (*_collisions(snapshot), *_data_secret_marks(snapshot), *_client_config(snapshot))
        return Plan(snapshot.subject, actions, requeue_after=_until_renewal(snapshot))
    if snapshot.adopted_secret:
        return Plan(snapshot.subject)
    if snapshot.infrastructure_problem:
        waiting = Waiting(DATA_SECRET_AVAILABLE, "NotAvailable", snapshot.infrastructure_problem)
        return Plan(snapshot.subject, waiting_on=(waiting,))
    return _generation(snapshot)


def find_config_error(snapshot: TalosConfigSnapshot) -> ConfigError | None:
    """Why no configuration can be made of this spec; None when one can."""
    try:
        inputs = render_inputs(snapshot)
    except ConfigError as error:
        return error
    return find_problem(inputs)


def data_secret_name(snapshot: TalosConfigSnapshot) -> str:
    """The Secret of the Machine's data: the one that it has, else the one that is made for it."""
    machine = snapshot.machine
    own = f"{machine.metadata.name}{BOOTSTRAP_DATA_SUFFIX}" if machine else ""
    return snapshot.config.status.data_secret_name or snapshot.adopted_secret or own


def _deletion(snapshot: TalosConfigSnapshot) -> Plan:
    config = snapshot.config
    if OLD_FINALIZER not in config.metadata.finalizers:
        return Plan(snapshot.subject)
    after = drop_finalizer(config, OLD_FINALIZER)
    reason = "nothing has to be cleaned up"
    return Plan(snapshot.subject, (Update(resource=RESOURCE, before=config, after=after, reason=reason),))


def _missing(snapshot: TalosConfigSnapshot) -> tuple[Waiting, ...]:
    if snapshot.paused:
        return ()
    if snapshot.machine is None:
        text = "Waiting for a Machine that refers to this TalosConfig in spec.bootstrap.configRef"
    else:
        text = f"Waiting for Cluster {snapshot.cluster_name}, which does not exist"
    return (Waiting(DATA_SECRET_AVAILABLE, "NotAvailable", text),)


def _generation(snapshot: TalosConfigSnapshot) -> Plan:
    problem = find_config_error(snapshot)
    if problem is not None:
        return _refusal(snapshot, str(problem))
    config, machine, cluster = snapshot.config, snapshot.machine, snapshot.cluster
    assert machine is not None and cluster is not None
    actions: list[Action] = []
    if config.spec.generate_type in GENERATED_TYPES and not snapshot.secrets_ready:
        actions.append(
            EnsureClusterSecrets(
                cluster=cluster,
                contract=parse_contract(config.spec.talos_version),
                now=snapshot.now,
                reason="all machines of the cluster share them",
            )
        )
    actions.append(
        WriteBootstrapData(
            cluster=cluster,
            name=data_secret_name(snapshot),
            owner=_owner(snapshot),
            inputs=render_inputs(snapshot),
            reason=f"Machine {machine.metadata.name} boots with it",
        )
    )
    actions.extend(_collisions(snapshot))
    return Plan(snapshot.subject, tuple(actions), final=not snapshot.is_control_plane)


def _collisions(snapshot: TalosConfigSnapshot) -> Iterator[Emit]:
    """Each once: the condition remembers what was told."""
    known = find_condition(snapshot.config.status.conditions, DATA_SECRET_AVAILABLE)
    for text in snapshot.collisions:
        if known is None or text not in known.message.split("; "):
            yield Emit(name="AddressInUse", type="Warning", reason=text)


def _refusal(snapshot: TalosConfigSnapshot, why: str) -> Plan:
    """Nothing is tried until the spec is another one; told once."""
    known = find_condition(snapshot.config.status.conditions, DATA_SECRET_AVAILABLE)
    told = known is not None and known.message == why
    emit = Emit(name="InvalidConfiguration", type="Warning", reason=why)
    waiting = Waiting(DATA_SECRET_AVAILABLE, "InternalError", why)
    return Plan(snapshot.subject, () if told else (emit,), (waiting,))


def _data_secret_marks(snapshot: TalosConfigSnapshot) -> Iterator[Action]:
    """Owner and label that were stripped, as a restore does, come back; what is in the Secret stays."""
    secret = snapshot.data_secret
    if secret is None:
        return
    after = marked_secret(secret, snapshot.cluster_name, _owner(snapshot))
    if after is not secret:
        reason = f"Secret {secret.metadata.name} belongs to TalosConfig {snapshot.config.metadata.name}"
        yield Update(resource=SECRETS, before=secret, after=after, reason=reason)


def _owner(snapshot: TalosConfigSnapshot) -> OwnerReference:
    return owner_reference(RESOURCE.api_version, RESOURCE.kind, snapshot.config.metadata, controller=True)


def _until_renewal(snapshot: TalosConfigSnapshot) -> float | None:
    """Nothing happens when a certificate grows old, so it is looked at: when it is due, or a new one is there."""
    if not snapshot.is_control_plane or snapshot.client_config is None:
        return None
    left = snapshot.client_config.seconds_until_due(snapshot.now)
    return min(max(left, 1.0), LOOK_SECONDS)


def _client_config(snapshot: TalosConfigSnapshot) -> tuple[Action, ...]:
    cluster, found = snapshot.cluster, snapshot.client_config
    if cluster is None or cluster.metadata.deletion_timestamp is not None or not snapshot.is_control_plane:
        return ()
    if found is None:
        reason = "there is none yet"
    elif found.endpoints != snapshot.endpoints:
        reason = "the control plane has other addresses"
    elif found.is_due(snapshot.now):
        reason = "less than half of its certificate's life is left"
    else:
        return ()
    write = WriteTalosconfig(cluster=cluster, endpoints=snapshot.endpoints, now=snapshot.now, reason=reason)
    if found is None or not found.is_due(snapshot.now):
        return (write,)
    text = f"Renewed the talosconfig of Cluster {cluster.metadata.name}; its CA is the same"
    return (write, Emit(name="TalosconfigRenewed", reason=text))
