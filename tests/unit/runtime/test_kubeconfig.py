"""What a kubeconfig may ask for: one of the user's own more than one out of a Secret."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from capstan.api.errors import TerminalError
from capstan.runtime.client.kubeconfig import parse_kubeconfig

INLINE = {"client-certificate-data": "Y2VydA==", "client-key-data": "a2V5"}


def kubeconfig(*, cluster: dict[str, Any] | None = None, user: dict[str, Any] | None = None) -> bytes:
    document = {
        "clusters": [{"name": "c", "cluster": {"server": "https://192.0.2.1:6443", **(cluster or {})}}],
        "users": [{"name": "u", "user": user or {}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    return yaml.safe_dump(document).encode()


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ({"user": {"exec": {"command": "aws"}}}, "exec is not supported"),
        ({"user": {"auth-provider": {"name": "oidc"}}}, "auth-provider is not supported"),
        ({"user": {"client-certificate": "/etc/passwd"}}, "client-certificate is a file"),
        ({"user": {"client-key": "/etc/passwd"}}, "client-key is a file"),
        ({"user": {"tokenFile": "/etc/passwd"}}, "tokenFile is a file"),
        ({"cluster": {"certificate-authority": "/etc/passwd"}}, "certificate-authority is a file"),
    ],
)
def test_one_out_of_a_secret_runs_nothing_and_reads_nothing(parts: dict[str, Any], says: str) -> None:
    with pytest.raises(TerminalError, match=says):
        parse_kubeconfig(kubeconfig(**parts), self_contained=True)


def test_what_is_inside_is_taken() -> None:
    user = {**INLINE, "client-key": "/not/read", "token": "t"}
    found = parse_kubeconfig(kubeconfig(user=user), self_contained=True)
    assert (found.certificate_pem, found.key_pem, found.token) == (b"cert", b"key", "t")


def test_the_users_own_may_name_files(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"from a file")
    found = parse_kubeconfig(kubeconfig(user={"client-key": str(tmp_path / "key")}))
    assert found.key_pem == b"from a file"
