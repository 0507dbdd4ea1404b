"""What there is to say about a rollout: how far it is, and what it could go back to."""

from __future__ import annotations

from dataclasses import dataclass

from capstan.api.cluster.rollouthistory import ROLLOUT_AFTER_ANNOTATION, Revision, read_history
from capstan.api.objects import Obj


@dataclass(frozen=True, slots=True)
class Progress:
    """`text` is one line for people; `done` says that nothing is left to replace or to become available."""

    text: str
    done: bool


def progress(obj: Obj) -> Progress:
    """How far the rollout of a MachineDeployment or control plane is, in kubectl's words."""
    kind, name = obj["kind"].lower(), obj["metadata"]["name"]
    status = obj.get("status") or {}
    subject = f'{kind} "{name}"'
    seen = status.get("observedGeneration") or 0
    if seen < obj["metadata"].get("generation", 0):
        return Progress(f"Waiting for {subject} spec update to be observed...", False)
    unfinished = _by_condition(obj)
    if unfinished:
        return Progress(f"Waiting for {subject} rollout to finish: {unfinished}", False)
    wanted = (obj.get("spec") or {}).get("replicas", 1)
    there, updated = status.get("replicas") or 0, status.get("upToDateReplicas") or status.get("updatedReplicas") or 0
    if _has_no_counter(obj):
        updated = min(there, wanted)
    available = status.get("availableReplicas")
    available = status.get("readyReplicas") or 0 if available is None else available
    waiting = f"Waiting for {subject} rollout to finish: "
    if updated < wanted:
        return Progress(f"{waiting}{updated} out of {wanted} new replicas have been updated...", False)
    if there > updated:
        return Progress(f"{waiting}{there - updated} old replicas are pending termination...", False)
    if available < updated:
        return Progress(f"{waiting}{available} of {updated} updated replicas are available...", False)
    return Progress(f"{subject} successfully rolled out", True)


def _has_no_counter(obj: Obj) -> bool:
    """TalosControlPlane counts no updated replicas: its condition RollingOut says whether there are others."""
    status = obj.get("status") or {}
    if "upToDateReplicas" in status or "updatedReplicas" in status:
        return False
    return any(c.get("type") == "RollingOut" for c in status.get("conditions") or ())


def _by_condition(obj: Obj) -> str:
    """What its condition RollingOut waits for, where nothing is counted; empty when nothing."""
    if not _has_no_counter(obj):
        return ""
    rolling = next(c for c in obj["status"]["conditions"] if c.get("type") == "RollingOut")
    if rolling.get("status") == "True":
        return "; ".join(line.removeprefix("* ") for line in str(rolling.get("message", "")).splitlines())
    asked = (obj["metadata"].get("annotations") or {}).get(ROLLOUT_AFTER_ANNOTATION, "")
    if asked > str(rolling.get("lastTransitionTime", "")):
        return f"the restart of {asked} is not observed yet"
    return ""


def history_table(obj: Obj) -> str:
    """The kept revisions as a table, oldest first."""
    rows = [("REVISION", "VERSION", "INFRASTRUCTURE", "BOOTSTRAP", "CHANGE-CAUSE")]
    rows += [_row(revision) for revision in read_history(obj["metadata"].get("annotations") or {})]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ("   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    return "\n".join(lines) + "\n"


def _row(revision: Revision) -> tuple[str, str, str, str, str]:
    template = revision.template
    infrastructure = (template.get("infrastructureRef") or {}).get("name", "<none>")
    bootstrap = ((template.get("bootstrap") or {}).get("configRef") or {}).get("name", "<none>")
    return (
        str(revision.number),
        template.get("version") or "<none>",
        infrastructure,
        bootstrap,
        revision.cause or "<none>",
    )
