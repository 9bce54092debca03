"""Expected failures: one exit code each, and a message that says what to do."""

from __future__ import annotations

import inspect

from pipeline.cli import INTERRUPTED
from pipeline.system import errors
from pipeline.system.errors import GitError, PipelineError

KINDS = [
    kind
    for _name, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, PipelineError)
]


def test_exit_codes_are_unique() -> None:
    codes = [kind.exit_code for kind in KINDS]
    assert len(set(codes)) == len(codes) >= 15
    # 0 is success; above 125 shells have meanings of their own.
    assert all(0 < code < 126 for code in codes)
    assert INTERRUPTED not in codes


def test_each_kind_says_what_it_is_for() -> None:
    assert all((kind.__doc__ or "").strip() for kind in KINDS)


def test_the_message() -> None:
    fault = PipelineError("two things are wrong", hint="Mend both.", details=["one", "two"])
    assert str(fault) == "two things are wrong\n  - one\n  - two\n  Mend both."


def test_the_deepest_place_is_told() -> None:
    fault = GitError("broken", hint="Mend it.").at("3.14.9/linux-amd64").at("elsewhere")
    assert str(fault) == "3.14.9/linux-amd64: broken\n  Mend it."
