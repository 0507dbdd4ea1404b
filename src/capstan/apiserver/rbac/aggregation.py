"""ClusterRoles that are made of others: their rules follow those of the roles that they select."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from capstan.api.errors import ApiError, is_not_found
from capstan.api.objects import Obj
from capstan.api.rules.selectors import selects
from capstan.api.verbs import User, WriteOptions
from capstan.apiserver.backend import Backend
from capstan.apiserver.rbac.index import CLUSTER_ROLES, GROUP
from capstan.apiserver.rounds import Rounds
from capstan.apiserver.writing import Change as Write
from capstan.apiserver.writing import Writer
from capstan.store.entry import Change, Entry

USER = User("system:serviceaccount:kube-system:clusterrole-aggregation-controller", ("system:masters",))

_Selectors = Sequence[Mapping[str, Any]]


class RoleAggregation:
    """Follows every change of a ClusterRole. Work is done for roles that select it, and for no other."""

    def __init__(self, backend: Backend, writer: Writer) -> None:
        self._backend = backend
        self._writer = writer
        # Aggregated role -> its selectors.
        self._selectors: dict[str, _Selectors] = {}
        self._rounds = Rounds(backend.store, "cluster role", self._look, self._concerned, watched=CLUSTER_ROLES)
        self._after = 0

    async def begin(self) -> None:
        """Look at every aggregated role until nothing changes: they are made of one another."""
        for entry in (await self._backend.store.list(CLUSTER_ROLES)).entries:
            self._know(entry)
        for _ in range(len(self._selectors) + 1):
            self._after = await self._rounds.begin(CLUSTER_ROLES)
            await self._rounds.work()
            if self._backend.store.revision == self._after:
                return

    async def run(self) -> None:
        """Until cancelled, after `begin`."""
        await self._rounds.follow(self._after)

    def _know(self, entry: Entry) -> None:
        rule = entry.object.get("aggregationRule")
        if rule:
            self._selectors[entry.name] = rule.get("clusterRoleSelectors") or ()
        else:
            self._selectors.pop(entry.name, None)

    def _concerned(self, change: Change) -> Iterator[str]:
        if change.deleted:
            self._selectors.pop(change.entry.name, None)
        else:
            self._know(change.entry)
        if change.entry.name in self._selectors:
            yield change.entry.name
        for entry in (change.entry, change.previous):
            labels = _labels(entry) if entry is not None else {}
            for name, selectors in self._selectors.items() if labels else ():
                if selects_any(selectors, labels):
                    yield name

    async def _look(self, name: str) -> None:
        selectors = self._selectors.get(name)
        entry = await self._backend.store.get(CLUSTER_ROLES, "", name)
        if selectors is None or entry is None:
            return
        page = await self._backend.store.list(CLUSTER_ROLES)
        wanted = aggregated_rules(name, selectors, page.entries)
        if (entry.object.get("rules") or []) != wanted:
            await self._write(name, wanted)

    async def _write(self, name: str, rules: list[Obj]) -> None:
        served = self._backend.registry.by_plural(GROUP, "clusterroles")
        assert served is not None
        write = Write(name, lambda current: {**current, "rules": rules}, WriteOptions(), USER)
        try:
            await self._writer.change(served.stored(""), write)
        except ApiError as error:
            if not is_not_found(error):
                raise


def aggregated_rules(name: str, selectors: _Selectors, roles: Sequence[Entry]) -> list[Obj]:
    """The rules of all roles that are selected, in the order of their names, each rule once."""
    found: list[Obj] = []
    for entry in sorted(roles, key=lambda entry: entry.name):
        if entry.name != name and selects_any(selectors, _labels(entry)):
            found += [rule for rule in entry.object.get("rules") or () if rule not in found]
    return found


def selects_any(selectors: _Selectors, labels: Mapping[str, str]) -> bool:
    """Whether any of the label selectors selects these labels."""
    return any(selects(selector, labels) for selector in selectors)


def _labels(entry: Entry) -> Mapping[str, str]:
    return entry.object["metadata"].get("labels") or {}
