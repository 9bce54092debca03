"""What GitHub's API answers when it does not answer, word for word."""

from __future__ import annotations

import json
from dataclasses import dataclass

_DOCS = "https://docs.github.com/rest"


@dataclass(frozen=True)
class Fault:
    """What happens to one request in place of a good answer."""

    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    drop: bool = False
    """Reset the connection before a word is said."""
    cut_after: int = -1
    """Answer well, but reset the connection after so many bytes of the body."""
    done: bool = False
    """Carry the request out all the same, and then do the rest of this."""
    half: bool = False
    """Reset the connection in the midst of an upload, of which a broken asset stays."""


def not_found() -> Fault:
    """As GitHub says it for whatever does not exist."""
    body = {"message": "Not Found", "documentation_url": f"{_DOCS}/releases", "status": "404"}
    return Fault(404, (), json.dumps(body).encode())


def unauthorized() -> Fault:
    """GitHub's answer to a write without a token."""
    body = {"message": "Requires authentication", "documentation_url": _DOCS, "status": "401"}
    return Fault(401, (), json.dumps(body).encode())


def invalid(resource: str, name: str, code: str, message: str = "") -> Fault:
    """As GitHub says it for what it understands and does not do."""
    error = {"resource": resource, "field": name, "code": code, "message": message}
    body = {
        "message": "Validation Failed",
        "errors": [{key: value for key, value in error.items() if value}],
        "documentation_url": f"{_DOCS}/releases",
        "status": "422",
    }
    return Fault(422, (), json.dumps(body).encode())


def too_long(resource: str, most: int) -> Fault:
    """A text of too many characters."""
    message = f"body is too long (maximum is {most} characters)"
    return invalid(resource, "body", "custom", message)


def immutable_upload() -> Fault:
    """A file for a release that is published for good: not a failed validation, to GitHub."""
    body = {
        "message": "Cannot upload assets to an immutable release.",
        "documentation_url": _DOCS,
        "status": "422",
    }
    return Fault(422, (), json.dumps(body).encode())


def immutable_asset() -> Fault:
    message = "Cannot delete asset from an immutable release"
    return invalid("ReleaseAsset", "", "custom", message)


def immutable_state() -> Fault:
    message = "state cannot be changed when release is immutable"
    return invalid("Release", "state", "custom", message)


def immutable_tag() -> Fault:
    """A tag of a release that is gone."""
    message = "tag_name was used by an immutable release"
    return invalid("Release", "tag_name", "custom", message)


def primary_limit(reset: int, status: int = 403) -> Fault:
    """The hourly limit is used up; ``reset`` is in seconds of the Unix epoch."""
    body = {
        "message": "API rate limit exceeded for 203.0.113.7. (But here's the good news: "
        "Authenticated requests get a higher rate limit. Check out the documentation for more "
        "details.)",
        "documentation_url": f"{_DOCS}/overview/resources-in-the-rest-api#rate-limiting",
    }
    headers = {
        "Limit": "60", "Remaining": "0", "Used": "60", "Resource": "core", "Reset": str(reset),
    }  # fmt: skip
    named = tuple((f"X-RateLimit-{name}", value) for name, value in headers.items())
    return Fault(status, named, json.dumps(body).encode())


def secondary_limit(retry_after_s: int | None, status: int = 403) -> Fault:
    """Too much at once; GitHub does not always say how long to stay away."""
    body = {
        "message": "You have exceeded a secondary rate limit. Please wait a few minutes before "
        "you try again.",
        "documentation_url": f"{_DOCS}/overview/rate-limits-for-the-rest-api"
        "#about-secondary-rate-limits",
    }
    headers = () if retry_after_s is None else (("Retry-After", str(retry_after_s)),)
    return Fault(status, headers, json.dumps(body).encode())


def no_pull_requests() -> Fault:
    """As GitHub says it to a workflow where the settings do not allow it."""
    body = {
        "message": "GitHub Actions is not permitted to create or approve pull requests.",
        "documentation_url": f"{_DOCS}/pulls/pulls#create-a-pull-request",
        "status": "403",
    }
    return Fault(403, (), json.dumps(body).encode())
