"""Rules of ClusterClass, as tables: what is written, which field is refused, and in which words."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from capstan.api.cluster.admission import admit_cluster_class, lookups_cluster_class
from capstan.api.cluster.admission.clusterclass import NOT_ACTED_ON
from capstan.api.cluster.admission.clusterclass.selectors import is_named
from capstan.api.cluster.conversion import convert_clusterclass
from capstan.api.errors import ApiError
from capstan.api.kinds import Admission, AdmissionRequest, Query
from capstan.api.objects import Obj
from capstan.api.rules.fields import value_at

INFRASTRUCTURE = "infrastructure.cluster.x-k8s.io/v1beta2"
BOOTSTRAP = "bootstrap.cluster.x-k8s.io/v1beta2"
MIN = "cluster.x-k8s.io/cluster-api-autoscaler-node-group-min-size"
CLUSTERS = Query("cluster.x-k8s.io", "Cluster")


def ref(kind: str, version: str = INFRASTRUCTURE) -> Obj:
    return {"templateRef": {"apiVersion": version, "kind": kind, "name": "t"}}


def workers(name: str, **more: Any) -> Obj:
    bootstrap, infrastructure = ref("KubeadmConfigTemplate", BOOTSTRAP), ref("DevMachineTemplate")
    return {"class": name, "bootstrap": bootstrap, "infrastructure": infrastructure, **more}


def cluster_class() -> Obj:
    pool = {**workers("spot"), "infrastructure": ref("DevMachinePoolTemplate")}
    return {
        "apiVersion": "cluster.x-k8s.io/v1beta2",
        "kind": "ClusterClass",
        "metadata": {"name": "quick", "namespace": "classes"},
        "spec": {
            "infrastructure": ref("DevClusterTemplate"),
            "controlPlane": {
                **ref("KubeadmControlPlaneTemplate", "controlplane.cluster.x-k8s.io/v1beta2"),
                "machineInfrastructure": ref("DevMachineTemplate"),
            },
            "workers": {"machineDeployments": [workers("default"), workers("gpu")], "machinePools": [pool]},
            "variables": [variable("zone", {"type": "string"})],
            "patches": [patch({"op": "add", "path": "/spec/template/spec/zone", "valueFrom": {"variable": "zone"}})],
        },
    }


def variable(name: str, schema: Obj, **more: Any) -> Obj:
    return {"name": name, "required": True, "schema": {"openAPIV3Schema": schema}, **more}


def patch(change: Obj, **more: Any) -> Obj:
    selector = {
        "apiVersion": INFRASTRUCTURE,
        "kind": "DevMachineTemplate",
        "matchResources": {"machineDeploymentClass": {"names": ["*"]}},
    }
    return {"name": "zones", "definitions": [{"jsonPatches": [change], "selector": selector}], **more}


def put(obj: Obj, path: str, value: Any) -> Obj:
    """The object with another value at a path; numbers are places in lists, and `DROP` takes the field away."""
    obj = copy.deepcopy(obj)
    *way, last = path.split("/")
    inner: Any = obj
    for name in way:
        inner = inner[int(name)] if isinstance(inner, list) else inner.setdefault(name, {})
    if value is DROP:
        del inner[int(last) if isinstance(inner, list) else last]
    else:
        inner[int(last) if isinstance(inner, list) else last] = value
    return obj


DROP = object()


def create(*changes: tuple[str, Any]) -> Admission:
    obj = cluster_class()
    for path, value in changes:
        obj = put(obj, path, value)
    return admit_cluster_class(AdmissionRequest("CREATE", None, obj))


def update(*changes: tuple[str, Any], clusters: tuple[Obj, ...] = ()) -> Admission:
    old = new = cluster_class()
    for path, value in changes:
        new = put(new, path, value)
    return admit_cluster_class(AdmissionRequest("UPDATE", old, new, {CLUSTERS: clusters}))


def test_a_whole_class_is_taken_with_the_word_that_nothing_comes_of_it() -> None:
    given = cluster_class()
    before = copy.deepcopy(given)
    assert create() == Admission(given, (), (NOT_ACTED_ON,))
    assert "spec.topology is refused" in NOT_ACTED_ON
    assert update(("spec/workers/machineDeployments/0/minReadySeconds", 5)).warnings == ()
    assert given == before
    assert lookups_cluster_class(given) == (CLUSTERS,)


CHANGE = "spec/patches/0/definitions/0/jsonPatches/0"
SELECTOR = "spec/patches/0/definitions/0/selector"
CHANGE_FIELD = "spec.patches[0].definitions[0].jsonPatches[0]"
SELECTOR_FIELD = "spec.patches[0].definitions[0].selector"

REFUSED: list[tuple[str, Any, str, str]] = [
    # References to templates
    (
        "spec/infrastructure/templateRef/kind",
        "DevCluster",
        "spec.infrastructure.templateRef.kind",
        'Invalid value: "DevCluster": template kind must be of form "<name>Template"',
    ),
    (
        "spec/controlPlane/templateRef/kind",
        "Template",
        "spec.controlPlane.templateRef.kind",
        'Invalid value: "Template": template kind must be of form',
    ),
    (
        "spec/controlPlane/templateRef/name",
        "",
        "spec.controlPlane.templateRef.name",
        "Required value: template name must be defined",
    ),
    (
        "spec/workers/machineDeployments/1/bootstrap/templateRef/apiVersion",
        "",
        "spec.workers.machineDeployments[1].bootstrap.templateRef.apiVersion",
        "Required value: template apiVersion must be defined",
    ),
    (
        "spec/workers/machinePools/0/bootstrap/templateRef/apiVersion",
        "a/b/c",
        "spec.workers.machinePools[0].bootstrap.templateRef.apiVersion",
        'Invalid value: "a/b/c": template apiVersion must be a valid Kubernetes apiVersion',
    ),
    # Classes
    (
        "spec/workers/machineDeployments/1/class",
        "default",
        "spec.workers.machineDeployments[1].class",
        'Invalid value: "default": MachineDeployment class must be unique. MachineDeployment with class "default" is',
    ),
    (
        "spec/workers/machineDeployments/0/rollout",
        {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 0}}},
        "spec.workers.machineDeployments[default].rollout.strategy.rollingUpdate",
        "maxUnavailable and maxSurge cannot both be 0",
    ),
    (
        "spec/workers/machineDeployments/0/rollout",
        {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "few"}}},
        "spec.workers.machineDeployments[default].rollout.strategy.rollingUpdate.maxSurge",
        'Invalid value: "few": must be either an int or a percentage',
    ),
    (
        "spec/workers/machineDeployments/0/healthCheck",
        {"checks": {"nodeStartupTimeoutSeconds": 29}},
        "spec.workers.machineDeployments[default].healthCheck.checks.nodeStartupTimeoutSeconds",
        "Invalid value: 29: must be at least 30s",
    ),
    (
        "spec/workers/machineDeployments/0/healthCheck",
        {"remediation": {"maxInFlight": "some"}},
        "spec.workers.machineDeployments[default].healthCheck.remediation.maxInFlight",
        'Invalid value: "some": must be either an int or a percentage',
    ),
    (
        "spec/controlPlane/healthCheck",
        {"remediation": {"triggerIf": {"unhealthyLessThanOrEqualTo": "many"}}},
        "spec.controlPlane.healthCheck.remediation.triggerIf.unhealthyLessThanOrEqualTo",
        'Invalid value: "many": must be either an int or a percentage',
    ),
    # Names
    (
        "spec/infrastructure/naming",
        {"template": "{{ .cluster.name }}-X"},
        "spec.infrastructure.naming.template",
        "a lowercase RFC 1123 subdomain must consist of",
    ),
    (
        "spec/controlPlane/naming",
        {"template": "{{ .machineSet.name }}"},
        "spec.controlPlane.naming.template",
        "invalid ControlPlane name template: the naming template has no field .machineSet.name",
    ),
    (
        "spec/workers/machineDeployments/1/naming",
        {"template": "{{ .machinePool.topologyName }}"},
        "spec.workers.machineDeployments[gpu].naming.template",
        "invalid MachineDeployment name template: ",
    ),
    (
        "spec/workers/machinePools/0/naming",
        {"template": "{{ .cluster.name "},
        "spec.workers.machinePools[spot].naming.template",
        "invalid MachinePool name template: ",
    ),
    # Taints and metadata
    (
        "spec/controlPlane/taints",
        [{"key": "a"}, {"key": "node-role.kubernetes.io/master"}],
        "spec.controlPlane.taints[1].key",
        "taint is deprecated since 1.24",
    ),
    (
        "spec/workers/machinePools/0/taints",
        [{"key": "node.cluster.x-k8s.io/uninitialized"}],
        "spec.workers.machinePools[spot].taints[0].key",
        "taint key is not allowed",
    ),
    (
        "spec/workers/machineDeployments/1/metadata",
        {"labels": {"a": "-"}},
        "spec.workers.machineDeployments[gpu].metadata.labels",
        'Invalid value: "-": a valid label must be',
    ),
    (
        "spec/controlPlane/metadata",
        {"annotations": {"a b": ""}},
        "spec.controlPlane.metadata.annotations",
        'Invalid value: "a b": name part must consist of',
    ),
    # Kubernetes versions
    (
        "spec/kubernetesVersions",
        ["v1.34.0", "v1.34"],
        "spec.kubernetesVersions[1]",
        'Invalid value: "v1.34": version must be greater than v1.34.0',
    ),
    ("spec/kubernetesVersions", ["one"], "spec.kubernetesVersions[0]", "version must be a valid semantic version"),
    (
        "spec/kubernetesVersions",
        ["v1.32.0", "v1.34.1"],
        "spec.kubernetesVersions[1]",
        'Invalid value: "v1.34.1": expecting a version with minor 32 or 33, found version 1.34.1',
    ),
    # Variables
    (
        "spec/variables",
        [variable("zone", {"type": "string"}), variable("zone", {"type": "string"})],
        "spec.variables[zone].name",
        'Invalid value: "zone": variable name must be unique. Variable with name "zone" is defined more than once',
    ),
    (
        "spec/variables/0/name",
        "a.b",
        "spec.variables[a.b].name",
        'Invalid value: "a.b": variable name cannot contain "."',
    ),
    (
        "spec/variables/0/deprecatedV1Beta1Metadata",
        {"labels": {"a b": ""}},
        "spec.variables[zone].deprecatedV1Beta1Metadata.labels",
        'Invalid value: "a b": name part must consist of',
    ),
    (
        "spec/variables/0/schema/openAPIV3Schema",
        {"type": "object", "properties": {"a": {"type": "string", "x-metadata": {"labels": {"k": "-"}}}}},
        "spec.variables[zone].schema.openAPIV3Schema.properties[a].x-metadata.labels",
        'Invalid value: "-": a valid label must be',
    ),
    # Patches
    (
        "spec/patches/0/name",
        "inline",
        "spec.patches[0].name",
        'Required value: "inline" can not be used as the name of a patch',
    ),
    ("spec/patches/0/name", "", "spec.patches[0].name", "Required value: patch name must be defined"),
    (
        "spec/patches/0/enabledIf",
        "{{ if .zone }}true",
        "spec.patches[0].enabledIf",
        "template can not be parsed: unexpected end of the template: {{if}} has no {{end}}",
    ),
    (
        "spec/patches/0/definitions",
        DROP,
        "spec.patches[0]",
        "Required value: one of definitions or external must be defined",
    ),
    (
        "spec/patches/0/external",
        {"generatePatchesExtension": "e"},
        "spec.patches[0]",
        "only one of definitions or external can be defined",
    ),
    (f"{CHANGE}/op", "move", f"{CHANGE_FIELD}.op", 'Unsupported value: "move": supported values: "add", "remove"'),
    (
        f"{CHANGE}/path",
        "/metadata/labels",
        f"{CHANGE_FIELD}.path",
        'Invalid value: "/metadata/labels": jsonPatch path must start with "/spec"',
    ),
    (
        f"{CHANGE}/path",
        "/spec/template/spec/disks/1",
        f"{CHANGE_FIELD}.path",
        'arrays can only be accessed using "0" (prepend) or "-" (append)',
    ),
    (
        CHANGE,
        {"op": "remove", "path": "/spec/disks/0"},
        f"{CHANGE_FIELD}.path",
        "elements in arrays can not be accessed in a remove operation",
    ),
    (
        CHANGE,
        {"op": "add", "path": "/spec/a"},
        CHANGE_FIELD,
        "jsonPatch must define one of value or valueFrom",
    ),
    (
        f"{CHANGE}/value",
        1,
        CHANGE_FIELD,
        "jsonPatch can not define both value and valueFrom",
    ),
    (
        f"{CHANGE}/valueFrom",
        {},
        f"{CHANGE_FIELD}.valueFrom",
        "valueFrom must set either template or variable",
    ),
    (
        f"{CHANGE}/valueFrom",
        {"variable": "zone", "template": "{{ .zone }}"},
        f"{CHANGE_FIELD}.valueFrom",
        "valueFrom can not set both template and variable",
    ),
    (
        f"{CHANGE}/valueFrom",
        {"template": "{{ .zone | now }}"},
        f"{CHANGE_FIELD}.valueFrom.template",
        'template can not be parsed: line 1: function "now" not defined',
    ),
    (
        f"{CHANGE}/valueFrom/variable",
        "zones[0].name",
        f"{CHANGE_FIELD}.valueFrom.variable",
        'Invalid value: "zones[0].name": variable with name zones[0].name cannot be found: did you mean zone?',
    ),
    (
        f"{CHANGE}/valueFrom/variable",
        "builtin.cluster.nam",
        f"{CHANGE_FIELD}.valueFrom.variable",
        "not a defined builtin variable: did you mean builtin.cluster.name?",
    ),
    (f"{CHANGE}/valueFrom/variable", "builtin", f"{CHANGE_FIELD}.valueFrom.variable", "variable with name builtin"),
    # Selectors
    (f"{SELECTOR}/matchResources", {"controlPlane": False}, SELECTOR_FIELD, "no selector enabled"),
    (
        f"{SELECTOR}/matchResources",
        {"infrastructureCluster": True},
        f"{SELECTOR_FIELD}.matchResources.infrastructureCluster",
        "Invalid value: true: selector is enabled but does not match the infrastructure ref",
    ),
    (
        f"{SELECTOR}/matchResources",
        {"machineDeploymentClass": {"names": ["default", "cpu"]}},
        f"{SELECTOR_FIELD}.matchResources.machineDeploymentClass.names[1]",
        'Invalid value: "cpu": selector is enabled but matches neither the bootstrap ref nor the infrastructure ref of',
    ),
    (
        f"{SELECTOR}/matchResources",
        {"machinePoolClass": {"names": ["spot"]}},
        f"{SELECTOR_FIELD}.matchResources.machinePoolClass.names[0]",
        "of a MachinePool class",
    ),
    (
        f"{SELECTOR}/matchResources",
        {"machineDeploymentClass": {"names": ["d*t"]}},
        f"{SELECTOR_FIELD}.matchResources.machineDeploymentClass.names[0]",
        '"*" rune can only appear at the beginning, or ending of the selector',
    ),
    (
        f"{SELECTOR}/matchResources",
        {"machineDeploymentClass": {"names": ["**"]}},
        f"{SELECTOR_FIELD}.matchResources.machineDeploymentClass.names[0]",
        'selector can at most contain a single "*" rune',
    ),
    (
        f"{SELECTOR}/apiVersion",
        "infrastructure.cluster.x-k8s.io/v1beta1",
        f"{SELECTOR_FIELD}.matchResources.machineDeploymentClass.names[0]",
        "selector is enabled but matches neither",
    ),
]


@pytest.mark.parametrize(("path", "value", "field", "says"), REFUSED)
def test_refused(path: str, value: Any, field: str, says: str) -> None:
    admission = create((path, value))
    # Without its variable the patch that uses it is refused as well.
    causes = [cause for cause in admission.causes if not ("variables" in path and "patches" in cause.field)]
    assert [cause.field for cause in causes] == [field]
    assert says in causes[0].message
    assert admission.warnings == ()


@pytest.mark.parametrize(
    "changes",
    [
        [("spec/controlPlane/machineInfrastructure", DROP)],
        [("spec/kubernetesVersions", ["v1.33.0", "v1.34.0", "v1.34.0+b", "v1.34.0+c.1", "1.35.0-rc.0", "v1.35.0"])],
        [("spec/controlPlane/naming", {"template": "{{ .cluster.name }}-cp"})],
        [("spec/controlPlane/taints", [{"key": "node-role.kubernetes.io/control-plane"}])],
        [("spec/workers/machineDeployments/0/taints", [{"key": "node-role.kubernetes.io/control-plane"}])],
        [(f"{CHANGE}/path", "/spec/template/spec/disks/0")],
        [(CHANGE, {"op": "remove", "path": "/spec/a"})],
        [(CHANGE, {"op": "add", "path": "/spec/a", "value": None})],
        [(f"{CHANGE}/valueFrom/variable", "builtin.machineDeployment.infrastructureRef.name")],
        [(f"{CHANGE}/valueFrom/variable", "zone.parts[0].name")],
        [(f"{SELECTOR}/matchResources", {"machineDeploymentClass": {"names": ["def*", "*pu"]}})],
        [(f"{SELECTOR}/matchResources", {"controlPlane": True})],
        [("spec/patches/0", {"name": "e", "external": {"validateTopologyExtension": "x"}})],
        [("spec/workers", DROP), ("spec/patches", DROP)],
    ],
)
def test_taken(changes: list[tuple[str, Any]]) -> None:
    assert create(*changes).causes == ()


def test_a_control_plane_without_machines_has_no_health_check() -> None:
    causes = create(
        ("spec/controlPlane/machineInfrastructure", DROP),
        ("spec/controlPlane/healthCheck", {"checks": {"nodeStartupTimeoutSeconds": 0}}),
    ).causes
    assert [(c.field, c.message) for c in causes] == [
        (
            "spec.controlPlane.healthCheck",
            "Forbidden: can be only set if spec.controlPlane.machineInfrastructure is set",
        )
    ]


def test_an_external_patch_names_what_it_is_for() -> None:
    causes = create(("spec/patches/0", {"name": "e", "external": {"discoverVariablesExtension": "x"}})).causes
    assert [cause.field for cause in causes] == ["spec.patches[0].external"]
    assert causes[0].message.endswith("one of validateTopologyExtension and generatePatchesExtension must be defined")


def test_patches_have_different_names() -> None:
    (cause,) = create(("spec/patches", [patch({"op": "remove", "path": "/spec/a"})] * 2)).causes
    assert cause.field == "spec.patches[1].name"
    assert cause.message == (
        'Invalid value: "zones": patch names must be unique. Patch with name "zones" is defined more than once'
    )


@pytest.mark.parametrize(
    ("change", "field", "says"),
    [
        (
            ("spec/infrastructure/templateRef/apiVersion", "example.org/v1"),
            "spec.infrastructure.templateRef.apiVersion",
            'Forbidden: group of apiVersion cannot be changed from "infrastructure.cluster.x-k8s.io" to "example.org" '
            "to prevent incompatible changes in the Clusters",
        ),
        (
            ("spec/controlPlane/templateRef/kind", "OtherTemplate"),
            "spec.controlPlane.templateRef.kind",
            'Forbidden: kind cannot be changed from "KubeadmControlPlaneTemplate" to "OtherTemplate" to prevent',
        ),
        (
            ("spec/workers/machineDeployments/1/infrastructure/templateRef/kind", "OtherTemplate"),
            "spec.workers.machineDeployments[1].infrastructure.templateRef.kind",
            'Forbidden: kind cannot be changed from "DevMachineTemplate" to "OtherTemplate"',
        ),
        (
            ("spec/workers/machinePools/0/infrastructure/templateRef/kind", "OtherTemplate"),
            "spec.workers.machinePools[0].infrastructure.templateRef.kind",
            'Forbidden: kind cannot be changed from "DevMachinePoolTemplate" to "OtherTemplate"',
        ),
    ],
)
def test_incompatible_updates(change: tuple[str, Any], field: str, says: str) -> None:
    causes = update(change).causes
    assert [cause.field for cause in causes] == [field]
    assert causes[0].message.startswith(says)


def test_machines_of_the_control_plane_neither_come_nor_go() -> None:
    field = "spec.controlPlane.machineInfrastructure.templateRef"
    causes = update(("spec/controlPlane/machineInfrastructure", DROP)).causes
    assert [cause.field for cause in causes] == [f"{field}.apiVersion", f"{field}.kind"]


@pytest.mark.parametrize(
    "change",
    [
        ("spec/infrastructure/templateRef/apiVersion", "infrastructure.cluster.x-k8s.io/v1beta3"),
        ("spec/infrastructure/templateRef/name", "another"),
        (
            "spec/workers/machineDeployments/1/bootstrap/templateRef",
            {"apiVersion": "b/v1", "kind": "XTemplate", "name": "x"},
        ),
    ],
)
def test_compatible_updates(change: tuple[str, Any]) -> None:
    assert update(change).causes == ()


def cluster(name: str, topology: Obj, namespace: str = "classes") -> Obj:
    return {"metadata": {"name": name, "namespace": namespace}, "spec": {"topology": topology}}


def using(**topology: Any) -> Obj:
    return cluster("lab", {"classRef": {"name": "quick"}, "version": "v1.33.1", **topology})


@pytest.mark.parametrize(
    ("changes", "topology", "field", "says"),
    [
        (
            [("spec/kubernetesVersions", ["v1.34.0"])],
            {},
            "spec.kubernetesVersions",
            'Forbidden: Kubernetes Version v1.33.1 is used by Cluster "lab" but not set in ClusterClass',
        ),
        (
            [("spec/workers/machineDeployments/1", DROP)],
            {"workers": {"machineDeployments": [{"class": "gpu", "name": "a"}]}},
            "spec.workers.machineDeployments",
            'Forbidden: MachineDeploymentClass "gpu" cannot be deleted because it is used by Cluster "lab"',
        ),
        (
            [("spec/workers/machinePools", DROP)],
            {"workers": {"machinePools": [{"class": "spot", "name": "a"}]}},
            "spec.workers.machinePools",
            'Forbidden: MachinePoolClass "spot" cannot be deleted because it is used by Cluster "lab"',
        ),
        (
            [("spec/workers/machineDeployments/0/metadata", {"annotations": {MIN: "1"}})],
            {"workers": {"machineDeployments": [{"class": "default", "name": "md", "replicas": 2}]}},
            "spec.topology.workers.machineDeployments[md].replicas",
            'Invalid value: 2: cannot be set for cluster "lab" in namespace "classes" if the source class "default" of',
        ),
    ],
)
def test_what_a_cluster_uses_stays(changes: list[tuple[str, Any]], topology: Obj, field: str, says: str) -> None:
    elsewhere = cluster("other", {"classRef": {"name": "quick"}, "version": "v1.1.1", **topology}, "elsewhere")
    causes = update(*changes, clusters=(elsewhere, using(**topology))).causes
    assert [cause.field for cause in causes] == [field]
    assert causes[0].message.startswith(says)
    assert update(*changes, clusters=(elsewhere,)).causes == ()


@pytest.mark.parametrize(
    ("path", "field", "topology"),
    [
        ("spec/controlPlane/healthCheck", "spec.controlPlane.healthCheck", lambda check: {"controlPlane": check}),
        (
            "spec/workers/machineDeployments/0/healthCheck",
            "spec.workers.machineDeployments[default].healthCheck",
            lambda check: {"workers": {"machineDeployments": [{"class": "default", "name": "md", **check}]}},
        ),
    ],
)
def test_a_health_check_that_a_cluster_relies_on_stays(path: str, field: str, topology: Any) -> None:
    new = cluster_class()
    old = put(new, path, {"checks": {"nodeStartupTimeoutSeconds": 60}})

    def causes(check: Obj) -> list[tuple[str, str]]:
        found = {CLUSTERS: (using(**topology({"healthCheck": check})),)}
        admission = admit_cluster_class(AdmissionRequest("UPDATE", old, new, found))
        return [(cause.field, cause.message) for cause in admission.causes]

    why = 'Forbidden: healthCheck cannot be deleted because it is used by Cluster(s) "lab"'
    assert causes({"enabled": True}) == [(field, why)]
    assert causes({"enabled": True, "checks": {"nodeStartupTimeoutSeconds": 0}}) == []
    assert causes({}) == []


def test_a_class_in_use_is_not_deleted() -> None:
    old = cluster_class()
    named = {"classRef": {"name": "quick", "namespace": "classes"}}
    clusters = tuple(cluster(f"c{n}", named, "apps") for n in range(4))
    with pytest.raises(ApiError) as refused:
        admit_cluster_class(AdmissionRequest("DELETE", old, None, {CLUSTERS: clusters}))
    assert refused.value.code == 403
    assert refused.value.message == (
        'clusterclasses.cluster.x-k8s.io "quick" is forbidden: ClusterClass cannot be deleted because it is used by '
        "Cluster(s): apps/c0, apps/c1, apps/c2, ... (1 more)"
    )
    elsewhere = cluster("c", {"classRef": {"name": "quick"}}, "apps")
    assert admit_cluster_class(AdmissionRequest("DELETE", old, None, {CLUSTERS: (elsewhere,)})) == Admission(None)


@pytest.mark.parametrize(
    ("name", "wanted", "expected"),
    [("a", "a", True), ("ab", "a", False), ("ab", "a*", True), ("ab", "*b", True), ("ab", "*", True), ("", "*", True)],
)
def test_names_with_stars(name: str, wanted: str, expected: bool) -> None:
    assert is_named(name, wanted) is expected


def test_an_old_class_reads_as_it_was_written() -> None:
    template = {"apiVersion": INFRASTRUCTURE, "kind": "DevMachineTemplate", "name": "t"}
    written: Obj = {
        "apiVersion": "cluster.x-k8s.io/v1beta1",
        "kind": "ClusterClass",
        "metadata": {"name": "quick", "namespace": "classes"},
        "spec": {
            "infrastructure": {"ref": template},
            "infrastructureNamingStrategy": {"template": "{{ .cluster.name }}"},
            "controlPlane": {
                "ref": template,
                "machineInfrastructure": {"ref": template},
                "machineHealthCheck": {"maxUnhealthy": "40%", "nodeStartupTimeout": "10m"},
                "namingStrategy": {"template": "{{ .cluster.name }}-cp"},
                "nodeDrainTimeout": "90s",
            },
            "workers": {
                "machineDeployments": [
                    {
                        "class": "default",
                        "template": {
                            "metadata": {"labels": {"a": "b"}},
                            "bootstrap": {"ref": template},
                            "infrastructure": {"ref": template},
                        },
                        "strategy": {
                            "type": "RollingUpdate",
                            "rollingUpdate": {"maxSurge": 1, "deletePolicy": "Oldest"},
                            "remediation": {"maxInFlight": 2},
                        },
                    }
                ]
            },
            "patches": [{"name": "p", "external": {"generateExtension": "g", "validateExtension": "v"}}],
            "variables": [
                {
                    "name": "zone",
                    "required": False,
                    "metadata": {"labels": {"a": "b"}},
                    "schema": {"openAPIV3Schema": {"type": "array", "items": {"type": "string"}, "uniqueItems": True}},
                }
            ],
        },
        "status": {
            "conditions": [{"type": "VariablesReconciled", "status": "True"}],
            "v1beta2": {"conditions": [{"type": "VariablesReady", "status": "True"}]},
        },
    }
    hub = convert_clusterclass(written, "v1beta2")
    assert hub["spec"]["infrastructure"] == {"templateRef": template, "naming": {"template": "{{ .cluster.name }}"}}
    assert hub["spec"]["controlPlane"] == {
        "templateRef": template,
        "machineInfrastructure": {"templateRef": template},
        "healthCheck": {
            "checks": {"nodeStartupTimeoutSeconds": 600},
            "remediation": {"triggerIf": {"unhealthyLessThanOrEqualTo": "40%"}},
        },
        "naming": {"template": "{{ .cluster.name }}-cp"},
        "deletion": {"nodeDrainTimeoutSeconds": 90},
    }
    assert hub["spec"]["workers"]["machineDeployments"] == [
        {
            "class": "default",
            "metadata": {"labels": {"a": "b"}},
            "bootstrap": {"templateRef": template},
            "infrastructure": {"templateRef": template},
            "rollout": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}},
            "deletion": {"order": "Oldest"},
            "healthCheck": {"remediation": {"maxInFlight": 2}},
        }
    ]
    extensions = {"generatePatchesExtension": "g", "validateTopologyExtension": "v"}
    assert hub["spec"]["patches"] == [{"name": "p", "external": extensions}]
    assert hub["spec"]["variables"][0]["deprecatedV1Beta1Metadata"] == {"labels": {"a": "b"}}
    assert hub["spec"]["variables"][0]["required"] is False
    assert hub["status"] == {
        "deprecated": {"v1beta1": {"conditions": [{"type": "VariablesReconciled", "status": "True"}]}},
        "conditions": [{"type": "VariablesReady", "status": "True"}],
    }
    back = convert_clusterclass(hub, "v1beta1")
    placed = template | {"namespace": "classes"}
    assert back["spec"]["infrastructure"]["ref"] == placed
    assert value_at(back, "spec.controlPlane.machineInfrastructure.ref") == placed
    assert back["spec"]["workers"]["machineDeployments"][0]["template"]["bootstrap"]["ref"] == placed
    assert back["spec"]["patches"] == written["spec"]["patches"]
    assert back["status"] == written["status"]


def test_flags_that_nobody_set_are_told_from_those_that_are_off_at_every_depth() -> None:
    deep = {"type": "array", "uniqueItems": False, "items": {"type": "integer", "exclusiveMaximum": False}}
    schema = {"type": "object", "properties": {"a": deep}, "anyOf": [{"x-kubernetes-int-or-string": False}]}
    hub = put(cluster_class(), "spec/variables/0/schema/openAPIV3Schema", schema)
    hub = put(hub, f"{SELECTOR}/matchResources/controlPlane", False)
    down = convert_clusterclass(hub, "v1beta1")
    (shown,) = down["spec"]["variables"]
    bare = {"type": "array", "items": {"type": "integer"}}
    assert shown["schema"]["openAPIV3Schema"] == {"type": "object", "properties": {"a": bare}, "anyOf": [{}]}
    assert convert_clusterclass(down, "v1beta2") == hub
    # An edit beside them leaves them as they were.
    edited = put(down, "spec/variables/0/schema/openAPIV3Schema/properties/a/maxItems", 3)
    edited = put(edited, "spec/patches/0/definitions/0/jsonPatches/0/path", "/spec/b")
    back = convert_clusterclass(edited, "v1beta2")
    assert back["spec"]["variables"][0]["schema"]["openAPIV3Schema"]["properties"]["a"] == {**deep, "maxItems": 3}
    assert value_at(back["spec"]["patches"][0]["definitions"][0], "selector.matchResources.controlPlane") is False
