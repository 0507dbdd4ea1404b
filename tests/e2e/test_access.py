"""Who may do what, with the programs that people use: kubectl, Python clients with a token, and the self-audit."""

from __future__ import annotations

import base64
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.programs import CAPSTAN, KUBECTL, Plane, Shell, run

ROLES = """
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: team}
rules: [{apiGroups: [""], resources: [configmaps, pods], verbs: [get, list, watch]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader, namespace: team}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{kind: ServiceAccount, name: robot, namespace: team}, {kind: User, name: joe}]
"""
ROBOT = "system:serviceaccount:team:robot"


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    running = Plane(tmp_path_factory.mktemp("access"))
    try:
        yield running
    finally:
        running.end()


@pytest.fixture(scope="module")
def admin(plane: Plane) -> Shell:
    shell = Shell(plane.kubeconfig)
    shell.kubectl("create", "namespace", "team")
    shell.kubectl("create", "serviceaccount", "robot", "-n", "team")
    shell.kubectl("apply", "-f", "-", text=ROLES)
    return shell


@pytest.fixture(scope="module")
def token(admin: Shell) -> str:
    return admin.kubectl("create", "token", "robot", "-n", "team", "--duration=30m").strip()


@pytest.fixture(scope="module")
def robot(plane: Plane, token: str) -> Shell:
    """Commands with a kubeconfig that has nothing but the token."""
    path = plane.directory / "robot.kubeconfig"
    ca = base64.b64encode((plane.directory / "pki" / "ca.crt").read_bytes()).decode()
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": {"server": plane.url, "certificate-authority-data": ca}}],
        "users": [{"name": "robot", "user": {"token": token}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "robot", "namespace": "team"}}],
        "current-context": "c",
    }
    path.touch(mode=0o600)
    path.write_text(json.dumps(config))
    return Shell(path)


def test_who_am_i(admin: Shell, robot: Shell) -> None:
    assert "system:masters" in admin.kubectl("auth", "whoami")
    found = json.loads(robot.kubectl("auth", "whoami", "-o", "json"))["status"]["userInfo"]
    assert found["username"] == ROBOT and "system:serviceaccounts:team" in found["groups"]


def test_a_token_has_the_rights_of_its_account_and_no_other(robot: Shell) -> None:
    assert "kube-root-ca.crt" in robot.kubectl("get", "configmaps")
    refused = robot.kubectl_fails("get", "secrets")
    assert (
        f'Error from server (Forbidden): secrets is forbidden: User "{ROBOT}" cannot list resource "secrets" '
        'in API group "" in the namespace "team"'
    ) in refused
    assert "cannot list" in robot.kubectl_fails("get", "configmaps", "-n", "default")
    assert "cannot create" in robot.kubectl_fails("create", "configmap", "x")
    assert "at the cluster scope" in robot.kubectl_fails("get", "namespaces")
    assert robot.kubectl("auth", "can-i", "list", "pods").strip() == "yes"
    assert "configmaps" in robot.kubectl("auth", "can-i", "--list")


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        (("get", "pods", "-n", "team", "--as", ROBOT), "yes"),
        (("get", "pods", "-n", "team", "--as", "joe"), "yes"),
        (("get", "pods", "-n", "default", "--as", "joe"), "no"),
        (("get", "pods", "-n", "team", "--as", "eve"), "no"),
        (("delete", "pods", "-n", "team", "--as", "joe"), "no"),
        (("get", "nodes", "--as", "joe", "--as-group", "system:masters"), "yes"),
        (("get", "/livez", "--as", "joe"), "yes"),
        (("get", "/metrics", "--as", "joe"), "no"),
        (("*", "*", "--all-namespaces"), "yes"),
        (("get", "pods", "--subresource=log", "-n", "team", "--as", "joe"), "no"),
    ],
)
def test_can_i(admin: Shell, arguments: tuple[str, ...], answer: str) -> None:
    command = ("auth", "can-i", *arguments)
    done = run(KUBECTL, *command, environment=admin.environment)
    assert done.returncode == (0 if answer == "yes" else 1), done.stderr
    assert done.stdout.strip() == answer


def test_speaking_for_others_needs_the_right_to(admin: Shell, robot: Shell) -> None:
    assert "joe" in admin.kubectl("auth", "whoami", "--as", "joe", "--as-group", "devs", "--as-uid", "7")
    assert "cannot impersonate" in robot.kubectl_fails("get", "configmaps", "--as", "joe")
    assert "Forbidden" in admin.kubectl_fails("get", "secrets", "-n", "team", "--as", "joe")


