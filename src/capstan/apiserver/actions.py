"""Creates that store nothing: reviews and tokens. The body is checked as any other, then answered."""

from __future__ import annotations

from dataclasses import replace

from capstan.api.errors import bad_request
from capstan.api.objects import Obj
from capstan.api.verbs import Answer
from capstan.apiserver.resources import Call, Target
from capstan.apiserver.schemas import conform


async def act(call: Call, subresource: str) -> Answer:
    """The answer of an action of the target's kind. Raises 400 and 422, and what the action refuses."""
    action = call.target.served.actions[subresource]
    served = action.kind or call.target.served
    target = Target(served, served.versions[0], call.target.namespace) if action.kind else call.target
    body, warnings = conform(target, _addressed(target, call), None, call.options)
    answer = await action.run(replace(call, body=body))
    return Answer(answer, warnings, created=True)


def _addressed(target: Target, call: Call) -> Obj:
    """The body as an object of its kind; what it says of itself must fit."""
    body = call.body
    for fieldname, expected in (("apiVersion", target.api_version), ("kind", target.served.kind)):
        given = body.get(fieldname)
        if given not in (None, "", expected):
            why = f"the {fieldname} in the data ({given}) does not match the expected {fieldname} ({expected})"
            raise bad_request(why)
    metadata = body.get("metadata")
    if metadata is not None and not isinstance(metadata, dict):
        raise bad_request("metadata must be an object")
    for fieldname, expected in (("namespace", target.namespace), ("name", call.name)):
        given = (metadata or {}).get(fieldname)
        if given and expected and given != expected:
            raise bad_request(f"the {fieldname} of the object ({given}) does not match that on the URL ({expected})")
    return {**body, "apiVersion": target.api_version, "kind": target.served.kind, "metadata": metadata or {}}
