"""One issue with what an audit found: opened, kept up to date, closed when nothing is left."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.publish.audit import TagAudit
from pipeline.publish.audit_report import to_markdown
from pipeline.publish.update_pr import MAX_BODY, normalized, shortened
from pipeline.system.github.issues import LabelledIssues

LABEL = "goempy-audit"
"""By which the issue is found again."""
TITLE = "Known problems of the newest tags"
_END = (
    "`goempy audit --issue` keeps this up to date, and closes it when nothing is left. If it is "
    "closed by hand, it stays closed until something else is found."
)


def report_audits(audits: Sequence[TagAudit], issues: LabelledIssues) -> str:
    """Open, edit or close the issue; returns a sentence that says which."""
    clean = all(each.is_clean for each in audits)
    issue = issues.newest()
    if clean:
        if issue is None or not issue.open:
            return "There is nothing to report"
        issues.close(issue.number)
        return f"Issue {issue.number} is closed, since nothing is left: {issue.page}"
    body = issue_text(audits)
    same = issue is not None and (issue.title, normalized(issue.body)) == (TITLE, body)
    if issue is not None and same:
        state = "up to date" if issue.open else "closed, and nothing else was found"
        return f"Issue {issue.number} is {state}: {issue.page}"
    if issue is not None and issue.open:
        issues.edit(issue.number, TITLE, body)
        return f"Issue {issue.number} is updated: {issue.page}"
    made = issues.create(TITLE, body)
    return f"Issue {made.number} is opened: {made.page}"


def issue_text(audits: Sequence[TagAudit]) -> str:
    """The body of the issue."""
    text = to_markdown([each for each in audits if not each.is_clean]).strip()
    rest = "the output of goempy audit"
    return f"{shortened(text, MAX_BODY - len(_END) - 2, rest)}\n\n{_END}"
