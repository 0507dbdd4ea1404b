"""URLs: `url()` and the parts of one."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, quote, unquote

from capstan.apiserver.cel import types as t
from capstan.apiserver.cel.errors import CelEvaluationError
from capstan.apiserver.cel.functions import Functions, function, member
from capstan.apiserver.cel.values import Opaque

URL_TYPE = t.Type("object", "kubernetes.URL")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):", re.ASCII)
_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_HOST = re.compile(r"(\[[0-9A-Fa-f:.%a-z]+\]|[^\s\[\]<>\"{}|\\^`:/?#]*)(:\d*)?", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_PATH_SAFE = "/!$&'()*+,;=:@-._~"


class URL(Opaque):
    """An absolute address or an absolute path."""

    __slots__ = ("host", "path", "query", "scheme", "text")
    cel_type = URL_TYPE

    def __init__(self, text: str, scheme: str, host: str, path: str, query: str) -> None:
        self.text = text
        self.scheme = scheme
        self.host = host
        self.path = path
        self.query = query

    def __eq__(self, other: object) -> bool:
        return isinstance(other, URL) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)


def _wrong(text: str, why: str) -> CelEvaluationError:
    return CelEvaluationError(f'URL parse error during conversion from string: parse "{text}": {why}')


def url(text: str) -> URL:
    """Errors: CelEvaluationError."""
    if not text:
        raise _wrong(text, "empty url")
    if _CONTROL.search(text):
        raise _wrong(text, "invalid control character in URL")
    found = _SCHEME.match(text)
    scheme, rest = (found.group(1).lower(), text[found.end() :]) if found else ("", text)
    if not found and not text.startswith("/"):
        first = text.split("/")[0]
        raise _wrong(text, "missing protocol scheme" if first.startswith(":") else "invalid URI for request")
    rest = rest.split("#")[0]
    rest, _, query = rest.partition("?")
    if not rest.startswith("/"):
        # An opaque address such as mailto:someone.
        return URL(text, scheme, "", "", query)
    host = ""
    if rest.startswith("//") and (scheme or not rest.startswith("///")):
        authority, slash, path = rest[2:].partition("/")
        host, rest = _host(text, authority), slash + path
    if _ESCAPE.search(rest):
        raise _wrong(text, "invalid URL escape")
    return URL(text, scheme, host, rest, query)


def _host(text: str, authority: str) -> str:
    host = authority.rpartition("@")[2]
    if _HOST.fullmatch(host) is None:
        bad = re.search(r":([^:\]]*)$", host)
        if bad and not bad.group(1).isdigit():
            raise _wrong(text, f'invalid port "{bad.group(0)}" after host')
        raise _wrong(text, "invalid character in host name")
    return host


def is_url(text: str) -> bool:
    try:
        url(text)
    except CelEvaluationError:
        return False
    return True


def _hostname(of: URL) -> str:
    if of.host.startswith("["):
        return of.host[1:].split("]")[0]
    return of.host.split(":")[0]


def _port(of: URL) -> str:
    behind = of.host.rpartition("]")[2] if of.host.startswith("[") else of.host
    return behind.partition(":")[2]


def _escaped_path(of: URL) -> str:
    plain = unquote(of.path)
    return of.path if "%" in of.path and quote(plain, safe=_PATH_SAFE) != of.path else quote(plain, safe=_PATH_SAFE)


def _query(of: URL) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in parse_qsl(of.query, keep_blank_values=True):
        found.setdefault(name, []).append(value)
    return found


_U = (URL_TYPE,)
URLS: Functions = {
    "url": (function("string_to_url", (t.STRING,), URL_TYPE, url),),
    "isURL": (function("is_url_string", (t.STRING,), t.BOOL, is_url),),
    "getScheme": (member("url_get_scheme", _U, t.STRING, lambda u: u.scheme),),
    "getHost": (member("url_get_host", _U, t.STRING, lambda u: u.host),),
    "getHostname": (member("url_get_hostname", _U, t.STRING, _hostname),),
    "getPort": (member("url_get_port", _U, t.STRING, _port),),
    "getEscapedPath": (member("url_get_escaped_path", _U, t.STRING, _escaped_path),),
    "getQuery": (member("url_get_query", _U, t.map_of(t.STRING, t.list_of(t.STRING)), _query),),
}
