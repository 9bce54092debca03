"""One format, two implementations: what Python packs Go extracts, and the other way round."""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pipeline.moduletree import TEMPLATE
from pipeline.payload.check import read_payload
from pipeline.payload.manifest import blob_name
from tests.support.extract import unpacked
from tests.support.gotool import Go
from tests.support.trees import (
    File,
    Folder,
    Link,
    Tree,
    pack_tree,
    read_tree,
    with_folders,
    write_tree,
)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="trees with Unix names and links")

ODD: Tree = {
    "aux.py": File(b"a device on Windows"),
    "con/nul.txt": File(b"two more"),
    "N": File(b"upper case"),
    "n": File(b"lower case"),
    ".hidden": File(b"go:embed leaves this out"),
    "_underscore/.dots/..x": File(b"and these"),
    "vendor/a.go": File(b"package a"),
    "go.mod": File(b"module nested"),
    "nested/go.mod": File(b"module nested"),
    "naïve/日本語 файл.txt": File("naïve 日本語".encode()),
    "spaces and 'quotes' \"*?<>|:": File(b"Go module zips refuse this name"),
    "empty": File(),
    "empty folder/inner": Folder(),
    "program": File(b"#!/bin/sh\n", executable=True),
    "links/first": Link("second"),
    "links/second": Link("../links/third"),
    "links/third": Link("../program"),
    "links/folder": Link("../empty folder"),
    "links/nowhere": Link("../missing"),
    "zeros": File(bytes(300_000)),
    "twin of zeros": File(bytes(300_000)),
    "noise": File(bytes(n * n * 7919 % 251 for n in range(5000))),
}

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


@dataclass(frozen=True)
class GoFormats:
    """The Go side, as a process that answers."""

    process: subprocess.Popen[str]

    def ask(self, *words: str | Path) -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps([str(word) for word in words]) + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()


@pytest.fixture(scope="module")
def go(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GoFormats]:
    """Built against the template itself, so that it is what releases carry."""
    folder = tmp_path_factory.mktemp("goformats")
    tool = Go(folder / "modcache")
    shutil.copytree(TEMPLATE, folder / "module")
    shutil.copytree(Path(__file__).parents[1] / "support" / "goformats", folder / "module" / "zz")
    tool.run("build", "-o", str(folder / "goformats"), "./zz", cwd=folder / "module")
    with subprocess.Popen(
        [folder / "goformats"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield GoFormats(process)
        assert process.stdin is not None
        process.stdin.close()


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
@example(tree=ODD)
@example(tree={})
def test_python_packs_and_go_extracts(go: GoFormats, places: Iterator[Path], tree: Tree) -> None:
    place = next(places)
    pack_tree(tree, place / "payload")
    assert go.ask("extract", place / "payload", place / "out") == "ok"
    assert read_tree(place / "out") == with_folders(tree)


@each_tree
@given(tree=trees())
@example(tree=ODD)
def test_go_packs_and_python_reads(go: GoFormats, places: Iterator[Path], tree: Tree) -> None:
    place = next(places)
    write_tree(place / "tree", tree)
    assert go.ask("pack", place / "payload", place / "tree") == "ok"
    payload = read_payload(place / "payload")
    packed = pack_tree(tree, place / "other")
    assert payload.manifest.content_hash == packed.content_hash
    assert unpacked(place / "payload") == {
        name: thing.data for name, thing in tree.items() if isinstance(thing, File)
    }


@pytest.mark.parametrize("damage", ["cut", "other"])
def test_go_refuses_what_python_refuses(go: GoFormats, places: Iterator[Path], damage: str) -> None:
    place = next(places)
    manifest = pack_tree(ODD, place / "payload")
    entry = next(each for each in manifest.entries if each.name == "zeros")
    blob = place / "payload" / blob_name(entry)
    blob.write_bytes(blob.read_bytes()[:-1] if damage == "cut" else b"other")
    answer = go.ask("extract", place / "payload", place / "out")
    assert "zeros" in answer
    assert not (place / "out").exists() or not list((place / "out").iterdir())


def test_go_refuses_a_newer_format(go: GoFormats, places: Iterator[Path]) -> None:
    place = next(places)
    pack_tree(ODD, place / "payload")
    path = place / "payload" / "files.json"
    path.write_text(path.read_text("utf-8").replace('"format": 1', '"format": 7'), "utf-8")
    answer = go.ask("extract", place / "payload", place / "out")
    assert "7" in answer
    assert "1" in answer
