"""`capstan secrets`: the keys that Secrets are encrypted with."""

from __future__ import annotations

import click

from capstan.api.rules.nouns import counted
from capstan.cli.place import Place, place_option
from capstan.cli.showing import Percent


@click.command()
@place_option
@click.option("--key-file-too", is_flag=True, help="Make a new encryption.key as well; older backups need the old one.")
def rotate_key(place: Place, key_file_too: bool) -> None:
    """Encrypt everything that is encrypted with a new key, while the management plane works.

    The old key is dropped when nothing uses it any more. When the plane is interrupted it goes on at its next start.
    """
    from capstan.cli.control import ask

    request = {"command": "rotate-key", "key_file_too": key_file_too}
    done = ask(place.control, request, Percent("encrypting"))
    written = counted(done["rewritten"], "record")
    click.echo(f"Everything is encrypted with key {done['key']} now; written again: {written}")
    if done["dropped"]:
        click.echo(f"Dropped: {', '.join(done['dropped'])}")
    if done["unreadable"]:
        raise click.ClickException(
            f"{counted(done['unreadable'], 'record')} cannot be decrypted and had to be left with the old key; "
            "see /readyz of the plane"
        )
    if done["key_file"]:
        click.echo(f"The key file has changed: keep a copy of {done['key_file']} elsewhere")
