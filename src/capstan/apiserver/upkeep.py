"""The namespace controller: what each namespace starts with, and its emptying when it is deleted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from capstan.api.errors import ApiError, is_already_exists, is_not_found
from capstan.api.objects import Obj
from capstan.api.verbs import DeleteOptions, User, WriteOptions
from capstan.apiserver.backend import Backend
from capstan.apiserver.deleting import Deleter
from capstan.apiserver.namespaces import PREFIX
from capstan.apiserver.resources import Served
from capstan.apiserver.rounds import Rounds
from capstan.apiserver.writing import Change as Write
from capstan.apiserver.writing import Writer
from capstan.store.entry import Change, Entry

USER = User("system:serviceaccount:kube-system:namespace-controller", ("system:masters",))
ROOT_CA = "kube-root-ca.crt"
_ACCOUNT = "default"
_CONFIG_MAPS = "/configmaps"
_AS_IT_IS = WriteOptions()


class NamespaceController:
    """Follows every change. Work is done for namespaces that appeared or are being deleted, and for no other."""

    def __init__(self, backend: Backend, writer: Writer, deleter: Deleter, root_ca: str = "") -> None:
        self._backend = backend
        self._writer = writer
        self._deleter = deleter
        self._root_ca = root_ca
        self._ending: dict[str, None] = {}
        self._rounds = Rounds(backend.store, "namespace", self._look, self._concerned)

    async def run(self) -> None:
        """Until cancelled."""
        await self._rounds.follow(await self._rounds.begin(PREFIX))

    def _concerned(self, change: Change) -> Iterator[str]:
        entry = change.entry
        if entry.prefix == PREFIX:
            self._ending.pop(entry.name, None)
            if not change.deleted:
                yield entry.name
        elif self._concerns_namespace(change):
            yield entry.namespace

    def _concerns_namespace(self, change: Change) -> bool:
        """Whether something left a namespace that is being emptied, or what every namespace has is not as it was."""
        entry = change.entry
        if change.deleted:
            return entry.namespace in self._ending or entry.name in (_ACCOUNT, ROOT_CA)
        return entry.name == ROOT_CA and entry.prefix == _CONFIG_MAPS and change.previous is not None

    async def _look(self, name: str) -> None:
        entry = await self._backend.store.get(PREFIX, "", name)
        if entry is None:
            return
        if entry.object["metadata"].get("deletionTimestamp"):
            self._ending[name] = None
            await self._empty(entry)
        else:
            await self._furnish(name)

    async def _furnish(self, name: str) -> None:
        """What every namespace has: its default account, and the CA of this server where that is known.
        Neither stays away or stays changed."""
        await self._ensure("serviceaccounts", name, {"metadata": {"name": _ACCOUNT, "namespace": name}})
        if self._root_ca:
            body = {"metadata": {"name": ROOT_CA, "namespace": name}, "data": {"ca.crt": self._root_ca}}
            await self._ensure("configmaps", name, body)

    async def _ensure(self, plural: str, namespace: str, body: Obj) -> None:
        served = self._backend.registry.by_plural("", plural)
        if served is None:
            return
        name, target = body["metadata"]["name"], served.stored(namespace)
        present = await self._backend.store.get(served.prefix, namespace, name)
        try:
            if present is None:
                await self._writer.create(target, body, WriteOptions(), USER)
            elif "data" in body and present.object.get("data") != body["data"]:
                await self._writer.change(
                    target, Write(name, lambda obj: {**obj, "data": body["data"]}, _AS_IT_IS, USER)
                )
        except ApiError as error:
            if not is_already_exists(error) and not is_not_found(error) and error.code not in (403, 422):
                raise

    async def _empty(self, namespace: Entry) -> None:
        """Delete what is in it, pods first; when nothing is left, let it go."""
        remaining: list[tuple[Served, Sequence[Entry]]] = []
        for served in self._in_order():
            left = await self._delete_all(served, namespace.name)
            if left:
                remaining.append((served, left))
                if served.prefix == "/pods":
                    break
        if remaining:
            await self._say(namespace, remaining)
            return
        await self._change(namespace.name, lambda current: {**current, "spec": {}}, "finalize")

    def _in_order(self) -> list[Served]:
        kinds = [served for served in self._backend.registry.all() if served.namespaced and not served.kept_at]
        return sorted(kinds, key=lambda served: (served.prefix != "/pods", served.prefix))

    async def _delete_all(self, served: Served, namespace: str) -> Sequence[Entry]:
        page = await self._backend.store.list(served.prefix, namespace)
        for entry in page.entries:
            metadata = entry.object["metadata"]
            if metadata.get("deletionTimestamp"):
                continue
            how = DeleteOptions(uid=metadata["uid"], propagation="Background")
            try:
                await self._deleter.delete(served.stored(namespace), entry.name, how, USER)
            except ApiError as error:
                if not is_not_found(error):
                    raise
        return (await self._backend.store.list(served.prefix, namespace)).entries if page.entries else ()

    async def _say(self, namespace: Entry, remaining: list[tuple[Served, Sequence[Entry]]]) -> None:
        """Conditions with what is still there and who holds it."""
        counts = ", ".join(f"{s.group_resource} has {len(left)} resource instances" for s, left in remaining)
        held: dict[str, int] = {}
        for _, left in remaining:
            for entry in left:
                for finalizer in entry.object["metadata"].get("finalizers") or ():
                    held[finalizer] = held.get(finalizer, 0) + 1
        held_text = ", ".join(f"{name} in {count} resource instances" for name, count in sorted(held.items()))
        wanted = {
            "NamespaceContentRemaining": ("SomeResourcesRemain", f"Some resources are remaining: {counts}"),
            "NamespaceFinalizersRemaining": (
                "SomeFinalizersRemain",
                f"Some content in the namespace has finalizers remaining: {held_text}",
            ),
        }

        def change(current: Obj) -> Obj:
            status = current.get("status") or {}
            conditions = [c for c in status.get("conditions") or () if c.get("type") not in wanted]
            before = {c.get("type"): c for c in status.get("conditions") or ()}
            for kind, (reason, message) in wanted.items():
                if kind == "NamespaceFinalizersRemaining" and not held:
                    continue
                since = before.get(kind, {}).get("lastTransitionTime") or self._backend.timestamp()
                conditions.append(
                    {"type": kind, "status": "True", "reason": reason, "message": message, "lastTransitionTime": since}
                )
            return {**current, "status": {**status, "conditions": conditions}}

        await self._change(namespace.name, change, "*")

    async def _change(self, name: str, make: object, subresource: str) -> None:
        served = self._backend.registry.by_plural("", "namespaces")
        assert served is not None and callable(make)
        try:
            await self._writer.change(served.stored(""), Write(name, make, WriteOptions(), USER, subresource))
        except ApiError as error:
            if not is_not_found(error):
                raise
