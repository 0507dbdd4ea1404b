"""Objects between the versions of a kind: at once where the program converts, by asking where a webhook does.

Rendering is not asynchronous, so what a webhook has to convert is converted ahead: `prepare` fills the views of
entries in batches, and `backend.view` finds them there.
"""

from __future__ import annotations

from collections.abc import Iterable

from capstan.api.objects import Obj
from capstan.apiserver.resources import Served, Target
from capstan.store.entry import Entry

#: How many objects a webhook gets at once.
BATCH = 250


async def prepare(served: Served, entries: Iterable[Entry], version: str) -> None:
    """Make entries ready to be seen in a version. Does nothing where no webhook is needed."""
    converter = served.converter
    if converter is None:
        return
    key = (version, served)
    wanted = served.api_version(version)
    due = [
        entry
        for entry in entries
        if entry.object["apiVersion"] != wanted and (entry.views is None or key not in entry.views)
    ]
    for start in range(0, len(due), BATCH):
        batch = due[start : start + BATCH]
        found = await converter.convert([entry.object for entry in batch], wanted)
        for entry, obj in zip(batch, found, strict=True):
            entry.asked = True
            entry.views = entry.views or {}
            entry.views[key] = served.as_defined(version, obj)


async def converted(served: Served, obj: Obj, version: str) -> Obj:
    """One object of a kind in a version; the very object when it has it."""
    wanted = served.api_version(version)
    if obj.get("apiVersion") == wanted:
        return obj
    if served.converter is None:
        return served.convert(obj, version)
    return (await served.converter.convert([obj], wanted))[0]


async def to_stored(target: Target, obj: Obj) -> Obj:
    """An object of a request in the version that is kept."""
    return await converted(target.served, obj, target.served.storage)
