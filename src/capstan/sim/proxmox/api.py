"""The simulated REST API: a request in, a response out. Routes, checks parameters against the schema's facts, asks
who may, and puts refusals into the reason phrase as Proxmox VE does."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import unquote

import orjson

from capstan.providers.proxmox.transport import Response, Scalar
from capstan.sim.faults import Fault, Faults
from capstan.sim.proxmox.access import Token
from capstan.sim.proxmox.calls import hosts, storages, vms
from capstan.sim.proxmox.calls.call import Call, Handler
from capstan.sim.proxmox.cluster import PveCluster
from capstan.sim.proxmox.errors import PveError
from capstan.sim.proxmox.parameters import PARAMETERS
from capstan.sim.trace import Trace

HANDLERS: dict[str, Handler] = {**hosts.HANDLERS, **vms.HANDLERS, **storages.HANDLERS}

_INDEXED = re.compile(r"\d+$")
_INTEGER = re.compile(r"^-?\d+$")
_BOOLEAN = ("1", "0", "on", "off", "yes", "no", "true", "false")


class NoAnswer(Exception):
    """The request, or its answer, was lost on the way: a fault that was asked for."""


class Route:
    """One method and path, with the types of its parameters."""

    def __init__(self, operation: str, handler: Handler) -> None:
        self.operation = operation
        self.handler = handler
        self.method, path = operation.split(" ")
        parts = re.split(r"\{(\w+)\}", path)
        expression = "".join(re.escape(p) if i % 2 == 0 else f"(?P<{p}>[^/]+)" for i, p in enumerate(parts))
        if path.endswith("{volume}"):
            expression = expression.replace("(?P<volume>[^/]+)", "(?P<volume>.+)")
        self.pattern = re.compile(f"^{expression}$")
        self.types: dict[str, str] = {}
        self.required: list[str] = []
        for word in PARAMETERS[operation].split():
            name, _, kind = word.partition(":")
            self.types[name] = kind[0]
            if kind.endswith("!"):
                self.required.append(name)

    def check(self, params: Mapping[str, str]) -> None:
        """Raises 400 with an error for each parameter that the schema does not allow."""
        errors = {name: "property is missing and it is not optional" for name in self.required if name not in params}
        for name, value in params.items():
            kind = self.types.get(name) or self.types.get(_INDEXED.sub("[n]", name))
            if kind is None:
                errors[name] = "property is not defined in schema and the schema does not allow additional properties"
            elif kind == "i" and not _INTEGER.match(value):
                errors[name] = f"type check ('integer') failed - got '{value}'"
            elif kind == "b" and value.lower() not in _BOOLEAN:
                errors[name] = f"type check ('boolean') failed - got '{value}'"
        if errors:
            raise PveError(400, "Parameter verification failed.", errors)


class PveApi:
    """The API of one simulated cluster."""

    def __init__(self, cluster: PveCluster, *, faults: Faults | None = None, trace: Trace | None = None) -> None:
        self.cluster = cluster
        self.faults = faults or Faults()
        self._trace = trace
        self._routes = [Route(operation, handler) for operation, handler in HANDLERS.items()]
        #: Method and route of every call that was let in, for checks against the schema.
        self.calls: list[tuple[str, dict[str, str]]] = []

    async def request(
        self,
        method: str,
        path: str,
        params: Mapping[str, Scalar | list[str]] | None = None,
        *,
        token_id: str = "",
        secret: str = "",
        upload: bytes | None = None,
        filename: str = "",
    ) -> Response:
        """Answer one request. `path` begins after `/api2/json`. Raises NoAnswer for a fault that loses it."""
        if self.cluster.delays.request:
            await asyncio.sleep(self.cluster.delays.request)
        fault = self.faults.strike("proxmox", f"{method} {path}")
        if fault is not None and fault.kind != "lose_reply":
            refused = await self._struck(fault, method, path)
            if refused is not None:
                return refused
        failure = fault.message if fault is not None and fault.kind == "fail_task" else ""
        call = Call(self.cluster, Token(token_id, secret), _texts(params or {}), upload, filename, failure)
        response = await self._answer(method, path, call)
        if self._trace is not None and method != "GET":
            shown = "" if response.status == 200 else f" -> {response.status} {response.reason}"
            self._trace.add("pve", f"{method} {unquote(path)}{shown}")
        if fault is not None and fault.kind == "lose_reply":
            raise NoAnswer(f"{method} {path}: the answer was lost")
        return response

    async def _struck(self, fault: Fault, method: str, path: str) -> Response | None:
        if self._trace is not None:
            self._trace.add("fault", f"{fault.kind} {method} {unquote(path)} {fault.code} {fault.message}")
        if fault.kind == "delay":
            await asyncio.sleep(fault.delay_seconds)
        if fault.kind in ("delay", "fail_task"):
            return None
        if not fault.code:
            raise NoAnswer(f"{method} {path}: no answer")
        return _failure(PveError(fault.code, fault.message))

    async def _answer(self, method: str, path: str, call: Call) -> Response:
        """`call` holds the parameters as they came, and the token that they came with."""
        try:
            token = self.cluster.tokens.authenticate(call.token.id, call.token.secret)
            route, found = self._route(method, path)
            merged = {**call.params, **found}
            if call.upload is not None:
                merged["filename"] = call.filename
            route.check(merged)
            self.calls.append((route.operation, merged))
            data = route.handler(replace(call, token=token, params=merged))
        except PveError as error:
            if error.status == 401 and self.cluster.delays.unauthorized:
                await asyncio.sleep(self.cluster.delays.unauthorized)
            return _failure(error)
        return Response(200, "OK", orjson.dumps({"data": data}))

    def _route(self, method: str, path: str) -> tuple[Route, dict[str, str]]:
        plain = unquote(path)
        for route in self._routes:
            if route.method == method:
                match = route.pattern.match(plain)
                if match:
                    return route, match.groupdict()
        raise PveError(501, f"Method '{method} {plain}' not implemented")


def _failure(error: PveError) -> Response:
    body: dict[str, object] = {"data": None, "message": error.reason + "\n"}
    if error.errors:
        body["errors"] = error.errors
    return Response(error.status, error.reason, orjson.dumps(body))


def _texts(params: Mapping[str, Scalar | list[str]]) -> dict[str, str]:
    """Every value as the text that the wire would carry."""
    shown: dict[str, str] = {}
    for name, value in params.items():
        if isinstance(value, bool):
            shown[name] = str(int(value))
        else:
            shown[name] = ",".join(value) if isinstance(value, list) else str(value)
    return shown
