"""Deletes a cluster whose controllers or hosts cannot do it any more: everything is deleted, every finalizer removed.

Each step is a request of the user's own to the API, so that the audit log names who forced what.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final

from capstan.api.cluster.kinds import CLUSTER
from capstan.api.errors import ApiError, TransientError, is_not_found
from capstan.api.objects import Obj, Resource
from capstan.insight.leftovers import Held, members
from capstan.insight.reading import CRDS
from capstan.runtime.client.protocol import Client

_CLUSTER: Final = CLUSTER.resource()
_SECRETS: Final = Resource("", "v1", "secrets", "Secret")
_EVENTS: Final = Resource("", "v1", "events", "Event")
_LONGEST_MESSAGE: Final = 1024
_ROOMS: Final = "cluster.x-k8s.io"
#: What controllers make while they are being stopped is found in the next round.
_ROUNDS: Final = 5


async def read_members(client: Client, cluster: Obj) -> list[Held]:
    """The objects that go with a cluster, as `members` orders them, and the Cluster itself at the end. A kind that
    cannot be listed is left out: forcing must not fail for what is broken already."""
    namespace = cluster["metadata"]["namespace"]
    found: list[Held] = []
    for resource in [*await _provider_kinds(client), _SECRETS]:
        try:
            listed = await client.list(resource, namespace)
        except (ApiError, TransientError):
            continue
        found += [Held(resource, obj) for obj in listed.items]
    return [*members(cluster, found), Held(_CLUSTER, cluster)]


async def _provider_kinds(client: Client) -> list[Resource]:
    """Every namespaced kind of the groups of Cluster API, Capstan's and others'."""
    kinds = []
    for crd in (await client.list(CRDS)).items:
        spec = crd["spec"]
        group, names = spec["group"], spec["names"]
        is_ours = group == _ROOMS or group.endswith(f".{_ROOMS}")
        if is_ours and spec.get("scope") != "Cluster" and not (group == _ROOMS and names["kind"] == "Cluster"):
            version = next((v["name"] for v in spec["versions"] if v.get("storage")), spec["versions"][0]["name"])
            kinds.append(Resource(group, version, names["plural"], names["kind"]))
    return kinds


async def note_down(client: Client, cluster: Obj, outside: Sequence[str], now: datetime) -> None:
    """An Event that says who is gone by force and what is left behind. It is for later readers: where it cannot be
    written, the deletion goes on."""
    metadata = cluster["metadata"]
    listed = "; ".join(outside) or "nothing outside is known of"
    at = f"{now:%Y-%m-%dT%H:%M:%SZ}"
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"namespace": metadata["namespace"], "generateName": f"{metadata['name']}."},
        "involvedObject": {
            "apiVersion": _CLUSTER.api_version,
            "kind": "Cluster",
            **{name: metadata[name] for name in ("namespace", "name", "uid")},
        },
        "type": "Warning",
        "reason": "ForcedDeletion",
        "message": f"deleted by force; may be left behind: {listed}"[:_LONGEST_MESSAGE],
        "source": {"component": "capstan"},
        "firstTimestamp": at,
        "lastTimestamp": at,
        "count": 1,
    }
    with suppress(ApiError, TransientError):
        await client.create(_EVENTS, event)


async def force(client: Client, cluster: Obj, say: Callable[[str], None]) -> list[str]:
    """Delete and release everything, in rounds; gives what is there still."""
    await _ignoring_absence(_delete(client, Held(_CLUSTER, cluster)))
    for _ in range(_ROUNDS):
        gone = await read_members(client, cluster)
        for held in gone:
            await _force_one(client, held, say)
        left = await _left(client, cluster)
        if not left:
            return []
    return left


async def _force_one(client: Client, held: Held, say: Callable[[str], None]) -> None:
    """What is refused now, such as a pool that has addresses, is tried again in the next round."""
    try:
        if held.resource.kind != "Secret" and not held.object["metadata"].get("deletionTimestamp"):
            await _ignoring_absence(_delete(client, held))
        if await _ignoring_absence(_release(client, held)):
            say(f"{held}: finalizers removed")
    except ApiError as error:
        if error.code not in (409, 422):
            raise


async def _left(client: Client, cluster: Obj) -> list[str]:
    left = [str(held) for held in (await read_members(client, cluster))[:-1] if held.resource.kind != "Secret"]
    metadata = cluster["metadata"]
    try:
        await client.get(_CLUSTER, metadata["namespace"], metadata["name"])
    except ApiError as error:
        if not is_not_found(error):
            raise
        return left
    return [*left, f"Cluster {metadata['name']}"]


async def _delete(client: Client, held: Held) -> bool:
    metadata = held.object["metadata"]
    await client.delete(held.resource, metadata["namespace"], metadata["name"], uid=held.uid)
    return True


async def _release(client: Client, held: Held) -> bool:
    """Take all finalizers off, of the very object that was listed. False when it has none."""
    metadata = held.object["metadata"]
    namespace, name = metadata["namespace"], metadata["name"]
    now = await client.get(held.resource, namespace, name)
    if not now["metadata"].get("finalizers") or now["metadata"].get("uid") != held.uid:
        return False
    await client.patch(held.resource, namespace, name, {"metadata": {"uid": held.uid, "finalizers": None}})
    return True


async def _ignoring_absence(step: Awaitable[bool]) -> bool:
    try:
        return await step
    except ApiError as error:
        if is_not_found(error):
            return False
        raise
