"""What never reaches the audit log, whatever its policy says: Secrets, tokens, private keys, kubeconfigs."""

from __future__ import annotations

import re
from typing import Any

from capstan.apiserver.routing import Route

REDACTED = "REDACTED"

#: Their bodies are left out whole; so are the messages of their refusals, which may show a value.
_SECRET = frozenset(
    (
        ("", "secrets", ""),
        ("", "serviceaccounts", "token"),
        ("authentication.k8s.io", "tokenreviews", ""),
        ("authentication.k8s.io", "selfsubjectreviews", ""),
    )
)
_TELLTALE = re.compile(
    r"PRIVATE KEY-----|kind[\"']?\s*:\s*[\"']?Secret\b|client-key-data|current-context|"
    r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.|(?i:password|token|secret)[\"']?\s*[:=]"
)
_NAMES = re.compile(r"(?i)^(?:.*password|.*token|.*secret|secretdata|stringdata|kubeconfig|.*privatekey|tls\.key)$")
_MAX_DEPTH = 200


def is_secret(route: Route | None) -> bool:
    """Whether nothing of a request's bodies may be written."""
    if route is None:
        return False
    return (route.group, route.plural, route.subresource) in _SECRET or (route.group, route.plural) == ("", "secrets")


def redacted(value: Any, depth: int = 0) -> Any:
    """A copy of a body without what looks like a credential: by the name of a field, or by its text."""
    if isinstance(value, str):
        return REDACTED if _TELLTALE.search(value) else value
    if depth > _MAX_DEPTH:
        return REDACTED
    if isinstance(value, dict):
        if value.get("kind") == "Secret":
            value = {k: v for k, v in value.items() if k in ("apiVersion", "kind", "type")}
        return {
            name: REDACTED if isinstance(part, str) and part and _NAMES.match(name) else redacted(part, depth + 1)
            for name, part in value.items()
        }
    if isinstance(value, list):
        return [redacted(part, depth + 1) for part in value]
    return value
