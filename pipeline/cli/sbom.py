"""``goempy sbom``: the bill of materials of a tag, from what the tag itself holds."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from pipeline.cli.requests import SbomRequest
from pipeline.cli.workspace import Session
from pipeline.config.model import PIP_CELL
from pipeline.formats.payload.manifest import parse_manifest
from pipeline.publish.sbom import PlatformManifest, TagContents, make_sbom
from pipeline.publish.sizes import manifests_of
from pipeline.system.errors import UsageError
from pipeline.system.files import write_atomically
from pipeline.system.git import Commit, Git, GitFile
from pipeline.system.suggest import near_names

_MODULE = re.compile(rb"^module (\S+)$", re.MULTILINE)
_NO_TAG = "Name a tag that 'goempy finalize' or 'goempy release' made; see --repo."


def sbom(request: SbomRequest, session: Session) -> None:
    """Print the bill of materials, or write it to a file."""
    repo = Git((request.repo or session.root).resolve(), session.env)
    repo.git_dir()
    text = make_sbom(read_tag(request.tag, repo))
    if request.out is None:
        # As it is: between the colons of a CPE name rich would look for emoji.
        session.console.out.out(text.decode(), highlight=False, end="")
        return
    write_atomically(request.out.resolve(), text)
    session.console.info(f"{request.out} is the bill of materials of {request.tag}")


def read_tag(tag: str, repo: Git) -> TagContents:
    """What a tag holds; raises ``UsageError`` for one that is not there or is no release."""
    tags = repo.tags()
    if tag not in tags:
        raise UsageError(
            f"{repo.folder} has no such tag",
            details=[near_names("tag", tag, tags) if tags else f"no tag {tag!r}, nor any other"],
            hint=_NO_TAG,
        )
    return read_contents(tag, repo.commit(f"refs/tags/{tag}"), repo)


def read_contents(tag: str, commit: Commit, repo: Git) -> TagContents:
    """What the commit of a tag holds; raises ``UsageError`` for one that is no release."""
    files = repo.files(commit.id)
    module = _module_path(files, repo)
    manifests = {
        name: parse_manifest(repo.read_blob(file.id), where=f"{tag}:{file.path}")
        for name, file in sorted(manifests_of(files).items())
    }
    platforms = [PlatformManifest(n, each) for n, each in manifests.items() if n != PIP_CELL]
    if not module or not platforms:
        raise UsageError(f"{tag} is not a release: it holds no payloads", hint=_NO_TAG)
    return TagContents(module, tag, _date(commit.date), tuple(platforms), manifests.get(PIP_CELL))


def _module_path(files: Iterable[GitFile], repo: Git) -> str:
    """The path that go.mod names, ``""`` where there is none."""
    texts = [repo.read_blob(file.id) for file in files if file.path == "go.mod"]
    match = _MODULE.search(texts[0]) if texts else None
    return match[1].decode() if match else ""


def _date(raw: str) -> datetime:
    """The time of git's raw form, which is in seconds since 1970; the zone is for people."""
    return datetime.fromtimestamp(int(raw.split(maxsplit=1)[0]), UTC)
