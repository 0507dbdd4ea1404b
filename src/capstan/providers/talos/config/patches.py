"""The patches of a TalosConfig, in order: `configPatches`, `strategicPatches`, the hostname (talos.md 2.4, 2.5).

Either field may hold RFC 6902 operations or documents to merge, as manifests in the wild do. Upstream refuses
operations once there is more than one document; here they apply to the one document that they can concern: the
v1alpha1 document, or the only other document that has the path's first field.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from capstan.api.rules.jsonpatch import OPERATIONS, PatchError, apply_json_patch, parse_pointer
from capstan.providers.talos.config.contract import Contract
from capstan.providers.talos.config.errors import ConfigError
from capstan.providers.talos.config.generate_documents import hostname_document
from capstan.providers.talos.config.merge import identity, merge_document, merge_documents
from capstan.providers.talos.config.yamltext import Document, load_documents


def apply_config_patches(documents: list[Document], patches: Sequence[Mapping[str, Any]]) -> list[Document]:
    """`spec.configPatches`, all as one RFC 6902 patch. Raises ConfigError."""
    if not patches:
        return documents
    try:
        return _apply_operations(documents, patches)
    except ConfigError as error:
        raise error.under("configPatches") from None


def apply_strategic_patches(documents: list[Document], patches: Sequence[str]) -> list[Document]:
    """`spec.strategicPatches` in their order; each is YAML of documents or of operations. Raises ConfigError."""
    for number, text in enumerate(patches):
        try:
            documents = apply_patch_text(documents, text)
        except ConfigError as error:
            raise error.under(f"strategicPatches[{number}]") from None
    return documents


def apply_patch_text(documents: list[Document], text: str) -> list[Document]:
    """One patch as a user writes it. Raises ConfigError."""
    for part in load_documents(text):
        if isinstance(part, list):
            documents = _apply_operations(documents, part)
        elif isinstance(part, dict):
            documents = merge_documents(documents, [_checked(part)])
        else:
            raise ConfigError("a patch is a mapping to merge, or a list of operations (op, path, value)")
    return documents


def apply_hostname(documents: list[Document], hostname: str, contract: Contract) -> list[Document]:
    """The hostname wins over all patches. From 1.12 on it is a document of its own: never both forms, which Talos
    refuses (upstream writes the old one when `talosVersion` is empty)."""
    if not hostname:
        return documents
    if not contract.has_network_documents:
        return _on_v1alpha1(documents, {"machine": {"network": {"hostname": hostname}}})
    return [d for d in documents if identity(d)[1] != "HostnameConfig"] + [hostname_document(hostname)]


def _checked(part: Document) -> Document:
    if part.keys() >= {"op", "path"} and "apiVersion" not in part:
        raise ConfigError("an operation stands in a list: begin the line with a dash")
    return part


def _apply_operations(documents: list[Document], operations: Sequence[Any]) -> list[Document]:
    for number, operation in enumerate(operations):
        if not isinstance(operation, Mapping) or operation.get("op") not in OPERATIONS:
            raise ConfigError("not an RFC 6902 operation: it needs op, path and mostly value", f"operation {number}")
        try:
            place = _target(documents, operation)
            changed = apply_json_patch(documents[place], [operation])
        except PatchError as error:
            raise ConfigError(error.why, f"operation {number}: {error.pointer}") from None
        if not isinstance(changed, dict):
            raise ConfigError("replaces the whole document by something else", f"operation {number}")
        documents = [*documents[:place], changed, *documents[place + 1 :]]
    return documents


def _target(documents: Sequence[Document], operation: Mapping[str, Any]) -> int:
    """The v1alpha1 document, unless the first field of the path is in exactly one other document and not in it."""
    legacy = next((n for n, d in enumerate(documents) if identity(d)[1] == ""), 0)
    tokens = parse_pointer(str(operation.get("path", "")))
    if not tokens or tokens[0] in ("machine", "cluster") or tokens[0] in documents[legacy]:
        return legacy
    holding = [n for n, d in enumerate(documents) if tokens[0] in d]
    return holding[0] if len(holding) == 1 else legacy


def _on_v1alpha1(documents: list[Document], patch: Document) -> list[Document]:
    return [merge_document(d, patch) if identity(d)[1] == "" else d for d in documents]
