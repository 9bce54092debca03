"""Payload format 1.

``manifest`` reads and writes ``files.json``, ``reader`` reads and verifies a payload, ``tarball``
packs several. The room ``build`` makes them.

A payload directory holds ``files.json`` and blobs. A blob is the content of one or more regular
files, stored once: zstd in one frame that records its content size, in several of at most 16 MiB
where the content is larger, or raw where zstd is not smaller. Its file name is the first 32 hex
digits of the sha256 of the uncompressed content, with ``.zst`` appended when it is compressed. In
layout ``stream`` there are no blobs: one file, which the manifest names, holds each distinct
content once, in the order of the sorted entries. Content addressing keeps names that Go module
zips, ``go:embed`` or Windows refuse (``aux.py``, ``N`` beside ``n``, leading dots) out of the
module.
"""
