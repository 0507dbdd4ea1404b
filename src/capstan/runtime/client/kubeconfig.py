"""Kubeconfigs: read for connecting, and made for users. The file format is client-go's `v1/Config`."""

from __future__ import annotations

import base64
import binascii
import ssl
import tempfile
from dataclasses import dataclass, field
from typing import Any

import yaml

from capstan.api.errors import TerminalError

INVALID = "InvalidKubeconfig"
_FILES = ("certificate-authority", "client-certificate", "client-key", "tokenFile")


@dataclass(frozen=True, slots=True)
class Kubeconfig:
    """One context of a kubeconfig: where the server is, whom to trust, who asks."""

    server: str
    ca_pem: bytes = b""
    certificate_pem: bytes = b""
    key_pem: bytes = field(default=b"", repr=False)
    token: str = field(default="", repr=False)
    proxy_url: str = ""
    insecure: bool = False
    tls_server_name: str = ""
    namespace: str = ""

    def ssl_context(self) -> ssl.SSLContext:
        """A client context with this identity. Verifies the server unless the kubeconfig says not to."""
        context = ssl.create_default_context(cadata=self.ca_pem.decode() or None)
        if self.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if self.certificate_pem:
            # ssl loads key pairs from files only; this one is gone as soon as it is read.
            with tempfile.NamedTemporaryFile() as pair:
                pair.write(self.certificate_pem + b"\n" + self.key_pem)
                pair.flush()
                context.load_cert_chain(pair.name)
        return context


def parse_kubeconfig(text: bytes, context_name: str = "", *, self_contained: bool = False) -> Kubeconfig:
    """The named context, or the current one. A `self_contained` one, which came from somewhere else, may neither run
    programs nor name files of this machine. Raises TerminalError that says what is missing, never a secret."""
    try:
        document = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark else ""
        raise TerminalError(f"the kubeconfig is not YAML{where}", INVALID) from None
    if not isinstance(document, dict):
        raise TerminalError("the kubeconfig is not a mapping", INVALID)
    wanted = context_name or document.get("current-context") or ""
    context = _named(document, "contexts", wanted, "context")
    cluster = _named(document, "clusters", context.get("cluster", ""), "cluster")
    user = _named(document, "users", context.get("user", ""), "user") if context.get("user") else {}
    if self_contained:
        _refuse_outside(cluster, user)
    return Kubeconfig(
        server=str(cluster.get("server", "")),
        ca_pem=_content(cluster, "certificate-authority"),
        certificate_pem=_content(user, "client-certificate"),
        key_pem=_content(user, "client-key"),
        token=str(user.get("token", "")),
        proxy_url=str(cluster.get("proxy-url", "")),
        insecure=bool(cluster.get("insecure-skip-tls-verify", False)),
        tls_server_name=str(cluster.get("tls-server-name", "")),
        namespace=str(context.get("namespace", "")),
    )


def render_kubeconfig(config: Kubeconfig, *, cluster: str, user: str, context: str) -> bytes:
    """A kubeconfig with one context, certificates inside it."""
    entry: dict[str, Any] = {"server": config.server}
    if config.ca_pem:
        entry["certificate-authority-data"] = base64.b64encode(config.ca_pem).decode()
    if config.proxy_url:
        entry["proxy-url"] = config.proxy_url
    credentials: dict[str, Any] = {}
    if config.certificate_pem:
        credentials["client-certificate-data"] = base64.b64encode(config.certificate_pem).decode()
        credentials["client-key-data"] = base64.b64encode(config.key_pem).decode()
    if config.token:
        credentials["token"] = config.token
    binding = {"cluster": cluster, "user": user, **({"namespace": config.namespace} if config.namespace else {})}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": cluster, "cluster": entry}],
        "users": [{"name": user, "user": credentials}],
        "contexts": [{"name": context, "context": binding}],
        "current-context": context,
    }
    return yaml.safe_dump(document, sort_keys=False).encode()


def _named(document: dict[str, Any], section: str, name: str, field_name: str) -> dict[str, Any]:
    for item in document.get(section) or ():
        if isinstance(item, dict) and item.get("name") == name:
            found = item.get(field_name) or {}
            if isinstance(found, dict):
                return found
    raise TerminalError(f'the kubeconfig has no {field_name} "{name}" in {section}', INVALID)


def _refuse_outside(cluster: dict[str, Any], user: dict[str, Any]) -> None:
    """Programs and files of this machine are none of the business of a kubeconfig that came from a Secret."""
    for name in ("exec", "auth-provider"):
        if user.get(name):
            raise TerminalError(f"the kubeconfig's {name} is not supported: give a certificate or a token", INVALID)
    for entry, names in ((cluster, _FILES[:1]), (user, _FILES[1:])):
        for name in names:
            if entry.get(name) and not entry.get(f"{name}-data"):
                raise TerminalError(f"the kubeconfig's {name} is a file: give its content as {name}-data", INVALID)


def _content(entry: dict[str, Any], name: str) -> bytes:
    """Inline data, or the file that the entry names."""
    inline = entry.get(f"{name}-data")
    if inline:
        try:
            return base64.b64decode(inline, validate=True)
        except (binascii.Error, ValueError):
            raise TerminalError(f"the kubeconfig's {name}-data is not base64", INVALID) from None
    path = entry.get(name)
    if not path:
        return b""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise TerminalError(f"the kubeconfig's {name} cannot be read: {error}", INVALID) from None
