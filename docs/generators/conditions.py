"""Conditions and their reasons by kind, found in the code that sets them."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from capstan.api.cluster import machineconditions
from capstan.providers.proxmox import errors
from docs.generators.controllers import controller_classes
from docs.generators.markdown import code, notice, table

INTRODUCTION = """\
# Conditions and reasons

What `kubectl describe` and `capstan describe cluster` show under conditions, by kind. The list is read from the code
that sets them. It leaves out what a kind mirrors from the objects that it refers to, and the old condition set under
`status.deprecated`. `Ready` of the Proxmox kinds carries the reason of the condition that it sums up. "Others" are
reasons whose condition is chosen on the way. What to do about the reasons that matter:
[troubleshooting](../how-to/troubleshoot.md).
"""

OTHERS = "Others"

_REASON = re.compile(r"[A-Z][A-Za-z0-9]+")
_STATUSES = ("TRUE", "FALSE", "UNKNOWN")

_NOWHERE = 99

#: Function or class -> positions of the condition's type and its reason.
_CALLS: Mapping[str, tuple[int, int]] = {
    "_mark_all": (_NOWHERE, 2),
    "Condition": (0, 2),
    "Waiting": (0, 1),
    "waiting": (2, 0),
    "wait": (0, 1),
    "waits": (0, 1),
    "_waiting": (_NOWHERE, 1),
    "_healthy": (_NOWHERE, 1),
    "Refusal": (_NOWHERE, 0),
    "legacy_false": (0, 1),
    "legacy_unknown": (0, 1),
    "_bad": (0, 1),
    "NoCredentials": (_NOWHERE, 1),
}

#: Functions that give the reason of a failed action.
_REASON_FUNCTIONS = ("_reason", "_creation_reason")

#: Conditions in the old form. Kinds of the core have them only under `status.deprecated`.
_OLD_FORM = ("legacy_false", "legacy_unknown")

#: The type that a kind's calls mean when they name none.
_DEFAULT_TYPES = {
    "proxmoxmachine": "VirtualMachineProvisioned",
    "proxmoxcluster": "ProxmoxAvailable",
    "ipaddressclaim": "Ready",
}


def conditions_page() -> str:
    """A table for each kind with a controller, then the reasons of refusals by Proxmox VE."""
    parts = [notice("the calls in `controllers/` and `providers/`"), INTRODUCTION]
    for kind, found in conditions().items():
        rows = [
            (type_ if type_ == OTHERS else code(type_), ", ".join(map(code, sorted(found[type_]))))
            for type_ in sorted(found, key=lambda name: (name == OTHERS, name))
        ]
        parts += [f"## {kind}\n", table(("Condition", "Reasons"), rows)]
    parts.append("## Refusals by Proxmox VE\n")
    parts.append(
        "A read of Proxmox VE that fails puts one of these reasons into `VirtualMachineProvisioned` of a "
        "ProxmoxMachine or\n`ProxmoxAvailable` of a ProxmoxCluster. An effect that fails has a reason of the tables "
        "above. In both cases the message\nis what Proxmox VE said, and what to do.\n"
    )
    parts.append(table(("Reason", "Meaning"), ((code(reason), text) for reason, text in proxmox_reasons().items())))
    return "\n".join(parts)


def all_reasons() -> frozenset[str]:
    """Every reason on the page."""
    named = {reason for found in conditions().values() for reasons in found.values() for reason in reasons}
    return frozenset(named | proxmox_reasons().keys() | {"CredentialsNotFound", "InvalidCredentials"})


def proxmox_reasons() -> dict[str, str]:
    """Reason -> the first sentence of the error's docstring."""
    found = [e for e in vars(errors).values() if isinstance(e, type) and issubclass(e, errors.PveError)]
    return {e.reason_name: " ".join((e.__doc__ or "").split()) for e in found if e is not errors.PveError}


