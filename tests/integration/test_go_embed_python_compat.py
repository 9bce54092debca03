"""Users of go-embed-python and its forks change the import path, and nothing else.

The peers come from the module proxy, into this machine's own module cache: they are large.
"""

from __future__ import annotations

import gzip
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.release.module_tree import TEMPLATE, template_module_path
from tests.builders.trees import File, Folder, Link, Tree, read_tree, with_folders, write_tree
from tests.harness.go import GOFLAGS, Go, find_go
from tests.harness.peers import GO_EMBED_PYTHON, RATATOSKR, Peer
from tests.harness.vet import Vet

DATA = Path(__file__).parents[1] / "data" / "go_embed_python_compat"
PROGRAM = (DATA / "main.go").read_text("utf-8")
OWN = template_module_path(TEMPLATE)
SYSTEM = ("darwin", "arm64")
"""What programs are compiled for: the peers' payloads for it are the smallest."""


@pytest.fixture(scope="module")
def go() -> Go:
    where = subprocess.run(
        [find_go(), "env", "GOMODCACHE"], capture_output=True, text=True, check=True
    )
    return Go(Path(where.stdout.strip()))


IN_CACHE_DIR = """package main

import "MODULE/python"

var _ = func() error {
	ep, err := python.NewEmbeddedPythonInCacheDir("app")
	if err != nil {
		return err
	}
	return ep.Cleanup()
}
"""
"""What ratatoskr has and go-embed-python has not."""


def write_program(folder: Path, module: str, text: str = PROGRAM) -> None:
    (folder / "main.go").write_text(text.replace("MODULE", module))
    (folder / "go.mod").write_text("module example.com/dropin\n\ngo 1.24\n")


@pytest.mark.parametrize("peer", [GO_EMBED_PYTHON, RATATOSKR], ids=lambda peer: peer.module)
def test_the_program_compiles_against_the_peer(
    go: Go, vet: Vet, tmp_path: Path, peer: Peer
) -> None:
    write_program(tmp_path, peer.module)
    if peer is RATATOSKR:
        (tmp_path / "more.go").write_text(IN_CACHE_DIR.replace("MODULE", peer.module))
    packages = [f"{peer.module}/{name}@{peer.version}" for name in ("python", "pip", "embed_util")]
    go.run("get", *packages, cwd=tmp_path)
    # Without this tag ratatoskr has no pip to compile.
    env = {"GOFLAGS": f"{GOFLAGS} -tags=ratatoskr_embed"}
    assert vet.faults(go, ".", cwd=tmp_path, system=SYSTEM, env=env) == ""


def test_the_same_program_compiles_against_ours(go: Go, vet: Vet, tmp_path: Path) -> None:
    write_program(tmp_path, OWN)
    (tmp_path / "more.go").write_text(IN_CACHE_DIR.replace("MODULE", OWN))
    go.run("mod", "edit", f"-require={OWN}@v0.0.0", f"-replace={OWN}={TEMPLATE}", cwd=tmp_path)
    go.run("mod", "tidy", cwd=tmp_path)
    assert vet.faults(go, ".", cwd=tmp_path, system=SYSTEM) == ""


PACK = """package main

import (
	"fmt"
	"os"

	"MODULE/embed_util"
)

func main() {
	if err := embed_util.CopyForEmbed(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
"""
TREE: Tree = {
    "bin/python3.13": File(b"\x7fELF" + bytes(range(256)) * 500, executable=True),
    "bin/python3": Link("python3.13"),
    "lib/words.txt": File(b"some words\n" * 400),
    "lib/empty.txt": File(),
    "lib/data.gz": File(b"\x1f\x8b not really"),
    "lib/folder": Folder(),
}


PACKED = DATA / "payload"
"""TREE, as ``CopyForEmbed`` of GO_EMBED_PYTHON packs it."""


@pytest.mark.whole  # its release does not change; half a minute of compiling, for what it imports
def test_go_embed_python_packs_so(tmp_path: Path, go: Go) -> None:
    packer, packed = tmp_path / "packer", tmp_path / "payload"
    packer.mkdir()
    packed.mkdir()
    write_program(packer, GO_EMBED_PYTHON.module, PACK)
    version = f"{GO_EMBED_PYTHON.module}/embed_util@{GO_EMBED_PYTHON.version}"
    go.run("get", version, cwd=packer)
    go.run("build", "-o", "pack", ".", cwd=packer)
    write_tree(tmp_path / "tree", TREE)
    subprocess.run([packer / "pack", packed, tmp_path / "tree"], check=True)
    assert contents(packed) == contents(PACKED)


def contents(folder: Path) -> dict[str, bytes]:
    """Files by their names; what gzip has compressed is compared, not how."""
    files = {path for path in folder.rglob("*") if path.is_file()}
    return {
        path.relative_to(folder).as_posix(): gzip.decompress(path.read_bytes())
        if path.suffix == ".gz"
        else path.read_bytes()
        for path in files
    }


@pytest.mark.skipif(sys.platform == "win32", reason="a tree with links")
def test_payloads_that_go_embed_python_packed_load_with_ours(tmp_path: Path, go: Go) -> None:
    assert '"compressed": true' in (PACKED / "files.json").read_text("utf-8")
    shutil.copytree(TEMPLATE, tmp_path / "module")
    support = Path(__file__).parents[1] / "harness" / "goformats"
    shutil.copytree(support, tmp_path / "module" / "zz")
    go.run("build", "-o", str(tmp_path / "reader"), "./zz", cwd=tmp_path / "module")
    request = f'["extract", "{PACKED}", "{tmp_path}/out"]\n'
    done = subprocess.run(
        [tmp_path / "reader"], input=request, capture_output=True, text=True, check=True
    )
    assert done.stdout == "ok\n"
    found, expected = read_tree(tmp_path / "out"), with_folders(TREE)
    assert set(found) <= set(expected)
    assert {n: t for n, t in found.items() if not isinstance(t, Folder)} == {
        n: t for n, t in expected.items() if not isinstance(t, Folder)
    }
