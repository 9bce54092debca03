"""Which lines of a matrix move to a newer release, and what is said of it."""

from __future__ import annotations

import itertools
from collections.abc import Collection
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.config.lock import Listing
from pipeline.config.matrix import parse_matrix
from pipeline.config.model import FREE_THREADED, Matrix, PythonVersion
from pipeline.config.model import Line as MatrixLine
from pipeline.config.update import (
    Flavours,
    LineUpdate,
    UpdatePlan,
    archives,
    cell_assets,
    edit_matrix,
    is_over,
    order,
    plan_update,
)
from pipeline.publish.update_summary import summarize
from tests.builders.pbs_listing import pbs_names, sha256_of, size_of
from tests.harness.project import REPOSITORY, Line, matrix_text

OLD = "20260814"
NEW = "20261021"
TODAY = date(2026, 10, 30)
LATER = date(2026, 11, 21)
OLD_VERSIONS = ("3.10.21", "3.11.16", "3.12.14", "3.13.15", "3.14.7", "3.15.0rc1")
NEW_VERSIONS = ("3.11.17", "3.12.15", "3.13.17", "3.14.9", "3.15.1")


def listing(release: str, names: Collection[str], *, sizes: bool = True) -> Listing:
    digests = {name: sha256_of(name) for name in names}
    return Listing(
        release, digests, digests, {name: size_of(name) for name in names} if sizes else {}
    )


def there(release: str, *versions: str) -> Listing:
    return listing(release, pbs_names(release, *versions))


def matrix(*lines: Line) -> Matrix:
    return parse_matrix(matrix_text(*lines))


def update(
    *lines: Line,
    new: Listing | None = None,
    old: Listing | None = None,
    today: date = TODAY,
) -> UpdatePlan:
    latest = new or there(NEW, *NEW_VERSIONS)
    before = old or there(OLD, *OLD_VERSIONS)
    lists = {each.release: each for each in (before, latest)}
    return plan_update(matrix(*lines), latest, lists, today)


def only(plan: UpdatePlan) -> LineUpdate:
    (step,) = plan.steps
    return step


FREE = f'variant = "{FREE_THREADED}"'


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (Line("3.14.7", OLD), "3.14.9"),
        (Line("3.14.7", OLD, FREE), "3.14.9t"),
        (Line("3.11.16", OLD), "3.11.17"),
        (Line("3.15.0rc1", OLD), "3.15.1"),
    ],
)
def test_a_line_moves_to_the_newest_patch_of_its_own_kind(line: Line, name: str) -> None:
    step = only(update(line))
    assert (step.after.name, step.after.pbs, step.why) == (name, NEW, "")
    assert step.after.platforms == step.before.platforms
    assert step.cells == 5


def test_a_build_of_the_same_python_in_a_newer_release_is_taken() -> None:
    step = only(update(Line("3.14.9", "20261009")))
    assert step.moves
    assert (step.after.name, step.after.pbs) == ("3.14.9", NEW)


@pytest.mark.parametrize(
    ("line", "new", "why"),
    [
        (Line("3.14.9", NEW), there(NEW, "3.14.9"), "up to date"),
        (Line("3.10.21", OLD), there(NEW, *NEW_VERSIONS), f"PBS {NEW} has no 3.10"),
        (Line("3.14.7", OLD, FREE), there(NEW, "3.12.15"), f"PBS {NEW} has no 3.14t"),
        (Line("3.14.9", NEW), there(OLD, "3.14.7"), f"PBS {NEW} is newer than {OLD}"),
        (Line("3.14.9", OLD), there(NEW, "3.14.8"), f"PBS {NEW} has only the older 3.14.8"),
        (Line("3.15.0", OLD), there(NEW, "3.15.1rc1"), f"PBS {NEW} has no final version of 3.15"),
    ],
)
def test_why_a_line_stays(line: Line, new: Listing, why: str) -> None:
    step = only(update(line, new=new))
    assert not step.moves
    assert step.why == why


