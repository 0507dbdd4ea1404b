"""`capstan backup` and `capstan restore`: the whole state of a management plane in one file, and back."""

from __future__ import annotations

import asyncio
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from capstan.api.rules.nouns import counted
from capstan.cli.place import Place, place_option
from capstan.cli.showing import Percent

if TYPE_CHECKING:
    from capstan.cli.control import Progress


@click.command()
@click.argument("file", type=click.Path(dir_okay=False))
@place_option
@click.option("--with-keys", is_flag=True, help="Put the key that opens the backup into it. Keep such a file as a key.")
def backup(file: str, place: Place, with_keys: bool) -> None:
    """Write the state of the management plane to FILE, while it runs or not.

    Secrets and private keys in it are encrypted with the data directory's encryption.key, which is not in the file
    unless --with-keys is given: keep a copy of that key elsewhere.
    """
    from capstan.cli.control import NotRunningError, ask

    target = Path(file)
    if target.exists() or target.is_symlink():
        raise click.ClickException(f"{target} exists; name a file that does not")
    shown = Percent("copying")
    try:
        answer = ask(place.control, {"command": "backup", "with_keys": with_keys}, shown)
    except NotRunningError:
        answer = asyncio.run(_at_rest(place, with_keys, shown))
    made = Path(answer["file"])
    _take_away(made, target)
    shutil.rmtree(made.parent, ignore_errors=True)
    keys = "with its key" if with_keys else f"its key is {place.encryption_key}: keep a copy of it elsewhere"
    click.echo(f"{target}: revision {answer['revision']}, {target.stat().st_size / 1e6:.1f} MB; {keys}")


async def _at_rest(place: Place, with_keys: bool, progress: Progress) -> dict[str, Any]:
    """As the plane would do it, when none runs."""
    from capstan.cli.backup import take
    from capstan.cli.keyfile import KeyFile
    from capstan.runtime.clock import SystemClock
    from capstan.store.sealing import Encryption
    from capstan.store.sqlite import SqliteStore

    if not place.database.exists():
        raise click.ClickException(f"{place.root} holds no state of a management plane")
    find = KeyFile(place, os.urandom, os.environ).find
    store = await SqliteStore.open(place.database, encryption=Encryption(find))
    try:
        made = await take(store, place, SystemClock().now(), os.urandom, with_keys=with_keys, progress=progress)
        return {"file": str(made), "revision": store.revision}
    finally:
        await store.close()


def _take_away(made: Path, target: Path) -> None:
    """Move the archive to where it is wanted, which may be another file system; complete or not at all."""
    temporary = target.with_name(target.name + ".part")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as out, made.open("rb") as source:
            shutil.copyfileobj(source, out, 1024 * 1024)
            out.flush()
            os.fsync(out.fileno())
        os.link(temporary, target)  # unlike a rename, not over a file that came meanwhile
    finally:
        temporary.unlink(missing_ok=True)


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, exists=True))
@place_option
@click.option(
    "--key-file", type=click.Path(dir_okay=False), help="The encryption.key of a backup that was made without it."
)
def restore(file: str, place: Place, key_file: str | None) -> None:
    """Put the state in FILE in place of the data directory, in which no management plane may run.

    FILE is checked whole before anything is touched, and what was in the directory is kept beside it.
    """
    from capstan.cli.backup import restore as put_back
    from capstan.cli.keyfile import KeyFile, read_key
    from capstan.runtime.clock import SystemClock
    from capstan.store.sealing import SealError, kek_id

    # What was in it is kept beside it: a directory that is named by `.` has to have a name.
    place = replace(place, root=place.root.absolute())
    try:
        keys = [read_key(Path(key_file))] if key_file else KeyFile(place, os.urandom, os.environ).at_hand()
        restored = put_back(Path(file), place, {kek_id(key): key for key in keys}, SystemClock().now())
    except SealError as error:
        raise click.ClickException(str(error)) from None
    found = restored.description
    click.echo(f"{place.root} is as of {found.made} (revision {found.revision}): {counted(restored.objects, 'object')}")
    click.echo(f"Revisions go on at {restored.revision}; clients that have watched will list again.")
    if restored.aside is not None:
        click.echo(f"What was there before is in {restored.aside}")