def conditions() -> dict[str, dict[str, set[str]]]:
    """Kind -> condition type -> reasons."""
    result: dict[str, dict[str, set[str]]] = {}
    for controller in controller_classes():
        folder = controller.__module__.split(".")[-2]
        package = importlib.import_module(controller.__module__.rpartition(".")[0])
        found: dict[str, set[str]] = {}
        for type_, reason in _pairs(package):
            found.setdefault(type_ or _DEFAULT_TYPES.get(folder, OTHERS), set()).add(reason)
        known = {reason for type_, reasons in found.items() if type_ != OTHERS for reason in reasons}
        found[OTHERS] = found.get(OTHERS, set()) - known
        found = {type_: reasons for type_, reasons in found.items() if reasons}
        if found:
            result[controller.kind.__name__] = found
    return result


def _pairs(package: ModuleType) -> Iterator[tuple[str, str]]:
    folder = Path(str(package.__file__)).parent
    for file in sorted(folder.rglob("*.py")):
        if file.stem == "legacy":
            continue
        parts = file.relative_to(folder).with_suffix("").parts
        dotted = ".".join((package.__name__, *(part for part in parts if part != "__init__")))
        names = vars(importlib.import_module(dotted))
        for node in ast.walk(ast.parse(file.read_text())):
            yield from _pairs_at(node, names)
            yield from _shared_pairs(node, names)


def _shared_pairs(node: ast.AST, names: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """A call of a function that several kinds share: what that function sets, given the texts of the call."""
    name = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
    function: Any = names.get(name)
    if not isinstance(node, ast.Call) or getattr(function, "__module__", "") != machineconditions.__name__:
        return
    parameters = inspect.signature(function).parameters
    given = [*zip(parameters, node.args, strict=False), *((k.arg or "", k.value) for k in node.keywords)]
    texts = {parameter: text for parameter, argument in given for text in _values(argument, names)}
    inner = {**vars(machineconditions), **{p.name: p.default for p in parameters.values()}, **texts}
    for part in ast.walk(ast.parse(inspect.getsource(function))):
        yield from _pairs_at(part, inner)


def _pairs_at(node: ast.AST, names: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """A call that sets a condition, a stage of a table, or a status returned with its reason."""
    if isinstance(node, ast.Tuple) and len(node.elts) > 1:
        first = node.elts[0]
        if isinstance(first, ast.Name) and first.id in _STATUSES:
            yield from (("", reason) for reason in _values(node.elts[1], names) if _REASON.fullmatch(reason))
    if isinstance(node, ast.FunctionDef) and node.name in _REASON_FUNCTIONS:
        returned = [r.value for r in ast.walk(node) if isinstance(r, ast.Return)]
        yield from (("", reason) for value in returned for reason in _values(value, names) if _REASON.fullmatch(reason))
    name = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
    if isinstance(node, ast.Call) and name == "Stage":
        # In a table a stage has its name first; in the core's deletions it is the reason itself.
        texts = [value for argument in node.args[:2] for value in _values(argument, names)]
        yield from (("" if text != texts[0] else "Deleting", text) for text in texts if _REASON.fullmatch(text))
    elif isinstance(node, ast.Call) and name in _CALLS and not (name in _OLD_FORM and is_core(names)):
        yield from _pairs_of(node, _CALLS[name], names)


def is_core(names: Mapping[str, Any]) -> bool:
    return str(names["__name__"]).startswith("capstan.controllers.")


def _pairs_of(call: ast.Call, positions: tuple[int, int], names: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    types = list(_values(_argument(call, "type", positions[0]) or _argument(call, "condition", _NOWHERE), names))
    reasons = list(_values(_argument(call, "reason", positions[1]), names))
    for type_ in types or [""]:
        yield from ((type_, reason) for reason in reasons if _REASON.fullmatch(reason))


def _argument(call: ast.Call, keyword: str, position: int) -> ast.expr | None:
    if position < len(call.args):
        return call.args[position]
    return next((k.value for k in call.keywords if k.arg == keyword), None)


def _values(node: ast.expr | None, names: Mapping[str, Any]) -> Iterable[str]:
    """The texts that an argument may have, as far as they are written there."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return (node.value,)
    if isinstance(node, ast.Name) and isinstance(names.get(node.id), str):
        return (names[node.id],)
    if isinstance(node, ast.IfExp):
        return (*_values(node.body, names), *_values(node.orelse, names))
    return ()
