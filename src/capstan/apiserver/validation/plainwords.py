"""What well-known patterns and formats of schemas let in, in words: nobody reads a regular expression gladly."""

from __future__ import annotations

from typing import Final

_LABEL: Final = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN: Final = rf"{_LABEL}(\.{_LABEL})*"
_NAME: Final = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_CONDITION: Final = "a name with an optional domain before it, as in Scanned or example.org/Scanned"
_TAG: Final = "letters, digits, _, -, + and ., beginning with a letter, a digit or _, as in template"

#: Patterns of Kubernetes', Cluster API's and the providers' schemas.
_PATTERNS: Final = {
    f"^{_SUBDOMAIN}$": "lower case letters, digits, - and ., with a letter or digit at both ends, as in example.org",
    f"^{_LABEL}$": "lower case letters, digits and -, with a letter or digit at both ends, as in web-1",
    f"^({_SUBDOMAIN}/)?({_NAME})$": _CONDITION,
    rf"^({_SUBDOMAIN}\/)?{_NAME}$": "a label's key: a name with an optional domain before it, as in example.org/gpu",
    f"^({_NAME})?$": "a label's value: letters, digits, -, _ and ., with a letter or digit at both ends",
    "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$": "one word that begins with a letter, as in NotReady",
    "^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$": "letters, digits and -, beginning with a letter, as in TalosConfig",
    rf"^{_SUBDOMAIN}\/[a-z]([-a-z0-9]*[a-z0-9])?$": "a group and a version, as in example.org/v1",
    r"^\[[0-9]+-[0-9]+\]$": "two numbers in brackets, as in [3-5]",
    "^net[0-9]+$": "net and a number, as in net0",
    r"^(?i)[a-z0-9_][a-z0-9_\-\+\.]*$": _TAG,
    "^[a-z0-9A-Z](?:[a-z0-9A-Z-_.]{0,61}[a-z0-9A-Z])?$": (
        "at most 63 letters, digits, -, _ and ., with a letter or digit at both ends, as in zone-1"
    ),
    "^proxmox://[a-fA-F0-9]{8}-[a-fA-F0-9]{4}-[a-fA-F0-9]{4}-[a-fA-F0-9]{4}-[a-fA-F0-9]{12}$": (
        "proxmox:// and the UUID of the VM; Capstan writes it, so leave it out"
    ),
    r"^v(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)([-0-9a-zA-Z_\.+]*)?$": "v and three numbers, as in v1.34.1",
}
_FORMATS: Final = {
    "date-time": "2026-01-31T08:30:00Z",
    "date": "2026-01-31",
    "duration": "1h30m",
    "uuid": "123e4567-e89b-42d3-a456-426614174000",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "cidr": "192.0.2.0/24",
}


def pattern_words(pattern: str) -> str:
    """What the pattern lets in; empty where nobody has said it."""
    return _PATTERNS.get(pattern, "")


def format_example(name: str) -> str:
    """A value of the format; empty where none is known."""
    return _FORMATS.get(name, "")
