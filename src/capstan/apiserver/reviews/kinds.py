"""The reviews as kinds that are served: created, answered, never stored; and the token of a ServiceAccount."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from functools import cache, partial

from capstan.api.kubernetes.schema import checked_schema, published_schema
from capstan.api.objects import Obj
from capstan.apiserver.backend import Backend
from capstan.apiserver.rbac.authorizer import RbacAuthorizer
from capstan.apiserver.resources import Action, Call, Served, ServedVersion
from capstan.apiserver.reviews.access import AccessReviews
from capstan.apiserver.reviews.users import UserReviews
from capstan.apiserver.tokens.request import TokenRequests
from capstan.apiserver.tokens.verify import AccountTokens
from capstan.apiserver.validation import Validator

AUTHENTICATION = "authentication.k8s.io"
AUTHORIZATION = "authorization.k8s.io"


def reviews(authorizer: RbacAuthorizer, tokens: AccountTokens) -> Iterator[Served]:
    """All reviews of one server."""
    access = AccessReviews(authorizer)
    users = UserReviews(tokens)
    yield _review(AUTHENTICATION, "SelfSubjectReview", users.self)
    yield _review(AUTHENTICATION, "TokenReview", users.token)
    yield _review(AUTHORIZATION, "LocalSubjectAccessReview", access.local, namespaced=True)
    yield _review(AUTHORIZATION, "SelfSubjectAccessReview", access.self)
    yield _review(AUTHORIZATION, "SelfSubjectRulesReview", access.rules)
    yield _review(AUTHORIZATION, "SubjectAccessReview", access.subject)


def with_tokens(accounts: Served, backend: Backend, tokens: AccountTokens) -> Served:
    """ServiceAccounts with their subresource `token`."""
    requests = TokenRequests(backend, tokens)
    kind = _review(AUTHENTICATION, "TokenRequest", requests.create, namespaced=True)
    return replace(accounts, actions={**accounts.actions, "token": Action(requests.create, kind)})


def _review(group: str, kind: str, run: Callable[[Call], Awaitable[Obj]], *, namespaced: bool = False) -> Served:
    message = f"{group.partition('.')[0]}.{kind}"
    version = ServedVersion("v1", partial(published_schema, message), partial(_validator, message), message=message)
    return Served(
        group,
        kind,
        f"{kind.lower()}s",
        (version,),
        "v1",
        singular=kind.lower(),
        namespaced=namespaced,
        builtin=True,
        verbs=("create",),
        actions={"": Action(run)},
    )


@cache
def _validator(message: str) -> Validator:
    return Validator(checked_schema(message))
