"""The endpoints for branches, pull requests and their comments.

Source: docs.github.com ("REST API endpoints for pull requests", "... for issue comments", "... for
Git references").
"""

from __future__ import annotations

import subprocess
from typing import Any

from tests.fakes.github.faults import Fault, invalid, not_found, too_long
from tests.fakes.github.state import Answer, Call, Pull, Route, page, refused
from tests.harness.project import git

_LONGEST_BODY = 65_536


def _repository(call: Call) -> Answer:
    return Answer(200, {"full_name": call.repository, "default_branch": "main", "id": 1})


def _ref(call: Call) -> Answer:
    name = f"refs/{call.groups['ref']}"
    commit = call.ref(name)
    if not commit:
        return refused(not_found())
    kind = git(call.github.bare[call.repository], "cat-file", "-t", commit).strip()
    return Answer(200, {"ref": name, "object": {"type": kind, "sha": commit}})


def _tag_object(call: Call) -> Answer:
    """An annotated tag, by the id of its own object."""
    bare = call.github.bare[call.repository]
    text = git(bare, "cat-file", "tag", call.groups["id"])
    fields = dict(line.split(" ", 1) for line in text.partition("\n\n")[0].splitlines())
    target = {"sha": fields["object"], "type": fields["type"]}
    return Answer(200, {"sha": call.groups["id"], "tag": fields["tag"], "object": target})


def _delete_ref(call: Call) -> Answer:
    name = f"refs/{call.groups['ref']}"
    if not call.ref(name):
        return refused(Fault(422, (), b'{"message": "Reference does not exist", "status": "422"}'))
    bare = call.github.bare[call.repository]
    subprocess.run(["git", "-C", bare, "update-ref", "-d", name], check=True)
    for pull in call.github.pulls[call.repository]:
        if f"refs/heads/{pull.head}" == name:
            pull.state = "closed"
    return Answer(204, None)


def _pull_json(call: Call, pull: Pull) -> dict[str, Any]:
    url = f"{call.github.api}/repos/{call.repository}"
    return {
        "url": f"{url}/pulls/{pull.number}",
        "issue_url": f"{url}/issues/{pull.number}",
        "html_url": f"{call.github.address}/{call.repository}/pull/{pull.number}",
        "number": pull.number,
        "state": pull.state,
        "title": pull.title,
        "body": pull.body,
        "head": {
            "ref": pull.head,
            "sha": call.ref(f"refs/heads/{pull.head}"),
            "repo": {"full_name": call.repository},
        },
        "base": {"ref": pull.base},
    }


def _list_pulls(call: Call) -> Answer:
    owner = call.repository.partition("/")[0]
    wanted = {"state": call.text("state"), "base": call.text("base"), "head": call.text("head")}
    rows = [
        _pull_json(call, each)
        for each in call.github.pulls[call.repository]
        if wanted == {"state": each.state, "base": each.base, "head": f"{owner}:{each.head}"}
    ]
    return page(call, rows)


def _create_pull(call: Call) -> Answer:
    fields, pulls = call.fields, call.github.pulls[call.repository]
    ends = (fields["head"], fields["base"])
    if any((each.head, each.base) == ends and each.state == "open" for each in pulls):
        owner = call.repository.partition("/")[0]
        message = f"A pull request already exists for {owner}:{fields['head']}."
        return refused(invalid("PullRequest", "", "custom", message))
    if not call.ref(f"refs/heads/{fields['head']}"):
        return refused(invalid("PullRequest", "head", "invalid"))
    if len(fields["body"]) > _LONGEST_BODY:
        return refused(too_long("PullRequest", _LONGEST_BODY))
    pull = Pull(call.github.number(), *ends, fields["title"], fields["body"])
    pulls.append(pull)
    return Answer(201, _pull_json(call, pull))


def _edit_pull(call: Call) -> Answer:
    pull, fields = _numbered(call), call.fields
    if len(fields.get("body", "")) > _LONGEST_BODY:
        return refused(too_long("PullRequest", _LONGEST_BODY))
    pull.title = fields.get("title", pull.title)
    pull.body = fields.get("body", pull.body)
    pull.state = fields.get("state", pull.state)
    return Answer(200, _pull_json(call, pull))


def _numbered(call: Call) -> Pull:
    (pull,) = [
        each
        for each in call.github.pulls[call.repository]
        if str(each.number) == call.groups["number"]
    ]
    return pull


def _comments(call: Call) -> Answer:
    return page(call, [{"id": n, "body": b} for n, b in enumerate(_numbered(call).comments)])


def _comment(call: Call) -> Answer:
    _numbered(call).comments.append(call.fields["body"])
    return Answer(201, {"id": 1, "body": call.fields["body"]})


PULL_ROUTES: list[Route] = [
    ("GET", r"", _repository),
    ("GET", r"/git/ref/(?P<ref>.+)", _ref),
    ("GET", r"/git/tags/(?P<id>[0-9a-f]+)", _tag_object),
    ("DELETE", r"/git/refs/(?P<ref>.+)", _delete_ref),
    ("GET", r"/pulls", _list_pulls),
    ("POST", r"/pulls", _create_pull),
    ("PATCH", r"/pulls/(?P<number>\d+)", _edit_pull),
    ("GET", r"/issues/(?P<number>\d+)/comments", _comments),
    ("POST", r"/issues/(?P<number>\d+)/comments", _comment),
]
