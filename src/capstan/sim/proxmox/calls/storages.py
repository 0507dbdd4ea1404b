"""Calls about storages: what is there, upload, download, delete."""

from __future__ import annotations

from urllib.parse import urlsplit

from capstan.sim.proxmox.calls.call import Call, Handler
from capstan.sim.proxmox.errors import PveError, bad_parameter, failed
from capstan.sim.proxmox.images import find_image
from capstan.sim.proxmox.storage import File, Storage

SUFFIXES = {"iso": (".iso", ".img"), "import": (".ova", ".qcow2", ".raw", ".vmdk"), "vztmpl": (".tar.gz", ".tar.zst")}


def storages(call: Call) -> object:
    call.cluster.host(call.node)
    wanted = call.text("content")
    rows = []
    for storage in call.cluster.storages.all():
        if not storage.on(call.node) or (wanted and not set(wanted.split(",")) & set(storage.content)):
            continue
        if call.token.has(f"/storage/{storage.name}", "Datastore.Audit", "Datastore.AllocateSpace"):
            rows.append({"storage": storage.name, **_status(storage, call.node)})
    return rows


def _status(storage: Storage, node: str) -> dict[str, object]:
    used = storage.used_bytes(node)
    return {
        "type": storage.type,
        "content": ",".join(storage.content),
        "shared": int(storage.shared),
        "enabled": int(storage.enabled),
        "active": int(storage.enabled),
        "total": storage.total_bytes,
        "used": used,
        "avail": max(storage.total_bytes - used, 0),
    }


def storage_list(call: Call) -> object:
    return [
        {
            "storage": storage.name,
            "type": storage.type,
            "content": ",".join(storage.content),
            "shared": int(storage.shared),
            "digest": "0" * 40,
            **({"nodes": ",".join(storage.nodes)} if storage.nodes else {}),
        }
        for storage in call.cluster.storages.all()
        if call.token.has(f"/storage/{storage.name}", "Datastore.Audit", "Datastore.AllocateSpace")
    ]


def status(call: Call) -> object:
    return _status(_storage(call, "Datastore.Audit", "Datastore.AllocateSpace"), call.node)


def content(call: Call) -> object:
    storage = _storage(call, "Datastore.Audit", "Datastore.AllocateSpace")
    return storage.rows(call.node, call.text("content"), call.number("vmid"))


def volume(call: Call) -> object:
    storage = _storage(call, "Datastore.Audit", "Datastore.AllocateSpace")
    volid = _volid(call, storage)
    file, disk = storage.file(call.node, volid), storage.volume(call.node, volid)
    if file is not None:
        return {"path": f"/mnt/pve/{volid}", "size": file.size_bytes, "used": file.size_bytes, "format": "raw"}
    if disk is not None:
        size = disk.disk.size_bytes
        return {"path": f"/mnt/pve/{volid}", "size": size, "used": size, "format": disk.format}
    raise failed(f"volume '{volid}' does not exist")


def delete(call: Call) -> object:
    storage = _storage(call, "Datastore.Allocate")
    volid = _volid(call, storage)
    place = storage.place(call.node)

    def work() -> None:
        if storage.files.pop((place, volid), None) is None and storage.volume(call.node, volid) is not None:
            storage.free(call.node, volid)

    return call.task("imgdel", storage.name, 0.0, work)


def upload(call: Call) -> object:
    storage = _storage(call, "Datastore.AllocateTemplate")
    kind, name = call.text("content"), call.filename
    if kind not in SUFFIXES:
        raise bad_parameter("content", f"upload content type '{kind}' not allowed")
    if not name.endswith(SUFFIXES[kind]):
        raise bad_parameter("filename", f"wrong file extension, allowed: {', '.join(SUFFIXES[kind])}")
    data = call.upload or b""
    storage.require(kind)
    storage.require_room(call.node, len(data))

    def work() -> None:
        storage.put_file(call.node, kind, name, File("", data, len(data)))

    return call.task("imgcopy", "", call.cluster.delays.upload, work)


def download_url(call: Call) -> object:
    storage = _storage(call, "Datastore.AllocateTemplate")
    if not call.token.has("/", "Sys.Modify"):
        call.token.require(f"/nodes/{call.node}", "Sys.AccessNetwork")
    kind, name, url = call.text("content"), call.text("filename"), call.text("url")
    if not name.endswith(SUFFIXES.get(kind, ())):
        raise bad_parameter("filename", f"wrong file extension for content '{kind}'")
    if "compression" in call.params and kind == "import":
        raise bad_parameter("compression", "decompression not supported for import")
    storage.require(kind)
    checksum, algorithm = call.text("checksum").lower(), call.text("checksum-algorithm")
    existing = storage.file(call.node, f"{storage.name}:{kind}/{name}")

    def work() -> None:
        found = find_image(url)
        if existing is not None:
            _require_same(existing, found.checksum(algorithm) if found and algorithm else "", checksum)
            return
        if found is None:
            raise failed(f"download failed: ERROR 404: Not Found ({urlsplit(url).path})")
        if checksum and found.checksum(algorithm) != checksum:
            raise failed(f"checksum mismatch: got '{found.checksum(algorithm)}' != expect '{checksum}'")
        storage.put_file(call.node, kind, name, File("", found.content, found.size_bytes, found.image))

    return call.task("download", name, call.cluster.delays.download, work)


def _require_same(existing: File, actual: str, checksum: str) -> None:
    """A file that is there is only accepted by its checksum."""
    if not checksum:
        raise failed(f"refusing to override existing file '{existing.volid}'")
    if actual != checksum:
        raise failed(f"mismatch: got '{actual}' != expect '{checksum}', aborting")


def query_url_metadata(call: Call) -> object:
    call.cluster.host(call.node)
    found = find_image(call.text("url"))
    if found is None:
        raise PveError(500, "invalid server response: '404 Not Found'")
    name = urlsplit(call.text("url")).path.rpartition("/")[2]
    return {"filename": name, "size": found.size_bytes, "mimetype": "application/octet-stream"}


def _storage(call: Call, *privileges: str) -> Storage:
    call.cluster.host(call.node)
    name = call.params["storage"]
    call.token.require(f"/storage/{name}", *privileges)
    return call.cluster.storages.get(name, call.node)


def _volid(call: Call, storage: Storage) -> str:
    """The path may name the volume with or without its storage."""
    given = call.params["volume"]
    return given if ":" in given else f"{storage.name}:{given}"


_STORAGE = "/nodes/{node}/storage/{storage}"
HANDLERS: dict[str, Handler] = {
    "GET /storage": storage_list,
    "GET /nodes/{node}/storage": storages,
    f"GET {_STORAGE}/status": status,
    f"GET {_STORAGE}/content": content,
    f"GET {_STORAGE}/content/{{volume}}": volume,
    f"DELETE {_STORAGE}/content/{{volume}}": delete,
    f"POST {_STORAGE}/upload": upload,
    f"POST {_STORAGE}/download-url": download_url,
    "GET /nodes/{node}/query-url-metadata": query_url_metadata,
}
