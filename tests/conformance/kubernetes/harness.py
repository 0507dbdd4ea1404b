"""What the Conformance tests share: a small client of any Kubernetes API, a namespace for each test, waiting by watch.

They run against the plane as users start it, or against any cluster whose kubeconfig CAPSTAN_CONFORMANCE_KUBECONFIG
names; then the user of its current context must be allowed everything.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import os
import ssl
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import yaml

Obj = dict[str, Any]
Check = Callable[[Obj], bool]

#: How long anything may take that a test waits for.
PATIENCE = 60
MERGE = "application/merge-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
JSON_PATCH = "application/json-patch+json"
APPLY = "application/apply-patch+yaml"

#: The kubectl of this Python's environment, or the one that is named.
KUBECTL = os.environ.get("CAPSTAN_CONFORMANCE_KUBECTL") or str(Path(sys.executable).parent / "kubectl")

_COUNT = itertools.count()


@dataclass(frozen=True)
class Credentials:
    """Where the API is and who asks: what of a kubeconfig a client needs."""

    server: str
    tls: ssl.SSLContext
    headers: Mapping[str, str]


def credentials(kubeconfig: Path) -> Credentials:
    """Those of the current context."""
    config = yaml.safe_load(kubeconfig.read_text())
    context = _named(config["contexts"], config["current-context"])["context"]
    cluster = _named(config["clusters"], context["cluster"])["cluster"]
    user = _named(config["users"], context["user"])["user"]
    tls = ssl.create_default_context(cadata=_decoded(cluster, "certificate-authority").decode() or None)
    if "client-certificate-data" in user or "client-certificate" in user:
        with tempfile.TemporaryDirectory() as home:
            path = Path(home) / "client.pem"
            path.touch(mode=0o600)
            path.write_bytes(_decoded(user, "client-certificate") + b"\n" + _decoded(user, "client-key"))
            tls.load_cert_chain(path)
    headers = {"Authorization": f"Bearer {user['token']}"} if user.get("token") else {}
    return Credentials(cluster["server"].rstrip("/"), tls, headers)


def _named(listed: list[Obj], name: str) -> Obj:
    return next(one for one in listed if one["name"] == name)


def _decoded(part: Obj, name: str) -> bytes:
    if f"{name}-data" in part:
        return base64.b64decode(part[f"{name}-data"])
    return Path(part[name]).read_bytes() if name in part else b""


@dataclass
class Answer:
    """One answer; `body` is decoded where it is JSON."""

    status: int
    body: Any
    headers: Mapping[str, str]


class Refused(AssertionError):
    """The API refused what a test wanted done."""

    def __init__(self, request: str, answer: Answer) -> None:
        super().__init__(f"{request}: {answer.status} {answer.body}")
        self.answer = answer


@dataclass
class Kube:
    """A client for one test. `namespace` exists while the test runs."""

    session: aiohttp.ClientSession
    credentials: Credentials
    kubeconfig: Path
    namespace: str = ""
    #: Further objects that the test made outside of its namespace: their paths.
    made: list[str] = field(default_factory=list)

    def path(self, group_version: str, plural: str, name: str = "", namespace: str | None = None) -> str:
        """The path of a resource; `namespace` None is the test's own, the empty one none at all."""
        root = f"/apis/{group_version}" if "/" in group_version else f"/api/{group_version}"
        place = self.namespace if namespace is None else namespace
        return root + (f"/namespaces/{place}" if place else "") + f"/{plural}" + (f"/{name}" if name else "")

    async def raw(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None, **query: str
    ) -> Answer:
        """Any answer, refusals too."""
        data = body if body is None or isinstance(body, bytes | str) else json.dumps(body)
        sent = {"Content-Type": "application/json", **self.credentials.headers, **(headers or {})}
        url = self.credentials.server + path
        async with self.session.request(
            method, url, data=data, headers=sent, params=query, ssl=self.credentials.tls
        ) as answer:
            content = await answer.read()
            is_json = "json" in answer.headers.get("Content-Type", "")
            decoded = json.loads(content) if is_json and content else content.decode(errors="replace")
            return Answer(answer.status, decoded, answer.headers)

    async def call(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None, **query: str
    ) -> Any:
        """The body of an answer that must be a good one. Raises Refused."""
        answer = await self.raw(method, path, body, headers, **query)
        if answer.status >= 400:
            raise Refused(f"{method} {path}", answer)
        return answer.body

    async def get(self, path: str, **query: str) -> Any:
        return await self.call("GET", path, **query)

    async def create(self, path: str, body: Obj, **query: str) -> Any:
        """Make an object; outside of the test's namespace it is taken away at the end."""
        made = await self.call("POST", path, body, **query)
        if f"/namespaces/{self.namespace}/" not in path and "dryRun" not in query:
            self.made.append(f"{path}/{made['metadata']['name']}")
        return made

    async def replace(self, path: str, body: Obj, **query: str) -> Any:
        return await self.call("PUT", path, body, **query)

    async def patch(self, path: str, body: Any, kind: str = MERGE, **query: str) -> Any:
        return await self.call("PATCH", path, body, {"Content-Type": kind}, **query)

    async def delete(self, path: str, body: Obj | None = None, **query: str) -> Any:
        return await self.call("DELETE", path, body, **query)

    async def is_gone(self, path: str) -> bool:
        return (await self.raw("GET", path)).status == 404

    @asynccontextmanager
    async def watch(self, path: str, **query: str) -> AsyncIterator[Watch]:
        """The changes of a collection from now on, or after `resourceVersion`."""
        url = self.credentials.server + path
        params = {"watch": "true", "timeoutSeconds": str(PATIENCE), **query}
        headers = dict(self.credentials.headers)
        async with self.session.get(url, params=params, headers=headers, ssl=self.credentials.tls) as answer:
            assert answer.status == 200, await answer.text()
            yield Watch(answer)

    async def until(self, path: str, name: str, check: Check) -> Obj:
        """The object once `check` holds of it, seen by watching its collection."""
        async with self.watch(path, fieldSelector=f"metadata.name={name}") as watch:
            return await watch.until(lambda event: event["type"] != "DELETED" and check(event["object"]))

    async def until_gone(self, path: str) -> None:
        """Wait until an object or everything in a collection is gone."""
        for _ in range(PATIENCE * 10):
            answer = await self.raw("GET", path)
            if answer.status == 404 or (answer.status == 200 and answer.body.get("items") == []):
                return
            await asyncio.sleep(0.1)
        raise AssertionError(f"{path} is still there")

    async def make_namespace(self, prefix: str = "conformance", **metadata: Any) -> str:
        """A new namespace that is ready: with its default account and its CA."""
        body = {"metadata": {"name": f"{prefix}-{os.getpid()}-{next(_COUNT)}", **metadata}}
        name = str((await self.create("/api/v1/namespaces", body))["metadata"]["name"])
        for plural, wanted in (("serviceaccounts", "default"), ("configmaps", "kube-root-ca.crt")):
            await self.until(f"/api/v1/namespaces/{name}/{plural}", wanted, lambda _: True)
        return name

    async def kubectl(self, *arguments: str, text: str = "") -> tuple[int, str, str]:
        """Exit status and both outputs of a real kubectl with the same credentials."""
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.kubeconfig.parent)}
        process = await asyncio.create_subprocess_exec(
            KUBECTL,
            f"--kubeconfig={self.kubeconfig}",
            f"--namespace={self.namespace}",
            *arguments,
            env=environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(process.communicate(text.encode()), PATIENCE)
        return process.returncode or 0, out.decode(), err.decode()


def encoded(data: bytes) -> str:
    """Bytes as JSON has them."""
    return base64.b64encode(data).decode()


@dataclass
class Watch:
    """A running watch."""

    answer: aiohttp.ClientResponse

    async def next(self) -> Obj:
        """The next event."""
        line = await asyncio.wait_for(self.answer.content.readline(), PATIENCE)
        assert line, "the watch ended"
        event: Obj = json.loads(line)
        assert event["type"] != "ERROR", event
        return event

    async def until(self, check: Check) -> Obj:
        """The object of the first event that `check` holds of."""
        while True:
            event = await self.next()
            if check(event):
                found: Obj = event["object"]
                return found

    async def until_named(self, kind: str, name: str) -> Obj:
        """The object of the first event of a kind (ADDED, ...) about a name."""
        return await self.until(lambda event: event["type"] == kind and event["object"]["metadata"]["name"] == name)


Body = Callable[[Kube], Awaitable[None]]


def run(kubeconfig: Path, body: Body) -> None:
    """Run one test in a namespace of its own; what it made outside of it goes at the end."""

    async def main() -> None:
        async with aiohttp.ClientSession() as session:
            kube = Kube(session, credentials(kubeconfig), kubeconfig)
            kube.namespace = await kube.make_namespace()
            try:
                await body(kube)
            finally:
                for path in reversed(kube.made):
                    await kube.raw("DELETE", path)

    asyncio.run(main())
