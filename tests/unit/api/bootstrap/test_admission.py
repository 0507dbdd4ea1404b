"""Admission of TalosConfig and TalosConfigTemplate."""

from __future__ import annotations

from typing import Any

import pytest

from capstan.api.bootstrap.admission import admit_talos_config, admit_talos_config_template
from capstan.api.kinds import AdmissionRequest


def obj(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "x"}, "spec": {"generateType": "worker"} | spec}


@pytest.mark.parametrize("source", ["", "MachineName", "InfrastructureName"])
def test_known_sources_of_the_hostname(source: str) -> None:
    new = obj(hostname={"source": source})
    admitted = admit_talos_config(AdmissionRequest("CREATE", None, new))
    assert admitted.causes == ()
    assert admitted.object is new


def test_an_unknown_source_of_the_hostname_is_refused() -> None:
    (cause,) = admit_talos_config(AdmissionRequest("CREATE", None, obj(hostname={"source": "Dhcp"}))).causes
    assert cause.field == "spec.hostname.source"
    assert '"MachineName", "InfrastructureName"' in cause.message


@pytest.mark.parametrize("admit", [admit_talos_config, admit_talos_config_template])
def test_specs_never_change(admit: Any) -> None:
    (cause,) = admit(AdmissionRequest("UPDATE", obj(), obj(talosVersion="v1.11"))).causes
    assert cause.field == "spec"
    assert admit(AdmissionRequest("UPDATE", obj(), {**obj(), "metadata": {"name": "x", "labels": {}}})).causes == ()
