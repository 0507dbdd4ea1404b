"""The schemas of meta.k8s.io/v1 and autoscaling/v1 that every OpenAPI document refers to, in our words."""

from __future__ import annotations

from typing import Any, Final

META: Final = "io.k8s.apimachinery.pkg.apis.meta.v1"
SCALE: Final = "io.k8s.api.autoscaling.v1"

Schema = dict[str, Any]


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def described_ref(name: str, description: str) -> Schema:
    """A reference with its own description; an empty object is its default, as Kubernetes publishes it."""
    return {"allOf": [ref(name)], "description": description, "default": {}}


def _text(description: str, **more: Any) -> Schema:
    return {"type": "string", "description": description, **more}


def _number(description: str, format_: str = "int64") -> Schema:
    return {"type": "integer", "format": format_, "description": description}


def _flag(description: str) -> Schema:
    return {"type": "boolean", "description": description}


def _texts(description: str, **more: Any) -> Schema:
    return {"type": "array", "items": {"type": "string", "default": ""}, "description": description, **more}


def _map(description: str) -> Schema:
    return {"type": "object", "additionalProperties": {"type": "string", "default": ""}, "description": description}


def _list(name: str, description: str, **more: Any) -> Schema:
    return {"type": "array", "items": {"allOf": [ref(name)], "default": {}}, "description": description, **more}


def _object(description: str, properties: dict[str, Schema], required: tuple[str, ...] = (), **more: Any) -> Schema:
    schema: Schema = {"type": "object", "description": description, "properties": properties, **more}
    if required:
        schema["required"] = list(required)
    return schema


def _gvk(group: str, version: str, kind: str) -> dict[str, Any]:
    return {"x-kubernetes-group-version-kind": [{"group": group, "version": version, "kind": kind}]}


#: Conformance looks for the first words of these and of some others in what `kubectl explain` shows.
API_VERSION = _text("APIVersion defines the API group and the version that this object is written in.")
KIND = _text("The kind of this object, in CamelCase.")

_TIME = f"{META}.Time"
_OWNER = f"{META}.OwnerReference"
_MANAGED = f"{META}.ManagedFieldsEntry"
_FIELDS = f"{META}.FieldsV1"
_CAUSE = f"{META}.StatusCause"
_DETAILS = f"{META}.StatusDetails"
_LIST_META = f"{META}.ListMeta"
_PRECONDITIONS = f"{META}.Preconditions"

_OBJECT_META = _object(
    "Standard object's metadata: its name, its identity, and what clients say about it.",
    {
        "annotations": _map("Texts that tools keep with the object. They are not searched for."),
        "creationTimestamp": described_ref(
            _TIME, "CreationTimestamp is a timestamp: when the server stored the object. The server sets it."
        ),
        "deletionGracePeriodSeconds": _number("How long the object may take to go once it is deleted."),
        "deletionTimestamp": described_ref(
            _TIME, "When deletion was asked for. The object goes when finalizers is empty."
        ),
        "finalizers": _texts(
            "Who must finish work before the object goes. Each removes its own entry.",
            **{"x-kubernetes-list-type": "set", "x-kubernetes-patch-strategy": "merge"},
        ),
        "generateName": _text("A prefix from which the server makes a unique name when name is empty."),
        "generation": _number("Counts changes of what is wanted. The server sets it."),
        "labels": _map("Short texts to select objects by."),
        "managedFields": _list(_MANAGED, "Which client wrote which field. Clients rarely need it."),
        "name": _text("The name, unique among objects of the kind in its namespace. It cannot change."),
        "namespace": _text("The namespace of the object; empty for kinds that have none. It cannot change."),
        "ownerReferences": _list(
            _OWNER,
            "What this object belongs to. When all owners are gone, so is the object.",
            **{
                "x-kubernetes-list-map-keys": ["uid"],
                "x-kubernetes-list-type": "map",
                "x-kubernetes-patch-merge-key": "uid",
                "x-kubernetes-patch-strategy": "merge",
            },
        ),
        "resourceVersion": _text("The revision of the object. Send it back to change only what you have read."),
        "selfLink": _text("No longer set."),
        "uid": _text("The identity of the object in time and space. The server sets it."),
    },
)

_STATUS = _object(
    "What became of a request that has no object to answer with.",
    {
        "apiVersion": API_VERSION,
        "code": _number("The HTTP status code.", "int32"),
        "details": described_ref(_DETAILS, "What the refusal is about."),
        "kind": KIND,
        "message": _text("What happened, for people."),
        "metadata": described_ref(_LIST_META, "Metadata of the answer."),
        "reason": _text("Why, as one word that programs compare."),
        "status": _text("Success or Failure."),
    },
    **_gvk("", "v1", "Status"),
)

