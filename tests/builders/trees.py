"""Directory trees as values, to be written, packed and compared."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pipeline.build import pack
from pipeline.build import staging as stages
from pipeline.build.compressor import compressing
from pipeline.config.model import PayloadConfig
from pipeline.formats.payload import manifest as format1
from pipeline.formats.payload.model import Entry, Manifest


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


def pack_tree(tree: Tree, folder: Path, *, layout: str = "blobs") -> Manifest:
    """Pack as the pipeline does; the payload is at ``folder``."""
    files, others = [], list[Entry]()
    with stages.staging(folder.parent) as stage, compressing(folder.parent, 1) as compressor:
        for name, thing in with_folders(tree).items():
            if isinstance(thing, Folder):
                others.append(format1.dir_entry(name))
            elif isinstance(thing, Link):
                others.append(format1.link_entry(name, thing.target))
            else:
                content = stage.add(partial(_feed, thing.data))
                files.append(pack.PackFile(name, content, thing.executable))
        whole = pack.Tree(tuple(files), tuple(others))
        config = PayloadConfig(level=3, layout=layout)
        return pack.pack_tree(stage, whole, folder, config, compressor).manifest


def _feed(data: bytes, write: stages.Write) -> None:
    write(data)
