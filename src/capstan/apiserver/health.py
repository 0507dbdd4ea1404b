"""Health: `/livez`, `/readyz` and `/healthz` with their single checks, what is left out, and the long answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from capstan.apiserver.exchange import Request, Response, text_response

#: Every check there is, in the order in which they are shown. `ping` is the server's own answer.
HEALTH_CHECKS = ("ping", "started", "store")


def health_response(request: Request, checks: Sequence[str], failing: Mapping[str, str], *, told: bool) -> Response:
    """The answer of one of the three. Being alive is having answered; the others need every check. Why one fails
    is `told` only to those who are known."""
    endpoint, _, single = request.path.strip("/").partition("/")
    names = ("ping",) if endpoint == "livez" else tuple(dict.fromkeys((*checks, *failing)))
    failed = {name: why for name, why in failing.items() if name in names}
    if single:
        if single not in names:
            return text_response(404, "404 page not found\n")
        names = (single,)
    excluded = [name for name in request.query.get("exclude", ()) if name]
    unknown = sorted(set(excluded) - set(names))
    lines = []
    bad = False
    for name in names:
        if name in excluded:
            lines.append(f"[+]{name} excluded: ok")
        elif name in failed:
            bad = True
            lines.append(f"[-]{name} failed: {failed[name] if told else 'reason withheld'}")
        else:
            lines.append(f"[+]{name} ok")
    if unknown:
        shown = ", ".join('"' + "".join(c for c in name[:40] if c.isalnum() or c in "-_.") + '"' for name in unknown)
        lines.append(f"warn: some health checks cannot be excluded: no matches for {shown}")
    if bad:
        return text_response(500, "\n".join([*lines, f"{endpoint} check failed", ""]))
    if "verbose" not in request.query:
        return text_response(200, "ok")
    return text_response(200, "\n".join([*lines, f"{endpoint} check passed", ""]))
