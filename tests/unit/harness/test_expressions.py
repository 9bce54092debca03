"""The expression language of the workflow runner: what GitHub documents, and no more."""

from __future__ import annotations

from typing import Any

import pytest

from tests.harness.actions.expressions import Scope, UnknownNameError, evaluate, expand

CONTEXTS: dict[str, Any] = {
    "github": {"event_name": "push"},
    "inputs": {"dry_run": None, "python": "3.14"},
    "needs": {
        "plan": {"result": "success", "outputs": {"cells": '{"include": [{"a": "1"}]}'}},
        "build": {"result": "skipped", "outputs": {}},
    },
}
SCOPE = Scope(CONTEXTS, ("success", "skipped"))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("github.event_name == 'push'", True),
        ("github.event_name != 'push' || inputs.dry_run", None),
        ("inputs.python || 'all'", "3.14"),
        ("inputs.dry_run || 'all'", "all"),
        ("!(github.event_name == 'pull_request' || inputs.dry_run)", True),
        ("needs.plan.result == 'success' && needs.build.result == 'skipped'", True),
        ("join(needs.*.result, ' ')", "success skipped"),
        ("fromJSON(needs.plan.outputs.cells)", {"include": [{"a": "1"}]}),
        ("success()", False),
        ("always() && !cancelled()", True),
        ("'it''s'", "it's"),
    ],
)
def test_values(text: str, value: object) -> None:
    assert evaluate(text, SCOPE) == value


def test_a_text_with_expressions_and_one_that_is_an_expression() -> None:
    assert expand("payload-${{ inputs.python }}-${{ inputs.dry_run }}", SCOPE) == "payload-3.14-"
    assert expand("${{ github.event_name == 'push' }}", SCOPE) is True


@pytest.mark.parametrize("text", ["needs.plan.outputs.cell", "inputs.dryrun", "need.plan"])
def test_a_misspelt_name_is_an_error(text: str) -> None:
    with pytest.raises(UnknownNameError):
        evaluate(text, SCOPE)
