"""Helm on a small chart: installed, upgraded, rolled back, listed and taken away, waiting for what it made."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.clients.binaries import helm
from tests.e2e.programs import KUBECTL, run

_CHART = {
    "Chart.yaml": "apiVersion: v2\nname: small\nversion: 0.1.0\nappVersion: '1'\n",
    "values.yaml": "size: one\nextra: true\n",
    "templates/config.yaml": """
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}-config}
data: {size: {{ .Values.size | quote }}}
---
apiVersion: v1
kind: Secret
metadata: {name: {{ .Release.Name }}-secret}
stringData: {password: xyzzy}
{{- if .Values.extra }}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}-extra}
{{- end }}
""",
    "templates/access.yaml": """
apiVersion: v1
kind: ServiceAccount
metadata: {name: {{ .Release.Name }}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: {{ .Release.Name }}}
rules: [{apiGroups: [cluster.x-k8s.io], resources: [clusters], verbs: [get, list]}]
""",
    "templates/cluster.yaml": """
apiVersion: cluster.x-k8s.io/v1beta2
kind: Cluster
metadata: {name: {{ .Release.Name }}, labels: {size: {{ .Values.size | quote }}}}
spec:
  paused: true
  infrastructureRef: {apiGroup: infrastructure.cluster.x-k8s.io, kind: ProxmoxCluster, name: {{ .Release.Name }}}
""",
}


@pytest.mark.parametrize("kubernetes", ["1.35", pytest.param("1.30", marks=pytest.mark.full)])
def test_life_of_a_release(kubeconfig: Path, tmp_path: Path, kubernetes: str) -> None:
    program = str(helm(kubernetes))
    chart = tmp_path / "small"
    for name, text in _CHART.items():
        (chart / name).parent.mkdir(parents=True, exist_ok=True)
        (chart / name).write_text(text.lstrip("\n"))
    surroundings = {"KUBECONFIG": str(kubeconfig), "HOME": str(tmp_path)}
    namespace = f"helm-{kubernetes.replace('.', '-')}"

    def said(*arguments: str) -> str:
        done = run(program, *arguments, "--namespace", namespace, environment=surroundings)
        assert done.returncode == 0, f"helm {' '.join(arguments)}\n{done.stdout}{done.stderr}"
        return done.stdout

    def found(*arguments: str) -> str:
        done = run(KUBECTL, "-n", namespace, "get", *arguments, environment=surroundings)
        return done.stdout.strip() if done.returncode == 0 else done.stderr

    waiting = ("--wait", "--timeout", "60s")
    assert "STATUS: deployed" in said("install", "web", str(chart), "--create-namespace", *waiting)
    assert found("cm", "web-config", "-o", "jsonpath={.data.size}") == "one"
    assert found("cluster", "web", "-o", "jsonpath={.metadata.labels.size}") == "one"
    assert "NotFound" not in found("sa,role", "web")
    assert "STATUS: deployed" in said("upgrade", "web", str(chart), "--set", "size=two,extra=false", *waiting)
    assert found("cm", "web-config", "-o", "jsonpath={.data.size}") == "two"
    assert found("cluster", "web", "-o", "jsonpath={.metadata.labels.size}") == "two"
    assert "NotFound" in found("cm", "web-extra")
    history = json.loads(said("history", "web", "-o", "json"))
    assert [(one["revision"], one["status"]) for one in history] == [(1, "superseded"), (2, "deployed")]
    assert "Rollback was a success" in said("rollback", "web", "1", *waiting)
    assert found("cm", "web-config", "-o", "jsonpath={.data.size}") == "one"
    assert "NotFound" not in found("cm", "web-extra")
    (listed,) = json.loads(said("list", "-o", "json"))
    assert (listed["name"], listed["revision"], listed["status"]) == ("web", "3", "deployed")
    assert "REVISION: 3" in said("status", "web")
    assert "size: one" in said("get", "manifest", "web").replace('"', "")
    assert 'release "web" uninstalled' in said("uninstall", "web", *waiting)
    assert json.loads(said("list", "--all", "-o", "json") if kubernetes == "1.30" else said("list", "-o", "json")) == []
    assert "NotFound" in found("cluster", "web") and "NotFound" in found("cm", "web-config")
    assert found("secrets", "-o", "name") == ""
