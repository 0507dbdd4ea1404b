"""The real kubectl over TLS with a client certificate, against a server that keeps its state in a file."""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import json
import os
import secrets
import shutil
import ssl
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from capstan.api.scheme import SCHEME
from capstan.apiserver.listener import Listener, TlsFiles, serve
from capstan.apiserver.server import ApiServer
from capstan.store.sqlite import SqliteStore

KUBECTL = shutil.which("kubectl", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")

DEPLOYMENT = """
apiVersion: cluster.x-k8s.io/v1beta2
kind: MachineDeployment
metadata: {name: web, labels: {cluster.x-k8s.io/cluster-name: homelab}}
spec:
  clusterName: homelab
  replicas: 2
  selector: {matchLabels: {pool: web}}
  template:
    metadata: {labels: {pool: web, cluster.x-k8s.io/cluster-name: homelab}}
    spec:
      clusterName: homelab
      version: v1.34.1
      bootstrap: {dataSecretName: boot}
      infrastructureRef: {apiGroup: infrastructure.cluster.x-k8s.io, kind: ProxmoxMachineTemplate, name: web}
"""


class Authority:
    """A CA for one test run, and the certificates that it signs."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._signed("test-ca", (), self.key, None)

    def issue(self, name: str, *groups: str) -> tuple[bytes, bytes]:
        """A certificate and its key as PEM."""
        key = ec.generate_private_key(ec.SECP256R1())
        encoded = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return self._signed(name, groups, key, self.certificate).public_bytes(serialization.Encoding.PEM), encoded

    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def _signed(
        self, name: str, groups: tuple[str, ...], key: ec.EllipticCurvePrivateKey, ca: x509.Certificate | None
    ) -> x509.Certificate:
        parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
        subject = x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.now(UTC)
        address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(ca.subject if ca is not None else subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca is None, None), critical=True)
            .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        )
        return builder.sign(self.key, hashes.SHA256())


class Plane:
    """A server with TLS in a thread of its own, and kubectl with the kubeconfig of one of its users."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.authority = Authority()
        certificate, key = self.authority.issue("server")
        (home / "server.crt").write_bytes(certificate)
        (home / "server.key").write_bytes(key)
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._listener: Listener | None = None

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._start())
        self._ready.set()
        self._loop.run_forever()

    async def _start(self) -> None:
        self._store = await SqliteStore.open(self.home / "store.db")
        self._server = ApiServer(
            self._store,
            scheme=SCHEME,
            clock=lambda: datetime.now(UTC),
            token=secrets.token_bytes,
            root_ca=self.authority.pem().decode(),
        )
        await self._server.start()
        tls = TlsFiles(self.home / "server.crt", self.home / "server.key", self.authority.pem().decode())
        self._listener = await serve(self._server, "127.0.0.1", 0, tls)

    async def _end(self) -> None:
        assert self._listener is not None
        await self._listener.close()
        await self._server.stop()
        await self._store.close()

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(20)

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(20)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(20)
        self._loop.close()

    @property
    def url(self) -> str:
        assert self._listener is not None
        return f"https://127.0.0.1:{self._listener.port}"

    def kubeconfig(self, name: str, *groups: str) -> Path:
        path = self.home / f"{name}.kubeconfig"
        certificate, key = (base64.b64encode(part).decode() for part in self.authority.issue(name, *groups))
        cluster = {"server": self.url, "certificate-authority-data": base64.b64encode(self.authority.pem()).decode()}
        user = {"client-certificate-data": certificate, "client-key-data": key}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "capstan", "cluster": cluster}],
            "users": [{"name": name, "user": user}],
            "contexts": [{"name": "capstan", "context": {"cluster": "capstan", "user": name}}],
            "current-context": "capstan",
        }
        path.write_text(json.dumps(config))
        return path

    def command(self, *arguments: str, config: Path | None = None) -> tuple[list[str], dict[str, str]]:
        assert KUBECTL is not None
        path = config or self.home / "admin.kubeconfig"
        environment = {"HOME": str(self.home), "PATH": os.environ.get("PATH", ""), "KUBECONFIG": str(path)}
        environment["KUBE_EDITOR"] = "sed -i 's/replicas: [0-9]*/replicas: 7/'"
        return [KUBECTL, *arguments], environment

    def kubectl(self, *arguments: str, stdin: str = "", fails: bool = False, config: Path | None = None) -> str:
        """The output of kubectl, errors included."""
        command, environment = self.command(*arguments, config=config)
        done = subprocess.run(
            command, input=stdin, capture_output=True, text=True, env=environment, timeout=60, check=False
        )
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        return done.stdout + done.stderr

    def json(self, *arguments: str) -> Any:
        return json.loads(self.kubectl(*arguments, "-o", "json"))


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    if KUBECTL is None:
        pytest.skip("kubectl is not installed")
    found = Plane(tmp_path_factory.mktemp("plane"))
    found.start()
    found.kubeconfig("admin", "system:masters")
    yield found
    found.stop()


