"""The table of stages of a ProxmoxMachine, from the table that the controller reads."""

from __future__ import annotations

from capstan.providers.proxmox.proxmoxmachine.stages import STAGES
from docs.generators.markdown import code, table


def stage_table() -> str:
    """One row for each stage, in order."""
    rows = [
        (str(number), stage.name, (stage.look.__doc__ or "").strip(), code(stage.reason))
        for number, stage in enumerate(STAGES, 1)
    ]
    return table(("", "Stage", "Holds when", "Reason while it is at work"), rows)
