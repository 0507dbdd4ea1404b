"""Conversion of a kind's objects by the webhook that its definition names, and what of the answer is accepted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from capstan.api.errors import ApiError
from capstan.api.objects import Obj
from capstan.apiserver.webhooks.client import WebhookClient, WebhookError, told
from capstan.apiserver.webhooks.clientconfig import ClientConfig, client_config

TIMEOUT_SECONDS = 30.0
_GROUP = "apiextensions.k8s.io"
#: The ConversionReview versions that this server speaks.
REVIEW_VERSIONS = ("v1", "v1beta1")


class WebhookConverter:
    """Implements `conversion.Converter`. `new_uid` gives the identity of each request."""

    def __init__(self, client: WebhookClient, webhook: Mapping[str, Any], new_uid: Callable[[], str]) -> None:
        self._client = client
        self._config: ClientConfig = client_config(webhook.get("clientConfig") or {})
        spoken = [v for v in webhook.get("conversionReviewVersions") or () if v in REVIEW_VERSIONS]
        self._review = spoken[0] if spoken else ""
        self._new_uid = new_uid

    async def convert(self, objects: Sequence[Obj], api_version: str) -> list[Obj]:
        due = [obj for obj in objects if obj.get("apiVersion") != api_version]
        if not due:
            return list(objects)
        about = f"conversion webhook for {due[0].get('apiVersion', '')}, Kind={due[0].get('kind', '')}"
        found = iter(await self._asked(due, api_version, about))
        return [obj if obj.get("apiVersion") == api_version else next(found) for obj in objects]

    async def _asked(self, objects: Sequence[Obj], api_version: str, about: str) -> list[Obj]:
        if not self._review:
            raise _failed(f"{about} failed: no supported conversion review versions")
        uid = self._new_uid()
        review = {
            "kind": "ConversionReview",
            "apiVersion": f"{_GROUP}/{self._review}",
            "request": {"uid": uid, "desiredAPIVersion": api_version, "objects": list(objects)},
        }
        try:
            answer = await self._client.post(self._config, review, TIMEOUT_SECONDS)
            found = self._objects(answer, uid)
        except WebhookError as error:
            raise _failed(f"{about} failed: {error}") from None
        if len(found) != len(objects):
            raise _failed(f"{about} returned {len(found)} objects, expected {len(objects)}")
        made = []
        for index, (before, after) in enumerate(zip(objects, found, strict=True)):
            try:
                made.append(accepted(before, after, api_version))
            except ValueError as error:
                raise _failed(f"{about} returned invalid converted object at index {index}: {error}") from None
        return made

    def _objects(self, answer: Obj, uid: str) -> list[Any]:
        """The converted objects of an answer. Errors: WebhookError."""
        wanted = f"{_GROUP}/{self._review}"
        if self._review == "v1" and (answer.get("apiVersion"), answer.get("kind")) != (wanted, "ConversionReview"):
            got = told(f"{answer.get('apiVersion')}, Kind={answer.get('kind')}")
            raise WebhookError(f"expected webhook response of {wanted}, Kind=ConversionReview, got {got}")
        response = answer.get("response")
        if not isinstance(response, dict):
            raise WebhookError("no response provided")
        if self._review == "v1" and response.get("uid") != uid:
            raise WebhookError(f'expected response.uid="{uid}", got "{told(str(response.get("uid")))}"')
        result = response.get("result")
        result = result if isinstance(result, dict) else {}
        if result.get("status") != "Success":
            message = told(str(result.get("message") or ""))
            status = told(str(result.get("status") or ""))
            raise WebhookError(message or f"response.result.status was '{status}', not 'Success'")
        found = response.get("convertedObjects")
        return found if isinstance(found, list) else []


def accepted(before: Obj, after: Any, api_version: str) -> Obj:
    """A converted object with the metadata that it had, but for labels and annotations. Errors: ValueError."""
    if not isinstance(after, dict):
        raise ValueError("it is not an object")
    if after.get("apiVersion") != api_version:
        got = told(str(after.get("apiVersion")))
        raise ValueError(f"invalid groupVersion (expected {api_version}, received {got})")
    if after.get("kind") != before.get("kind"):
        raise ValueError(f"invalid kind (expected {before.get('kind')}, received {told(str(after.get('kind')))})")
    old, new = before.get("metadata") or {}, after.get("metadata")
    if new is None:
        raise ValueError("missing metadata in converted object")
    if not isinstance(new, dict):
        raise ValueError("invalid metadata in converted object")
    for field, shown in (("name", "name"), ("namespace", "namespace"), ("uid", "UID")):
        if (old.get(field) or "") != (new.get(field) or ""):
            got = told(str(new.get(field) or ""))
            raise ValueError(f"must have the same {shown}: {old.get(field) or ''} != {got}")
    metadata = {k: v for k, v in old.items() if k not in ("labels", "annotations")}
    for field in ("labels", "annotations"):
        value = new.get(field)
        if value is None:
            continue
        if not isinstance(value, dict) or not all(isinstance(v, str) for v in value.values()):
            raise ValueError(f"invalid metadata.{field} in converted object")
        metadata[field] = value
    return {**after, "metadata": metadata}


def not_at_once(_obj: Obj, _version: str) -> Obj:
    """The `convert` of a kind with a webhook: reaching it means that nobody asked the webhook before."""
    raise ApiError(500, "InternalError", "the object was not converted by its webhook yet")


def _failed(message: str) -> ApiError:
    return ApiError(500, "InternalError", message)
