"""Strategic merge of machine configuration documents (talos.md 5.4).

Lists append, mappings merge, empty texts and zeros do not override, and the places in the tables below differ.
Neither argument is changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from capstan.providers.talos.config.errors import ConfigError
from capstan.providers.talos.config.yamltext import Document

Path = tuple[str, ...]

#: Lists and mappings that a patch replaces as a whole: document kind, path.
_REPLACED: frozenset[tuple[str, Path]] = frozenset(
    {
        ("", ("cluster", "network", "podSubnets")),
        ("", ("cluster", "network", "serviceSubnets")),
        ("", ("cluster", "apiServer", "auditPolicy")),
        ("KubeNetworkConfig", ("podSubnets",)),
        ("KubeNetworkConfig", ("serviceSubnets",)),
        ("KubeAuditPolicyConfig", ("configuration",)),
        ("KubeAuthenticationConfig", ("configuration",)),
        ("KubeCredentialProviderConfig", ("configuration",)),
        ("KubeStaticPodConfig", ("pod",)),
        ("CRIBaseRuntimeSpecConfig", ("overrides",)),
        ("NetworkRuleConfig", ("portSelector", "ports")),
        ("NetworkRuleConfig", ("ingress",)),
        ("BGPInstanceConfig", ("advertise",)),
        ("BGPInstanceConfig", ("importRoutes",)),
        ("BGPInstanceConfig", ("neighbors",)),
    }
)

#: Lists whose elements are matched by these fields, the first that the patch's element has; "*" is any element.
_KEYED: Mapping[tuple[str, Path], tuple[str, ...]] = {
    ("", ("machine", "network", "interfaces")): ("interface", "deviceSelector"),
    ("", ("machine", "network", "interfaces", "*", "vlans")): ("vlanId",),
    ("", ("cluster", "apiServer", "admissionControl")): ("name",),
    ("ExtensionServiceConfig", ("configFiles",)): ("mountPath",),
    ("ImageVerificationConfig", ("rules",)): ("image",),
}

#: A document without a kind is the v1alpha1 document if it has one of these keys.
_LEGACY_KEYS = frozenset({"version", "machine", "cluster", "debug", "persist"})


def identity(document: Mapping[str, Any]) -> tuple[str, str, str]:
    """apiVersion, kind and name; the v1alpha1 document is ("", "", "")."""
    if "kind" not in document and (document.keys() & _LEGACY_KEYS or "apiVersion" not in document):
        return ("", "", "")
    return (str(document.get("apiVersion", "")), str(document.get("kind", "")), str(document.get("name", "")))


def merge_documents(base: Sequence[Document], patch: Sequence[Document]) -> list[Document]:
    """Every document of the patch merged into its like, or appended. Raises ConfigError."""
    merged = list(base)
    for document in patch:
        place = next((n for n, known in enumerate(merged) if identity(known) == identity(document)), None)
        if document.get("$patch") == "delete":
            merged = _without_document(merged, document, place)
        elif place is None:
            merged.append(_without_directives(document))
        else:
            merged[place] = merge_document(merged[place], document)
    return merged


def merge_document(base: Document, patch: Document) -> Document:
    """One document merged into its like. Raises ConfigError with the path of what does not fit."""
    kind = identity(base)[1]
    merged: Document = _Merge(kind).mappings(base, patch, ())
    return merged


def _without_document(documents: list[Document], patch: Document, place: int | None) -> list[Document]:
    if identity(patch) == ("", "", ""):
        raise ConfigError("the v1alpha1 document cannot be deleted", "$patch")
    return [d for n, d in enumerate(documents) if n != place]


class _Merge:
    def __init__(self, kind: str) -> None:
        self._kind = kind

    def mappings(self, base: Mapping[str, Any], patch: Mapping[str, Any], path: Path) -> dict[str, Any]:
        merged = dict(base)
        for name, value in patch.items():
            here = (*path, name)
            if _is_delete(value):
                if name not in merged:
                    raise ConfigError("there is nothing here to delete", _dotted(here))
                del merged[name]
            elif name not in merged or merged[name] is None:
                merged[name] = _without_directives(value)
            else:
                merged[name] = self._values(merged[name], value, here)
        return merged

    def _values(self, base: Any, patch: Any, path: Path) -> Any:
        if patch is None:
            return base
        if (self._kind, path) in _REPLACED or (len(path) >= 2 and path[-2] == "extraArgs"):
            return _without_directives(patch)
        if isinstance(base, Mapping) and isinstance(patch, Mapping):
            return self.mappings(base, patch, path)
        if isinstance(base, list) and isinstance(patch, list):
            return self._lists(base, patch, path)
        if isinstance(base, Mapping) or isinstance(patch, Mapping | list) or isinstance(base, list):
            raise ConfigError(f"a {_shape(patch)} cannot be merged into a {_shape(base)}", _dotted(path))
        return base if _is_zero(patch) else patch

    def _lists(self, base: list[Any], patch: list[Any], path: Path) -> list[Any]:
        keys = _KEYED.get((self._kind, path), ())
        merged = list(base)
        for element in patch:
            if isinstance(element, Mapping) and element.get("$patch") == "delete":
                merged = _without_element(merged, element, path)
                continue
            place = _find_element(merged, element, keys)
            if place is None:
                merged.append(_without_directives(element))
            elif self._kind == "ImageVerificationConfig":
                merged[place] = element
            else:
                merged[place] = self.mappings(merged[place], element, (*path, "*"))
        return merged


def _find_element(elements: list[Any], wanted: Any, keys: tuple[str, ...]) -> int | None:
    if not isinstance(wanted, Mapping):
        return None
    for key in keys:
        if wanted.get(key):
            return next(
                (n for n, e in enumerate(elements) if isinstance(e, Mapping) and e.get(key) == wanted[key]), None
            )
    return None


def _without_element(elements: list[Any], patch: Mapping[str, Any], path: Path) -> list[Any]:
    """The first other `key: value` of the patch's element says which one goes."""
    selector = next(((key, value) for key, value in patch.items() if key != "$patch"), None)
    if selector is None:
        raise ConfigError("a list element to delete needs a field that selects it", _dotted(path))
    key, value = selector
    place = next((n for n, e in enumerate(elements) if isinstance(e, Mapping) and e.get(key) == value), None)
    if place is None:
        raise ConfigError(f"there is no element with this {key} to delete", _dotted(path))
    return [*elements[:place], *elements[place + 1 :]]


def _is_delete(value: Any) -> bool:
    return isinstance(value, Mapping) and value.get("$patch") == "delete"


def _without_directives(value: Any) -> Any:
    """A value that is taken over as a whole; deletes inside of it have nothing to delete."""
    clean: Callable[[Any], Any] = _without_directives
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if _is_delete(inner):
                raise ConfigError("there is nothing here to delete", str(name))
        return {name: clean(inner) for name, inner in value.items() if name != "$patch"}
    if isinstance(value, list):
        return [clean(inner) for inner in value]
    return value


def _is_zero(value: Any) -> bool:
    """An empty text or a zero number; false is a choice of its own."""
    return value == "" or (isinstance(value, int | float) and not isinstance(value, bool) and value == 0)


def _shape(value: Any) -> str:
    return "mapping" if isinstance(value, Mapping) else "list" if isinstance(value, list) else "single value"


def _dotted(path: Path) -> str:
    return ".".join(path)
