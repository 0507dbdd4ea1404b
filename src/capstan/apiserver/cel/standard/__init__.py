"""The standard functions: operators, conversions, sizes, texts, and the parts of times."""

from __future__ import annotations

from capstan.apiserver.cel.functions import Functions
from capstan.apiserver.cel.standard.clocks import CLOCKS
from capstan.apiserver.cel.standard.comparisons import COMPARISONS
from capstan.apiserver.cel.standard.conversions import CONVERSIONS
from capstan.apiserver.cel.standard.operators import OPERATORS
from capstan.apiserver.cel.standard.texts import TEXTS

STANDARD: Functions = {**OPERATORS, **COMPARISONS, **CONVERSIONS, **TEXTS, **CLOCKS}
