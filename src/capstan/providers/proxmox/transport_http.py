"""The real transport: HTTP/1.1 with aiohttp to one or more endpoints of a Proxmox VE cluster, with the token header.

An endpoint that cannot be connected to is left for the next one; the one that answered stays the first choice. Once
a request has been sent its outcome may be unknown: reads are asked again elsewhere, writes are not.
"""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from urllib.parse import urlencode, urlsplit

import aiohttp
from yarl import URL

from capstan.api.errors import TerminalError
from capstan.providers.proxmox.errors import OutcomeUnknown, Unreachable
from capstan.providers.proxmox.transport import Endpoint, Response, Scalar, Transport, Upload
from capstan.runtime.client.silence import why_silent

CONNECT_SECONDS = 5.0
API = "/api2/json"


def normalise_url(url: str) -> str:
    """`https://host:8006/api2/json` for all that users write: with or without scheme, port, path, trailing slash.

    Raises TerminalError for what is no URL at all.
    """
    text = url.strip()
    parts = urlsplit(text if "://" in text else f"https://{text}")
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise TerminalError(f"{url!r} is not a URL of a Proxmox VE API", "InvalidCredentials")
    path = parts.path.rstrip("/").removesuffix("/json").removesuffix("/api2")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = parts.port or (8006 if parts.scheme == "https" else 80)
    return f"{parts.scheme}://{host}:{port}{path}{API}"


class HttpTransports:
    """Opens HTTP transports. `proxy_for` gives the proxy to use for a URL, empty for none."""

    def __init__(self, proxy_for: Callable[[str], str] = lambda _url: "") -> None:
        self._proxy_for = proxy_for

    def connect(self, endpoint: Endpoint) -> Transport:
        return HttpTransport(endpoint, self._proxy_for)


class HttpTransport:
    """One aiohttp session; made on first use, in the running loop."""

    def __init__(self, endpoint: Endpoint, proxy_for: Callable[[str], str] = lambda _url: "") -> None:
        self._urls = [normalise_url(url) for url in endpoint.urls]
        if not self._urls:
            raise TerminalError("no URL of a Proxmox VE API is given", "InvalidCredentials")
        self._headers = {"Authorization": f"PVEAPIToken={endpoint.token_id}={endpoint.secret}"}
        self._ssl = _verification(endpoint)
        self._proxy_for = proxy_for
        self._session: aiohttp.ClientSession | None = None

    async def request(
        self,
        method: str,
        path: str,
        params: Mapping[str, Scalar] | None = None,
        *,
        upload: Upload | None = None,
        timeout_seconds: float = 30.0,
    ) -> Response:
        failures: list[str] = []
        for url in tuple(self._urls):
            try:
                response = await self._send(url, method, path, params or {}, upload, timeout_seconds)
            except (aiohttp.ClientConnectorError, aiohttp.ServerFingerprintMismatch, aiohttp.ClientProxyConnectionError,
                    aiohttp.ConnectionTimeoutError) as error:  # fmt: skip
                failures.append(f"{urlsplit(url).netloc}: {why_silent(error)}")
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                if method != "GET":
                    raise OutcomeUnknown(why_silent(error), f"{method} {path}") from error
                failures.append(f"{urlsplit(url).netloc}: {why_silent(error)}")
            else:
                self._prefer(url)
                return response
        raise Unreachable("; ".join(failures))

    def _prefer(self, url: str) -> None:
        if self._urls[0] != url:
            self._urls.remove(url)
            self._urls.insert(0, url)

    async def _send(
        self, url: str, method: str, path: str, params: Mapping[str, Scalar], upload: Upload | None, seconds: float
    ) -> Response:
        if self._session is None:
            self._session = aiohttp.ClientSession(auto_decompress=True, cookie_jar=aiohttp.DummyCookieJar())
        headers, body, target = dict(self._headers), None, url + path
        form = urlencode({name: int(v) if isinstance(v, bool) else v for name, v in params.items()})
        content: bytes | AsyncIterator[bytes] | None = None
        if upload is not None:
            content, extra = _multipart(upload, params)
            headers.update(extra)
        elif method in ("GET", "DELETE"):
            target += f"?{form}" if form else ""
        else:
            body = form.encode()
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        async with self._session.request(
            method,
            URL(target, encoded=True),
            data=content if content is not None else body,
            headers=headers,
            ssl=self._ssl,
            proxy=self._proxy_for(url) or None,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=seconds, sock_connect=CONNECT_SECONDS),
        ) as response:
            return Response(response.status, response.reason or "", await response.read())

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None
            await asyncio.sleep(0)  # Lets the connector's callbacks run before the loop ends.


def _verification(endpoint: Endpoint) -> ssl.SSLContext | aiohttp.Fingerprint | bool:
    """How the server's certificate is checked. A pinned fingerprint replaces the chain of trust."""
    if endpoint.fingerprint:
        digits = endpoint.fingerprint.replace(":", "").replace(" ", "")
        try:
            return aiohttp.Fingerprint(bytes.fromhex(digits))
        except ValueError as error:
            raise TerminalError(
                "the certificate fingerprint is not a SHA-256 in hexadecimal digits (AA:BB:...)", "InvalidCredentials"
            ) from error
    if endpoint.insecure:
        return False
    if not endpoint.ca_pem:
        return True
    try:
        return ssl.create_default_context(cadata=endpoint.ca_pem)
    except ssl.SSLError as error:
        raise TerminalError(f"the CA certificate cannot be read: {error.reason}", "InvalidCredentials") from error


def _multipart(upload: Upload, params: Mapping[str, Scalar]) -> tuple[bytes | AsyncIterator[bytes], dict[str, str]]:
    """The form as PVE's parser wants it: fields first, then the file, whose first header is Content-Disposition."""
    # Long enough never to be met in a file; derived, because randomness is passed in where it matters.
    boundary = f"capstan-{hashlib.sha256(f'{upload.filename}/{upload.size_bytes}'.encode()).hexdigest()[:40]}"
    head = b"".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in params.items()
    )
    head += (
        f'--{boundary}\r\nContent-Disposition: form-data; name="filename"; filename="{upload.filename}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    ).encode()
    tail = f"\r\n--{boundary}--\r\n".encode()
    headers = {
        "Content-Type": f"multipart/form-data; boundary={boundary}",
        "Content-Length": str(len(head) + upload.size_bytes + len(tail)),
    }
    content = upload.content
    if isinstance(content, bytes):
        return head + content + tail, headers

    async def stream() -> AsyncIterator[bytes]:
        yield head
        async for chunk in content:
            yield chunk
        yield tail

    return stream(), headers
