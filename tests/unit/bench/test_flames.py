"""Profiles as pictures."""

from __future__ import annotations

import dataclasses
import itertools

import pytest

from tests.bench.flames import (
    DEEPEST,
    MOST,
    NARROWEST,
    boxes,
    call_tree,
    largest,
    profile_svg,
    subsystem_of,
)
from tests.bench.model import Profile
from tests.harness.bench_report import FIRST_RUN, words

LARGEST_PLOT = 60_000
PICTURE = profile_svg(FIRST_RUN)


def test_a_profile_shows_parts_and_functions() -> None:
    found = words(PICTURE)
    assert "Wall clock, 80.0 ms" in found
    assert {"extraction 60.0 ms, 75 %", "self check 20.0 ms, 25 %"} <= set(found)
    assert "Processor time, 99.1 ms" in found
    assert {"compression 50.0 ms, 50 %", "hashes 29.0 ms, 29 %"} <= set(found)
    assert {"zstd.(*Decoder).DecodeAll", "sha256.blockSHANI", "runtime.memmove"} <= set(found)


def test_what_all_stacks_begin_with_and_what_is_tiny_is_left_out() -> None:
    found = words(PICTURE)
    assert not {"runtime.main", "main.main", "tiny"} & set(found)


def test_boxes_lie_within_their_callers() -> None:
    root, own = call_tree(FIRST_RUN.stacks)
    drawn = list(boxes(root, root.seconds))
    assert sum(own.values()) == pytest.approx(root.seconds)
    first = drawn[0]
    assert (first.call.name, first.depth, first.start) == ("zstd.(*Decoder).DecodeAll", 0, 0)
    assert first.share == pytest.approx(0.07 / 0.0991)
    inner = [box for box in drawn if box.depth == 1]
    assert [box.call.name for box in inner] == ["runtime.memmove"]
    assert all(box.share >= NARROWEST for box in drawn)
    level = [box for box in drawn if box.depth == 0]
    assert all(a.start + a.share <= b.start + 1e-9 for a, b in itertools.pairwise(level))


def test_a_function_that_calls_itself_is_one_box() -> None:
    root, _own = call_tree((("walk;walk;walk;read", 1.0), ("other", 1.0)))
    assert [(box.call.name, box.depth) for box in boxes(root, root.seconds)] == [
        ("other", 0), ("walk", 0), ("read", 1),
    ]  # fmt: skip


def test_depth_has_an_end() -> None:
    deep = ";".join(f"f{n}" for n in range(100))
    root, _own = call_tree(((deep, 1.0), ("other", 1.0)))
    assert max(box.depth for box in boxes(root, root.seconds)) == DEEPEST - 1


def test_functions_that_tell_nothing_are_of_their_callers_subsystem() -> None:
    assert subsystem_of("zstd.(*Decoder).DecodeAll") == "compression"
    assert subsystem_of("runtime.memmove") == "Go runtime"
    assert subsystem_of("slices.Sort") == ""
    root, own = call_tree((("zstd.Decode;slices.Sort", 1.0), ("nobody.Knows", 2.0)))
    assert own == {"compression": 1.0, "other": 2.0}
    assert root.calls["zstd.Decode"].calls["slices.Sort"].subsystem == "compression"


@pytest.mark.parametrize(
    "profile",
    [
        dataclasses.replace(FIRST_RUN, stacks=()),
        dataclasses.replace(FIRST_RUN, parts=()),
        dataclasses.replace(FIRST_RUN, stacks=(("only", 1.0),)),
    ],
)
def test_half_a_profile_can_be_drawn(profile: Profile) -> None:
    assert "A first run to print" in words(profile_svg(profile))


@pytest.mark.parametrize("wide", [12, 90])
def test_a_large_profile_is_a_small_file(wide: int) -> None:
    stacks = tuple(
        (";".join(f"package{n}.function_of_depth_{d}" for d in range(30)), 1.0 + n)
        for n in range(wide)
    )
    picture = profile_svg(dataclasses.replace(FIRST_RUN, stacks=stacks))
    assert len(picture) < LARGEST_PLOT
    assert f"The {MOST} functions that take most." in words(picture)
    root, _own = call_tree(stacks)
    drawn = {(box.depth, round(box.start, 6)) for box in largest(root)}
    assert len(drawn) == MOST
    assert all((depth - 1, start) in drawn for depth, start in drawn if depth)
