"""Admission of ExtensionConfig."""

from __future__ import annotations

from typing import Any

import pytest

from capstan.api.kinds import AdmissionRequest
from capstan.api.runtime.admission import NOT_CALLED, admit_extension_config

SERVICE = {"name": "ext", "namespace": "tools"}


def config(name: str = "ext", selector: Any = None, **client: Any) -> dict[str, Any]:
    spec = {"clientConfig": client} | ({"namespaceSelector": selector} if selector is not None else {})
    return {"metadata": {"name": name}, "spec": spec}


def test_defaults_and_the_warning() -> None:
    admission = admit_extension_config(AdmissionRequest("CREATE", None, config(service=SERVICE)))
    assert admission.causes == ()
    assert admission.warnings == (NOT_CALLED,)
    assert admission.object is not None
    assert admission.object["spec"] == {
        "clientConfig": {"service": {**SERVICE, "port": 443}},
        "namespaceSelector": {},
    }


@pytest.mark.parametrize(
    ("given", "field", "shape"),
    [
        (config(), "spec.clientConfig", "Required value: either url or service must be defined"),
        (
            config(url="https://x.example", service=SERVICE),
            "spec.clientConfig",
            "Forbidden: only one of url or service can be defined",
        ),
        (
            config(service={**SERVICE, "name": ""}),
            "spec.clientConfig.service.name",
            "Required value: must not be empty",
        ),
        (config(service={"name": "x"}), "spec.clientConfig.service.namespace", "Required value: must not be empty"),
        (config(url="http://x.example"), "spec.clientConfig.url", "Invalid value: "),
        (config(url="https://[x"), "spec.clientConfig.url", "Invalid value: "),
        (config(url="https://"), "spec.clientConfig.url", "Invalid value: "),
        (config(service={**SERVICE, "name": "1x"}), "spec.clientConfig.service.name", "Invalid value: "),
        (config(service={**SERVICE, "namespace": "X"}), "spec.clientConfig.service.namespace", "Invalid value: "),
        (config(service={**SERVICE, "path": "x"}), "spec.clientConfig.service.path", "Invalid value: "),
        (config(service={**SERVICE, "port": 65536}), "spec.clientConfig.service.port", "Invalid value: "),
        (config(name="a.b", url="https://x.example"), "metadata.name", "Invalid value: "),
        (
            config(url="https://x.example", selector={"matchLabels": {"-": ""}}),
            "spec.namespaceSelector",
            "Invalid value: ",
        ),
    ],
)
def test_what_is_refused(given: dict[str, Any], field: str, shape: str) -> None:
    admission = admit_extension_config(AdmissionRequest("CREATE", None, given))
    assert [cause.field for cause in admission.causes] == [field]
    assert admission.causes[0].message.startswith(shape)
    assert admission.warnings == ()
