"""The rules of metadata: names, labels, owner references, finalizers, what the server owns, generations. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from capstan.api.errors import ApiError, FieldCause, bad_request, conflict
from capstan.api.objects import Obj
from capstan.api.rules.causes import shown
from capstan.api.rules.labels import qualified_name_faults
from capstan.apiserver.resources import Served, Target
from capstan.apiserver.selectors import is_label_key, is_label_value

_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_MAX_ANNOTATIONS_BYTES = 256 * 1024

#: What a client can neither set nor clear on an existing object.
PROTECTED = (
    "name",
    "namespace",
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
    "selfLink",
    "generateName",
)

_PROTECTED = frozenset(PROTECTED)

MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"


def metadata_of(obj: Obj) -> dict[str, Any]:
    """The metadata of a request's object. Raises 400 when it is not an object."""
    metadata = obj.get("metadata")
    if metadata is None:
        return {}
    if not isinstance(metadata, dict):
        raise bad_request("metadata must be an object")
    return metadata


def has_generation(served: Served) -> bool:
    return served.generation


def content(obj: Obj, *, status: bool) -> dict[str, Any]:
    """What a generation counts: all but metadata, and but status where that is a subresource."""
    return {k: v for k, v in obj.items() if k != "metadata" and not (status and k == "status")}


def addressed(target: Target, obj: Obj, name: str) -> Obj:
    """The object of a request with apiVersion, kind, name and namespace as the path says (a copy of the top
    levels). Raises 400 where the body says something else."""
    for fieldname, expected in (("apiVersion", target.api_version), ("kind", target.served.kind)):
        given = obj.get(fieldname)
        if given not in (None, "", expected):
            raise bad_request(
                f"the {fieldname} in the data ({given}) does not match the expected {fieldname} ({expected})"
            )
    metadata = {k: v for k, v in metadata_of(obj).items() if v is not None}
    if name:
        if metadata.get("name", "") not in ("", name):
            raise bad_request(
                f"the name of the object ({metadata['name']}) does not match the name on the URL ({name})"
            )
        metadata["name"] = name
    if metadata.get("namespace", "") not in ("", target.namespace):
        raise bad_request(
            f"the namespace of the provided object does not match the namespace sent on the request "
            f"({metadata['namespace']} and {target.namespace})"
        )
    if target.namespace:
        metadata["namespace"] = target.namespace
    else:
        metadata.pop("namespace", None)
    return {**obj, "apiVersion": target.api_version, "kind": target.served.kind, "metadata": metadata}


def name_problem(served: Served, name: str) -> str:
    """What is wrong with a name, or the empty string."""
    if served.free_names:
        return "may not be '.', '..' or contain '/' or '%'" if name in (".", "..") or set("/%") & set(name) else ""
    if (served.group, served.kind) == ("", "Namespace"):
        if len(name) > 63 or not _LABEL.fullmatch(name):
            return "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', up to 63"
        return ""
    if len(name) > 253 or not _SUBDOMAIN.fullmatch(name):
        return (
            "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', "
            "and must start and end with an alphanumeric character, up to 253 characters"
        )
    return ""


def check_metadata(served: Served, metadata: Mapping[str, Any]) -> list[FieldCause]:
    """Everything that metadata validation refuses, one cause for each field."""
    causes = []
    name = metadata.get("name", "")
    if not isinstance(name, str) or not name:
        return [FieldCause("metadata.name", "Required value: name or generateName is required", "FieldValueRequired")]
    if problem := name_problem(served, name):
        causes.append(FieldCause("metadata.name", f'Invalid value: "{name}": {problem}'))
    causes += _check_labels(metadata.get("labels"))
    causes += _check_annotations(metadata.get("annotations"))
    causes += _check_owners(metadata.get("ownerReferences"))
    causes += _check_finalizers(metadata.get("finalizers"))
    return causes


def _type_problem(path: str, want: str) -> list[FieldCause]:
    return [FieldCause(path, f"Invalid value: must be {want}", "FieldValueTypeInvalid")]


def _unqualified(path: str, key: str) -> FieldCause:
    why = "; ".join(qualified_name_faults(key)) or "not a qualified name"
    return FieldCause(path, f"Invalid value: {shown(key)}: {why}")


