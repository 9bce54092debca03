"""The files of a tag's release: facts, SBOM, size picture, licences, checksums and notes.

They are made of what tags contain, so the same tags give the same bytes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import semver

from pipeline.config import tags as tag_rules
from pipeline.config.model import FREE_THREADED, Line, PythonVersion
from pipeline.publish.breakdown import break_down
from pipeline.publish.picture import draw
from pipeline.publish.release_notes import (
    NOTES,
    PICTURE,
    SUMS,
    ReleaseSite,
    release_notes,
    site_of,
)
from pipeline.publish.sbom import make_sbom
from pipeline.publish.sizes import measure_tag, tag_rows
from pipeline.publish.tag_facts import TAGS_JSON, dump_tags, facts_of
from pipeline.release.tag_index import TagIndex
from pipeline.release.third_party_licenses import FILE_NAME as NOTICES
from pipeline.system.errors import UsageError
from pipeline.system.files import replace_dir

SBOM = "sbom.cdx.json"
_PYTHON = re.compile(r"^Python: (\S+)$", re.MULTILINE)


def choose_tags(names: Sequence[str], version: semver.Version, index: TagIndex) -> list[str]:
    """``names`` without repetition, else the tags of ``version``; raises ``UsageError``."""
    index.require(names)
    found = [each for each in index.commits if tag_rules.version_of(each) == version]
    if not names and not found:
        raise UsageError(
            f"{index.repo.folder} has no tag of VERSION {version}",
            hint="Make them with 'goempy finalize'; see --repo and --remote.",
        )
    return list(dict.fromkeys(names)) or sorted(found)


def write_assets(
    names: Sequence[str], index: TagIndex, site: ReleaseSite | None, downloads: str, out: Path
) -> Iterator[tuple[str, list[str]]]:
    """Replace the folder of each tag in ``out``; yields the tag and the names of its files.

    ``downloads`` is as in ``make_sbom``. Without ``site`` links lead to the repository that the
    module path names.
    """
    pythons = line_names(index)
    for tag in names:
        folder = index.scratch / tag
        folder.mkdir()
        files = _files(tag, index, pythons, site, downloads)
        for name, data in files.items():
            (folder / name).write_bytes(data)
        replace_dir(folder, out / tag)
        yield tag, sorted(files)


def _files(
    tag: str,
    index: TagIndex,
    pythons: Mapping[str, str],
    site: ReleaseSite | None,
    downloads: str,
) -> Mapping[str, bytes]:
    """What is uploaded, its checksums, and the notes."""
    tree = index.trees([tag])[tag]
    contents = tree.contents()
    sizes = measure_tag(contents)
    now = facts_of(contents, sizes)
    files = {
        TAGS_JSON: dump_tags([now]),
        SBOM: make_sbom(contents, downloads),
        PICTURE: draw(tag_rows(sizes), break_down(tag, sizes.contents)),
    }
    if notices := tree.read(NOTICES):
        files[NOTICES] = notices
    rows = [f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files)]
    files[SUMS] = "".join(rows).encode()
    before = None
    if earlier := previous_tag(tag, now.line.minor_name, pythons):
        contents = index.trees([earlier])[earlier].contents()
        before = facts_of(contents, measure_tag(contents))
    files[NOTES] = release_notes(now, before, site or site_of(now.module)).encode()
    return files


def line_names(index: TagIndex) -> dict[str, str]:
    """The name of each tag's line, such as ``3.14.9t``.

    The commit of a primary tag has it in its message; ``""`` for one that does not.
    """
    primary = [tag for tag in index.commits if not tag_rules.sort_key(tag).prerelease]
    matches = {tag: _PYTHON.search(text) for tag, text in index.commit_texts(primary).items()}
    return {
        tag: (tag_rules.sort_key(tag).prerelease or "").removeprefix("py")
        or (match[1] if (match := matches.get(tag)) else "")
        for tag in index.commits
    }


def newest_tags(index: TagIndex) -> list[str]:
    """The tags of the newest VERSION, sorted."""
    names = [each for each in index.commits if tag_rules.version_of(each) == index.newest]
    return sorted(names, key=tag_rules.sort_key)


def previous_tag(tag: str, minor: str, pythons: Mapping[str, str]) -> str:
    """The newest tag of an earlier VERSION whose line is of ``minor``, ``""`` for none."""
    version = tag_rules.sort_key(tag).finalize_version()

    def key(each: str) -> tuple[semver.Version, bool, semver.Version]:
        whole = tag_rules.sort_key(each)
        # Of one VERSION the primary sorts highest; a tag that names its line comes first here.
        return whole.finalize_version(), bool(whole.prerelease), whole

    earlier = [
        each
        for each, python in pythons.items()
        if key(each)[0] < version and minor_of(python) == minor
    ]
    return max(earlier, key=key, default="")


def minor_of(python: str) -> str:
    """``3.14t`` for the line ``3.14.9t``, ``""`` for any other text."""
    version = python.removesuffix("t")
    try:
        line = Line(PythonVersion.parse(version), "", FREE_THREADED if version != python else "")
    except ValueError:
        return ""
    return line.minor_name
