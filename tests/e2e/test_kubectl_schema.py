"""The real kubectl against the server, for what the wire modules decide: schemas, tables, patches, protobuf bodies."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from capstan.api.scheme import SCHEME
from capstan.api.verbs import User
from capstan.apiserver.listener import Listener, serve
from capstan.apiserver.server import ApiServer
from capstan.store.memory import MemoryStore

KUBECTL = shutil.which("kubectl", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")

CRD = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.io}
spec:
  group: example.io
  scope: Namespaced
  names: {plural: widgets, kind: Widget, shortNames: [wd]}
  versions:
  - name: v1
    served: true
    storage: true
    subresources:
      status: {}
      scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas}
    additionalPrinterColumns:
    - {name: Color, type: string, jsonPath: .spec.color}
    - {name: Ready, type: string, jsonPath: '.status.conditions[?(@.type=="Ready")].status'}
    schema:
      openAPIV3Schema:
        type: object
        description: A widget of the test.
        properties:
          spec:
            type: object
            description: What is wanted of the widget.
            required: [color]
            x-kubernetes-validations:
            - {rule: "self.color != 'beige'", message: beige is no color}
            properties:
              color: {type: string, description: The color of the widget., enum: [red, green, beige]}
              replicas: {type: integer, minimum: 0, default: 1}
          status:
            type: object
            x-kubernetes-preserve-unknown-fields: true
"""