def _check_labels(labels: Any) -> list[FieldCause]:
    if labels is None:
        return []
    if not isinstance(labels, dict):
        return _type_problem("metadata.labels", "an object of strings")
    causes = []
    for key, value in labels.items():
        if not is_label_key(key):
            causes.append(_unqualified("metadata.labels", key))
        if not isinstance(value, str) or not is_label_value(value):
            causes.append(
                FieldCause(
                    "metadata.labels",
                    f'Invalid value: "{value}": a valid label must be an empty string or consist '
                    "of up to 63 alphanumeric characters, '-', '_' or '.', starting and ending alphanumeric",
                )
            )
    return causes


def _check_annotations(annotations: Any) -> list[FieldCause]:
    if annotations is None:
        return []
    if not isinstance(annotations, dict) or not all(isinstance(v, str) for v in annotations.values()):
        return _type_problem("metadata.annotations", "an object of strings")
    causes = [_unqualified("metadata.annotations", key) for key in annotations if not is_label_key(key.lower())]
    size = sum(len(k.encode()) + len(v.encode()) for k, v in annotations.items())
    if size > _MAX_ANNOTATIONS_BYTES:
        causes.append(
            FieldCause(
                "metadata.annotations",
                f"Too long: may not be more than {_MAX_ANNOTATIONS_BYTES} bytes",
                "FieldValueTooLong",
            )
        )
    return causes


def _check_owners(owners: Any) -> list[FieldCause]:
    if owners is None:
        return []
    if not isinstance(owners, list) or not all(isinstance(o, dict) for o in owners):
        return _type_problem("metadata.ownerReferences", "a list of objects")
    causes = []
    for index, owner in enumerate(owners):
        for wanted in ("apiVersion", "kind", "name", "uid"):
            if not owner.get(wanted):
                path = f"metadata.ownerReferences[{index}].{wanted}"
                causes.append(FieldCause(path, f"Required value: {wanted} must not be empty", "FieldValueRequired"))
    if sum(1 for owner in owners if owner.get("controller")) > 1:
        causes.append(
            FieldCause("metadata.ownerReferences", "Invalid value: Only one reference can have Controller set to true")
        )
    return causes


def _check_finalizers(finalizers: Any) -> list[FieldCause]:
    if finalizers is None:
        return []
    if not isinstance(finalizers, list) or not all(isinstance(f, str) for f in finalizers):
        return _type_problem("metadata.finalizers", "a list of strings")
    return [_unqualified("metadata.finalizers", name) for name in finalizers if not is_label_key(name)]


def check_finalizer_change(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[FieldCause]:
    """An object that is being deleted gets no new finalizers."""
    if not old.get("deletionTimestamp"):
        return []
    added = [f for f in new.get("finalizers") or () if f not in (old.get("finalizers") or ())]
    if not added:
        return []
    message = f"Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers {added}"
    return [FieldCause("metadata.finalizers", message, "FieldValueForbidden")]


def check_preconditions(target: Target, old: Mapping[str, Any], uid: str, resource_version: str) -> None:
    """Raises 409 unless the stored metadata has the given uid and resourceVersion (empty ones match all)."""
    served, name = target.served, old["name"]
    if uid and uid != old["uid"]:
        why = f"Precondition failed: UID in precondition: {uid}, UID in object meta: {old['uid']}"
        raise conflict(served.group_resource, name, why)
    if resource_version not in ("", "0", old["resourceVersion"]):
        raise conflict(served.group_resource, name, MODIFIED)


def carried_over(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """The metadata of an update: the client's, with what the server owns taken from the stored object."""
    metadata = {k: v for k, v in new.items() if v is not None and k not in _PROTECTED}
    for name in PROTECTED:
        if name in old:
            metadata[name] = old[name]
    if "managedFields" not in metadata and "managedFields" in old:
        metadata["managedFields"] = old["managedFields"]
    metadata["resourceVersion"] = old["resourceVersion"]
    return {k: v for k, v in metadata.items() if v or v not in ({}, [])}


def generated_name(given: str, suffix: str) -> str:
    """`generateName`: at most 58 characters of the given, and five random ones."""
    return given[:58] + suffix


def resource_version_on_create() -> ApiError:
    return bad_request("resourceVersion should not be set on objects to be created")
