"""Which names the kinds of each group have, and which definitions wait for one to become free."""

from __future__ import annotations

from collections.abc import Iterator

from capstan.api.objects import Obj
from capstan.apiserver.definitions.conditions import TakenNames, is_true
from capstan.apiserver.resources import Registry


class NameBook:
    """The accepted names of all definitions, kept as they change, besides those of the program's own kinds."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._groups: dict[str, dict[str, Obj]] = {}
        self._waiting: dict[str, dict[str, None]] = {}

    def note(self, crd: Obj) -> None:
        """Remember what a definition was given, and whether it wants more."""
        name, group = crd["metadata"]["name"], crd["spec"]["group"]
        self._groups.setdefault(group, {})[name] = (crd.get("status") or {}).get("acceptedNames") or {}
        if is_true(crd, "NamesAccepted"):
            self._waiting.get(group, {}).pop(name, None)
        else:
            self._waiting.setdefault(group, {})[name] = None

    def forget(self, name: str) -> None:
        group = name.partition(".")[2]
        self._groups.get(group, {}).pop(name, None)
        self._waiting.get(group, {}).pop(name, None)

    def waiting(self, group: str, besides: str) -> Iterator[str]:
        """The definitions of a group that do not have all the names that they want."""
        return (name for name in tuple(self._waiting.get(group, ())) if name != besides)

    def taken_besides(self, crd: Obj) -> TakenNames:
        """The names in a definition's group that others have."""
        own, group = crd["metadata"]["name"], crd["spec"]["group"]
        taken = TakenNames()
        for name, names in self._groups.get(group, {}).items():
            if name != own:
                taken.add(names)
        for served in self._registry.all():
            if served.group == group and not served.custom:
                names = {"plural": served.plural, "singular": served.singular, "shortNames": served.short_names}
                taken.add({**names, "kind": served.kind, "listKind": served.kind_of_list})
        return taken