class Cluster:
    """A server on a loopback socket, in a thread of its own, and kubectl that talks to it."""

    def __init__(self, home: Path) -> None:
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._counter = itertools.count()
        self._home = home
        self._listener: Listener | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _token(self, size: int) -> bytes:
        return hashlib.sha256(str(next(self._counter)).encode()).digest()[:size]

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._server = ApiServer(MemoryStore(), scheme=SCHEME, clock=lambda: datetime.now(UTC), token=self._token)
        self._loop.run_until_complete(self._server.start())
        admin = User("admin", ("system:masters", "system:authenticated"))
        self._listener = self._loop.run_until_complete(serve(self._server, "127.0.0.1", 0, None, trusted=admin))
        self._ready.set()
        self._loop.run_forever()

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(20)

    def stop(self) -> None:
        async def end() -> None:
            assert self._listener is not None
            await self._listener.close()
            await self._server.stop()

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(20)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(20)
        self._loop.close()

    def kubectl(self, *arguments: str, stdin: str = "", fails: bool = False) -> str:
        """The output of kubectl, or its errors when it is meant to fail."""
        assert self._listener is not None
        assert KUBECTL is not None
        command = [KUBECTL, f"--server=http://127.0.0.1:{self._listener.port}", f"--cache-dir={self._home}/cache"]
        environment = {"HOME": str(self._home), "PATH": os.environ.get("PATH", ""), "KUBECONFIG": f"{self._home}/none"}
        done = subprocess.run(
            [*command, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            env=environment,
            timeout=60,
            check=False,
        )
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        return done.stderr if fails else done.stdout + done.stderr

    def json(self, *arguments: str) -> Any:
        return json.loads(self.kubectl(*arguments, "-o", "json"))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    if KUBECTL is None:
        pytest.skip("kubectl is not installed")
    found = Cluster(tmp_path_factory.mktemp("kubectl"))
    found.start()
    yield found
    found.stop()


def test_explain_shows_what_the_types_say(cluster: Cluster) -> None:
    text = cluster.kubectl("explain", "machine.spec")
    assert "clusterName" in text
    assert "-required-" in text
    assert "KIND:       Machine" in text
    assert "FIELD: spec <" in text
    assert "finalizers" in cluster.kubectl("explain", "configmap.metadata")
    assert "providerID" in cluster.kubectl("explain", "machine.spec", "--api-version=cluster.x-k8s.io/v1beta1")
    assert "does not exist" in cluster.kubectl("explain", "machine.nothing", fails=True)


def test_protobuf_bodies_of_built_in_kinds(cluster: Cluster) -> None:
    cluster.kubectl("create", "configmap", "settings", "--from-literal=a=b")
    assert cluster.json("get", "cm", "settings")["data"] == {"a": "b"}
    cluster.kubectl("create", "secret", "generic", "hidden", "--from-literal=key=value")
    secret = cluster.json("get", "secret", "hidden")
    assert secret["data"] == {"key": "dmFsdWU="}
    assert secret["type"] == "Opaque"
    cluster.kubectl("create", "namespace", "elsewhere")
    assert cluster.json("get", "ns", "elsewhere")["status"]["phase"] == "Active"
    cluster.kubectl("create", "serviceaccount", "robot")
    assert cluster.json("get", "sa", "robot")["metadata"]["name"] == "robot"


def test_strict_validation_names_what_was_meant(cluster: Cluster) -> None:
    manifest = """
apiVersion: cluster.x-k8s.io/v1beta2
kind: Machine
metadata: {name: typo}
spec:
  clusterNmae: homelab
  clusterName: homelab
  bootstrap: {dataSecretName: x}
  infrastructureRef: {apiGroup: infrastructure.cluster.x-k8s.io, kind: ProxmoxMachine, name: x}
"""
    text = cluster.kubectl("apply", "--validate=strict", "-f", "-", stdin=manifest, fails=True)
    assert 'strict decoding error: unknown field "spec.clusterNmae"' in text
    assert 'did you mean "spec.clusterName"?' in text
    text = cluster.kubectl("apply", "--validate=warn", "--dry-run=server", "-f", "-", stdin=manifest)
    assert 'Warning: unknown field "spec.clusterNmae"' in text


def test_tables_of_built_in_kinds(cluster: Cluster) -> None:
    lines = cluster.kubectl("get", "namespaces").splitlines()
    assert lines[0].split() == ["NAME", "STATUS", "AGE"]
    assert any(line.split()[:2] == ["default", "Active"] for line in lines)
    cluster.kubectl("create", "configmap", "listed", "--from-literal=a=b", "--from-literal=c=d")
    (line,) = [line for line in cluster.kubectl("get", "cm").splitlines() if line.startswith("listed")]
    assert line.split()[1] == "2"


def test_a_users_definition_from_birth_to_tables(cluster: Cluster) -> None:
    cluster.kubectl("apply", "-f", "-", stdin=CRD)
    cluster.kubectl("wait", "--for=condition=Established", "crd/widgets.example.io", "--timeout=20s")
    assert "The color of the widget." in cluster.kubectl("explain", "widget.spec")

    def widget(**spec: Any) -> str:
        return json.dumps({"apiVersion": "example.io/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": spec})

    assert "beige is no color" in cluster.kubectl("apply", "-f", "-", stdin=widget(color="beige"), fails=True)
    text = cluster.kubectl("apply", "-f", "-", stdin=widget(color="blue"), fails=True)
    assert 'spec.color: Unsupported value: "blue": supported values: "red", "green", "beige"' in text
    text = cluster.kubectl("apply", "-f", "-", stdin=widget(color="red", replicas="x"), fails=True)
    assert 'spec.replicas in body must be of type integer: "string"' in text
    cluster.kubectl("apply", "-f", "-", stdin=widget(color="red"))
    assert cluster.json("get", "wd", "w")["spec"] == {"color": "red", "replicas": 1}
    cluster.kubectl("apply", "-f", "-", stdin=widget(color="green"))
    status = {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}
    cluster.kubectl("patch", "wd", "w", "--subresource=status", "--type=merge", "-p", json.dumps(status))
    lines = [line.split() for line in cluster.kubectl("get", "wd").splitlines()]
    assert lines == [["NAME", "COLOR", "READY"], ["w", "green", "True"]]
    cluster.kubectl("scale", "wd/w", "--replicas=3")
    assert cluster.json("get", "wd", "w")["spec"]["replicas"] == 3


def test_patches_of_every_type(cluster: Cluster) -> None:
    cluster.kubectl("create", "serviceaccount", "patched")

    def patched(kind: str, patch: Any) -> Any:
        cluster.kubectl("patch", "sa", "patched", f"--type={kind}", "-p", json.dumps(patch))
        return cluster.json("get", "sa", "patched")

    assert patched("strategic", {"secrets": [{"name": "a"}]})["secrets"] == [{"name": "a"}]
    assert patched("strategic", {"secrets": [{"name": "b"}]})["secrets"] in (
        [{"name": "a"}, {"name": "b"}],
        [{"name": "b"}, {"name": "a"}],
    )
    assert patched("merge", {"secrets": [{"name": "c"}]})["secrets"] == [{"name": "c"}]
    assert patched("json", [{"op": "replace", "path": "/secrets/0/name", "value": "d"}])["secrets"] == [{"name": "d"}]
    text = cluster.kubectl(
        "patch", "sa", "patched", "--type=json", "-p", '[{"op": "remove", "path": "/nothing"}]', fails=True
    )
    assert "there is no 'nothing'" in text


def test_apply_of_built_in_kinds_keeps_what_others_set(cluster: Cluster) -> None:
    def config(data: dict[str, str]) -> str:
        return json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "applied"}, "data": data})

    cluster.kubectl("apply", "-f", "-", stdin=config({"a": "1", "b": "2"}))
    cluster.kubectl("patch", "cm", "applied", "--type=merge", "-p", '{"data": {"other": "3"}}')
    cluster.kubectl("apply", "-f", "-", stdin=config({"a": "9"}))
    assert cluster.json("get", "cm", "applied")["data"] == {"a": "9", "other": "3"}
    assert "unchanged" in cluster.kubectl("apply", "-f", "-", stdin=config({"a": "9"}))
