"""Tokens that are kept in Secrets: those of type kubernetes.io/service-account-token are filled in, and go with
their ServiceAccount. They have no end; clients of old and tools like them."""

from __future__ import annotations

import base64
from collections.abc import Iterator

from capstan.api.errors import ApiError, is_conflict, is_not_found
from capstan.api.objects import Obj
from capstan.api.verbs import DeleteOptions, User, WriteOptions
from capstan.apiserver.backend import Backend
from capstan.apiserver.deleting import Deleter
from capstan.apiserver.rounds import Rounds
from capstan.apiserver.tokens.claims import Identity, legacy_claims
from capstan.apiserver.tokens.verify import AccountTokens
from capstan.apiserver.writing import Change as Write
from capstan.apiserver.writing import Writer
from capstan.store.entry import Change, Entry

USER = User("system:serviceaccount:kube-system:tokens-controller", ("system:masters",))
TYPE = "kubernetes.io/service-account-token"
ACCOUNT_NAME = "kubernetes.io/service-account.name"
ACCOUNT_UID = "kubernetes.io/service-account.uid"

_SECRETS, _ACCOUNTS = "/secrets", "/serviceaccounts"
_TYPE_BYTES = TYPE.encode()


class SecretTokens:
    """Follows every change. Names of its rounds are `namespace/secret`."""

    def __init__(
        self, backend: Backend, writer: Writer, deleter: Deleter, tokens: AccountTokens, root_ca: str = ""
    ) -> None:
        self._backend = backend
        self._writer = writer
        self._deleter = deleter
        self._tokens = tokens
        self._root_ca = root_ca
        # ServiceAccount (namespace, name) -> names of its Secrets.
        self._secrets: dict[tuple[str, str], dict[str, None]] = {}
        self._rounds = Rounds(backend.store, "token", self._look, self._concerned, found=self._know)

    async def run(self) -> None:
        """Until cancelled."""
        await self._rounds.follow(await self._rounds.begin(_SECRETS))

    def _know(self, entry: Entry) -> Iterator[str]:
        """Remembers whose token a Secret holds; yields it when it holds one."""
        if _TYPE_BYTES not in entry.value or entry.object.get("type") != TYPE:
            return
        account = (entry.object["metadata"].get("annotations") or {}).get(ACCOUNT_NAME, "")
        self._secrets.setdefault((entry.namespace, account), {})[entry.name] = None
        yield f"{entry.namespace}/{entry.name}"

    def _forget(self, entry: Entry) -> None:
        if _TYPE_BYTES in entry.value:
            account = (entry.object["metadata"].get("annotations") or {}).get(ACCOUNT_NAME, "")
            self._secrets.get((entry.namespace, account), {}).pop(entry.name, None)

    def _concerned(self, change: Change) -> Iterator[str]:
        entry = change.entry
        if entry.prefix == _SECRETS and not change.deleted:
            yield from self._know(entry)
        elif entry.prefix == _SECRETS:
            self._forget(entry)
        elif entry.prefix == _ACCOUNTS and (change.deleted or change.previous is None):
            for name in self._secrets.get(entry.key, ()):
                yield f"{entry.namespace}/{name}"

    async def _look(self, key: str) -> None:
        namespace, _, name = key.partition("/")
        entry = await self._backend.store.get(_SECRETS, namespace, name)
        if entry is None or entry.object.get("type") != TYPE or entry.object["metadata"].get("deletionTimestamp"):
            return
        metadata = entry.object["metadata"]
        annotations = metadata.get("annotations") or {}
        account = await self._backend.store.get(_ACCOUNTS, namespace, annotations.get(ACCOUNT_NAME, ""))
        uid = "" if account is None else account.object["metadata"]["uid"]
        try:
            if account is None or annotations.get(ACCOUNT_UID, uid) != uid:
                await self._remove(entry)
            elif wanted := self._missing(entry.object, account, uid):
                await self._fill(entry, wanted, uid)
        except ApiError as error:
            if not is_not_found(error) and not is_conflict(error):
                raise

    def _missing(self, secret: Obj, account: Entry, uid: str) -> dict[str, str]:
        """The data that the Secret lacks."""
        data = secret.get("data") or {}
        wanted = {"namespace": account.namespace.encode()}
        if self._root_ca:
            wanted["ca.crt"] = self._root_ca.encode()
        found = {key: _text(value) for key, value in wanted.items() if data.get(key) != _text(value)}
        if not data.get("token"):
            name = secret["metadata"]["name"]
            identity = Identity(account.namespace, account.name, uid, legacy=name)
            found["token"] = _text(self._tokens.ring.sign(legacy_claims(identity)).encode())
        return found

    async def _fill(self, entry: Entry, wanted: dict[str, str], uid: str) -> None:
        def change(current: Obj) -> Obj:
            metadata = current["metadata"]
            annotations = {**(metadata.get("annotations") or {}), ACCOUNT_UID: uid}
            metadata = {**metadata, "annotations": annotations, "resourceVersion": str(entry.revision)}
            return {**current, "metadata": metadata, "data": {**(current.get("data") or {}), **wanted}}

        served = self._backend.registry.by_plural("", "secrets")
        assert served is not None
        await self._writer.change(served.stored(entry.namespace), Write(entry.name, change, WriteOptions(), USER))

    async def _remove(self, entry: Entry) -> None:
        """The account is gone, and with it whom the token stood for."""
        served = self._backend.registry.by_plural("", "secrets")
        assert served is not None
        how = DeleteOptions(uid=entry.object["metadata"]["uid"])
        await self._deleter.delete(served.stored(entry.namespace), entry.name, how, USER)


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
