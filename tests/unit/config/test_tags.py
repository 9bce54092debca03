"""Tags sort as Go sorts them, for any versions."""

from __future__ import annotations

import pytest
import semver
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config import tags
from pipeline.config.model import FREE_THREADED, Line, PythonVersion
from pipeline.system.errors import ConfigError

numbers = st.integers(min_value=0, max_value=400)
versions = st.builds(semver.Version, numbers, numbers, numbers)
pythons = st.builds(PythonVersion, st.just(3), numbers, numbers)
plain_lines = st.builds(Line, pythons, st.just("20261021"))
lines = st.builds(Line, pythons, st.just("20261021"), st.sampled_from(["", FREE_THREADED]))


def line(text: str, variant: str = "") -> Line:
    return Line(PythonVersion.parse(text), "20261021", variant)


def test_names() -> None:
    version = semver.Version(0, 1, 0)
    assert tags.tag_name(version, line("3.14.9"), primary=True) == "v0.1.0"
    assert tags.tag_name(version, line("3.13.17"), primary=False) == "v0.1.0-py3.13.17"
    free_threaded = line("3.14.9", FREE_THREADED)
    assert tags.tag_name(version, free_threaded, primary=False) == "v0.1.0-py3.14.9t"


@given(versions, lines, lines)
def test_the_primary_line_is_above_every_other(
    version: semver.Version, one: Line, other: Line
) -> None:
    primary = tags.tag_name(version, one, primary=True)
    assert tags.sort_key(tags.tag_name(version, other, primary=False)) < tags.sort_key(primary)


@given(versions, plain_lines, plain_lines)
def test_the_others_sort_by_python_version(version: semver.Version, one: Line, other: Line) -> None:
    def order(each: Line) -> tuple[int, int]:
        return each.python.minor, each.python.patch

    first, second = (tags.tag_name(version, each, primary=False) for each in (one, other))
    assert (tags.sort_key(first) < tags.sort_key(second)) == (order(one) < order(other))


@given(versions, versions, lines, lines)
def test_a_higher_version_is_above_all_lines_of_a_lower_one(
    low: semver.Version, high: semver.Version, one: Line, other: Line
) -> None:
    low, high = sorted([low, high])
    if low == high:
        return
    above = tags.tag_name(high, one, primary=False)
    below = tags.tag_name(low, other, primary=True)
    assert tags.sort_key(above) > tags.sort_key(below)


@given(versions, st.lists(lines, unique_by=lambda each: each.name))
def test_every_line_has_a_tag_of_its_own(version: semver.Version, several: list[Line]) -> None:
    names = [tags.tag_name(version, each, primary=False) for each in several]
    assert len(set(names)) == len(several)


@pytest.mark.parametrize("text", ["0.1.0", "v0.1.0", " 0.1.0\n"])
def test_version_file(text: str) -> None:
    assert tags.parse_version(text) == semver.Version(0, 1, 0)


@pytest.mark.parametrize("text", ["", "1", "0.1", "1.0.0-rc.1", "1.0.0+build", "01.0.0", "one"])
def test_a_version_that_go_could_not_order_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"not MAJOR\.MINOR\.PATCH"):
        tags.parse_version(text)


@pytest.mark.parametrize(
    ("version", "path"),
    [("0.1.0", "a.b/c"), ("1.9.0", "a.b/c"), ("2.0.0", "a.b/c/v2"), ("11.0.1", "a.b/c/v11")],
)
def test_module_path(version: str, path: str) -> None:
    assert tags.module_path("a.b/c", semver.Version.parse(version)) == path
