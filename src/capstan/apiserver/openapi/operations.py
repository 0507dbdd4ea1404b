"""The paths of one resource in an OpenAPI v3 document, with their operations and query parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from capstan.apiserver.openapi.metatypes import META, SCALE, ref
from capstan.apiserver.resources import Served, ServedVersion

Obj = dict[str, Any]

_JSON = ("application/json", "application/yaml")
_PATCHES = (
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
)


def _parameter(name: str, description: str, type_: str = "string", where: str = "query") -> Obj:
    parameter: Obj = {
        "name": name,
        "in": where,
        "description": description,
        "schema": {"type": type_, "uniqueItems": True},
    }
    if where == "path":
        parameter["required"] = True
    return parameter


_PRETTY = _parameter("pretty", "true: indent the answer.")
_NAME = _parameter("name", "The name of the object.", where="path")
_NAMESPACE = _parameter("namespace", "The namespace of the objects.", where="path")
_DRY_RUN = _parameter("dryRun", "All: go through every step but do not store the change.")
_MANAGER = _parameter("fieldManager", "Who makes the change; the first part of the User-Agent when absent.")
_VALIDATION = _parameter(
    "fieldValidation", "What happens to unknown and duplicate fields: Ignore, Warn (the default) or Strict."
)
_FORCE = _parameter("force", "true: take fields over from other managers. Only for apply patches.", "boolean")
_WRITING = (_DRY_RUN, _MANAGER, _VALIDATION)
_PATCHING = (*_WRITING, _FORCE)
_DELETING = (
    _DRY_RUN,
    _parameter("gracePeriodSeconds", "How long the object may take to go.", "integer"),
    _parameter("orphanDependents", "Old form of propagationPolicy Orphan.", "boolean"),
    _parameter("propagationPolicy", "What happens to dependents: Background, Foreground or Orphan."),
)
_SELECTING = (
    _parameter("continue", "The token of the previous page."),
    _parameter("fieldSelector", "Only objects whose fields match."),
    _parameter("labelSelector", "Only objects whose labels match."),
    _parameter("limit", "How many items a page holds.", "integer"),
    _parameter("resourceVersion", "The revision that the answer must have, or be newer than."),
    _parameter("resourceVersionMatch", "Exact or NotOlderThan."),
    _parameter("sendInitialEvents", "Begin a watch with all objects that there are.", "boolean"),
    _parameter("timeoutSeconds", "When to end.", "integer"),
)
_LISTING = (
    *_SELECTING,
    _parameter("allowWatchBookmarks", "Send bookmarks on a watch.", "boolean"),
    _parameter("watch", "Stream changes instead of a list.", "boolean"),
)


def paths_of(served: Served, version: ServedVersion, definition: str) -> dict[str, Obj]:
    """All paths of a resource. `definition` names its component schema; lists are `<definition>List`."""
    return _Resource(served, version, definition).paths()


class _Resource:
    """What the operations of one resource have in common."""

    def __init__(self, served: Served, version: ServedVersion, definition: str) -> None:
        self._served, self._version, self._definition = served, version, definition
        self._gvk = {"group": served.group, "version": version.name, "kind": served.kind}
        self._tag = _tag(served.group, version.name)
        self._scope = "Namespaced" if served.namespaced else ""

    def paths(self) -> dict[str, Obj]:
        prefix = f"/apis/{self._served.group}" if self._served.group else "/api"
        root = f"{prefix}/{self._version.name}"
        everywhere = f"{root}/{self._served.plural}"
        in_scope = f"{root}/namespaces/{{namespace}}/{self._served.plural}" if self._served.namespaced else everywhere
        common = [_NAMESPACE, _PRETTY] if self._served.namespaced else [_PRETTY]
        found = {
            in_scope: {**self._collection(), "parameters": common},
            f"{in_scope}/{{name}}": {**self._single(), "parameters": [_NAME, *common]},
        }
        if self._served.namespaced:
            found[everywhere] = self._all_namespaces()
        for subresource, definition, gvk in self._subresources():
            operations = self._of_subresource(subresource, definition, gvk)
            found[f"{in_scope}/{{name}}/{subresource}"] = {**operations, "parameters": [_NAME, *common]}
        return found

    def _has(self, verb: str) -> bool:
        return verb in self._served.verbs

    def _collection(self) -> Obj:
        found: Obj = {}
        if self._has("list"):
            found["get"] = self._operation("list", f"{self._definition}List", _LISTING)
        if self._has("create"):
            found["post"] = self._operation(
                "post", self._definition, _WRITING, body=self._definition, codes=(200, 201, 202)
            )
        if self._has("deletecollection"):
            found["delete"] = self._operation(
                "deletecollection", f"{META}.Status", (*_DELETING, *_SELECTING), body=f"{META}.DeleteOptions"
            )
        return found

    def _single(self) -> Obj:
        found: Obj = {}
        if self._has("get"):
            found["get"] = self._operation("get", self._definition, ())
        if self._has("update"):
            found["put"] = self._operation("put", self._definition, _WRITING, body=self._definition, codes=(200, 201))
        if self._has("patch"):
            found["patch"] = self._patch(self._definition, self._gvk, "")
        if self._has("delete"):
            found["delete"] = self._operation(
                "delete", f"{META}.Status", _DELETING, body=f"{META}.DeleteOptions", codes=(200, 202)
            )
        return found

    def _all_namespaces(self) -> Obj:
        if not self._has("list"):
            return {}
        operation = self._operation("list", f"{self._definition}List", (), suffix="ForAllNamespaces")
        return {"get": operation, "parameters": [*_LISTING, _PRETTY]}

    def _subresources(self) -> Sequence[tuple[str, str, Mapping[str, str]]]:
        found: list[tuple[str, str, Mapping[str, str]]] = []
        if self._version.status:
            found.append(("status", self._definition, self._gvk))
        if self._version.scale is not None:
            found.append(("scale", f"{SCALE}.Scale", {"group": "autoscaling", "version": "v1", "kind": "Scale"}))
        return found

    def _of_subresource(self, name: str, definition: str, gvk: Mapping[str, str]) -> Obj:
        suffix = name.capitalize()
        return {
            "get": self._operation("get", definition, (), suffix=suffix, gvk=gvk),
            "put": self._operation(
                "put", definition, _WRITING, body=definition, suffix=suffix, gvk=gvk, codes=(200, 201)
            ),
            "patch": self._patch(definition, gvk, suffix),
        }

    def _patch(self, definition: str, gvk: Mapping[str, str], suffix: str) -> Obj:
        accepted = [p for p in _PATCHES if self._served.builtin or "strategic" not in p]
        operation = self._operation("patch", definition, _PATCHING, suffix=suffix, gvk=gvk, codes=(200, 201))
        operation["requestBody"] = _body(f"{META}.Patch", accepted)
        return operation

    def _operation(
        self,
        action: str,
        answer: str,
        parameters: Sequence[Obj],
        *,
        body: str = "",
        suffix: str = "",
        gvk: Mapping[str, str] | None = None,
        codes: Sequence[int] = (200,),
    ) -> Obj:
        verb, what = _ACTIONS[action]
        subject = f"{what} {self._served.kind}" + (f" ({suffix})" if suffix else "")
        operation: Obj = {
            "tags": [self._tag],
            "description": subject,
            "operationId": f"{verb}{_pascal(self._tag)}{self._scope}{self._served.kind}{suffix}",
            "parameters": list(parameters),
            "responses": {str(code): _answer(answer, _CODES[code]) for code in codes},
            "x-kubernetes-action": action,
            "x-kubernetes-group-version-kind": gvk or self._gvk,
        }
        operation["responses"]["401"] = {"description": "Unauthorized"}
        if body:
            operation["requestBody"] = _body(body, ["*/*"])
        return operation


_ACTIONS = {
    "list": ("list", "list or watch objects of kind"),
    "get": ("read", "read the specified"),
    "post": ("create", "create a"),
    "put": ("replace", "replace the specified"),
    "patch": ("patch", "partially update the specified"),
    "delete": ("delete", "delete a"),
    "deletecollection": ("deleteCollection", "delete a collection of"),
}
_CODES = {200: "OK", 201: "Created", 202: "Accepted"}


def _tag(group: str, version: str) -> str:
    return f"{group.partition('.')[0] or 'core'}_{version}"


def _pascal(tag: str) -> str:
    return "".join(part.capitalize() for part in tag.replace("-", "_").split("_"))


def _answer(definition: str, description: str) -> Obj:
    return {"description": description, "content": {media: {"schema": ref(definition)} for media in _JSON}}


def _body(definition: str, media_types: Sequence[str]) -> Obj:
    return {"content": {media: {"schema": ref(definition)} for media in media_types}, "required": True}
