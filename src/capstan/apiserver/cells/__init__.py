"""The rows of Kubernetes' built-in kinds, as kube-apiserver prints them."""

from __future__ import annotations

from typing import Final

from capstan.api.objects import Obj
from capstan.apiserver.cells import control, network, storage, workloads
from capstan.apiserver.columns import BUILTIN, Cells

_ALL: Final = {**control.ROWS, **network.ROWS, **storage.ROWS, **workloads.ROWS, **BUILTIN}


def builtin_columns(group: str, kind: str) -> tuple[list[Obj], Cells] | None:
    """Column definitions and the cells of a row of a built-in kind; None for other kinds."""
    return _ALL.get((group, kind))
