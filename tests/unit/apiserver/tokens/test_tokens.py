"""Tokens of ServiceAccounts: what they say, every way in which one is not to be trusted, and what ends them."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from capstan.api.errors import ApiError
from capstan.api.objects import Obj, Resource
from capstan.api.verbs import User, WriteOptions
from capstan.apiserver.exchange import Request
from capstan.apiserver.tokens.keys import MAX_TOKEN_BYTES, TokenError, key_ring
from capstan.apiserver.tokens.verify import ISSUER

Run = Callable[[Callable[[Any], Awaitable[None]]], None]
REVIEWS = Resource("authentication.k8s.io", "v1", "tokenreviews", "TokenReview", False)


async def ask(world: Any, name: str = "bot", **spec: Any) -> Obj:
    answer = await world.verbs.act(
        world.resource("ServiceAccount"), "default", name, "token", {"spec": spec}, WriteOptions()
    )
    found: Obj = answer.object
    return found


async def token_of(world: Any, **spec: Any) -> str:
    return str((await ask(world, **spec))["status"]["token"])


def parts_of(token: str) -> tuple[Obj, Obj]:
    head, claims, _ = token.split(".")
    return orjson.loads(unpacked(head)), orjson.loads(unpacked(claims))


def unpacked(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def packed(value: Any) -> str:
    raw = value if isinstance(value, bytes) else orjson.dumps(value)
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


async def user_of(world: Any, token: str) -> User:
    request = Request("GET", "/api", headers={"authorization": f"Bearer {token}"})
    found: User = await world.server.authenticator.authenticate(request)
    return found


async def refused(call: Awaitable[Any]) -> ApiError:
    with pytest.raises(ApiError) as caught:
        await call
    return caught.value


async def is_nobody(world: Any, token: str) -> None:
    error = await refused(user_of(world, token))
    assert (error.code, error.reason, error.message) == (401, "Unauthorized", "Unauthorized")


def test_what_a_token_says_and_who_its_bearer_is(run: Run) -> None:
    async def body(world: Any) -> None:
        account = await world.create("ServiceAccount", "bot")
        answer = await ask(world, expirationSeconds=1200)
        head, claims = parts_of(answer["status"]["token"])
        assert head["alg"] == "ES256" and set(head) == {"alg", "kid"}
        now = int(world.now.timestamp())
        assert (claims["iss"], claims["aud"], claims["sub"]) == (ISSUER, [ISSUER], "system:serviceaccount:default:bot")
        assert (claims["iat"], claims["nbf"], claims["exp"]) == (now, now, now + 1200)
        about = {"name": "bot", "uid": account["metadata"]["uid"]}
        assert claims["kubernetes.io"] == {"namespace": "default", "serviceaccount": about}
        assert answer["status"]["expirationTimestamp"] == "2026-01-01T00:20:00Z"
        assert answer["spec"] == {"audiences": [ISSUER], "expirationSeconds": 1200}
        user = await user_of(world, answer["status"]["token"])
        assert user.name == claims["sub"] and user.uid == about["uid"]
        assert user.groups == ("system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated")
        assert user.extra == {"authentication.kubernetes.io/credential-id": (f"JTI={claims['jti']}",)}

    run(body)


def test_a_token_ends_with_its_time(run: Run) -> None:
    async def body(world: Any) -> None:
        await world.create("ServiceAccount", "bot")
        token = await token_of(world, expirationSeconds=600)
        world.later(599)
        assert (await user_of(world, token)).name.endswith(":bot")
        world.later(1)
        await is_nobody(world, token)

    run(body)


def test_a_token_ends_with_its_account_even_if_another_has_its_name(run: Run) -> None:
    async def body(world: Any) -> None:
        await world.create("ServiceAccount", "bot")
        token = await token_of(world)
        await user_of(world, token)
        await world.delete("ServiceAccount", "bot")
        await is_nobody(world, token)
        await world.create("ServiceAccount", "bot")
        await is_nobody(world, token)

    run(body)


def test_a_token_ends_with_what_it_is_bound_to(run: Run) -> None:
    async def body(world: Any) -> None:
        await world.create("ServiceAccount", "bot")
        made = await world.create("Secret", "lock")
        bound = {"kind": "Secret", "apiVersion": "v1", "name": "lock", "uid": made["metadata"]["uid"]}
        token = await token_of(world, boundObjectRef=bound)
        assert parts_of(token)[1]["kubernetes.io"]["secret"] == {"name": "lock", "uid": bound["uid"]}
        await user_of(world, token)
        await world.delete("Secret", "lock")
        await is_nobody(world, token)
        await world.create("Secret", "lock")
        await is_nobody(world, token)

    run(body)


def test_a_token_of_a_pod_knows_its_node(run: Run) -> None:
    async def body(world: Any) -> None:
        await world.create("ServiceAccount", "bot")
        node = await world.create("Node", "n1")
        containers = [{"name": "c", "image": "i"}]
        spec = {"serviceAccountName": "bot", "nodeName": "n1", "containers": containers}
        pod = await world.create("Pod", "p", {"spec": spec})
        bound = {"kind": "Pod", "apiVersion": "v1", "name": "p"}
        token = await token_of(world, boundObjectRef=bound)
        extra = (await user_of(world, token)).extra
        assert extra["authentication.kubernetes.io/pod-name"] == ("p",)
        assert extra["authentication.kubernetes.io/pod-uid"] == (pod["metadata"]["uid"],)
        assert extra["authentication.kubernetes.io/node-uid"] == (node["metadata"]["uid"],)
        await world.create("ServiceAccount", "other")
        error = await refused(ask(world, "other", boundObjectRef=bound))
        assert error.code == 400 and "pod running with different serviceaccount name" in error.message
        old = await ask(world, boundObjectRef=bound, expirationSeconds=3607)
        claims = parts_of(old["status"]["token"])[1]
        assert claims["exp"] - claims["iat"] == 365 * 24 * 3600
        assert claims["kubernetes.io"]["warnafter"] == claims["iat"] + 3607
        assert old["status"]["expirationTimestamp"] == "2026-01-01T01:00:07Z"

    run(body)


@pytest.mark.parametrize(
    ("spec", "code", "text"),
    [
        ({"expirationSeconds": 599}, 422, "may not specify a duration less than 10 minutes"),
        ({"expirationSeconds": -1}, 422, "may not specify a duration less than 10 minutes"),
        ({"expirationSeconds": 2**32 + 1}, 422, "may not specify a duration larger than 2^32 seconds"),
        ({"expirationSeconds": "1h"}, 400, "expirationSeconds"),
        (
            {"boundObjectRef": {"kind": "ConfigMap", "apiVersion": "v1", "name": "x"}},
            400,
            "cannot bind token to object",
        ),
        ({"boundObjectRef": {"kind": "Secret", "apiVersion": "v1", "name": "x"}}, 404, 'secrets "x" not found'),
        ({"boundObjectRef": {"kind": "Secret", "apiVersion": "v1", "name": "lock", "uid": "u"}}, 409, "UID in record"),
    ],
)
def test_requests_that_are_refused(run: Run, spec: Obj, code: int, text: str) -> None:
    async def body(world: Any) -> None:
        await world.create("ServiceAccount", "bot")
        await world.create("Secret", "lock")
        error = await refused(ask(world, **spec))
        assert error.code == code and text in error.message
        assert (await refused(ask(world, "nobody"))).message == 'serviceaccounts "nobody" not found'

    run(body)


def test_asking_for_a_token_is_a_right_of_its_own(run: Run) -> None:
    async def body(world: Any) -> None:
        await world.create("ServiceAccount", "bot")
        verbs, accounts = world.server.verbs(User("jane")), world.resource("ServiceAccount")
        error = await refused(verbs.act(accounts, "default", "bot", "token", {}, WriteOptions()))
        assert error.code == 403 and 'cannot create resource "serviceaccounts/token"' in error.message
        dry = await world.verbs.act(accounts, "default", "bot", "token", {}, WriteOptions(dry_run=True))
        assert dry.object["status"]["token"] == ""

    run(body)


def es256(world: Any, key: ec.EllipticCurvePrivateKey, head: Obj, claims: Obj) -> str:
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    text = f"{packed(head)}.{packed(claims)}"
    r, s = decode_dss_signature(key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{text}.{packed(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


Forge = Callable[[Any, str], str]


def _changed(**changes: Any) -> Forge:
    """A token that the server's own key signed, with other claims."""

    def forge(world: Any, token: str) -> str:
        claims = {**parts_of(token)[1], **changes}
        signed: str = world.server.authenticator._tokens.ring.sign({k: v for k, v in claims.items() if v is not ...})
        return signed

    return forge


