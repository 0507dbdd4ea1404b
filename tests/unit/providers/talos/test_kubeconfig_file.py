"""The kubeconfig: names, certificate, when it is due."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric import ec

from capstan.api.rules.certificates import Subject, Validity, is_issued_by, self_signed_ca, subject_of
from capstan.providers.talos.config.yamltext import load_document
from capstan.providers.talos.kubeconfig_file import Door, Issuing, is_kubeconfig_due, new_kubeconfig

NOW = datetime(2026, 1, 1, tzinfo=UTC)
KEY = ec.generate_private_key(ec.SECP256R1())
CA = self_signed_ca(KEY, Subject(organizations=("kubernetes",)), Validity(NOW, NOW + timedelta(days=3650)), 1)


def test_it_names_the_cluster_as_upstream_does() -> None:
    content = new_kubeconfig("c", Door("https://10.0.0.1:6443"), CA, Issuing(KEY, NOW, 2))
    document = load_document(content)
    assert document["current-context"] == "c-admin@c"
    assert document["clusters"][0]["cluster"]["server"] == "https://10.0.0.1:6443"
    assert "proxy-url" not in document["clusters"][0]["cluster"]
    certificate = base64.b64decode(document["users"][0]["user"]["client-certificate-data"])
    assert is_issued_by(certificate, CA.certificate_pem)
    named = subject_of(certificate)
    assert (named.common_name, named.organizations) == ("kubernetes-admin", ("system:masters",))


def test_when_it_is_written_again() -> None:
    content = new_kubeconfig("c", Door("https://10.0.0.1:6443", "http://127.0.0.1:3128"), CA, Issuing(KEY, NOW, 2))
    assert not is_kubeconfig_due(content, NOW, "http://127.0.0.1:3128")
    assert is_kubeconfig_due(content, NOW + timedelta(days=200), "http://127.0.0.1:3128")
    assert is_kubeconfig_due(content, NOW, "http://127.0.0.1:4000"), "the proxy moved"
    assert not is_kubeconfig_due(b"users: []", NOW), "somebody else's"
