"""Make a payload directory of staged contents: store them, list them, and rename it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.build.compress import Blob
from pipeline.build.compressor import Compressor, compress_all, write_stream
from pipeline.build.frames import STREAM
from pipeline.build.staging import Stage, StagedContent
from pipeline.config.model import PayloadConfig
from pipeline.formats.payload.manifest import FILE_NAME, dump_manifest, file_entry, make_manifest
from pipeline.formats.payload.model import Entry, Manifest, PayloadMetadata
from pipeline.system.files import disk_errors, replace_dir


@dataclass(frozen=True, slots=True)
class PackFile:
    """A regular file of a payload."""

    name: str
    content: StagedContent
    executable: bool = False


@dataclass(frozen=True, slots=True)
class Tree:
    """Files, entries without content, and metadata for a payload."""

    files: tuple[PackFile, ...]
    others: tuple[Entry, ...]
    about: PayloadMetadata = field(default_factory=PayloadMetadata)

    @property
    def content_bytes(self) -> int:
        """The contents, each different one once."""
        return sum({file.content.sha256: file.content.size_bytes for file in self.files}.values())


@dataclass(frozen=True, slots=True)
class Packed:
    """A payload that was written; ``packed_bytes`` counts each blob once."""

    folder: Path
    manifest: Manifest
    packed_bytes: int


def pack_tree(
    stage: Stage,
    tree: Tree,
    target: Path,
    config: PayloadConfig,
    compressor: Compressor,
    advance: Callable[[int], None] = lambda _count: None,
) -> Packed:
    """Make the payload of ``tree``, whose contents are staged, at ``target``: whole or not at all.

    ``advance`` is called with counts of bytes read, from several threads; what it raises is raised
    here promptly. Raises ``PayloadError`` for a tree that cannot be a payload.
    """
    folder = stage.folder.with_name("payload")
    folder.mkdir()
    ordered = sorted(tree.files, key=lambda file: file.name.encode(errors="surrogateescape"))
    contents = list({file.content.sha256: file.content for file in ordered}.values())
    stream, blobs = "", dict[str, Blob]()
    if config.layout == STREAM:
        stream, stored = write_stream(contents, stage, folder, config, compressor, advance)
    else:
        blobs = compress_all(contents, stage, folder, config, compressor, advance)
        stored = sum(blob.stored_bytes for blob in blobs.values())
    manifest = make_manifest(
        [*(_entry(file, blobs) for file in ordered), *tree.others],
        tree.about,
        stream=stream,
    )
    with disk_errors(folder):
        (folder / FILE_NAME).write_bytes(dump_manifest(manifest))
    replace_dir(folder, target)
    return Packed(target, manifest, stored)


def _entry(file: PackFile, blobs: Mapping[str, Blob]) -> Entry:
    blob = blobs.get(file.content.sha256)
    return file_entry(
        file.name,
        executable=file.executable,
        size_bytes=file.content.size_bytes,
        sha256=file.content.sha256,
        codec=blob.codec if blob else "",
    )
