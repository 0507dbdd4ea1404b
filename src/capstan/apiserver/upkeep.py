"""The namespace controller: what each namespace starts with, and its emptying when it is deleted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from capstan.api.errors import ApiError, is_already_exists, is_not_found
from capstan.api.objects import Obj
from capstan.api.verbs import DeleteOptions, User, WriteOptions
from capstan.apiserver.backend import Backend
from capstan.apiserver.deleting import Deleter
from capstan.apiserver.namespaces import PREFIX, finalized_namespace
from capstan.apiserver.remaining import Remaining, with_conditions
from capstan.apiserver.resources import Served
from capstan.apiserver.rounds import Rounds
from capstan.apiserver.writing import Change as Write
from capstan.apiserver.writing import Writer
from capstan.store.entry import Change, Entry

USER = User("system:serviceaccount:kube-system:namespace-controller", ("system:masters",))
ROOT_CA = "kube-root-ca.crt"
_ACCOUNT = "default"
_PODS = "/pods"
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
        """Delete what is in it, pods first; when nothing is left, let it go. What cannot be deleted now is tried
        again. Raises ApiError for it."""
        remaining: list[tuple[Served, Sequence[Entry]]] = []
        failed: list[ApiError] = []
        for served in self._in_order():
            left, errors = await self._delete_all(served, namespace.name)
            failed += errors
            if left:
                remaining.append((served, left))
                if served.prefix == _PODS:
                    break
        if not remaining:
            await self._change(namespace.name, finalized_namespace, "finalize")
            return
        found = Remaining(remaining, sorted({error.message for error in failed}))
        now = self._backend.timestamp()
        await self._change(namespace.name, lambda current: with_conditions(current, found, now), "*")
        if failed:
            raise failed[0]

    def _in_order(self) -> list[Served]:
        kinds = [served for served in self._backend.registry.all() if served.namespaced and not served.kept_at]
        return sorted(kinds, key=lambda served: (served.prefix != _PODS, served.prefix))

    async def _delete_all(self, served: Served, namespace: str) -> tuple[Sequence[Entry], list[ApiError]]:
        """What is left of a kind, and what was said about objects that could not be deleted. There is no kubelet
        that ends pods, so they get no time to end."""
        page = await self._backend.store.list(served.prefix, namespace)
        failed: list[ApiError] = []
        grace = 0 if served.prefix == _PODS else None
        for entry in page.entries:
            metadata = entry.object["metadata"]
            if metadata.get("deletionTimestamp") and not metadata.get("deletionGracePeriodSeconds"):
                continue
            how = DeleteOptions(uid=metadata["uid"], propagation="Background", grace_period_seconds=grace)
            try:
                await self._deleter.delete(served.stored(namespace), entry.name, how, USER)
            except ApiError as error:
                if not is_not_found(error):
                    failed.append(error)
        left = (await self._backend.store.list(served.prefix, namespace)).entries if page.entries else ()
        return left, failed

    async def _change(self, name: str, make: object, subresource: str) -> None:
        served = self._backend.registry.by_plural("", "namespaces")
        assert served is not None and callable(make)
        try:
            await self._writer.change(served.stored(""), Write(name, make, WriteOptions(), USER, subresource))
        except ApiError as error:
            if not is_not_found(error):
                raise
