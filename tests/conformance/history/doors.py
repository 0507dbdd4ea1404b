"""The two ways in that a history is recorded through: the verbs in the process, and HTTP as clients speak it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any, Protocol

import aiohttp
import orjson

from capstan.api.errors import ApiError
from capstan.api.objects import Obj, Resource
from capstan.api.verbs import DeleteOptions, ListOptions, WriteOptions
from capstan.apiserver.verbs import ServerVerbs
from capstan.apiserver.watch import INITIAL_EVENTS_END
from tests.conformance.history.record import Key, Scope, Seen, colour_of

CONFIG_MAPS = Resource("", "v1", "configmaps", "ConfigMap")
#: What is recorded is recognised by its name; a server has other ConfigMaps too.
PREFIX = "key-"
OPTIONS = WriteOptions()
DRY = WriteOptions(dry_run=True)


class Door(Protocol):
    """Requests of one client. Refusals are ApiError; a server that cannot be reached gives 503."""

    async def get(self, key: Key) -> Obj: ...

    async def list(self, scope: Scope, version: str, limit: int, token: str) -> tuple[list[Obj], int, str]:
        """Items, revision and the token of the next page."""
        ...

    async def create(self, key: Key, obj: Obj, dry: bool) -> Obj: ...

    async def update(self, key: Key, obj: Obj, dry: bool) -> Obj: ...

    async def patch(self, key: Key, patch: Obj, dry: bool) -> Obj: ...

    async def delete(self, key: Key, expected: int) -> None: ...

    def watch(self, scope: Scope, after: int) -> AsyncGenerator[Seen, None]:
        """Changes after a revision; 0 asks for a streaming list. Ends when the server ends it."""
        ...


def object_of(key: Key, value: str, expected: int = 0) -> Obj:
    metadata: Obj = {"name": key[1], "namespace": key[0], "labels": {"colour": colour_of(value)}}
    if expected:
        metadata["resourceVersion"] = str(expected)
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"value": value}}


def key_of(obj: Obj) -> Key:
    return obj["metadata"]["namespace"], obj["metadata"]["name"]


def value_of(obj: Obj) -> str:
    """The value, which label and data both tell of: one that is torn apart is named as such."""
    value = str(obj["data"]["value"])
    return value if obj["metadata"]["labels"]["colour"] == colour_of(value) else f"torn:{value}"


def revision_of(obj: Obj) -> int:
    return int(obj["metadata"].get("resourceVersion") or 0)


def seen(kind: Any, obj: Obj) -> Seen | None:
    """An event as it is recorded; None when it is about something else."""
    metadata = obj["metadata"]
    if kind == "BOOKMARK":
        ends = (metadata.get("annotations") or {}).get(INITIAL_EVENTS_END) == "true"
        return Seen("BOOKMARK", revision_of(obj), initial_end=ends)
    if not metadata["name"].startswith(PREFIX):
        return None
    return Seen(kind, revision_of(obj), key_of(obj), value_of(obj))


def watch_options(scope: Scope, after: int) -> dict[str, Any]:
    """The parameters of a watch, by their names on the wire."""
    options: dict[str, Any] = {"allowWatchBookmarks": "true", "timeoutSeconds": "600"}
    if scope.colour:
        options["labelSelector"] = f"colour={scope.colour}"
    if after:
        options["resourceVersion"] = str(after)
    else:
        options |= {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan"}
    return options


class VerbsDoor:
    """The verbs, called in the process."""

    def __init__(self, verbs: ServerVerbs) -> None:
        self._verbs = verbs

    async def get(self, key: Key) -> Obj:
        return await self._verbs.get(CONFIG_MAPS, *key)

    async def list(self, scope: Scope, version: str, limit: int, token: str) -> tuple[list[Obj], int, str]:
        selector = f"colour={scope.colour}" if scope.colour else ""
        options = ListOptions(
            label_selector=selector, limit=limit, continue_token=token, resource_version="" if token else version
        )
        page = await self._verbs.list(CONFIG_MAPS, scope.namespace, options)
        return list(page.items), int(page.resource_version), page.continue_token

    async def create(self, key: Key, obj: Obj, dry: bool) -> Obj:
        return (await self._verbs.create(CONFIG_MAPS, key[0], obj, DRY if dry else OPTIONS)).object

    async def update(self, key: Key, obj: Obj, dry: bool) -> Obj:
        return (await self._verbs.update(CONFIG_MAPS, *key, obj, DRY if dry else OPTIONS)).object

    async def patch(self, key: Key, patch: Obj, dry: bool) -> Obj:
        return (await self._verbs.patch(CONFIG_MAPS, *key, "merge", patch, DRY if dry else OPTIONS)).object

    async def delete(self, key: Key, expected: int) -> None:
        options = DeleteOptions(resource_version=str(expected) if expected else "")
        await self._verbs.delete(CONFIG_MAPS, *key, options)

    async def watch(self, scope: Scope, after: int) -> AsyncGenerator[Seen, None]:
        wanted = watch_options(scope, after)
        options = ListOptions(
            label_selector=wanted.get("labelSelector", ""),
            resource_version=wanted.get("resourceVersion", ""),
            resource_version_match=wanted.get("resourceVersionMatch", ""),
            allow_bookmarks=True,
            send_initial_events="sendInitialEvents" in wanted,
        )
        async for event in self._verbs.watch(CONFIG_MAPS, scope.namespace, options):
            if found := seen(event.type, event.object):
                yield found


class HttpDoor:
    """HTTP on a session that the caller keeps."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def get(self, key: Key) -> Obj:
        return await self._call("GET", _path(*key))

    async def list(self, scope: Scope, version: str, limit: int, token: str) -> tuple[list[Obj], int, str]:
        params = {"limit": str(limit)} if limit else {}
        if scope.colour:
            params["labelSelector"] = f"colour={scope.colour}"
        if token:
            params["continue"] = token
        elif version:
            params["resourceVersion"] = version
        body = await self._call("GET", _path(scope.namespace), params=params)
        return body["items"], revision_of(body), body["metadata"].get("continue", "")

    async def create(self, key: Key, obj: Obj, dry: bool) -> Obj:
        return await self._call("POST", _path(key[0]), obj, _dry(dry))

    async def update(self, key: Key, obj: Obj, dry: bool) -> Obj:
        return await self._call("PUT", _path(*key), obj, _dry(dry))

    async def patch(self, key: Key, patch: Obj, dry: bool) -> Obj:
        return await self._call("PATCH", _path(*key), patch, _dry(dry), "application/merge-patch+json")

    async def delete(self, key: Key, expected: int) -> None:
        conditions = {"preconditions": {"resourceVersion": str(expected)}} if expected else {}
        await self._call("DELETE", _path(*key), {"kind": "DeleteOptions", "apiVersion": "v1", **conditions})

    async def watch(self, scope: Scope, after: int) -> AsyncGenerator[Seen, None]:
        params = {"watch": "true", **watch_options(scope, after)}
        try:
            async with self._session.get(self._url + _path(scope.namespace), params=params) as answer:
                if answer.status >= 400:
                    raise _refusal(await answer.read(), answer.status)
                async for line in answer.content:
                    event = orjson.loads(line)
                    if event["type"] == "ERROR":
                        raise _refusal(orjson.dumps(event["object"]), event["object"]["code"])
                    if found := seen(event["type"], event["object"]):
                        yield found
        except (aiohttp.ClientError, RuntimeError, TimeoutError, ValueError):
            return  # cut off: what came before counts, a half line does not

    async def _call(
        self, method: str, path: str, body: Any = None, params: Any = None, content: str = "application/json"
    ) -> Obj:
        try:
            async with self._session.request(
                method,
                self._url + path,
                params=params,
                data=None if body is None else orjson.dumps(body),
                headers={"Content-Type": content},
            ) as answer:
                raw = await answer.read()
                if answer.status >= 400:
                    raise _refusal(raw, answer.status)
                found: Obj = orjson.loads(raw)
                return found
        except (aiohttp.ClientError, RuntimeError, TimeoutError) as error:
            raise ApiError(503, "ServiceUnavailable", f"cut off: {type(error).__name__}") from None


def _path(namespace: str, name: str = "") -> str:
    place = f"/namespaces/{namespace}" if namespace else ""
    return f"/api/v1{place}/configmaps" + (f"/{name}" if name else "")


def _dry(dry: bool) -> dict[str, str]:
    return {"dryRun": "All"} if dry else {}


def _refusal(raw: bytes, code: int) -> ApiError:
    body = orjson.loads(raw)
    return ApiError(code, body.get("reason", ""), body.get("message", ""))