def test_apply_get_change_and_delete(plane: Plane) -> None:
    assert "created" in plane.kubectl("apply", "-f", "-", stdin=DEPLOYMENT)
    assert "unchanged" in plane.kubectl("apply", "-f", "-", stdin=DEPLOYMENT)
    before = plane.json("get", "md", "web")["metadata"]
    assert plane.json("get", "md", "web")["metadata"]["resourceVersion"] == before["resourceVersion"]
    assert "configured" in plane.kubectl("apply", "-f", "-", stdin=DEPLOYMENT.replace("v1.34.1", "v1.34.2"))
    assert "scaled" in plane.kubectl("scale", "md", "web", "--replicas=4")
    assert plane.kubectl("get", "md", "web", "-o", "jsonpath={.spec.replicas}") == "4"
    assert "scaled" in plane.kubectl("scale", "md/web", "--current-replicas=4", "--replicas=5")
    assert "edited" in plane.kubectl("edit", "md", "web")
    assert plane.json("get", "md", "web")["spec"]["replicas"] == 7
    plane.kubectl("label", "md", "web", "tier=front")
    plane.kubectl("annotate", "md", "web", "example.com/note=hello")
    plane.kubectl("patch", "md", "web", "--type=json", "-p", '[{"op":"replace","path":"/spec/replicas","value":3}]')
    plane.kubectl("patch", "md", "web", "--type=merge", "--subresource=status", "-p", '{"status":{"replicas":3}}')
    found = plane.json("get", "md", "-l", "tier=front")["items"][0]
    assert found["spec"]["replicas"] == 3 and found["status"]["replicas"] == 3
    assert found["metadata"]["generation"] == before["generation"] + 5
    assert "unknown format" in plane.kubectl("patch", "md", "web", "-p", "{}", fails=True)
    assert "web" in plane.kubectl("describe", "md", "web")
    assert "deleted" in plane.kubectl("delete", "md", "web", "--wait")
    assert "NotFound" in plane.kubectl("get", "md", "web", fails=True)


def test_tables_and_what_is_served(plane: Plane) -> None:
    plane.kubectl("create", "namespace", "tables")
    plane.kubectl("apply", "-n", "tables", "-f", "-", stdin=DEPLOYMENT)
    header, row = plane.kubectl("get", "machinedeployments", "-n", "tables").splitlines()
    assert header.split()[0] == "NAME" and "CLUSTER" in header and row.split()[0] == "web"
    resources = plane.kubectl("api-resources", "--api-group=cluster.x-k8s.io", "-o", "name")
    assert {"clusters.cluster.x-k8s.io", "machines.cluster.x-k8s.io"} <= set(resources.split())
    assert "cluster.x-k8s.io/v1beta1" in plane.kubectl("api-versions").split()
    assert "Server Version: v1." in plane.kubectl("version")
    plane.kubectl("delete", "namespace", "tables")
    assert "NotFound" in plane.kubectl("get", "namespace", "tables", fails=True)


def test_wait_and_watch_end_when_it_happens(plane: Plane) -> None:
    plane.kubectl("apply", "-f", "-", stdin=DEPLOYMENT.replace("name: web,", "name: waited,"))
    command, environment = plane.command("wait", "--for=condition=Available", "md/waited", "--timeout=30s")
    watching, _ = plane.command("get", "md", "-w", "-o", "name", "--request-timeout=20s")
    with (
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as waiter,
        subprocess.Popen(watching, env=environment, stdout=subprocess.PIPE, text=True) as watcher,
    ):
        assert watcher.stdout is not None
        assert watcher.stdout.readline().strip().endswith("/waited")
        condition = {
            "type": "Available",
            "status": "True",
            "reason": "Available",
            "message": "",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        }
        status = json.dumps({"status": {"conditions": [condition]}})
        plane.kubectl("patch", "md", "waited", "--type=merge", "--subresource=status", "-p", status)
        assert watcher.stdout.readline().strip().endswith("/waited")
        assert waiter.wait(30) == 0
        watcher.terminate()
    plane.kubectl("delete", "md", "waited")


