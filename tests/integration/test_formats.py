"""One format, two implementations: what Python packs Go extracts, and the other way round."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pipeline.formats.payload.manifest import blob_name
from pipeline.formats.payload.reader import read_payload
from tests.builders.trees import (
    File,
    Folder,
    Link,
    Tree,
    pack_tree,
    read_tree,
    with_folders,
    write_tree,
)
from tests.builders.vectors import (
    SIDES,
    UNUSUAL,
    VECTORS,
    GoFormats,
    go_formats,
    write_vectors,
)
from tests.harness.extract import unpacked

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="trees with Unix names and links")

names = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=8
)
parts = names.filter(lambda part: part not in {".", ".."} and not set(part) & set("/\\"))
odd_parts = st.sampled_from(["aux.py", "N", "n", ".x", "vendor", "go.mod", "CON", "é", "e\u0301"])
things = st.one_of(
    st.builds(File, st.binary(max_size=2000), st.booleans()),
    st.just(Folder()),
    st.sampled_from([Link("N"), Link("aux.py"), Link(".")]),
)


@st.composite
def trees(draw: st.DrawFn) -> Tree:
    tree: dict[str, File | Link | Folder] = {}
    paths = st.lists(st.one_of(parts, odd_parts), min_size=1, max_size=3)
    for path in draw(st.lists(paths, max_size=10)):
        above = ["/".join(path[:depth]) for depth in range(1, len(path))]
        name = "/".join(path)
        if name not in with_folders(tree) and not any(a in tree for a in above):
            tree[name] = draw(things)
    return tree


@pytest.fixture(scope="module")
def go(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GoFormats]:
    with go_formats(tmp_path_factory.mktemp("goformats")) as answering:
        yield answering


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A new folder at each step."""
    root = tmp_path_factory.mktemp("trees")

    def fresh() -> Iterator[Path]:
        for number in itertools.count():
            path = root / str(number)
            path.mkdir()
            yield path

    return fresh()


each_tree = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@each_tree
@given(tree=trees())
@example(tree=UNUSUAL)
@example(tree={})
def test_python_packs_and_go_extracts(go: GoFormats, places: Iterator[Path], tree: Tree) -> None:
    place = next(places)
    pack_tree(tree, place / "payload")
    assert go.ask("extract", place / "payload", place / "out") == "ok"
    assert read_tree(place / "out") == with_folders(tree)


@each_tree
@given(tree=trees())
@example(tree=UNUSUAL)
def test_go_packs_and_python_reads(go: GoFormats, places: Iterator[Path], tree: Tree) -> None:
    place = next(places)
    write_tree(place / "tree", tree)
    assert go.ask("pack frames", place / "payload", place / "tree") == "ok"
    payload = read_payload(place / "payload")
    packed = pack_tree(tree, place / "other")
    assert payload.manifest.content_hash == packed.content_hash
    assert unpacked(place / "payload") == {
        name: thing.data for name, thing in tree.items() if isinstance(thing, File)
    }


@pytest.mark.parametrize("damage", ["cut", "other"])
def test_go_refuses_what_python_refuses(go: GoFormats, places: Iterator[Path], damage: str) -> None:
    place = next(places)
    manifest = pack_tree(UNUSUAL, place / "payload")
    entry = next(each for each in manifest.entries if each.name == "zeros")
    blob = place / "payload" / blob_name(entry)
    blob.write_bytes(blob.read_bytes()[:-1] if damage == "cut" else b"other")
    answer = go.ask("extract", place / "payload", place / "out")
    assert "zeros" in answer
    assert not (place / "out").exists() or not list((place / "out").iterdir())


def test_go_refuses_a_newer_format(go: GoFormats, places: Iterator[Path]) -> None:
    place = next(places)
    pack_tree(UNUSUAL, place / "payload")
    path = place / "payload" / "files.json"
    path.write_text(path.read_text("utf-8").replace('"format": 1', '"format": 7'), "utf-8")
    answer = go.ask("extract", place / "payload", place / "out")
    assert "7" in answer
    assert "1" in answer


@each_tree
@given(tree=trees())
@example(tree=UNUSUAL)
@example(tree={})
def test_streams_both_ways(go: GoFormats, places: Iterator[Path], tree: Tree) -> None:
    place = next(places)
    pack_tree(tree, place / "payload", layout="stream")
    assert go.ask("extract", place / "payload", place / "out") == "ok"
    assert read_tree(place / "out") == with_folders(tree)
    write_tree(place / "tree", tree)
    assert go.ask("pack stream", place / "other", place / "tree") == "ok"
    assert unpacked(place / "other") == unpacked(place / "payload")


@pytest.mark.parametrize("layout", SIDES)
def test_each_side_packs_the_shared_vectors(
    go: GoFormats, places: Iterator[Path], layout: str
) -> None:
    """The same tree gives the bytes that are committed, today and on every machine."""
    place = next(places)
    write_vectors(place, go, layout)
    for side in SIDES[layout]:
        made, kept = place / layout / side, VECTORS / layout / side
        assert {p.name: p.read_bytes() for p in made.iterdir()} == {
            p.name: p.read_bytes() for p in kept.iterdir()
        }, f"{side} packs other bytes; on purpose? python -m tests.builders.vectors"


@pytest.mark.parametrize(
    ("layout", "side"), [(layout, side) for layout, sides in SIDES.items() for side in sides]
)
def test_each_side_reads_the_shared_vectors(
    go: GoFormats, places: Iterator[Path], layout: str, side: str
) -> None:
    place = next(places)
    vector = VECTORS / layout / side
    assert go.ask("extract", vector, place / "out") == "ok"
    assert read_tree(place / "out") == with_folders(UNUSUAL)
    assert unpacked(vector) == {n: t.data for n, t in UNUSUAL.items() if isinstance(t, File)}
