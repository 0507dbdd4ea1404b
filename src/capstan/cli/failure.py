"""How a command fails: one clear line on standard error and a status, never a stack trace."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import click

from capstan.api.errors import ApiError, TerminalError, TransientError
from capstan.store.protocol import StoreError

EXPECTED = (ApiError, TransientError, TerminalError, StoreError, OSError, ValueError)


@contextmanager
def reported() -> Iterator[None]:
    """Turns what a command could not do into click's one-line errors (status 1)."""
    try:
        yield
    except (click.ClickException, click.Abort, click.exceptions.Exit):
        raise
    except BrokenPipeError:
        # Somebody like `head` has read enough.
        os._exit(0)
    except EXPECTED as error:
        raise click.ClickException(str(error) or type(error).__name__) from None
