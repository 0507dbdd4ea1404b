"""The simulated Proxmox VE on a real socket: HTTPS, form bodies, tokens in the Authorization header, reason phrases."""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from urllib.parse import parse_qsl

import orjson
from aiohttp import BodyPartReader, web

from capstan.providers.proxmox.transport import Response
from capstan.sim.proxmox.api import NoAnswer, PveApi
from capstan.sim.proxmox.images import find_image

_TOKEN = re.compile(r"^PVEAPIToken=(?P<id>[^=]+)=(?P<secret>.*)$")
_BASE = "/api2/json"
LARGEST_UPLOAD_BYTES = 64 * 2**20


class PveServer:
    """Serves one model. `/image/...` gives what the simulated Image Factory has."""

    def __init__(self, api: PveApi) -> None:
        self._api = api
        self._runner: web.ServerRunner | None = None
        self.port = 0

    async def start(self, host: str, port: int, context: ssl.SSLContext) -> None:
        self._runner = web.ServerRunner(web.Server(self._handle, access_log=None))
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port, ssl_context=context)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path = request.rel_url.raw_path
        if path.startswith("/image/"):
            return _image(str(request.rel_url))
        if not path.startswith(_BASE + "/"):
            return web.Response(status=501, reason=f"Method '{request.method} {path}' not implemented")
        token_id, secret = _token(request.headers)
        try:
            params, upload, filename = await _parameters(request)
            response = await self._api.request(
                request.method,
                path.removeprefix(_BASE),
                params,
                token_id=token_id,
                secret=secret,
                upload=upload,
                filename=filename,
            )
        except NoAnswer:
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=596)
        except _Refused as refused:
            response = Response(refused.status, refused.reason, b'{"data":null}')
        return _answer(response)


class _Refused(Exception):
    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


def _answer(response: Response) -> web.Response:
    reason = response.reason.replace("\n", " ").replace("\r", " ")
    headers = {"Content-Type": "application/json;charset=UTF-8", "Cache-Control": "max-age=0", "Pragma": "no-cache"}
    return web.Response(status=response.status, reason=reason, body=response.body, headers=headers)


def _image(url: str) -> web.Response:
    found = find_image(url)
    if found is None:
        return web.Response(status=404, text="no such image\n")
    return web.Response(body=found.content, content_type="application/octet-stream")


def _token(headers: Mapping[str, str]) -> tuple[str, str]:
    match = _TOKEN.match(headers.get("Authorization", ""))
    return (match["id"], match["secret"]) if match else ("", "")


async def _parameters(request: web.BaseRequest) -> tuple[dict[str, str | list[str]], bytes | None, str]:
    """Query and body; bodies only on POST and PUT (proxmox.md 3.1)."""
    params: dict[str, str | list[str]] = dict(request.query)
    if request.method not in ("POST", "PUT"):
        if request.can_read_body and request.content_length:
            raise _Refused(501, f"Unexpected content for method '{request.method}'")
        return params, None, ""
    if "chunked" in request.headers.get("Transfer-Encoding", "").lower():
        raise _Refused(501, "chunked transfer encoding not supported")
    kind = request.content_type
    if kind == "multipart/form-data":
        return await _multipart(request, params)
    body = await request.read()
    if kind == "application/json" and body:
        decoded = orjson.loads(body)
        params.update({k: v if isinstance(v, list) else _text(v) for k, v in decoded.items()})
    else:
        params.update(parse_qsl(body.decode(), keep_blank_values=True))
    return params, None, ""


def _text(value: object) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


async def _multipart(
    request: web.BaseRequest, params: dict[str, str | list[str]]
) -> tuple[dict[str, str | list[str]], bytes | None, str]:
    """The fields come before the file, whose first header must be Content-Disposition (proxmox.md 3.5)."""
    upload, filename = None, ""
    reader = await request.multipart()
    while (part := await reader.next()) is not None:
        if not isinstance(part, BodyPartReader):
            raise _Refused(400, "nested multipart is not supported")
        if next(iter(part.headers), "") != "Content-Disposition":
            raise _Refused(501, "upload failed: unable to parse the file's headers")
        if part.filename:
            filename = part.filename
            upload = bytes(await part.read(decode=False))
            if len(upload) > LARGEST_UPLOAD_BYTES:
                raise _Refused(501, "upload too large")
        else:
            params[part.name or ""] = await part.text()
    if upload is None:
        raise _Refused(501, "upload failed: no file")
    return params, upload, filename
