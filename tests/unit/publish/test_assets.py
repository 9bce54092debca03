"""Which earlier tag the notes of a release compare with."""

from __future__ import annotations

import pytest

from pipeline.publish.assets import minor_of, previous_tag


def test_the_previous_tag_of_a_line() -> None:
    pythons = {
        "v0.1.0": "3.14.1", "v0.1.0-py3.13.15": "3.13.15", "v0.2.0": "3.13.16",
        "v0.2.0-py3.13.17": "3.13.17", "v0.2.0-py3.13.17t": "3.13.17t", "v0.3.0": "",
        "v0.9.0-py3.12.1": "3.12.1", "v0.10.0": "3.13.20", "v0.10.0-py3.13.9": "3.13.9",
        "v0.10.0-py3.13.10": "3.13.10", "v0.11.0": "3.14.2", "v0.11.0-py3.13.20": "3.13.20",
    }  # fmt: skip
    # Each answer is removed before the next question.
    for expected in (
        "v0.10.0-py3.13.10", "v0.10.0-py3.13.9", "v0.10.0", "v0.2.0-py3.13.17", "v0.2.0",
        "v0.1.0-py3.13.15", "",
    ):  # fmt: skip
        assert previous_tag("v0.11.0-py3.13.20", "3.13", pythons) == expected
        pythons.pop(expected, None)
    assert previous_tag("v0.10.0", "3.14", pythons) == "v0.1.0"
    assert previous_tag("v0.1.0", "3.14", pythons) == ""


@pytest.mark.parametrize(
    ("python", "minor"),
    [("3.14.9", "3.14"), ("3.14.9t", "3.14t"), ("3.15.0rc2", "3.15"), ("", ""), ("three", "")],
)
def test_the_minor_version_of_a_line(python: str, minor: str) -> None:
    assert minor_of(python) == minor
