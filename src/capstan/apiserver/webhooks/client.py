"""The one HTTPS client for webhooks: no redirects, no proxy, bounded answers, never to a metadata address.

Whoever may write a webhook's configuration decides whom this process talks to. So the client speaks HTTPS only, gives
nothing but JSON objects back, says at most `MAX_TOLD` characters of what it got, and refuses link-local addresses,
under which clouds keep their credentials, also when a name resolves to one.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson

from capstan.api.objects import Obj
from capstan.apiserver.webhooks.clientconfig import ClientConfig, ServiceReference

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession

#: How much of an answer may show up in a message.
MAX_TOLD = 1024
#: How large an answer may be.
MAX_ANSWER_BYTES = 8 * 1024 * 1024
_MAX_CONTEXTS = 64
_MAX_ERROR_BYTES = 16 * 1024

#: Where a Service can be reached, as host and port; None when it is not known here.
ServiceResolver = Callable[[ServiceReference], tuple[str, int] | None]
#: The same for Services that have to be looked up first.
ServiceLookup = Callable[[ServiceReference], Awaitable[tuple[str, int] | None]]


class WebhookError(Exception):
    """A call failed; the text says why and is short. `timed_out`: there was no answer in time."""

    def __init__(self, message: str, *, timed_out: bool = False) -> None:
        super().__init__(message)
        self.timed_out = timed_out


def no_services(_service: ServiceReference) -> tuple[str, int] | None:
    """There is no cluster network here: only webhooks with a url can be called."""
    return None


async def none_stored(_service: ServiceReference) -> tuple[str, int] | None:
    """Nobody keeps Services here."""
    return None


def is_refused_address(text: str) -> bool:
    """Whether an address is link-local (cloud metadata lives there), unspecified or multicast, in any notation."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            address = inner
    return address.is_link_local or address.is_unspecified or address.is_multicast or address == _AWS_IPV6


_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_AWS_IPV6 = ipaddress.ip_address("fd00:ec2::254")


