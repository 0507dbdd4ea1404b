"""What others need to verify these tokens: the issuer's OpenID configuration, and its public keys."""

from __future__ import annotations

import orjson

from capstan.apiserver.exchange import JSON, Request, Response
from capstan.apiserver.tokens.verify import AccountTokens

CONFIGURATION = "/.well-known/openid-configuration"
KEYS = "/openid/v1/jwks"


def issuer_document(tokens: AccountTokens, request: Request) -> Response | None:
    """The answer for one of the two paths; None for others."""
    if request.path == KEYS:
        return Response(200, orjson.dumps(tokens.ring.jwks()), "application/jwk-set+json")
    if request.path != CONFIGURATION:
        return None
    host = request.headers.get("host", "")
    body = {
        "issuer": tokens.issuer,
        "jwks_uri": f"https://{host}{KEYS}" if host else f"{tokens.issuer}{KEYS}",
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": sorted({key.algorithm for key in tokens.ring.verifying}),
    }
    return Response(200, orjson.dumps(body), JSON)
