"""The status of validating policies: what the types of the matched kinds say against their expressions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from capstan.api.errors import ApiError
from capstan.api.objects import Obj
from capstan.api.verbs import User, WriteOptions
from capstan.apiserver.backend import Backend
from capstan.apiserver.cel import CelError, Environment, Type, schema_type
from capstan.apiserver.cel.types import DYN, Field
from capstan.apiserver.policies.scope import variables
from capstan.apiserver.policies.view import VALIDATING
from capstan.apiserver.resources import Registry
from capstan.apiserver.rounds import Rounds
from capstan.apiserver.writing import Change, Writer

_PREFIX = f"admissionregistration.k8s.io/{VALIDATING}"
#: More kinds than these are not looked at.
_MOST_KINDS = 10


def expression_warnings(registry: Registry, spec: Mapping[str, Any]) -> list[Obj]:
    """Warnings about the validations of a policy, as its status lists them."""
    kinds = list(_kinds(registry, spec))[:_MOST_KINDS]
    found: list[Obj] = []
    for n, validation in enumerate(spec.get("validations") or ()):
        for name in ("expression", "messageExpression"):
            text = validation.get(name)
            told = [_told(spec, gvk, of, str(text)) for gvk, of in kinds] if text else []
            shown = "\n".join(line for line in told if line)
            if shown:
                found.append({"fieldRef": f"spec.validations[{n}].{name}", "warning": shown})
    return found


def _kinds(registry: Registry, spec: Mapping[str, Any]) -> Iterator[tuple[str, Type]]:
    seen: set[str] = set()
    for rule in (spec.get("matchConstraints") or {}).get("resourceRules") or ():
        for group in sorted(rule.get("apiGroups") or ()):
            for version in sorted(rule.get("apiVersions") or ()):
                for plural in sorted(rule.get("resources") or ()):
                    served = registry.by_plural(group, plural)
                    shown = None if served is None else served.version(version)
                    schema = None if shown is None else shown.schema()
                    declared = None if schema is None else _declared(schema)
                    if served is None or declared is None:
                        continue
                    gvk = f"{served.api_version(version)}, Kind={served.kind}"
                    if gvk not in seen:
                        seen.add(gvk)
                        yield gvk, declared


def _declared(schema: Obj) -> Type | None:
    """The type of a kind. Of metadata the schema of a custom resource says nothing: all of it may be named."""
    found = schema_type(schema, root=True, name="object")
    if found is None:
        return None
    fields = {**found.fields, "metadata": Field("metadata", "metadata", DYN)}
    return Type("object", "object", fields=fields)


def _told(spec: Mapping[str, Any], gvk: str, declared: Type, text: str) -> str:
    base = Environment(variables(params=bool(spec.get("paramKind")), authorizer=True, object_type=declared))
    fields: dict[str, Field] = {}
    try:
        for item in spec.get("variables") or ():
            scope = base.extended({"variables": Type("object", "kubernetes.variables", fields=dict(fields))})
            name = str(item.get("name"))
            fields[name] = Field(name, name, _result(scope, str(item.get("expression"))))
        base.extended({"variables": Type("object", "kubernetes.variables", fields=fields)}).compile(text)
    except CelError as error:
        return f"{gvk}: compilation failed: {error}\n"
    return ""


def _result(scope: Environment, text: str) -> Type:
    try:
        return scope.compile(text).result_type
    except CelError:
        return DYN


class PolicyStatus:
    """Writes the status of each policy after each change of its spec."""

    def __init__(self, backend: Backend, writer: Writer, user: User) -> None:
        self._backend = backend
        self._writer = writer
        self._user = user
        self._rounds = Rounds(backend.store, "policy", self._tell, lambda change: (change.entry.name,), watched=_PREFIX)

    async def run(self) -> None:
        """Until cancelled."""
        await self._rounds.follow(await self._rounds.begin(_PREFIX))

    async def _tell(self, name: str) -> None:
        entry = await self._backend.store.get(_PREFIX, "", name)
        if entry is None:
            return
        policy = entry.object
        generation = policy["metadata"].get("generation", 1)
        if (policy.get("status") or {}).get("observedGeneration") == generation:
            return
        served = self._backend.registry.by_plural("admissionregistration.k8s.io", VALIDATING)
        if served is None:
            return
        checking: Obj = {}
        found = expression_warnings(self._backend.registry, policy.get("spec") or {})
        if found:
            checking["expressionWarnings"] = found

        def make(present: Obj) -> Obj:
            status = present.get("status") or {}
            return {**present, "status": {**status, "observedGeneration": generation, "typeChecking": checking}}

        change = Change(name, make, WriteOptions(), self._user, subresource="status")
        try:
            await self._writer.change(served.stored(""), change)
        except ApiError as error:
            if error.reason != "NotFound":
                raise
