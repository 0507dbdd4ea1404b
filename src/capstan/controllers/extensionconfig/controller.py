"""ExtensionConfig: how it is observed."""

from __future__ import annotations

from typing import ClassVar

from capstan.api.objects import Key
from capstan.api.runtime.extensionconfig import ExtensionConfig
from capstan.controllers.extensionconfig.plan import plan
from capstan.controllers.extensionconfig.snapshot import ExtensionSnapshot
from capstan.controllers.extensionconfig.status import compute_status
from capstan.runtime.controller import Controller, Writes
from capstan.runtime.plan import Outcomes, Plan
from capstan.runtime.reader import Reader


class ExtensionConfigController(Controller[ExtensionConfig, ExtensionSnapshot]):
    """Reads nothing but its own kind."""

    kind = ExtensionConfig
    writes: ClassVar[tuple[Writes, ...]] = (Writes(ExtensionConfig, ("status",)),)

    async def observe(self, reader: Reader, key: Key) -> ExtensionSnapshot | None:
        config = reader.get(ExtensionConfig, "", key.name)
        return ExtensionSnapshot(config=config, now=reader.now()) if config is not None else None

    def plan(self, snapshot: ExtensionSnapshot) -> Plan:
        return plan(snapshot)

    def compute_status(self, snapshot: ExtensionSnapshot, outcomes: Outcomes) -> ExtensionConfig:
        return compute_status(snapshot, outcomes)
