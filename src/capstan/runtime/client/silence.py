"""Why a server gave no answer, in words: aiohttp's own texts name objects of this process and parts of its parser."""

from __future__ import annotations

import os

import aiohttp


def why_silent(error: BaseException) -> str:
    """What happened to a request, without what only a programmer knows."""
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return f"its certificate is not trusted: {error.certificate_error}"
        case aiohttp.ServerFingerprintMismatch():
            return f"its certificate has the fingerprint {error.got.hex(':').upper()}, another one is pinned"
        case aiohttp.ClientProxyConnectionError():
            return f"cannot connect to the proxy {error.host}:{error.port}: {_cause(error.os_error)}"
        case aiohttp.ClientConnectorError():
            return f"cannot connect: {_cause(error.os_error)}"
        case aiohttp.ClientHttpProxyError():
            return f"the proxy answered {error.status} {error.message}".rstrip()
        case TimeoutError():
            return "timed out"
        case aiohttp.ClientPayloadError() | aiohttp.ServerDisconnectedError() | aiohttp.ClientOSError():
            return "the connection broke off"
    return str(error) or type(error).__name__


def _cause(error: OSError) -> str:
    """The system's word for it, where aiohttp put the address in its place."""
    text, number = error.strerror or str(error), error.errno or 0
    return os.strerror(number) if number > 0 and text.startswith(("Connect call", "Multiple")) else text
