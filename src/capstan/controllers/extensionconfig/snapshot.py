"""All that a decision about one ExtensionConfig needs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from capstan.api.cluster.names import PAUSED_ANNOTATION
from capstan.api.objects import Key
from capstan.api.runtime.extensionconfig import ExtensionConfig
from capstan.api.runtime.kinds import EXTENSION_CONFIG
from capstan.runtime.plan import ObjectRef


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtensionSnapshot:
    """One ExtensionConfig at one time."""

    config: ExtensionConfig
    now: datetime

    @property
    def subject(self) -> ObjectRef:
        meta = self.config.metadata
        return ObjectRef(EXTENSION_CONFIG.resource(), Key("", meta.name), meta.uid)

    @property
    def paused(self) -> bool:
        return PAUSED_ANNOTATION in self.config.metadata.annotations
