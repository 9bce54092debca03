"""Profiles: what Go's and Python's profilers print, as stacks and seconds."""

from __future__ import annotations

from pipeline.build import cell, host_python, pack, runner
from pipeline.sources import fetch
from tests.bench.profile import CELL_PARTS, parse_raw, parse_traces

TRACES = """File: program
Type: cpu
Time: 2026-11-21 14:50:01 UTC
Duration: 2.12s, Total samples = 494ms (23.32%)
-----------+-------------------------------------------------------
      10ms   runtime.memmove
             github.com/klauspost/compress/zstd.(*history).append (inline)
             github.com/goempy/goempy/embed_util.fillFile
-----------+-------------------------------------------------------
     1.50s   crypto/internal/fips140/sha256.blockSHANI
             github.com/goempy/goempy/embed_util.fillFile
-----------+-------------------------------------------------------
"""
RAW = """\
process 7:"python -m pipeline";Thread.run (threading.py:982);pack_tree (pipeline/pack.py:72) 250
process 7:"python -m pipeline";process 8:"python3 -c a; b";<module> (pipeline/__main__.py:6) 5
"""


def test_stacks_of_go_begin_with_the_outermost_call_and_have_seconds() -> None:
    assert list(parse_traces(TRACES)) == [
        (("embed_util.fillFile", "zstd.(*history).append", "runtime.memmove"), 0.01),
        (("embed_util.fillFile", "sha256.blockSHANI"), 1.5),
    ]


def test_stacks_of_python_lose_processes_files_and_threads() -> None:
    assert list(parse_raw(RAW)) == [(("pack_tree",), 2.5), (("<module>",), 0.05)]


def test_every_part_of_a_cell_is_a_function_of_the_pipeline() -> None:
    """A function that was renamed would take its part out of the picture without a word."""
    rooms = (cell, fetch, host_python, pack, runner)
    for _title, functions in CELL_PARTS:
        for function in functions:
            first, _dot, method = function.partition(".")
            (found,) = {getattr(room, first) for room in rooms if hasattr(room, first)}
            assert callable(getattr(found, method) if method else found)