def test_a_prerelease_moves_to_a_newer_prerelease_and_to_nothing_older() -> None:
    assert only(update(Line("3.15.0rc1", OLD), new=there(NEW, "3.15.0rc2"))).after.name == (
        "3.15.0rc2"
    )
    assert not only(update(Line("3.15.0rc1", OLD), new=there(NEW, "3.15.0b4"))).moves


def test_a_line_whose_new_version_lacks_an_asset_stays_and_names_it() -> None:
    lacking = [n for n in pbs_names(NEW, "3.14.9") if "aarch64-apple-darwin-pgo" not in n]
    plan = update(Line("3.14.7", OLD), new=listing(NEW, lacking))
    asset = f"cpython-3.14.9+{NEW}-aarch64-apple-darwin-pgo+lto-full.tar.zst"
    assert not plan.moves
    assert only(plan).missing == (asset,)
    assert f"  - missing: `{asset}`" in summarize(plan).splitlines()


def test_an_asset_of_one_list_alone_is_not_there() -> None:
    names = pbs_names(NEW, "3.14.9")
    half = listing(NEW, names)
    digests = {name: each for name, each in half.sums.items() if "linux" not in name}
    assert not update(Line("3.14.7", OLD), new=Listing(NEW, half.sums, digests, {})).moves


def test_of_two_lines_of_a_minor_version_the_newest_moves() -> None:
    plan = update(Line("3.14.6", OLD), Line("3.14.7", OLD), Line("3.14.5", OLD, FREE))
    assert [step.after.name for step in plan.steps] == ["3.14.6", "3.14.9", "3.14.9t"]
    assert plan.steps[0].why == "3.14.7 is the 3.14 that moves"


def test_what_pbs_gained_and_lost_for_a_line() -> None:
    names = pbs_names(NEW, "3.14.9")
    head = f"cpython-3.14.9+{NEW}"
    names = [name for name in names if "i686" not in name]
    names.append(f"{head}-loongarch64-unknown-linux-gnu-lto-full.tar.zst")
    # Other kinds of archives, and other variants, are not this line's matter.
    names.append(f"{head}-mips-unknown-linux-gnu-install_only.tar.gz")
    names.append(f"{head}-mips-unknown-linux-gnu-freethreaded+lto-full.tar.zst")
    plan = update(Line("3.14.7", OLD), new=listing(NEW, names))
    assert only(plan).flavours == Flavours(
        gained=("loongarch64-unknown-linux-gnu lto",), lost=("i686-pc-windows-msvc pgo",)
    )
    rows = summarize(plan).splitlines()
    assert "- 3.14 gained `loongarch64-unknown-linux-gnu lto`" in rows
    assert "- 3.14 lost `i686-pc-windows-msvc pgo`" in rows


def test_an_old_release_that_is_not_at_hand() -> None:
    plan = update(Line("3.14.7", "20260101"))
    step = only(plan)
    assert step.moves
    assert step.flavours is None
    assert step.bytes_before is None
    text = summarize(plan)
    assert "- 3.14: not known; the source lacks PBS 20260101" in text
    assert "| unknown → " in text


def test_the_size_is_that_of_the_line_s_own_assets() -> None:
    plan = update(Line("3.14.7", OLD))
    step = only(plan)
    before = sum(map(size_of, cell_assets(matrix(Line("3.14.7", OLD)), step.before)))
    after = sum(map(size_of, cell_assets(matrix(Line("3.14.9", NEW)), step.after)))
    assert (step.bytes_before, step.bytes_after) == (before, after)
    assert f"({after - before:+,} bytes, {100 * (after - before) / before:+.1f} %)" in summarize(
        plan
    )


def test_unknown_sizes_are_called_so() -> None:
    new = listing(NEW, pbs_names(NEW, "3.14.9"), sizes=False)
    old = listing(OLD, pbs_names(OLD, "3.14.7"), sizes=False)
    text = summarize(update(Line("3.14.7", OLD), new=new, old=old))
    assert "| 5 | unknown |" in text


