"""What Kubernetes takes as a label's key and value, and as an object's name, with its words for refusals."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from capstan.api.errors import FieldCause
from capstan.api.rules.causes import invalid_value

_NAME: Final = r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_LABEL_VALUE: Final = rf"({_NAME})?"
_SUBDOMAIN: Final = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
_ANNOTATIONS_LIMIT_BYTES: Final = 256 * 1024

_LABEL_VALUE_WORDS: Final = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    f"'{_LABEL_VALUE}')"
)
_NAME_WORDS: Final = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    f"'{_NAME}')"
)
_SUBDOMAIN_WORDS: Final = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start "
    "and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    f"'{_SUBDOMAIN}')"
)


def label_value_faults(value: str) -> Iterator[str]:
    """Why this is no label value; nothing where it is one."""
    if len(value) > 63:
        yield "must be no more than 63 bytes"
    if not re.fullmatch(_LABEL_VALUE, value):
        yield _LABEL_VALUE_WORDS


def subdomain_faults(name: str) -> Iterator[str]:
    """Why this is no DNS-1123 subdomain, which most objects' names are."""
    if len(name) > 253:
        yield "must be no more than 253 bytes"
    if not re.fullmatch(_SUBDOMAIN, name):
        yield _SUBDOMAIN_WORDS


def qualified_name_faults(key: str) -> Iterator[str]:
    """Why this is no name with an optional DNS prefix, as keys of labels, annotations and taints are."""
    prefix, slash, name = key.rpartition("/")
    if "/" in prefix:
        yield "a qualified name must consist of a name and an optional DNS subdomain prefix with one '/'"
        return
    if slash:
        yield from (f"prefix part {fault}" for fault in (subdomain_faults(prefix) if prefix else ["must be non-empty"]))
    if not name:
        yield "name part must be non-empty"
    elif len(name) > 63:
        yield "name part must be no more than 63 bytes"
    if name and not re.fullmatch(_NAME, name):
        yield _NAME_WORDS


def metadata_causes(metadata: Mapping[str, Any], field: str) -> Iterator[FieldCause]:
    """What is wrong with the labels and annotations of a template."""
    for key, value in (metadata.get("labels") or {}).items():
        yield from (invalid_value(f"{field}.labels", key, fault) for fault in qualified_name_faults(key))
        yield from (invalid_value(f"{field}.labels", value, fault) for fault in label_value_faults(value))
    annotations: Mapping[str, str] = metadata.get("annotations") or {}
    for key in annotations:
        yield from (invalid_value(f"{field}.annotations", key, fault) for fault in qualified_name_faults(key.lower()))
    size = sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items())
    if size > _ANNOTATIONS_LIMIT_BYTES:
        why = f"Too long: may not be more than {_ANNOTATIONS_LIMIT_BYTES} bytes"
        yield FieldCause(f"{field}.annotations", why, "FieldValueTooLong")
