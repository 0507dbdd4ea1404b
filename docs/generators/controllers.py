"""The controller graph: who is woken by what and who writes what, from the declarations of the controllers."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

import capstan.controllers
import capstan.providers
from capstan.runtime.controller import Controller, Writes
from docs.generators.markdown import code, table

_ROOMS = (capstan.controllers, capstan.providers)


def controller_classes() -> list[type[Controller[Any, Any]]]:
    """Every controller, by room and kind. They all live in modules that are called `controller`."""
    found: list[type[Controller[Any, Any]]] = []
    for room in _ROOMS:
        for module in pkgutil.walk_packages(room.__path__, f"{room.__name__}."):
            if module.name.endswith(".controller"):
                found += _defined_in(importlib.import_module(module.name))
    return found


def _defined_in(module: Any) -> list[type[Controller[Any, Any]]]:
    return [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, Controller)
        and value.__module__ == module.__name__
        and isinstance(getattr(value, "kind", None), type)
    ]


def written(declared: Writes) -> str:
    """The kind that a declaration is about, as text."""
    kind = declared.kind
    return kind.__name__ if isinstance(kind, type) else str(kind)


def _text(name: str) -> str:
    """Without what Markdown would take for a tag."""
    return name.replace("<", "&lt;").replace(">", "&gt;")


def _node(name: str) -> str:
    """Where it belongs in the graph: single Secrets are not told apart there."""
    return "Secret" if name.startswith("Secret") else "workload Nodes" if name == "Node" else name


def _woken_by(controller: type[Controller[Any, Any]]) -> list[str]:
    names = [watch.kind.__name__ for watch in controller.watches]
    if controller.external_wakes is not None:
        names.append("provider objects")
    if controller.workload_wakes is not None:
        names.append("workload Nodes")
    return list(dict.fromkeys(names))


def controller_table() -> str:
    """One row for each controller."""
    rows = []
    for controller in controller_classes():
        writes = "; ".join(f"{_text(written(w))}: {', '.join(map(code, w.fields))}" for w in controller.writes)
        room = controller.__module__.removeprefix("capstan.").rpartition(".")[0].replace(".", "/")
        rows.append((controller.kind.__name__, code(room), ", ".join(_woken_by(controller)), writes))
    return table(("Kind", "Folder", "Also woken by", "Writes"), rows)


def controller_graph() -> str:
    """Mermaid: a dotted arrow wakes a controller, a solid one is a write to an object of another kind."""
    lines = ["```mermaid", "flowchart LR"]
    ids: dict[str, str] = {}
    edges: list[str] = []

    def node(name: str) -> str:
        if name not in ids:
            ids[name] = f"n{len(ids)}"
            lines.append(f'    {ids[name]}["{name}"]')
        return ids[name]

    for controller in controller_classes():
        own = node(controller.kind.__name__)
        for name in _woken_by(controller):
            edges.append(f"    {node(name)} -.-> {own}")
        others = dict.fromkeys(_node(written(w)) for w in controller.writes if w.kind is not controller.kind)
        edges += [f"    {own} --> {node(name)}" for name in others]
    return "\n".join([*lines, *edges, "```"]) + "\n"
