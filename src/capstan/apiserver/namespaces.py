"""Namespaces: those that always exist, creation in them, and their deletion: emptied first, then finalized."""

from __future__ import annotations

from capstan.api.errors import ApiError, FieldCause, not_found
from capstan.api.objects import Obj
from capstan.apiserver.backend import Backend
from capstan.apiserver.resources import Served, Target

ALWAYS = ("default", "kube-node-lease", "kube-public", "kube-system")
PREFIX = "/namespaces"
_FINALIZER = "kubernetes"


def is_namespace(served: Served) -> bool:
    return served.prefix == PREFIX


def new_namespace(obj: Obj) -> Obj:
    """A created namespace: its name label, its finalizer, and phase Active."""
    metadata = obj["metadata"]
    labels = {**metadata.get("labels", {}), "kubernetes.io/metadata.name": metadata["name"]}
    spec = {**(obj.get("spec") or {}), "finalizers": [_FINALIZER]}
    return {**obj, "metadata": {**metadata, "labels": labels}, "spec": spec, "status": {"phase": "Active"}}


def updated_namespace(old: Obj, new: Obj, subresource: str) -> Obj:
    """An updated namespace: its finalizers change through the `finalize` subresource only."""
    if subresource == "finalize":
        finalizers = (new.get("spec") or {}).get("finalizers") or []
        spec = {k: v for k, v in (old.get("spec") or {}).items() if k != "finalizers"}
        return {**old, "spec": {**spec, "finalizers": finalizers} if finalizers else spec}
    spec = {**(new.get("spec") or {}), "finalizers": (old.get("spec") or {}).get("finalizers") or []}
    labels = {**(new["metadata"].get("labels") or {}), "kubernetes.io/metadata.name": new["metadata"]["name"]}
    return {**new, "spec": spec if spec["finalizers"] else {}, "metadata": {**new["metadata"], "labels": labels}}


def finalized_namespace(obj: Obj) -> Obj:
    """A namespace that is empty: others may still have something to do for it."""
    spec = obj.get("spec") or {}
    return {**obj, "spec": {**spec, "finalizers": [f for f in spec.get("finalizers") or () if f != _FINALIZER]}}


def terminating_namespace(obj: Obj) -> Obj:
    return {**obj, "status": {**(obj.get("status") or {}), "phase": "Terminating"}}


async def check_namespace(backend: Backend, target: Target) -> None:
    """Nothing is created in a namespace that is missing (404) or on its way out (403)."""
    served, name = target.served, target.namespace
    if not served.namespaced:
        return
    if not name:
        raise ApiError(400, "BadRequest", "an empty namespace may not be set during creation")
    if backend.registry.by_plural("", "namespaces") is None:
        return
    entry = await backend.store.get(PREFIX, "", name)
    if entry is None:
        raise not_found("namespaces", name)
    if entry.object["metadata"].get("deletionTimestamp"):
        raise ApiError(
            403,
            "Forbidden",
            f"{served.group_resource} is forbidden: unable to create new content in namespace {name} "
            "because it is being terminated",
            {"kind": served.plural},
            (FieldCause("metadata.namespace", f"namespace {name} is being terminated", "NamespaceTerminating"),),
        )