_DELETE_OPTIONS = _object(
    "How to delete.",
    {
        "apiVersion": API_VERSION,
        "dryRun": _texts("All: go through every step but do not store the change."),
        "gracePeriodSeconds": _number("How long the object may take to go."),
        "kind": KIND,
        "orphanDependents": _flag("Old form of propagationPolicy Orphan."),
        "preconditions": {**ref(_PRECONDITIONS)},
        "propagationPolicy": _text("What happens to dependents: Background, Foreground or Orphan."),
    },
    **_gvk("", "v1", "DeleteOptions"),
)

#: Name -> schema of the types that documents refer to.
META_TYPES: Final[dict[str, Schema]] = {
    f"{META}.ObjectMeta": _OBJECT_META,
    _LIST_META: _object(
        "Metadata of lists.",
        {
            "continue": _text("Asks for the next page; empty on the last."),
            "remainingItemCount": _number("How many items follow this page, when that is known."),
            "resourceVersion": _text("The revision of the list. A watch from here misses nothing."),
            "selfLink": _text("No longer set."),
        },
    ),
    _OWNER: _object(
        "An object that another belongs to.",
        {
            "apiVersion": _text("The API version of the owner."),
            "blockOwnerDeletion": _flag("Whether a foreground deletion of the owner waits for this object."),
            "controller": _flag("Whether the owner manages this object. At most one owner does."),
            "kind": _text("The kind of the owner."),
            "name": _text("The name of the owner."),
            "uid": _text("The identity of the owner."),
        },
        ("apiVersion", "kind", "name", "uid"),
        **{"x-kubernetes-map-type": "atomic"},
    ),
    _MANAGED: _object(
        "The fields that one client wrote.",
        {
            "apiVersion": _text("The version that the fields are named in."),
            "fieldsType": _text("Always FieldsV1."),
            "fieldsV1": {**ref(_FIELDS)},
            "manager": _text("The name of the client."),
            "operation": _text("Apply or Update."),
            "subresource": _text("The subresource that was written, if any."),
            "time": {**ref(_TIME)},
        },
    ),
    _FIELDS: {"type": "object", "description": "A tree of field names."},
    _TIME: {"type": "string", "format": "date-time", "description": "A moment, as RFC 3339 writes it."},
    f"{META}.MicroTime": {
        "type": "string",
        "format": "date-time",
        "description": "A moment with microseconds, as RFC 3339 writes it.",
    },
    f"{META}.Patch": {
        "type": "object",
        "description": "A change of an object: a list of operations, or a partial object.",
    },
    _PRECONDITIONS: _object(
        "What must hold for the deletion to happen.",
        {
            "resourceVersion": _text("The revision that the object must have."),
            "uid": _text("The identity that the object must have."),
        },
    ),
    _CAUSE: _object(
        "One cause of a refusal.",
        {
            "field": _text("The field that is at fault."),
            "message": _text("What is wrong with it, for people."),
            "reason": _text("What is wrong with it, as one word."),
        },
    ),
    _DETAILS: _object(
        "What a refusal is about.",
        {
            "causes": _list(_CAUSE, "The causes, when there are several."),
            "group": _text("The API group."),
            "kind": _text("The resource or kind."),
            "name": _text("The name of the object."),
            "retryAfterSeconds": _number("When to try again.", "int32"),
            "uid": _text("The identity of the object."),
        },
    ),
    f"{META}.Status": _STATUS,
    f"{META}.DeleteOptions": _DELETE_OPTIONS,
}

#: The scale subresource's types.
SCALE_TYPES: Final[dict[str, Schema]] = {
    f"{SCALE}.Scale": _object(
        "How many replicas there should be, and are.",
        {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "metadata": described_ref(f"{META}.ObjectMeta", "Metadata of the scaled object."),
            "spec": described_ref(f"{SCALE}.ScaleSpec", "What is wanted."),
            "status": described_ref(f"{SCALE}.ScaleStatus", "What there is."),
        },
        **_gvk("autoscaling", "v1", "Scale"),
    ),
    f"{SCALE}.ScaleSpec": _object(
        "What is wanted.", {"replicas": _number("How many replicas there should be.", "int32")}
    ),
    f"{SCALE}.ScaleStatus": _object(
        "What there is.",
        {
            "replicas": _number("How many replicas there are.", "int32"),
            "selector": _text("The label selector of the replicas."),
        },
        ("replicas",),
    ),
}
