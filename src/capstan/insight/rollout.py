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


def progress(obj: Obj, oldest: str | None = None) -> Progress:
    """How far the rollout of a MachineDeployment or control plane is, in kubectl's words. `oldest` is when the oldest
    Machine of a control plane was made: empty when it has none, None when that is not known."""
    kind, name = obj["kind"].lower(), obj["metadata"]["name"]
    status = obj.get("status") or {}
    subject = f'{kind} "{name}"'
    seen = status.get("observedGeneration") or 0
    if seen < obj["metadata"].get("generation", 0):
        return Progress(f"Waiting for {subject} spec update to be observed...", False)
    unfinished = _by_condition(obj, oldest)
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


def _by_condition(obj: Obj, oldest: str | None) -> str:
    """What its condition RollingOut waits for, where nothing is counted; empty when nothing."""
    if not _has_no_counter(obj):
        return ""
    conditions = {c.get("type"): c for c in obj["status"]["conditions"]}
    rolling = conditions["RollingOut"]
    if rolling.get("status") == "True":
        return _in_one_line(rolling)
    asked = asked_restart(obj)
    is_older = oldest is None or "" < oldest < asked
    if asked > str(rolling.get("lastTransitionTime", "")) and is_older:
        return f"the restart of {asked} is not observed yet"
    scaling = next((conditions[name] for name in ("ScalingUp", "ScalingDown") if _is_on(conditions.get(name))), None)
    return _in_one_line(scaling) if scaling is not None else ""


def asked_restart(obj: Obj) -> str:
    """When a control plane is to be replaced as a whole, as its annotation says; empty when nobody asked."""
    return str((obj["metadata"].get("annotations") or {}).get(ROLLOUT_AFTER_ANNOTATION, ""))


def _is_on(condition: Obj | None) -> bool:
    return condition is not None and condition.get("status") == "True"


def _in_one_line(condition: Obj) -> str:
    return "; ".join(line.removeprefix("* ") for line in str(condition.get("message", "")).splitlines())


def history_table(obj: Obj) -> str:
    """The kept revisions as a table, oldest first."""
    rows = [("REVISION", "VERSION", "INFRASTRUCTURE", "BOOTSTRAP", "CHANGE-CAUSE")]
    rows += [_row(revision) for revision in read_history(obj["metadata"].get("annotations") or {})]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ("   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    return "\n".join(lines) + "\n"


def history_detail(obj: Obj, number: int) -> str:
    """The template of one kept revision, line by line; empty when it is not kept."""
    revision = next((r for r in read_history(obj["metadata"].get("annotations") or {}) if r.number == number), None)
    if revision is None:
        return ""
    lines = [f"{obj['metadata']['name']} with revision #{number}"]
    lines += [f"Change-cause: {revision.cause}"] if revision.cause else []
    return "\n".join([*lines, "Machine template:", *_indented(revision.template, 2)]) + "\n"


def _indented(fields: Obj, indent: int) -> list[str]:
    lines: list[str] = []
    for name, found in sorted(fields.items()):
        if isinstance(found, dict):
            lines += [f"{' ' * indent}{name}:", *_indented(found, indent + 2)]
        else:
            lines.append(f"{' ' * indent}{name}: {found}")
    return lines


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
