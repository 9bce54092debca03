"""How a tag and its rebuild differ: trees, the manifests in them, and commits. Pure."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.formats.payload.manifest import FILE_NAME
from pipeline.release.module_tree import ATTRIBUTES, COMMON, DATA
from pipeline.release.tag_tree import part_folder
from pipeline.system.git import GitFile
from pipeline.system.units import counted

_MANIFEST = re.compile(rf"[^/]+/internal/data/[^/]+/{re.escape(FILE_NAME)}")


@dataclass(frozen=True, slots=True)
class Changed:
    """One path with other content or another mode."""

    tag: GitFile
    rebuilt: GitFile


@dataclass(frozen=True, slots=True)
class TreeDiff:
    """The differences of two trees, sorted by path; false for equal trees."""

    only_tag: tuple[GitFile, ...]
    only_rebuilt: tuple[GitFile, ...]
    changed: tuple[Changed, ...]

    def __bool__(self) -> bool:
        return bool(self.only_tag or self.only_rebuilt or self.changed)

    @property
    def summary(self) -> str:
        """``3 files: 1 only in the tag, 0 only in the rebuild, 2 with other content``."""
        counts = [len(each) for each in (self.only_tag, self.only_rebuilt, self.changed)]
        files = counted(sum(counts), "file")
        return (
            f"{files}: {counts[0]} only in the tag, {counts[1]} only in the rebuild, {counts[2]} "
            "with other content"
        )

    def paths(self) -> Iterator[str]:
        """One short row a file, sorted by path."""
        rows = {each.path: f"{each.path} is only in the tag" for each in self.only_tag}
        rows |= {each.path: f"{each.path} is not in the tag" for each in self.only_rebuilt}
        rows |= {each.tag.path: f"{each.tag.path} differs" for each in self.changed}
        return (rows[path] for path in _ordered(rows))


def compare(tag: Sequence[GitFile], rebuilt: Sequence[GitFile]) -> TreeDiff:
    """Compare what two trees hold."""
    ours = {each.path: each for each in rebuilt}
    theirs = {each.path: each for each in tag}
    return TreeDiff(
        tuple(theirs[path] for path in _ordered(theirs.keys() - ours.keys())),
        tuple(ours[path] for path in _ordered(ours.keys() - theirs.keys())),
        tuple(
            Changed(theirs[path], ours[path])
            for path in _ordered(theirs.keys() & ours.keys())
            if (theirs[path].id, theirs[path].mode) != (ours[path].id, ours[path].mode)
        ),
    )


def _ordered(paths: Collection[str]) -> list[str]:
    """In git's order of paths."""
    return sorted(paths, key=lambda path: path.encode(errors="surrogateescape"))


