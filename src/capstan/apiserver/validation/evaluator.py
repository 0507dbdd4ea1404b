"""The CEL evaluator without its command line.

Importing the package `cel` as a whole loads its interactive shell: 0.3 s, a third of what a start may take. So
the package is registered without running its `__init__`, and given the names that it would have.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from typing import Any


def _load() -> tuple[Any, Any]:
    if "cel" not in sys.modules:
        spec = find_spec("cel")
        if spec is None:
            raise ImportError("the package common-expression-language is not installed")
        sys.modules["cel"] = module_from_spec(spec)
    native, stdlib = import_module("cel.cel"), import_module("cel.stdlib")
    package = vars(sys.modules["cel"])
    for name in ("Context", "OptionalValue", "Program", "compile", "evaluate"):
        package.setdefault(name, getattr(native, name))
    return native, stdlib


_native, _stdlib = _load()

#: Compiles an expression to a program; ValueError when it cannot.
compile_program: Callable[[str], Any] = _native.compile
OptionalValue: Any = _native.OptionalValue
STDLIB_FUNCTIONS: dict[str, Callable[..., Any]] = _stdlib.STDLIB_FUNCTIONS