def test_roles_and_bindings_by_command(admin: Shell) -> None:
    admin.kubectl("create", "clusterrole", "looker", "--verb=get,list", "--resource=nodes,deployments.apps")
    admin.kubectl("create", "clusterrole", "reader", "--verb=get", "--non-resource-url=/metrics")
    label = "rbac.example.com/aggregate-to-all=true"
    admin.kubectl("create", "clusterrole", "all", f"--aggregation-rule={label}")
    admin.kubectl("label", "clusterrole", "looker", label)
    admin.kubectl("wait", "clusterrole/all", "--for=jsonpath={.rules[0].verbs[0]}=get", "--timeout=20s")
    admin.kubectl("create", "clusterrolebinding", "looker", "--clusterrole=looker", "--group=lookers")
    assert admin.kubectl("auth", "can-i", "list", "nodes", "--as", "x", "--as-group", "lookers").strip() == "yes"
    admin.kubectl("create", "role", "one", "-n", "team", "--verb=get", "--resource=configmaps", "--resource-name=a")
    admin.kubectl("create", "rolebinding", "one", "-n", "team", "--role=one", "--user=ann")
    assert admin.kubectl("auth", "can-i", "get", "configmaps/a", "-n", "team", "--as", "ann").strip() == "yes"
    other = '{"roleRef":{"name":"other"}}'
    assert "cannot change roleRef" in admin.kubectl_fails("patch", "rolebinding", "one", "-n", "team", "-p", other)
    assert "ROLE" in admin.kubectl("get", "rolebindings", "-n", "team")
    assert "Role:" in admin.kubectl("describe", "rolebinding", "one", "-n", "team")


def test_reconcile(admin: Shell) -> None:
    wider = ROLES.replace("[configmaps, pods]", "[configmaps, pods, services]").replace("name: joe", "name: jim")
    assert "reconciled" in admin.kubectl("auth", "reconcile", "-f", "-", text=wider)
    assert admin.kubectl("auth", "can-i", "get", "services", "-n", "team", "--as", "jim").strip() == "yes"
    assert "reconciled" in admin.kubectl("auth", "reconcile", "-f", "-", text=wider)


def test_nobody_gives_away_what_they_do_not_have(admin: Shell) -> None:
    admin.kubectl("create", "rolebinding", "boss", "-n", "team", "--clusterrole=admin", "--user=boss")
    as_boss = ("-n", "team", "--as", "boss")
    admin.kubectl("create", "role", "fine", "--verb=get", "--resource=secrets", *as_boss)
    refused = admin.kubectl_fails("create", "role", "wide", "--verb=*", "--resource=*", *as_boss)
    assert 'user "boss" (groups=["system:authenticated"]) is attempting to grant RBAC permissions' in refused
    assert "not currently held" in admin.kubectl_fails(
        "create", "rolebinding", "up", "--clusterrole=cluster-admin", "--user=boss", *as_boss
    )
    admin.kubectl("create", "rolebinding", "share", "--clusterrole=view", "--user=friend", *as_boss)


def test_lightkube_with_a_token(robot: Shell, plane: Plane) -> None:
    import httpx
    from lightkube import Client, KubeConfig
    from lightkube.core.exceptions import ApiError
    from lightkube.resources.core_v1 import ConfigMap, Secret

    config = KubeConfig.from_file(plane.directory / "robot.kubeconfig")
    with Client(config, trust_env=False) as client:
        assert "kube-root-ca.crt" in [found.metadata.name for found in client.list(ConfigMap, namespace="team")]
        with pytest.raises((ApiError, httpx.HTTPStatusError)) as caught:
            list(client.list(Secret, namespace="team"))
    assert "forbidden" in str(caught.value)


