"""ServiceAccount: an identity for programs."""

from __future__ import annotations

from capstan.api.core.reference import LocalReference, ObjectReference
from capstan.api.meta import TypedObject


class ServiceAccount(TypedObject, frozen=True, kw_only=True):
    """An identity for programs.

    secrets: Secrets that pods with this identity may mount.
    image_pull_secrets: Secrets that pods with this identity pull images with.
    automount_service_account_token: whether pods get a token without asking.
    """

    secrets: tuple[ObjectReference, ...] = ()
    image_pull_secrets: tuple[LocalReference, ...] = ()
    automount_service_account_token: bool | None = None
