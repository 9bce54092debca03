"""Directory trees as values, to be written, packed and compared."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.model import Entry, Manifest, PayloadConfig
from pipeline.payload import manifest as format1
from pipeline.payload import pack


@dataclass(frozen=True)
class File:
    data: bytes = b""
    executable: bool = False


@dataclass(frozen=True)
class Link:
    target: str


@dataclass(frozen=True)
class Folder:
    pass


Tree = Mapping[str, File | Link | Folder]


def with_folders(tree: Tree) -> dict[str, File | Link | Folder]:
    """The tree with an entry for every folder."""
    whole: dict[str, File | Link | Folder] = dict(tree)
    for name in tree:
        parts = name.split("/")
        for depth in range(1, len(parts)):
            whole.setdefault("/".join(parts[:depth]), Folder())
    return whole


def write_tree(root: Path, tree: Tree) -> None:
    root.mkdir(parents=True)
    whole = with_folders(tree)
    for name in sorted(whole):
        thing, path = whole[name], root / name
        if isinstance(thing, Folder):
            path.mkdir()
        elif isinstance(thing, Link):
            path.symlink_to(thing.target)
        else:
            path.write_bytes(thing.data)
            path.chmod(0o755 if thing.executable else 0o644)


def read_tree(root: Path) -> dict[str, File | Link | Folder]:
    found: dict[str, File | Link | Folder] = {}
    for where, folders, files in os.walk(root):
        for each in [*folders, *files]:
            path = Path(where, each)
            name = path.relative_to(root).as_posix()
            if path.is_symlink():
                found[name] = Link(str(path.readlink()))
            elif path.is_dir():
                found[name] = Folder()
            else:
                found[name] = File(path.read_bytes(), bool(path.stat().st_mode & 0o100))
    return found


def pack_tree(tree: Tree, folder: Path, scratch: Path) -> Manifest:
    """Pack as the pipeline does; the payload is at ``folder``."""
    (scratch / "stage").mkdir(parents=True)
    (scratch / "payload").mkdir()
    stage = pack.Stage(scratch / "stage")
    whole = with_folders(tree)
    files = {name: thing for name, thing in whole.items() if isinstance(thing, File)}
    contents = {name: stage.add(lambda w, d=file.data: w(d)) for name, file in files.items()}  # type: ignore[misc]
    config = PayloadConfig(level=3)
    blobs = pack.compress_all(contents.values(), stage, scratch / "payload", config, processors=1)

    def entry(name: str, thing: File | Link | Folder) -> Entry:
        if isinstance(thing, Folder):
            return format1.dir_entry(name)
        if isinstance(thing, Link):
            return format1.link_entry(name, thing.target)
        content = contents[name]
        return format1.file_entry(
            name,
            executable=thing.executable,
            size_bytes=content.size_bytes,
            sha256=content.sha256,
            codec=blobs[content.sha256].codec,
        )

    manifest = format1.make_manifest(entry(name, thing) for name, thing in whole.items())
    pack.publish(scratch / "payload", manifest, folder)
    return manifest


def digest_of(folder: Path) -> str:
    """One digest of all files of a flat folder."""
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        digest.update(f"{path.name}\0{path.stat().st_size}\0".encode() + path.read_bytes())
    return digest.hexdigest()
