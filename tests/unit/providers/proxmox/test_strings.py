"""The strings of Proxmox VE are read and written without losing anything, and its texts become typed errors."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capstan.api.errors import TransientError
from capstan.providers.proxmox import errors
from capstan.providers.proxmox.config import (
    Drive,
    Nic,
    boot_order,
    drives,
    format_properties,
    format_tags,
    marker_of,
    parse_int,
    parse_properties,
    parse_size,
    parse_tags,
    same_description,
    smbios_serial,
    smbios_uuid,
    with_marker,
)
from capstan.providers.proxmox.credentials import CredentialsError, endpoint_of
from capstan.providers.proxmox.tasks import TaskEnd, Upid

WORDS = st.text("abcdefghijklmnopqrstuvwxyz0123456789:./-_", min_size=1, max_size=12)


@given(st.dictionaries(WORDS, WORDS, max_size=6))
def test_property_strings_survive_the_round_trip(values: dict[str, str]) -> None:
    assert parse_properties(format_properties(values)) == values


def test_an_implied_key_goes_first_and_without_its_name() -> None:
    values = parse_properties("local:100/disk.qcow2,size=32G", implied="file")
    assert values == {"file": "local:100/disk.qcow2", "size": "32G"}
    assert format_properties(values, implied="file") == "local:100/disk.qcow2,size=32G"


@pytest.mark.parametrize(
    "text",
    [
        "virtio=BC:24:11:00:00:01,bridge=vmbr0",
        "e1000=BC:24:11:00:00:01,bridge=vmbr1,firewall=1,tag=5",
        "virtio=BC:24:11:00:00:01,bridge=vmbr0,mtu=1,queues=4,rate=10",
    ],
)
def test_nics_keep_all_that_they_have(text: str) -> None:
    assert str(Nic.parse(text)) == text


def test_nics_compare_by_what_they_say() -> None:
    one = Nic.parse("virtio=bc:24:11:00:00:01,bridge=vmbr0,firewall=1,tag=5")
    other = Nic.parse("bridge=vmbr0,tag=5,virtio=BC:24:11:00:00:01,firewall=1")
    assert one == other
    changed = one.with_options(tag=7, mtu=1400, firewall=None)
    assert str(changed) == "virtio=BC:24:11:00:00:01,bridge=vmbr0,mtu=1400,tag=7"
    assert str(Nic.parse("model=virtio,bridge=vmbr0")) == "model=virtio,bridge=vmbr0"


def test_drives() -> None:
    config = {
        "scsi0": "local-lvm:vm-100-disk-0,iothread=1,size=32G",
        "ide2": "local-lvm:vm-100-cloudinit,media=cdrom",
        "ide0": "none,media=cdrom",
        "scsihw": "virtio-scsi-single",
        "net0": "virtio=BC:24:11:00:00:01",
    }
    found = drives(config)
    assert list(found) == ["ide0", "ide2", "scsi0"]
    assert found["scsi0"].size_bytes == 32 << 30
    assert found["scsi0"].storage == "local-lvm"
    assert found["ide2"].is_cloudinit
    assert found["ide2"].is_cdrom
    assert found["ide0"].volume == "none"
    assert Drive.parse("local:cloudinit").is_cloudinit


@pytest.mark.parametrize(
    ("text", "size"), [("32G", 32 << 30), ("1.5G", 3 << 29), ("528K", 528 << 10), ("10", 10), ("much", 0), ("", 0)]
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


def test_numbers_that_are_texts() -> None:
    assert (parse_int("4096"), parse_int("current=2048"), parse_int(7), parse_int(None, 1)) == (4096, 2048, 7, 1)


def test_smbios() -> None:
    config = {"smbios1": "uuid=ABCDEF00-1111-2222-3333-444444444444,serial=aGVsbG8=,base64=1"}
    assert smbios_uuid(config) == "abcdef00-1111-2222-3333-444444444444"
    assert smbios_serial(config) == "hello"
    assert smbios_uuid({}) == ""


def test_tags_are_normalised() -> None:
    assert parse_tags("B;a, c;a") == ("a", "b", "c")
    assert format_tags(["Zone", "a", "zone"]) == "a;zone"


def test_boot_orders() -> None:
    assert boot_order({"boot": "order=scsi0;net0"}) == ("scsi0", "net0")
    assert boot_order({"boot": "cdn"}) == ()
    assert boot_order({}) == ()


def test_markers_survive_what_proxmox_does_to_descriptions() -> None:
    text = with_marker("the user's notes", "abc123")
    assert marker_of(text) == "abc123"
    assert marker_of(text.replace("\n", "%0A").replace("=", "%3D") + "\n") == "abc123"
    assert same_description(text, text + "\n")
    assert marker_of("nothing of ours") == ""
    assert marker_of(None) == ""


@pytest.mark.parametrize(
    ("status", "text", "kind"),
    [
        (500, "Configuration file 'nodes/pve1/qemu-server/100.conf' does not exist", errors.NotFound),
        (500, "unable to create VM 100 - VM 100 already exists on node 'pve1'", errors.AlreadyExists),
        (500, "unable to create VM 100: config file already exists", errors.AlreadyExists),
        (500, "can't lock file '/var/lock/qemu-server/lock-100.conf' - got timeout", errors.Locked),
        (500, "VM is locked (backup)", errors.Locked),
        (500, "unable to resize: No space left on device", errors.StorageFull),
        (500, "checksum mismatch (file change by other user?)", errors.ChangedMeanwhile),
        (500, "cluster not ready - no quorum?", errors.NoQuorum),
        (500, "can't clone VM to node 'pve2' (VM uses local storage)", errors.LocalStorage),
        (500, "QEMU guest agent is not running", errors.AgentUnavailable),
        (500, "No QEMU guest agent configured", errors.AgentUnavailable),
        (500, "VM 100 already running", errors.AlreadyRunning),
        (500, "VM 100 not running", errors.NotRunning),
        (501, "Method 'GET /x' not implemented", errors.NotImplementedByServer),
        (595, "No route to host", errors.NodeOffline),
        (596, "ssl3_get_server_certificate", errors.OutcomeUnknown),
        (599, "Too many redirections", errors.OutcomeUnknown),
        (401, "invalid token value!", errors.Unauthorized),
        (403, "Permission check failed (/vms/100, VM.Clone)", errors.PermissionDenied),
    ],
)
def test_texts_become_types(status: int, text: str, kind: type[errors.PveError]) -> None:
    error = errors.classify(status, text, None, "POST /x")
    assert type(error) is kind
    assert isinstance(error, TransientError)
    assert error.reason == kind.reason_name


def test_a_refusal_names_every_privilege_that_would_do() -> None:
    error = errors.classify(
        403, "Permission check failed (/storage/local, Datastore.Audit|Datastore.AllocateSpace)", None, "GET /x"
    )
    assert isinstance(error, errors.PermissionDenied)
    assert error.acl_path == "/storage/local"
    assert error.privileges == ("Datastore.Audit", "Datastore.AllocateSpace")
    assert "Datastore.Audit or Datastore.AllocateSpace on /storage/local" in str(error)


def test_bad_parameters_are_told_one_by_one() -> None:
    error = errors.classify(400, "Parameter verification failed.", {"newid": "invalid format\n"}, "POST /x")
    assert isinstance(error, errors.InvalidParameters)
    assert str(error) == "Proxmox VE refused POST /x: Parameter verification failed: newid: invalid format"
    taken = errors.classify(400, "Parameter verification failed.", {"vmid": "VM 100 already exists"}, "GET /x")
    assert isinstance(taken, errors.AlreadyExists)


def test_task_ends() -> None:
    upid = "UPID:pve1:00001234:00ABCDEF:65000000:qmclone:9000:capi@pve!token:"
    assert Upid.parse(upid) == Upid(upid, "pve1", "qmclone", "9000", "capi@pve!token")
    assert TaskEnd(upid, "OK").done
    assert TaskEnd(upid, "WARNINGS: 2").done
    assert TaskEnd(upid, "OK").error() is None
    assert isinstance(TaskEnd(upid, "clone failed: No space left on device").error(), errors.StorageFull)
    assert Upid.parse("UPID:n:1:2:3:imgdel:local:iso/x.iso:root@pam:").id == "local:iso/x.iso"
    with pytest.raises(ValueError, match="not a task id"):
        Upid.parse("OK")


def test_credentials() -> None:
    full = {"url": b"https://a:8006, https://b:8006/api2/json", "token": b"u@pve!t", "secret": b"s\n"}
    endpoint = endpoint_of(full)
    assert endpoint.urls == ("https://a:8006", "https://b:8006/api2/json")
    assert (endpoint.secret, endpoint.insecure) == ("s", True)
    assert "s'" not in repr(endpoint).partition("urls")[2].partition("secret")[2]
    assert not endpoint_of({**full, "root_ca": b"PEM"}).insecure
    assert not endpoint_of({**full, "insecure": b"false"}).insecure
    assert endpoint_of({"url": "https://a", "token": "u@pve!t=s"}).secret == "s"
    with pytest.raises(CredentialsError, match="url and secret missing"):
        endpoint_of({"token": b"u@pve!t"})
    with pytest.raises(CredentialsError, match="user@realm!name"):
        endpoint_of({**full, "token": b"root"})