class WebhookClient:
    """Guarantees: one POST for each call, nothing is repeated. Must be used inside one event loop; `aclose` ends it."""

    def __init__(self, services: ServiceResolver = no_services, stored: ServiceLookup = none_stored) -> None:
        self._services = services
        self._stored = stored
        self._session: ClientSession | None = None
        self._contexts: dict[bytes, ssl.SSLContext] = {}

    async def post(
        self, config: ClientConfig, body: Obj, timeout_seconds: float, max_bytes: int = MAX_ANSWER_BYTES
    ) -> Obj:
        """Ask a webhook; gives the JSON object that it answered. Errors: WebhookError."""
        shown = f'Post "{config.shown}?timeout={timeout_seconds:g}s"'
        url, server_name = await self._place(config, shown)
        try:
            async with asyncio.timeout(timeout_seconds):
                return await self._post(url, server_name, config, orjson.dumps(body), max_bytes)
        except TimeoutError:
            raise WebhookError(f"{shown}: context deadline exceeded", timed_out=True) from None
        except WebhookError as error:
            raise WebhookError(f"{shown}: {error}") from None
        except (OSError, ValueError, _client_errors()) as error:
            raise WebhookError(f"{shown}: {_why(error)}") from None

    async def aclose(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _place(self, config: ClientConfig, shown: str) -> tuple[str, str]:
        """The URL to post to, and the name that the certificate must have."""
        service = config.service
        if service is not None:
            found = self._services(service) or await self._stored(service)
            if found is None:
                raise WebhookError(f'{shown}: service "{service.name}" not found in namespace "{service.namespace}"')
            host, port = found
            host = f"[{host}]" if ":" in host else host
            return f"https://{host}:{port}{service.path or '/'}", service.host
        parts = urlsplit(config.url)
        if parts.scheme != "https" or not parts.hostname:
            raise WebhookError(f"{shown}: only https URLs are called")
        return config.url, parts.hostname

    async def _post(self, url: str, server_name: str, config: ClientConfig, body: bytes, max_bytes: int) -> Obj:
        host = urlsplit(url).hostname or ""
        if is_refused_address(host):
            raise WebhookError(f"address {host} is not allowed for webhooks")
        async with self._opened().post(
            url,
            data=body,
            headers={"Content-Type": "application/json", "Accept": "application/json"},
            ssl=self._context(config.ca_bundle),
            server_hostname=server_name,
            allow_redirects=False,
        ) as answer:
            if 300 <= answer.status < 400:
                raise WebhookError(f"the server answered {answer.status}: redirects are not followed")
            if answer.status != 200:
                text = (await _read(answer, _MAX_ERROR_BYTES, cut=True)).decode(errors="replace")
                raise WebhookError(f"the server answered {answer.status}: {told(text)}")
            raw = await _read(answer, max_bytes)
        try:
            value = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise WebhookError(f"the answer is not JSON: {error}") from None
        if not isinstance(value, dict):
            raise WebhookError("the answer is not a JSON object")
        return value

    def _opened(self) -> ClientSession:
        if self._session is None:
            from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, TCPConnector

            connector = TCPConnector(resolver=_resolver(), limit_per_host=32, ttl_dns_cache=10)
            self._session = ClientSession(
                connector=connector,
                timeout=ClientTimeout(total=None),
                cookie_jar=DummyCookieJar(),
                trust_env=False,
                auto_decompress=False,
            )
        return self._session

    def _context(self, bundle: bytes) -> ssl.SSLContext:
        """The trust of one CA bundle; contexts are kept, connections are reused by them."""
        context = self._contexts.get(bundle)
        if context is None:
            try:
                context = ssl.create_default_context(cadata=bundle.decode() if bundle else None)
            except (ssl.SSLError, ValueError):
                raise WebhookError("unable to load root certificates from the caBundle") from None
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            # A CA's certificate that a test tool made is often not quite what RFC 5280 asks for; Go takes it too.
            context.verify_flags &= ~ssl.VERIFY_X509_STRICT
            if len(self._contexts) >= _MAX_CONTEXTS:
                self._contexts.pop(next(iter(self._contexts)))
            self._contexts[bundle] = context
        return context


async def _read(answer: ClientResponse, limit: int, *, cut: bool = False) -> bytes:
    """The body, at most `limit` bytes of it; longer ones are cut, or refused."""
    found = bytearray()
    async for chunk in answer.content.iter_chunked(65536):
        found += chunk
        if len(found) > limit:
            if cut:
                return bytes(found[:limit])
            raise WebhookError(f"the answer is larger than {limit} bytes")
    return bytes(found)


def told(text: str) -> str:
    """Foreign text as it may be shown: one line, at most `MAX_TOLD` characters."""
    cleaned = "".join(c if c.isprintable() else " " for c in text[: MAX_TOLD + 1])
    return cleaned if len(text) <= MAX_TOLD else cleaned[:MAX_TOLD] + "..."


def _client_errors() -> type[Exception]:
    from aiohttp import ClientError

    return ClientError


def _why(error: Exception) -> str:
    """What went wrong, in one short line."""
    inner = getattr(error, "certificate_error", None) or getattr(error, "os_error", None) or error
    return told(str(inner) or type(inner).__name__)


def _resolver() -> Any:
    """Names to addresses, without those that are never called. (aiohttp is imported with the first call.)"""
    from aiohttp import ThreadedResolver
    from aiohttp.abc import ResolveResult

    class Guarded(ThreadedResolver):
        async def resolve(
            self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
        ) -> list[ResolveResult]:
            found = await super().resolve(host, port, family)
            for place in found:
                if is_refused_address(place["host"]):
                    raise OSError(f"{host} has the address {place['host']}, which is not allowed for webhooks")
            return found

    return Guarded()