def _headed(**changes: Any) -> Forge:
    """The token with another header, and its signature as it was."""

    def forge(world: Any, token: str) -> str:
        head = {k: v for k, v in {**parts_of(token)[0], **changes}.items() if v is not ...}
        return ".".join((packed(head), *token.split(".")[1:]))

    return forge


def _unsigned(world: Any, token: str) -> str:
    return f"{packed({'alg': 'none', 'kid': parts_of(token)[0]['kid']})}.{token.split('.')[1]}."


def _hmac_of_public_key(encoding: serialization.Encoding) -> Forge:
    def forge(world: Any, token: str) -> str:
        public = world.server.authenticator._tokens.ring.verifying[0].public
        secret = public.public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo)
        text = f"{packed({'alg': 'HS256', 'kid': parts_of(token)[0]['kid']})}.{token.split('.')[1]}"
        return f"{text}.{packed(hmac.digest(secret, text.encode(), hashlib.sha256))}"

    return forge


def _foreign_key(**head: Any) -> Forge:
    """Signed by somebody else, under our key's name."""

    def forge(world: Any, token: str) -> str:
        own, claims = parts_of(token)
        return es256(world, ec.generate_private_key(ec.SECP256R1()), {**own, **head}, claims)

    return forge


def _embedded_key(world: Any, token: str) -> str:
    """JWKS confusion: the token brings the key along that it wants to be verified with."""
    key = ec.generate_private_key(ec.SECP256R1())
    numbers = key.public_key().public_numbers()
    jwk = {
        "kty": "EC",
        "crv": "P-256",
        "x": packed(numbers.x.to_bytes(32, "big")),
        "y": packed(numbers.y.to_bytes(32, "big")),
    }
    head, claims = parts_of(token)
    return es256(world, key, {**head, "jwk": jwk, "jku": "https://127.0.0.1:1/jwks"}, claims)


