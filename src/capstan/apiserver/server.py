"""One API server: its parts put together over a store, and what runs beside the requests."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from capstan.api.conversion import Converter
from capstan.api.kinds import Kind, Scheme, Version, no_other_name, no_schemas, same_field
from capstan.api.schema import structural_schema
from capstan.api.verbs import User
from capstan.apiserver import apiservices
from capstan.apiserver.admission import Chained
from capstan.apiserver.authentication import Authenticator
from capstan.apiserver.authorization import MASTERS, Authorizer
from capstan.apiserver.backend import Backend
from capstan.apiserver.builtins import as_builtin, served_builtins
from capstan.apiserver.crds import DefinitionController, OwnDefinitions, with_definition_rules
from capstan.apiserver.definitions.embedded import admit_with_schemas
from capstan.apiserver.deleting import Deleter
from capstan.apiserver.exchange import Request, Response
from capstan.apiserver.expiry import EventExpiry
from capstan.apiserver.garbage import GarbageCollector
from capstan.apiserver.openapi import OPENAPI, OpenApi
from capstan.apiserver.policies import Policies, PolicyChain, PolicyStatus
from capstan.apiserver.policies.view import PREFIXES as POLICIES
from capstan.apiserver.rbac.aggregation import RoleAggregation
from capstan.apiserver.rbac.authorizer import RbacAuthorizer
from capstan.apiserver.rbac.escalation import Grants
from capstan.apiserver.rbac.index import PREFIXES as RBAC
from capstan.apiserver.rbac.index import RbacIndex
from capstan.apiserver.rbac.reconcile import make_default_roles
from capstan.apiserver.reading import Lister
from capstan.apiserver.references import with_served_references
from capstan.apiserver.resources import Registry, Served, ServedVersion
from capstan.apiserver.reviews.kinds import reviews, with_tokens
from capstan.apiserver.schemas import struct_validator
from capstan.apiserver.standing import announce, make_standing
from capstan.apiserver.tokens.issuer import issuer_document
from capstan.apiserver.tokens.keys import key_ring, made_key_ring
from capstan.apiserver.tokens.legacy import SecretTokens
from capstan.apiserver.tokens.verify import AccountTokens
from capstan.apiserver.upkeep import NamespaceController
from capstan.apiserver.verbs import Parts, ServerVerbs
from capstan.apiserver.webhooks.admission import WebhookChain, Webhooks
from capstan.apiserver.webhooks.admission.view import PREFIXES as WEBHOOKS
from capstan.apiserver.webhooks.client import ServiceResolver, WebhookClient, no_services
from capstan.apiserver.webhooks.services import StoredServices
from capstan.apiserver.writing import Writer
from capstan.store.mirror import Keeper, Mirror
from capstan.store.protocol import CompactedError, Store, StoreError, StoreUnavailableError

log = logging.getLogger(__name__)

#: The Kubernetes whose API this server speaks, as `/version` tells clients.
GIT_VERSION = "v1.36.0"

#: How long a background part waits for a store that cannot be reached.
_AGAIN_SECONDS = 1.0

SYSTEM = User("system:apiserver", (MASTERS,))


class ApiServer:
    """Kubernetes verbs over a store. Several servers in one process share nothing.

    Assumptions: `clock` gives aware UTC, `token(n)` n random bytes; the store was opened by the caller, who
    closes it after `stop`. With `stored_kinds` it serves Kubernetes' other kinds too, which are only kept here.
    `service_account_key` (PEM) signs tokens; without one they end with the process.
    """

    def __init__(
        self,
        store: Store,
        *,
        scheme: Scheme,
        clock: Callable[[], datetime],
        token: Callable[[int], bytes],
        root_ca: str = "",
        git_version: str = GIT_VERSION,
        metrics: Callable[[], bytes] | None = None,
        services: ServiceResolver = no_services,
        stored_kinds: bool = False,
        service_account_key: bytes = b"",
    ) -> None:
        self.git_version = git_version
        self._metrics = metrics
        self._root_ca = root_ca
        self.scheme = scheme
        self.registry = Registry()
        for kind in scheme.kinds:
            served = with_served_references(kind, served_kind(kind, warns=stored_kinds), self.registry)
            self.registry.add(with_definition_rules(served))
        for served in served_builtins(tuple(self.registry.all())) if stored_kinds else ():
            self.registry.add(served)
        self.backend = Backend(store, self.registry, clock, token)
        self._rights = RbacIndex()
        self._rbac = RbacAuthorizer(store, self._rights)
        self.authorizer: Authorizer = self._rbac
        ring = key_ring(service_account_key) if service_account_key else made_key_ring(token)
        self.account_tokens = AccountTokens(self.backend, ring)
        self.authenticator = Authenticator(self.account_tokens, self.authorizer)
        for review in reviews(self._rbac, self.account_tokens):
            self.registry.add(review)
        if (accounts := self.registry.by_plural("", "serviceaccounts")) is not None:
            self.registry.add(with_tokens(accounts, self.backend, self.account_tokens))
        self._policies = Policies()
        by_policies = PolicyChain(self.backend, self._policies, self.authorizer)
        self.webhooks = WebhookClient(services, StoredServices(store).find)
        self._configured = Webhooks()
        by_webhooks = WebhookChain(self.backend, self._configured, self.webhooks, self.authorizer)
        grants = Grants(self._rbac, self.registry)
        self.backend.chain = Chained((by_policies, grants, by_webhooks, self.backend.chain))
        self._own = OwnDefinitions(self.backend, scheme.kinds)
        self._parts = Parts(
            self.backend,
            Lister(self.backend),
            Writer(self.backend),
            Deleter(self.backend),
            self._own.guard,
            self.authorizer,
        )
        self._openapi = OpenApi(self.registry, git_version, clock)
        self._tasks: list[asyncio.Task[None]] = []

    def verbs(self, user: User) -> ServerVerbs:
        """The verbs on behalf of one user; implements `capstan.api.verbs.Verbs`."""
        return ServerVerbs(self._parts, user)

    def now(self) -> datetime:
        return self.backend.clock()

    def watch_seconds(self) -> int:
        """Half an hour to an hour, differently for each, so that clients do not all come back at once."""
        return 1800 + int.from_bytes(self.backend.token(2), "big") % 1800

    def failing(self) -> Mapping[str, str]:
        """Readiness checks that fail, by name."""
        failing = {} if self._tasks else {"started": "the server is not started"}
        failure = getattr(self.backend.store, "failure", None)
        if failure is not None:
            failing["store"] = str(failure)
        return failing

    def document(self, request: Request) -> Response | None:
        """OpenAPI, and the metrics of the process in Prometheus' text format."""
        if request.path == "/metrics" and self._metrics is not None:
            return Response(200, self._metrics(), "text/plain; version=0.0.4; charset=utf-8")
        if request.path.startswith(OPENAPI):
            return self._openapi.answer(request)
        return issuer_document(self.account_tokens, request)

    async def start(self) -> None:
        """Make what must always be there, and start what runs beside the requests."""
        await make_standing(self.backend, self._parts.writer, SYSTEM)
        await self._start_rights()
        await self._start_policies()
        collector = GarbageCollector(self.backend, self._parts.writer, self._parts.deleter)
        upkeep = NamespaceController(self.backend, self._parts.writer, self._parts.deleter, self._root_ca)
        self._spawn(collector.run, "garbage")
        if self.registry.by_plural("apiextensions.k8s.io", "customresourcedefinitions"):
            await self._own.write()
            definitions = DefinitionController(
                self.backend, self._parts.writer, self._parts.deleter, self._own, self.webhooks
            )
            await definitions.load()
            self._spawn(definitions.run, "definitions")
        await self._start_webhooks()
        if self.registry.by_plural("", "namespaces"):
            self._spawn(upkeep.run, "namespaces")
        if self.registry.by_plural(apiservices.GROUP, "apiservices"):
            self._spawn(apiservices.ApiServices(self.backend).run, "apiservices")
        if self.registry.by_plural("", "serviceaccounts"):
            parts, tokens = self._parts, self.account_tokens
            legacy = SecretTokens(self.backend, parts.writer, parts.deleter, tokens, self._root_ca)
            self._spawn(legacy.run, "tokens")
        if self.registry.by_plural("", "events"):
            self._spawn(EventExpiry(self.backend).run, "events")

    async def _start_policies(self) -> None:
        """Policies are in force before the first request is answered."""
        if self.registry.by_plural("admissionregistration.k8s.io", "validatingadmissionpolicies") is None:
            return
        await self._keep(POLICIES, self._policies)
        self._spawn(PolicyStatus(self.backend, self._parts.writer, SYSTEM).run, "policies")

    async def _start_webhooks(self) -> None:
        """Webhooks are asked from the first request on, but not about what this server makes when it starts: one
        that is away, or runs on what this server manages, must not keep it from starting."""
        if self.registry.by_plural("admissionregistration.k8s.io", "validatingwebhookconfigurations") is None:
            return
        await self._keep(WEBHOOKS, self._configured)

    async def _start_rights(self) -> None:
        """Roles and bindings are complete and known before the first request is answered."""
        if self.registry.by_plural("rbac.authorization.k8s.io", "clusterroles") is None:
            return
        await make_default_roles(self.backend, self._parts.writer, SYSTEM)
        aggregation = RoleAggregation(self.backend, self._parts.writer)
        await aggregation.begin()
        await self._keep(RBAC, self._rights)
        self._spawn(aggregation.run, "aggregation")

    async def _keep(self, prefixes: Sequence[str], keeper: Keeper) -> None:
        """The keeper knows what is stored under the prefixes, from here on."""
        mirror = Mirror(self.backend.store, prefixes, keeper)
        await mirror.load()
        for prefix in prefixes:
            self._spawn(partial(mirror.follow, prefix), prefix)

    async def announce(self, host: str, port: int) -> None:
        """Tell clients where this server listens, through the endpoints of the service `kubernetes`."""
        await announce(self.backend, self._parts.writer, SYSTEM, host, port)

    async def stop(self) -> None:
        """End the background work. The store stays open."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.webhooks.aclose()

    def _spawn(self, work: Callable[[], Coroutine[Any, Any, None]], name: str) -> None:
        task = asyncio.get_running_loop().create_task(self._watched(work, name), name=f"apiserver-{name}")
        self._tasks.append(task)

    async def _watched(self, work: Callable[[], Coroutine[Any, Any, None]], name: str) -> None:
        """A background part that ends by itself has a bug or lost its store: say so, never silently."""
        while True:
            try:
                await work()
                return
            except (StoreUnavailableError, CompactedError) as error:
                # Every part begins by looking at what there is, so it can begin again.
                log.warning("%s begins again: %s", name, error)
                await asyncio.sleep(_AGAIN_SECONDS)
            except StoreError as error:
                log.warning("%s ended with the store: %s", name, error)
                return
            except Exception:
                log.exception("%s ended", name)
                return


def served_kind(kind: Kind, *, warns: bool = False) -> Served:
    """How a kind of the program is served: one of Kubernetes' own by the facts of it."""
    own = as_builtin(kind.group, kind.kind, warns=warns) if kind.builtin else None
    if own is not None:
        return own
    names = kind.convert if isinstance(kind.convert, Converter) else None
    return Served(
        group=kind.group,
        kind=kind.kind,
        plural=kind.plural,
        versions=tuple(_served_version(version) for version in kind.versions if version.served),
        storage=kind.storage.name,
        singular=kind.singular or kind.kind.lower(),
        short_names=kind.short_names,
        categories=kind.categories,
        labels=kind.labels,
        namespaced=kind.namespaced,
        builtin=kind.builtin,
        convert=kind.convert,
        field_in=names.field_in if names is not None else same_field,
        meant=names.meant if names is not None else no_other_name,
        admit=kind.admit if kind.schemas is no_schemas else partial(admit_with_schemas, kind.admit, kind.schemas),
        lookups=kind.lookups,
    )


def _served_version(version: Version) -> ServedVersion:
    return ServedVersion(
        name=version.name,
        schema=partial(structural_schema, version.struct),
        validator=partial(struct_validator, version.struct),
        columns=version.columns,
        status=version.status,
        scale=version.scale,
        deprecated=version.deprecated,
        deprecation_warning=version.deprecation_warning,
    )
