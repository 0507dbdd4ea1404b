"""`capstan secrets`: the keys that Secrets are encrypted with."""

from __future__ import annotations

from pathlib import Path

import click

from capstan.cli.place import Place, default_place
from capstan.cli.showing import Percent


@click.command()
@click.option("--data-dir", type=click.Path(file_okay=False), help="Directory of the state; by default XDG's.")
@click.option("--key-file-too", is_flag=True, help="Make a new encryption.key as well; older backups need the old one.")
def rotate_key(data_dir: str | None, key_file_too: bool) -> None:
    """Encrypt everything that is encrypted with a new key, while the management plane works.

    The old key is dropped when nothing uses it any more. When the plane is interrupted it goes on at its next start.
    """
    from capstan.cli.control import ask

    place = Place(Path(data_dir)) if data_dir else default_place()
    request = {"command": "rotate-key", "key_file_too": key_file_too}
    done = ask(place.control, request, Percent("encrypting"))
    click.echo(f"Everything is encrypted with key {done['key']} now: {done['rewritten']} records were written again")
    if done["dropped"]:
        click.echo(f"Dropped: {', '.join(done['dropped'])}")
    if done["unreadable"]:
        raise click.ClickException(
            f"{done['unreadable']} records cannot be decrypted and keep their old key; see /readyz of the plane"
        )
    if done["key_file"]:
        click.echo(f"The key file has changed: keep a copy of {done['key_file']} elsewhere")