def test_delete_waits_for_finalizers(plane: Plane) -> None:
    held = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "held", "finalizers": ["example.com/hold"]}}
    plane.kubectl("create", "-f", "-", stdin=json.dumps(held))
    command, environment = plane.command("delete", "cm", "held", "--timeout=30s")
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as deleting:
        plane.kubectl("wait", "cm/held", "--for=jsonpath={.metadata.deletionTimestamp}", "--timeout=20s")
        assert deleting.poll() is None
        plane.kubectl("patch", "cm", "held", "-p", '{"metadata":{"finalizers":null}}')
        assert deleting.wait(30) == 0


def test_dry_run_and_diff_change_nothing(plane: Plane) -> None:
    assert "server dry run" in plane.kubectl("apply", "--dry-run=server", "-f", "-", stdin=DEPLOYMENT)
    assert "NotFound" in plane.kubectl("get", "md", "web", fails=True)


def test_events_of_an_object(plane: Plane) -> None:
    plane.kubectl("create", "cm", "seen")
    about = plane.json("get", "cm", "seen")["metadata"]
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "seen.1", "namespace": "default"},
        "involvedObject": {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "name": "seen",
            "namespace": "default",
            "uid": about["uid"],
        },
        "reason": "Looked",
        "message": "somebody looked",
        "type": "Normal",
        "firstTimestamp": "2026-01-01T00:00:00Z",
        "lastTimestamp": "2026-01-01T00:00:00Z",
        "count": 1,
        "source": {"component": "test"},
    }
    plane.kubectl("create", "-f", "-", stdin=json.dumps(event))
    assert "somebody looked" in plane.kubectl("events", "--for=cm/seen")
    assert "somebody looked" in plane.kubectl("describe", "cm", "seen")


def test_who_has_no_right_is_refused(plane: Plane) -> None:
    stranger = plane.kubeconfig("eve", "developers")
    text = plane.kubectl("get", "secrets", config=stranger, fails=True)
    assert "Forbidden" in text and 'User "eve" cannot' in text
    trusting = ssl.create_default_context(cadata=plane.authority.pem().decode())
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{plane.url}/api/v1/secrets", context=trusting)
    with refused.value as answer:
        assert (answer.code, json.load(answer)["reason"]) == (401, "Unauthorized")
    with urllib.request.urlopen(f"{plane.url}/readyz", context=trusting) as answer:
        assert answer.read() == b"ok"


def test_many_pages(plane: Plane) -> None:
    items = [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"page-{i:03}"}} for i in range(30)]
    documents = "\n---\n".join(json.dumps(item) for item in items)
    plane.kubectl("create", "-n", "kube-public", "-f", "-", stdin=documents)
    names = plane.kubectl("get", "cm", "-n", "kube-public", "-o", "name", "--chunk-size=7").split()
    assert [n for n in names if "page-" in n] == [f"configmap/page-{i:03}" for i in range(30)]
    plane.kubectl("delete", "cm", "-n", "kube-public", "--all")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_the_python_client(plane: Plane) -> None:
    from kubernetes import client, config, dynamic, watch

    api = config.new_client_from_config(str(plane.home / "admin.kubeconfig"))
    try:
        core = client.CoreV1Api(api)
        made = core.create_namespaced_config_map(
            "default", client.V1ConfigMap(metadata=client.V1ObjectMeta(name="python"), data={"a": "b"})
        )
        changed = core.patch_namespaced_config_map("python", "default", {"data": {"c": "d"}})
        assert changed.data == {"a": "b", "c": "d"}
        stream = watch.Watch().stream(
            core.list_namespaced_config_map, "default", field_selector="metadata.name=python", timeout_seconds=1
        )
        assert [(event["type"], event["object"].metadata.uid) for event in stream] == [("ADDED", made.metadata.uid)]
        clusters = dynamic.DynamicClient(api).resources.get(api_version="cluster.x-k8s.io/v1beta2", kind="Cluster")
        assert clusters.namespaced and clusters.get(namespace="default").items == []
        with pytest.raises(client.ApiException) as refused:
            core.read_namespaced_secret("none", "default")
        assert json.loads(refused.value.body)["reason"] == "NotFound"
        core.delete_namespaced_config_map("python", "default")
        left = core.list_namespaced_config_map("default").items
        assert made.metadata.uid not in [found.metadata.uid for found in left]
    finally:
        api.close()
