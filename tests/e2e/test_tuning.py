"""`capstan up` with the flags of Cluster API's manager, and what a scraper reads of it."""

from __future__ import annotations

import ssl
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from capstan.runtime.client.kubeconfig import parse_kubeconfig
from tests.e2e.programs import CAPSTAN, Plane, Shell, run

CLUSTER = """\
apiVersion: cluster.x-k8s.io/v1beta2
kind: Cluster
metadata: {name: %s, namespace: default, labels: {%s}}
spec:
  controlPlaneEndpoint: {host: 192.0.2.1, port: 6443}
  controlPlaneRef: {apiGroup: controlplane.cluster.x-k8s.io, kind: TalosControlPlane, name: c}
"""
POOL = """\
apiVersion: cluster.x-k8s.io/v1beta2
kind: MachinePool
metadata: {name: p, namespace: default}
spec:
  clusterName: mine
  template:
    spec:
      clusterName: mine
      bootstrap: {dataSecretName: d}
      infrastructureRef: {apiGroup: infrastructure.cluster.x-k8s.io, kind: LabPool, name: p}
"""


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    directory = tmp_path_factory.mktemp("tuned") / "data"
    options = (
        *("--feature-gates", "MachinePool=false", "--watch-filter", "mine", "--namespace", "default"),
        *(
            "--machine-concurrency",
            "3",
            "--sync-period",
            "30s",
            "--machineset-preflight-checks",
            "KubernetesVersionSkew",
        ),
        *("--clustercache-client-qps", "5", "--clustercache-client-burst", "5"),
    )
    plane = Plane(directory, None, *options)
    yield plane
    assert plane.end() == 0, plane.output


def samples(plane: Plane) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    config = parse_kubeconfig(plane.kubeconfig.read_bytes())
    context = config.ssl_context()
    assert isinstance(context, ssl.SSLContext)
    with urllib.request.urlopen(f"{plane.url}/metrics", context=context) as answer:
        families = list(text_string_to_metric_families(answer.read().decode()))
    assert len({family.name for family in families}) == len(families), "each family is told once"
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for family in families for s in family.samples}


def test_flags_and_metrics(plane: Plane) -> None:
    shell = Shell(plane.kubeconfig)
    shell.kubectl("apply", "-f", "-", text=CLUSTER % ("mine", "cluster.x-k8s.io/watch-filter: mine"))
    shell.kubectl("apply", "-f", "-", text=CLUSTER % ("others", "cluster.x-k8s.io/watch-filter: others"))
    shell.kubectl("wait", "--for=jsonpath={.status.phase}=Provisioned", "cluster/mine", "--timeout=30s")
    assert shell.kubectl("get", "cluster", "others", "-o", "jsonpath={.status.phase}{.metadata.finalizers}") == ""
    refused = shell.kubectl_fails("apply", "-f", "-", text=POOL)
    assert "spec: Forbidden: can be set only if the MachinePool feature flag is enabled" in refused
    found = samples(plane)
    assert found["controller_runtime_max_concurrent_reconciles", (("controller", "machine"),)] == 3.0
    worked = found["capi_reconcile_total", (("controller", "cluster"), ("result", "success"))]
    assert worked >= 1.0
    phases = {
        dict(labels)["phase"]: value
        for (name, labels), value in found.items()
        if name == "capi_cluster_status_phase" and dict(labels)["name"] == "mine"
    }
    assert [phase for phase, value in phases.items() if value] == ["Provisioned"]
    assert found["process_resident_memory_bytes", ()] > 0
    assert not [name for name, labels in found if ("controller", "machinepool") in labels]


def test_flags_that_do_not_fit_end_in_one_line(tmp_path: Path) -> None:
    done = run(CAPSTAN, "up", "--data-dir", str(tmp_path), "--feature-gates", "InPlaceUpdates=true")
    assert done.returncode == 2
    assert "feature gate InPlaceUpdates cannot be switched on" in done.stderr
    assert "Traceback" not in done.stderr
