"""Payload format 1.

``manifest`` reads and writes ``files.json``; ``stage``, ``compress`` and ``pack`` make a payload
directory from contents; ``check`` reads one back and proves it; ``recipe`` is the digest of what
decides its bytes.

A payload directory holds ``files.json`` and blobs. A blob is the content of one or more regular
files, stored once: zstd in one frame that records its content size, or raw where zstd is not
smaller. Its file name is the first 32 hex digits of the sha256 of the uncompressed content, with
``.zst`` behind it when it is compressed. In layout ``stream`` there are no blobs: one file, which
the manifest names, holds all contents one after the other, in the order of the sorted entries,
each different content once. Content addressing keeps names that Go module zips, ``go:embed`` or
Windows refuse (``aux.py``, ``N`` beside ``n``, leading dots) out of the module.
"""
