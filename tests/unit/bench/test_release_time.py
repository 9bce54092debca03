"""Release time: a generator's jobs, and what Go's and Python's profilers print."""

from __future__ import annotations

import pytest

from tests.bench.release_time import CELL_PARTS, cell_parts, only_job, parse_top
from tests.harness.project import REPOSITORY

JOBS = (
    "\tjobs := []job{\n"
    '\t\t{"linux", "amd64", "unknown-linux-gnu-full", keepNixPatterns},\n'
    '\t\t{"darwin", "arm64", "apple-darwin-full", "tar.zst", keepNixPatterns, false},\n'
    "\t}\n"
)
TOP = """File: program
Type: cpu
Showing nodes accounting for 1510000us, 99.5% of 1517000us total
      flat  flat%   sum%        cum   cum%
 1500000us 98.88% 98.88%  1510000us 99.54%  github.com/klauspost/compress/zstd.(*Decoder).Read
   10000us  0.66% 99.54%    10000us  0.66%  runtime.memmove (inline)
         0     0% 99.54%     7000us  0.46%  main.main
"""
RAW = """\
process 7:"python -m pipeline";run (threading.py);apply_cell (cell.py);pack_tree (pack.py) 250
process 7:"python -m pipeline";plan_cell (cell.py) 5
process 7:"python -m pipeline";process 8:"python3 -c a; b";<module> (__main__.py) 5
"""


def test_a_generator_keeps_the_job_of_one_platform() -> None:
    kept = only_job(JOBS, "darwin-arm64")
    assert '"darwin", "arm64"' in kept
    assert "linux" not in kept
    assert kept.count("\n") == JOBS.count("\n") - 1


def test_a_generator_without_that_job_is_told() -> None:
    with pytest.raises(AssertionError, match="not where they were"):
        only_job("jobs := all()", "linux-amd64")


def test_functions_of_go_have_seconds_in_themselves_and_with_their_callees() -> None:
    assert list(parse_top(TOP)) == [
        ("zstd.(*Decoder).Read", 1.5, 1.51),
        ("runtime.memmove", 0.01, 0.01),
        ("main.main", 0.0, 0.007),
    ]


def test_parts_of_a_cell_are_found_by_their_functions() -> None:
    assert cell_parts(RAW) == {"read the archive, decide": 0.05, "compress": 2.5}


def test_every_part_of_a_cell_is_a_function_of_the_pipeline() -> None:
    """A function that was renamed would take its part out of the picture without a word."""
    source = "".join(p.read_text("utf-8") for p in (REPOSITORY / "pipeline").rglob("*.py"))
    missing = []
    for name in (name for each in CELL_PARTS.values() for name in each):
        owner, _dot, function = name.rpartition(".")
        if f"def {function}(" not in source or f"class {owner}" not in source:
            missing.append(name)
    assert missing == []
