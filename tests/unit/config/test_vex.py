"""``vex.toml``: what the repository's own says, and faults."""

from __future__ import annotations

import re

import pytest

from pipeline.config.vex import VEX_FILE, parse_vex, read_vex
from pipeline.system.errors import ConfigError
from tests.harness.project import REPOSITORY


def test_the_example_in_the_repository_s_own_file_is_one() -> None:
    text = (REPOSITORY / VEX_FILE).read_text("utf-8")
    example = re.sub(r"^# ", "", text[text.index("# [[statement]]") :], flags=re.MULTILINE)
    (statement,) = parse_vex(example.encode())
    assert statement.component == "cpython"
    assert read_vex(REPOSITORY) == parse_vex(text.encode())


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        (b"[[statement", 0),
        (b"\xff", 0),
        (b"[[statement]]\nabsent = []\nwhy = ''\nwho = 'me'", 5),
        (b"[[statements]]", 1),
    ],
)
def test_faults_are_reported_together(text: bytes, faults: int) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_vex(text)
    assert len(caught.value.details) == faults