def difference_rows(difference: TreeDiff, within: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """One row a file, sorted by path; below a file the rows that ``within`` has for its path."""
    rows = {each.path: f"only in the tag: {_described(each)}" for each in difference.only_tag}
    rows |= {
        each.path: f"only in the rebuild: {_described(each)}" for each in difference.only_rebuilt
    }
    for change in difference.changed:
        facts = f"tag {_facts(change.tag)}, rebuild {_facts(change.rebuilt)}"
        rows[change.tag.path] = f"differs: {change.tag.path}: {facts}"
    for path in _ordered(rows):
        yield rows[path]
        yield from (f"  {row}" for row in within.get(path, ()))


def _described(file: GitFile) -> str:
    return f"{file.path} ({_facts(file)})"


def _facts(file: GitFile) -> str:
    mode = "" if file.mode == "100644" else f", mode {file.mode}"
    return f"{file.size_bytes} bytes, {file.id[:12]}{mode}"


def is_manifest(path: str) -> bool:
    """Whether a file of the module is a payload's manifest."""
    return _MANIFEST.fullmatch(path) is not None


def manifest_rows(tag: bytes, rebuilt: bytes) -> Iterator[str]:
    """What two manifests say differently, of the tree and entry by entry.

    The tag's may be any bytes: a tag that was tampered with need not be valid.
    """
    try:
        theirs, ours = (_manifest_fields(data) for data in (tag, rebuilt))
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as fault:
        yield f"the tag's file is not a manifest: {fault!r}"
        return
    rows = list(_field_rows(theirs, ours))
    yield from rows or ["the same fields and entries in another order or spacing"]


def _manifest_fields(data: bytes) -> dict[str, object]:
    """A manifest's facts by their names: ``contentHash``, ``python.pbs``, ``entry lib/os.py``."""
    head: dict[str, Any] = json.loads(data)
    lists = {"component": head.pop("components", []), "entry": head.pop("files")}
    fields: dict[str, object] = {}
    for key, value in head.items():
        nested = value.items() if isinstance(value, dict) else ()
        fields |= {f"{key}.{inner}": each for inner, each in nested} or {key: value}
    for title, rows in lists.items():
        for row in map(dict, rows):
            fields[f"{title} {row.pop('name')}"] = row
    return fields


def _field_rows(theirs: Mapping[str, object], ours: Mapping[str, object]) -> Iterator[str]:
    for key in _ordered(theirs.keys() | ours.keys()):
        if key not in ours:
            yield f"{key}: only in the tag"
        elif key not in theirs:
            yield f"{key}: only in the rebuild"
        elif theirs[key] != ours[key]:
            yield f"{key}: {_change(theirs[key], ours[key])}"


def _change(theirs: object, ours: object) -> str:
    """``perm 420 -> 493`` for two entries, ``'a' -> 'b'`` for two values; the tag's first."""
    if not isinstance(theirs, dict) or not isinstance(ours, dict):
        return f"{_short(theirs)} -> {_short(ours)}"
    keys = [key for key in {**theirs, **ours} if theirs.get(key) != ours.get(key)]
    return ", ".join(f"{key} {_short(theirs.get(key))} -> {_short(ours.get(key))}" for key in keys)


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 200 else f"{text[:197]}..."


def commit_rows(tag: str, rebuilt: str) -> Iterator[str]:
    """In what two commits of one tree differ: their headers, and the lines of their messages."""
    if tag != rebuilt:
        yield from list(_commit_rows(tag, rebuilt)) or [
            "the same lines in another order or spacing"
        ]


def _commit_rows(tag: str, rebuilt: str) -> Iterator[str]:
    theirs, their_words = _commit_parts(tag)
    ours, our_words = _commit_parts(rebuilt)
    for key in {**ours, **theirs}:
        if theirs.get(key) != ours.get(key):
            yield f"{key}: tag {theirs.get(key, 'none')}, rebuild {ours.get(key, 'none')}"
    for row in their_words:
        if row not in our_words:
            yield f"message: only in the tag: {row}"
    for row in our_words:
        if row not in their_words:
            yield f"message: only in the rebuild: {row}"


def _commit_parts(commit: str) -> tuple[dict[str, str], list[str]]:
    head, _empty, message = commit.partition("\n\n")
    # A header that goes on, such as a signature, has a space before its further rows.
    rows = head.replace("\n ", " ").splitlines()
    return dict(row.partition(" ")[::2] for row in rows), message.splitlines()


def part_of(
    entries: Collection[GitFile], part: str, blobs: Collection[str]
) -> Mapping[str, GitFile]:
    """What a tag holds of one platform or ``pip``, by path, its blobs as if in the part's folder.

    Which of its ``blobs`` (names) are in ``common/`` depends on the line's other platforms. With
    them come the attributes of that folder, under their own name.
    """
    own, common = f"{part_folder(part)}/", f"{DATA}/{COMMON}/"
    found = {each.path: each for each in entries if each.path.startswith(own)}
    shared = {each.path.removeprefix(common): each for each in entries if is_common(each.path)}
    for name in shared.keys() & set(blobs):
        if own + name not in found:
            found[common + name] = dataclasses.replace(shared[name], path=own + name)
    if any(map(is_common, found)) and (attributes := shared.get(ATTRIBUTES)):
        found[attributes.path] = attributes
    return found


def is_common(path: str) -> bool:
    """Whether a file of the module is one that platforms share."""
    return path.startswith(f"{DATA}/{COMMON}/")
