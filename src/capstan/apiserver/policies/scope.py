"""What expressions of policies may name: the object, the request, parameters, variables, rights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

from capstan.apiserver.cel import Environment, Type
from capstan.apiserver.cel.libraries.authorizer import AUTHORIZER, RESOURCE_CHECK
from capstan.apiserver.cel.libraries.jsonpatches import JSON_PATCH
from capstan.apiserver.cel.types import BOOL, DYN, STRING, Field, list_of, map_of

#: The variable of the requested resource's rights: its name has a dot.
REQUEST_RESOURCE = "authorizer.requestResource"


def _object(name: str, /, **fields: Type) -> Type:
    return Type("object", name, fields={key: Field(key, key, of) for key, of in fields.items()})


_KIND = _object("kubernetes.GroupVersionKind", group=STRING, version=STRING, kind=STRING)
_RESOURCE = _object("kubernetes.GroupVersionResource", group=STRING, version=STRING, resource=STRING)
_USER = _object(
    "kubernetes.UserInfo", username=STRING, uid=STRING, groups=list_of(STRING), extra=map_of(STRING, list_of(STRING))
)
#: `request`: the AdmissionRequest without the objects.
REQUEST = _object(
    "kubernetes.AdmissionRequest",
    kind=_KIND,
    resource=_RESOURCE,
    subResource=STRING,
    requestKind=_KIND,
    requestResource=_RESOURCE,
    requestSubResource=STRING,
    name=STRING,
    namespace=STRING,
    operation=STRING,
    userInfo=_USER,
    dryRun=BOOL,
    options=DYN,
)


def variables(*, params: bool, authorizer: bool, object_type: Type = DYN) -> dict[str, Type]:
    """The variables of an expression with their types."""
    found = {"object": object_type, "oldObject": object_type, "request": REQUEST, "namespaceObject": DYN}
    if params:
        found["params"] = DYN
    if authorizer:
        found |= {"authorizer": AUTHORIZER, REQUEST_RESOURCE: RESOURCE_CHECK}
    return found


@cache
def environment(*, params: bool, authorizer: bool) -> Environment:
    """Expressions that decide about objects of any kind."""
    return Environment(variables(params=params, authorizer=authorizer))


@cache
def mutating_environment(*, params: bool) -> Environment:
    """Expressions that construct what is changed: `Object{...}` and `JSONPatch{...}`."""
    return Environment(variables(params=params, authorizer=True), objects=_Constructed(), homogeneous=False)


class _Constructed(Mapping[str, Type]):
    """`JSONPatch`, and `Object` with all that can be below it: `Object.spec.template`."""

    def __getitem__(self, name: str) -> Type:
        if name == "JSONPatch":
            return JSON_PATCH
        if name == "Object" or name.startswith("Object."):
            return Type("object", name)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(("Object", "JSONPatch"))

    def __len__(self) -> int:
        return 2
