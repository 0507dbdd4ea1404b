"""Defaults and rules of the core kinds, as tables: what is written, what is stored or refused."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from capstan.api.cluster.admission import (
    admit_cluster,
    admit_machine,
    admit_machine_deployment,
    admit_machine_health_check,
    admit_machine_set,
)
from capstan.api.kinds import Admission, AdmissionRequest
from capstan.api.objects import Obj
from capstan.api.rules.fields import value_at, with_value

REF = {"apiGroup": "infrastructure.cluster.x-k8s.io", "kind": "ProxmoxMachineTemplate", "name": "t"}
CONFIG = {"apiGroup": "bootstrap.cluster.x-k8s.io", "kind": "TalosConfigTemplate", "name": "c"}
CLUSTER_NAME = "cluster.x-k8s.io/cluster-name"
MIN = "cluster.x-k8s.io/cluster-api-autoscaler-node-group-min-size"
MAX = "cluster.x-k8s.io/cluster-api-autoscaler-node-group-max-size"


def machine_spec() -> Obj:
    return {"clusterName": "lab", "version": "1.33.1", "bootstrap": {"configRef": CONFIG}, "infrastructureRef": REF}


def machine() -> Obj:
    return {"metadata": {"name": "m"}, "spec": machine_spec()}


def group() -> Obj:
    """A MachineSet or MachineDeployment as a user writes it, with an empty selector."""
    template = {"spec": machine_spec()}
    return {"metadata": {"name": "md"}, "spec": {"clusterName": "lab", "selector": {}, "template": template}}


def cluster() -> Obj:
    return {"metadata": {"name": "lab"}, "spec": {"infrastructureRef": REF, "controlPlaneRef": CONFIG}}


def health_check() -> Obj:
    spec = {"clusterName": "lab", "selector": {"matchLabels": {"pool": "a"}}}
    return {"metadata": {"name": "mhc"}, "spec": spec}


Admit = Callable[[AdmissionRequest], Admission]
MAKERS: dict[Admit, Callable[[], Obj]] = {
    admit_machine: machine,
    admit_machine_set: group,
    admit_machine_deployment: group,
    admit_cluster: cluster,
    admit_machine_health_check: health_check,
}


def create(admit: Admit, *changes: tuple[str, Any]) -> Admission:
    return admit(AdmissionRequest("CREATE", None, changed(MAKERS[admit](), *changes)))


def update(admit: Admit, *changes: tuple[str, Any]) -> Admission:
    """An update of an object that went through admission before."""
    old = create(admit).object
    assert old is not None
    return admit(AdmissionRequest("UPDATE", old, changed(old, *changes)))


def changed(obj: Obj, *changes: tuple[str, Any]) -> Obj:
    for path, value in changes:
        obj = with_value(obj, path, value)
    return obj


@pytest.mark.parametrize(
    ("admit", "field", "stored"),
    [
        (admit_machine, "spec.version", "v1.33.1"),
        (admit_machine, "spec.deletion.nodeDeletionTimeoutSeconds", 10),
        (admit_machine, "metadata.labels", {CLUSTER_NAME: "lab"}),
        (admit_machine_health_check, "metadata.labels", {CLUSTER_NAME: "lab"}),
        (admit_machine_health_check, "spec.checks.nodeStartupTimeoutSeconds", 600),
        (admit_machine_set, "spec.replicas", 1),
        (admit_machine_set, "spec.selector.matchLabels", {"cluster.x-k8s.io/set-name": "md"}),
        (admit_machine_set, "spec.template.metadata.labels", {"cluster.x-k8s.io/set-name": "md"}),
        (admit_machine_set, "spec.template.spec.version", "v1.33.1"),
        (admit_machine_deployment, "metadata.labels", {CLUSTER_NAME: "lab"}),
        (admit_machine_deployment, "spec.replicas", 1),
        (
            admit_machine_deployment,
            "spec.selector.matchLabels",
            {CLUSTER_NAME: "lab", "cluster.x-k8s.io/deployment-name": "md"},
        ),
        (
            admit_machine_deployment,
            "spec.template.metadata.labels",
            {CLUSTER_NAME: "lab", "cluster.x-k8s.io/deployment-name": "md"},
        ),
        (
            admit_machine_deployment,
            "spec.rollout.strategy",
            {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
        ),
    ],
)
def test_defaults(admit: Admit, field: str, stored: Any) -> None:
    admission = create(admit)
    assert admission.causes == ()
    assert value_at(admission.object, field) == stored


@pytest.mark.parametrize("admit", list(MAKERS))
def test_input_is_not_changed_and_defaults_settle(admit: Admit) -> None:
    given = MAKERS[admit]()
    before = copy.deepcopy(given)
    first = admit(AdmissionRequest("CREATE", None, given)).object
    assert given == before
    assert first is not None
    again = admit(AdmissionRequest("UPDATE", first, {**first, "spec": dict(first["spec"])}))
    assert again == Admission(first)


def test_own_selector_is_kept_and_bound_to_the_cluster() -> None:
    own = {"pool": "a"}
    changes = ("spec.selector.matchLabels", own), ("spec.template.metadata.labels", own)
    stored = create(admit_machine_deployment, *changes).object
    assert value_at(stored, "spec.selector.matchLabels") == {"pool": "a", CLUSTER_NAME: "lab"}
    assert value_at(create(admit_machine_set, *changes).object, "spec.selector.matchLabels") == own


def test_on_delete_strategy_gets_no_rolling_update() -> None:
    stored = create(admit_machine_deployment, ("spec.rollout.strategy.type", "OnDelete")).object
    assert value_at(stored, "spec.rollout.strategy") == {"type": "OnDelete"}


def test_long_set_name_becomes_a_hash_in_labels() -> None:
    stored = create(admit_machine_set, ("metadata.name", "n" * 70))
    assert stored.causes == ()
    label = value_at(stored.object, "spec.selector.matchLabels")["cluster.x-k8s.io/set-name"]
    assert label.startswith("hash_") and label.endswith("_z")


@pytest.mark.parametrize(
    ("old", "annotations", "stored"),
    [
        (None, {}, 1),
        (None, {MIN: "3", MAX: "5"}, 3),
        (None, {MIN: "3"}, 1),
        (2, {MIN: "3", MAX: "5"}, 3),
        (4, {MIN: "3", MAX: "5"}, 4),
        (9, {MIN: "3", MAX: "5"}, 5),
        (4, {}, 1),
    ],
)
@pytest.mark.parametrize("admit", [admit_machine_set, admit_machine_deployment])
def test_replicas_default(admit: Admit, old: int | None, annotations: dict[str, str], stored: int) -> None:
    new = changed(group(), ("metadata.annotations", annotations))
    before = None if old is None else changed(group(), ("spec.replicas", old))
    admission = admit(AdmissionRequest("CREATE" if before is None else "UPDATE", before, new))
    assert value_at(admission.object, "spec.replicas") == stored


def test_given_replicas_win() -> None:
    stored = create(admit_machine_deployment, ("spec.replicas", 0), ("metadata.annotations", {MIN: "3", MAX: "5"}))
    assert value_at(stored.object, "spec.replicas") == 0


TEMPLATE_SPEC = "spec.template.spec"

REFUSED_ON_CREATE: list[tuple[Admit, tuple[str, Any], str, str]] = [
    (admit_machine, ("spec.version", "v1.33"), "spec.version", 'Invalid value: "v1.33": must be a valid semantic'),
    (
        admit_machine,
        ("spec.bootstrap", {}),
        "spec.bootstrap",
        "Required value: expected either spec.bootstrap.dataSecretName or spec.bootstrap.configRef to be populated",
    ),
    (
        admit_machine,
        ("spec.taints", [{"key": "node.cluster.x-k8s.io/uninitialized", "effect": "NoSchedule"}]),
        "spec.taints[0].key",
        "taint key is not allowed",
    ),
    (
        admit_machine,
        ("spec.taints", [{"key": "a"}, {"key": "node-role.kubernetes.io/control-plane"}]),
        "spec.taints[1].key",
        "taint is not allowed for worker Machines",
    ),
    (
        admit_machine_set,
        (f"{TEMPLATE_SPEC}.clusterName", "other"),
        "spec.clusterName",
        "spec.clusterName and spec.template.spec.clusterName must be set to the same value",
    ),
    (
        admit_machine_set,
        ("spec.selector", {"matchLabels": {"a": "b"}}),
        "spec.template.metadata.labels",
        'Invalid value: {}: must match spec.selector "a=b"',
    ),
    (
        admit_machine_deployment,
        ("spec.selector", {"matchLabels": {"a": "b"}}),
        "spec.template.metadata.labels",
        'Forbidden: must match spec.selector "a=b,cluster.x-k8s.io/cluster-name=lab"',
    ),
    (
        admit_machine_deployment,
        ("spec.selector", {"matchExpressions": [{"key": "a", "operator": "Near"}]}),
        "spec.selector",
        '"Near" is not a valid label selector operator',
    ),
    (
        admit_machine_deployment,
        ("spec.rollout.strategy.rollingUpdate", {"maxSurge": 0, "maxUnavailable": 0}),
        "spec.rollout.strategy.rollingUpdate",
        "maxUnavailable and maxSurge cannot both be 0: no step could be taken",
    ),
    (
        admit_machine_deployment,
        ("spec.rollout.strategy.rollingUpdate.maxSurge", "few"),
        "spec.rollout.strategy.rollingUpdate.maxSurge",
        'Invalid value: "few": must be either an int or a percentage',
    ),
    (
        admit_machine_deployment,
        ("spec.machineNaming.template", "{{ .cluster.name }}"),
        "spec.machineNaming.template",
        "invalid template, {{ .random }} is missing",
    ),
    (
        admit_machine_deployment,
        ("spec.machineNaming.template", "UPPER-{{ .random }}"),
        "spec.machineNaming.template",
        "generated names would not be valid Kubernetes object names",
    ),
    (
        admit_machine_deployment,
        ("spec.template.metadata.labels", {"a": "-"}),
        "spec.template.metadata.labels",
        "a valid label must be an empty string or consist of",
    ),
    (
        admit_machine_deployment,
        ("metadata.annotations", {MIN: "few", MAX: "5"}),
        f"metadata.annotations.{MIN}",
        "must be a whole number",
    ),
    (
        admit_machine_set,
        ("metadata.annotations", {"machineset.cluster.x-k8s.io/skip-preflight-checks": "All, Luck"}),
        "metadata.annotations.machineset.cluster.x-k8s.io/skip-preflight-checks",
        'Invalid value: ["Luck"]: skipped preflight check(s) must be among',
    ),
    (admit_cluster, ("metadata.name", "a" * 64), "metadata.name", "must be a valid label value"),
    (
        admit_cluster,
        ("spec", {"paused": True}),
        "spec",
        "Forbidden: one of spec.controlPlaneRef, spec.infrastructureRef or spec.topology must be set",
    ),
    (
        admit_cluster,
        ("spec.clusterNetwork", {"pods": {"cidrBlocks": ["10.0.0.0/16", "10.0.0.0/33"]}}),
        "spec.clusterNetwork.pods.cidrBlocks[1]",
        "invalid CIDR address: 10.0.0.0/33",
    ),
    (
        admit_cluster,
        ("spec.topology", {"classRef": {"name": "c"}, "version": "v1.33.1"}),
        "spec.topology",
        "Forbidden: can be set only if the ClusterTopology feature flag is enabled: managed topologies are not there",
    ),
    (admit_machine_health_check, ("spec.selector", {}), "spec.selector", "Required value: selector must not be empty"),
    (
        admit_machine_health_check,
        ("spec.selector", {"matchLabels": {CLUSTER_NAME: "other"}}),
        "spec.selector",
        "cannot specify a cluster selector other than the one specified by ClusterName: leave "
        'cluster.x-k8s.io/cluster-name out, or set it to "lab"',
    ),
    (
        admit_machine_health_check,
        ("spec.selector", {"matchLabels": {"a": "-"}}),
        "spec.selector",
        "a valid label must be an empty string or consist of",
    ),
    (
        admit_machine_health_check,
        ("spec.checks.nodeStartupTimeoutSeconds", 29),
        "spec.checks.nodeStartupTimeoutSeconds",
        "Invalid value: 29: must be at least 30s",
    ),
    (
        admit_machine_health_check,
        ("spec.remediation.triggerIf.unhealthyLessThanOrEqualTo", "many"),
        "spec.remediation.triggerIf.unhealthyLessThanOrEqualTo",
        'Invalid value: "many": must be either an int or a percentage',
    ),
]


@pytest.mark.parametrize(("admit", "change", "field", "says"), REFUSED_ON_CREATE)
def test_refused_on_create(admit: Admit, change: tuple[str, Any], field: str, says: str) -> None:
    causes = create(admit, change).causes
    assert [cause.field for cause in causes] == [field]
    assert says in causes[0].message


@pytest.mark.parametrize(
    ("admit", "change", "field", "says"),
    [
        (admit_machine, ("spec.clusterName", "other"), "spec.clusterName", "Forbidden: field is immutable"),
        (admit_machine_set, ("spec.clusterName", "other"), "spec.clusterName", "Forbidden: field is immutable"),
        (admit_machine_deployment, ("spec.clusterName", "other"), "spec.clusterName", "Forbidden: field is immutable"),
        (
            admit_machine_health_check,
            ("spec.clusterName", "other"),
            "spec.clusterName",
            "Forbidden: field is immutable",
        ),
        (admit_cluster, ("spec.infrastructureRef", None), "spec.infrastructureRef", "Forbidden: cannot be removed"),
        (admit_cluster, ("spec.controlPlaneRef", {}), "spec.controlPlaneRef", "Forbidden: cannot be removed"),
    ],
)
def test_refused_on_update(admit: Admit, change: tuple[str, Any], field: str, says: str) -> None:
    causes = update(admit, change).causes
    assert [cause.field for cause in causes if cause.message.startswith(says)] == [field]


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("node.cluster.x-k8s.io/uninitialized", "taint key is not allowed"),
        ("node.cluster.x-k8s.io/outdated-revision", "taint key is not allowed"),
        ("node.kubernetes.io/unreachable", "taint key must not have the prefix node.kubernetes.io/, except for"),
        ("node.cloudprovider.kubernetes.io/x", "taint key must not have the prefix node.cloudprovider.kubernetes.io/"),
        ("node-role.kubernetes.io/master", "taint is deprecated since 1.24 and should not be used anymore"),
        ("node-role.kubernetes.io/control-plane", "taint is not allowed for worker Machines"),
        ("a/b/c", "a qualified name must consist of a name and an optional DNS subdomain prefix with one '/'"),
        (f"a/{'n' * 64}", "name part must be no more than 63 bytes"),
        ("node.kubernetes.io/out-of-service", ""),
        ("example.org/gpu", ""),
    ],
)
@pytest.mark.parametrize(
    ("admit", "field"),
    [
        (admit_machine, "spec.taints"),
        (admit_machine_set, f"{TEMPLATE_SPEC}.taints"),
        (admit_machine_deployment, f"{TEMPLATE_SPEC}.taints"),
    ],
)
def test_keys_of_taints(admit: Admit, field: str, key: str, says: str) -> None:
    causes = create(admit, (field, [{"key": key, "effect": "NoSchedule", "propagation": "Always"}])).causes
    assert [cause.field for cause in causes] == ([f"{field}[0].key"] if says else [])
    assert all(cause.message.startswith(f'Invalid value: "{key}": {says}') for cause in causes)


@pytest.mark.parametrize("admit", [admit_machine_set, admit_machine_deployment])
@pytest.mark.parametrize(
    ("change", "field", "says"),
    [
        (
            ("spec.machineNaming.template", "{{ .pod }}-{{ .random }}"),
            "spec.machineNaming.template",
            "invalid template: ",
        ),
        (
            ("spec.template.metadata.annotations", {"a b": ""}),
            "spec.template.metadata.annotations",
            'Invalid value: "a b": name part must consist of',
        ),
        (
            (f"{TEMPLATE_SPEC}.bootstrap", {}),
            f"{TEMPLATE_SPEC}.bootstrap",
            "Required value: expected either spec.template.spec.bootstrap.dataSecretName or "
            "spec.template.spec.bootstrap.configRef to be populated",
        ),
        ((f"{TEMPLATE_SPEC}.version", "v1.x"), f"{TEMPLATE_SPEC}.version", "must be a valid semantic version"),
        (
            ("metadata.annotations", {MIN: "1", MAX: "2147483648"}),
            f"metadata.annotations.{MAX}",
            'Invalid value: "2147483648": must be a whole number',
        ),
    ],
)
def test_refused_by_sets_and_deployments(admit: Admit, change: tuple[str, Any], field: str, says: str) -> None:
    causes = create(admit, change).causes
    assert [cause.field for cause in causes] == [field]
    assert says in causes[0].message


@pytest.mark.parametrize(
    "field", ["spec.rollout.strategy.rollingUpdate.maxUnavailable", "spec.remediation.maxInFlight"]
)
@pytest.mark.parametrize(("value", "fine"), [(3, True), ("30%", True), ("0%", True), ("3", False), ("many%", False)])
def test_amounts_of_a_deployment(field: str, value: Any, fine: bool) -> None:
    causes = create(admit_machine_deployment, (field, value)).causes
    assert [cause.field for cause in causes] == ([] if fine else [field])


def test_surge_and_unavailable_are_not_both_nothing_but_may_both_be_nothing_of_a_hundred() -> None:
    update = "spec.rollout.strategy.rollingUpdate"
    assert create(admit_machine_deployment, (update, {"maxSurge": "0%", "maxUnavailable": 0})).causes == ()
    (cause,) = create(admit_machine_deployment, (update, {"maxSurge": 0, "maxUnavailable": 0})).causes
    why = 'Invalid value: "0": maxUnavailable and maxSurge cannot both be 0: no step could be taken'
    assert (cause.field, cause.message) == (update, why)


def test_a_topology_is_not_removed() -> None:
    old = changed(cluster(), ("spec.topology", {"classRef": {"name": "c"}}))
    causes = admit_cluster(AdmissionRequest("UPDATE", old, cluster())).causes
    assert [(c.field, c.message) for c in causes] == [
        ("spec.topology", "Forbidden: cannot be removed from an existing Cluster")
    ]


def test_control_plane_and_pool_machines_are_excepted() -> None:
    taint = ("spec.taints", [{"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}])
    control_plane = ("metadata.labels", {"cluster.x-k8s.io/control-plane": ""})
    assert create(admit_machine, taint, control_plane).causes == ()
    pool = ("metadata.labels", {"cluster.x-k8s.io/pool-name": "p"})
    assert create(admit_machine, ("spec.bootstrap", {}), pool).causes == ()


def test_a_deployment_name_is_a_label_value() -> None:
    causes = create(admit_machine_deployment, ("metadata.name", "n" * 64)).causes
    assert causes[0].field == "metadata.name"
    assert causes[0].message.endswith("must be a valid label value: must be no more than 63 bytes")


def test_several_faults_come_together() -> None:
    causes = create(admit_machine_deployment, (f"{TEMPLATE_SPEC}.version", "v1"), (f"{TEMPLATE_SPEC}.bootstrap", {}))
    assert [cause.field for cause in causes.causes] == [f"{TEMPLATE_SPEC}.bootstrap", f"{TEMPLATE_SPEC}.version"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ((f"{TEMPLATE_SPEC}.version", "v1.34.0"), f'{TEMPLATE_SPEC}.version changed from "v1.33.1" to "v1.34.0"'),
        (
            (f"{TEMPLATE_SPEC}.infrastructureRef", {**REF, "name": "t2"}),
            f'{TEMPLATE_SPEC}.infrastructureRef changed from "t" to "t2"',
        ),
        ((f"{TEMPLATE_SPEC}.failureDomain", "b"), f'{TEMPLATE_SPEC}.failureDomain changed from nothing to "b"'),
    ],
)
def test_changes_that_reach_new_machines_only_warn_of_it(change: tuple[str, Any], says: str) -> None:
    admission = update(admit_machine_set, change)
    assert admission.causes == ()
    assert len(admission.warnings) == 1
    assert admission.warnings[0].startswith(says)
    assert update(admit_machine_deployment, change).warnings == (), "a deployment replaces them"


@pytest.mark.parametrize(
    "change",
    [
        ("spec.replicas", 4),
        (f"{TEMPLATE_SPEC}.deletion", {"nodeDrainTimeoutSeconds": 60}),
        ("spec.template.metadata.annotations", {"a": "b"}),
    ],
)
def test_changes_in_place_do_not_warn(change: tuple[str, Any]) -> None:
    assert update(admit_machine_set, change).warnings == ()


@pytest.mark.parametrize("admit", list(MAKERS))
def test_deletions_and_statuses_are_left_alone(admit: Admit) -> None:
    obj = MAKERS[admit]()
    assert admit(AdmissionRequest("DELETE", obj, None)) == Admission(None)
    broken = {**obj, "spec": {}}
    assert admit(AdmissionRequest("UPDATE", obj, broken, subresource="status")) == Admission(broken)


def test_a_health_check_may_wait_for_ever_and_give_a_percentage() -> None:
    changes = (
        ("spec.checks.nodeStartupTimeoutSeconds", 0),
        ("spec.remediation.triggerIf.unhealthyLessThanOrEqualTo", "40%"),
        ("spec.selector", {"matchExpressions": [{"key": "pool", "operator": "Exists"}]}),
    )
    admission = create(admit_machine_health_check, *changes)
    assert admission.causes == ()
    assert value_at(admission.object, "spec.checks.nodeStartupTimeoutSeconds") == 0
