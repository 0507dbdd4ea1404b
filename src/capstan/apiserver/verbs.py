"""The verbs of this server on behalf of one user: authorized, then read, written, watched or deleted."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from capstan.api.errors import ApiError, is_not_found
from capstan.api.objects import Obj, ObjectList, Resource, WatchEvent
from capstan.api.rules.mergepatch import merge_patch
from capstan.api.verbs import Answer, DeleteOptions, ListOptions, PatchType, User, WriteOptions
from capstan.apiserver.actions import act
from capstan.apiserver.apply.ownership import checked_config
from capstan.apiserver.authorization import Authorizer, attributes_of, authorize, selected_name
from capstan.apiserver.backend import Backend, view
from capstan.apiserver.deleting import Deleter, for_each
from capstan.apiserver.options import check_apply_options
from capstan.apiserver.patch import apply_patch, unsupported_patch_type
from capstan.apiserver.reading import EntryPage, Lister
from capstan.apiserver.resources import Call, Target, no_such_resource
from capstan.apiserver.scale import SCALE, paths_of, scale_config, scale_of, scaled
from capstan.apiserver.watch import Watch, watch_objects
from capstan.apiserver.writing import Change, Writer
from capstan.store.entry import Entry

#: Decides whether a write to an object is quietly left out; gives the warning for it, or the empty string.
Guard = Callable[[Target, str], str]


@dataclass(frozen=True, slots=True)
class Parts:
    """What all users of one server share."""

    backend: Backend
    lister: Lister
    writer: Writer
    deleter: Deleter
    guard: Guard
    authorizer: Authorizer


def not_allowed(verb: str, group_resource: str) -> ApiError:
    message = f'{verb} is not supported on resources of kind "{group_resource}"'
    return ApiError(405, "MethodNotAllowed", message)


def _unchanged(current: Obj) -> Obj:
    return current


class ServerVerbs:
    """Implements `capstan.api.verbs.Verbs`. The `*_entry` and `open_watch` methods are for the HTTP server,
    which sends bytes as they are kept; so are the `*_target` ones: it looks a target up before it reads the body."""

    def __init__(self, parts: Parts, user: User) -> None:
        self._parts = parts
        self.user = user

    def target(self, verb: str, resource: Resource, namespace: str, name: str = "", subresource: str = "") -> Target:
        """What the request is about, once this user is allowed to. Raises 404, 403, 405."""
        target = self._parts.backend.registry.target(resource, namespace)
        self.check(verb, target, name, subresource)
        return target

    def check(self, verb: str, target: Target, name: str = "", subresource: str = "") -> None:
        """Whether this user may do this, and anybody can. Raises 404, 403, 405."""
        served = target.served
        authorize(self._parts.authorizer, self.user, attributes_of(verb, served, target.namespace, name, subresource))
        if verb not in served.verbs:
            raise not_allowed(verb, served.group_resource)
        if subresource == "status" and not target.version.status:
            raise no_such_resource()
        if subresource == "scale":
            paths_of(target)
        elif subresource == "finalize":
            if served.prefix != "/namespaces":
                raise no_such_resource()
        elif subresource in served.actions and subresource:
            if verb != "create":
                raise not_allowed(verb, f"{served.group_resource}/{subresource}")
        elif subresource not in ("", "status") and subresource not in target.version.subresources:
            raise no_such_resource()

    async def get(self, resource: Resource, namespace: str, name: str) -> Obj:
        target = self.target("get", resource, namespace, name)
        return self._view(target, await self._parts.lister.get(target, name))

    async def get_entry(self, target: Target, name: str, resource_version: str = "") -> Entry:
        return await self._parts.lister.get(target, name, resource_version)

    async def list(self, resource: Resource, namespace: str, options: ListOptions) -> ObjectList:
        target = self.target("list", resource, namespace, selected_name(options.field_selector))
        page = await self._parts.lister.list(target, options)
        items = [self._view(target, entry) for entry in page.entries]
        return ObjectList(items, str(page.revision), page.continue_token, page.remaining)

    async def list_entries(self, target: Target, options: ListOptions) -> EntryPage:
        return await self._parts.lister.list(target, options)

    def watch(self, resource: Resource, namespace: str, options: ListOptions) -> AsyncIterator[WatchEvent]:
        target = self.target("watch", resource, namespace, selected_name(options.field_selector))
        return watch_objects(self.open_watch(target, options), target)

    def open_watch(self, target: Target, options: ListOptions) -> Watch:
        return Watch(self._parts.backend, target, options)

    async def create(self, resource: Resource, namespace: str, obj: Obj, options: WriteOptions) -> Answer:
        return await self.create_target(self.target("create", resource, namespace), obj, options)

    async def create_target(self, target: Target, obj: Obj, options: WriteOptions) -> Answer:
        if not target.namespace and target.served.namespaced:
            place = (obj.get("metadata") or {}).get("namespace") or ""
            target = Target(target.served, target.version, str(place))
            self.check("create", target)
        if target.served.is_virtual:
            return await act(Call(self.user, target, "", obj, options), "")
        return await self._parts.writer.create(target, obj, options, self.user)

    async def probe(self) -> None:
        return None

    async def served(self, group: str, version: str) -> Sequence[Resource]:
        return [
            Resource(served.group, version, served.plural, served.kind, served.namespaced)
            for served in self._parts.backend.registry.all()
            if served.group == group and served.version(version) is not None
        ]

    async def act(
        self, resource: Resource, namespace: str, name: str, subresource: str, obj: Obj, options: WriteOptions
    ) -> Answer:
        """A create of a subresource that stores nothing: a token of a ServiceAccount."""
        return await self.act_target(
            self.target("create", resource, namespace, name, subresource), name, subresource, obj, options
        )

    async def act_target(self, target: Target, name: str, subresource: str, obj: Obj, options: WriteOptions) -> Answer:
        if subresource not in target.served.actions:
            raise not_allowed("create", f"{target.served.group_resource}/{subresource}".rstrip("/"))
        return await act(Call(self.user, target, name, obj, options), subresource)

    async def update(
        self, resource: Resource, namespace: str, name: str, obj: Obj, options: WriteOptions, subresource: str = ""
    ) -> Answer:
        return await self.update_target(
            self.target("update", resource, namespace, name, subresource), name, obj, options, subresource
        )

    async def update_target(
        self, target: Target, name: str, obj: Obj, options: WriteOptions, subresource: str = ""
    ) -> Answer:
        if (answer := await self._guarded(target, name)) is not None:
            return answer
        if subresource == "scale":
            return await self._scale(target, name, lambda _: obj, options)
        change = Change(
            name,
            lambda _: obj,
            options,
            self.user,
            subresource,
            unconditional=False,
            may_create=lambda: self._may_create(target, name),
        )
        return await self._parts.writer.change(target, change)

    async def patch(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        patch_type: PatchType,
        patch: Any,
        options: WriteOptions,
        subresource: str = "",
    ) -> Answer:
        target = self.target("patch", resource, namespace, name, subresource)
        return await self.patch_target(target, name, patch_type, patch, options, subresource)

    async def patch_target(
        self, target: Target, name: str, patch_type: PatchType, patch: Any, options: WriteOptions, subresource: str = ""
    ) -> Answer:
        if patch_type == "strategic" and not target.served.builtin:
            raise unsupported_patch_type(custom=not target.served.builtin)
        check_apply_options(options, apply=patch_type == "apply")
        if (answer := await self._guarded(target, name)) is not None:
            return answer
        if patch_type == "apply":
            return await self._apply(target, name, patch, options, subresource)
        if subresource == "scale":
            return await self._scale(target, name, lambda scale: apply_patch(patch_type, scale, patch, None), options)

        def patched(current: Obj) -> Obj:
            return apply_patch(patch_type, current, patch, None)

        return await self._parts.writer.change(target, Change(name, patched, options, self.user, subresource))

    async def _apply(self, target: Target, name: str, body: Any, options: WriteOptions, subresource: str) -> Answer:
        """Server-side apply of a configuration, to the object or to one of its subresources."""
        scale = subresource == "scale"
        config = checked_config(SCALE if scale else (target.api_version, target.served.kind), body)
        change = Change(
            name,
            _unchanged,
            options,
            self.user,
            subresource,
            may_create=lambda: self._may_create(target, name),
            config=lambda live: scale_config(target, live or {}, config) if scale else config,
        )
        answer = await self._parts.writer.change(target, change)
        return Answer(scale_of(target, answer.object), answer.warnings) if scale else answer

    async def commit(
        self, resource: Resource, namespace: str, name: str, patch: Obj, status_patch: Obj, options: WriteOptions
    ) -> Answer:
        target = self.target("patch", resource, namespace, name)
        whole = {k: v for k, v in patch.items() if k != "status"}
        if status_patch:
            whole["status"] = status_patch.get("status")
        change = Change(name, lambda current: merge_patch(current, whole), options, self.user, "*")
        return await self._parts.writer.change(target, change)

    async def delete(self, resource: Resource, namespace: str, name: str, options: DeleteOptions) -> Answer:
        return await self.delete_target(self.target("delete", resource, namespace, name), name, options)

    async def delete_target(self, target: Target, name: str, options: DeleteOptions) -> Answer:
        if warning := self._parts.guard(target, name):
            raise ApiError(403, "Forbidden", warning, {"name": name, "kind": target.served.plural})
        return await self._parts.deleter.delete(target, name, options, self.user)

    async def delete_collection(
        self, resource: Resource, namespace: str, options: ListOptions, how: DeleteOptions
    ) -> ObjectList:
        """Delete all that the selectors select; gives what they were."""
        target = self.target("deletecollection", resource, namespace, selected_name(options.field_selector))
        page = await self._parts.lister.list(target, options)
        items = [self._view(target, entry) for entry in page.entries]
        for item in items:
            metadata = item["metadata"]
            place = Target(target.served, target.version, metadata.get("namespace", ""))
            if self._parts.guard(place, metadata["name"]):
                continue
            try:
                await self._parts.deleter.delete(place, metadata["name"], for_each(how, metadata["uid"]), self.user)
            except ApiError as error:
                if not is_not_found(error) and error.reason != "Conflict":
                    raise
        return ObjectList(items, str(page.revision), page.continue_token, page.remaining)

    def _may_create(self, target: Target, name: str) -> None:
        """Raises 403: a write that makes what is missing is a create too."""
        authorize(self._parts.authorizer, self.user, attributes_of("create", target.served, target.namespace, name))

    async def _scale(self, target: Target, name: str, make: Callable[[Obj], Obj], options: WriteOptions) -> Answer:
        def make_scaled(current: Obj) -> Obj:
            return scaled(target, current, make(scale_of(target, current)))

        change = Change(name, make_scaled, options, self.user, "scale")
        answer = await self._parts.writer.change(target, change)
        return Answer(scale_of(target, answer.object), answer.warnings)

    async def _guarded(self, target: Target, name: str) -> Answer | None:
        """The unchanged object with a warning, when it is one that nobody changes."""
        warning = self._parts.guard(target, name)
        if not warning:
            return None
        return Answer(self._view(target, await self._parts.lister.get(target, name)), (warning,))

    def _view(self, target: Target, entry: Entry) -> Obj:
        return view(target.served, entry, target.version.name)
