"""The conditions of a Machine that are merged or mirrored: providers, Ready, Available, UpToDate, Deleting (2.8)."""

from __future__ import annotations

from datetime import timedelta

from capstan.api.cluster.difference import template_differences
from capstan.api.cluster.machine import MachineStatus
from capstan.api.cluster.machineconditions import delay_text, drain_delays
from capstan.api.meta import Condition
from capstan.api.rules.conditions import (
    FALSE,
    TRUE,
    Priority,
    Reasons,
    find_condition,
    ranking,
    summarize,
)
from capstan.api.rules.progress import Mirrored, external_condition
from capstan.controllers.machine.plan.drain.eviction import Evictions, EvictPods, drain_message
from capstan.controllers.machine.plan.drain.stage import Stage
from capstan.controllers.machine.plan.inplace import (
    UpdateMachine,
    is_update_due,
    is_update_pending,
    is_updating,
    unmarked,
    update_trouble,
)
from capstan.controllers.machine.snapshot import MachineSnapshot
from capstan.runtime.plan import Outcomes
from capstan.runtime.updater import UpdateInProgressError

_BOOTSTRAP = Mirrored(
    "BootstrapConfigReady",
    "Ready",
    "Ready",
    "NotReady",
    "status.initialization.dataSecretCreated",
    "Machine",
    lasting=False,
)
_INFRASTRUCTURE = Mirrored(
    "InfrastructureReady", "Ready", "Ready", "NotReady", "status.initialization.provisioned", "Machine"
)
_SUMMARIZED = (
    "Deleting",
    "Updating",
    "BootstrapConfigReady",
    "InfrastructureReady",
    "NodeHealthy",
    "HealthCheckSucceeded",
)
#: The reasons by which a condition says that something is gone.
_GONE = {
    "BootstrapConfigReady": ("ObjectDeleted", "ObjectDoesNotExist"),
    "InfrastructureReady": ("ObjectDeleted", "ObjectDoesNotExist"),
    "NodeHealthy": ("NodeDeleted", "NodeDoesNotExist"),
}
_UPDATING = "In-place update in progress"
#: What conditions of control plane components begin with; etcd's pod is one, etcd's member is not.
_CONTROL_PLANE_PODS = ("* APIServer", "* ControllerManager", "* Scheduler", "* EtcdPodHealthy:")


def provider_conditions(snapshot: MachineSnapshot, status: MachineStatus) -> tuple[Condition, Condition]:
    """BootstrapConfigReady and InfrastructureReady."""
    infrastructure = external_condition(
        _INFRASTRUCTURE,
        snapshot.infrastructure,
        done=status.initialization.infrastructure_provisioned is True,
        was_done=snapshot.machine.status.initialization.infrastructure_provisioned is True,
        deleting=snapshot.deleting,
    )
    if snapshot.bootstrap is None:
        if snapshot.machine.spec.bootstrap.data_secret_name is not None:
            return Condition(type="BootstrapConfigReady", status=TRUE, reason="DataSecretProvided"), infrastructure
        message = "Neither spec.bootstrap.configRef nor spec.bootstrap.dataSecretName is set"
        missing = Condition(type="BootstrapConfigReady", status=FALSE, reason="NotReady", message=message)
        return missing, infrastructure
    bootstrap = external_condition(
        _BOOTSTRAP,
        snapshot.bootstrap,
        done=status.initialization.bootstrap_data_secret_created is True,
        was_done=snapshot.machine.status.initialization.bootstrap_data_secret_created is True,
        deleting=snapshot.deleting,
    )
    return bootstrap, infrastructure


def deleting_condition(snapshot: MachineSnapshot, stage: Stage | None, outcomes: Outcomes) -> Condition:
    """Where the deletion stands, and what went wrong with its last step."""
    if stage is None:
        return Condition(type="Deleting", status=FALSE, reason="NotDeleting")
    message = f"{stage.message}: {outcomes.error}" if outcomes.error is not None else stage.message
    evictions = [o.result for o in outcomes.of(EvictPods) if o.done and isinstance(o.result, Evictions)]
    if stage.round is not None and evictions:
        message = drain_message(stage.round, evictions[0], snapshot.machine.status.deletion.node_drain_start_time)
    return Condition(type="Deleting", status=TRUE, reason=stage.reason, message=message)


