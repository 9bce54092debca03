"""The endpoints for issues. Source: docs.github.com, "REST API endpoints for issues"."""

from __future__ import annotations

from typing import Any

from tests.fakes.github.faults import invalid, not_found
from tests.fakes.github.state import Answer, Call, Issue, Route, page, refused

_LONGEST_BODY = 65_536


def _json(call: Call, issue: Issue) -> dict[str, Any]:
    url = f"{call.github.api}/repos/{call.repository}"
    made: dict[str, Any] = {
        "url": f"{url}/issues/{issue.number}",
        "html_url": f"{call.github.address}/{call.repository}/{issue.kind}/{issue.number}",
        "number": issue.number,
        "state": issue.state,
        "title": issue.title,
        "body": issue.body or None,
        "labels": [{"name": each} for each in issue.labels],
    }
    if issue.kind == "pull":
        made["pull_request"] = {"url": f"{url}/pulls/{issue.number}"}
    return made


def _list(call: Call) -> Answer:
    wanted = {each for each in call.text("labels").split(",") if each}
    state = call.text("state") or "open"
    rows = [
        _json(call, each)
        for each in call.github.issues[call.repository]
        if wanted <= set(each.labels) and state in {"all", each.state}
    ]
    rows.sort(key=lambda row: row["number"], reverse=call.text("direction") != "asc")
    return page(call, rows)


def _create(call: Call) -> Answer:
    fields = call.fields
    if len(fields["body"]) > _LONGEST_BODY:
        return refused(invalid("Issue", "body", "custom", "body is too long"))
    issue = Issue(
        call.github.number(), fields["title"], fields["body"], list(fields.get("labels", []))
    )
    call.github.issues[call.repository].append(issue)
    return Answer(201, _json(call, issue))


def _edit(call: Call) -> Answer:
    mine = [
        each
        for each in call.github.issues[call.repository]
        if str(each.number) == call.groups["number"]
    ]
    if not mine:
        return refused(not_found())
    for name in ("title", "body", "state"):
        setattr(mine[0], name, call.fields.get(name, getattr(mine[0], name)))
    return Answer(200, _json(call, mine[0]))


ISSUE_ROUTES: list[Route] = [
    ("GET", r"/issues", _list),
    ("POST", r"/issues", _create),
    ("PATCH", r"/issues/(?P<number>\d+)", _edit),
]