@pytest.mark.parametrize(
    ("version", "last", "first"),
    [
        ("3.10.22", date(2026, 10, 31), date(2026, 11, 1)),
        ("3.14.9", date(2030, 10, 31), date(2030, 11, 1)),
        ("3.8.20", date(2024, 10, 31), date(2024, 11, 1)),
    ],
)
def test_ends_of_life(version: str, last: date, first: date) -> None:
    python = PythonVersion.parse(version)
    assert not is_over(python, last)
    assert is_over(python, first)


def test_what_ended_before_the_five_years_were_a_rule() -> None:
    assert is_over(PythonVersion.parse("3.7.17"), TODAY)
    assert not is_over(PythonVersion.parse("4.0.0"), TODAY)


def test_a_line_past_its_end_is_named_whether_it_moves_or_not() -> None:
    gone = summarize(update(Line("3.10.21", OLD), Line("3.14.7", OLD), today=LATER))
    assert f"- 3.10.21 (PBS {OLD}): PBS {NEW} has no 3.10" in gone
    assert "End of life, so without further fixes from CPython: 3.10.21." in gone
    plan = update(Line("3.10.21", OLD), new=there(NEW, "3.10.22"), today=LATER)
    assert plan.moves
    assert "without further fixes from CPython: 3.10.22." in summarize(plan)
    assert "End of life" not in summarize(update(Line("3.10.21", OLD)))


def test_new_minor_versions_are_proposed_and_not_added() -> None:
    plan = update(Line("3.12.14", OLD), Line("3.14.7", OLD))
    # 3.11 is older than every line; 3.15 and 3.13 are not there yet.
    assert [line.name for line in plan.proposals] == ["3.13.17", "3.15.1"]
    assert len(plan.steps) == 2
    _head, _, block = summarize(plan).partition("```toml\n")
    pasted = block.removesuffix("\n```")
    text = matrix_text(Line("3.12.14", OLD)).replace("# wheel_tags", f"{pasted}\n\n# wheel_tags", 1)
    assert [line.name for line in parse_matrix(text).lines] == ["3.12.14", "3.13.17", "3.15.1"]


def test_prereleases_and_free_threaded_builds_are_not_proposed() -> None:
    names = pbs_names(NEW, "3.14.9", "3.15.0rc1")
    names += [name for name in pbs_names(NEW, "3.16.0") if FREE_THREADED in name]
    assert update(Line("3.14.7", OLD), new=listing(NEW, names)).proposals == ()


def test_a_proposal_names_its_platforms_where_some_are_missing() -> None:
    names = pbs_names(NEW, "3.14.9")
    names += [name for name in pbs_names(NEW, "3.15.1") if "apple" in name]
    (line,) = update(Line("3.14.7", OLD), new=listing(NEW, names)).proposals
    assert line.platforms == ("darwin-amd64", "darwin-arm64")
    assert 'platforms = ["darwin-amd64", "darwin-arm64"]' in summarize(
        update(Line("3.14.7", OLD), new=listing(NEW, names))
    )


def test_the_smaller_archives_are_planned_by_their_own_names() -> None:
    text = matrix_text(Line("3.14.7", OLD), Line("3.14.7", OLD, FREE))
    small = parse_matrix(text.replace('archive = "full"', 'archive = "install_only_stripped"'))
    names = [name for name in pbs_names(NEW, "3.14.9") if "full" not in name]
    plan = plan_update(small, listing(NEW, names), {}, TODAY)
    assert [step.after.name for step in plan.steps] == ["3.14.9", "3.14.9t"]


def test_names_that_are_no_archives_are_passed_over() -> None:
    odd = ["SHA256SUMS", f"cpython-3.x+{NEW}-a-b-full.tar.zst", "cpython-3.14.9-full.tar.zst"]
    assert list(archives(listing(NEW, odd), "full")) == []


def test_the_order_of_versions() -> None:
    names = [
        "3.9.20",
        "3.15.0a1",
        "3.15.0b1",
        "3.15.0b12",
        "3.15.0rc1",
        "3.15.0rc2",
        "3.15.0",
        "3.15.10",
    ]
    keys = [order(PythonVersion.parse(name)) for name in names]
    assert keys == sorted(keys)
    assert all(a != b for a, b in itertools.pairwise(keys))


