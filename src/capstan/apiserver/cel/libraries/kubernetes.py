"""All libraries that expressions in Kubernetes can use."""

from __future__ import annotations

from capstan.apiserver.cel.functions import Functions
from capstan.apiserver.cel.libraries.formats import FORMATS
from capstan.apiserver.cel.libraries.jsonpatches import JSON_PATCHES
from capstan.apiserver.cel.libraries.lists import LISTS, SETS
from capstan.apiserver.cel.libraries.networks import NETWORKS
from capstan.apiserver.cel.libraries.optionals import OPTIONALS
from capstan.apiserver.cel.libraries.quantities import QUANTITIES
from capstan.apiserver.cel.libraries.regexes import REGEXES
from capstan.apiserver.cel.libraries.semvers import SEMVERS
from capstan.apiserver.cel.libraries.strings import STRINGS
from capstan.apiserver.cel.libraries.urls import URLS

from capstan.apiserver.cel.libraries.authorizer import AUTHORIZERS  # isort: skip

KUBERNETES: tuple[Functions, ...] = (
    OPTIONALS,
    STRINGS,
    LISTS,
    SETS,
    REGEXES,
    URLS,
    QUANTITIES,
    NETWORKS,
    SEMVERS,
    FORMATS,
    AUTHORIZERS,
    JSON_PATCHES,
)