def _rsa_of_old(world: Any, token: str) -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return key_ring(pem).sign(parts_of(token)[1])


FAULTS: dict[str, Forge] = {
    "no token": lambda _, token: "x",
    "two parts": lambda _, token: token.rpartition(".")[0],
    "four parts": lambda _, token: token + ".x",
    "another signature": lambda _, token: token[:-8] + ("AAAAAAAA" if token[-8:] != "AAAAAAAA" else "BBBBBBBB"),
    "no signature": lambda _, token: token.rpartition(".")[0] + ".",
    "a zero signature": lambda _, token: f"{token.rpartition('.')[0]}.{packed(bytes(64))}",
    "changed claims": lambda _, token: ".".join(
        (
            token.split(".")[0],
            packed({**parts_of(token)[1], "sub": "system:serviceaccount:kube-system:x"}),
            token.split(".")[2],
        )
    ),
    "alg none": _unsigned,
    "alg None": _headed(alg="None"),
    "alg missing": _headed(alg=...),
    "alg of another kind": _headed(alg="RS256"),
    "alg no text": _headed(alg=["ES256"]),
    "HS256 with the public key": _hmac_of_public_key(serialization.Encoding.PEM),
    "HS256 with the public key in DER": _hmac_of_public_key(serialization.Encoding.DER),
    "kid is a path": _headed(kid="../../../../etc/passwd"),
    "kid is a device": _headed(kid="/dev/null"),
    "kid missing": _headed(kid=...),
    "kid no text": _headed(kid={"a": 1}),
    "kid is SQL": _headed(kid="' OR 1=1 --"),
    "an unknown key": _foreign_key(kid="other"),
    "a foreign key under our name": _foreign_key(),
    "a key in the header": _embedded_key,
    "a key of another kind": _rsa_of_old,
    "critical extensions": _headed(crit=["exp"]),
    "detached payload": _headed(b64=False, crit=["b64"]),
    "ten kilobytes": _changed(padding="x" * 10_000),
    "ten kilobytes of nothing": lambda _, token: "e" * 10_240,
    "no ASCII": lambda _, token: token + "é",
    "wrong issuer": _changed(iss="https://example.com"),
    "no issuer": _changed(iss=...),
    "the issuer with a slash": _changed(iss=ISSUER + "/"),
    "wrong audience": _changed(aud=["https://example.com"]),
    "no audience": _changed(aud=...),
    "empty audience": _changed(aud=[]),
    "audience no text": _changed(aud=[{"a": ISSUER}]),
    "expired": _changed(exp=1_600_000_000),
    "no expiry": _changed(exp=...),
    "expiry as text": _changed(exp="9999999999"),
    "expiry true": _changed(exp=True),
    "begins in the future": _changed(nbf=9_999_999_999),
    "no beginning": _changed(nbf=...),
    "another subject": _changed(sub="system:serviceaccount:kube-system:admin"),
    "a user as subject": _changed(sub="capstan-admin"),
    "no claims of Kubernetes": _changed(**{"kubernetes.io": ...}),
    "claims of Kubernetes no object": _changed(**{"kubernetes.io": "x"}),
    "another uid": _changed(
        **{"kubernetes.io": {"namespace": "default", "serviceaccount": {"name": "bot", "uid": "other"}}}
    ),
    "no uid": _changed(**{"kubernetes.io": {"namespace": "default", "serviceaccount": {"name": "bot"}}}),
    "bound to nothing": _changed(
        **{"kubernetes.io": {"namespace": "default", "serviceaccount": {"name": "bot", "uid": "x"}, "pod": None}}
    ),
    "legacy issuer without a Secret": _changed(iss="kubernetes/serviceaccount"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_token_with_a_fault_is_nobodys(run: Run, fault: str) -> None:
    async def body(world: Any) -> None:
        await world.create("ServiceAccount", "bot")
        token = await token_of(world)
        assert (await user_of(world, token)).name == "system:serviceaccount:default:bot"
        forged = FAULTS[fault](world, token)
        assert forged != token
        await is_nobody(world, forged)
        answer = (await world.verbs.create(REVIEWS, "", {"spec": {"token": forged}}, WriteOptions())).object
        assert not answer["status"].get("authenticated") and answer["status"]["error"]
        assert forged not in answer["status"]["error"] or len(forged) < 3

    run(body)


def test_claims_are_the_fault_not_the_forging(run: Run) -> None:
    """The same way of forging without a fault gives a good token."""

    async def body(world: Any) -> None:
        await world.create("ServiceAccount", "bot")
        token = await token_of(world)
        again = _changed(padding="x" * 100)(world, token)
        assert len(again) < MAX_TOKEN_BYTES and (await user_of(world, again)).name.endswith(":bot")
        assert (await user_of(world, _changed(aud=ISSUER)(world, token))).name.endswith(":bot")

    run(body)


@pytest.mark.parametrize("header", ["", "Basic YTpi", "Bearer", "Bearer ", "bearer  ", "Token abc", "Bearer a b c"])
def test_headers_without_a_token(run: Run, header: str) -> None:
    async def body(world: Any) -> None:
        request = Request("GET", "/api", headers={"authorization": header} if header else {})
        assert (await refused(world.server.authenticator.authenticate(request))).code == 401

    run(body)


def test_a_certificate_goes_before_a_token(run: Run) -> None:
    async def body(world: Any) -> None:
        user = User("by-certificate")
        request = Request("GET", "/api", headers={"authorization": "Bearer nonsense"}, user=user)
        assert await world.server.authenticator.authenticate(request) is user

    run(body)


def test_reviews_for_other_audiences(run: Run) -> None:
    async def body(world: Any) -> None:
        await world.create("ServiceAccount", "bot")
        token = await token_of(world, audiences=["vault", "argo"])
        await is_nobody(world, token)

        async def review(**spec: Any) -> Obj:
            made = await world.verbs.create(REVIEWS, "", {"spec": {"token": token, **spec}}, WriteOptions())
            status: Obj = made.object["status"]
            return status

        good = await review(audiences=["argo", "other"])
        assert good["authenticated"] and good["audiences"] == ["argo"]
        assert good["user"]["username"] == "system:serviceaccount:default:bot"
        assert "other audiences" in (await review())["error"]

    run(body)


def test_a_secret_of_the_old_kind_is_filled_and_goes_with_its_account(run: Run) -> None:
    async def body(world: Any) -> None:
        await world.create("ServiceAccount", "bot")
        about = {"annotations": {"kubernetes.io/service-account.name": "bot"}}
        await world.create("Secret", "old", {"type": "kubernetes.io/service-account-token"}, **about)
        await world.settle()
        secret = await world.get("Secret", "old")
        token = base64.b64decode(secret["data"]["token"]).decode()
        assert base64.b64decode(secret["data"]["namespace"]) == b"default"
        user = await user_of(world, token)
        assert user.name == "system:serviceaccount:default:bot"
        assert secret["metadata"]["annotations"]["kubernetes.io/service-account.uid"] == user.uid
        revision = world.store.revision
        await world.patch("Secret", "old", {"data": {"token": None}})
        await world.settle()
        assert world.store.revision == revision + 2
        await world.patch("Secret", "old", {"data": {"token": base64.b64encode(b"x").decode()}})
        await is_nobody(world, token)
        await world.delete("ServiceAccount", "bot")
        await world.settle()
        assert "old" not in await world.names("Secret")
        await is_nobody(world, token)

    run(body)


def test_a_secret_of_the_old_kind_names_its_account(run: Run) -> None:
    async def body(world: Any) -> None:
        error = await refused(world.create("Secret", "old", {"type": "kubernetes.io/service-account-token"}))
        assert error.code == 422
        assert error.causes[0].field == "metadata.annotations[kubernetes.io/service-account.name]"
        about = {"annotations": {"kubernetes.io/service-account.name": "nobody"}}
        await world.create("Secret", "old", {"type": "kubernetes.io/service-account-token"}, **about)
        await world.settle()
        assert await world.names("Secret") == []

    run(body)


@pytest.mark.parametrize("curve", ["rsa", "p256"])
def test_keys_that_sign_and_what_others_verify_with(curve: str) -> None:
    made: Any = (
        rsa.generate_private_key(public_exponent=65537, key_size=2048)
        if curve == "rsa"
        else ec.generate_private_key(ec.SECP256R1())
    )
    ring = key_ring(pem_of(made))
    token = ring.sign({"a": 1})
    import jwt

    jwk = ring.jwks()["keys"][0]
    assert jwk["kid"] == parts_of(token)[0]["kid"] and jwk["use"] == "sig"
    assert jwt.decode(token, jwt.PyJWK(jwk).key, algorithms=[jwk["alg"]]) == {"a": 1}
    assert ring.open(token) == {"a": 1} and "private" not in repr(ring).lower()


def pem_of(key: Any) -> bytes:
    pem: bytes = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return pem


def test_a_key_is_found_by_its_name_only() -> None:
    ring = key_ring(pem_of(ec.generate_private_key(ec.SECP256R1())))
    import jwt

    named = jwt.api_jws.PyJWS().encode(b"{}", ring._private, "ES256", {"kid": "other"})
    with pytest.raises(TokenError, match="not known"):
        ring.open(named)


def test_keys_that_are_too_weak() -> None:
    with pytest.raises(ValueError, match="P-256"):
        key_ring(pem_of(ec.generate_private_key(ec.SECP384R1())))
    with pytest.raises(ValueError, match="too short"):
        key_ring(pem_of(rsa.generate_private_key(public_exponent=65537, key_size=1024)))


def test_the_issuer_tells_others_how_to_verify(run: Run) -> None:
    async def body(world: Any) -> None:
        found = world.server.document(Request("GET", "/.well-known/openid-configuration", headers={"host": "h:1"}))
        told = orjson.loads(found.body)
        assert told["issuer"] == ISSUER and told["jwks_uri"] == "https://h:1/openid/v1/jwks"
        keys = world.server.document(Request("GET", "/openid/v1/jwks"))
        assert keys.content_type == "application/jwk-set+json"
        assert orjson.loads(keys.body)["keys"][0]["alg"] == "ES256"
        assert world.server.document(Request("GET", "/openid/v1/other")) is None

    run(body)