versions = st.builds(
    lambda minor, patch, pre: f"3.{minor}.{patch}{pre}",
    st.integers(10, 16),
    st.integers(0, 20),
    st.sampled_from(["", "", "", "rc1"]),
)


@given(
    st.lists(versions, min_size=1, max_size=4, unique=True),
    st.lists(versions, min_size=1, max_size=4, unique=True),
    st.sampled_from([OLD, NEW, "20261105"]),
)
def test_no_line_ever_goes_back(have: list[str], offered: list[str], pbs: str) -> None:
    plan = update(*(Line(each, pbs) for each in have), new=there(NEW, *offered))
    for step in plan.steps:
        assert order(step.after.python) >= order(step.before.python)
        assert step.after.pbs >= step.before.pbs
        assert step.before.python.pre or not step.after.python.pre
        assert step.after.python.minor_line == step.before.python.minor_line
        assert bool(step.why) == (not step.moves)
    names = [step.after.name for step in plan.steps]
    assert len(set(names)) == len(names)


def test_only_the_changed_values_of_the_real_matrix_change() -> None:
    text = (REPOSITORY / "matrix.toml").read_bytes().decode()
    real = parse_matrix(text)
    steps = []
    for number, line in enumerate(real.lines):
        moved = MatrixLine(
            PythonVersion(line.python.major, line.python.minor, line.python.patch + number),
            "20991231" if number else line.pbs,
            line.variant,
            line.platforms,
        )
        steps.append(LineUpdate(line, moved, cells=1))
    edited = edit_matrix(text, UpdatePlan("20991231", tuple(steps), ()))
    rows = list(zip(text.splitlines(keepends=True), edited.splitlines(keepends=True), strict=True))
    changed = [(old, new) for old, new in rows if old != new]
    expected = []
    for step in steps[1:]:
        expected.append((f'python = "{step.before.python}"\n', f'python = "{step.after.python}"\n'))
        expected.append((f'pbs = "{step.before.pbs}"\n', 'pbs = "20991231"\n'))
    assert changed == expected
    assert [line.name for line in parse_matrix(edited).lines] == [s.after.name for s in steps]


def test_comments_odd_layouts_and_line_ends_stay() -> None:
    text = matrix_text(Line("3.14.7", OLD), Line("3.12.14", OLD)).replace("\n", "\r\n")
    text = text.replace(
        f'python = "3.14.7"\r\npbs = "{OLD}"', f"  pbs='{OLD}' # why\r\n\tpython   =  '3.14.7'"
    )
    plan = plan_update(parse_matrix(text), there(NEW, "3.14.9"), {}, TODAY)
    edited = edit_matrix(text, plan)
    assert edited == text.replace(f"'{OLD}' # why", f'"{NEW}" # why').replace(
        "'3.14.7'", '"3.14.9"'
    )


def test_a_plan_without_moves_edits_nothing() -> None:
    text = matrix_text(Line("3.14.9", NEW))
    assert edit_matrix(text, update(Line("3.14.9", NEW))) == text


def test_the_summary() -> None:
    plan = update(Line("3.14.7", OLD), Line("3.10.21", OLD), Line("3.15.1", NEW), today=LATER)
    text = summarize(plan)
    assert text == summarize(plan)
    rows = text.splitlines()
    assert rows[:4] == [
        f"Interpreters of PBS {NEW}:",
        "",
        "| line | Python | PBS | assets | download |",
        "|---|---|---|--:|---|",
    ]
    assert rows[4].startswith(f"| 3.14 | 3.14.7 → 3.14.9 | {OLD} → {NEW} | 5 | ")
    # What is up to date is not worth a row beside what moves.
    assert "3.15.1 (PBS" not in text


def test_the_summary_when_nothing_is_new() -> None:
    text = summarize(update(Line("3.15.1", NEW)))
    assert text.startswith(f"PBS {NEW} has nothing new for the lines of this matrix.")
    assert f"- 3.15.1 (PBS {NEW}): up to date" in text
