"""Decides what to do for one ExtensionConfig: nothing, as no extension is called yet."""

from __future__ import annotations

from capstan.api.runtime.admission import NOT_CALLED
from capstan.controllers.extensionconfig.snapshot import ExtensionSnapshot
from capstan.runtime.plan import Plan, Waiting


def plan(snapshot: ExtensionSnapshot) -> Plan:
    """Says plainly that the service will not be asked."""
    if snapshot.paused:
        return Plan(snapshot.subject)
    return Plan(snapshot.subject, waiting_on=(Waiting("Discovered", "NotDiscovered", NOT_CALLED),))
