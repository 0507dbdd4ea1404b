"""Admission of Secrets and ConfigMaps: defaults, keys, size, immutability, as kube-apiserver has them. Pure."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from typing import Any

from capstan.api.errors import FieldCause
from capstan.api.kinds import Admission, AdmissionRequest
from capstan.api.objects import Obj

MAX_BYTES = 1024 * 1024
OPAQUE = "Opaque"

_KEY = re.compile(r"[-._a-zA-Z0-9]{1,253}")
_KEY_RULE = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' "
    "(e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
)
_ACCOUNT_TOKEN = "kubernetes.io/service-account-token"
_ACCOUNT_NAME = "kubernetes.io/service-account.name"
#: Types that promise certain keys to their readers.
_KEYS_OF_TYPE: Mapping[str, tuple[str, ...]] = {
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
}


def admit_secret(request: AdmissionRequest) -> Admission:
    """A Secret with its type filled in and stringData moved to data. No value shows in any refusal."""
    if request.new is None:
        return Admission(None)
    new = _with_data(request.new)
    data = new.get("data") or {}
    causes = [*_key_causes("data", data), *_size_causes(data, 3 / 4)]
    causes += [_required(f"data[{key}]") for key in _KEYS_OF_TYPE.get(new["type"], ()) if key not in data]
    if new["type"] == _ACCOUNT_TOKEN and not (new["metadata"].get("annotations") or {}).get(_ACCOUNT_NAME):
        causes.append(_required(f"metadata.annotations[{_ACCOUNT_NAME}]"))
    if request.old is not None:
        if request.old.get("type", OPAQUE) != new["type"]:
            causes.append(FieldCause("type", f'Invalid value: "{new["type"]}": field is immutable'))
        causes += _immutable_causes(request.old, new, ("data",))
    return Admission(new, tuple(causes))


def admit_config_map(request: AdmissionRequest) -> Admission:
    """A ConfigMap as it is, or why not."""
    new = request.new
    if new is None:
        return Admission(None)
    data, binary = new.get("data") or {}, new.get("binaryData") or {}
    causes = [*_key_causes("data", data), *_key_causes("binaryData", binary)]
    for key in sorted(data.keys() & binary.keys()):
        causes.append(FieldCause(f"data[{key}]", f'Invalid value: "{key}": duplicate of key present in binaryData'))
    causes += _size_causes(data, 1) or _size_causes(binary, 3 / 4)
    if request.old is not None:
        causes += _immutable_causes(request.old, new, ("data", "binaryData"))
    return Admission(new, tuple(causes))


def _with_data(secret: Obj) -> Obj:
    changed: Obj = {} if secret.get("type") else {"type": OPAQUE}
    plain = secret.get("stringData")
    if plain:
        encoded = {key: base64.b64encode(str(value).encode()).decode() for key, value in plain.items()}
        changed["data"] = {**(secret.get("data") or {}), **encoded}
    if not changed and "stringData" not in secret:
        return secret
    return {name: value for name, value in {**secret, **changed}.items() if name != "stringData"}


def _required(field: str) -> FieldCause:
    return FieldCause(field, "Required value", "FieldValueRequired")


def _key_causes(field: str, values: Mapping[str, Any]) -> Iterator[FieldCause]:
    for key in values:
        if not _KEY.fullmatch(key):
            yield FieldCause(f"{field}[{key[:253]}]", f'Invalid value: "{key[:253]}": {_KEY_RULE}')
        elif key == "." or key.startswith(".."):
            yield FieldCause(f"{field}[{key}]", f"Invalid value: \"{key}\": must not be '.' or begin with '..'")


def _size_causes(values: Mapping[str, Any], share: float) -> list[FieldCause]:
    """`share` of the text's length is what it holds: base64 takes four characters for three bytes."""
    if sum(len(str(value)) for value in values.values()) * share <= MAX_BYTES:
        return []
    return [FieldCause("data", f"Too long: may not be more than {MAX_BYTES} bytes", "FieldValueTooLong")]


def _immutable_causes(old: Obj, new: Obj, fields: tuple[str, ...]) -> Iterator[FieldCause]:
    if not old.get("immutable"):
        return
    why = "Forbidden: field is immutable when `immutable` is set"
    if not new.get("immutable"):
        yield FieldCause("immutable", why, "FieldValueForbidden")
    for field in fields:
        if (old.get(field) or {}) != (new.get(field) or {}):
            yield FieldCause(field, why, "FieldValueForbidden")
