"""Message classes from the schema texts, field by field against the published API."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from capstan.providers.talos.rpc import enum_value, message, method, methods

API = Path(__file__).parents[5] / "shared" / "data" / "talos-api.json"


def published() -> dict[str, Any]:
    if not API.is_file():
        pytest.skip(f"{API.name} is not there")
    content: dict[str, Any] = json.loads(API.read_text())
    return content


def test_every_message_has_the_published_fields() -> None:
    scalars = {1: "double", 3: "int64", 4: "uint64", 5: "int32", 8: "bool", 9: "string", 12: "bytes", 13: "uint32"}
    compared = 0
    for name, fields in published()["messages"].items():
        try:
            descriptor = message(name).DESCRIPTOR
        except KeyError:
            continue
        compared += 1
        assert {field.name: field.number for field in descriptor.fields} == {
            field: facts["number"] for field, facts in fields.items()
        }
        for field in descriptor.fields:
            facts = fields[field.name]
            if not facts["type"].startswith("map<"):
                assert (scalars.get(field.type) or (field.enum_type or field.message_type).full_name) == facts["type"]
                assert field.is_repeated == facts["repeated"]
    assert compared > 250


def test_every_method_of_the_services_used_is_known() -> None:
    for service, its_methods in published()["services"].items():
        if service in ("machine.MachineService", "cosi.resource.State", "securityapi.SecurityService"):
            for name, facts in its_methods.items():
                known = method(f"/{service}/{name}")
                assert (known.request, known.response) == (facts["request"], facts["response"])
                assert (known.client_stream, known.server_stream) == (facts["client_stream"], facts["server_stream"])


def test_messages_cross_the_wire() -> None:
    response = message("machine.VersionResponse")()
    response.messages.add().version.tag = "v1.13.0"
    assert message("machine.VersionResponse").FromString(response.SerializeToString()) == response


def test_optional_fields_and_maps() -> None:
    request = message("cosi.resource.WatchRequest")()
    assert not request.HasField("id")
    assert message("cosi.resource.WatchRequest")(id="").HasField("id")
    assert dict(message("cosi.resource.Metadata")(labels={"a": "b"}).labels) == {"a": "b"}


def test_enums_and_unknown_names() -> None:
    assert enum_value("machine.ApplyConfigurationRequest.Mode.AUTO") == 1
    with pytest.raises(KeyError):
        message("machine.Nothing")
    with pytest.raises(KeyError):
        method("/machine.MachineService/Nothing")
    assert all(message(rpc.request) and message(rpc.response) for rpc in methods().values())
