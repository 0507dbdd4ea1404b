"""A webhook's `clientConfig` as a value: whom to ask and whose certificates to trust; what is wrong with one. Pure."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from capstan.api.errors import FieldCause

_FORM = "desired format: https://host[/path]"
_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----")
_SEGMENT = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


@dataclass(frozen=True, slots=True)
class ServiceReference:
    """A Service that answers for a webhook. Its certificate is for `<name>.<namespace>.svc`."""

    namespace: str
    name: str
    port: int = 443
    path: str = ""

    @property
    def host(self) -> str:
        return f"{self.name}.{self.namespace}.svc"


@dataclass(frozen=True, slots=True)
class ClientConfig:
    """Either `url` or `service`. Without `ca_bundle` (PEM) the system's roots are trusted."""

    url: str = ""
    service: ServiceReference | None = None
    ca_bundle: bytes = b""

    @property
    def shown(self) -> str:
        """The URL as error messages name it."""
        if self.service is None:
            return self.url
        path = self.service.path or "/"
        return f"https://{self.service.host}:{self.service.port}{path}"


def client_config(value: Mapping[str, Any]) -> ClientConfig:
    """The value of a valid `clientConfig`. A caBundle that is no base64 trusts nobody."""
    bundle = value.get("caBundle") or ""
    try:
        trusted = base64.b64decode(bundle, validate=True)
    except (binascii.Error, ValueError):
        trusted = b"unreadable"
    service = value.get("service")
    if not service:
        return ClientConfig(str(value.get("url") or ""), None, trusted)
    reference = ServiceReference(
        str(service.get("namespace", "")),
        str(service.get("name", "")),
        int(service.get("port") or 443),
        str(service.get("path") or ""),
    )
    return ClientConfig("", reference, trusted)


def url_faults(url: str, field: str) -> Iterator[FieldCause]:
    """What is wrong with the URL of a webhook."""
    try:
        parts = urlsplit(url)
        host, user = parts.hostname, parts.username is not None or parts.password is not None
        _ = parts.port
    except ValueError as error:
        yield _required(field, f"url must be a valid URL: {error}; {_FORM}")
        return
    if parts.scheme != "https":
        yield _invalid(field, parts.scheme, f"'https' is the only allowed URL scheme; {_FORM}")
    if not host:
        yield _invalid(field, parts.netloc, f"host must be specified; {_FORM}")
    if user:
        yield _invalid(field, "<hidden>", f"user information is not permitted in the URL; {_FORM}")
    if parts.fragment:
        yield _invalid(field, parts.fragment, f"fragments are not permitted in the URL; {_FORM}")
    if parts.query:
        yield _invalid(field, parts.query, f"query parameters are not permitted in the URL; {_FORM}")


def service_faults(service: Mapping[str, Any], field: str) -> Iterator[FieldCause]:
    """What is wrong with the service reference of a webhook."""
    if not service.get("name"):
        yield _required(f"{field}.name", "service name is required")
    if not service.get("namespace"):
        yield _required(f"{field}.namespace", "service namespace is required")
    port = service.get("port", 443)
    if port is not None and not (isinstance(port, int) and 1 <= port <= 65535):
        why = "port is not valid: must be between 1 and 65535, inclusive"
        yield FieldCause(f"{field}.port", f"Invalid value: {port}: {why}", "FieldValueInvalid")
    path = service.get("path")
    if path is not None:
        yield from _path_faults(str(path), f"{field}.path")


def _path_faults(path: str, field: str) -> Iterator[FieldCause]:
    parts = urlsplit(path) if path.startswith("/") else None
    if parts is None or parts.path != path:
        yield _invalid(field, path, "must start with a '/' and hold a path only")
        return
    segments = path[1:].rstrip("/").split("/") if path != "/" else []
    for index, segment in enumerate(segments):
        if not segment:
            yield _invalid(field, path, f"segment[{index}] may not be empty")
        elif not _SEGMENT.fullmatch(segment) or len(segment) > 253:
            yield _invalid(field, path, f"segment[{index}]: a lowercase RFC 1123 subdomain must be used")


def ca_bundle_faults(bundle: str, field: str) -> Iterator[FieldCause]:
    """What is wrong with the caBundle (base64 of PEM) of a webhook."""
    try:
        pem = base64.b64decode(bundle, validate=True)
    except (binascii.Error, ValueError):
        pem = b""
    why = "unable to load root certificates: "
    if not _PEM.search(pem):
        yield _invalid(field, "<ca bundle>", why + "no certificate was found in PEM form")
        return
    from cryptography.x509 import load_pem_x509_certificates

    try:
        load_pem_x509_certificates(pem)
    except ValueError:
        yield _invalid(field, "<ca bundle>", why + "unable to parse bytes as PEM block")


def _invalid(field: str, value: str, why: str) -> FieldCause:
    return FieldCause(field, f'Invalid value: "{value}": {why}', "FieldValueInvalid")


def _required(field: str, why: str) -> FieldCause:
    return FieldCause(field, f"Required value: {why}", "FieldValueRequired")
