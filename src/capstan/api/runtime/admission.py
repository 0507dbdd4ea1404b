"""Defaults and rules of ExtensionConfig (cluster-api-core.md 15.1)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from capstan.api.cluster.admission.rules import is_settled, selector_faults
from capstan.api.errors import FieldCause
from capstan.api.kinds import Admission, AdmissionRequest
from capstan.api.objects import Obj
from capstan.api.rules.causes import forbidden_value, invalid_value, required_value
from capstan.api.rules.fields import mapping_at, text_at, value_at, with_value

#: Why nothing comes of an ExtensionConfig, in words for the one who applies it.
NOT_CALLED: Final = "ExtensionConfig is stored and checked, but Capstan calls no runtime extensions yet"

_CLIENT: Final = "spec.clientConfig"
_SERVICE: Final = f"{_CLIENT}.service"
_DEFAULT_PORT: Final = 443
_DNS_1123_LABEL: Final = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_DNS_1035_LABEL: Final = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
_LABEL_WORDS: Final = "must be a DNS-1123 label: at most 63 of a-z, 0-9 and -, with a letter or digit at both ends"


def admit_extension_config(request: AdmissionRequest) -> Admission:
    """A service is named in one way, and so that it can be called."""
    if request.new is None or is_settled(request):
        return Admission(request.new)
    new = request.new
    if value_at(new, "spec.namespaceSelector") is None:
        new = with_value(new, "spec.namespaceSelector", {})
    if mapping_at(new, _SERVICE) and value_at(new, f"{_SERVICE}.port") is None:
        new = with_value(new, f"{_SERVICE}.port", _DEFAULT_PORT)
    causes = (*_name_causes(new), *_client_causes(new), *_selector_causes(new))
    return Admission(new, causes, () if causes else (NOT_CALLED,))


def _name_causes(new: Obj) -> Iterator[FieldCause]:
    name = text_at(new, "metadata.name")
    if not _DNS_1123_LABEL.fullmatch(name):
        yield invalid_value("metadata.name", name, _LABEL_WORDS)


def _client_causes(new: Obj) -> Iterator[FieldCause]:
    url, service = text_at(new, f"{_CLIENT}.url"), mapping_at(new, _SERVICE)
    if not url and not service:
        yield required_value(_CLIENT, "either url or service must be defined: where the extension answers")
    elif url and service:
        yield forbidden_value(_CLIENT, "only one of url or service can be defined: take one of them away")
    if url:
        yield from _url_causes(url)
    if service:
        yield from _service_causes(service)


def _url_causes(url: str) -> Iterator[FieldCause]:
    try:
        parts = urlsplit(url)
    except ValueError as error:
        yield invalid_value(f"{_CLIENT}.url", url, f"must be a valid URL: {error}")
        return
    if parts.scheme != "https":
        yield invalid_value(
            f"{_CLIENT}.url", url, "'https' is the only allowed URL scheme, as in https://extension.example.org"
        )
    elif not parts.hostname:
        yield invalid_value(f"{_CLIENT}.url", url, "must be a valid URL: it names no host")


def _service_causes(service: Mapping[str, Any]) -> Iterator[FieldCause]:
    name, namespace, path, port = (service.get(part) for part in ("name", "namespace", "path", "port"))
    for part, value in (("name", name), ("namespace", namespace)):
        if not value:
            yield required_value(f"{_SERVICE}.{part}", "must not be empty")
    if name and not _DNS_1035_LABEL.fullmatch(name):
        why = "must be a DNS-1035 label: at most 63 of a-z, 0-9 and -, with a letter first and no - at the end"
        yield invalid_value(f"{_SERVICE}.name", name, why)
    if namespace and not _DNS_1123_LABEL.fullmatch(namespace):
        yield invalid_value(f"{_SERVICE}.namespace", namespace, _LABEL_WORDS)
    if path and (not path.startswith("/") or re.search(r"[\s#]", path)):
        yield invalid_value(f"{_SERVICE}.path", path, "must be the path of a URL, beginning with /")
    if isinstance(port, int) and not 1 <= port <= 65535:
        yield invalid_value(f"{_SERVICE}.port", port, "must be between 1 and 65535")


def _selector_causes(new: Obj) -> Iterator[FieldCause]:
    given = mapping_at(new, "spec.namespaceSelector")
    for fault in selector_faults(given):
        yield invalid_value("spec.namespaceSelector", given, fault)