def test_the_kubernetes_client_with_a_token(robot: Shell, plane: Plane) -> None:
    from kubernetes import client, config
    from kubernetes.client.exceptions import ApiException

    api = config.new_client_from_config(str(plane.directory / "robot.kubeconfig"))
    try:
        core = client.CoreV1Api(api)
        names = [found.metadata.name for found in core.list_namespaced_config_map("team").items]
        assert "kube-root-ca.crt" in names
        with pytest.raises(ApiException) as caught:
            core.list_namespaced_secret("team")
        assert caught.value.status == 403
        review = client.V1SelfSubjectAccessReview(
            spec=client.V1SelfSubjectAccessReviewSpec(
                resource_attributes=client.V1ResourceAttributes(verb="get", resource="pods", namespace="team")
            )
        )
        assert client.AuthorizationV1Api(api).create_self_subject_access_review(review).status.allowed is True
        request = client.AuthenticationV1TokenRequest(spec=client.V1TokenRequestSpec(audiences=["x"]))
        with pytest.raises(ApiException):
            core.create_namespaced_service_account_token("robot", "team", request)
    finally:
        api.close()


def fetch(plane: Plane, path: str, token: str = "", **headers: str) -> tuple[int, Any]:
    context = ssl.create_default_context(cafile=str(plane.directory / "pki" / "ca.crt"))
    request = urllib.request.Request(plane.url + path, headers=headers)
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, context=context, timeout=20) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def test_without_credentials_there_is_nothing(plane: Plane, token: str) -> None:
    for path in ("/api", "/apis", "/version", "/openapi/v3", "/api/v1/namespaces", "/metrics", "/openid/v1/jwks", "/x"):
        status, body = fetch(plane, path)
        assert (status, body["reason"], body["message"]) == (401, "Unauthorized", "Unauthorized"), path
    assert fetch(plane, "/api", token)[0] == 200
    assert fetch(plane, "/api", token[:-5] + "AAAAA")[0] == 401
    assert fetch(plane, "/api/v1/namespaces/team/configmaps", token)[0] == 200
    assert (
        fetch(plane, "/api/v1/namespaces/team/configmaps", token, **{"Impersonate-Group": "system:masters"})[0] == 400
    )
    assert fetch(plane, "/api", token, **{"Impersonate-User": "capstan-admin"})[0] == 403


def test_others_can_verify_tokens(plane: Plane, token: str) -> None:
    import jwt

    status, told = fetch(plane, "/.well-known/openid-configuration", token)
    assert status == 200 and told["jwks_uri"] == f"{plane.url}/openid/v1/jwks"
    keys = fetch(plane, "/openid/v1/jwks", token)[1]["keys"]
    key = jwt.PyJWK(keys[0]).key
    claims = jwt.decode(token, key, algorithms=[keys[0]["alg"]], audience=told["issuer"], issuer=told["issuer"])
    assert claims["sub"] == ROBOT


def test_tokens_outlive_the_process_and_end_with_the_account(tmp_path: Path) -> None:
    first = Plane(tmp_path / "plane")
    admin = Shell(first.kubeconfig)
    admin.kubectl("create", "serviceaccount", "robot")
    token = admin.kubectl("create", "token", "robot").strip()
    first.end()
    assert (tmp_path / "plane" / "pki" / "sa.key").stat().st_mode & 0o777 == 0o600
    second = Plane(tmp_path / "plane")
    try:
        assert fetch(second, "/api", token)[0] == 200
        admin = Shell(second.kubeconfig)
        admin.kubectl("delete", "serviceaccount", "robot")
        assert fetch(second, "/api", token)[0] == 401
        admin.kubectl("create", "serviceaccount", "robot")
        assert fetch(second, "/api", token)[0] == 401
    finally:
        second.end()


def test_the_audit_passes_on_a_default_install_and_says_what_was_changed(tmp_path: Path) -> None:
    plane = Plane(tmp_path / "plane")
    try:
        shell = Shell(plane.kubeconfig)
        printed = shell.capstan("audit", "--data-dir", str(plane.directory))
        assert "FAIL" not in printed and "29 of 29 passed" in printed
        (plane.directory / "pki").chmod(0o755)
        (plane.directory / "pki" / "sa.key").chmod(0o640)
        done = run(CAPSTAN, "audit", "--data-dir", str(plane.directory))
        assert done.returncode == 1
        assert "FAIL  1.1.19" in done.stdout and "has mode 0755" in done.stdout and "chmod 700" in done.stdout
        assert "FAIL  1.1.21" in done.stdout and "sa.key has mode 0640" in done.stdout
    finally:
        plane.end()
    done = run(CAPSTAN, "audit", "--data-dir", str(plane.directory))
    assert done.returncode == 1 and "no management plane runs" in done.stderr
