"""Sizes of payloads and tags: what each step of a build leaves, and what Go fetches of a tag.

Pure: manifests and the sizes of stored files in, sums out.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from dataclasses import dataclass

from pipeline.config.model import PIP_CELL
from pipeline.formats.payload.manifest import FILE_NAME
from pipeline.formats.payload.model import Steps
from pipeline.formats.payload.reader import Payload
from pipeline.publish.breakdown import ContentSize, contents_of_payload
from pipeline.release.module_tree import COMMON, EXAMPLE_MODULE
from pipeline.release.tag_tree import TagContents, part_folder


@dataclass(frozen=True, slots=True)
class PayloadSizes:
    """One payload; ``shared_bytes`` is the part of ``packed_bytes`` that is in ``common/``."""

    name: str
    steps: Steps | None
    contents: tuple[ContentSize, ...]
    manifest_bytes: int
    packed_bytes: int
    shared_bytes: int

    @property
    def plain_bytes(self) -> int:
        """All different contents, uncompressed."""
        return sum(each.plain_bytes for each in self.contents)

    @property
    def embedded_bytes(self) -> int:
        """What a Go binary gets: the manifest and the blobs."""
        return self.manifest_bytes + self.packed_bytes


@dataclass(frozen=True, slots=True)
class TagSizes:
    """One tag; ``other_bytes`` are Go code and texts, ``module_bytes`` all that Go fetches."""

    name: str
    platforms: tuple[PayloadSizes, ...]
    pip: PayloadSizes | None
    other_bytes: int
    module_bytes: int

    @property
    def contents(self) -> tuple[ContentSize, ...]:
        """Those of all platforms and of pip; what is in ``common/`` counts once."""
        first, *others = self.platforms
        own = [each for payload in others for each in payload.contents if not each.shared]
        return (*first.contents, *own, *(self.pip.contents if self.pip else ()))


@dataclass(frozen=True, slots=True)
class StepRow:
    """What each step leaves of a payload, in bytes; ``None`` is unknown.

    ``shared`` is the part of ``packed`` that all platforms of a tag have, ``embedded`` what a Go
    binary gets, ``fetched`` what the module has of it without what is shared.
    """

    name: str
    archive: int | None = None
    unpacked: int | None = None
    trimmed: int | None = None
    stripped: int | None = None
    packed: int | None = None
    shared: int | None = None
    embedded: int | None = None
    fetched: int | None = None


def measure(
    name: str, payload: Payload, manifest_bytes: int, common: Collection[str] = ()
) -> PayloadSizes:
    """The sizes of one payload; ``common`` are the blobs that all platforms of its tag share."""
    sizes = {blob.name: blob.stored_bytes for blob in payload.blobs}
    return PayloadSizes(
        name,
        payload.manifest.about.steps,
        tuple(contents_of_payload(payload, common)),
        manifest_bytes,
        sum(sizes.values()),
        sum(size for blob, size in sizes.items() if blob in common),
    )


def measure_tag(tag: TagContents) -> TagSizes:
    """The sizes of one tag; Go leaves the example module out of what it fetches."""
    sizes = {f.path: f.size_bytes for f in tag.files if not f.path.startswith(EXAMPLE_MODULE)}
    folder = f"{part_folder(COMMON)}/"
    common = {path.removeprefix(folder) for path in sizes if path.startswith(folder)}

    def part(name: str, payload: Payload, shared: Collection[str]) -> PayloadSizes:
        manifest_bytes = sizes[f"{part_folder(name)}/{FILE_NAME}"]
        return measure(f"{tag.tag}/{name}", payload, manifest_bytes, shared)

    platforms = tuple(part(name, each, common) for name, each in tag.payloads.items())
    pip = part(PIP_CELL, tag.pip, ()) if tag.pip else None
    module_bytes = sum(sizes.values())
    own = sum(
        each.embedded_bytes - each.shared_bytes for each in (*platforms, *([pip] if pip else []))
    )
    other_bytes = module_bytes - own - platforms[0].shared_bytes
    return TagSizes(tag.tag, platforms, pip, other_bytes, module_bytes)


def payload_row(payload: PayloadSizes, *, of_tag: bool = False) -> StepRow:
    """A payload's row; of pip's packages only the uncompressed size is known."""
    steps, unshared = payload.steps, payload.embedded_bytes - payload.shared_bytes
    return StepRow(
        payload.name,
        **(dataclasses.asdict(steps) if steps else {"unpacked": payload.plain_bytes}),
        packed=payload.packed_bytes,
        shared=payload.shared_bytes if of_tag else None,
        embedded=payload.embedded_bytes,
        fetched=unshared if of_tag else None,
    )


def tag_rows(tag: TagSizes) -> tuple[StepRow, ...]:
    """A row a platform, and what makes a module of them; the last is the sum of ``fetched``."""
    pip = [tag.pip] if tag.pip else []
    return (
        *(payload_row(each, of_tag=True) for each in (*tag.platforms, *pip)),
        StepRow(f"{tag.name} shared", fetched=tag.platforms[0].shared_bytes),
        StepRow(f"{tag.name} code and texts", fetched=tag.other_bytes),
        StepRow(f"{tag.name} module", fetched=tag.module_bytes),
    )
