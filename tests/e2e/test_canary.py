"""What is secret stays where it was put: a real plane is given canaries by every way in, right and wrong, and nothing
that it writes or says beside the Secrets themselves holds one."""

from __future__ import annotations

import base64
import json
import ssl
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import yaml

from tests.e2e.programs import Plane

SECRETS = "/api/v1/namespaces/default/secrets"
MAPS = "/api/v1/namespaces/default/configmaps"
MERGE = "application/merge-patch+json"
APPLY = "application/apply-patch+yaml"
CANARY = "c4n4ry-7f3a9e51-of-the-whole-process"


class Caller:
    """The plane's administrator, who keeps all that is answered."""

    def __init__(self, kubeconfig: Path) -> None:
        config: Any = yaml.safe_load(kubeconfig.read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        self.url = cluster["server"]
        self.tls = ssl.create_default_context(cadata=base64.b64decode(cluster["certificate-authority-data"]).decode())
        with tempfile.NamedTemporaryFile() as pem:
            pem.write(base64.b64decode(user["client-certificate-data"]) + base64.b64decode(user["client-key-data"]))
            pem.flush()
            self.tls.load_cert_chain(pem.name)

    def call(
        self, method: str, path: str, body: Any = None, content_type: str = "application/json"
    ) -> tuple[int, bytes]:
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": content_type}, method=method)
        try:
            with urllib.request.urlopen(request, context=self.tls, timeout=30) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()


def spellings(canary: str) -> list[bytes]:
    """The canary as it may be spelled on a disk or a wire."""
    return [canary.encode(), base64.b64encode(canary.encode()).rstrip(b"=")[:-1]]


def test_no_canary_leaves_its_secret(tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: RequestResponse}]\n")
    directory = tmp_path / "data"
    plane = Plane(directory, None, "--verbose", "--audit-policy-file", str(policy))
    said: list[bytes] = []
    try:
        caller = Caller(directory / "kubeconfig")
        encoded = base64.b64encode(CANARY.encode()).decode()
        good = {"metadata": {"name": "good"}, "stringData": {"password": CANARY}}

        def ask(
            expected: int, method: str, path: str, body: Any = None, content_type: str = "application/json"
        ) -> None:
            code, text = caller.call(method, path, body, content_type)
            assert code == expected, (code, path, text[:300])
            if code >= 400:
                said.append(text)

        ask(201, "POST", SECRETS, good)
        ask(409, "POST", SECRETS, good)
        ask(200, "PUT", f"{SECRETS}/good", good)
        ask(200, "PATCH", f"{SECRETS}/good", {"data": {"more": encoded}}, MERGE)
        ask(
            200,
            "PATCH",
            f"{SECRETS}/good?fieldManager=test&force=true",
            {**good, "apiVersion": "v1", "kind": "Secret"},
            APPLY,
        )
        ask(201, "POST", f"{SECRETS}?dryRun=All", {**good, "metadata": {"name": "dry"}})
        ask(200, "GET", f"{SECRETS}/good")
        ask(200, "GET", SECRETS)
        # Refusals, whose texts must not repeat what was sent.
        ask(400, "POST", SECRETS, b'{"metadata":{"name":"broken"},"stringData":{"x":"' + CANARY.encode() + b'"')
        ask(422, "POST", SECRETS, {"metadata": {"name": "Bad Name"}, "stringData": {"x": CANARY}})
        ask(
            422,
            "POST",
            SECRETS,
            {"metadata": {"name": "tls"}, "type": "kubernetes.io/tls", "stringData": {"x": CANARY}},
        )
        ask(404, "PUT", f"{SECRETS}/none", {**good, "metadata": {"name": "none"}})
        ask(415, "POST", SECRETS, CANARY.encode(), "text/plain")
        ask(404, "POST", "/api/v1/namespaces/none/secrets", good)
        ask(409, "PUT", f"{SECRETS}/good", {**good, "metadata": {"name": "good", "resourceVersion": "1"}})
        ask(
            422,
            "PATCH",
            f"{SECRETS}/good",
            [{"op": "test", "path": "/data/password", "value": "x"}],
            "application/json-patch+json",
        )
        ask(201, "POST", "/apis/authentication.k8s.io/v1/tokenreviews", {"spec": {"token": CANARY}})
        for path in ("/metrics", "/readyz?verbose", "/api/v1/events", "/apis/cluster.x-k8s.io/v1beta2/clusters"):
            code, text = caller.call("GET", path)
            assert code == 200
            said.append(text)
        ask(200, "DELETE", f"{SECRETS}/good")
    finally:
        plane.end()
    assert (directory / "audit" / "audit.log").stat().st_size > 1_000
    places = {str(place.relative_to(tmp_path)): place.read_bytes() for place in tmp_path.rglob("*") if place.is_file()}
    places |= {"what was printed": plane.output.encode(), "what was answered": b"\n".join(said)}
    found = [name for name, content in places.items() for spelled in spellings(CANARY) if spelled in content]
    assert not found
