"""What a running plane does for the commands of its administrator: backups and new keys."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from capstan.cli.backup import clear_leftovers, take
from capstan.cli.control import Control, ControlError, Options, Progress
from capstan.cli.keyfile import KeyFile
from capstan.cli.place import Place
from capstan.store.sqlite import SqliteStore

if TYPE_CHECKING:
    from capstan.store.etcd import EtcdStore


class Administration:
    """The commands by name, over the store and the files of one data directory."""

    def __init__(
        self,
        store: SqliteStore | EtcdStore,
        place: Place,
        key_file: KeyFile,
        clock: Callable[[], datetime],
        token: Callable[[int], bytes],
        settings: Callable[[], Awaitable[Mapping[str, Any]]],
    ) -> None:
        self._store = store
        self._place = place
        self._key_file = key_file
        self._clock = clock
        self._token = token
        self._settings_now = settings
        self._control = Control(
            place.control, {"backup": self._backup, "rotate-key": self._rotate_key, "settings": self._settings}
        )

    async def start(self) -> None:
        clear_leftovers(self._place)
        await self._control.start()

    async def stop(self) -> None:
        await self._control.stop()

    async def _settings(self, _options: Options, _progress: Progress) -> Mapping[str, Any]:
        """How the plane runs, for the self-audit."""
        return {"user": os.geteuid(), **await self._settings_now()}

    async def _backup(self, options: Options, progress: Progress) -> Mapping[str, Any]:
        store = self._file()
        made = await take(
            store,
            self._place,
            self._clock(),
            self._token,
            with_keys=options.get("with_keys") is True,
            progress=progress,
        )
        return {"file": os.fspath(made.absolute()), "revision": store.revision}

    def _file(self) -> SqliteStore:
        """What lies in etcd is not in this data directory."""
        if not isinstance(self._store, SqliteStore):
            raise ControlError("the state is in etcd: it is backed up and restored there, with etcdctl snapshot")
        return self._store

    async def _rotate_key(self, options: Options, progress: Progress) -> Mapping[str, Any]:
        if not isinstance(self._store, SqliteStore):
            raise ControlError("data keys of a state in etcd cannot be rotated yet")
        key_file = ""
        if options.get("key_file_too") is True:
            if not self._key_file.is_ours:
                raise ControlError("the key is a credential of the service manager: change it there")
            await self._store.change_kek(self._key_file.begin_change())
            self._key_file.end_change()
            key_file = os.fspath(self._place.encryption_key.absolute())
        done = await self._store.rotate_key(progress)
        return {
            "key": done.key,
            "rewritten": done.rewritten,
            "dropped": list(done.dropped),
            "unreadable": done.unreadable,
            "key_file": key_file,
        }
