"""The rows of volumes, of claims on them and of the drivers that make them."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from capstan.api.kubernetes.rules.faults import value_at
from capstan.api.objects import Obj
from capstan.apiserver.cells.cell import UNSET, Cell, Rows, age, at, count, joined, made, named, text

_STORAGE: Final = "storage.k8s.io"
_MODES: Final = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}
_VOLUME_MODE: Final = [("VolumeMode", text("spec.volumeMode", UNSET))]


def _access_modes(path: str) -> Cell:
    return lambda obj, _: ",".join(_MODES.get(one, str(one)) for one in value_at(obj, path) or ())


def _phase(obj: Obj, _: datetime) -> str:
    gone = obj["metadata"].get("deletionTimestamp")
    return "Terminating" if gone else str(value_at(obj, "status.phase") or "")


ROWS: Final[Rows] = {
    ("", "PersistentVolume"): made(
        _VOLUME_MODE,
        Capacity=at("spec.capacity.storage"),
        Access__Modes=_access_modes("spec.accessModes"),
        Reclaim__Policy=at("spec.persistentVolumeReclaimPolicy"),
        Status=_phase,
        Claim=named("spec.claimRef"),
        StorageClass=at("spec.storageClassName"),
        VolumeAttributesClass=text("spec.volumeAttributesClassName", UNSET),
        Reason=at("status.reason"),
        Age=age,
    ),
    ("", "PersistentVolumeClaim"): made(
        _VOLUME_MODE,
        Status=_phase,
        Volume=at("spec.volumeName"),
        Capacity=at("status.capacity.storage"),
        Access__Modes=_access_modes("status.accessModes"),
        StorageClass=at("spec.storageClassName"),
        VolumeAttributesClass=text("spec.volumeAttributesClassName", UNSET),
        Age=age,
    ),
    (_STORAGE, "StorageClass"): made(
        Provisioner=at("provisioner"),
        ReclaimPolicy=at("reclaimPolicy", "Delete"),
        VolumeBindingMode=at("volumeBindingMode", "Immediate"),
        AllowVolumeExpansion=text("allowVolumeExpansion", "false"),
        Age=age,
    ),
    (_STORAGE, "CSIDriver"): made(
        AttachRequired=text("spec.attachRequired", "true"),
        PodInfoOnMount=text("spec.podInfoOnMount", "false"),
        StorageCapacity=text("spec.storageCapacity", "false"),
        TokenRequests=lambda obj, _: (
            ",".join(str(one.get("audience", "")) for one in value_at(obj, "spec.tokenRequests") or ()) or UNSET
        ),
        RequiresRepublish=text("spec.requiresRepublish", "false"),
        Modes=joined("spec.volumeLifecycleModes"),
        Age=age,
    ),
    (_STORAGE, "CSINode"): made(Drivers=count("spec.drivers"), Age=age),
    (_STORAGE, "CSIStorageCapacity"): made(
        StorageClassName=at("storageClassName"), Capacity=text("capacity", UNSET), Age=age
    ),
    (_STORAGE, "VolumeAttachment"): made(
        Attacher=at("spec.attacher"),
        PV=at("spec.source.persistentVolumeName"),
        Node=at("spec.nodeName"),
        Attached=text("status.attached", "false"),
        Age=age,
    ),
    (_STORAGE, "VolumeAttributesClass"): made(DriverName=at("driverName"), Age=age),
}
