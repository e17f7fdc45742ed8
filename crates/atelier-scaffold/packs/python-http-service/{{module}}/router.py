"""Requests become responses: pure functions, tested without a socket."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from . import NAME, SUMMARY, VERSION


@dataclass(frozen=True)
class Response:
    """A status, a JSON document and the headers beside the usual ones."""

    status: int
    document: Mapping[str, object]
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self) -> bytes:
        """The document as it is sent."""
        return json.dumps(self.document).encode() + b"\n"


def health() -> Response:
    """Says that the service is well."""
    return Response(200, {"status": "ok"})


def about() -> Response:
    """Says what the service is."""
    return Response(200, {"name": NAME, "version": VERSION, "summary": SUMMARY})


ROUTES: dict[str, dict[str, Callable[[], Response]]] = {
    "/": {"GET": about},
    "/health": {"GET": health},
}
"""Every path with its methods; HEAD goes wherever GET goes."""


def respond(method: str, target: str) -> Response:
    """Answers a request; the query of its target is left to the route."""
    path = target.partition("?")[0]
    methods = ROUTES.get(path)
    if methods is None:
        return Response(404, {"error": f"there is nothing at {path}"})
    route = methods.get("GET" if method == "HEAD" else method)
    if route is None:
        allowed = sorted(methods) + (["HEAD"] if "GET" in methods else [])
        error = f"{path} does not answer {method}"
        return Response(405, {"error": error}, {"Allow": ", ".join(allowed)})
    return route()