def updating_condition(snapshot: MachineSnapshot, outcomes: Outcomes) -> Condition:
    """How far an update in place is: from the first mark of it until the last is gone."""
    machine = snapshot.machine
    asked = outcomes.of(UpdateMachine)
    if (asked and asked[0].done) or not (is_updating(machine) or is_update_pending(machine)):
        return Condition(type="Updating", status=FALSE, reason="NotUpdating")
    if snapshot.deleting or not is_update_due(snapshot):
        return Condition(type="Updating", status=TRUE, reason="InPlaceUpdating", message=_UPDATING)
    if trouble := update_trouble(snapshot):
        return Condition(type="Updating", status=TRUE, reason="InPlaceUpdateFailed", message=trouble)
    error = asked[0].error if asked else None
    if error is not None and not isinstance(error, UpdateInProgressError):
        text = "UpdateMachine hook failed: please check controller logs for errors"
        return Condition(type="Updating", status=TRUE, reason="InPlaceUpdateFailed", message=text)
    waits = unmarked(snapshot)
    said = str(error or "") or (f"waiting for {waits}" if waits else "")
    message = _UPDATING + (f": {said}" if said else "")
    return Condition(type="Updating", status=TRUE, reason="InPlaceUpdating", message=message)


def ready_condition(
    snapshot: MachineSnapshot, conditions: tuple[Condition, ...], stage: Stage | None, deleting: Condition
) -> Condition:
    """The summary; on the way out, what is rightly gone is no issue."""
    gates = snapshot.machine.spec.readiness_gates
    negative = ["Deleting", "Updating", *(g.condition_type for g in gates if g.polarity == "Negative")]
    default = ranking(negative)

    def rank(condition: Condition) -> Priority:
        gone = condition.reason in _GONE.get(condition.type, ())
        return Priority.INFO if stage is not None and gone else default(condition)

    return summarize(
        conditions,
        "Ready",
        [*_SUMMARIZED, *(g.condition_type for g in gates)],
        ignore_if_missing=["HealthCheckSucceeded"],
        overrides=_deleting_override(snapshot, stage, deleting),
        reasons=Reasons("NotReady", "ReadyUnknown", "Ready"),
        rank=rank,
        transform=_collapse_control_plane,
    )


def _deleting_override(snapshot: MachineSnapshot, stage: Stage | None, deleting: Condition) -> dict[str, Condition]:
    since = snapshot.machine.metadata.deletion_timestamp
    if stage is None or since is None:
        return {}
    long = " since more than 15m" if snapshot.now - since > timedelta(minutes=15) else ""
    delays = delay_text(drain_delays(snapshot.machine, deleting, snapshot.now))
    message = f"Machine deletion in progress{long}, stage: {stage.reason}{delays}"
    return {"Deleting": Condition(type="Deleting", status=TRUE, reason="Deleting", message=message)}


def _collapse_control_plane(lines: list[str]) -> list[str]:
    """Control plane components that all say the same say it once."""
    pods = [line for line in lines if line.startswith(_CONTROL_PLANE_PODS)]
    said = {line.partition(":")[2] for line in pods}
    if len(pods) < 2 or len(said) != 1:
        return lines
    first = lines.index(pods[0])
    rest = [line for line in lines if line not in pods]
    return [*rest[:first], f"* Control plane components:{said.pop()}", *rest[first:]]


def available_condition(snapshot: MachineSnapshot, conditions: tuple[Condition, ...]) -> Condition:
    """Ready for at least `minReadySeconds`."""
    ready = find_condition(conditions, "Ready")
    if ready is None or ready.status != TRUE:
        return Condition(type="Available", status=FALSE, reason="NotReady")
    needed = timedelta(seconds=snapshot.machine.spec.min_ready_seconds or 0)
    since = ready.last_transition_time or snapshot.now
    if needed and snapshot.now - since < needed:
        return Condition(type="Available", status=FALSE, reason="WaitingForMinReadySeconds")
    return Condition(type="Available", status=TRUE, reason="Available")


def up_to_date_condition(snapshot: MachineSnapshot, updating: Condition) -> Condition | None:
    """Whether the Machine is as its MachineDeployment wants it, `updating` or not. None leaves the condition to others:
    control plane providers, and whoever manages stand-alone machines and sets."""
    machine_set, deployment = snapshot.machine_set, snapshot.deployment
    if machine_set is None or deployment is None:
        return None
    lines = template_differences(machine_set.spec.template.spec, deployment.spec.template.spec)
    after = deployment.spec.rollout.after
    created = machine_set.metadata.creation_timestamp
    if after is not None and after <= snapshot.now and (created is None or created < after):
        lines.append("* MachineDeployment spec.rolloutAfter expired")
    if lines:
        return Condition(type="UpToDate", status=FALSE, reason="NotUpToDate", message="\n".join(lines))
    if updating.status == TRUE or is_updating(snapshot.machine):
        return Condition(type="UpToDate", status=FALSE, reason="Updating", message=f"* {updating.message or _UPDATING}")
    node_info = snapshot.node.status.node_info if snapshot.node else snapshot.machine.status.node_info
    wanted = snapshot.machine.spec.version
    if node_info is not None and wanted and node_info.kubelet_version and node_info.kubelet_version != wanted:
        text = f"* Node.status.nodeInfo.kubeletVersion {node_info.kubelet_version}, {wanted} required"
        return Condition(type="UpToDate", status=FALSE, reason="Updating", message=text)
    return Condition(type="UpToDate", status=TRUE, reason="UpToDate")
