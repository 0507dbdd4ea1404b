"""YAML as Talos reads and writes it: `on` and `off` are words, keys are unique, texts of several lines are blocks."""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from typing import Any

import yaml

from capstan.providers.talos.config.errors import ConfigError

Document = dict[str, Any]

MAX_ALIASES = 100


class _Loader(yaml.CSafeLoader):
    """Only what YAML 1.2's core schema knows: true, false, null, numbers. Dates stay texts."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Hashable] = set()
        for key_node, _value in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, Hashable) and key in seen:
                raise ConfigError(f"the key {key!r} appears twice (line {key_node.start_mark.line + 1})")
            if isinstance(key, Hashable):
                seen.add(key)
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""])
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int", re.compile(r"^[-+]?(?:0|[1-9][0-9]*|0o?[0-7]+|0x[0-9a-fA-F]+)$"), list("-+0123456789")
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(?:(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|\.(?:inf|Inf|INF))$|^\.(?:nan|NaN|NAN)$"),
    list("-+.0123456789"),
)
_Loader.add_implicit_resolver("tag:yaml.org,2002:merge", re.compile(r"^(?:<<)$"), ["<"])


class _Dumper(yaml.CSafeDumper):
    """Quotes every text that some YAML reader might take for something else; no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_text(dumper: yaml.Dumper, value: str) -> Any:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _represent_text)  # type: ignore[arg-type]


def load_documents(text: str | bytes) -> list[Any]:
    """Every document that is not null. Raises ConfigError with the line, never with the text."""
    try:
        return [document for document in yaml.load_all(text, _Loader) if document is not None]
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"not valid YAML: {error.problem} (line {line})") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError):
        raise ConfigError("not valid YAML") from None


def load_document(text: str | bytes) -> Any:
    """The one document of a text; None when it is empty. Raises ConfigError."""
    documents = load_documents(text)
    if len(documents) > 1:
        raise ConfigError("one YAML document is expected here, there are several")
    return documents[0] if documents else None


def dump_documents(documents: Sequence[Any]) -> str:
    """Documents separated by `---`, keys in their order."""
    return "---\n".join(
        yaml.dump(d, Dumper=_Dumper, sort_keys=False, indent=4, width=2**20, allow_unicode=True) for d in documents
    )
