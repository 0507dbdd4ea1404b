"""The client of any Kubernetes over HTTPS, on aiohttp."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import aiohttp
import orjson

from capstan.api.errors import ApiError, TransientError, is_not_found
from capstan.api.objects import Obj, ObjectList, Resource, WatchEvent
from capstan.api.verbs import Handover, PatchType, Propagation
from capstan.runtime.client.changes import changes
from capstan.runtime.client.discovery import AGGREGATED, aggregated_resources, listed_resources
from capstan.runtime.client.kubeconfig import Kubeconfig
from capstan.runtime.client.local import FIELD_MANAGER
from capstan.runtime.client.silence import why_silent
from capstan.runtime.dialer import Dialer
from capstan.runtime.throttle import Throttle

PATCH_TYPES: Mapping[str, str] = {
    "json": "application/json-patch+json",
    "merge": "application/merge-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "apply": "application/apply-patch+yaml",
}

REQUEST_TIMEOUT = aiohttp.ClientTimeout(total=30, sock_connect=10)
PROBE_TIMEOUT = aiohttp.ClientTimeout(total=5)
WATCH_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=10)
LARGEST_EVENT_BYTES = 4 * 1024 * 1024


class HttpClient:
    """Implements `Client` over HTTP. One session, kept; made inside a running event loop. With a `throttle` requests
    wait for their turn, but probes, which ask whether there is an answer in time."""

    def __init__(self, config: Kubeconfig, dialer: Dialer | None = None, throttle: Throttle | None = None) -> None:
        self._config = config
        self._throttle = throttle
        self._server = config.server.rstrip("/")
        self._ssl: ssl.SSLContext | None = config.ssl_context() if self._server.startswith("https") else None
        self._proxy = config.proxy_url or (dialer.proxy_for(self._server) if dialer else "") or None
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=64, keepalive_timeout=60),
            headers={"Authorization": f"Bearer {config.token}"} if config.token else None,
            json_serialize=lambda value: orjson.dumps(value).decode(),
            read_bufsize=LARGEST_EVENT_BYTES,
        )

    def call_itself(self, name: str) -> None:
        """From now on requests come from a program of this name, in audit logs for one."""
        self._session.headers["User-Agent"] = name

    async def get(self, resource: Resource, namespace: str, name: str) -> Obj:
        return await self._request("GET", path_of(resource, namespace, name))

    async def list(
        self,
        resource: Resource,
        namespace: str = "",
        *,
        label_selector: str = "",
        field_selector: str = "",
        limit: int = 0,
        continue_token: str = "",
    ) -> ObjectList:
        params = _present(
            labelSelector=label_selector,
            fieldSelector=field_selector,
            limit=str(limit) if limit else "",
            **{"continue": continue_token},
        )
        body = await self._request("GET", path_of(resource, namespace), params=params)
        metadata = body.get("metadata") or {}
        items = body.get("items") or []
        for item in items:  # items of a list carry neither, typed readers want both
            item.setdefault("apiVersion", resource.api_version)
            item.setdefault("kind", resource.kind)
        return ObjectList(
            items, metadata.get("resourceVersion", ""), metadata.get("continue", ""), metadata.get("remainingItemCount")
        )

    async def watch(
        self,
        resource: Resource,
        namespace: str = "",
        *,
        resource_version: str = "",
        label_selector: str = "",
        field_selector: str = "",
    ) -> AsyncIterator[WatchEvent]:
        params = _present(
            watch="true",
            allowWatchBookmarks="true",
            resourceVersion=resource_version,
            labelSelector=label_selector,
            fieldSelector=field_selector,
        )
        path = path_of(resource, namespace)
        try:
            async with self._session.get(
                self._server + path, params=params, ssl=self._ssl or True, proxy=self._proxy, timeout=WATCH_TIMEOUT
            ) as response:
                if response.status >= 400:
                    raise _refusal(response.status, await response.read())
                async for line in response.content:
                    if line.strip():
                        event = orjson.loads(line)
                        yield WatchEvent(event["type"], event["object"])
        except (TimeoutError, aiohttp.ClientError, ValueError) as error:
            raise TransientError(f"watch of {self._server}{path} broke: {why_silent(error)}") from None

    async def create(self, resource: Resource, obj: Obj, *, dry_run: bool = False) -> Obj:
        params = _present(fieldManager=FIELD_MANAGER, dryRun="All" if dry_run else "")
        path = path_of(resource, obj["metadata"].get("namespace", ""))
        return await self._request("POST", path, params=params, body=obj)

    async def act(self, resource: Resource, namespace: str, name: str, subresource: str, obj: Obj) -> Obj:
        path = path_of(resource, namespace, name, subresource)
        return await self._request("POST", path, params={"fieldManager": FIELD_MANAGER}, body=obj)

    async def probe(self) -> None:
        await self._request("GET", "/", timeout=PROBE_TIMEOUT)

    async def served(self, group: str, version: str) -> Sequence[Resource]:
        try:
            return listed_resources(await self._request("GET", path_of(Resource(group, version, "", ""))))
        except ApiError as error:
            if not is_not_found(error):
                raise
        # What only another replica of the server serves stands in its aggregated document alone.
        body = await self._request("GET", "/apis" if group else "/api", accept=AGGREGATED)
        return aggregated_resources(body, group, version)

    async def update(self, resource: Resource, obj: Obj, *, subresource: str = "") -> Obj:
        metadata = obj["metadata"]
        path = path_of(resource, metadata.get("namespace", ""), metadata["name"], subresource)
        return await self._request("PUT", path, params={"fieldManager": FIELD_MANAGER}, body=obj)

    async def patch(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        patch: Any,
        *,
        patch_type: PatchType = "merge",
        subresource: str = "",
    ) -> Obj:
        return await self._request(
            "PATCH",
            path_of(resource, namespace, name, subresource),
            params={"fieldManager": FIELD_MANAGER},
            body=patch,
            content_type=PATCH_TYPES[patch_type],
        )

    async def apply(
        self,
        resource: Resource,
        obj: Obj,
        *,
        manager: str = "",
        force: bool = True,
        subresource: str = "",
        dry_run: bool = False,
        handover: Handover | None = None,
    ) -> Obj:
        metadata = obj["metadata"]
        path = path_of(resource, metadata.get("namespace", ""), metadata["name"], subresource)
        params = _present(
            fieldManager=manager or FIELD_MANAGER,
            force="true" if force else "",
            dryRun="All" if dry_run else "",
        )
        return await self._request("PATCH", path, params=params, body=obj, content_type=PATCH_TYPES["apply"])

    async def commit(self, resource: Resource, before: Obj, after: Obj, *, guarded: bool = True) -> Obj:
        change = changes(before, after, guarded=guarded)
        result = before
        revision = change.resource_version
        if change.patch:
            body = change.patch_with_preconditions()
            result = await self.patch(resource, change.namespace, change.name, body)
            revision = result["metadata"].get("resourceVersion", "") if guarded else ""
        if change.status:
            body = change.patch_with_preconditions(change.status, revision)
            try:
                result = await self.patch(resource, change.namespace, change.name, body, subresource="status")
            except ApiError as error:
                # The first patch took the last finalizer of an object that is being deleted: nothing is left to say.
                if not (error.reason == "NotFound" and change.patch):
                    raise
        return result

    async def delete(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        *,
        uid: str = "",
        resource_version: str = "",
        propagation: Propagation = "Background",
    ) -> None:
        body: Obj = {"apiVersion": "v1", "kind": "DeleteOptions"}
        if propagation:
            body["propagationPolicy"] = propagation
        preconditions = _present(uid=uid, resourceVersion=resource_version)
        if preconditions:
            body["preconditions"] = preconditions
        await self._request("DELETE", path_of(resource, namespace, name), body=body)

    async def aclose(self) -> None:
        await self._session.close()

    async def _request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Any = None,
        content_type: str = "application/json",
        accept: str = "application/json",
        timeout: aiohttp.ClientTimeout = REQUEST_TIMEOUT,
    ) -> Obj:
        if self._throttle is not None and timeout is not PROBE_TIMEOUT:
            await self._throttle.enter()
        headers = {"Accept": accept}
        if body is not None:
            headers["Content-Type"] = content_type
        try:
            async with self._session.request(
                method,
                self._server + path,
                params=params,
                data=None if body is None else orjson.dumps(body),
                headers=headers,
                ssl=self._ssl or True,
                proxy=self._proxy,
                timeout=timeout,
            ) as response:
                content = await response.read()
        except (TimeoutError, aiohttp.ClientError) as error:
            raise TransientError(f"{self._server} does not answer: {why_silent(error)}") from None
        except RuntimeError:
            if not self._session.closed:
                raise
            raise TransientError(f"the connection to {self._server} was closed") from None
        if response.status >= 400:
            raise _refusal(response.status, content)
        answer: Obj = orjson.loads(content) if content else {}
        return answer


def path_of(resource: Resource, namespace: str = "", name: str = "", subresource: str = "") -> str:
    """The URL path of a collection, an object or one of its subresources."""
    root = f"/apis/{resource.group}/{resource.version}" if resource.group else f"/api/{resource.version}"
    scope = f"/namespaces/{namespace}" if namespace and resource.namespaced else ""
    tail = "".join(f"/{part}" for part in (resource.plural, name, subresource) if part)
    return root + scope + tail


def _present(**params: str) -> dict[str, str]:
    return {name: value for name, value in params.items() if value}


def _refusal(code: int, content: bytes) -> Exception:
    """The server's Status as an error; 429 and 5xx without a Status mean: later."""
    try:
        status = orjson.loads(content)
    except orjson.JSONDecodeError:
        status = {}
    if not isinstance(status, dict) or status.get("kind") != "Status":
        text = content[:200].decode(errors="replace")
        return (
            TransientError(f"HTTP {code}: {text}") if code >= 500 else ApiError(code, "Unknown", f"HTTP {code}: {text}")
        )
    details = status.get("details") or {}
    retry_after = details.get("retryAfterSeconds")
    if code in (429, 503) and not details.get("causes"):
        return TransientError(status.get("message", f"HTTP {code}"), retry_after=float(retry_after or 1))
    return ApiError(
        status.get("code", code), status.get("reason", ""), status.get("message", ""), details, (), retry_after
    )
