"""Computes the status of one ExtensionConfig: that its handlers were not discovered, and why."""

from __future__ import annotations

import msgspec

from capstan.api.meta import Condition
from capstan.api.rules.conditions import FALSE, put_conditions
from capstan.api.rules.progress import paused_condition
from capstan.api.runtime.extensionconfig import ExtensionConfig
from capstan.controllers.extensionconfig.plan import plan
from capstan.controllers.extensionconfig.snapshot import ExtensionSnapshot
from capstan.runtime.plan import Outcomes


def compute_status(snapshot: ExtensionSnapshot, _outcomes: Outcomes) -> ExtensionConfig:
    config = snapshot.config
    conditions = [paused_condition("ExtensionConfig", False, config.metadata.annotations)]
    for wait in plan(snapshot).waiting_on:
        conditions.append(Condition(type=wait.condition, status=FALSE, reason=wait.reason, message=wait.message))
    placed = put_conditions(
        config.status.conditions, conditions, generation=config.metadata.generation, now=snapshot.now
    )
    return msgspec.structs.replace(config, status=msgspec.structs.replace(config.status, conditions=placed))
