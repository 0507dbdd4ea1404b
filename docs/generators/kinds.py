"""The table of kinds and versions, from the scheme."""

from __future__ import annotations

from capstan.api.kinds import Kind, Version
from capstan.api.scheme import SCHEME
from docs.generators.markdown import code, table


def kind_table() -> str:
    """One row for each kind."""
    rows = [
        (_name(kind), code(kind.group or "(core)"), ", ".join(map(code, kind.short_names)), _versions(kind))
        for kind in SCHEME.kinds
    ]
    return table(("Kind", "Group", "Short names", "Versions"), rows)


def page_name(kind: Kind) -> str:
    return f"{kind.kind.lower()}.md"


def _name(kind: Kind) -> str:
    """Kubernetes' own kinds are documented by Kubernetes."""
    return kind.kind if kind.builtin else f"[{kind.kind}](reference/kinds/{page_name(kind)})"


def _versions(kind: Kind) -> str:
    return ", ".join(f"{code(v.name)}{describe(v)}" for v in kind.versions if v.served)


def describe(version: Version) -> str:
    """What is to be said of a version besides its name."""
    notes = [text for text, true in (("stored", version.storage), ("deprecated", version.deprecated)) if true]
    return f" ({', '.join(notes)})" if notes else ""
