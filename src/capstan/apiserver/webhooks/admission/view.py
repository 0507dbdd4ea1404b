"""The webhook configurations at the moment, compiled once for each change."""

from __future__ import annotations

from collections.abc import Sequence

from capstan.apiserver.webhooks.admission.hook import Hook, hooks_of
from capstan.store.entry import Entry

GROUP = "admissionregistration.k8s.io"
VALIDATING, MUTATING = "validatingwebhookconfigurations", "mutatingwebhookconfigurations"
#: Where the store keeps them.
PREFIXES = tuple(f"{GROUP}/{plural}" for plural in (MUTATING, VALIDATING))


class Webhooks:
    """What is configured: by the names of the configurations, and in them in the order of their lists.
    Implements `Keeper`."""

    def __init__(self) -> None:
        self._configured: dict[str, dict[str, tuple[Hook, ...]]] = {prefix: {} for prefix in PREFIXES}
        self._hooks: dict[str, tuple[Hook, ...]] = dict.fromkeys(PREFIXES, ())

    def hooks(self, plural: str) -> Sequence[Hook]:
        return self._hooks[f"{GROUP}/{plural}"]

    def put(self, entry: Entry) -> None:
        self._configured[entry.prefix][entry.name] = tuple(hooks_of(entry.object))

    def remove(self, entry: Entry) -> None:
        self._configured[entry.prefix].pop(entry.name, None)

    def arrange(self, prefix: str) -> None:
        configured = self._configured[prefix]
        self._hooks[prefix] = tuple(hook for name in sorted(configured) for hook in configured[name])
